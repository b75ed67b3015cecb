//! The profile of PROTOCOL.md#certificates, field by field, in the order of its table. No signature is looked at here.

use der::{Decode, Encode};
use x509_cert::certificate::Version;
use x509_cert::ext::Extension;
use x509_cert::time::Validity;

use super::x509::{
    CertificateForm, OID_ENC_SPKI, OID_KEY_USAGE, OID_NODE_ID, PSS_ALGORITHM, Tbs, USAGE_SIGN, common_name_text,
    node_id_content,
};
use super::{CertificateError, NodeId, UserId};
use crate::crypto::{VerifyKey, WrapKey, sha256};
use crate::limits::CERTIFICATE_BYTES_MAX;
use crate::time::DAY_MS;

/// Longest validity in milliseconds (PROTOCOL.md#certificates).
pub(super) const VALIDITY_MS_MAX: u64 = 90 * DAY_MS;
/// Length of a serial number in bytes that is accepted.
const SERIAL_BYTES: std::ops::RangeInclusive<usize> = 16..=20;

/// A certificate whose form is right. Whether anybody signed it is not known yet.
pub(super) struct Profiled {
    pub(super) user_id: UserId,
    pub(super) node_id: NodeId,
    pub(super) signing_key: VerifyKey,
    pub(super) wrapping_key: WrapKey,
    pub(super) not_before_ms: u64,
    pub(super) not_after_ms: u64,
    pub(super) serial_hash: [u8; 32],
    /// What the signature is over.
    pub(super) signed: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

/// Checks size, canonical form and every field; `issuer` is the authority's subject as DER.
pub(super) fn check(der: &[u8], issuer: &[u8]) -> Result<Profiled, CertificateError> {
    let form = canonical(der)?;
    let tbs = &form.tbs;
    if tbs.version != Version::V3 {
        return Err(CertificateError::Version);
    }
    let serial = tbs.serial.as_bytes();
    if !SERIAL_BYTES.contains(&serial.len()) || !(0x01..=0x7f).contains(&serial[0]) {
        return Err(CertificateError::Serial);
    }
    if !is_pss(&form) {
        return Err(CertificateError::Algorithm);
    }
    if tbs.issuer.to_der().map_err(|_| CertificateError::NotDer)? != issuer {
        return Err(CertificateError::WrongAuthority);
    }
    let (not_before_ms, not_after_ms) = validity(&tbs.validity)?;
    let name = common_name_text(&tbs.subject).ok_or(CertificateError::Subject)?;
    let user_id = UserId::parse(&name).map_err(CertificateError::UserId)?;
    let spki = tbs.spki.to_der().map_err(|_| CertificateError::NotDer)?;
    let signing_key = VerifyKey::from_spki_der(&spki).map_err(CertificateError::SigningKey)?;
    let (node_id, wrapping_key) = extensions(tbs)?;
    if wrapping_key.spki_der() == signing_key.spki_der() {
        return Err(CertificateError::OneKeyForBoth);
    }
    Ok(Profiled {
        user_id,
        node_id,
        signing_key,
        wrapping_key,
        not_before_ms,
        not_after_ms,
        serial_hash: sha256(&[serial]),
        signed: tbs.to_der().map_err(|_| CertificateError::NotDer)?,
        signature: form.signature.raw_bytes().to_vec(),
    })
}

/// Parses, and refuses whatever does not encode back to the same bytes.
pub(super) fn canonical(der: &[u8]) -> Result<CertificateForm, CertificateError> {
    if der.len() > CERTIFICATE_BYTES_MAX {
        return Err(CertificateError::TooLarge);
    }
    let form = CertificateForm::from_der(der).map_err(|_| CertificateError::NotDer)?;
    if form.to_der().map_err(|_| CertificateError::NotCanonical)? != der {
        return Err(CertificateError::NotCanonical);
    }
    Ok(form)
}

/// Both signature algorithms are RSASSA-PSS with exactly our parameters, and the signature is whole bytes.
pub(super) fn is_pss(form: &CertificateForm) -> bool {
    let exact = |der: der::Result<Vec<u8>>| der.is_ok_and(|der| der == PSS_ALGORITHM);
    exact(form.tbs.algorithm.to_der()) && exact(form.algorithm.to_der()) && form.signature.unused_bits() == 0
}

fn validity(validity: &Validity) -> Result<(u64, u64), CertificateError> {
    let milliseconds = |time: x509_cert::time::Time| time.to_unix_duration().as_secs().saturating_mul(1_000);
    let (not_before, not_after) = (milliseconds(validity.not_before), milliseconds(validity.not_after));
    match not_after.checked_sub(not_before) {
        Some(1..=VALIDITY_MS_MAX) => Ok((not_before, not_after)),
        _ => Err(CertificateError::Validity),
    }
}

fn extensions(tbs: &Tbs) -> Result<(NodeId, WrapKey), CertificateError> {
    if tbs.issuer_unique_id.is_some() || tbs.subject_unique_id.is_some() {
        return Err(CertificateError::UniqueId);
    }
    let all = tbs.extensions.as_deref().unwrap_or_default();
    let [usage, node, enc] = all else { return Err(CertificateError::Extensions) };
    let is = |extension: &Extension, oid, critical| extension.extn_id == oid && extension.critical == critical;
    if !is(usage, OID_KEY_USAGE, true) || !is(node, OID_NODE_ID, false) || !is(enc, OID_ENC_SPKI, false) {
        return Err(CertificateError::Extensions);
    }
    if usage.extn_value.as_bytes() != USAGE_SIGN {
        return Err(CertificateError::KeyUsage);
    }
    Ok((node_id(node)?, WrapKey::from_spki_der(enc.extn_value.as_bytes()).map_err(CertificateError::WrappingKey)?))
}

fn node_id(extension: &Extension) -> Result<NodeId, CertificateError> {
    let content = extension.extn_value.as_bytes();
    let bytes: [u8; 32] =
        content.get(2..).and_then(|bytes| bytes.try_into().ok()).ok_or(CertificateError::NodeId)?;
    if node_id_content(&bytes) != content {
        return Err(CertificateError::NodeId);
    }
    Ok(NodeId(bytes))
}
