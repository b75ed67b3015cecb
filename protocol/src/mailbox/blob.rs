//! A file's blocks as they lie with others while its receiver is away: blobs, and the index that names them (PROTOCOL.md#blobs).
//!
//! All blobs of a file are sealed under one key, which its manifest carries: no private key is needed for any of them. They lie on shelves,
//! places on the ring that the key leads to, sixty-four blocks on each, so that a large file is spread over several arcs and nobody has to
//! connect to thousands of nodes. Who has the key takes them, and clears a shelf by showing what its place is the hash of.

use crate::codec::{Malformed, Reader, Writer};
use crate::crypto::{AEAD_TAG_BYTES, AeadKey, hmac_sha256, sha256};
use crate::file::BLOCK_BYTES;
use crate::mailbox::{EnvelopeId, Mailbox};
use crate::time::HOUR_MS;
use zeroize::Zeroizing;

const MAGIC: &[u8; 4] = b"B4B1";
const HEADER_BYTES: usize = 4 + 32 + 4;
/// Number of the index; block `n` has the number after `n`.
const INDEX: u32 = 0;
/// Blocks on one shelf.
pub const SHELF_BLOCKS: u32 = 64;
/// The largest a blob can be.
pub const BLOB_BYTES_MAX: usize = HEADER_BYTES + BLOCK_BYTES as usize + AEAD_TAG_BYTES;

/// Opens all blobs of one file, and leads to where they lie.
#[derive(Clone)]
pub struct BlobKey(pub Zeroizing<[u8; 32]>);

/// Makes the blob of a block, for whoever has its bytes.
#[derive(Clone, Debug)]
pub struct BlobSeal {
    /// Of all blobs of the file.
    pub key: BlobKey,
    /// Its number under the key: the last four of the nonce's twelve bytes, the others 0.
    pub number: u32,
    /// What stands before the sealed bytes, and is authenticated with them.
    pub head: [u8; HEADER_BYTES],
}

/// A blob as a holder sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobHeader {
    /// Where it lies.
    pub shelf: Mailbox,
    /// When it is over, in hours since 1970.
    pub expiry_h: u32,
}

/// The hash of each block, and the id of the blob that it lies in.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct BlobIndex {
    /// SHA-256 of each block, in order.
    pub hashes: Vec<[u8; 32]>,
    /// Ids of the blobs, in order.
    pub blobs: Vec<EnvelopeId>,
}

impl std::fmt::Debug for BlobKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BlobKey")
    }
}

impl BlobKey {
    /// From 32 bytes that were drawn for one file and one receiver.
    pub fn new(drawn: [u8; 32]) -> Self {
        Self(Zeroizing::new(drawn))
    }

    /// The shelf of a block.
    pub fn shelf_of(&self, block: u32) -> Mailbox {
        self.shelf(block / SHELF_BLOCKS)
    }

    /// A shelf; the index lies on the first.
    pub fn shelf(&self, number: u32) -> Mailbox {
        sha256(&[&self.token(number)])
    }

    /// What clears a shelf.
    pub fn token(&self, number: u32) -> [u8; 32] {
        hmac_sha256(self.0.as_slice(), &[b"B4/v1/shelf", &number.to_be_bytes()])
    }

    /// What makes the blob of a block.
    pub fn block_seal(&self, block: u32, expiry_h: u32) -> BlobSeal {
        self.seal_of(Self::number(block), self.shelf_of(block), expiry_h)
    }

    /// The number of a block's blob.
    pub fn number(block: u32) -> u32 {
        block + 1
    }

    /// The blob of an index.
    pub fn seal_index(&self, index: &BlobIndex, expiry_h: u32) -> Vec<u8> {
        self.seal_of(INDEX, self.shelf(0), expiry_h).seal(&index.encode())
    }

    /// The block in a blob.
    ///
    /// # Errors
    /// `Malformed` when it is another blob.
    pub fn open_block(&self, block: u32, blob: &[u8]) -> Result<Vec<u8>, Malformed> {
        self.open(Self::number(block), blob)
    }

    /// The index in a blob, of a file of so many blocks.
    ///
    /// # Errors
    /// `Malformed` when it is another blob, or for another number.
    pub fn open_index(&self, blocks: u32, blob: &[u8]) -> Result<BlobIndex, Malformed> {
        BlobIndex::decode(&self.open(INDEX, blob)?, blocks)
    }

    fn seal_of(&self, number: u32, shelf: Mailbox, expiry_h: u32) -> BlobSeal {
        let mut head = [0; HEADER_BYTES];
        head.copy_from_slice(&Writer::new().raw(MAGIC).raw(&shelf).u32(expiry_h).into_bytes());
        BlobSeal { key: self.clone(), number, head }
    }

    fn open(&self, number: u32, blob: &[u8]) -> Result<Vec<u8>, Malformed> {
        let plain = AeadKey::new(&self.0).open(&nonce(number), blob, HEADER_BYTES).map_err(|_| Malformed)?;
        Ok(plain.to_vec())
    }
}

impl BlobSeal {
    /// The blob of a block of at most 64 KiB.
    pub fn seal(&self, bytes: &[u8]) -> Vec<u8> {
        let mut blob = [&self.head, bytes].concat();
        // Each number once under this key; the same bytes are the same blob.
        AeadKey::new(&self.key.0).seal_in_place(&nonce(self.number), &mut blob, HEADER_BYTES);
        blob
    }
}

impl BlobHeader {
    /// Reads a blob as far as a holder can.
    ///
    /// # Errors
    /// `Malformed` when it is none.
    pub fn read(blob: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(blob);
        if reader.array()? != *MAGIC || blob.len() > BLOB_BYTES_MAX || blob.len() < HEADER_BYTES + AEAD_TAG_BYTES {
            return Err(Malformed);
        }
        Ok(Self { shelf: reader.array()?, expiry_h: reader.u32()? })
    }

    /// When it is over, in milliseconds since 1970.
    pub fn expiry_ms(&self) -> u64 {
        u64::from(self.expiry_h) * HOUR_MS
    }
}

impl BlobIndex {
    /// hashes(32 each) | blobs(32 each)
    pub fn encode(&self) -> Vec<u8> {
        let hashes = self.hashes.as_flattened();
        self.blobs.iter().fold(Writer::new().raw(hashes), |writer, id| writer.raw(&id.0)).into_bytes()
    }

    /// Reads the index of a file of so many blocks.
    ///
    /// # Errors
    /// `Malformed` for another number.
    pub fn decode(bytes: &[u8], blocks: u32) -> Result<Self, Malformed> {
        let (all, rest) = bytes.as_chunks::<32>();
        if !rest.is_empty() || all.len() != 2 * blocks as usize {
            return Err(Malformed);
        }
        let (hashes, blobs) = all.split_at(blocks as usize);
        Ok(Self { hashes: hashes.to_vec(), blobs: blobs.iter().copied().map(EnvelopeId).collect() })
    }
}

/// The name of a blob: H(its bytes).
pub fn blob_id(blob: &[u8]) -> EnvelopeId {
    EnvelopeId(sha256(&[blob]))
}

fn nonce(number: u32) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[8..].copy_from_slice(&number.to_be_bytes());
    nonce
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_opens_under_its_key_in_its_place_and_nowhere_else() {
        let (key, block) = (BlobKey::new([1; 32]), vec![7; BLOCK_BYTES as usize]);
        let blob = key.block_seal(65, 400_000).seal(&block);
        assert_eq!(blob.len(), BLOB_BYTES_MAX);
        assert_eq!(BlobHeader::read(&blob), Ok(BlobHeader { shelf: key.shelf(1), expiry_h: 400_000 }));
        assert_eq!(key.open_block(65, &blob).as_ref(), Ok(&block));
        assert_eq!([key.open_block(64, &blob), BlobKey::new([2; 32]).open_block(65, &blob)], [Err(Malformed), Err(Malformed)]);
        assert_eq!(blob, key.block_seal(65, 400_000).seal(&block), "the same bytes: left once more, it is the same");
        for at in [0, 4, 35, 36, 40, 60_000, blob.len() - 1] {
            let mut altered = blob.clone();
            altered[at] ^= 1;
            assert_eq!(key.open_block(65, &altered), Err(Malformed), "{at}");
        }
        assert!(BlobHeader::read(&[&blob[..], &[0]].concat()).is_err() && BlobHeader::read(&blob[..55]).is_err());
    }

    #[test]
    fn an_index_is_read_as_it_was_written_and_for_its_number_of_blocks_alone() {
        let index = BlobIndex { hashes: vec![[1; 32], [2; 32]], blobs: vec![EnvelopeId([3; 32]), EnvelopeId([4; 32])] };
        let key = BlobKey::new([1; 32]);
        let blob = key.seal_index(&index, 1);
        assert_eq!(key.open_index(2, &blob), Ok(index));
        assert_eq!([key.open_index(1, &blob), key.open_index(3, &blob)], [Err(Malformed), Err(Malformed)]);
        assert!(key.open_block(0, &blob).is_err());
    }

    #[test]
    fn shelves_are_far_from_each_other_and_only_the_key_clears_them() {
        let key = BlobKey::new([1; 32]);
        assert_ne!(key.shelf(0), key.shelf(1));
        assert_eq!((key.shelf_of(63), key.shelf_of(64)), (key.shelf(0), key.shelf(1)));
        assert_eq!(sha256(&[&key.token(1)]), key.shelf(1));
    }
}
