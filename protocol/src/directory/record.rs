//! The record of a user: the certificates of their devices and a prekey of each, signed by one of them.

use super::{DEVICES_MAX, Draft, Prekey, SIGNATURE_BYTES_MAX, is_signed, prekey};
use crate::codec::{Malformed, Reader, Writer};
use crate::identity::{NodeId, RevocationList, TrustAnchor, UserId, VerifiedCertificate};
use crate::limits::CERTIFICATE_BYTES_MAX;

const MAGIC: [u8; 4] = *b"B4U1";
const LABEL: &[u8] = b"B4/v1/user";
/// A device without a prekey.
const NO_PREKEY: u8 = 0;
/// A prekey of the device that signs the record: the record's signature is the prekey's.
const FIRST_PREKEY: u8 = 1;
/// A prekey of another device, with that device's own signature.
const SIGNED_PREKEY: u8 = 2;

/// Why a record is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Not the bytes of a record.
    #[error("not a user record")]
    Malformed,
    /// A certificate in it is not one to believe, or of another user.
    #[error("a certificate of the record is refused")]
    Certificate,
    /// The first device did not sign it, or another one its own prekey.
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
/// "B4U1"(4) | sequence(8) | count(1: 1-4) x [lp(certificate) | prekey] | lp(signature of the first device)
/// prekey = 0(1)                                                               there is none
///        | 1(1) | public(32) | created(4, seconds since 1970)                 of the first device alone
///        | 2(1) | public(32) | created(4) | lp(signature of this device)      of the others alone
/// ```
#[derive(Clone, Debug)]
pub struct UserRecord {
    sequence: u64,
    devices: Vec<VerifiedCertificate>,
    /// As many as devices, in their order.
    prekeys: Vec<Option<Prekey>>,
    bytes: Vec<u8>,
}

/// One device, for the draft of a record.
#[derive(Clone, Copy, Debug)]
pub struct DeviceEntry<'a> {
    /// Its certificate.
    pub certificate: &'a VerifiedCertificate,
    /// Its prekey, and its own signature over that ([`Prekey::key_op`]). The first device needs none: it signs the record.
    pub prekey: Option<(Prekey, &'a [u8])>,
}

impl UserRecord {
    /// A record of these devices without prekeys (at most four are taken); the first is the one that signs.
    pub fn draft(sequence: u64, devices: &[&VerifiedCertificate]) -> Draft {
        let entries: Vec<DeviceEntry<'_>> =
            devices.iter().map(|certificate| DeviceEntry { certificate, prekey: None }).collect();
        Self::draft_with_prekeys(sequence, &entries)
    }

    /// A record of these devices and their prekeys (at most four are taken); the first is the one that signs.
    pub fn draft_with_prekeys(sequence: u64, devices: &[DeviceEntry<'_>]) -> Draft {
        let count = u8::try_from(devices.len().min(DEVICES_MAX)).expect("bounded above");
        let mut body = Writer::new().raw(&MAGIC).u64(sequence).u8(count);
        for (at, device) in devices.iter().take(DEVICES_MAX).enumerate() {
            body = body.lp(device.certificate.der());
            body = match device.prekey {
                None => body.u8(NO_PREKEY),
                Some((prekey, _)) if at == 0 => prekey.write(body.u8(FIRST_PREKEY)),
                Some((prekey, signature)) => prekey.write(body.u8(SIGNED_PREKEY)).lp(signature),
            };
        }
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
        let mut prekeys = Vec::with_capacity(count);
        for at in 0..count {
            let der = reader.lp(CERTIFICATE_BYTES_MAX)?;
            let device = anchor.verify(der, wall_ms, revoked).map_err(|_| RecordError::Certificate)?;
            if devices.first().is_some_and(|first| first.user_id() != device.user_id()) {
                return Err(RecordError::Certificate);
            }
            prekeys.push(read_prekey(&mut reader, at == 0, &device)?);
            devices.push(device);
        }
        let body = &bytes[..bytes.len() - reader.left()];
        let signature = reader.lp(SIGNATURE_BYTES_MAX)?;
        reader.finish()?;
        if !is_signed(devices[0].signing_key(), LABEL, body, signature) {
            return Err(RecordError::BadSignature);
        }
        Ok(Self { sequence, devices, prekeys, bytes: bytes.to_vec() })
    }

    /// The prekey of this device, if an envelope may be sealed to it at `wall_ms`. Without one the certified key alone seals.
    pub fn prekey(&self, device: &NodeId, wall_ms: u64) -> Option<Prekey> {
        let place = self.devices.iter().position(|known| known.node_id() == device)?;
        self.prekeys[place].filter(|prekey| prekey.serves(wall_ms))
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

/// Each prekey is signed by its own device: the first one's by the record's signature, another's by one of its own. So none can give
/// another a prekey that is not the other's.
fn read_prekey(reader: &mut Reader<'_>, is_first: bool, device: &VerifiedCertificate) -> Result<Option<Prekey>, RecordError> {
    match (reader.u8()?, is_first) {
        (NO_PREKEY, _) => Ok(None),
        (FIRST_PREKEY, true) => Ok(Some(Prekey::read(reader)?)),
        (SIGNED_PREKEY, false) => {
            let prekey = Prekey::read(reader)?;
            let signature = reader.lp(SIGNATURE_BYTES_MAX)?;
            let is_theirs = is_signed(device.signing_key(), prekey::LABEL, &prekey.signed_body(device), signature);
            if is_theirs { Ok(Some(prekey)) } else { Err(RecordError::BadSignature) }
        }
        _ => Err(RecordError::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{KeyOp, Rng};
    use crate::identity::testing::{NOW_MS, TestAuthority, TestDevice};
    use crate::time::{DAY_MS, SECOND_MS};

    fn sign(device: &TestDevice, op: &KeyOp) -> Vec<u8> {
        device.keys.perform(&mut Rng::from_seed([1; 32]), op).expect("a signature").to_vec()
    }

    fn prekey(byte: u8) -> Prekey {
        Prekey { public: [byte; 32], created_s: u32::try_from(NOW_MS / SECOND_MS).expect("before 2106") }
    }

    /// Two devices of anna, each with a prekey; the second one's is signed by `by`.
    fn record(first: &TestDevice, second: &TestDevice, by: &TestDevice) -> Vec<u8> {
        let signature = sign(by, &prekey(2).key_op(&second.certificate));
        let entries = [
            DeviceEntry { certificate: &first.certificate, prekey: Some((prekey(1), &[])) },
            DeviceEntry { certificate: &second.certificate, prekey: Some((prekey(2), &signature)) },
        ];
        let draft = UserRecord::draft_with_prekeys(1, &entries);
        let signature = sign(first, &draft.key_op());
        draft.finish(&signature)
    }

    #[test]
    fn each_device_has_its_prekey_while_it_serves() {
        let mut authority = TestAuthority::new([1; 32]);
        let devices = [authority.issue("anna", NOW_MS), authority.issue("anna", NOW_MS), authority.issue("anna", NOW_MS)];
        let bytes = record(&devices[0], &devices[1], &devices[1]);
        let read = UserRecord::verify(&bytes, authority.anchor(), None, NOW_MS).expect("a good record");
        let of = |at: usize, wall_ms| read.prekey(devices[at].certificate.node_id(), wall_ms);
        assert_eq!([of(0, NOW_MS), of(1, NOW_MS), of(2, NOW_MS)], [Some(prekey(1)), Some(prekey(2)), None]);
        assert_eq!([of(0, NOW_MS + 15 * DAY_MS), of(0, NOW_MS - DAY_MS)], [None, None], "too old, and from the future");
    }

    #[test]
    fn no_device_gives_another_a_prekey() {
        let mut authority = TestAuthority::new([1; 32]);
        let (first, second) = (authority.issue("anna", NOW_MS), authority.issue("anna", NOW_MS));
        let error = |bytes: &[u8]| UserRecord::verify(bytes, authority.anchor(), None, NOW_MS).err();
        assert_eq!(error(&record(&first, &second, &first)), Some(RecordError::BadSignature));
        // The form of the first device's prekey, for another; and the other way about.
        for (at, flag) in [(1, FIRST_PREKEY), (0, SIGNED_PREKEY), (0, 3)] {
            let mut body = Writer::new().raw(&MAGIC).u64(1).u8(2);
            for (place, device) in [&first, &second].into_iter().enumerate() {
                body = body.lp(device.certificate.der());
                body = if place == at { prekey(1).write(body.u8(flag)) } else { body.u8(NO_PREKEY) };
                let signature = sign(device, &prekey(1).key_op(&device.certificate));
                body = if place == at && flag != FIRST_PREKEY { body.lp(&signature) } else { body };
            }
            let draft = Draft { label: LABEL, body: body.into_bytes() };
            let signature = sign(&first, &draft.key_op());
            assert_eq!(error(&draft.finish(&signature)), Some(RecordError::Malformed), "flag {flag} of device {at}");
        }
    }

    #[test]
    fn every_flipped_byte_of_a_record_with_prekeys_is_refused() {
        let mut authority = TestAuthority::new([1; 32]);
        let (first, second) = (authority.issue("anna", NOW_MS), authority.issue("anna", NOW_MS));
        let whole = record(&first, &second, &second);
        let is_good = |bytes: &[u8]| UserRecord::verify(bytes, authority.anchor(), None, NOW_MS).is_ok();
        assert!(is_good(&whole));
        for byte in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[byte] ^= 1 << (byte % 8);
            assert!(!is_good(&flipped), "byte {byte}");
            assert!(!is_good(&whole[..byte]), "cut at {byte}");
        }
        assert!(!is_good(&[whole, vec![0]].concat()));
    }
}
