//! The manifest of a file: what its receiver knows before the first byte.

use super::{FileId, Layout, PageHash, safe_name};
use crate::codec::{Malformed, Reader, Writer};
use crate::limits::{FILE_BYTES_MAX, FILE_NAME_BYTES_MAX, FILE_TYPE_BYTES_MAX};

/// size(8) | lp8(type) | lp(name) | lp8(away) | hash of each page(32)
///
/// | field | bound |
/// | --- | --- |
/// | size | at most 4 GiB |
/// | type | at most 127 bytes of printable ASCII; empty for unknown |
/// | name | UTF-8, at most 255 bytes; what is not safe about it is taken out when it is read |
/// | away | empty, or key(32) \| id of the index(32): how the file lies with others |
/// | pages | as many as a file of this size has: at most 128 |
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    layout: Layout,
    media_type: String,
    name: String,
    away: Option<Away>,
    pages: Vec<PageHash>,
}

/// How a file lies with others while its receiver is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Away {
    /// Opens each of its blobs.
    pub key: [u8; 32],
    /// Names the blob that names the others.
    pub index: [u8; 32],
}

/// The bytes are no manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// Its author broke the form.
    #[error("malformed manifest")]
    Malformed,
    /// It announces more than a file may have.
    #[error("file too large")]
    TooLarge,
}

impl From<Malformed> for ManifestError {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

impl Manifest {
    /// Of one's own file: `pages` are those of a file of `size` bytes, in order. A type that cannot be told is left out.
    ///
    /// # Errors
    /// `TooLarge` for more than [`FILE_BYTES_MAX`] bytes, `Malformed` for another number of pages than such a file has.
    pub fn new(name: &str, media_type: &str, size: u64, pages: Vec<PageHash>) -> Result<Self, ManifestError> {
        let layout = layout_of(size)?;
        if pages.len() != layout.pages() as usize {
            return Err(ManifestError::Malformed);
        }
        let media_type = if is_media_type(media_type.as_bytes()) { media_type.to_owned() } else { String::new() };
        Ok(Self { layout, media_type, name: safe_name(name), away: None, pages })
    }

    /// The bytes.
    pub fn encode(&self) -> Vec<u8> {
        let head = Writer::new().u64(self.layout.size()).lp8(self.media_type.as_bytes()).lp(self.name.as_bytes());
        let away = self.away.map_or(Vec::new(), |away| [away.key, away.index].concat());
        let head = head.lp8(&away);
        self.pages.iter().fold(head, |writer, page| writer.raw(&page.0)).into_bytes()
    }

    /// Reads the bytes.
    ///
    /// # Errors
    /// See [`ManifestError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, ManifestError> {
        let mut reader = Reader::new(bytes);
        let layout = layout_of(reader.u64()?)?;
        let media_type = Some(reader.lp8()?).filter(|bytes| is_media_type(bytes)).ok_or(Malformed)?;
        let name = std::str::from_utf8(reader.lp(FILE_NAME_BYTES_MAX)?).map_err(|_| Malformed)?;
        let away = match reader.lp8()?.as_chunks::<32>() {
            ([], []) => None,
            ([key, index], []) => Some(Away { key: *key, index: *index }),
            _ => return Err(ManifestError::Malformed),
        };
        let (pages, rest) = reader.rest().as_chunks::<32>();
        if !rest.is_empty() || pages.len() != layout.pages() as usize {
            return Err(ManifestError::Malformed);
        }
        let media_type = String::from_utf8(media_type.to_vec()).map_err(|_| Malformed)?;
        Ok(Self { layout, media_type, name: safe_name(name), away, pages: pages.iter().copied().map(PageHash).collect() })
    }

    /// What is in the file.
    pub fn id(&self) -> FileId {
        self.layout.id(&self.pages)
    }

    /// Where its blocks and pages are.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// The name to show and to save it under: a [`safe_name`].
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its author says it is, as `image/png`; empty for unknown. To be believed only after a look at the bytes.
    pub fn media_type(&self) -> &str {
        &self.media_type
    }

    /// How it lies with others, where its author can leave it with them.
    pub fn away(&self) -> Option<Away> {
        self.away
    }

    /// The same file, which can be left with others.
    #[must_use]
    pub fn with_away(self, away: Away) -> Self {
        Self { away: Some(away), ..self }
    }

    /// The hash of a page; `None` past the last.
    pub fn page(&self, number: u32) -> Option<PageHash> {
        self.pages.get(number as usize).copied()
    }
}

fn layout_of(size: u64) -> Result<Layout, ManifestError> {
    if size > FILE_BYTES_MAX { Err(ManifestError::TooLarge) } else { Ok(Layout::of(size)) }
}

fn is_media_type(bytes: &[u8]) -> bool {
    bytes.len() <= FILE_TYPE_BYTES_MAX && bytes.iter().all(u8::is_ascii_graphic)
}

#[cfg(test)]
mod tests {
    use super::super::{BLOCK_BYTES, PAGE_BYTES};
    use super::*;

    fn manifest(size: u64) -> Manifest {
        let pages = (0..Layout::of(size).pages()).map(|number| PageHash([number as u8; 32])).collect();
        Manifest::new("holiday.jpg", "image/jpeg", size, pages).expect("as it should be")
    }

    #[test]
    fn a_manifest_is_read_as_it_was_written() {
        for size in [0, 1, BLOCK_BYTES, PAGE_BYTES, PAGE_BYTES + 1, FILE_BYTES_MAX] {
            let written = if size % 2 == 0 { manifest(size) } else { manifest(size).with_away(Away { key: [7; 32], index: [8; 32] }) };
            let bytes = written.encode();
            assert!(bytes.len() <= 8 + 128 + 257 + 65 + 4_096, "{size}: it fits a message");
            assert_eq!(Manifest::decode(&bytes), Ok(written));
        }
    }

    #[test]
    fn a_size_that_lies_is_another_form() {
        let bytes = manifest(2 * PAGE_BYTES).encode();
        for (size, expected) in [(0, ManifestError::Malformed), (PAGE_BYTES, ManifestError::Malformed), (3 * PAGE_BYTES, ManifestError::Malformed), (FILE_BYTES_MAX + 1, ManifestError::TooLarge), (u64::MAX, ManifestError::TooLarge)] {
            let mut lying = bytes.clone();
            lying[..8].copy_from_slice(&size.to_be_bytes());
            assert_eq!(Manifest::decode(&lying), Err(expected), "{size}");
        }
        let mut other = bytes.clone();
        other[..8].copy_from_slice(&(2 * PAGE_BYTES - 1).to_be_bytes());
        assert_ne!(Manifest::decode(&other).map(|manifest| manifest.id()), Ok(manifest(2 * PAGE_BYTES).id()), "and another file");
    }

    #[test]
    fn what_others_write_is_made_safe_or_refused() {
        let written = |name: &[u8], media_type: &[u8]| Writer::new().u64(0).lp8(media_type).lp(name).lp8(b"").into_bytes();
        let name = |bytes: &[u8]| Manifest::decode(bytes).map(|manifest| manifest.name().to_owned());
        assert_eq!(name(&written(b"../x\0.txt", b"")), Ok("x.txt".to_owned()));
        for bytes in [written(&[b'x'; 256], b""), written(&[0xff], b""), written(b"x", &[b'x'; 128]), written(b"x", b"text/ html"), written(b"x", &[0xc3, 0xa9])] {
            assert_eq!(name(&bytes), Err(ManifestError::Malformed));
        }
        let long = Writer::new().u64(0).lp8(b"").lp(&[b'x'; 65_535]).lp8(b"").into_bytes();
        assert_eq!(name(&long), Err(ManifestError::Malformed), "a name of 64 KiB");
    }

    #[test]
    fn no_bytes_break_the_reader() {
        let bytes = manifest(PAGE_BYTES + 1).encode();
        for end in 0..bytes.len() {
            assert!(Manifest::decode(&bytes[..end]).is_err(), "cut at {end}");
        }
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                // Whatever it says, it is not the same.
                assert_ne!(Manifest::decode(&flipped), Ok(manifest(PAGE_BYTES + 1)), "{at}.{bit}");
            }
        }
    }
}
