//! Ready-made keys, read once a process, and the requests for certificates that they sign. Making a key takes a second.

use std::sync::{LazyLock, OnceLock};

use b4_protocol::crypto::Rng;
use b4_protocol::crypto::native::{DeviceKeys, SigningKey, UnwrapKey};
use b4_protocol::identity::EnrolmentRequest;
use b4_protocol::identity::testing::request_of;

/// Made by what `keys/README.md` says.
const FILE: &[u8] = include_bytes!("../../../keys/pool.der");
/// Keys of each use; they are combined, as no two nodes that run may have the same two.
const KEYS: usize = 40;
/// Nodes at once that the pool is good for.
pub const NODES_MAX: usize = KEYS * KEYS;

/// The keys, and what they have signed.
pub(super) struct Pool {
    pub authority: SigningKey,
    pub stranger: SigningKey,
    signing: Vec<SigningKey>,
    unwrapping: Vec<UnwrapKey>,
    requests: Vec<OnceLock<EnrolmentRequest>>,
}

/// The one pool of the process.
pub(super) static POOL: LazyLock<Pool> = LazyLock::new(Pool::read);

impl Pool {
    fn read() -> Self {
        let mut keys = sequences(FILE);
        let mut signing = || SigningKey::from_pkcs8_der(keys.next().expect("the pool has 82 keys")).expect("each is PKCS#8");
        let (authority, stranger) = (signing(), signing());
        let signing = (0..KEYS).map(|_| signing()).collect();
        let unwrapping = keys.map(|key| UnwrapKey::from_pkcs8_der(key).expect("each is PKCS#8")).collect();
        Self { authority, stranger, signing, unwrapping, requests: (0..NODES_MAX).map(|_| OnceLock::new()).collect() }
    }

    /// The keys of the node of this number.
    ///
    /// # Panics
    /// From [`NODES_MAX`] on.
    pub fn device_keys(&self, number: usize) -> DeviceKeys {
        assert!(number < NODES_MAX, "the pool is good for {NODES_MAX} nodes at once");
        let (sign, turn) = (number % KEYS, number / KEYS);
        DeviceKeys { signing: self.signing[sign].clone(), unwrapping: self.unwrapping[(sign + turn) % KEYS].clone() }
    }

    /// What they ask an authority with, which decides on the rest. Signed once a process: every world's authority may be asked the same.
    pub fn request(&self, number: usize) -> &EnrolmentRequest {
        self.requests[number].get_or_init(|| {
            let mut rng = Rng::from_seed([number as u8; 32]);
            let csr = request_of(&format!("node{number:04}"), &self.device_keys(number), &mut rng);
            EnrolmentRequest::parse(&csr).expect("it was just made")
        })
    }
}

/// The DER sequences that lie one after another, each of 256 bytes to 64 KiB.
fn sequences(mut bytes: &'static [u8]) -> impl Iterator<Item = &'static [u8]> {
    std::iter::from_fn(move || {
        let [0x30, 0x82, high, low, ..] = *bytes else { return None };
        let (first, rest) = bytes.split_at_checked(4 + usize::from(u16::from_be_bytes([high, low])))?;
        bytes = rest;
        Some(first)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_nodes_have_the_same_two_keys() {
        let pairs: BTreeSet<_> = (0..NODES_MAX).step_by(7).map(|number| POOL.request(number).key_hash()).collect();
        assert_eq!(pairs.len(), NODES_MAX.div_ceil(7));
        assert_eq!((POOL.signing.len(), POOL.unwrapping.len()), (KEYS, KEYS));
    }
}
