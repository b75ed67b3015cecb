//! The tombstone: a receiver's signed word on what has arrived of one author. It clears the holders, keeps a stale copy from coming back,
//! and is the author's delivery receipt. When one is given, and how long it is kept, is not decided here.

use super::{EnvelopeId, KeyId, RSA_BYTES_MAX};
use crate::codec::{Malformed, Reader, Writer};
use crate::crypto::{BadSignature, KeyOp};
use crate::identity::{CertificateError, RevocationList, TrustAnchor, VerifiedCertificate, clock_ms};
use crate::limits::{CERTIFICATE_BYTES_MAX, CLOCK_SKEW_MS, TOMBSTONE_ENTRIES_MAX};
use crate::message::MessageId;

const MAGIC: [u8; 4] = *b"B4T1";
const LABEL: &[u8] = b"B4/v1/rcpt";

/// The tombstone is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TombstoneError {
    /// Not the bytes of a tombstone.
    #[error("not a tombstone")]
    Malformed,
    /// It is dated ahead of the clock.
    #[error("the tombstone is from the future")]
    Time,
    /// Its signer's certificate was not one to believe at its time, or is revoked.
    #[error("the certificate of the tombstone's signer is refused: {0}")]
    Certificate(CertificateError),
    /// The mailbox is not its signer's.
    #[error("the tombstone is for another's mailbox")]
    OtherMailbox,
    /// The receiver did not sign it.
    #[error("the tombstone's signature does not verify")]
    BadSignature,
}

impl From<Malformed> for TombstoneError {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

/// One message that has arrived, and the envelope that it came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// The message.
    pub id: MessageId,
    /// The envelope.
    pub envelope: EnvelopeId,
}

/// Messages of one author have arrived durably (PROTOCOL.md#envelope).
///
/// ```text
/// "B4T1"(4) | mailbox(32) | key id of the author(16) | count(2: 1-256) x [mid(16) | H(envelope)(32)] | time(8) |
///     lp(certificate of the receiver) | lp(signature of the receiver)
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tombstone {
    /// H(user id of the receiver).
    pub mailbox: [u8; 32],
    /// The author's certificate, as it was in the envelopes.
    pub author: KeyId,
    /// What has arrived, 1 to 256.
    pub arrived: Vec<Arrived>,
    /// When, in milliseconds since 1970 on the receiver's clock.
    pub time_ms: u64,
}

impl Tombstone {
    /// What the receiver's signing key must sign.
    pub fn key_op(&self) -> KeyOp {
        KeyOp::Sign { message: [LABEL, &self.body()].concat() }
    }

    /// The signed tombstone. It brings the receiver's certificate along: whoever keeps it, or is told by it, may have another or none.
    pub fn finish(&self, receiver: &VerifiedCertificate, signature: &[u8]) -> Vec<u8> {
        Writer::new().raw(&MAGIC).raw(&self.body()).lp(receiver.der()).lp(signature).into_bytes()
    }

    /// Reads a tombstone and verifies it: signed by somebody whose user id hashes to the mailbox, with a certificate that was good at
    /// its time.
    ///
    /// # Errors
    /// See [`TombstoneError`].
    pub fn verify(bytes: &[u8], anchor: &TrustAnchor, revoked: Option<&RevocationList>, wall_ms: u64) -> Result<Self, TombstoneError> {
        let (tombstone, certificate, signature) = Self::read(bytes)?;
        if tombstone.time_ms > clock_ms(wall_ms, revoked).saturating_add(CLOCK_SKEW_MS) {
            return Err(TombstoneError::Time);
        }
        let receiver = anchor.verify_at(certificate, tombstone.time_ms, revoked).map_err(TombstoneError::Certificate)?;
        if receiver.user_id().mailbox() != tombstone.mailbox {
            return Err(TombstoneError::OtherMailbox);
        }
        let message = [LABEL, &tombstone.body()].concat();
        receiver.signing_key().verify(&message, signature).map_err(|BadSignature| TombstoneError::BadSignature)?;
        Ok(tombstone)
    }

    fn read(bytes: &[u8]) -> Result<(Self, &[u8], &[u8]), Malformed> {
        let mut reader = Reader::new(bytes);
        if reader.array()? != MAGIC {
            return Err(Malformed);
        }
        let (mailbox, author, count) = (reader.array()?, KeyId(reader.array()?), usize::from(reader.u16()?));
        if !(1..=TOMBSTONE_ENTRIES_MAX).contains(&count) {
            return Err(Malformed);
        }
        let entry = |_| Ok(Arrived { id: MessageId(reader.array()?), envelope: EnvelopeId(reader.array()?) });
        let arrived = (0..count).map(entry).collect::<Result<Vec<_>, Malformed>>()?;
        let time_ms = reader.u64()?;
        let (certificate, signature) = (reader.lp(CERTIFICATE_BYTES_MAX)?, reader.lp(RSA_BYTES_MAX)?);
        reader.finish()?;
        Ok((Self { mailbox, author, arrived, time_ms }, certificate, signature))
    }

    /// What is signed, without its label. At most 256 messages are taken.
    fn body(&self) -> Vec<u8> {
        let count = self.arrived.len().min(TOMBSTONE_ENTRIES_MAX);
        let head = Writer::new().raw(&self.mailbox).raw(&self.author.0).u16(u16::try_from(count).expect("bounded above"));
        let list = self.arrived.iter().take(count).fold(head, |writer, one| writer.raw(&one.id.0).raw(&one.envelope.0));
        list.u64(self.time_ms).into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Rng;
    use crate::identity::testing::{NOW_MS, TestAuthority, TestDevice};
    use crate::time::{DAY_MS, MINUTE_MS};

    struct Stage {
        authority: TestAuthority,
        anna: TestDevice,
        bela: TestDevice,
    }

    fn stage() -> Stage {
        let mut authority = TestAuthority::new([1; 32]);
        let (anna, bela) = (authority.issue("anna", NOW_MS), authority.issue("bela", NOW_MS));
        Stage { authority, anna, bela }
    }

    /// Bela says that so many messages of anna have arrived.
    fn tombstone(stage: &Stage, count: usize, time_ms: u64) -> Tombstone {
        let arrived = Arrived { id: MessageId([1; 16]), envelope: EnvelopeId([2; 32]) };
        let mailbox = stage.bela.certificate.user_id().mailbox();
        Tombstone { mailbox, author: KeyId::of(&stage.anna.certificate), arrived: vec![arrived; count], time_ms }
    }

    fn signed(tombstone: &Tombstone, certified: &TestDevice, by: &TestDevice) -> Vec<u8> {
        let signature = by.keys.perform(&mut Rng::from_seed([1; 32]), &tombstone.key_op()).expect("a signature");
        tombstone.finish(&certified.certificate, &signature)
    }

    fn verify(stage: &Stage, bytes: &[u8], wall_ms: u64) -> Result<Tombstone, TombstoneError> {
        Tombstone::verify(bytes, stage.authority.anchor(), None, wall_ms)
    }

    #[test]
    fn only_the_receiver_says_what_has_arrived() {
        let stage = stage();
        let (anna, bela) = (&stage.anna, &stage.bela);
        let said = tombstone(&stage, 3, NOW_MS);
        let bytes = signed(&said, bela, bela);
        assert_eq!(verify(&stage, &bytes, NOW_MS), Ok(said.clone()));
        assert_eq!(verify(&stage, &signed(&said, anna, anna), NOW_MS), Err(TombstoneError::OtherMailbox));
        assert_eq!(verify(&stage, &signed(&said, bela, anna), NOW_MS), Err(TombstoneError::BadSignature));
        let stranger = TestAuthority::stranger([2; 32]).issue("bela", NOW_MS);
        let refused = Err(TombstoneError::Certificate(CertificateError::BadSignature));
        assert_eq!(verify(&stage, &signed(&said, &stranger, &stranger), NOW_MS), refused);
    }

    #[test]
    fn every_flipped_byte_of_a_tombstone_is_refused() {
        let stage = stage();
        let bytes = signed(&tombstone(&stage, 2, NOW_MS), &stage.bela, &stage.bela);
        for byte in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[byte] ^= 1 << (byte % 8);
            assert!(verify(&stage, &flipped, NOW_MS).is_err(), "byte {byte}");
        }
        for cut in 0..bytes.len() {
            assert_eq!(verify(&stage, &bytes[..cut], NOW_MS), Err(TombstoneError::Malformed));
        }
    }

    #[test]
    fn a_tombstone_names_one_message_at_least_and_as_many_as_a_pair_may_have() {
        let stage = stage();
        for (count, read) in [(0, None), (1, Some(1)), (256, Some(256)), (257, Some(256))] {
            let bytes = signed(&tombstone(&stage, count, NOW_MS), &stage.bela, &stage.bela);
            assert_eq!(verify(&stage, &bytes, NOW_MS).ok().map(|read| read.arrived.len()), read);
        }
        let mut more = signed(&tombstone(&stage, 256, NOW_MS), &stage.bela, &stage.bela);
        more[4 + 32 + 16 + 1] = 1;
        assert_eq!(verify(&stage, &more, NOW_MS), Err(TombstoneError::Malformed));
    }

    #[test]
    fn a_tombstone_is_judged_at_its_time_and_by_the_newest_list() {
        let stage = stage();
        let said = tombstone(&stage, 1, NOW_MS);
        let bytes = signed(&said, &stage.bela, &stage.bela);
        assert!(verify(&stage, &bytes, NOW_MS + 120 * DAY_MS).is_ok(), "the certificate has ended since");
        assert!(verify(&stage, &bytes, NOW_MS - 10 * MINUTE_MS).is_ok());
        assert_eq!(verify(&stage, &bytes, NOW_MS - 10 * MINUTE_MS - 1), Err(TombstoneError::Time));
        let late = signed(&tombstone(&stage, 1, NOW_MS + 120 * DAY_MS), &stage.bela, &stage.bela);
        let expired = Err(TombstoneError::Certificate(CertificateError::Expired));
        assert_eq!(verify(&stage, &late, NOW_MS + 120 * DAY_MS), expired);
        let serials = [stage.bela.certificate.serial_hash()].into();
        let list = stage.authority.issuer().sign_revocations(&mut Rng::from_seed([4; 32]), 7, NOW_MS, &serials);
        let list = RevocationList::decode_verified(&list, stage.authority.anchor(), None).expect("a list");
        let revoked = Err(TombstoneError::Certificate(CertificateError::Revoked));
        assert_eq!(Tombstone::verify(&bytes, stage.authority.anchor(), Some(&list), NOW_MS), revoked);
    }
}
