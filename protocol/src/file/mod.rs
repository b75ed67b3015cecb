//! Files: how one is cut into blocks, what names it, which name it is shown and saved under.
//!
//! A file is cut into blocks of 64 KiB, each with a hash. The hashes of 512 blocks in a row are a page, with a hash of its own; the hashes
//! of all pages and the size name the file: its [`FileId`]. A manifest carries size, name and the hashes of the pages. Whoever has it
//! can check a page that anybody sends, and with the page each block as it comes. See PROTOCOL.md#files.
//!
//! Deliberately absent: the bytes of files, which never enter the core, and who sends what to whom.

mod incoming;
mod manifest;
mod name;
mod tree;

pub use incoming::{Incoming, IncomingOrder, PART_BLOCKS, PART_BYTES, parts};
pub use manifest::{Manifest, ManifestError};
pub use name::{Danger, danger, safe_name};
pub use tree::{BLOCK_BYTES, Block, FileId, Layout, PAGE_BLOCKS, PAGE_BYTES, Page, PageHash, TreeError};
