//! What can be shown of a file, as its first bytes say: pictures, sound and moving pictures that no browser runs as anything else.
//!
//! Deliberately absent: what its author says of it, and SVG, HTML and PDF, which are programs.

/// Bytes from a file's beginning that tell what it is.
pub const PREVIEW_HEAD_BYTES: u64 = 64;
/// Pictures over so many bytes are not shown: a decoder may need many times as much. Guess.
const IMAGE_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Sound and moving pictures over so many bytes are not played where they stand. Guess.
const MEDIA_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// How a file is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreviewKind {
    /// A picture.
    Image,
    /// Sound.
    Audio,
    /// Moving pictures.
    Video,
}

/// What a file is and is to be called before a browser: its author's word counts for nothing.
///
/// `head` is its first [`PREVIEW_HEAD_BYTES`], or all of it; `size` that of the whole. `None` for what is not to be shown.
pub fn preview(head: &[u8], size: u64) -> Option<(PreviewKind, &'static str)> {
    let media_type = media_type(head)?;
    let (kind, bytes_max) = match media_type.split_once('/')?.0 {
        "image" => (PreviewKind::Image, IMAGE_BYTES_MAX),
        "audio" => (PreviewKind::Audio, MEDIA_BYTES_MAX),
        _ => (PreviewKind::Video, MEDIA_BYTES_MAX),
    };
    (size <= bytes_max).then_some((kind, media_type))
}

fn media_type(head: &[u8]) -> Option<&'static str> {
    let is_riff_of = |kind: &[u8]| head.starts_with(b"RIFF") && head.get(8..12) == Some(kind);
    match head {
        _ if head.starts_with(b"\x89PNG\r\n\x1a\n") => Some("image/png"),
        _ if head.starts_with(b"\xff\xd8\xff") => Some("image/jpeg"),
        _ if head.starts_with(b"GIF87a") || head.starts_with(b"GIF89a") => Some("image/gif"),
        _ if is_riff_of(b"WEBP") => Some("image/webp"),
        _ if is_riff_of(b"WAVE") => Some("audio/wav"),
        _ if head.starts_with(b"OggS\0") => Some("audio/ogg"),
        _ if head.starts_with(b"fLaC") => Some("audio/flac"),
        _ if head.starts_with(b"ID3") || is_mpeg_layer_3(head) => Some("audio/mpeg"),
        _ if head.get(4..8) == Some(b"ftyp") => of_brand(head.get(8..12)?),
        _ if head.starts_with(b"\x1a\x45\xdf\xa3") => head.windows(7).any(|bytes| bytes == b"\x42\x82\x84webm").then_some("video/webm"),
        _ => None,
    }
}

/// The head of a frame: eleven bits set, a version, layer III, a bit rate and a sampling rate that there are.
fn is_mpeg_layer_3(head: &[u8]) -> bool {
    let [0xff, version_and_layer, rates, ..] = *head else { return false };
    version_and_layer & 0xe6 == 0xe2 && version_and_layer & 0x18 != 0x08 && !matches!(rates >> 4, 0 | 15) && rates & 0x0c != 0x0c
}

/// The major brand of a file of the MP4 family, which has pictures of other kinds, too.
fn of_brand(brand: &[u8]) -> Option<&'static str> {
    match brand {
        b"M4A " | b"M4B " => Some("audio/mp4"),
        b"isom" | b"iso2" | b"iso3" | b"iso4" | b"iso5" | b"iso6" | b"mp41" | b"mp42" | b"avc1" | b"M4V " | b"dash" | b"MSNV" => Some("video/mp4"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_alone_say_what_is_shown_and_how() {
        use PreviewKind::{Audio, Image, Video};
        let webm = b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\xf7\x81\x01\x42\xf2\x81\x04\x42\xf3\x81\x08\x42\x82\x84webm\x42\x87\x81\x04";
        let rows: [(&[u8], PreviewKind, &str); 14] = [
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", Image, "image/png"),
            (b"\xff\xd8\xff\xe0\0\x10JFIF", Image, "image/jpeg"),
            (b"GIF87a....", Image, "image/gif"),
            (b"GIF89a....", Image, "image/gif"),
            (b"RIFF\x24\0\0\0WEBPVP8 ", Image, "image/webp"),
            (b"RIFF\x24\0\0\0WAVEfmt ", Audio, "audio/wav"),
            (b"OggS\0\x02", Audio, "audio/ogg"),
            (b"fLaC\0\0\0\x22", Audio, "audio/flac"),
            (b"ID3\x04\0", Audio, "audio/mpeg"),
            (b"\xff\xfb\x90\x64", Audio, "audio/mpeg"),
            (b"\0\0\0\x20ftypM4A \0\0\0\0", Audio, "audio/mp4"),
            (b"\0\0\0\x20ftypisom\0\0\x02\0", Video, "video/mp4"),
            (b"\0\0\0\x20ftypmp42\0\0\0\0", Video, "video/mp4"),
            (webm, Video, "video/webm"),
        ];
        for (head, kind, media_type) in rows {
            assert_eq!(preview(head, 1_000), Some((kind, media_type)), "{head:?}");
            for end in 0..head.len() {
                // Whatever a part of it is taken for, nothing breaks, and it is one of the safe types.
                assert!(preview(&head[..end], 1_000).is_none_or(|(_, shorter)| rows.iter().any(|row| row.2 == shorter)));
            }
        }
    }

    #[test]
    fn what_can_run_or_is_unknown_is_not_shown() {
        let matroska = b"\x1a\x45\xdf\xa3\x93\x42\x82\x88matroska";
        let rows: [&[u8]; 17] = [
            b"",
            b"<svg xmlns=\"http://www.w3.org/2000/svg\">",
            b"<?xml version=\"1.0\"?><svg>",
            b"<!doctype html><script>",
            b"%PDF-1.7",
            b"MZ\x90\0",
            b"\x7fELF",
            b"PK\x03\x04",
            b"RIFF\x24\0\0\0AVI LIST",
            b"RIFF",
            b"\0\0\0\x20ftypheic",
            b"\0\0\0\x20ftyp",
            b"\xff\xf1\x50\x80",
            b"\xff\xfb\xf0\x64",
            b"GIF8",
            b" GIF89a",
            matroska,
        ];
        for head in rows {
            assert_eq!(preview(head, 1_000), None, "{head:?}");
        }
    }

    #[test]
    fn what_is_too_large_is_not_shown() {
        for (head, bytes_max) in [(&b"GIF89a"[..], IMAGE_BYTES_MAX), (b"fLaC", MEDIA_BYTES_MAX), (b"\0\0\0\x20ftypisom", MEDIA_BYTES_MAX)] {
            assert!(preview(head, bytes_max).is_some());
            assert_eq!(preview(head, bytes_max + 1), None);
        }
    }
}
