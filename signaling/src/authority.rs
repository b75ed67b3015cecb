//! Who gets a certificate: request, what the registry knows and the time in, certificate or refusal out. No disk, no clock.

use b4_protocol::codec::{Malformed, Reader, Writer};
use b4_protocol::crypto::Rng;
use b4_protocol::identity::{EnrolmentRequest, Issuer, NodeId, RequestError, UserIdError};
use b4_protocol::limits::CERTIFICATE_BYTES_MAX;
use b4_protocol::time::DAY_MS;

/// Age of a certificate, from the begin of its validity, at which it is renewed (PROTOCOL.md#enrolment).
const RENEW_FROM_MS: u64 = 60 * DAY_MS;
/// Version of a record's bytes.
const RECORD_VERSION: u8 = 1;
/// Most devices of a name, and most earlier certificates of a device that a record can hold.
const RECORD_LIST_MAX: usize = 255;

/// What a name's owner is known by. Today one device; the list is for those that the first one will authorise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameRecord {
    /// The owner's devices.
    pub devices: Vec<DeviceRecord>,
}

/// A device of a name's owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceRecord {
    /// Drawn at enrolment, kept on renewal.
    pub node: NodeId,
    /// H(signing SPKI | decryption SPKI).
    pub key_hash: [u8; 32],
    /// The newest certificate, DER.
    pub certificate: Vec<u8>,
    /// H(serial) of the newest certificate.
    pub serial_hash: [u8; 32],
    /// Begin of its validity, milliseconds since 1970.
    pub not_before_ms: u64,
    /// End of its validity.
    pub not_after_ms: u64,
    /// Whether the operator has taken it back: nothing is issued for its keys any more.
    pub revoked: bool,
    /// Earlier certificates that may still be valid: H(serial), end of validity.
    pub superseded: Vec<([u8; 32], u64)>,
}

/// How names are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// To the first who asks.
    FirstCome,
    /// To the first who asks with an invite that nobody has used.
    Invites,
}

/// Why no certificate is issued (PROTOCOL.md#enrolment).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The name can be nobody's.
    #[error("{0}")]
    BadName(UserIdError),
    /// The name is reserved.
    #[error("this name is reserved")]
    Reserved,
    /// The name is another key's.
    #[error("this name belongs to another key")]
    Taken,
    /// The operator has taken this key's certificate back.
    #[error("this key's certificate was revoked")]
    Revoked,
    /// Not a request of the profile.
    #[error("{0}")]
    BadRequest(RequestError),
    /// The request's signature is wrong.
    #[error("the request's signature does not verify")]
    BadSignature,
    /// A key is not one that B4 accepts.
    #[error("{0}")]
    BadKey(RequestError),
    /// The answer to the challenge is wrong.
    #[error("the answer to the challenge is wrong")]
    BadAnswer,
    /// No such ticket: unknown, used or over.
    #[error("no such ticket: begin again")]
    NoTicket,
    /// Too many requests from this address, or in all.
    #[error("too many requests")]
    TooMany {
        /// When to try again, in milliseconds.
        retry_after_ms: u64,
    },
    /// The request is too large.
    #[error("the request is too large")]
    TooLarge,
    /// A new name takes an invite here.
    #[error("a new name takes an invite here")]
    InviteRequired,
    /// The invite is unknown or used.
    #[error("the invite is unknown or used")]
    BadInvite,
}

impl Refusal {
    /// Its code on the wire and its HTTP status.
    pub fn code(self) -> (&'static str, u16) {
        match self {
            Self::BadName(_) => ("bad-name", 400),
            Self::Reserved => ("reserved", 409),
            Self::Taken => ("taken", 409),
            Self::Revoked => ("revoked", 403),
            Self::BadRequest(_) => ("bad-request", 400),
            Self::BadSignature => ("bad-signature", 400),
            Self::BadKey(_) => ("bad-key", 400),
            Self::BadAnswer => ("bad-answer", 403),
            Self::NoTicket => ("no-ticket", 404),
            Self::TooMany { .. } => ("too-many", 429),
            Self::TooLarge => ("too-large", 413),
            Self::InviteRequired => ("invite-required", 403),
            Self::BadInvite => ("bad-invite", 403),
        }
    }
}

impl From<UserIdError> for Refusal {
    fn from(error: UserIdError) -> Self {
        match error {
            UserIdError::Reserved => Self::Reserved,
            other => Self::BadName(other),
        }
    }
}

impl From<RequestError> for Refusal {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::TooLarge => Self::TooLarge,
            RequestError::UserId(error) => error.into(),
            RequestError::BadSignature => Self::BadSignature,
            RequestError::SigningKey(_) | RequestError::WrappingKey(_) | RequestError::OneKeyForBoth => Self::BadKey(error),
            RequestError::NotDer
            | RequestError::NotCanonical
            | RequestError::Subject
            | RequestError::Attributes
            | RequestError::Algorithm => Self::BadRequest(error),
        }
    }
}

/// What a request is, given what is known of its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nobody has the name.
    New,
    /// The owner's device, whose certificate is due for renewal.
    Renewal(DeviceRecord),
    /// The owner's device, whose certificate is still young: it gets the same again.
    Current(DeviceRecord),
}

/// What is issued, and the record to keep before it is handed out (`None`: nothing changed).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// The certificate, DER.
    pub certificate: Vec<u8>,
    /// The name's new record.
    pub record: Option<NameRecord>,
}

/// Judges a request before any key is used for it.
///
/// # Errors
/// `Taken` or `Revoked`.
pub fn standing(request: &EnrolmentRequest, record: Option<&NameRecord>, now_ms: u64) -> Result<Standing, Refusal> {
    let Some(record) = record else { return Ok(Standing::New) };
    let key_hash = request.key_hash();
    let device = record.devices.iter().find(|device| device.key_hash == key_hash).ok_or(Refusal::Taken)?;
    if device.revoked {
        return Err(Refusal::Revoked);
    }
    let due = now_ms >= device.not_before_ms.saturating_add(RENEW_FROM_MS);
    Ok(if due { Standing::Renewal(device.clone()) } else { Standing::Current(device.clone()) })
}

/// Issues what a request is due, after both of its keys have proven themselves.
///
/// # Errors
/// As [`standing`].
///
/// # Panics
/// When the issuer makes a certificate that its own anchor refuses.
pub fn issue(
    issuer: &Issuer,
    rng: &mut Rng,
    request: &EnrolmentRequest,
    record: Option<&NameRecord>,
    now_ms: u64,
) -> Result<Issued, Refusal> {
    let earlier = match standing(request, record, now_ms)? {
        Standing::Current(device) => return Ok(Issued { certificate: device.certificate, record: None }),
        Standing::Renewal(device) => Some(device),
        Standing::New => None,
    };
    let node = earlier.as_ref().map_or_else(|| NodeId(rng.array()), |device| device.node);
    let der = issuer.issue(rng, request, &node, now_ms);
    let certificate = issuer.anchor().verify(&der, now_ms, None).expect("the anchor accepts what its issuer makes");
    let mut superseded = Vec::new();
    if let Some(device) = &earlier {
        superseded.extend(device.superseded.iter().copied());
        superseded.push((device.serial_hash, device.not_after_ms));
        superseded.retain(|(_, not_after_ms)| *not_after_ms > now_ms);
    }
    let device = DeviceRecord {
        node,
        key_hash: certificate.key_hash(),
        certificate: der.clone(),
        serial_hash: certificate.serial_hash(),
        not_before_ms: certificate.not_before_ms(),
        not_after_ms: certificate.not_after_ms(),
        revoked: false,
        superseded,
    };
    let mut record = record.cloned().unwrap_or_default();
    record.devices.retain(|other| other.key_hash != device.key_hash);
    record.devices.push(device);
    Ok(Issued { certificate: der, record: Some(record) })
}

impl NameRecord {
    /// The record's bytes, as the registry keeps them.
    ///
    /// ```text
    /// version(1) = 1 | count(1) x [node(32) | key hash(32) | serial hash(32) | not before(8) | not after(8) |
    ///   revoked(1) | lp(certificate) | count(1) x [serial hash(32) | not after(8)]]
    /// ```
    ///
    /// # Panics
    /// With over 255 devices, or earlier certificates of one.
    pub fn encode(&self) -> Vec<u8> {
        let count = |items: usize| u8::try_from(items).expect("a record's lists are short");
        let head = Writer::new().u8(RECORD_VERSION).u8(count(self.devices.len()));
        let write = |writer: Writer, device: &DeviceRecord| {
            let writer = writer.raw(&device.node.0).raw(&device.key_hash).raw(&device.serial_hash);
            let writer = writer.u64(device.not_before_ms).u64(device.not_after_ms).u8(u8::from(device.revoked));
            let writer = writer.lp(&device.certificate).u8(count(device.superseded.len()));
            device.superseded.iter().fold(writer, |writer, (hash, not_after)| writer.raw(hash).u64(*not_after))
        };
        self.devices.iter().fold(head, write).into_bytes()
    }

    /// Reads a record.
    ///
    /// # Errors
    /// `Malformed` when the bytes are no record of this version.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        if reader.u8()? != RECORD_VERSION {
            return Err(Malformed);
        }
        let count = usize::from(reader.u8()?).min(RECORD_LIST_MAX);
        let devices = (0..count).map(|_| DeviceRecord::read(&mut reader)).collect::<Result<_, _>>()?;
        reader.finish()?;
        Ok(Self { devices })
    }
}

impl DeviceRecord {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (node, key_hash, serial_hash) = (NodeId(reader.array()?), reader.array()?, reader.array()?);
        let (not_before_ms, not_after_ms, revoked) = (reader.u64()?, reader.u64()?, reader.u8()? != 0);
        let certificate = reader.lp(CERTIFICATE_BYTES_MAX)?.to_vec();
        let count = reader.u8()?;
        let superseded = (0..count).map(|_| Ok((reader.array()?, reader.u64()?))).collect::<Result<_, _>>()?;
        Ok(Self { node, key_hash, certificate, serial_hash, not_before_ms, not_after_ms, revoked, superseded })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use b4_protocol::identity::testing::{NOW_MS, TestAuthority, device_keys, request_of};

    fn request(name: &str, keys: usize) -> EnrolmentRequest {
        let csr = request_of(name, &device_keys(keys), &mut Rng::from_seed([4; 32]));
        EnrolmentRequest::parse(&csr).expect("a good request")
    }

    fn issued(request: &EnrolmentRequest, record: Option<&NameRecord>, now_ms: u64, seed: u8) -> Result<Issued, Refusal> {
        let authority = TestAuthority::new([1; 32]);
        issue(authority.issuer(), &mut Rng::from_seed([seed; 32]), request, record, now_ms)
    }

    #[test]
    fn a_name_belongs_to_the_first_that_completes() {
        let first = issued(&request("anna", 0), None, NOW_MS, 1).expect("a free name");
        let record = first.record.expect("a new record");
        assert_eq!(issued(&request("anna", 1), Some(&record), NOW_MS, 2), Err(Refusal::Taken));
        // The same signing key with another decryption key is another key (the pool pairs them anew from 12 on).
        assert_eq!(issued(&request("anna", 12), Some(&record), NOW_MS, 2), Err(Refusal::Taken));
    }

    #[test]
    fn the_same_keys_get_the_current_one_again_and_from_day_60_a_new_one_of_the_same_node() {
        let anna = request("anna", 0);
        let first = issued(&anna, None, NOW_MS, 1).expect("a free name");
        let record = first.record.expect("a new record");
        let begin = record.devices[0].not_before_ms;
        let again = issued(&anna, Some(&record), begin + RENEW_FROM_MS - 1, 2).expect("the owner");
        assert_eq!(again, Issued { certificate: first.certificate.clone(), record: None });
        for (number, days) in [60, 89, 91, 400].into_iter().enumerate() {
            let now = begin + days * DAY_MS;
            let renewed = issued(&anna, Some(&record), now, 3).expect("the owner");
            assert_ne!(renewed.certificate, first.certificate);
            let device = renewed.record.expect("a new record").devices.remove(0);
            assert_eq!(device.node, record.devices[0].node);
            assert_eq!(device.superseded.len(), usize::from(number < 2), "an expired one need not be revoked");
        }
    }

    #[test]
    fn a_revoked_key_gets_nothing_and_its_name_stays_taken() {
        let anna = request("anna", 0);
        let mut record = issued(&anna, None, NOW_MS, 1).expect("a free name").record.expect("a new record");
        record.devices[0].revoked = true;
        assert_eq!(issued(&anna, Some(&record), NOW_MS + 70 * DAY_MS, 2), Err(Refusal::Revoked));
        assert_eq!(issued(&request("anna", 1), Some(&record), NOW_MS, 2), Err(Refusal::Taken));
    }

    #[test]
    fn a_record_is_read_back_and_a_cut_one_refused() {
        let anna = request("anna", 0);
        let mut record = issued(&anna, None, NOW_MS, 1).expect("a free name").record.expect("a new record");
        record.devices[0].superseded.push(([7; 32], 8));
        record.devices.push(DeviceRecord { key_hash: [9; 32], ..record.devices[0].clone() });
        let bytes = record.encode();
        assert_eq!(NameRecord::decode(&bytes), Ok(record));
        for end in 0..bytes.len() {
            assert_eq!(NameRecord::decode(&bytes[..end]), Err(Malformed));
        }
        assert_eq!(NameRecord::decode(&[&[2], &bytes[1..]].concat()), Err(Malformed));
    }
}
