//! A certificate that has been verified, and why one is refused.

use std::fmt;
use std::sync::Arc;

use super::profile::Profiled;
use super::{NodeId, UserId, UserIdError};
use crate::crypto::{KeyError, VerifyKey, WrapKey, sha256};

/// Why a certificate is refused: its form, who signed it, the time, or that it was taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Over 2,048 bytes.
    #[error("the certificate is too large")]
    TooLarge,
    /// Not the DER of a certificate.
    #[error("not a certificate")]
    NotDer,
    /// It can be read, but is not in its one canonical form.
    #[error("the certificate is not in canonical form")]
    NotCanonical,
    /// Not X.509 v3.
    #[error("the certificate is not of version 3")]
    Version,
    /// The serial number is not 16 to 20 bytes, positive, without a leading zero.
    #[error("the certificate's serial number is out of its form")]
    Serial,
    /// An algorithm is not RSASSA-PSS with our parameters.
    #[error("the certificate's signature algorithm is another")]
    Algorithm,
    /// Valid for over 90 days, or for no time at all.
    #[error("the certificate's validity is out of bounds")]
    Validity,
    /// The subject is not exactly one common name as UTF8String.
    #[error("the certificate's subject is not one common name")]
    Subject,
    /// The common name is not a user id.
    #[error("the certificate's subject is not a user id: {0}")]
    UserId(UserIdError),
    /// The signing key is not one of ours.
    #[error("the certificate's signing key: {0}")]
    SigningKey(KeyError),
    /// It has unique identifiers, which nothing has used since X.509 v2.
    #[error("the certificate has a unique identifier")]
    UniqueId,
    /// Not exactly our three extensions, in order, critical where ours are.
    #[error("the certificate's extensions are others")]
    Extensions,
    /// keyUsage is not digitalSignature alone.
    #[error("the certificate's key usage is another")]
    KeyUsage,
    /// `node-id` is not an OCTET STRING of 32 bytes.
    #[error("the certificate's node id is out of its form")]
    NodeId,
    /// The decryption key is not one of ours.
    #[error("the certificate's decryption key: {0}")]
    WrappingKey(KeyError),
    /// One key would sign and decrypt.
    #[error("the certificate has one key for both uses")]
    OneKeyForBoth,
    /// The issuer's name is not that of the authority trusted here.
    #[error("the certificate is of another authority")]
    WrongAuthority,
    /// The authority's key did not sign it.
    #[error("the certificate's signature does not verify")]
    BadSignature,
    /// It begins later.
    #[error("the certificate is not valid yet")]
    NotYetValid,
    /// It has ended.
    #[error("the certificate has expired")]
    Expired,
    /// The authority has taken it back.
    #[error("the certificate is revoked")]
    Revoked,
}

/// A certificate that [`super::TrustAnchor::verify`] found right at the time it was given. Cheap to clone.
#[derive(Clone)]
pub struct VerifiedCertificate {
    facts: Arc<Facts>,
}

struct Facts {
    profile: Profiled,
    der: Vec<u8>,
    hash: [u8; 32],
    key_hash: [u8; 32],
}

impl VerifiedCertificate {
    /// For the anchor alone, which has verified it.
    pub(super) fn new(der: &[u8], profile: Profiled) -> Self {
        let key_hash = sha256(&[profile.signing_key.spki_der(), profile.wrapping_key.spki_der()]);
        let facts = Facts { profile, der: der.to_vec(), hash: sha256(&[der]), key_hash };
        Self { facts: Arc::new(facts) }
    }

    /// The user it names.
    pub fn user_id(&self) -> &UserId {
        &self.facts.profile.user_id
    }

    /// The device it names.
    pub fn node_id(&self) -> &NodeId {
        &self.facts.profile.node_id
    }

    /// The certificate as it came.
    pub fn der(&self) -> &[u8] {
        &self.facts.der
    }

    /// H(certificate).
    pub fn hash(&self) -> [u8; 32] {
        self.facts.hash
    }

    /// Verifies what the device signs.
    pub fn signing_key(&self) -> &VerifyKey {
        &self.facts.profile.signing_key
    }

    /// Wraps what only the device may read.
    pub fn wrapping_key(&self) -> &WrapKey {
        &self.facts.profile.wrapping_key
    }

    /// H(signing SPKI | decryption SPKI): stays the same over renewals, is pinned at first contact.
    pub fn key_hash(&self) -> [u8; 32] {
        self.facts.key_hash
    }

    /// First moment of its validity, milliseconds since 1970.
    pub fn not_before_ms(&self) -> u64 {
        self.facts.profile.not_before_ms
    }

    /// Last moment of its validity, milliseconds since 1970.
    pub fn not_after_ms(&self) -> u64 {
        self.facts.profile.not_after_ms
    }

    /// H(serial), as the revocation list has it.
    pub fn serial_hash(&self) -> [u8; 32] {
        self.facts.profile.serial_hash
    }
}

impl PartialEq for VerifiedCertificate {
    fn eq(&self, other: &Self) -> bool {
        self.facts.hash == other.facts.hash
    }
}

impl Eq for VerifiedCertificate {}

impl fmt::Debug for VerifiedCertificate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "VerifiedCertificate({:?})", self.node_id())
    }
}
