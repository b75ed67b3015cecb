//! Public-key operations: verifying and wrapping. Keys come as SubjectPublicKeyInfo and are checked before use.

use rsa::traits::PublicKeyParts;
use rsa::{BoxedUint, Oaep, Pss, RsaPublicKey};
use sha2::{Digest, Sha256};

use super::Rng;
use crate::asn1::{self, SEQUENCE};
use crate::codec::Malformed;

/// The smallest modulus accepted, in bits (PROTOCOL.md#certificates).
const MODULUS_BITS_MIN: u32 = 2_048;
/// The largest modulus accepted, in bits: bounds the work of verifying a stranger's certificate.
const MODULUS_BITS_MAX: u32 = 4_096;
/// AlgorithmIdentifier of rsaEncryption with NULL (RFC 3279 section 2.3.1).
const RSA_ALGORITHM: [u8; 15] =
    [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
/// The only exponent accepted, big-endian.
const EXPONENT: [u8; 3] = [1, 0, 1];
/// Salt of RSASSA-PSS in bytes.
pub(super) const PSS_SALT_BYTES: usize = 32;

/// The key is not one that B4 accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not a canonical SubjectPublicKeyInfo of an RSA key.
    #[error("not an RSA public key in canonical form")]
    Malformed,
    /// The modulus is not of 2,048 to 4,096 bits.
    #[error("the RSA modulus has {0} bits")]
    Size(u32),
    /// The exponent is not 65,537.
    #[error("the RSA exponent is not 65537")]
    Exponent,
}

/// The signature is not this key's over this message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not verify")]
pub struct BadSignature;

/// The plaintext is too long for the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too long to wrap under this key")]
pub struct WrapError;

/// A public key that verifies RSASSA-PSS signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyKey {
    key: RsaPublicKey,
    spki: Vec<u8>,
}

impl VerifyKey {
    /// Reads a SubjectPublicKeyInfo.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn from_spki_der(spki: &[u8]) -> Result<Self, KeyError> {
        Ok(Self { key: checked_key(spki)?, spki: spki.to_vec() })
    }

    /// The key as it was given.
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// Length of the signatures that verify, in bytes.
    pub fn signature_bytes(&self) -> usize {
        self.key.size()
    }

    /// Verifies a signature over `message`, which starts with its label.
    ///
    /// # Errors
    /// `BadSignature`, whatever is wrong with it.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        let pss = Pss::<Sha256>::new_with_salt(PSS_SALT_BYTES);
        self.key.verify(pss, &Sha256::digest(message), signature).map_err(|_| BadSignature)
    }
}

/// A public key that wraps secrets by RSAES-OAEP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrapKey {
    key: RsaPublicKey,
    spki: Vec<u8>,
}

impl WrapKey {
    /// Reads a SubjectPublicKeyInfo.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn from_spki_der(spki: &[u8]) -> Result<Self, KeyError> {
        Ok(Self { key: checked_key(spki)?, spki: spki.to_vec() })
    }

    /// The key as it was given.
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// Length of what [`WrapKey::wrap`] returns, in bytes.
    pub fn ciphertext_bytes(&self) -> usize {
        self.key.size()
    }

    /// Wraps `plain` under `label`.
    ///
    /// # Errors
    /// `WrapError` when `plain` is longer than the modulus less 66 bytes.
    pub fn wrap(&self, rng: &mut Rng, label: &'static str, plain: &[u8]) -> Result<Vec<u8>, WrapError> {
        let oaep = Oaep::<Sha256>::new_with_label(label.as_bytes());
        self.key.encrypt(rng, oaep, plain).map_err(|_| WrapError)
    }
}

fn checked_key(spki: &[u8]) -> Result<RsaPublicKey, KeyError> {
    let (modulus, exponent) = numbers(spki).map_err(|Malformed| KeyError::Malformed)?;
    let bits = u32::try_from(modulus.len() * 8).map_err(|_| KeyError::Malformed)? - modulus[0].leading_zeros();
    if !(MODULUS_BITS_MIN..=MODULUS_BITS_MAX).contains(&bits) {
        return Err(KeyError::Size(bits));
    }
    if exponent != EXPONENT {
        return Err(KeyError::Exponent);
    }
    let number = BoxedUint::from_be_slice_vartime;
    RsaPublicKey::new(number(modulus), number(exponent)).map_err(|_| KeyError::Malformed)
}

/// Modulus and exponent. The form read is canonical: two encodings of one key would be two identities.
fn numbers(spki: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    let mut info = asn1::only(spki, SEQUENCE)?;
    if info.take(SEQUENCE)?.whole != RSA_ALGORITHM {
        return Err(Malformed);
    }
    let mut numbers = asn1::only(info.whole_bytes()?, SEQUENCE)?;
    info.finish()?;
    let pair = (numbers.unsigned()?, numbers.unsigned()?);
    numbers.finish()?;
    Ok(pair)
}
