//! The authority as its users see it: one key that everybody pins, and what it vouches for.

use std::fmt;

use super::x509::{CONSTRAINTS_CA, OID_BASIC_CONSTRAINTS, OID_KEY_USAGE, USAGE_CERTIFY, common_name_text};
use super::{CertificateError, RevocationList, VerifiedCertificate, clock_ms, form, pem, profile};
use crate::crypto::{BadSignature, VerifyKey, sha256};

/// The authority's common name (PROTOCOL.md#certificates).
pub(super) const AUTHORITY_NAME: &str = "B4 authority";

/// Why something cannot be the authority's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnchorError {
    /// Not the PEM of a certificate.
    #[error("not a certificate in PEM")]
    Pem,
    /// Too large, not DER, or not canonical.
    #[error("{0}")]
    Form(CertificateError),
    /// Another name, other extensions, or another algorithm than an authority of B4 has.
    #[error("not the certificate of a B4 authority")]
    Profile,
    /// It is not signed by its own key.
    #[error("the authority's certificate is not signed by itself")]
    BadSignature,
}

/// The authority that this device trusts. Its dates are not looked at: what counts is the pin, kept since first enrolment.
#[derive(Clone)]
pub struct TrustAnchor {
    der: Vec<u8>,
    subject: Vec<u8>,
    key: VerifyKey,
}

impl TrustAnchor {
    /// Reads what `GET /authority.pem` answers.
    ///
    /// # Errors
    /// See [`AnchorError`].
    pub fn from_pem(pem: &str) -> Result<Self, AnchorError> {
        Self::from_der(&pem::decode(pem).ok_or(AnchorError::Pem)?)
    }

    /// Reads the authority's self-signed certificate.
    ///
    /// # Errors
    /// See [`AnchorError`].
    pub fn from_der(der: &[u8]) -> Result<Self, AnchorError> {
        let form = form::read(der).map_err(AnchorError::Form)?;
        let named = common_name_text(form.subject).is_some_and(|name| name == AUTHORITY_NAME);
        let [constraints, usage] = form.extensions.as_slice() else { return Err(AnchorError::Profile) };
        let certifies = constraints.is(&OID_BASIC_CONSTRAINTS, true)
            && constraints.content == CONSTRAINTS_CA
            && usage.is(&OID_KEY_USAGE, true)
            && usage.content == USAGE_CERTIFY;
        let is_ours = named && certifies && form.issuer == form.subject;
        if !is_ours || !form.is_pss || !form.is_v3 || form.has_unique_id {
            return Err(AnchorError::Profile);
        }
        let key = VerifyKey::from_spki_der(form.spki).map_err(|_| AnchorError::Profile)?;
        key.verify(form.signed, form.signature).map_err(|BadSignature| AnchorError::BadSignature)?;
        Ok(Self { der: der.to_vec(), subject: form.subject.to_vec(), key })
    }

    /// H(its SPKI): pinned at first enrolment.
    pub fn pin(&self) -> [u8; 32] {
        sha256(&[self.key.spki_der()])
    }

    /// The certificate as it came.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The certificate as `GET /authority.pem` answers it.
    pub fn to_pem(&self) -> String {
        pem::encode(&self.der)
    }

    /// Its public key.
    pub(super) fn key(&self) -> &VerifyKey {
        &self.key
    }

    /// Verifies a device's certificate at `now_ms` (milliseconds since 1970): form, signature, time, revocation, in this
    /// order (PROTOCOL.md#certificates). With a list, the time is never taken to be earlier than the list's.
    ///
    /// # Errors
    /// See [`CertificateError`].
    pub fn verify(
        &self,
        der: &[u8],
        now_ms: u64,
        revoked: Option<&RevocationList>,
    ) -> Result<VerifiedCertificate, CertificateError> {
        self.verify_at(der, clock_ms(now_ms, revoked), revoked)
    }

    /// Verifies a device's certificate as of `then_ms`, which may lie in the past, for what was signed then: the validity is judged at
    /// that time, the revocation by the list.
    ///
    /// # Errors
    /// See [`CertificateError`].
    pub fn verify_at(
        &self,
        der: &[u8],
        then_ms: u64,
        revoked: Option<&RevocationList>,
    ) -> Result<VerifiedCertificate, CertificateError> {
        let profile = profile::check(der, &self.subject)?;
        let signature = self.key.verify(&profile.signed, &profile.signature);
        signature.map_err(|BadSignature| CertificateError::BadSignature)?;
        let certificate = VerifiedCertificate::new(der, profile);
        certificate.is_good_at(then_ms, revoked).map(|()| certificate)
    }
}

impl VerifiedCertificate {
    /// Whether this certificate was good at `then_ms`, by its validity and the newest list of the revoked. Its signature was verified.
    ///
    /// # Errors
    /// `NotYetValid`, `Expired` or `Revoked`.
    pub fn is_good_at(&self, then_ms: u64, revoked: Option<&RevocationList>) -> Result<(), CertificateError> {
        if then_ms < self.not_before_ms() {
            return Err(CertificateError::NotYetValid);
        }
        if then_ms > self.not_after_ms() {
            return Err(CertificateError::Expired);
        }
        if revoked.is_some_and(|list| list.contains(&self.serial_hash())) {
            return Err(CertificateError::Revoked);
        }
        Ok(())
    }
}

impl fmt::Debug for TrustAnchor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pin = self.pin();
        write!(formatter, "TrustAnchor({:02x}{:02x}{:02x}{:02x})", pin[0], pin[1], pin[2], pin[3])
    }
}
