//! The offline envelope: sealed by its author, signed inside, opened by one device. The byte table stands in PROTOCOL.md#envelope.

use zeroize::Zeroizing;

use super::RSA_BYTES_MAX;
use crate::codec::{Malformed, Reader, Writer};
use crate::crypto::{
    AEAD_TAG_BYTES, AeadKey, BadSignature, EphemeralSecret, KeyOp, KeyOpResult, Prk, Rng, SharedSecret, macs_equal, sha256,
};
use crate::directory::{Prekey, Prekeys};
use crate::handshake::Judge;
use crate::identity::{CertificateError, VerifiedCertificate, clock_ms};
use crate::limits::{CERTIFICATE_BYTES_MAX, CLOCK_SKEW_MS, ENVELOPE_MS, ENVELOPE_SEEN_MS};
use crate::message::{MessageBody, MessageId};
use crate::time::HOUR_MS;

const MAGIC: [u8; 4] = *b"B4E1";
/// RSA-OAEP-SHA-256, X25519, HKDF-SHA-256, AES-256-GCM.
const SUITE: u8 = 1;
const HEADER_BYTES: usize = 138;
const LABEL: &str = "B4/v1/offline";
const SIGNATURE_LABEL: &[u8] = b"B4/v1/offline-sig";
/// In the place of a prekey's hash and of the ephemeral key where there is no prekey; and of Z.
const NONE: [u8; 32] = [0; 32];

/// Names one envelope: H(envelope).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EnvelopeId(pub [u8; 32]);

/// Names a certificate in short: the first 16 bytes of its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyId(pub [u8; 16]);

impl KeyId {
    /// The key id of this certificate.
    pub fn of(certificate: &VerifiedCertificate) -> Self {
        let hash = certificate.hash();
        Self(*hash.first_chunk().expect("a hash has 32 bytes"))
    }
}

/// A size class: how much is inside, padding included. 1 is 2 KiB, each next one twice as much, 6 is 64 KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bucket(u8);

impl Bucket {
    /// All buckets, the smallest first.
    pub const ALL: [Bucket; 6] = [Bucket(1), Bucket(2), Bucket(3), Bucket(4), Bucket(5), Bucket(6)];
    /// The class of every blob of a file: no envelope has it.
    pub const BLOB: Bucket = Bucket(7);

    /// What is inside, in bytes.
    pub fn bytes(self) -> usize {
        1_024 << self.0
    }

    /// Its number, 1 to 7.
    pub fn number(self) -> u8 {
        self.0
    }

    /// The largest that a whole envelope, or blob, of this class can be.
    pub fn envelope_bytes_max(self) -> usize {
        if self == Self::BLOB {
            return super::BLOB_BYTES_MAX;
        }
        HEADER_BYTES + 2 + RSA_BYTES_MAX + 32 + self.bytes() + AEAD_TAG_BYTES
    }

    /// The class of an envelope of so many bytes; `None` for more than any has.
    pub fn of_envelope(bytes: usize) -> Option<Self> {
        Self::ALL.into_iter().find(|bucket| bytes <= bucket.envelope_bytes_max())
    }

    /// The class of the envelope in which an author leaves a message body; `None` for one that none holds.
    pub fn of_letter(author: &VerifiedCertificate, body: &[u8]) -> Option<Self> {
        Self::holding(2 + author.der().len() + 2 + body.len() + 2 + author.signing_key().signature_bytes())
    }

    fn holding(bytes: usize) -> Option<Self> {
        Self::ALL.into_iter().find(|bucket| bytes <= bucket.bytes())
    }

    pub(super) fn read(byte: u8) -> Result<Self, Malformed> {
        Self::ALL.into_iter().chain([Self::BLOB]).find(|bucket| bucket.0 == byte).ok_or(Malformed)
    }
}

/// The part of an envelope that is in the clear: all that a holder learns from it.
///
/// ```text
/// "B4E1"(4) | suite(1) = 1 | mailbox(32) | key id(16) | mid(16) | expiry(4, hours since 1970) | bucket(1: 1-6) | H(prekey)(32) | E(32)
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// H(user id of the receiver).
    pub mailbox: [u8; 32],
    /// The certificate it is sealed to.
    pub to: KeyId,
    /// The message inside.
    pub id: MessageId,
    /// When it is over, in hours since 1970.
    pub expiry_h: u32,
    /// How much is inside.
    pub bucket: Bucket,
    /// H(prekey) and the author's ephemeral key; both zeros where it is sealed without.
    prekey: [u8; 32],
    ephemeral: [u8; 32],
}

impl Header {
    /// When it is over, in milliseconds since 1970.
    pub fn expiry_ms(&self) -> u64 {
        u64::from(self.expiry_h) * HOUR_MS
    }

    fn encode(&self) -> Vec<u8> {
        let head = Writer::new().raw(&MAGIC).u8(SUITE).raw(&self.mailbox).raw(&self.to.0).raw(&self.id.0);
        head.u32(self.expiry_h).u8(self.bucket.0).raw(&self.prekey).raw(&self.ephemeral).into_bytes()
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, OpenError> {
        if reader.array()? != MAGIC {
            return Err(OpenError::Malformed);
        }
        if reader.u8()? != SUITE {
            return Err(OpenError::Suite);
        }
        let (mailbox, to, id) = (reader.array()?, KeyId(reader.array()?), MessageId(reader.array()?));
        let (expiry_h, bucket) = (reader.u32()?, Bucket::read(reader.u8()?).ok().filter(|bucket| *bucket != Bucket::BLOB).ok_or(Malformed)?);
        let (prekey, ephemeral) = (reader.array()?, reader.array()?);
        if (prekey == NONE) != (ephemeral == NONE) {
            return Err(OpenError::Malformed);
        }
        Ok(Self { mailbox, to, id, expiry_h, bucket, prekey, ephemeral })
    }
}

/// The message is not sealed: the caller's business, never the network's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Not a message body.
    #[error("not a message body")]
    Malformed,
    /// It does not fit the largest bucket.
    #[error("the message is too large for an envelope")]
    TooLarge,
    /// It would be over in the hour in which it was written, or past what four bytes of hours can say.
    #[error("the envelope would be over at once")]
    Expiry,
    /// The signature is not as long as the author's key makes them.
    #[error("not a signature of this key")]
    Signature,
}

impl From<Malformed> for SealError {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

/// The envelope is not taken. The reason is for the local log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Its author broke the form, outside or inside.
    #[error("malformed envelope")]
    Malformed,
    /// Of a suite that this version does not know: its author is too new.
    #[error("the envelope is of another suite")]
    Suite,
    /// For another user, or sealed to another certificate than the one given.
    #[error("the envelope is for somebody else")]
    Misaddressed,
    /// Over for so long that nobody remembers whether it was seen.
    #[error("the envelope has expired")]
    Expired,
    /// The prekey it is sealed to is erased, or was never here.
    #[error("the prekey of the envelope is gone")]
    PrekeyGone,
    /// It was tampered with, or not made for this key: all failures of the private key look like this one.
    #[error("the envelope does not open")]
    Unsealed,
    /// The time of the message is ahead of the clock, or its expiry is not within thirty days after it.
    #[error("the times of the envelope are out of bounds")]
    Time,
    /// The author's certificate was not one to believe when the message was written, or is revoked.
    #[error("the author's certificate is refused: {0}")]
    Certificate(CertificateError),
    /// The author did not sign this message for this receiver in this envelope.
    #[error("the author's signature does not verify")]
    BadSignature,
}

impl From<Malformed> for OpenError {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

/// What is to be sealed.
#[derive(Clone, Copy, Debug)]
pub struct Letter<'a> {
    /// Who has written it.
    pub author: &'a VerifiedCertificate,
    /// The device that can open it.
    pub to: &'a VerifiedCertificate,
    /// The prekey that its record has for now ([`crate::directory::UserRecord::prekey`]). Without one the certified key alone seals, and
    /// whoever gets that key later can open it.
    pub prekey: Option<Prekey>,
    /// The message body: any type, at most what fits 64 KiB with a certificate and a signature.
    pub body: &'a [u8],
    /// How long it may lie, in milliseconds from when the message was written; over thirty days counts as thirty.
    pub keep_ms: u64,
}

/// An envelope that wants its author's signature.
pub struct EnvelopeDraft {
    /// header | lp(wk) | kc
    frame: Vec<u8>,
    bucket: Bucket,
    keys: Keys,
    /// lp(certificate) | lp(message body)
    inner: Vec<u8>,
    message: Vec<u8>,
    signature_bytes: usize,
}

impl EnvelopeDraft {
    /// Seals the key of a new envelope. The generator forgets what it drew for it.
    ///
    /// # Errors
    /// `Malformed`, `TooLarge` or `Expiry`.
    pub fn new(letter: &Letter<'_>, rng: &mut Rng) -> Result<Self, SealError> {
        let Letter { author, to, prekey, body, keep_ms } = *letter;
        let (id, sent_ms) = MessageBody::head(body)?;
        // Rounded down: so that it is over before the private half of a prekey is erased.
        let expiry_h = u32::try_from(sent_ms.saturating_add(keep_ms.min(ENVELOPE_MS)) / HOUR_MS).map_err(|_| SealError::Expiry)?;
        if u64::from(expiry_h) * HOUR_MS <= sent_ms {
            return Err(SealError::Expiry);
        }
        let signature_bytes = author.signing_key().signature_bytes();
        let bucket = Bucket::of_letter(author, body).ok_or(SealError::TooLarge)?;
        let ephemeral = EphemeralSecret::draw(rng);
        let public = ephemeral.public();
        // A prekey that leads to zeros is no prekey.
        let agreed = prekey.and_then(|prekey| Some((sha256(&[&prekey.public]), public, ephemeral.agree(&prekey.public)?)));
        let (prekey, ephemeral, shared) = agreed.unwrap_or_else(|| (NONE, NONE, Zeroizing::new(NONE)));
        let header =
            Header { mailbox: to.user_id().mailbox(), to: KeyId::of(to), id, expiry_h, bucket, prekey, ephemeral }.encode();
        let secret = Zeroizing::new(rng.array::<32>());
        let plain = Zeroizing::new([secret.as_slice(), &to.hash(), &sha256(&[&header])].concat());
        let wrapped = to.wrapping_key().wrap(rng, LABEL, &plain).expect("96 bytes fit under any accepted key");
        rng.renew();
        let bound = sha256(&[&header, &wrapped]);
        let keys = Keys::derive(&bound, &secret, &shared);
        let frame = Writer::new().raw(&header).lp(&wrapped).raw(keys.commitment.as_slice()).into_bytes();
        let inner = Writer::new().lp(author.der()).lp(body).into_bytes();
        let message = signed_message(&bound, author, to, body);
        Ok(Self { frame, bucket, keys, inner, message, signature_bytes })
    }

    /// What the author's signing key must sign.
    pub fn key_op(&self) -> KeyOp {
        KeyOp::Sign { message: self.message.clone() }
    }

    /// The envelope.
    ///
    /// # Errors
    /// `Signature`.
    pub fn finish(self, signature: &[u8]) -> Result<Vec<u8>, SealError> {
        if signature.len() != self.signature_bytes {
            return Err(SealError::Signature);
        }
        let inner = Writer::new().raw(&self.inner).lp(signature).into_bytes();
        Ok(self.seal(&inner))
    }

    /// Seals `inner`, which fits the bucket, and zeros behind it.
    pub(super) fn seal(self, inner: &[u8]) -> Vec<u8> {
        let from = self.frame.len();
        let mut frame = Writer::new().raw(&self.frame).raw(inner).into_bytes();
        frame.resize(from + self.bucket.bytes(), 0);
        self.keys.key.seal_in_place(&self.keys.iv, &mut frame, from);
        frame
    }

    /// Puts another body in, with what is signed: an author can, who keeps to the form and not to the rules.
    #[cfg(test)]
    pub(super) fn exchange_body(&mut self, author: &VerifiedCertificate, to: &VerifiedCertificate, body: &[u8]) {
        let wrapped = &self.frame[HEADER_BYTES + 2..self.frame.len() - 32];
        self.message = signed_message(&sha256(&[&self.frame[..HEADER_BYTES], wrapped]), author, to, body);
        self.inner = Writer::new().lp(author.der()).lp(body).into_bytes();
    }

    /// Commits to another key than the one that seals.
    #[cfg(test)]
    pub(super) fn exchange_commitment(&mut self) {
        self.frame.last_mut().into_iter().for_each(|byte| *byte ^= 1);
    }
}

/// A received envelope, read as far as it is in the clear.
pub struct Sealed {
    header: Header,
    frame: Vec<u8>,
}

/// An envelope that was opened and whose author is proven.
#[derive(Clone, Debug)]
pub struct Opened {
    /// Who has written it.
    pub author: VerifiedCertificate,
    /// The message body as it was signed; of any type.
    pub body: Vec<u8>,
    /// Whether a prekey sealed it, too: then it stays closed to whoever gets this device's keys once that prekey is erased.
    pub used_prekey: bool,
}

impl Sealed {
    /// Reads what any holder can: the header, and that the size is the bucket's.
    ///
    /// # Errors
    /// `Malformed` or `Suite`.
    pub fn read(frame: Vec<u8>) -> Result<Self, OpenError> {
        let header = Header::read(&mut Reader::new(&frame))?;
        Parts::of(&frame, &header)?;
        Ok(Self { header, frame })
    }

    /// What is in the clear.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// H(envelope): holders' receipts and the receiver's tombstone name it by this.
    pub fn id(&self) -> EnvelopeId {
        EnvelopeId(sha256(&[&self.frame]))
    }

    /// The envelope as it came.
    pub fn bytes(&self) -> &[u8] {
        &self.frame
    }

    /// The envelope as it came, without a copy.
    pub fn into_bytes(self) -> Vec<u8> {
        self.frame
    }

    /// What the decryption key of the device it is sealed to must unwrap.
    pub fn key_op(&self) -> KeyOp {
        let ciphertext = Parts::of(&self.frame, &self.header).map(|parts| parts.wrapped.to_vec()).unwrap_or_default();
        KeyOp::Unwrap { label: LABEL, ciphertext }
    }

    /// Opens the envelope with what was unwrapped, and proves its author. `judge.own` is the certificate that it is sealed to: perhaps one
    /// that was renewed since. `rng` gives what takes the place of a key that could not be unwrapped.
    ///
    /// # Errors
    /// See [`OpenError`]; in this order: `Misaddressed`, `Expired`, `PrekeyGone`, `Unsealed`, `Malformed`, `Time`, `Certificate`,
    /// `BadSignature`.
    pub fn open(&self, unwrapped: &KeyOpResult, prekeys: &Prekeys, judge: &Judge<'_>, rng: &mut Rng) -> Result<Opened, OpenError> {
        self.open_of((unwrapped, prekeys), judge, &[], rng)
    }

    /// The same where the author may be one of those `known`: certificates of this anchor, whose signatures need no second look.
    ///
    /// # Errors
    /// As [`Sealed::open`].
    pub fn open_of(
        &self,
        (unwrapped, prekeys): (&KeyOpResult, &Prekeys),
        judge: &Judge<'_>,
        known: &[VerifiedCertificate],
        rng: &mut Rng,
    ) -> Result<Opened, OpenError> {
        let (header, own) = (&self.header, judge.own);
        if header.mailbox != own.user_id().mailbox() || header.to != KeyId::of(own) {
            return Err(OpenError::Misaddressed);
        }
        let now_ms = clock_ms(judge.now_ms, judge.revoked);
        if now_ms >= header.expiry_ms() + ENVELOPE_SEEN_MS {
            return Err(OpenError::Expired);
        }
        let parts = Parts::of(&self.frame, header)?;
        let shared = self.agree(prekeys)?;
        let head = &self.frame[..HEADER_BYTES];
        let bound = sha256(&[head, parts.wrapped]);
        let keys = Keys::derive(&bound, &unwrapped_secret(unwrapped, own, &sha256(&[head]), rng), &shared);
        if !macs_equal(&keys.commitment, parts.commitment) {
            return Err(OpenError::Unsealed);
        }
        let plain = keys.key.open(&keys.iv, &self.frame, parts.from).map_err(|_| OpenError::Unsealed)?;
        let inner = Inner::read(&plain)?;
        let author = self.author(&inner, judge, known, now_ms)?;
        let message = signed_message(&bound, &author, own, inner.body);
        author.signing_key().verify(&message, inner.signature).map_err(|BadSignature| OpenError::BadSignature)?;
        Ok(Opened { author, body: inner.body.to_vec(), used_prekey: header.prekey != NONE })
    }

    /// Z, or zeros where it is sealed without a prekey.
    fn agree(&self, prekeys: &Prekeys) -> Result<SharedSecret, OpenError> {
        if self.header.prekey == NONE {
            return Ok(Zeroizing::new(NONE));
        }
        let prekey = prekeys.secret(&self.header.prekey).ok_or(OpenError::PrekeyGone)?;
        prekey.agree(&self.header.ephemeral).ok_or(OpenError::Unsealed)
    }

    /// The author's certificate, judged at the time at which they say that they wrote: it may have ended since.
    fn author(&self, inner: &Inner<'_>, judge: &Judge<'_>, known: &[VerifiedCertificate], now_ms: u64) -> Result<VerifiedCertificate, OpenError> {
        let (id, sent_ms) = MessageBody::head(inner.body)?;
        if id != self.header.id {
            return Err(OpenError::Malformed);
        }
        let (is_ahead, expiry_ms) = (sent_ms > now_ms.saturating_add(CLOCK_SKEW_MS), self.header.expiry_ms());
        if is_ahead || expiry_ms <= sent_ms || expiry_ms > sent_ms.saturating_add(ENVELOPE_MS) {
            return Err(OpenError::Time);
        }
        let author = match known.iter().find(|known| known.der() == inner.certificate) {
            Some(known) => known.is_good_at(sent_ms, judge.revoked).map(|()| known.clone()),
            None => judge.anchor.verify_at(inner.certificate, sent_ms, judge.revoked),
        };
        author.map_err(OpenError::Certificate)
    }
}

/// What follows the header.
struct Parts<'a> {
    wrapped: &'a [u8],
    commitment: &'a [u8; 32],
    /// Where the ciphertext begins.
    from: usize,
}

impl<'a> Parts<'a> {
    fn of(frame: &'a [u8], header: &Header) -> Result<Self, Malformed> {
        let mut reader = Reader::new(frame);
        reader.bytes(HEADER_BYTES)?;
        let wrapped = reader.lp(RSA_BYTES_MAX)?;
        let commitment = reader.bytes(32)?.try_into().map_err(|_| Malformed)?;
        let is_whole = reader.left() == header.bucket.bytes() + AEAD_TAG_BYTES;
        if is_whole { Ok(Self { wrapped, commitment, from: frame.len() - reader.left() }) } else { Err(Malformed) }
    }
}

/// lp(certificate) | lp(message body) | lp(signature) | zeros up to the bucket
struct Inner<'a> {
    certificate: &'a [u8],
    body: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Inner<'a> {
    fn read(plain: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(plain);
        let (certificate, body) = (reader.lp(CERTIFICATE_BYTES_MAX)?, reader.lp(usize::from(u16::MAX))?);
        let signature = reader.lp(RSA_BYTES_MAX)?;
        let is_padded = reader.rest().iter().all(|byte| *byte == 0);
        if is_padded { Ok(Self { certificate, body, signature }) } else { Err(Malformed) }
    }
}

/// The keys of one envelope; each is used once.
struct Keys {
    key: AeadKey,
    iv: Zeroizing<[u8; 12]>,
    commitment: Zeroizing<[u8; 32]>,
}

impl Keys {
    /// PRK = HKDF-Extract(salt = H(header | wk), IKM = K | Z)
    fn derive(bound: &[u8; 32], secret: &Zeroizing<[u8; 32]>, shared: &SharedSecret) -> Self {
        let prk = Prk::extract(bound, &[secret.as_slice(), shared.as_slice()]);
        let key = AeadKey::new(&prk.expand::<32>(&[b"B4/v1/offline key"]));
        Self { key, iv: prk.expand::<12>(&[b"B4/v1/offline iv"]), commitment: prk.expand::<32>(&[b"B4/v1/offline kc"]) }
    }
}

/// Takes K out of what was unwrapped, or draws another where anything is not as it must be: the commitment does not fit then, and the
/// failure looks like every other.
fn unwrapped_secret(result: &KeyOpResult, own: &VerifiedCertificate, header_hash: &[u8; 32], rng: &mut Rng) -> Zeroizing<[u8; 32]> {
    let random = Zeroizing::new(rng.array::<32>());
    let Ok(plain) = result else { return random };
    match plain.split_first_chunk::<32>() {
        Some((secret, rest)) if rest == [own.hash(), *header_hash].concat() => Zeroizing::new(*secret),
        _ => random,
    }
}

/// "B4/v1/offline-sig" | H(header | wk) | H(certificate of the author) | H(certificate of the receiver) | H(message body)
fn signed_message(bound: &[u8; 32], author: &VerifiedCertificate, to: &VerifiedCertificate, body: &[u8]) -> Vec<u8> {
    [SIGNATURE_LABEL, bound, &author.hash(), &to.hash(), &sha256(&[body])].concat()
}
