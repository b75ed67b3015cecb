//! Sealing of offers, answers and candidates for the other end, so that whoever forwards them sees neither addresses nor
//! fingerprints. The byte table stands in PROTOCOL.md#signalling.

use zeroize::Zeroizing;

use super::description::{Candidate, Description};
use crate::codec::{Malformed, Reader, Writer};
use crate::crypto::{AeadKey, KeyOp, Prk, Rng, VerifyKey, WrapKey, sha256};
use crate::identity::NodeId;
use crate::limits::{ANSWER_BYTES_MAX, OFFER_BYTES_MAX, SIGNAL_VALID_S};
use crate::time::SECOND_MS;

const MAGIC: &[u8; 4] = b"B4S1";
const HEADER_BYTES: usize = 57;
const LABEL: &str = "B4/v1/signal";
/// Sequence numbers of one direction fit a bit set.
const SEQ_END: u8 = 64;

/// Names one dial at both ends: 16 random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DialId(pub [u8; 16]);

/// What a sealed frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalKind {
    /// From the dialler, with M1.
    Offer = 1,
    /// Back, with M2.
    Answer = 2,
    /// Either way.
    Candidate = 3,
}

/// The part of a sealed frame that is in the clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What follows.
    pub kind: SignalKind,
    /// For whom.
    pub to: NodeId,
    /// Of which dial.
    pub dial: DialId,
    /// Seconds since 1970 at its author.
    pub time_s: u32,
}

/// The frame is not taken. The reason is for the local log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignalError {
    /// Not the form of sealed signalling, or over its size.
    #[error("malformed signalling")]
    Malformed,
    /// For another node.
    #[error("signalling for somebody else")]
    WrongNode,
    /// More than a minute old or ahead.
    #[error("stale signalling")]
    Stale,
    /// Does not open, or its signature does not verify.
    #[error("signalling does not open")]
    Unsealed,
    /// A number used before, or all are used up.
    #[error("repeated signalling")]
    Repeated,
}

impl From<Malformed> for SignalError {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

impl Header {
    /// Reads the header of any sealed frame and checks that it is for `me` and of this minute.
    ///
    /// # Errors
    /// `Malformed`, `WrongNode` or `Stale`.
    pub fn read(frame: &[u8], me: &NodeId, wall_ms: u64) -> Result<Self, SignalError> {
        let mut reader = Reader::new(frame);
        if reader.array::<4>()? != *MAGIC {
            return Err(SignalError::Malformed);
        }
        let kind = match reader.u8()? {
            1 => SignalKind::Offer,
            2 => SignalKind::Answer,
            3 => SignalKind::Candidate,
            _ => return Err(SignalError::Malformed),
        };
        let to = NodeId(reader.array()?);
        let dial = DialId(reader.array()?);
        let time_s = reader.u32()?;
        if to != *me {
            return Err(SignalError::WrongNode);
        }
        if (wall_ms / SECOND_MS).abs_diff(u64::from(time_s)) > u64::from(SIGNAL_VALID_S) {
            return Err(SignalError::Stale);
        }
        Ok(Self { kind, to, dial, time_s })
    }

    /// Kind and dial of a frame that this end sealed.
    pub fn of_sealed(frame: &[u8]) -> Option<(SignalKind, DialId)> {
        let to = frame.get(5..37)?.try_into().ok().map(NodeId)?;
        let time_s = frame.get(53..57)?.try_into().ok().map(u32::from_be_bytes)?;
        let header = Self::read(frame, &to, u64::from(time_s) * SECOND_MS).ok()?;
        Some((header.kind, header.dial))
    }

    fn encode(&self) -> Vec<u8> {
        Writer::new().raw(MAGIC).u8(self.kind as u8).raw(&self.to.0).raw(&self.dial.0).u32(self.time_s).into_bytes()
    }
}

/// Seconds since 1970 for a header.
fn seconds(wall_ms: u64) -> u32 {
    u32::try_from(wall_ms / SECOND_MS).unwrap_or(u32::MAX)
}

/// An offer that wants its author's signature.
pub struct OfferDraft {
    header: Vec<u8>,
    wrapped: Vec<u8>,
    payload: Vec<u8>,
    keys: DialKeys,
}

impl OfferDraft {
    /// Prepares an offer with `m1` for the device behind `key`.
    pub fn new(to: NodeId, key: &WrapKey, dial: DialId, m1: &[u8], description: &Description, wall_ms: u64, rng: &mut Rng) -> Self {
        let header = Header { kind: SignalKind::Offer, to, dial, time_s: seconds(wall_ms) }.encode();
        let secret = Zeroizing::new(rng.array::<32>());
        let plain = Zeroizing::new([secret.as_slice(), &sha256(&[&header])].concat());
        let wrapped = key.wrap(rng, LABEL, &plain).expect("64 bytes fit under any accepted key");
        let payload = description.write(Writer::new().lp(m1)).into_bytes();
        let keys = DialKeys::derive(&header, &wrapped, secret.as_slice());
        Self { header, wrapped, payload, keys }
    }

    /// What the author's signing key must sign.
    pub fn key_op(&self) -> KeyOp {
        KeyOp::Sign { message: signed_message(&self.header, &self.wrapped, &self.payload) }
    }

    /// The sealed offer, and the dial's keys at the dialler.
    ///
    /// # Errors
    /// `Malformed` when it is larger than an offer may be.
    pub fn finish(self, signature: &[u8]) -> Result<(Vec<u8>, Dial), SignalError> {
        let Self { header, wrapped, payload, keys } = self;
        let head = Writer::new().raw(&header).lp(&wrapped).into_bytes();
        let from = head.len();
        let mut frame = Writer::new().raw(&head).raw(&payload).lp(signature).into_bytes();
        keys.offer.key.seal_in_place(&keys.offer.iv, &mut frame, from);
        if frame.len() > OFFER_BYTES_MAX {
            return Err(SignalError::Malformed);
        }
        Ok((frame, Dial { send: keys.forth, receive: keys.back }))
    }
}

/// A received offer whose key is still wrapped.
pub struct SealedOffer {
    /// Its header.
    pub header: Header,
    frame: Vec<u8>,
}

/// An opened offer whose signature is still to be verified, once its author is known from M1.
pub struct OpenedOffer {
    /// Its header.
    pub header: Header,
    /// M1 of the handshake.
    pub m1: Vec<u8>,
    /// The dialler's description.
    pub description: Description,
    message: Vec<u8>,
    signature: Vec<u8>,
    dial: Dial,
}

impl SealedOffer {
    /// Reads an offer as far as it is in the clear. `header` comes from [`Header::read`].
    ///
    /// # Errors
    /// `Malformed`.
    pub fn new(header: Header, frame: Vec<u8>) -> Result<Self, SignalError> {
        if header.kind != SignalKind::Offer || frame.len() > OFFER_BYTES_MAX {
            return Err(SignalError::Malformed);
        }
        wrapped_of(&frame)?;
        Ok(Self { header, frame })
    }

    /// What this device's decryption key must unwrap.
    pub fn key_op(&self) -> KeyOp {
        let ciphertext = wrapped_of(&self.frame).map(<[u8]>::to_vec).unwrap_or_default();
        KeyOp::Unwrap { label: LABEL, ciphertext }
    }

    /// Opens the offer with what was unwrapped.
    ///
    /// # Errors
    /// `Unsealed` or `Malformed`.
    pub fn open(self, unwrapped: &[u8]) -> Result<OpenedOffer, SignalError> {
        let (head, _) = self.frame.split_at(HEADER_BYTES);
        let wrapped = wrapped_of(&self.frame)?;
        let (secret, bound) = unwrapped.split_first_chunk::<32>().ok_or(SignalError::Unsealed)?;
        if bound != sha256(&[head]) {
            return Err(SignalError::Unsealed);
        }
        let keys = DialKeys::derive(head, wrapped, secret);
        let from = HEADER_BYTES + 2 + wrapped.len();
        let plain = keys.offer.key.open(&keys.offer.iv, &self.frame, from).map_err(|_| SignalError::Unsealed)?;
        let mut reader = Reader::new(&plain);
        let m1 = reader.lp(OFFER_BYTES_MAX)?.to_vec();
        let description = Description::read(&mut reader)?;
        let payload = &plain[..plain.len() - reader.left()];
        let signature = reader.lp(512)?.to_vec();
        reader.finish()?;
        let message = signed_message(head, wrapped, payload);
        let dial = Dial { send: keys.back, receive: keys.forth };
        Ok(OpenedOffer { header: self.header, m1, description, message, signature, dial })
    }
}

impl OpenedOffer {
    /// Verifies the author's signature; then the dial's keys at the one who was dialled can be used.
    ///
    /// # Errors
    /// `Unsealed`.
    pub fn verify(&self, author: &VerifyKey) -> Result<(), SignalError> {
        author.verify(&self.message, &self.signature).map_err(|_| SignalError::Unsealed)
    }

    /// The dial's keys at this end.
    pub fn into_dial(self) -> Dial {
        self.dial
    }
}

/// The keys of one dial at one end: for the answer and the candidates.
pub struct Dial {
    send: Lane,
    receive: Lane,
}

impl Dial {
    /// Seals the answer. Comes before any candidate of this end.
    ///
    /// # Errors
    /// `Malformed` when it is larger than an answer may be, `Repeated` when something was sealed before.
    pub fn seal_answer(
        &mut self,
        to: NodeId,
        dial: DialId,
        m2: &[u8],
        description: &Description,
        wall_ms: u64,
    ) -> Result<Vec<u8>, SignalError> {
        if self.send.next != 0 {
            return Err(SignalError::Repeated);
        }
        let header = Header { kind: SignalKind::Answer, to, dial, time_s: seconds(wall_ms) };
        let frame = self.send.seal(&header, &description.write(Writer::new().lp(m2)).into_bytes())?;
        if frame.len() > ANSWER_BYTES_MAX { Err(SignalError::Malformed) } else { Ok(frame) }
    }

    /// Opens the answer: M2 and the other end's description.
    ///
    /// # Errors
    /// See [`SignalError`].
    pub fn open_answer(&mut self, frame: &[u8]) -> Result<(Vec<u8>, Description), SignalError> {
        if frame.len() > ANSWER_BYTES_MAX {
            return Err(SignalError::Malformed);
        }
        let plain = self.receive.open(frame, Some(0))?;
        let mut reader = Reader::new(&plain);
        let m2 = reader.lp(ANSWER_BYTES_MAX)?.to_vec();
        let description = Description::read(&mut reader)?;
        reader.finish()?;
        Ok((m2, description))
    }

    /// Seals one candidate.
    ///
    /// # Errors
    /// `Repeated` when this dial has no number left.
    pub fn seal_candidate(&mut self, to: NodeId, dial: DialId, candidate: &Candidate, wall_ms: u64) -> Result<Vec<u8>, SignalError> {
        // 0 is the answer's, at the dialler it stays unused.
        self.send.next = self.send.next.max(1);
        let header = Header { kind: SignalKind::Candidate, to, dial, time_s: seconds(wall_ms) };
        self.send.seal(&header, &candidate.write(Writer::new()).into_bytes())
    }

    /// Opens one candidate.
    ///
    /// # Errors
    /// See [`SignalError`].
    pub fn open_candidate(&mut self, frame: &[u8]) -> Result<Candidate, SignalError> {
        let plain = self.receive.open(frame, None)?;
        let mut reader = Reader::new(&plain);
        let candidate = Candidate::read(&mut reader)?;
        reader.finish()?;
        Ok(candidate)
    }
}

struct DialKeys {
    offer: Lane,
    back: Lane,
    forth: Lane,
}

impl DialKeys {
    fn derive(header: &[u8], wrapped: &[u8], secret: &[u8]) -> Self {
        let prk = Prk::extract(&sha256(&[header, wrapped]), &[secret]);
        Self { offer: Lane::derive(&prk, b"offer"), back: Lane::derive(&prk, b"back"), forth: Lane::derive(&prk, b"forth") }
    }
}

/// One direction of one dial. A number is used once for sealing and taken once when opening.
struct Lane {
    key: AeadKey,
    iv: Zeroizing<[u8; 12]>,
    next: u8,
    taken: u64,
}

impl Lane {
    fn derive(prk: &Prk, name: &[u8]) -> Self {
        let key = prk.expand::<32>(&[b"B4/v1/signal/", name, b" key"]);
        let iv = prk.expand::<12>(&[b"B4/v1/signal/", name, b" iv"]);
        Self { key: AeadKey::new(&key), iv, next: 0, taken: 0 }
    }

    fn seal(&mut self, header: &Header, plain: &[u8]) -> Result<Vec<u8>, SignalError> {
        let seq = self.next;
        if seq >= SEQ_END {
            return Err(SignalError::Repeated);
        }
        self.next += 1;
        let mut frame = Writer::new().raw(&header.encode()).u8(seq).raw(plain).into_bytes();
        self.key.seal_in_place(&self.nonce(seq), &mut frame, HEADER_BYTES + 1);
        Ok(frame)
    }

    /// Opens a frame of number `wanted`, or of any but the answer's.
    fn open(&mut self, frame: &[u8], wanted: Option<u8>) -> Result<Zeroizing<Vec<u8>>, SignalError> {
        let seq = *frame.get(HEADER_BYTES).ok_or(SignalError::Malformed)?;
        if seq >= SEQ_END || wanted.map_or(seq == 0, |wanted| wanted != seq) {
            return Err(SignalError::Malformed);
        }
        if self.taken & (1 << seq) != 0 {
            return Err(SignalError::Repeated);
        }
        let plain = self.key.open(&self.nonce(seq), frame, HEADER_BYTES + 1).map_err(|_| SignalError::Unsealed)?;
        self.taken |= 1 << seq;
        Ok(plain)
    }

    fn nonce(&self, seq: u8) -> [u8; 12] {
        let mut nonce = *self.iv;
        nonce[11] ^= seq;
        nonce
    }
}

fn wrapped_of(frame: &[u8]) -> Result<&[u8], SignalError> {
    let mut reader = Reader::new(frame);
    reader.bytes(HEADER_BYTES)?;
    Ok(reader.lp(512)?)
}

fn signed_message(header: &[u8], wrapped: &[u8], payload: &[u8]) -> Vec<u8> {
    [LABEL.as_bytes(), header, &sha256(&[wrapped]), &sha256(&[payload])].concat()
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;

    use super::*;
    use crate::crypto::Rng;
    use crate::identity::testing::{NOW_MS, TestAuthority, TestDevice};
    use crate::signal::description::{Candidate, Description};
    use proptest::prelude::*;

    const DIAL: DialId = DialId([0xd1; 16]);

    fn cast() -> (TestDevice, TestDevice) {
        // Issuing is slow, and the property is tried often.
        static CAST: OnceLock<(TestDevice, TestDevice)> = OnceLock::new();
        let issue = || {
            let mut authority = TestAuthority::new([1; 32]);
            (authority.issue("anna", NOW_MS), authority.issue("bela", NOW_MS))
        };
        CAST.get_or_init(issue).clone()
    }

    fn description() -> Description {
        let fields = [&[4][..], b"Wg5r", &[22], &[b'p'; 22], &[7; 32], &[0]].concat();
        Description::read(&mut Reader::new(&fields)).expect("a description")
    }

    /// An offer of anna for bela, and anna's end of the dial.
    fn offer(anna: &TestDevice, bela: &TestDevice) -> (Vec<u8>, Dial) {
        let (to, key) = (*bela.certificate.node_id(), bela.certificate.wrapping_key());
        let draft = OfferDraft::new(to, key, DIAL, b"M1", &description(), NOW_MS, &mut Rng::from_seed([1; 32]));
        let signature = anna.keys.perform(&mut Rng::from_seed([2; 32]), &draft.key_op()).expect("a signature");
        draft.finish(&signature).expect("a small offer")
    }

    fn opened(anna: &TestDevice, bela: &TestDevice, frame: &[u8]) -> Result<OpenedOffer, SignalError> {
        let header = Header::read(frame, bela.certificate.node_id(), NOW_MS)?;
        let sealed = SealedOffer::new(header, frame.to_vec())?;
        let unwrapped = bela.keys.perform(&mut Rng::from_seed([3; 32]), &sealed.key_op()).map_err(|_| SignalError::Unsealed)?;
        let opened = sealed.open(&unwrapped)?;
        opened.verify(anna.certificate.signing_key())?;
        Ok(opened)
    }

    #[test]
    fn every_flipped_bit_of_an_offer_is_refused() {
        let (anna, bela) = cast();
        let (frame, _) = offer(&anna, &bela);
        assert!(opened(&anna, &bela, &frame).is_ok());
        for byte in 0..frame.len() {
            let mut flipped = frame.clone();
            flipped[byte] ^= 1 << (byte % 8);
            assert!(opened(&anna, &bela, &flipped).is_err(), "byte {byte}");
        }
    }

    #[test]
    fn an_offer_is_for_one_node_one_minute_and_of_one_author() {
        let (anna, bela) = cast();
        let (frame, _) = offer(&anna, &bela);
        let read = |node, wall| Header::read(&frame, node, wall).err();
        assert_eq!(read(anna.certificate.node_id(), NOW_MS), Some(SignalError::WrongNode));
        for (wall, error) in [(NOW_MS + 60_000, None), (NOW_MS - 60_000, None), (NOW_MS + 61_000, Some(SignalError::Stale)), (NOW_MS - 61_000, Some(SignalError::Stale))] {
            assert_eq!(read(bela.certificate.node_id(), wall), error);
        }
        // Bela, who can open it, cannot pass it on as her own.
        assert_eq!(opened(&bela, &bela, &frame).err(), Some(SignalError::Unsealed));
    }

    #[test]
    fn answers_and_candidates_open_once_and_only_the_other_way() {
        let (anna, bela) = cast();
        let (frame, mut at_anna) = offer(&anna, &bela);
        let mut at_bela = opened(&anna, &bela, &frame).expect("it opens").into_dial();
        let to = *anna.certificate.node_id();
        let answer = at_bela.seal_answer(to, DIAL, b"M2", &description(), NOW_MS).expect("a small answer");
        for byte in 0..answer.len() {
            let mut flipped = answer.clone();
            flipped[byte] ^= 1 << (byte % 8);
            assert!(at_anna.open_answer(&flipped).is_err(), "byte {byte}");
        }
        assert!(at_bela.open_answer(&answer).is_err(), "reflected");
        assert!(at_anna.open_answer(&answer).is_ok());
        assert_eq!(at_anna.open_answer(&answer).err(), Some(SignalError::Repeated));
        assert_eq!(at_bela.seal_answer(to, DIAL, b"M2", &description(), NOW_MS).err(), Some(SignalError::Repeated));
        let candidate = Candidate::from_line("candidate:1 1 udp 1 192.0.2.7 40001 typ host").expect("a candidate");
        let sealed: Vec<Vec<u8>> =
            std::iter::from_fn(|| at_bela.seal_candidate(to, DIAL, &candidate, NOW_MS).ok()).collect();
        assert_eq!(sealed.len(), 63, "numbers 1 to 63, none twice");
        for frame in sealed.iter().rev() {
            assert_eq!(at_anna.open_candidate(frame).as_ref(), Ok(&candidate), "in any order");
            assert_eq!(at_anna.open_candidate(frame), Err(SignalError::Repeated));
        }
    }

    #[test]
    fn who_hands_signalling_on_sees_neither_its_author_nor_an_address() {
        let (anna, bela) = cast();
        let m1 = anna.certificate.der();
        let (to, key) = (*bela.certificate.node_id(), bela.certificate.wrapping_key());
        let draft = OfferDraft::new(to, key, DIAL, m1, &description(), NOW_MS, &mut Rng::from_seed([1; 32]));
        let signature = anna.keys.perform(&mut Rng::from_seed([2; 32]), &draft.key_op()).expect("a signature");
        let (frame, mut at_anna) = draft.finish(&signature).expect("an offer with a certificate is small enough");
        let mut at_bela = opened(&anna, &bela, &frame).expect("it opens").into_dial();
        let back = *anna.certificate.node_id();
        let answer = at_bela.seal_answer(back, DIAL, bela.certificate.der(), &description(), NOW_MS).expect("a small answer");
        let candidate = Candidate::from_line("candidate:1 1 udp 1 192.0.2.7 40001 typ host").expect("a candidate");
        let candidate = at_anna.seal_candidate(to, DIAL, &candidate, NOW_MS).expect("the first");
        let has = |frame: &[u8], what: &[u8]| frame.windows(what.len()).any(|part| part == what);
        for frame in [&frame, &answer, &candidate] {
            for secret in [&b"Wg5r"[..], &[b'p'; 22], &[7; 32], b"192.0.2.7", b"anna", anna.certificate.user_id().as_str().as_bytes()] {
                assert!(!has(frame, secret));
            }
        }
        assert!(!has(&frame, &back.0), "an offer names only whom it is for");
    }

    #[test]
    fn an_offer_or_answer_that_would_be_larger_than_its_bound_is_not_made_and_not_taken() {
        let (anna, bela) = cast();
        let (to, key) = (*bela.certificate.node_id(), bela.certificate.wrapping_key());
        let offered = |bytes: usize| {
            let draft = OfferDraft::new(to, key, DIAL, &vec![1; bytes], &description(), NOW_MS, &mut Rng::from_seed([1; 32]));
            let signature = anna.keys.perform(&mut Rng::from_seed([2; 32]), &draft.key_op()).expect("a signature");
            draft.finish(&signature).map(|(frame, dial)| (frame.len(), frame, dial))
        };
        let (small, ..) = offered(3).expect("a small offer");
        let (largest, frame, _) = offered(3 + OFFER_BYTES_MAX - small).expect("as large as may be");
        assert_eq!(largest, OFFER_BYTES_MAX);
        assert_eq!(offered(4 + OFFER_BYTES_MAX - small).err(), Some(SignalError::Malformed));
        let header = Header::read(&frame, &to, NOW_MS).expect("a header");
        assert!(SealedOffer::new(header, frame.clone()).is_ok());
        assert!(SealedOffer::new(header, [frame.as_slice(), &[0]].concat()).is_err());
        let answered = |bytes: usize| {
            let (frame, _) = offer(&anna, &bela);
            let mut at_bela = opened(&anna, &bela, &frame).expect("it opens").into_dial();
            at_bela.seal_answer(*anna.certificate.node_id(), DIAL, &vec![1; bytes], &description(), NOW_MS).map(|answer| answer.len())
        };
        let small = answered(3).expect("a small answer");
        assert_eq!(answered(3 + ANSWER_BYTES_MAX - small), Ok(ANSWER_BYTES_MAX));
        assert_eq!(answered(4 + ANSWER_BYTES_MAX - small), Err(SignalError::Malformed));
    }

    proptest! {
        #[test]
        fn no_bytes_make_opening_panic(kind in 0..5_u8, bytes in proptest::collection::vec(any::<u8>(), 0..700), unwrapped in proptest::collection::vec(any::<u8>(), 0..70)) {
            let (_, bela) = cast();
            let node = *bela.certificate.node_id();
            let header = Header { kind: SignalKind::Offer, to: node, dial: DIAL, time_s: seconds(NOW_MS) };
            let mut framed = [header.encode(), bytes.clone()].concat();
            framed[4] = kind;
            let lane = || Lane::derive(&Prk::extract(&[], &[]), b"back");
            let mut dial = Dial { send: lane(), receive: lane() };
            for frame in [&bytes, &framed] {
                let _ = Header::read(frame, &node, NOW_MS);
                if let Ok(sealed) = SealedOffer::new(header, frame.clone()) {
                    let _ = sealed.key_op();
                    prop_assert!(sealed.open(&unwrapped).is_err());
                }
                prop_assert!(dial.open_answer(frame).is_err());
                prop_assert!(dial.open_candidate(frame).is_err());
            }
        }
    }
}
