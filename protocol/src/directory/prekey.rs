//! Prekeys: what a record says of one, and the private halves that this device keeps, with the rows that keep them.
//!
//! A prekey's life: it is drawn, written, and only once it is durable named by the record; after fourteen days another takes its place
//! there; what was sealed to it until then opens for as long as an envelope may lie; after 45 days its private half is erased.
//!
//! Deliberately absent: who writes the rows, and when the record is signed anew.

use zeroize::Zeroize;

use crate::codec::{Malformed, Reader, Writer};
use crate::crypto::{KeyOp, PrekeySecret, Rng, sha256};
use crate::identity::VerifiedCertificate;
use crate::limits::{CLOCK_SKEW_MS, PREKEY_FRESH_MS, PREKEY_KEPT_MS, PREKEY_SEALED_TO_MS, PREKEYS_MAX};
use crate::store::{Row, Table, Write};
use crate::time::SECOND_MS;

/// Label of the signature over a prekey by a device that does not sign the record (PROTOCOL.md#records-and-presence).
pub(super) const LABEL: &[u8] = b"B4/v1/prekey";
/// First byte of the keys of private halves, in `Table::Meta`.
const ROW_PREFIX: u8 = b'p';
/// First byte of their values.
const ROW_VERSION: u8 = 1;

/// The public half of a prekey, as a record has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Prekey {
    /// X25519.
    pub public: [u8; 32],
    /// When it was drawn, in seconds since 1970 on its device's clock.
    pub created_s: u32,
}

impl Prekey {
    /// Whether an envelope may be sealed to it at `wall_ms`: it is under fifteen days old, so that its private half outlives whatever
    /// is sealed now; and not from the future, beyond what clocks differ (PROTOCOL.md#records-and-presence).
    pub fn serves(&self, wall_ms: u64) -> bool {
        self.is_younger(PREKEY_SEALED_TO_MS, wall_ms)
    }

    /// What its device must sign where it does not sign the record itself.
    pub fn key_op(&self, device: &VerifiedCertificate) -> KeyOp {
        KeyOp::Sign { message: [LABEL, &self.signed_body(device)].concat() }
    }

    /// H(certificate)(32) | public(32) | created(4)
    pub(super) fn signed_body(&self, device: &VerifiedCertificate) -> Vec<u8> {
        self.write(Writer::new().raw(&device.hash())).into_bytes()
    }

    /// public(32) | created(4)
    pub(super) fn write(&self, writer: Writer) -> Writer {
        writer.raw(&self.public).u32(self.created_s)
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self { public: reader.array()?, created_s: reader.u32()? })
    }

    fn created_ms(&self) -> u64 {
        u64::from(self.created_s) * SECOND_MS
    }

    /// One from the future is of no age at all.
    fn is_younger(&self, age_ms: u64, wall_ms: u64) -> bool {
        self.created_ms() <= wall_ms.saturating_add(CLOCK_SKEW_MS) && wall_ms < self.created_ms() + age_ms
    }

    fn is_over(&self, wall_ms: u64) -> bool {
        wall_ms >= self.created_ms() + PREKEY_KEPT_MS
    }
}

/// The private halves that this device keeps.
///
/// ```text
/// row of `meta`: key = 'p'(1) | public(32)    value = version(1) = 1 | created(4, seconds since 1970) | private(32)
/// ```
#[derive(Default)]
pub struct Prekeys {
    kept: Vec<Kept>,
}

struct Kept {
    prekey: Prekey,
    secret: PrekeySecret,
    is_durable: bool,
}

/// What tending comes to.
#[derive(Debug, Default)]
pub struct Tended {
    /// What the store is to write, in order.
    pub writes: Vec<Write>,
    /// The prekey that is new with them; [`Prekeys::stored`] wants to hear when they are durable.
    pub made: Option<Prekey>,
}

impl Prekeys {
    /// What the store has. The private halves are erased from `rows`. A damaged row is passed over, and to be deleted: the writes say so.
    pub fn restore(rows: &mut [Row]) -> (Self, Vec<Write>) {
        let (mut prekeys, mut writes) = (Self::default(), Vec::new());
        for row in rows.iter_mut().filter(|row| row.table == Table::Meta && row.key.first() == Some(&ROW_PREFIX)) {
            match Kept::read(&row.key, &row.value) {
                Ok(kept) => prekeys.kept.push(kept),
                // A row of a later version is that version's business.
                Err(Malformed) if row.value.first().is_some_and(|version| *version > ROW_VERSION) => {}
                Err(Malformed) => writes.push(Write { table: Table::Meta, key: row.key.clone(), value: None }),
            }
            row.value.zeroize();
        }
        (prekeys, writes)
    }

    /// Erases what is over. With `rng`, draws a new prekey where none is under fourteen days old, or those that seem to be are from
    /// the future: the clock was wrong then, or is now. Of more than six the one furthest from now goes: of those that are left by a
    /// clock that jumps, too, there is an end.
    pub fn tend(&mut self, wall_ms: u64, rng: Option<&mut Rng>) -> Tended {
        let mut tended = Tended::default();
        self.erase(&mut tended.writes, |prekey| prekey.is_over(wall_ms));
        let is_fresh = |kept: &Kept| kept.prekey.is_younger(PREKEY_FRESH_MS, wall_ms);
        let Some(rng) = rng.filter(|_| !self.kept.iter().any(is_fresh)) else { return tended };
        if self.kept.len() >= PREKEYS_MAX {
            let furthest = self.kept.iter().map(|kept| kept.prekey).max_by_key(|prekey| prekey.created_ms().abs_diff(wall_ms));
            self.erase(&mut tended.writes, |prekey| Some(*prekey) == furthest);
        }
        let secret = PrekeySecret::draw(rng);
        let created_s = u32::try_from(wall_ms / SECOND_MS).unwrap_or(u32::MAX);
        let kept = Kept { prekey: Prekey { public: secret.public(), created_s }, secret, is_durable: false };
        tended.writes.push(kept.row());
        tended.made = Some(kept.prekey);
        self.kept.push(kept);
        tended
    }

    fn erase(&mut self, writes: &mut Vec<Write>, is_gone: impl Fn(&Prekey) -> bool) {
        self.kept.retain(|kept| {
            let stays = !is_gone(&kept.prekey);
            if !stays {
                writes.push(Write { table: Table::Meta, key: row_key(&kept.prekey), value: None });
            }
            stays
        });
    }

    /// A new prekey is durable: from now on the record may name it.
    pub fn stored(&mut self, prekey: &Prekey) {
        self.kept.iter_mut().filter(|kept| kept.prekey == *prekey).for_each(|kept| kept.is_durable = true);
    }

    /// The prekey for the record: the newest that is durable and serves at `wall_ms`.
    pub fn offered(&self, wall_ms: u64) -> Option<Prekey> {
        let offered = self.kept.iter().filter(|kept| kept.is_durable && kept.prekey.serves(wall_ms));
        offered.map(|kept| kept.prekey).max_by_key(|prekey| prekey.created_s)
    }

    /// The private half of the prekey whose public half hashes to `hash`. `None` for one that is erased, or never was here.
    pub fn secret(&self, hash: &[u8; 32]) -> Option<&PrekeySecret> {
        self.kept.iter().find(|kept| sha256(&[&kept.prekey.public]) == *hash).map(|kept| &kept.secret)
    }
}

impl Kept {
    fn row(&self) -> Write {
        let secret = self.secret.to_bytes();
        // Of its full size from the start: growing would leave copies of what is in it.
        let mut value = Vec::with_capacity(1 + 4 + 32);
        value.push(ROW_VERSION);
        value.extend_from_slice(&self.prekey.created_s.to_be_bytes());
        value.extend_from_slice(secret.as_slice());
        Write { table: Table::Meta, key: row_key(&self.prekey), value: Some(value) }
    }

    /// The key is the public half of what is in the value, or one of them is damaged.
    fn read(key: &[u8], value: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(value);
        let (version, created_s) = (reader.u8()?, reader.u32()?);
        let secret = PrekeySecret::from_bytes(reader.bytes(32)?.try_into().map_err(|_| Malformed)?);
        reader.finish()?;
        let prekey = Prekey { public: secret.public(), created_s };
        let is_whole = version == ROW_VERSION && row_key(&prekey) == key;
        if is_whole { Ok(Self { prekey, secret, is_durable: true }) } else { Err(Malformed) }
    }
}

fn row_key(prekey: &Prekey) -> Vec<u8> {
    Writer::new().u8(ROW_PREFIX).raw(&prekey.public).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::testing::NOW_MS;
    use crate::time::{DAY_MS, HOUR_MS, MINUTE_MS};

    /// A store: what is written is durable at once, unless somebody looks before.
    #[derive(Default)]
    struct Disk {
        rows: Vec<Row>,
    }

    impl Disk {
        fn write(&mut self, writes: Vec<Write>) {
            for Write { table, key, value } in writes {
                self.rows.retain(|row| row.key != key);
                self.rows.extend(value.map(|value| Row { table, key, value }));
            }
        }

        fn restored(&self) -> Prekeys {
            Prekeys::restore(&mut self.rows.clone()).0
        }

        fn tend(&mut self, prekeys: &mut Prekeys, wall_ms: u64, rng: &mut Rng) -> Option<Prekey> {
            let Tended { writes, made } = prekeys.tend(wall_ms, Some(rng));
            self.write(writes);
            made.iter().for_each(|made| prekeys.stored(made));
            made
        }
    }

    fn rng() -> Rng {
        Rng::from_seed([7; 32])
    }

    fn hash(prekey: &Prekey) -> [u8; 32] {
        sha256(&[&prekey.public])
    }

    #[test]
    fn a_prekey_is_offered_only_once_it_is_durable() {
        let mut prekeys = Prekeys::default();
        let Tended { writes, made } = prekeys.tend(NOW_MS, Some(&mut rng()));
        assert_eq!((writes.len(), prekeys.offered(NOW_MS)), (1, None));
        assert_eq!(prekeys.tend(NOW_MS + HOUR_MS, Some(&mut rng())).made, None, "one that is on its way is enough");
        prekeys.stored(&made.expect("a prekey"));
        assert_eq!(prekeys.offered(NOW_MS), made);
    }

    #[test]
    fn who_is_no_member_makes_none() {
        let tended = Prekeys::default().tend(NOW_MS, None);
        assert!(tended.writes.is_empty() && tended.made.is_none());
    }

    #[test]
    fn a_prekey_is_replaced_after_fourteen_days_and_erased_after_forty_five() {
        let (mut disk, mut prekeys, mut rng) = (Disk::default(), Prekeys::default(), rng());
        let first = disk.tend(&mut prekeys, NOW_MS, &mut rng).expect("a prekey");
        assert_eq!(disk.tend(&mut prekeys, NOW_MS + 14 * DAY_MS - 1, &mut rng), None);
        let second = disk.tend(&mut prekeys, NOW_MS + 14 * DAY_MS, &mut rng).expect("another");
        assert_eq!(prekeys.offered(NOW_MS + 14 * DAY_MS), Some(second));
        assert!(second.public != first.public);
        let last = NOW_MS + 45 * DAY_MS - 1;
        disk.write(prekeys.tend(last, None).writes);
        assert!(prekeys.secret(&hash(&first)).is_some() && disk.restored().secret(&hash(&first)).is_some());
        disk.write(prekeys.tend(last + 1, None).writes);
        for prekeys in [&prekeys, &disk.restored()] {
            assert!(prekeys.secret(&hash(&first)).is_none() && prekeys.secret(&hash(&second)).is_some());
        }
        assert_eq!(disk.rows.len(), 1);
    }

    #[test]
    fn what_is_sealed_at_the_last_moment_opens_at_the_last_moment() {
        let prekey = Prekey { public: [1; 32], created_s: u32::try_from(NOW_MS / SECOND_MS).expect("before 2106") };
        let last = NOW_MS + 15 * DAY_MS - 1;
        assert!(prekey.serves(NOW_MS - 10 * MINUTE_MS) && prekey.serves(last) && !prekey.serves(last + 1));
        assert!(!prekey.serves(NOW_MS - 10 * MINUTE_MS - 1), "from the future");
        assert!(!prekey.is_over(last + crate::limits::ENVELOPE_MS));
    }

    #[test]
    fn prekeys_outlive_a_restart_and_their_bytes_do_not_stay_in_the_rows() {
        let (mut disk, mut prekeys) = (Disk::default(), Prekeys::default());
        let made = disk.tend(&mut prekeys, NOW_MS, &mut rng()).expect("a prekey");
        let mut rows = disk.rows.clone();
        let (mut restored, writes) = Prekeys::restore(&mut rows);
        assert_eq!((restored.offered(NOW_MS), writes.len()), (Some(made), 0));
        assert_eq!(restored.tend(NOW_MS, Some(&mut rng())).made, None);
        let secret = |prekeys: &Prekeys| prekeys.secret(&hash(&made)).map(PrekeySecret::to_bytes);
        assert!(secret(&restored).is_some() && secret(&restored) == secret(&prekeys));
        assert!(rows.iter().all(|row| row.value.is_empty()));
    }

    #[test]
    fn a_lost_or_damaged_row_leads_to_a_new_prekey_and_what_is_left_of_it_is_deleted() {
        let (mut disk, mut prekeys) = (Disk::default(), Prekeys::default());
        let made = disk.tend(&mut prekeys, NOW_MS, &mut rng()).expect("a prekey");
        let whole = disk.rows[0].clone();
        let cut = Row { value: whole.value[..20].to_vec(), ..whole.clone() };
        // Five bits of a private half do not count (RFC 7748, 5): none of these.
        let flipped = |at: usize| {
            let mut row = whole.clone();
            row.value[at] ^= 0x08;
            row
        };
        let foreign = Row { key: [b"p", &[9; 32][..]].concat(), ..whole.clone() };
        let empty = Row { value: Vec::new(), ..whole.clone() };
        for row in [cut, flipped(5), flipped(20), flipped(35), foreign, empty] {
            let (mut restored, writes) = Prekeys::restore(&mut [row.clone()]);
            assert_eq!(writes, [Write { table: Table::Meta, key: row.key, value: None }]);
            let new = restored.tend(NOW_MS, Some(&mut Rng::from_seed([8; 32]))).made.expect("a new one");
            assert_ne!(new.public, made.public);
        }
        let mut later = whole.clone();
        later.value[0] = 2;
        let (mut restored, writes) = Prekeys::restore(&mut [later]);
        assert!(writes.is_empty() && restored.tend(NOW_MS, Some(&mut rng())).made.is_some());
    }

    #[test]
    fn a_clock_that_jumps_makes_no_age_negative_and_its_prekeys_have_an_end() {
        let (mut disk, mut prekeys, mut rng) = (Disk::default(), Prekeys::default(), rng());
        let year = 365 * DAY_MS;
        let ahead = disk.tend(&mut prekeys, NOW_MS + year, &mut rng).expect("a prekey");
        // The clock is right again: nobody would take what comes from the future.
        let right = disk.tend(&mut prekeys, NOW_MS, &mut rng).expect("another");
        assert_eq!(prekeys.offered(NOW_MS), Some(right));
        assert!(prekeys.secret(&hash(&ahead)).is_some(), "somebody may have sealed to it");
        // Wound back for a moment: what was right is kept, what is made then goes at once.
        let back = disk.tend(&mut prekeys, NOW_MS - year, &mut rng).expect("a third");
        assert_eq!(prekeys.offered(NOW_MS - year), Some(back));
        assert_eq!(disk.tend(&mut prekeys, NOW_MS, &mut rng), None);
        assert_eq!(prekeys.offered(NOW_MS), Some(right));
        assert!(prekeys.secret(&hash(&back)).is_none());
        let at = |days: u64| NOW_MS + days * DAY_MS;
        for turn in 1..8 {
            disk.tend(&mut prekeys, at(14 * turn), &mut rng);
        }
        assert!(prekeys.secret(&hash(&ahead)).is_some() && disk.rows.len() <= PREKEYS_MAX, "four are kept of an even course, and this one");
        for turn in 0..40 {
            disk.tend(&mut prekeys, at(200 * (turn % 2) + turn), &mut rng);
            assert!(disk.rows.len() <= PREKEYS_MAX && prekeys.kept.len() == disk.rows.len());
        }
        assert_eq!(prekeys.tend(0, Some(&mut rng)).made.map(|made| made.created_s), Some(0), "a clock that is not set");
        assert_eq!(prekeys.tend(u64::MAX, Some(&mut rng)).made.map(|made| made.created_s), Some(u32::MAX));
    }
}
