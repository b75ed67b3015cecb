//! The bytes of parts on their way: records under a key of their own, on the channel `bulk`. The byte table stands in PROTOCOL.md#bulk.
//!
//! In the browser a worker seals and opens them (`www/files.js`), so that they never enter the core; worlds and vectors do it here.

use zeroize::Zeroizing;

use super::FileId;
use crate::codec::{Reader, Writer};
use crate::crypto::{AEAD_TAG_BYTES, AeadKey, hmac_sha256};

const TYPE_BULK: u8 = 0x11;
const HEADER_BYTES: usize = 1 + 4 + 4;
/// Bytes of a record that are none of the file's.
pub const BULK_OVERHEAD_BYTES: usize = HEADER_BYTES + AEAD_TAG_BYTES;

/// Seals one part for one receiver, once. The receiver draws what it is made of: a part asked for again has another.
#[derive(Clone)]
pub struct PartKey(pub Zeroizing<[u8; 32]>);

impl std::fmt::Debug for PartKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PartKey")
    }
}

/// A piece of a part, as it was sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BulkRecord {
    /// Of the fetch that it answers.
    pub number: u32,
    /// Where it begins within the part.
    pub offset: u32,
}

/// The bytes are no record of this part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a record of this part")]
pub struct BulkError;

impl PartKey {
    /// HMAC(drawn, "B4/v1/file-part" | file id | part(4)): what was drawn twice is no key twice.
    pub fn of(drawn: &[u8; 32], file: FileId, part: u32) -> Self {
        Self(Zeroizing::new(hmac_sha256(drawn, &[b"B4/v1/file-part", &file.0, &part.to_be_bytes()])))
    }

    /// 0x11 | number(4) | offset(4) | AES-256-GCM(key, nonce = 0(8) | offset(4), AAD = all before, piece). No nonce repeats: pieces of
    /// a part do not overlap.
    pub fn seal(&self, record: BulkRecord, piece: &[u8]) -> Vec<u8> {
        let mut frame = Writer::new().u8(TYPE_BULK).u32(record.number).u32(record.offset).raw(piece).into_bytes();
        AeadKey::new(&self.0).seal_in_place(&nonce(record.offset), &mut frame, HEADER_BYTES);
        frame
    }

    /// The piece of a record whose head [`BulkRecord::read`] has read.
    ///
    /// # Errors
    /// `BulkError` when it was not made under this key.
    pub fn open(&self, frame: &[u8]) -> Result<Vec<u8>, BulkError> {
        let record = BulkRecord::read(frame)?;
        let plain = AeadKey::new(&self.0).open(&nonce(record.offset), frame, HEADER_BYTES).map_err(|_| BulkError)?;
        Ok(plain.to_vec())
    }
}

impl BulkRecord {
    /// What a frame says of itself, before anything is verified.
    ///
    /// # Errors
    /// `BulkError` for another form.
    pub fn read(frame: &[u8]) -> Result<Self, BulkError> {
        let mut reader = Reader::new(frame);
        match (reader.u8(), reader.u32(), reader.u32()) {
            (Ok(TYPE_BULK), Ok(number), Ok(offset)) => Ok(Self { number, offset }),
            _ => Err(BulkError),
        }
    }
}

fn nonce(offset: u32) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[8..].copy_from_slice(&offset.to_be_bytes());
    nonce
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_opens_in_its_place_under_its_key_and_nowhere_else() {
        let key = PartKey::of(&[1; 32], FileId([2; 32]), 3);
        let record = BulkRecord { number: 7, offset: 65_536 };
        let frame = key.seal(record, b"a piece");
        assert_eq!((frame.len(), BulkRecord::read(&frame)), (7 + BULK_OVERHEAD_BYTES, Ok(record)));
        assert_eq!(key.open(&frame).as_deref(), Ok(&b"a piece"[..]));
        for other in [PartKey::of(&[1; 32], FileId([2; 32]), 4), PartKey::of(&[1; 32], FileId([3; 32]), 3), PartKey::of(&[0; 32], FileId([2; 32]), 3)] {
            assert_eq!(other.open(&frame), Err(BulkError));
        }
        for at in 0..frame.len() {
            let mut altered = frame.clone();
            altered[at] ^= 1;
            assert_eq!(key.open(&altered), Err(BulkError), "byte {at}");
        }
        for end in 0..frame.len() {
            assert_eq!(key.open(&frame[..end]), Err(BulkError), "cut at {end}");
        }
    }
}
