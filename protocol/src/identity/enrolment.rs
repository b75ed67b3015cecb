//! The authority's reading of a request for a certificate. Whether the name is free is the registry's business.

use der::{Decode, Encode};
use spki::AlgorithmIdentifierOwned;
use x509_cert::attr::Attribute;
use x509_cert::ext::Extension;
use x509_cert::request::CertReq;

use super::request::REQUEST_BYTES_MAX;
use super::template::{extension_request, oid};
use super::x509::{OID_ENC_SPKI, OID_EXTENSION_REQUEST, PSS_ALGORITHM, common_name_text};
use super::{UserId, UserIdError};
use crate::crypto::{BadSignature, KeyError, VerifyKey, WrapKey, sha256};

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Over 4,096 bytes.
    #[error("the request is too large")]
    TooLarge,
    /// Not the DER of a PKCS#10 request.
    #[error("not a PKCS#10 request")]
    NotDer,
    /// It can be read, but is not in its one canonical form.
    #[error("the request is not in canonical form")]
    NotCanonical,
    /// The subject is not exactly one common name as UTF8String.
    #[error("the request's subject is not one common name")]
    Subject,
    /// The common name is not a user id.
    #[error("{0}")]
    UserId(UserIdError),
    /// The signing key is not one that B4 accepts.
    #[error("the signing key: {0}")]
    SigningKey(KeyError),
    /// The attributes are not an extensionRequest with `enc-spki` alone.
    #[error("the request does not ask for exactly enc-spki")]
    Attributes,
    /// The decryption key is not one that B4 accepts.
    #[error("the decryption key: {0}")]
    WrappingKey(KeyError),
    /// One key would sign and decrypt.
    #[error("one key for both uses")]
    OneKeyForBoth,
    /// The algorithm is not RSASSA-PSS with our parameters.
    #[error("the request's signature algorithm is another")]
    Algorithm,
    /// The signing key did not sign it.
    #[error("the request's signature does not verify")]
    BadSignature,
}

/// A request whose signing key has proven itself. The decryption key still has to, by answering a challenge.
#[derive(Clone, Debug)]
pub struct EnrolmentRequest {
    user_id: UserId,
    signing_key: VerifyKey,
    wrapping_key: WrapKey,
    hash: [u8; 32],
}

impl EnrolmentRequest {
    /// Reads and verifies a PKCS#10 request in DER (PROTOCOL.md#enrolment): first its form, all of it, then what it says.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub fn parse(csr: &[u8]) -> Result<Self, RequestError> {
        if csr.len() > REQUEST_BYTES_MAX {
            return Err(RequestError::TooLarge);
        }
        let request = CertReq::from_der(csr).map_err(|_| RequestError::NotDer)?;
        if request.to_der().map_err(|_| RequestError::NotCanonical)? != csr {
            return Err(RequestError::NotCanonical);
        }
        let subject = request.info.subject.to_der().map_err(|_| RequestError::NotDer)?;
        let name = common_name_text(&subject).ok_or(RequestError::Subject)?;
        let enc_spki = enc_spki(request.info.attributes.as_slice()).ok_or(RequestError::Attributes)?;
        if !is_pss(&request.algorithm) || request.signature.unused_bits() != 0 {
            return Err(RequestError::Algorithm);
        }
        let user_id = UserId::parse(name).map_err(RequestError::UserId)?;
        let spki = request.info.public_key.to_der().map_err(|_| RequestError::NotDer)?;
        let signing_key = VerifyKey::from_spki_der(&spki).map_err(RequestError::SigningKey)?;
        let wrapping_key = WrapKey::from_spki_der(&enc_spki).map_err(RequestError::WrappingKey)?;
        if enc_spki == spki {
            return Err(RequestError::OneKeyForBoth);
        }
        let signed = request.info.to_der().map_err(|_| RequestError::NotDer)?;
        let verified = signing_key.verify(&signed, request.signature.raw_bytes());
        verified.map_err(|BadSignature| RequestError::BadSignature)?;
        Ok(Self { user_id, signing_key, wrapping_key, hash: sha256(&[csr]) })
    }

    /// The name asked for.
    pub fn user_id(&self) -> &UserId {
        &self.user_id
    }

    /// The key that signed the request.
    pub fn signing_key(&self) -> &VerifyKey {
        &self.signing_key
    }

    /// The key that has yet to prove itself.
    pub fn wrapping_key(&self) -> &WrapKey {
        &self.wrapping_key
    }

    /// H(csr).
    pub fn hash(&self) -> [u8; 32] {
        self.hash
    }

    /// H(signing SPKI | decryption SPKI), as [`super::VerifiedCertificate::key_hash`] has it.
    pub fn key_hash(&self) -> [u8; 32] {
        sha256(&[self.signing_key.spki_der(), self.wrapping_key.spki_der()])
    }
}

fn is_pss(algorithm: &AlgorithmIdentifierOwned) -> bool {
    algorithm.to_der().is_ok_and(|der| der == PSS_ALGORITHM)
}

/// The decryption key's SPKI, if the attributes are exactly what a draft makes of it.
fn enc_spki(attributes: &[Attribute]) -> Option<Vec<u8>> {
    let [attribute] = attributes else { return None };
    let [value] = attribute.values.as_slice() else { return None };
    let extensions: Vec<Extension> = value.decode_as().ok()?;
    let [extension] = extensions.as_slice() else { return None };
    let named = attribute.oid == oid(&OID_EXTENSION_REQUEST) && extension.extn_id == oid(&OID_ENC_SPKI);
    let enc_spki = extension.extn_value.as_bytes();
    (named && extension_request(enc_spki).as_slice() == attributes).then(|| enc_spki.to_vec())
}
