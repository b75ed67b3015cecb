//! The tree of hashes of a file: blocks, pages of their hashes, and the id over all pages.

use crate::crypto::sha256;

/// Bytes of a block, but for the last of a file: what an interrupted transfer has sent in vain at most, and the largest blob that a holder takes.
pub const BLOCK_BYTES: u64 = 64 * 1024;
/// Hashes in a page, but for the last of a file: 16 KiB, which fit one message.
pub const PAGE_BLOCKS: u32 = 512;
/// Bytes of a file that a page is for: 32 MiB.
pub const PAGE_BYTES: u64 = BLOCK_BYTES * PAGE_BLOCKS as u64;

/// What is in a file, by 32 bytes: two files with the same id have the same bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub [u8; 32]);

impl std::fmt::Display for FileId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The hash of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageHash(pub [u8; 32]);

/// What was received is not of this file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// More, or fewer, hashes than a file of this size has there.
    #[error("wrong number of hashes")]
    Count,
    /// Not what the manifest announced.
    #[error("hash differs")]
    Hash,
}

/// Where the blocks and pages of a file of some size are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    size: u64,
}

/// One block: its bytes within the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Of the first byte.
    pub start: u64,
    /// 1 to [`BLOCK_BYTES`].
    pub bytes: u32,
}

/// The hashes of the blocks of one page, checked against the page's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    hashes: Vec<[u8; 32]>,
}

impl Layout {
    /// Of a file of `size` bytes, at most [`crate::limits::FILE_BYTES_MAX`].
    pub fn of(size: u64) -> Self {
        Self { size }
    }

    /// Bytes of the file.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// How many blocks there are: none in an empty file.
    pub fn blocks(&self) -> u32 {
        u32::try_from(self.size.div_ceil(BLOCK_BYTES)).expect("the largest file has 65,536")
    }

    /// How many pages there are.
    pub fn pages(&self) -> u32 {
        self.blocks().div_ceil(PAGE_BLOCKS)
    }

    /// Where a block is; `None` past the last.
    pub fn block(&self, number: u32) -> Option<Block> {
        let start = u64::from(number) * BLOCK_BYTES;
        let bytes = self.size.checked_sub(start).filter(|left| *left > 0)?.min(BLOCK_BYTES);
        Some(Block { start, bytes: u32::try_from(bytes).expect("a block is 64 KiB at most") })
    }

    /// Hashes that a page has; `None` past the last.
    pub fn page_hashes(&self, page: u32) -> Option<u32> {
        let before = page.checked_mul(PAGE_BLOCKS)?;
        self.blocks().checked_sub(before).filter(|left| *left > 0).map(|left| left.min(PAGE_BLOCKS))
    }

    /// The id of a file with these pages.
    pub fn id(&self, pages: &[PageHash]) -> FileId {
        let hashes: Vec<&[u8]> = pages.iter().map(|page| page.0.as_slice()).collect();
        let size = self.size.to_be_bytes();
        FileId(sha256(&[&[b"B4/v1/file".as_slice(), &size], hashes.as_slice()].concat()))
    }
}

impl Page {
    /// A page of one's own file, from the hashes of its blocks in order.
    pub fn of(hashes: Vec<[u8; 32]>) -> Self {
        Self { hashes }
    }

    /// Reads a page that somebody sent, of a file that is laid out so, and checks that it is the one announced.
    ///
    /// # Errors
    /// See [`TreeError`].
    pub fn verified(bytes: &[u8], layout: Layout, number: u32, expected: PageHash) -> Result<Self, TreeError> {
        let (hashes, rest) = bytes.as_chunks::<32>();
        let count = layout.page_hashes(number).ok_or(TreeError::Count)?;
        if !rest.is_empty() || hashes.len() != count as usize {
            return Err(TreeError::Count);
        }
        let page = Self { hashes: hashes.to_vec() };
        if page.hash() == expected { Ok(page) } else { Err(TreeError::Hash) }
    }

    /// What the manifest has of it.
    pub fn hash(&self) -> PageHash {
        PageHash(sha256(&[b"B4/v1/file-page", self.hashes.as_flattened()]))
    }

    /// What goes over the wire: the hashes end to end.
    pub fn bytes(&self) -> &[u8] {
        self.hashes.as_flattened()
    }

    /// SHA-256 of each block of the page, in order.
    pub fn hashes(&self) -> &[[u8; 32]] {
        &self.hashes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::FILE_BYTES_MAX;

    /// A page whose hashes are all alike but for their number.
    fn page(from: u32, count: u32) -> Page {
        Page::of((from..from + count).map(|number| sha256(&[&number.to_be_bytes()])).collect())
    }

    fn pages(layout: Layout) -> Vec<Page> {
        (0..layout.pages()).map(|number| page(number * PAGE_BLOCKS, layout.page_hashes(number).expect("it is there"))).collect()
    }

    #[test]
    fn the_blocks_of_a_file_lie_end_to_end_and_cover_it() {
        for size in [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, PAGE_BYTES, PAGE_BYTES + 1, 3 * PAGE_BYTES - 7, FILE_BYTES_MAX] {
            let layout = Layout::of(size);
            let blocks: Vec<Block> = (0..layout.blocks()).filter_map(|number| layout.block(number)).collect();
            let end = blocks.iter().fold(0, |end, block| {
                assert!(block.start == end && (1..=BLOCK_BYTES).contains(&u64::from(block.bytes)), "{size}");
                end + u64::from(block.bytes)
            });
            assert_eq!((end, layout.block(layout.blocks())), (size, None));
            let hashes: u32 = (0..layout.pages()).filter_map(|page| layout.page_hashes(page)).sum();
            assert_eq!((hashes, layout.page_hashes(layout.pages())), (layout.blocks(), None), "{size}");
        }
    }

    #[test]
    fn a_page_is_taken_only_as_it_was_announced() {
        let layout = Layout::of(PAGE_BYTES + 10 * BLOCK_BYTES - 3);
        let all = pages(layout);
        for (number, page) in (0..).zip(&all) {
            assert_eq!(Page::verified(page.bytes(), layout, number, page.hash()).as_ref(), Ok(page));
            let mut altered = page.bytes().to_vec();
            altered[33] ^= 1;
            assert_eq!(Page::verified(&altered, layout, number, page.hash()), Err(TreeError::Hash));
            altered.swap(0, 32);
            assert_eq!(Page::verified(&altered, layout, number, page.hash()), Err(TreeError::Hash), "in another order");
        }
        let (long, short) = (&all[0], &all[1]);
        for (bytes, number) in [(long.bytes(), 1), (short.bytes(), 0), (short.bytes(), 2), (&short.bytes()[..319], 1), (&[][..], 1)] {
            let expected = Page::of(bytes.as_chunks::<32>().0.to_vec()).hash();
            assert_eq!(Page::verified(bytes, layout, number, expected), Err(TreeError::Count), "{} bytes as {number}", bytes.len());
        }
    }

    #[test]
    fn an_id_says_the_size_and_every_page_in_its_place() {
        let layout = Layout::of(2 * PAGE_BYTES);
        let hashes: Vec<PageHash> = pages(layout).iter().map(Page::hash).collect();
        let id = layout.id(&hashes);
        assert_ne!(id, Layout::of(2 * PAGE_BYTES - 1).id(&hashes));
        assert_ne!(id, layout.id(&[hashes[1], hashes[0]]));
        assert_ne!(id, layout.id(&hashes[..1]));
        assert_eq!(id, layout.id(&hashes.clone()));
    }

    #[test]
    fn no_block_can_be_taken_for_a_page_nor_a_page_for_an_id() {
        let page = page(0, 1);
        assert_ne!(page.hash().0, sha256(&[page.bytes()]));
        assert_ne!(Layout::of(1).id(&[page.hash()]).0, page.hash().0);
    }
}
