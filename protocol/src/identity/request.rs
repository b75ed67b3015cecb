//! Asking for a certificate: the PKCS#10 request as a draft that somebody else signs, and the answer to the challenge.
//! What the authority makes of them is in `enrolment` and `issuer`.

use zeroize::Zeroizing;

use super::UserId;
use super::x509::{OID_ENC_SPKI, OID_EXTENSION_REQUEST, PSS_ALGORITHM, common_name};
use crate::asn1::{BIT_STRING, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, SET, element};
use crate::crypto::{KeyError, VerifyKey, WrapKey, hmac_sha256, macs_equal, sha256};

/// Largest request in DER; a larger one is refused unread (PROTOCOL.md#enrolment).
pub const REQUEST_BYTES_MAX: usize = 4_096;
/// Tag of a request's attributes (RFC 2986 section 4.1).
const ATTRIBUTES: u8 = 0xa0;
/// OAEP label of the authority's challenge (PROTOCOL.md#enrolment).
pub const ENROL_LABEL: &str = "B4/v1/enrol";

/// Why no request can be made of these keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DraftError {
    /// The signing key is not one that B4 accepts.
    #[error("the signing key: {0}")]
    SigningKey(KeyError),
    /// The decryption key is not one that B4 accepts.
    #[error("the decryption key: {0}")]
    WrappingKey(KeyError),
    /// One key would sign and decrypt.
    #[error("one key for both uses")]
    OneKeyForBoth,
}

/// Why a challenge is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChallengeError {
    /// Not nonce(32) | H(csr).
    #[error("the challenge is malformed")]
    Malformed,
    /// It is for another request: answering would serve somebody else.
    #[error("the challenge is for another request")]
    OtherRequest,
}

/// A request that awaits its signature.
#[derive(Clone, Debug)]
pub struct RequestDraft {
    to_be_signed: Vec<u8>,
}

impl RequestDraft {
    /// Drafts a request for `user` with the two public keys as SubjectPublicKeyInfo.
    ///
    /// # Errors
    /// See [`DraftError`].
    pub fn new(user: &UserId, signing_spki_der: &[u8], enc_spki_der: &[u8]) -> Result<Self, DraftError> {
        VerifyKey::from_spki_der(signing_spki_der).map_err(DraftError::SigningKey)?;
        WrapKey::from_spki_der(enc_spki_der).map_err(DraftError::WrappingKey)?;
        if signing_spki_der == enc_spki_der {
            return Err(DraftError::OneKeyForBoth);
        }
        let version = element(INTEGER, &[&[0]]);
        let parts = [&version[..], &common_name(user.as_str()), signing_spki_der, &attributes(enc_spki_der)];
        Ok(Self { to_be_signed: element(SEQUENCE, &parts) })
    }

    /// What the signing key signs, RSASSA-PSS with SHA-256 and a salt of 32 bytes.
    pub fn to_be_signed(&self) -> &[u8] {
        &self.to_be_signed
    }

    /// The request in DER, as `POST /enrol` takes it.
    pub fn finish(self, signature: &[u8]) -> Vec<u8> {
        element(SEQUENCE, &[&self.to_be_signed, &PSS_ALGORITHM, &element(BIT_STRING, &[&[0], signature])])
    }
}

/// The answer to the opened challenge: HMAC-SHA-256(key = nonce, H(csr)). The nonce itself goes nowhere.
///
/// # Errors
/// See [`ChallengeError`].
pub fn answer_challenge(opened: &[u8], csr: &[u8]) -> Result<[u8; 32], ChallengeError> {
    let (nonce, hash) = opened.split_at_checked(32).ok_or(ChallengeError::Malformed)?;
    let nonce = Zeroizing::new(<[u8; 32]>::try_from(nonce).map_err(|_| ChallengeError::Malformed)?);
    let hash: [u8; 32] = hash.try_into().map_err(|_| ChallengeError::Malformed)?;
    let own = sha256(&[csr]);
    if !macs_equal(&hash, &own) {
        return Err(ChallengeError::OtherRequest);
    }
    Ok(hmac_sha256(nonce.as_slice(), &[&own]))
}

/// The attributes of a request: extensionRequest with `enc-spki` alone, which is not critical.
fn attributes(enc_spki_der: &[u8]) -> Vec<u8> {
    let named = |oid: &[u8], value: &[u8]| element(SEQUENCE, &[&element(OBJECT_IDENTIFIER, &[oid]), value]);
    let extension = named(&OID_ENC_SPKI, &element(OCTET_STRING, &[enc_spki_der]));
    let extensions = element(SEQUENCE, &[&extension]);
    element(ATTRIBUTES, &[&named(&OID_EXTENSION_REQUEST, &element(SET, &[&extensions]))])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_for_another_request_is_not_answered() {
        let opened = [[7; 32], sha256(&[b"mine"])].concat();
        assert_eq!(answer_challenge(&opened, b"mine"), Ok(hmac_sha256(&[7; 32], &[&sha256(&[b"mine"])])));
        assert_eq!(answer_challenge(&opened, b"theirs"), Err(ChallengeError::OtherRequest));
        for length in [0, 31, 32, 63] {
            assert_eq!(answer_challenge(&opened[..length], b"mine"), Err(ChallengeError::Malformed));
        }
        assert_eq!(answer_challenge(&[&opened[..], &[0]].concat(), b"mine"), Err(ChallengeError::Malformed));
    }
}
