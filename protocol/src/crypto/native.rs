//! Private-key operations in plain Rust: for the authority, the tests and the simulator, never for the browser.
//!
//! RUSTSEC-2023-0071 (timing of the `rsa` crate) is answered by blinding, which this release applies by itself to every
//! private operation that is given a random source, as all of ours are.

use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey};
use rsa::{Oaep, Pss, RsaPrivateKey};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::public::PSS_SALT_BYTES;
use super::{KeyError, KeyOp, KeyOpError, KeyOpResult, Rng};

/// A private key that signs.
#[derive(Clone)]
pub struct SigningKey {
    key: RsaPrivateKey,
}

/// A private key that unwraps.
#[derive(Clone)]
pub struct UnwrapKey {
    key: RsaPrivateKey,
}

impl SigningKey {
    /// Makes a key of `bits` (2,048 to 4,096).
    ///
    /// # Panics
    /// When the library cannot make a key of this size.
    pub fn generate(rng: &mut Rng, bits: usize) -> Self {
        Self { key: RsaPrivateKey::new(rng, bits).expect("sizes in use can be made") }
    }

    /// Reads PKCS#8 DER.
    ///
    /// # Errors
    /// `KeyError::Malformed`.
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, KeyError> {
        Ok(Self { key: RsaPrivateKey::from_pkcs8_der(der).map_err(|_| KeyError::Malformed)? })
    }

    /// The key as PKCS#8 DER, erased when dropped.
    pub fn to_pkcs8_der(&self) -> Zeroizing<Vec<u8>> {
        pkcs8(&self.key)
    }

    /// Its public half as SubjectPublicKeyInfo.
    pub fn spki_der(&self) -> Vec<u8> {
        spki(&self.key)
    }

    /// RSASSA-PSS over `message`, which starts with its label.
    ///
    /// # Panics
    /// Never for a key that could be read.
    pub fn sign(&self, rng: &mut Rng, message: &[u8]) -> Vec<u8> {
        let pss = Pss::<Sha256>::new_with_salt(PSS_SALT_BYTES);
        self.key.sign_with_rng(rng, pss, &Sha256::digest(message)).expect("a digest fits under any accepted modulus")
    }
}

impl UnwrapKey {
    /// Makes a key of `bits` (2,048 to 4,096).
    ///
    /// # Panics
    /// When the library cannot make a key of this size.
    pub fn generate(rng: &mut Rng, bits: usize) -> Self {
        Self { key: RsaPrivateKey::new(rng, bits).expect("sizes in use can be made") }
    }

    /// Reads PKCS#8 DER.
    ///
    /// # Errors
    /// `KeyError::Malformed`.
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, KeyError> {
        Ok(Self { key: RsaPrivateKey::from_pkcs8_der(der).map_err(|_| KeyError::Malformed)? })
    }

    /// The key as PKCS#8 DER, erased when dropped.
    pub fn to_pkcs8_der(&self) -> Zeroizing<Vec<u8>> {
        pkcs8(&self.key)
    }

    /// Its public half as SubjectPublicKeyInfo.
    pub fn spki_der(&self) -> Vec<u8> {
        spki(&self.key)
    }

    /// RSAES-OAEP decryption under `label`.
    ///
    /// # Errors
    /// `KeyOpError`, whatever is wrong.
    pub fn unwrap(&self, rng: &mut Rng, label: &'static str, ciphertext: &[u8]) -> KeyOpResult {
        let oaep = Oaep::<Sha256>::new_with_label(label.as_bytes());
        self.key.decrypt_blinded(rng, oaep, ciphertext).map(Zeroizing::new).map_err(|_| KeyOpError)
    }
}

/// Both private keys of a device: carries out what the core orders.
#[derive(Clone)]
pub struct DeviceKeys {
    /// Signs.
    pub signing: SigningKey,
    /// Unwraps.
    pub unwrapping: UnwrapKey,
}

impl DeviceKeys {
    /// Carries out one operation.
    ///
    /// # Errors
    /// `KeyOpError` when an unwrap fails.
    pub fn perform(&self, rng: &mut Rng, op: &KeyOp) -> KeyOpResult {
        match op {
            KeyOp::Sign { message } => Ok(Zeroizing::new(self.signing.sign(rng, message))),
            KeyOp::Unwrap { label, ciphertext } => self.unwrapping.unwrap(rng, label, ciphertext),
        }
    }
}

fn pkcs8(key: &RsaPrivateKey) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(key.to_pkcs8_der().expect("an RSA key has a PKCS#8 form").as_bytes().to_vec())
}

fn spki(key: &RsaPrivateKey) -> Vec<u8> {
    key.to_public_key().to_public_key_der().expect("an RSA key has an SPKI form").into_vec()
}
