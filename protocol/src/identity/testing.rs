//! An authority and devices for tests and simulated worlds: real certificates over a pool of ready-made RSA-3072 keys,
//! because making such a key takes a second. **These private keys are public**: nothing outside tests may trust them.

use super::{EnrolmentRequest, Issuer, NodeId, RequestDraft, TrustAnchor, UserId, VerifiedCertificate};
use crate::crypto::Rng;
use crate::crypto::native::{DeviceKeys, SigningKey, UnwrapKey};

/// A moment for tests to happen at: 2026-11-15 00:00:00 UTC, in milliseconds since 1970.
pub const NOW_MS: u64 = 1_794_700_800_000;

macro_rules! pool {
    ($($number:literal),*) => {
        [$((
            include_bytes!(concat!("../../tests/keys/sign-", $number, ".der")),
            include_bytes!(concat!("../../tests/keys/unwrap-", $number, ".der")),
        )),*]
    };
}

const AUTHORITY_KEY: &[u8] = include_bytes!("../../tests/keys/authority.der");
const STRANGER_KEY: &[u8] = include_bytes!("../../tests/keys/stranger.der");
const POOL: [(&[u8], &[u8]); 12] = pool!("00", "01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11");

/// Devices with different keys that the pool is good for.
pub const DEVICES_MAX: usize = POOL.len() * POOL.len();

/// An authority over ready-made keys; everything it does follows from its seed.
pub struct TestAuthority {
    issuer: Issuer,
    rng: Rng,
    issued: usize,
}

/// A device that a [`TestAuthority`] vouches for.
#[derive(Clone)]
pub struct TestDevice {
    /// Its certificate, verified at the time of issue.
    pub certificate: VerifiedCertificate,
    /// Its private keys.
    pub keys: DeviceKeys,
}

impl TestAuthority {
    /// Founded at [`NOW_MS`]; the key is always the same one.
    pub fn new(seed: [u8; 32]) -> Self {
        Self::founded(AUTHORITY_KEY, seed)
    }

    /// Another authority, of the same name and with another key.
    pub fn stranger(seed: [u8; 32]) -> Self {
        Self::founded(STRANGER_KEY, seed)
    }

    fn founded(key: &[u8], seed: [u8; 32]) -> Self {
        let mut rng = Rng::from_seed(seed);
        let key = SigningKey::from_pkcs8_der(key).expect("the ready-made key is PKCS#8");
        Self { issuer: Issuer::found(key, &mut rng, NOW_MS), rng, issued: 0 }
    }

    /// What devices trust.
    pub fn anchor(&self) -> &TrustAnchor {
        self.issuer.anchor()
    }

    /// The authority's signing.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// Enrols `user` with the next keys of the pool, at `now_ms`, under a node id of its own.
    ///
    /// # Panics
    /// When `user` is not a user id, or after [`DEVICES_MAX`] devices.
    pub fn issue(&mut self, user: &str, now_ms: u64) -> TestDevice {
        let keys = device_keys(self.issued);
        self.issued += 1;
        self.issue_for(user, keys, now_ms)
    }

    /// Renews the certificate of a device, at `now_ms`: the same user, keys and node id.
    pub fn renew(&mut self, device: &TestDevice, now_ms: u64) -> TestDevice {
        let csr = request_of(device.certificate.user_id().as_str(), &device.keys, &mut self.rng);
        let request = EnrolmentRequest::parse(&csr).expect("the request was just made");
        let der = self.issuer.issue(&mut self.rng, &request, device.certificate.node_id(), now_ms);
        let certificate = self.anchor().verify(&der, now_ms, None).expect("the certificate was just issued");
        TestDevice { certificate, keys: device.keys.clone() }
    }

    /// Enrols `user` with these keys, at `now_ms`.
    ///
    /// # Panics
    /// When `user` is not a user id.
    pub fn issue_for(&mut self, user: &str, keys: DeviceKeys, now_ms: u64) -> TestDevice {
        let csr = request_of(user, &keys, &mut self.rng);
        let request = EnrolmentRequest::parse(&csr).expect("the request was just made");
        let node = NodeId(self.rng.array());
        let der = self.issuer.issue(&mut self.rng, &request, &node, now_ms);
        let certificate = self.anchor().verify(&der, now_ms, None).expect("the certificate was just issued");
        TestDevice { certificate, keys }
    }
}

/// The `number`-th pair of keys of the pool; the first twelve share no key, the rest combine them anew.
///
/// # Panics
/// From [`DEVICES_MAX`] on.
pub fn device_keys(number: usize) -> DeviceKeys {
    assert!(number < DEVICES_MAX, "the pool is good for {DEVICES_MAX} devices");
    let (sign, turn) = (number % POOL.len(), number / POOL.len());
    let (signing, unwrapping) = (POOL[sign].0, POOL[(sign + turn) % POOL.len()].1);
    DeviceKeys {
        signing: SigningKey::from_pkcs8_der(signing).expect("the ready-made key is PKCS#8"),
        unwrapping: UnwrapKey::from_pkcs8_der(unwrapping).expect("the ready-made key is PKCS#8"),
    }
}

/// A signed PKCS#10 request for `user` with these keys.
///
/// # Panics
/// When `user` is not a user id.
pub fn request_of(user: &str, keys: &DeviceKeys, rng: &mut Rng) -> Vec<u8> {
    let user = UserId::parse(user).expect("a test's user has a name");
    let draft = RequestDraft::new(&user, &keys.signing.spki_der(), &keys.unwrapping.spki_der()).expect("good keys");
    let signature = keys.signing.sign(rng, draft.to_be_signed());
    draft.finish(&signature)
}
