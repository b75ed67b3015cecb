//! What the operator orders: revoking or releasing a name, making an invite. With the server down it is done at once; while it runs, the
//! order goes through a file in the data directory that the server takes up within seconds.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;
use std::time::{Duration, Instant};

use b4_protocol::crypto::{Rng, sha256};
use b4_protocol::identity::UserId;

use crate::data_dir::{DataDir, write_private};
use crate::registry::{Registry, RegistryError};

/// How long an order waits for the running server.
const WAIT: Duration = Duration::from_secs(15);
/// Bytes of an order's file that are read; no order is as long.
const ORDER_BYTES_MAX: u64 = 256;
/// Most orders taken up at once; the rest waits for the next turn.
const ORDERS_AT_ONCE: usize = 64;

/// An order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Take a name's certificates back; the name stays taken.
    Revoke(UserId),
    /// Take a name's certificates back and let anybody have the name.
    Release(UserId),
    /// Keep the hash of a new invite.
    Invite([u8; 32]),
}

/// Why an order was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// The registry failed.
    #[error("{0}")]
    Registry(#[from] RegistryError),
    /// The order could not be handed to the running server.
    #[error("the order could not be handed to the running server: {0}")]
    Handing(#[from] io::Error),
    /// The running server did not answer.
    #[error("the registry is in use, but no server took the order up within 15 s: is another program using the directory?")]
    NoAnswer,
}

/// An invite: 128 random bits as 32 hexadecimal digits. Only its hash is kept.
pub fn new_invite(rng: &mut Rng) -> String {
    hex(&rng.array::<16>())
}

/// What is kept of an invite; `None` for what cannot be one. Capitals and dashes are forgiven.
pub fn invite_hash(invite: &str) -> Option<[u8; 32]> {
    let digits: String = invite.trim().chars().filter(|character| *character != '-').collect();
    let fits = digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    fits.then(|| sha256(&[b"B4/invite", digits.to_ascii_lowercase().as_bytes()]))
}

/// Carries an order out: directly, or through the running server. Says what was done.
///
/// # Errors
/// See [`OrderError`].
pub fn carry_out(dir: &DataDir, order: &Order, rng: &mut Rng, now_ms: u64) -> Result<String, OrderError> {
    match Registry::open(&dir.registry()) {
        Ok(registry) => Ok(perform(&registry, order, now_ms)?),
        Err(RegistryError::InUse) => hand_over(&dir.requests(), order, rng),
        Err(error) => Err(error.into()),
    }
}

/// Does what an order says. Says what was done.
///
/// # Errors
/// See [`RegistryError`].
pub fn perform(registry: &Registry, order: &Order, now_ms: u64) -> Result<String, RegistryError> {
    match order {
        Order::Revoke(user) => Ok(match registry.revoke(user, now_ms)? {
            Some(count) => format!("revoked: {count} certificate(s); the name stays taken"),
            None => "nobody has this name".to_owned(),
        }),
        Order::Release(user) => Ok(match registry.release(user, now_ms)? {
            Some(count) => format!("released: {count} certificate(s) revoked; anybody may take the name now"),
            None => "nobody has this name".to_owned(),
        }),
        Order::Invite(hash) => {
            registry.add_invite(hash, now_ms)?;
            Ok("invite kept".to_owned())
        }
    }
}

/// Takes up the orders waiting in `requests`; how many there were. Each is answered by a file of the same name ending in `.done`.
///
/// # Errors
/// When the directory or the registry fails; what was not done stays waiting.
pub fn take_up(requests: &Path, registry: &Registry, now_ms: u64) -> Result<usize, OrderError> {
    let mut taken = 0;
    for entry in fs::read_dir(requests)? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "order") || !fs::symlink_metadata(&path)?.is_file() {
            continue;
        }
        if taken >= ORDERS_AT_ONCE {
            break;
        }
        let mut bytes = Vec::new();
        fs::File::open(&path)?.take(ORDER_BYTES_MAX).read_to_end(&mut bytes)?;
        let done = match Order::parse(&String::from_utf8_lossy(&bytes)) {
            Some(order) => perform(registry, &order, now_ms)?,
            None => "not an order".to_owned(),
        };
        write_private(&path.with_extension("done"), done.as_bytes())?;
        fs::remove_file(&path)?;
        taken += 1;
    }
    Ok(taken)
}

fn hand_over(requests: &Path, order: &Order, rng: &mut Rng) -> Result<String, OrderError> {
    let path = requests.join(hex(&rng.array::<8>()));
    let (new, waiting, done) = (path.with_extension("new"), path.with_extension("order"), path.with_extension("done"));
    write_private(&new, order.to_text().as_bytes())?;
    fs::rename(&new, &waiting)?;
    let begun = Instant::now();
    while begun.elapsed() < WAIT {
        if let Ok(text) = fs::read_to_string(&done)
            && !waiting.exists()
        {
            fs::remove_file(&done)?;
            return Ok(text);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let _ = fs::remove_file(&waiting);
    Err(OrderError::NoAnswer)
}

impl Order {
    fn to_text(&self) -> String {
        match self {
            Self::Revoke(user) => format!("revoke {user}"),
            Self::Release(user) => format!("release {user}"),
            Self::Invite(hash) => format!("invite {}", hex(hash)),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        match text.trim().split_once(' ')? {
            ("revoke", name) => UserId::parse(name).ok().map(Self::Revoke),
            ("release", name) => UserId::parse(name).ok().map(Self::Release),
            ("invite", hash) => unhex(hash).map(Self::Invite),
            _ => None,
        }
    }
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Exactly `N` bytes from hexadecimal digits.
pub(crate) fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let fits = text.len() == 2 * N && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut bytes = [0; N];
    for (number, byte) in bytes.iter_mut().enumerate().take(if fits { N } else { 0 }) {
        *byte = u8::from_str_radix(&text[2 * number..2 * number + 2], 16).ok()?;
    }
    fits.then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_read_back_and_anything_else_is_none() {
        let anna = UserId::parse("anna").expect("a name");
        for order in [Order::Revoke(anna.clone()), Order::Release(anna), Order::Invite([0xab; 32])] {
            assert_eq!(Order::parse(&order.to_text()), Some(order));
        }
        for text in ["", "revoke", "revoke Anna", "invite 12", "delete anna"] {
            assert_eq!(Order::parse(text), None, "{text}");
        }
    }

    #[test]
    fn an_invite_is_128_bits_and_forgives_how_it_is_typed() {
        let invite = new_invite(&mut Rng::from_seed([1; 32]));
        assert_eq!(invite.len(), 32);
        let typed = format!(" {}-{} ", invite[..16].to_uppercase(), &invite[16..]);
        assert!(invite_hash(&invite).is_some() && invite_hash(&invite) == invite_hash(&typed));
        assert_eq!((invite_hash(&invite[1..]), invite_hash("é".repeat(16).as_str())), (None, None));
    }

    #[test]
    fn orders_are_taken_up_answered_and_removed() {
        let temporary = tempfile::tempdir().expect("a temporary directory");
        let dir = DataDir::open(temporary.path()).expect("made");
        let registry = Registry::open(&dir.registry()).expect("made");
        let long = [b"revoke ", "a".repeat(1_000).as_bytes()].concat();
        let rows: [(&str, &[u8]); 5] = [
            ("a.order", b"revoke anna"), ("b.order", b"nonsense"), ("c.new", b"revoke anna"), ("d.order", b"\xff"), ("e.order", &long),
        ];
        for (name, bytes) in rows {
            fs::write(dir.requests().join(name), bytes).expect("written");
        }
        // What is no file is left alone, and holds nothing else up.
        fs::create_dir(dir.requests().join("f.order")).expect("made");
        assert_eq!(take_up(&dir.requests(), &registry, 1).expect("done"), 4);
        let read = |name: &str| fs::read_to_string(dir.requests().join(name)).ok();
        assert_eq!(read("a.done").as_deref(), Some("nobody has this name"));
        for bad in ["b.done", "d.done", "e.done"] {
            assert_eq!(read(bad).as_deref(), Some("not an order"), "{bad}");
        }
        assert_eq!((read("a.order"), read("c.new").as_deref()), (None, Some("revoke anna")));
    }
}
