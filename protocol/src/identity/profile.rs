//! The profile of PROTOCOL.md#certificates, field by field, in the order of its table. No signature is looked at here.

use super::form::{self, Extension, Form};
use super::x509::{OID_ENC_SPKI, OID_KEY_USAGE, OID_NODE_ID, USAGE_SIGN, common_name_text, node_id_content};
use super::{CertificateError, NodeId, UserId};
use crate::crypto::{VerifyKey, WrapKey, sha256};
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
    let form = form::read(der)?;
    if !form.is_v3 {
        return Err(CertificateError::Version);
    }
    if !SERIAL_BYTES.contains(&form.serial.len()) || !(0x01..=0x7f).contains(&form.serial[0]) {
        return Err(CertificateError::Serial);
    }
    if !form.is_pss {
        return Err(CertificateError::Algorithm);
    }
    if form.issuer != issuer {
        return Err(CertificateError::WrongAuthority);
    }
    check_validity(&form)?;
    let name = common_name_text(form.subject).ok_or(CertificateError::Subject)?;
    let user_id = UserId::parse(name).map_err(CertificateError::UserId)?;
    let signing_key = VerifyKey::from_spki_der(form.spki).map_err(CertificateError::SigningKey)?;
    let (node_id, wrapping_key) = extensions(&form)?;
    if wrapping_key.spki_der() == signing_key.spki_der() {
        return Err(CertificateError::OneKeyForBoth);
    }
    Ok(Profiled {
        user_id,
        node_id,
        signing_key,
        wrapping_key,
        not_before_ms: form.not_before_ms,
        not_after_ms: form.not_after_ms,
        serial_hash: sha256(&[form.serial]),
        signed: form.signed.to_vec(),
        signature: form.signature.to_vec(),
    })
}

fn check_validity(form: &Form<'_>) -> Result<(), CertificateError> {
    match form.not_after_ms.checked_sub(form.not_before_ms) {
        Some(1..=VALIDITY_MS_MAX) => Ok(()),
        _ => Err(CertificateError::Validity),
    }
}

fn extensions(form: &Form<'_>) -> Result<(NodeId, WrapKey), CertificateError> {
    if form.has_unique_id {
        return Err(CertificateError::UniqueId);
    }
    let [usage, node, enc] = form.extensions.as_slice() else { return Err(CertificateError::Extensions) };
    if !usage.is(&OID_KEY_USAGE, true) || !node.is(&OID_NODE_ID, false) || !enc.is(&OID_ENC_SPKI, false) {
        return Err(CertificateError::Extensions);
    }
    if usage.content != USAGE_SIGN {
        return Err(CertificateError::KeyUsage);
    }
    Ok((node_id(node)?, WrapKey::from_spki_der(enc.content).map_err(CertificateError::WrappingKey)?))
}

fn node_id(extension: &Extension<'_>) -> Result<NodeId, CertificateError> {
    let bytes: [u8; 32] =
        extension.content.get(2..).and_then(|bytes| bytes.try_into().ok()).ok_or(CertificateError::NodeId)?;
    if node_id_content(&bytes) != extension.content {
        return Err(CertificateError::NodeId);
    }
    Ok(NodeId(bytes))
}
