//! The record of a user: the certificates of their devices, signed by one of them.

use super::{DEVICES_MAX, Draft, SIGNATURE_BYTES_MAX, is_signed};
use crate::codec::{Malformed, Reader, Writer};
use crate::identity::{RevocationList, TrustAnchor, UserId, VerifiedCertificate};
use crate::limits::CERTIFICATE_BYTES_MAX;

const MAGIC: [u8; 4] = *b"B4U1";
const LABEL: &[u8] = b"B4/v1/user";

/// Why a record is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Not the bytes of a record.
    #[error("not a user record")]
    Malformed,
    /// A certificate in it is not one to believe, or of another user.
    #[error("a certificate of the record is refused")]
    Certificate,
    /// The first device did not sign it.
    #[error("the record's signature does not verify")]
    BadSignature,
}

impl From<Malformed> for RecordError {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

/// A user record whose signature and certificates were verified.
///
/// ```text
/// "B4U1"(4) | sequence(8) | count(1: 1-4) x [lp(certificate) | prekey(1) = 0] | lp(signature of the first device)
/// ```
#[derive(Clone, Debug)]
pub struct UserRecord {
    sequence: u64,
    devices: Vec<VerifiedCertificate>,
    bytes: Vec<u8>,
}

impl UserRecord {
    /// A record of these devices (at most four are taken); the first is the one that signs.
    pub fn draft(sequence: u64, devices: &[&VerifiedCertificate]) -> Draft {
        let count = u8::try_from(devices.len().min(DEVICES_MAX)).expect("bounded above");
        let head = Writer::new().raw(&MAGIC).u64(sequence).u8(count);
        let body = devices.iter().take(DEVICES_MAX).fold(head, |writer, device| writer.lp(device.der()).u8(0));
        Draft { label: LABEL, body: body.into_bytes() }
    }

    /// Reads and verifies a record.
    ///
    /// # Errors
    /// See [`RecordError`].
    pub fn verify(bytes: &[u8], anchor: &TrustAnchor, revoked: Option<&RevocationList>, wall_ms: u64) -> Result<Self, RecordError> {
        let mut reader = Reader::new(bytes);
        if reader.array()? != MAGIC {
            return Err(RecordError::Malformed);
        }
        let sequence = reader.u64()?;
        let count = usize::from(reader.u8()?);
        if !(1..=DEVICES_MAX).contains(&count) {
            return Err(RecordError::Malformed);
        }
        let mut devices: Vec<VerifiedCertificate> = Vec::with_capacity(count);
        for _ in 0..count {
            let der = reader.lp(CERTIFICATE_BYTES_MAX)?;
            if reader.u8()? != 0 {
                return Err(RecordError::Malformed);
            }
            let device = anchor.verify(der, wall_ms, revoked).map_err(|_| RecordError::Certificate)?;
            if devices.first().is_some_and(|first| first.user_id() != device.user_id()) {
                return Err(RecordError::Certificate);
            }
            devices.push(device);
        }
        let body = &bytes[..bytes.len() - reader.left()];
        let signature = reader.lp(SIGNATURE_BYTES_MAX)?;
        reader.finish()?;
        if !is_signed(devices[0].signing_key(), LABEL, body, signature) {
            return Err(RecordError::BadSignature);
        }
        Ok(Self { sequence, devices, bytes: bytes.to_vec() })
    }

    /// Goes up with every record.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Whose it is.
    pub fn user(&self) -> &UserId {
        self.devices[0].user_id()
    }

    /// The devices, the signing one first.
    pub fn devices(&self) -> &[VerifiedCertificate] {
        &self.devices
    }

    /// As it was signed.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// When the first of its certificates ends: the record ends with it.
    pub fn until_ms(&self) -> u64 {
        self.devices.iter().map(VerifiedCertificate::not_after_ms).min().unwrap_or(0)
    }
}
