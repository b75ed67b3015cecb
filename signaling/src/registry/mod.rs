//! Names, invites and revocations on disk (redb). Every change is durable before the call returns: it survives a kill -9.
//! A change that the disk refuses has not happened, and the next one finds the file opened anew.

mod file;

use std::collections::BTreeSet;
use std::path::Path;

use b4_protocol::codec::Malformed;
use b4_protocol::identity::{REVOCATIONS_MAX, UserId};
use b4_protocol::time::{DAY_MS, SECOND_MS};
use redb::{ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};

use self::file::DatabaseFile;
use crate::authority::{Issued, NameRecord, Refusal};
use crate::relay::{Directory, DirectoryError, KnownDevice};

/// Name -> record.
const NAMES: TableDefinition<&str, &[u8]> = TableDefinition::new("names");
/// H(invite) -> when it was made. A used one is removed.
const INVITES: TableDefinition<&[u8; 32], u64> = TableDefinition::new("invites");
/// H(serial) -> when its certificate ends by itself.
const REVOKED: TableDefinition<&[u8; 32], u64> = TableDefinition::new("revoked");
/// The newest signed revocation list, and whether it lacks something.
const LIST: TableDefinition<&str, &[u8]> = TableDefinition::new("list");

/// How long a revocation is remembered after its certificate has ended: a clock that ran ahead for a while loses none.
const REVOCATION_KEPT_MS: u64 = 400 * DAY_MS;

/// How long after its certificate's end a revocation is still listed: mail that the key signed before, or dates so, may lie that long
/// (PROTOCOL.md#envelope).
const LISTED_AFTER_MS: u64 = 31 * DAY_MS;

/// Why the registry cannot do something. All of it is our environment's fault.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// Another process has it open.
    #[error("the registry is in use by a running server")]
    InUse,
    /// The disk failed a moment ago, and the file has not been opened again yet.
    #[error("the registry is closed after a failure of the disk, and will be opened again")]
    Closed,
    /// The disk or the file failed.
    #[error("the registry failed: {0}")]
    Storage(#[source] Box<redb::Error>),
    /// A record cannot be read.
    #[error("the registry holds a record that cannot be read: {0}")]
    Record(#[from] Malformed),
}

macro_rules! storage_errors {
    ($($error:ident)*) => {
        $(impl From<redb::$error> for RegistryError {
            fn from(error: redb::$error) -> Self {
                Self::Storage(Box::new(error.into()))
            }
        })*
    };
}

storage_errors!(DatabaseError TransactionError TableError StorageError CommitError);

/// What became of an enrolment.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// The request gets nothing.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// The registry failed.
    #[error("{0}")]
    Registry(#[from] RegistryError),
}

/// The registry.
pub struct Registry {
    file: DatabaseFile,
}

impl Registry {
    /// Opens or makes the file.
    ///
    /// # Errors
    /// `InUse` while another process has it open, else what the disk says.
    pub fn open(path: &Path) -> Result<Self, RegistryError> {
        let file = DatabaseFile::open(path)?;
        file.with_open(|database| {
            let transaction = database.begin_write()?;
            transaction.open_table(NAMES)?;
            transaction.open_table(INVITES)?;
            transaction.open_table(REVOKED)?;
            transaction.open_table(LIST)?;
            Ok(transaction.commit()?)
        })?;
        Ok(Self { file })
    }

    /// What is known of a name.
    ///
    /// # Errors
    /// See [`RegistryError`].
    pub fn name(&self, user: &UserId) -> Result<Option<NameRecord>, RegistryError> {
        self.read(|transaction| record_of(user, &transaction.open_table(NAMES)?))
    }

    /// How many names are taken.
    ///
    /// # Errors
    /// See [`RegistryError`].
    pub fn names(&self) -> Result<u64, RegistryError> {
        use redb::ReadableTableMetadata;
        self.read(|transaction| Ok(transaction.open_table(NAMES)?.len()?))
    }

    /// Decides on a name in one transaction, so that of two who complete at once one is first. `invite` is used up when the
    /// name is new and one is given.
    ///
    /// # Errors
    /// What `decide` refuses, `BadInvite` when the invite is gone, or [`RegistryError`].
    pub fn claim(
        &self,
        user: &UserId,
        invite: Option<&[u8; 32]>,
        decide: impl FnOnce(Option<&NameRecord>) -> Result<Issued, Refusal>,
    ) -> Result<Vec<u8>, ClaimError> {
        let claimed = self.write(|transaction| {
            let mut names = transaction.open_table(NAMES)?;
            let known = record_of(user, &names)?;
            let issued = match decide(known.as_ref()) {
                Ok(issued) => issued,
                Err(refusal) => return Ok(Outcome::Unchanged(Err(refusal))),
            };
            let Some(record) = issued.record else { return Ok(Outcome::Unchanged(Ok(issued.certificate))) };
            if let (None, Some(invite)) = (&known, invite)
                && transaction.open_table(INVITES)?.remove(invite)?.is_none()
            {
                return Ok(Outcome::Unchanged(Err(Refusal::BadInvite)));
            }
            names.insert(user.as_str(), record.encode().as_slice())?;
            Ok(Outcome::Changed(Ok(issued.certificate)))
        });
        Ok(claimed??)
    }

    /// Keeps the hash of an invite.
    ///
    /// # Errors
    /// See [`RegistryError`].
    pub fn add_invite(&self, invite: &[u8; 32], now_ms: u64) -> Result<(), RegistryError> {
        self.write(|transaction| {
            transaction.open_table(INVITES)?.insert(invite, now_ms)?;
            Ok(Outcome::Changed(()))
        })
    }

    /// Whether an invite of this hash is unused.
    ///
    /// # Errors
    /// See [`RegistryError`].
    pub fn has_invite(&self, invite: &[u8; 32]) -> Result<bool, RegistryError> {
        self.read(|transaction| Ok(transaction.open_table(INVITES)?.get(invite)?.is_some()))
    }

    /// Takes a name's certificates back; how many are still valid, or `None` for an unknown name. The name stays taken.
    ///
    /// # Errors
    /// See [`RegistryError`].
    pub fn revoke(&self, user: &UserId, now_ms: u64) -> Result<Option<usize>, RegistryError> {
        self.write(|transaction| {
            let mut names = transaction.open_table(NAMES)?;
            let Some(mut record) = record_of(user, &names)? else { return Ok(Outcome::Unchanged(None)) };
            let count = take_back(transaction, &record, now_ms)?;
            record.devices.iter_mut().for_each(|device| device.revoked = true);
            names.insert(user.as_str(), record.encode().as_slice())?;
            Ok(Outcome::Changed(Some(count)))
        })
    }

    /// Takes a name's certificates back and forgets the name, which anybody may enrol then; `None` for an unknown name.
    ///
    /// # Errors
    /// See [`RegistryError`].
    pub fn release(&self, user: &UserId, now_ms: u64) -> Result<Option<usize>, RegistryError> {
        self.write(|transaction| {
            let mut names = transaction.open_table(NAMES)?;
            let Some(record) = record_of(user, &names)? else { return Ok(Outcome::Unchanged(None)) };
            let count = take_back(transaction, &record, now_ms)?;
            names.remove(user.as_str())?;
            Ok(Outcome::Changed(Some(count)))
        })
    }

    /// Whether an authority has ever worked with it: a list was signed, as every server does when it starts.
    ///
    /// # Errors
    /// See [`RegistryError`].
    pub fn is_used(&self) -> Result<bool, RegistryError> {
        self.read(|transaction| Ok(transaction.open_table(LIST)?.get("sequence")?.is_some()))
    }

    /// The newest signed list, unless one has to be signed first.
    ///
    /// # Errors
    /// See [`RegistryError`].
    pub fn complete_list(&self) -> Result<Option<Vec<u8>>, RegistryError> {
        self.read(|transaction| {
            let list = transaction.open_table(LIST)?;
            if list.get("lacks")?.is_some() {
                return Ok(None);
            }
            Ok(list.get("signed")?.map(|bytes| bytes.value().to_vec()))
        })
    }

    /// Signs a list of what is revoked and has not ended 31 days ago, under the next sequence, and keeps it.
    ///
    /// The sequence is never below the seconds since 1970, so that one begun anew, after the registry was lost or an older copy
    /// put back, goes on above all that pages have seen.
    ///
    /// # Errors
    /// See [`RegistryError`].
    pub fn sign_list(
        &self,
        now_ms: u64,
        sign: impl FnOnce(u64, &BTreeSet<[u8; 32]>) -> Vec<u8>,
    ) -> Result<Vec<u8>, RegistryError> {
        self.write(|transaction| {
            let mut revoked = transaction.open_table(REVOKED)?;
            revoked.retain(|_, not_after_ms| not_after_ms.saturating_add(REVOCATION_KEPT_MS) > now_ms)?;
            let mut serials = BTreeSet::new();
            let mut left_out = 0;
            for entry in revoked.iter()? {
                let (serial_hash, not_after_ms) = entry?;
                if not_after_ms.value().saturating_add(LISTED_AFTER_MS) <= now_ms {
                    continue;
                }
                if serials.len() < REVOCATIONS_MAX {
                    serials.insert(*serial_hash.value());
                } else {
                    left_out += 1;
                }
            }
            if left_out > 0 {
                tracing::error!(left_out, "the revocation list is full: it lacks certificates that were taken back");
            }
            let mut list = transaction.open_table(LIST)?;
            let last = list.get("sequence")?.and_then(|bytes| bytes.value().try_into().ok().map(u64::from_be_bytes));
            let sequence = last.map_or(0, |last| last.saturating_add(1)).max(now_ms / SECOND_MS);
            let signed = sign(sequence, &serials);
            list.insert("sequence", sequence.to_be_bytes().as_slice())?;
            list.insert("signed", signed.as_slice())?;
            list.remove("lacks")?;
            Ok(Outcome::Changed(signed))
        })
    }

    fn read<T>(&self, work: impl FnOnce(&ReadTransaction) -> Result<T, RegistryError>) -> Result<T, RegistryError> {
        self.file.with(|database| work(&database.begin_read()?))
    }

    /// One transaction, which is on the disk when this returns `Ok`.
    fn write<T>(
        &self,
        work: impl FnOnce(&WriteTransaction) -> Result<Outcome<T>, RegistryError>,
    ) -> Result<T, RegistryError> {
        self.file.with(|database| {
            let transaction = database.begin_write()?;
            match work(&transaction)? {
                Outcome::Unchanged(said) => Ok(said),
                Outcome::Changed(said) => {
                    transaction.commit()?;
                    Ok(said)
                }
            }
        })
    }
}

/// What a transaction has to say, and whether there is something to commit.
enum Outcome<T> {
    Unchanged(T),
    Changed(T),
}

fn record_of(
    user: &UserId,
    names: &impl ReadableTable<&'static str, &'static [u8]>,
) -> Result<Option<NameRecord>, RegistryError> {
    let bytes = names.get(user.as_str())?;
    Ok(bytes.map(|bytes| NameRecord::decode(bytes.value())).transpose()?)
}

/// Puts every certificate of a record that can still be believed, for mail of its time, among the revoked; how many.
fn take_back(transaction: &WriteTransaction, record: &NameRecord, now_ms: u64) -> Result<usize, RegistryError> {
    let mut revoked = transaction.open_table(REVOKED)?;
    let mut count = 0;
    for device in &record.devices {
        let newest = (device.serial_hash, device.not_after_ms);
        for (serial_hash, not_after_ms) in device.superseded.iter().copied().chain([newest]) {
            if not_after_ms.saturating_add(LISTED_AFTER_MS) > now_ms {
                revoked.insert(&serial_hash, not_after_ms)?;
                count += 1;
            }
        }
    }
    transaction.open_table(LIST)?.insert("lacks", [1].as_slice())?;
    Ok(count)
}

impl Directory for Registry {
    fn devices(&self, user: &UserId, now_ms: u64) -> Result<Option<Vec<KnownDevice>>, DirectoryError> {
        // The relay asks while it holds everything else up: it does not wait for a reopening.
        let known = self.file.with_open(|database| record_of(user, &database.begin_read()?.open_table(NAMES)?));
        let record = known.map_err(|error| {
            tracing::error!(%error, "lookup failed");
            DirectoryError
        })?;
        let usable = |record: NameRecord| {
            let devices = record.devices.into_iter().filter(|device| !device.revoked && device.not_after_ms > now_ms);
            devices.map(|device| KnownDevice { node: device.node, certificate: device.certificate }).collect()
        };
        Ok(record.map(usable))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authority::issue;
    use b4_protocol::crypto::Rng;
    use b4_protocol::identity::EnrolmentRequest;
    use b4_protocol::identity::testing::{NOW_MS, TestAuthority, device_keys, request_of};
    use b4_protocol::time::DAY_MS;

    fn user(name: &str) -> UserId {
        UserId::parse(name).expect("a name")
    }

    fn claim(registry: &Registry, name: &str, keys: usize, invite: Option<&[u8; 32]>) -> Result<Vec<u8>, ClaimError> {
        let (authority, mut rng) = (TestAuthority::new([1; 32]), Rng::from_seed([keys as u8; 32]));
        let csr = request_of(name, &device_keys(keys), &mut rng);
        let request = EnrolmentRequest::parse(&csr).expect("a good request");
        registry.claim(&user(name), invite, |known| issue(authority.issuer(), &mut rng, &request, known, NOW_MS))
    }

    fn fresh() -> (tempfile::TempDir, Registry) {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let registry = Registry::open(&dir.path().join("registry.redb")).expect("a new registry");
        (dir, registry)
    }

    #[test]
    fn a_name_is_kept_over_a_reopening_and_belongs_to_the_first() {
        let (dir, registry) = fresh();
        let first = claim(&registry, "anna", 0, None).expect("a free name");
        assert!(matches!(claim(&registry, "anna", 1, None), Err(ClaimError::Refused(Refusal::Taken))));
        let path = dir.path().join("registry.redb");
        assert!(matches!(Registry::open(&path), Err(RegistryError::InUse)));
        drop(registry);
        let registry = Registry::open(&path).expect("the registry");
        let devices = registry.devices(&user("anna"), NOW_MS).expect("readable").expect("known");
        assert_eq!(devices[0].certificate, first);
        assert_eq!((registry.devices(&user("bert"), NOW_MS), registry.names().expect("readable")), (Ok(None), 1));
        assert_eq!(registry.devices(&user("anna"), NOW_MS + 91 * DAY_MS), Ok(Some(vec![])));
    }

    #[test]
    fn an_invite_serves_one_name() {
        let (_dir, registry) = fresh();
        registry.add_invite(&[7; 32], NOW_MS).expect("kept");
        assert!(registry.has_invite(&[7; 32]).expect("readable"));
        assert!(matches!(claim(&registry, "anna", 0, Some(&[8; 32])), Err(ClaimError::Refused(Refusal::BadInvite))));
        assert!(registry.name(&user("anna")).expect("readable").is_none());
        assert!(claim(&registry, "anna", 0, Some(&[7; 32])).is_ok());
        assert!(matches!(claim(&registry, "bert", 1, Some(&[7; 32])), Err(ClaimError::Refused(Refusal::BadInvite))));
        assert!(claim(&registry, "anna", 0, Some(&[7; 32])).is_ok(), "the owner needs no invite");
    }

    #[test]
    fn a_revoked_name_is_listed_until_no_mail_of_its_certificate_can_lie_anywhere() {
        let (_dir, registry) = fresh();
        claim(&registry, "anna", 0, None).expect("a free name");
        let sign = |now| {
            let mut seen = (0, 0);
            registry
                .sign_list(now, |sequence, serials| {
                    seen = (sequence, serials.len());
                    vec![1]
                })
                .expect("kept");
            seen
        };
        assert_eq!(registry.complete_list().expect("readable"), None);
        let first = NOW_MS / SECOND_MS;
        assert_eq!(sign(NOW_MS), (first, 0));
        assert_eq!(registry.complete_list().expect("readable"), Some(vec![1]));
        assert_eq!(registry.revoke(&user("nobody"), NOW_MS).expect("readable"), None);
        assert_eq!(registry.revoke(&user("anna"), NOW_MS).expect("kept"), Some(1));
        assert_eq!(registry.complete_list().expect("readable"), None);
        assert_eq!(sign(NOW_MS), (first + 1, 1));
        assert_eq!(registry.devices(&user("anna"), NOW_MS), Ok(Some(vec![])));
        let ahead = first + 121 * DAY_MS / SECOND_MS;
        assert_eq!(sign(NOW_MS + 91 * DAY_MS).1, 1, "it has ended, and what it signed before may still lie somewhere");
        assert_eq!(sign(NOW_MS + 121 * DAY_MS), (ahead, 0));
        assert_eq!(sign(NOW_MS), (ahead + 1, 1), "a clock that ran ahead has lost nothing");
    }

    #[test]
    fn a_released_name_is_free_and_its_certificates_are_taken_back() {
        let (_dir, registry) = fresh();
        let first = claim(&registry, "anna", 0, None).expect("a free name");
        let _ = registry.sign_list(NOW_MS, |_, _| vec![]).expect("kept");
        assert_eq!(registry.release(&user("nobody"), NOW_MS).expect("readable"), None);
        assert_eq!(registry.complete_list().expect("readable"), Some(vec![]));
        assert_eq!(registry.release(&user("anna"), NOW_MS).expect("kept"), Some(1));
        assert_eq!((registry.name(&user("anna")).expect("readable"), registry.complete_list().expect("readable")), (None, None));
        assert_ne!(claim(&registry, "anna", 1, None).expect("free again"), first);
        let _ = registry.sign_list(NOW_MS, |_, serials| vec![serials.len() as u8]).expect("kept");
        assert_eq!(registry.complete_list().expect("readable"), Some(vec![1]));
    }
}
