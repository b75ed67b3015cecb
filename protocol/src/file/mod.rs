//! Files: how one is cut into blocks, what names it, which name it is shown and saved under.
//!
//! A file is cut into blocks of 64 KiB, each with a hash. The hashes of 512 blocks in a row are a page, with a hash of its own; the hashes
//! of all pages and the size name the file: its [`FileId`]. A manifest carries size, name and the hashes of the pages. Whoever has it
//! can check a page that anybody sends, and with the page each block as it comes. See PROTOCOL.md#files.
//!
//! Deliberately absent: the bytes of files, which never enter the core, and who sends what to whom.

mod bulk;
mod incoming;
mod manifest;
mod name;
mod preview;
mod tree;
mod wire;

pub use bulk::{BULK_OVERHEAD_BYTES, BulkRecord, BulkError, PartKey};
pub use incoming::{Incoming, IncomingOrder, PART_BLOCKS, PART_BYTES, parts};
pub use manifest::{Away, Manifest, ManifestError};
pub use name::{Danger, danger, safe_name};
pub use preview::{PREVIEW_HEAD_BYTES, PreviewKind, preview};
pub use tree::{BLOCK_BYTES, Block, FileId, Layout, PAGE_BLOCKS, PAGE_BYTES, Page, PageHash, TreeError};
pub use wire::{FileMessage, Offer, Will};

/// Where the bytes of a file are on this device: whoever stores them draws it, and it says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileSlot(pub u64);

impl std::fmt::Display for FileSlot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}
