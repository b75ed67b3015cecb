//! One direction of one channel: sealing bodies into records and opening them, each the next of the last.
//! The byte table stands in PROTOCOL.md#records.

use zeroize::Zeroizing;

use super::{Content, SessionError};
use crate::codec::{Reader, Writer};
use crate::crypto::AeadKey;
use crate::handshake::{Role, SessionKeys};
use crate::limits::RECORD_BYTES_MAX;

const TYPE_RECORD: u8 = 0x10;
const HEADER_BYTES: usize = 11;
/// content(1) | more(1) | len(4)
const INNER_HEADER_BYTES: usize = 6;
/// Lengths of a plaintext: what an onlooker can learn of a body's length.
const PADDED_BYTES: [usize; 5] = [64, 256, 1024, 4096, 16_000];
/// The longest body of one record.
const FRAGMENT_BYTES_MAX: usize = PADDED_BYTES[4] - INNER_HEADER_BYTES;

/// Key, iv and counter of one direction of one channel in one epoch.
pub(super) struct Lane {
    key: AeadKey,
    iv: Zeroizing<[u8; 12]>,
    epoch: u16,
    next_seq: u64,
}

/// What a record held.
pub(super) struct Plain {
    pub content: Content,
    pub more: bool,
    pub body: Vec<u8>,
}

/// The epoch a record claims, before anything is verified.
pub(super) fn epoch_of(record: &[u8]) -> Result<u16, SessionError> {
    let mut reader = Reader::new(record);
    match (reader.u8(), reader.u16()) {
        (Ok(TYPE_RECORD), Ok(epoch)) => Ok(epoch),
        _ => Err(SessionError::Malformed),
    }
}

impl Lane {
    pub fn new(keys: &SessionKeys, sender: Role, channel: u16, epoch: u16) -> Self {
        let number = channel.to_be_bytes();
        let key = keys.prk.expand::<32>(&[b"B4/v1/key ", sender.letter(), &number]);
        let iv = keys.prk.expand::<12>(&[b"B4/v1/iv ", sender.letter(), &number]);
        Self { key: AeadKey::new(&key), iv, epoch, next_seq: 0 }
    }

    pub fn epoch(&self) -> u16 {
        self.epoch
    }

    /// The number that the next record has.
    #[cfg(test)]
    pub fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// Goes on at a number.
    #[cfg(test)]
    pub fn skip_to(&mut self, seq: u64) {
        self.next_seq = seq;
    }

    /// Seals a body into as many records as it needs, at least one.
    pub fn seal(&mut self, content: Content, body: &[u8]) -> Vec<Vec<u8>> {
        let count = body.len().div_ceil(FRAGMENT_BYTES_MAX).max(1);
        (0..count)
            .map(|index| {
                let start = index * FRAGMENT_BYTES_MAX;
                let fragment = &body[start..body.len().min(start + FRAGMENT_BYTES_MAX)];
                self.seal_fragment(content, index + 1 < count, fragment)
            })
            .collect()
    }

    pub(super) fn seal_fragment(&mut self, content: Content, more: bool, fragment: &[u8]) -> Vec<u8> {
        let seq = self.next_seq;
        self.next_seq += 1;
        let length = u32::try_from(fragment.len()).expect("a fragment is under 16 KiB");
        let mut record = Writer::new()
            .u8(TYPE_RECORD)
            .u16(self.epoch)
            .u64(seq)
            .u8(content as u8)
            .u8(u8::from(more))
            .u32(length)
            .raw(fragment)
            .into_bytes();
        record.resize(HEADER_BYTES + padded(INNER_HEADER_BYTES + fragment.len()), 0);
        self.key.seal_in_place(&self.nonce(seq), &mut record, HEADER_BYTES);
        record
    }

    /// Opens the next record.
    pub fn open(&mut self, record: &[u8]) -> Result<Plain, SessionError> {
        if record.len() > RECORD_BYTES_MAX {
            return Err(SessionError::Malformed);
        }
        let mut header = Reader::new(record);
        let kind = header.u8().map_err(|_| SessionError::Malformed)?;
        let epoch = header.u16().map_err(|_| SessionError::Malformed)?;
        let seq = header.u64().map_err(|_| SessionError::Malformed)?;
        if kind != TYPE_RECORD {
            return Err(SessionError::Malformed);
        }
        if epoch != self.epoch || seq != self.next_seq {
            return Err(SessionError::OutOfOrder);
        }
        let plain = self.key.open(&self.nonce(seq), record, HEADER_BYTES).map_err(|_| SessionError::Unsealed)?;
        self.next_seq += 1;
        parse_plain(&plain).ok_or(SessionError::Malformed)
    }

    /// iv XOR seq. No nonce repeats: the counter only rises, and an epoch ends long before 2^64 records.
    fn nonce(&self, seq: u64) -> [u8; 12] {
        let mut nonce = *self.iv;
        for (byte, mask) in nonce[4..].iter_mut().zip(seq.to_be_bytes()) {
            *byte ^= mask;
        }
        nonce
    }
}

fn padded(bytes: usize) -> usize {
    PADDED_BYTES.into_iter().find(|size| *size >= bytes).expect("fragments are cut to fit the longest")
}

fn parse_plain(plain: &[u8]) -> Option<Plain> {
    let mut reader = Reader::new(plain);
    let content = Content::from_byte(reader.u8().ok()?)?;
    let more = match reader.u8().ok()? {
        0 => false,
        1 => true,
        _ => return None,
    };
    let length = usize::try_from(reader.u32().ok()?).ok()?;
    let body = reader.bytes(length).ok()?.to_vec();
    let is_padded = PADDED_BYTES.contains(&plain.len()) && padded(INNER_HEADER_BYTES + length) == plain.len();
    let is_zero = reader.rest().iter().all(|byte| *byte == 0);
    (is_padded && is_zero).then_some(Plain { content, more, body })
}
