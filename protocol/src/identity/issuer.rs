//! The authority's signing: its own certificate, certificates for devices, challenges, revocation lists. Whom it signs for
//! is the policy's business, which lives in the `signaling` crate.

use std::collections::BTreeSet;
use std::time::Duration;

use der::asn1::{BitString, GeneralizedTime, UtcTime};
use der::{Decode, Encode};
use spki::SubjectPublicKeyInfoOwned;
use x509_cert::certificate::Version;
use x509_cert::ext::Extension;
use x509_cert::serial_number::SerialNumber;
use x509_cert::time::{Time, Validity};
use zeroize::Zeroizing;

use super::authority::AUTHORITY_NAME;
use super::profile::VALIDITY_MS_MAX;
use super::request::ENROL_LABEL;
use super::template::{CertificateForm, Tbs, common_name, extension, pss_algorithm};
use super::x509::{
    CONSTRAINTS_CA, OID_BASIC_CONSTRAINTS, OID_ENC_SPKI, OID_KEY_USAGE, OID_NODE_ID, USAGE_CERTIFY, USAGE_SIGN,
    node_id_content,
};
use super::{AnchorError, EnrolmentRequest, NodeId, TrustAnchor, revocation};
use crate::codec::Writer;
use crate::crypto::native::SigningKey;
use crate::crypto::{Rng, hmac_sha256, macs_equal};
use crate::time::{DAY_MS, HOUR_MS};

/// How far back a certificate's validity begins: a device's clock may be this slow (PROTOCOL.md#certificates).
pub(super) const BACKDATED_MS: u64 = HOUR_MS;
/// How long the authority's own certificate is valid. Guess: clients pin its key and do not look.
const AUTHORITY_VALIDITY_MS: u64 = 20 * 365 * DAY_MS;
/// Time from one revocation list to the next (PROTOCOL.md#enrolment).
const NEXT_UPDATE_MS: u64 = DAY_MS;

/// Why a stored key and certificate make no issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssuerError {
    /// The certificate is not an authority's.
    #[error("{0}")]
    Anchor(AnchorError),
    /// The key is another's.
    #[error("the authority's key and certificate do not belong together")]
    OtherKey,
}

/// The authority's key at work.
pub struct Issuer {
    key: SigningKey,
    anchor: TrustAnchor,
}

/// What a decryption key has to prove itself with; the nonce is erased when dropped.
pub struct Challenge {
    nonce: Zeroizing<[u8; 32]>,
    request_hash: [u8; 32],
}

impl Challenge {
    /// Draws a challenge for a request and wraps it: OAEP(`B4/v1/enrol`, nonce(32) | H(csr)).
    pub fn new(rng: &mut Rng, request: &EnrolmentRequest) -> (Self, Vec<u8>) {
        let nonce = Zeroizing::new(rng.array::<32>());
        let plain = Zeroizing::new(Writer::new().raw(nonce.as_slice()).raw(&request.hash()).into_bytes());
        let wrapped = request.wrapping_key().wrap(rng, ENROL_LABEL, &plain).expect("64 bytes fit under 2,048 bits");
        (Self { nonce, request_hash: request.hash() }, wrapped)
    }

    /// Whether the answer is HMAC-SHA-256(nonce, H(csr)); in constant time.
    #[must_use]
    pub fn is_answered_by(&self, answer: &[u8; 32]) -> bool {
        macs_equal(&hmac_sha256(self.nonce.as_slice(), &[&self.request_hash]), answer)
    }
}

impl Issuer {
    /// Founds an authority: signs a certificate for its own key, valid for 20 years from `now_ms`.
    pub fn found(key: SigningKey, rng: &mut Rng, now_ms: u64) -> Self {
        let begin = now_ms.saturating_sub(BACKDATED_MS);
        let extensions = vec![
            extension(&OID_BASIC_CONSTRAINTS, true, &CONSTRAINTS_CA),
            extension(&OID_KEY_USAGE, true, &USAGE_CERTIFY),
        ];
        let spki = key.spki_der();
        let tbs = draft(rng, AUTHORITY_NAME, &spki, (begin, begin + AUTHORITY_VALIDITY_MS), extensions);
        let der = seal(&key, rng, tbs);
        let anchor = TrustAnchor::from_der(&der).expect("what is made here is an authority's certificate");
        Self { key, anchor }
    }

    /// Takes up an authority that was founded before.
    ///
    /// # Errors
    /// See [`IssuerError`].
    pub fn from_parts(key: SigningKey, certificate: &[u8]) -> Result<Self, IssuerError> {
        let anchor = TrustAnchor::from_der(certificate).map_err(IssuerError::Anchor)?;
        if anchor.key().spki_der() != key.spki_der() {
            return Err(IssuerError::OtherKey);
        }
        Ok(Self { key, anchor })
    }

    /// The authority as others see it.
    pub fn anchor(&self) -> &TrustAnchor {
        &self.anchor
    }

    /// The authority's private key, to be kept.
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// Issues a certificate for the request's name and keys, valid from an hour before `now_ms` for 90 days.
    pub fn issue(&self, rng: &mut Rng, request: &EnrolmentRequest, node: &NodeId, now_ms: u64) -> Vec<u8> {
        let begin = now_ms.saturating_sub(BACKDATED_MS);
        let extensions = vec![
            extension(&OID_KEY_USAGE, true, &USAGE_SIGN),
            extension(&OID_NODE_ID, false, &node_id_content(&node.0)),
            extension(&OID_ENC_SPKI, false, request.wrapping_key().spki_der()),
        ];
        let validity = (begin, begin + VALIDITY_MS_MAX);
        let spki = request.signing_key().spki_der();
        let tbs = draft(rng, request.user_id().as_str(), spki, validity, extensions);
        seal(&self.key, rng, tbs)
    }

    /// Signs a revocation list at `now_ms`; the next is due a day later (PROTOCOL.md#enrolment).
    ///
    /// # Panics
    /// With more than [`super::REVOCATIONS_MAX`] serials: the caller counts.
    pub fn sign_revocations(
        &self,
        rng: &mut Rng,
        sequence: u64,
        now_ms: u64,
        serial_hashes: &BTreeSet<[u8; 32]>,
    ) -> Vec<u8> {
        assert!(serial_hashes.len() <= super::REVOCATIONS_MAX, "the authority counts its revocations");
        let body = revocation::body(sequence, now_ms, now_ms + NEXT_UPDATE_MS, serial_hashes);
        let signature = self.key.sign(rng, &revocation::signed_message(&body));
        Writer::new().raw(&body).lp(&signature).into_bytes()
    }
}

/// An unsigned certificate under a fresh serial number.
pub(super) fn draft(
    rng: &mut Rng,
    subject: &str,
    spki_der: &[u8],
    (not_before_ms, not_after_ms): (u64, u64),
    extensions: Vec<Extension>,
) -> Tbs {
    Tbs {
        version: Version::V3,
        serial: SerialNumber::new(&fresh_serial(rng)).expect("16 bytes are a serial number"),
        algorithm: pss_algorithm(),
        issuer: common_name(AUTHORITY_NAME),
        validity: Validity::new(x509_time(not_before_ms), x509_time(not_after_ms)),
        subject: common_name(subject),
        spki: SubjectPublicKeyInfoOwned::from_der(spki_der).expect("the key was checked"),
        issuer_unique_id: None,
        subject_unique_id: None,
        extensions: Some(extensions),
    }
}

/// Signs a draft: the certificate in DER.
pub(super) fn seal(key: &SigningKey, rng: &mut Rng, tbs: Tbs) -> Vec<u8> {
    let signature = key.sign(rng, &tbs.to_der().expect("a draft has a DER form"));
    let signature = BitString::from_bytes(&signature).expect("a signature is far under 256 MiB");
    let form = CertificateForm { tbs, algorithm: pss_algorithm(), signature };
    form.to_der().expect("a certificate has a DER form")
}

/// A time of a certificate, in whole seconds: UTCTime to 2049, then GeneralizedTime (RFC 5280 section 4.1.2.5).
pub(super) fn x509_time(ms: u64) -> Time {
    let since = Duration::from_secs(ms / 1_000);
    match UtcTime::from_unix_duration(since) {
        Ok(time) => Time::UtcTime(time),
        Err(_) => Time::GeneralTime(GeneralizedTime::from_unix_duration(since).expect("a clock before the year 10000")),
    }
}

/// 16 bytes with the first bit 0 and the first byte not 0.
fn fresh_serial(rng: &mut Rng) -> [u8; 16] {
    loop {
        let mut serial = rng.array::<16>();
        serial[0] &= 0x7f;
        if serial[0] != 0 {
            return serial;
        }
    }
}
