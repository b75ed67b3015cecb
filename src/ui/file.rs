//! What a file's name and figures say: its kind, where its name is cut, how much of it is there. Deliberately absent: what is in it.

use b4_protocol::file::{Danger, danger};
use b4_protocol::node::{FileProgress, FileState};

/// What a file is by its name, and where that says nothing by what its author says. Nothing is opened on its word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// To look at.
    Picture,
    /// To listen to.
    Sound,
    /// To watch.
    Video,
    /// To read.
    Document,
    /// Others in one.
    Archive,
    /// Opening it may run it.
    Program,
    /// Anything else.
    Other,
}

/// Endings by kind.
const ENDINGS: [(FileKind, &str); 5] = [
    (FileKind::Picture, "png jpg jpeg gif webp avif heic heif bmp tif tiff"),
    (FileKind::Sound, "mp3 m4a ogg oga opus wav flac aac weba"),
    (FileKind::Video, "mp4 m4v webm mov mkv avi ogv"),
    (FileKind::Document, "pdf txt md rtf csv doc docx odt xls xlsx ods ppt pptx odp epub"),
    (FileKind::Archive, "zip gz tgz tar xz bz2 zst 7z rar"),
];
/// Beginnings of media types by kind.
const TYPES: [(FileKind, &str); 4] =
    [(FileKind::Picture, "image/"), (FileKind::Sound, "audio/"), (FileKind::Video, "video/"), (FileKind::Document, "text/")];
/// Characters of the longest ending that is one.
const ENDING_CHARACTERS_MAX: usize = 8;
/// Characters before the ending that stay in sight with it.
const KEPT_BEFORE_ENDING: usize = 6;
/// A name of up to so many characters is not cut.
const SHORT_CHARACTERS: usize = 24;

/// The kind of a file.
pub fn kind(name: &str, media_type: &str) -> FileKind {
    if danger(name) != Danger::None {
        return FileKind::Program;
    }
    let ending = ending(name);
    let is_one_of = |endings: &str| endings.split(' ').any(|one| one.eq_ignore_ascii_case(ending));
    let by_name = ENDINGS.iter().find(|(_, endings)| is_one_of(endings));
    let by_type = || TYPES.iter().find(|(_, beginning)| media_type.starts_with(beginning));
    by_name.or_else(by_type).map_or(FileKind::Other, |(kind, _)| *kind)
}

/// What stands behind the last dot, if that is short and of letters and digits; else nothing.
pub fn ending(name: &str) -> &str {
    match name.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() && ending.len() <= ENDING_CHARACTERS_MAX && ending.bytes().all(|byte| byte.is_ascii_alphanumeric()) => ending,
        _ => "",
    }
}

/// A name in two parts: the first may be cut where there is no room, the second stays in sight. A short one is whole in the second.
pub fn parts(name: &str) -> (&str, &str) {
    if name.chars().count() <= SHORT_CHARACTERS {
        return ("", name);
    }
    let mut at = name.len() - ending(name).len();
    // Marks that belong to the character before them are not ASCII: no character is cut apart.
    let before = name[..at].char_indices().rev().take(KEPT_BEFORE_ENDING).take_while(|(_, character)| character.is_ascii());
    if let Some((start, _)) = before.last() {
        at = start;
    }
    name.split_at(at)
}

/// Parts of a hundred that its receiver has, rounded down; all only when it is complete.
pub fn percent(progress: FileProgress, size: u64) -> u64 {
    match progress.state {
        FileState::Complete => 100,
        _ => share(progress.bytes, size).min(99),
    }
}

/// Parts of a hundred, rounded down.
pub fn share(done: u64, size: u64) -> u64 {
    (done.min(size) * 100).checked_div(size).unwrap_or(0)
}

/// The name of something that was pasted and has none.
pub fn name_of_pasted(media_type: &str) -> String {
    match media_type.strip_prefix("image/") {
        Some("jpeg") => "picture.jpg".to_owned(),
        Some(kind) => ["picture.", kind.split('+').next().unwrap_or_default()].concat(),
        None => "file".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_told_by_the_name_and_only_then_by_what_its_author_says() {
        for (name, media_type, expected) in [
            ("photo.JPG", "", FileKind::Picture),
            ("photo.jpg", "video/mp4", FileKind::Picture),
            ("song.opus", "", FileKind::Sound),
            ("film", "video/mp4", FileKind::Video),
            ("notes", "text/plain", FileKind::Document),
            ("all.tar.gz", "", FileKind::Archive),
            ("photo.jpg.exe", "image/jpeg", FileKind::Program),
            ("drawing.svg", "image/svg+xml", FileKind::Program),
            ("model.blend", "application/x-blend", FileKind::Other),
            ("", "", FileKind::Other),
        ] {
            assert_eq!(kind(name, media_type), expected, "{name} {media_type}");
        }
    }

    #[test]
    fn a_long_name_is_cut_before_its_ending_and_no_character_apart() {
        for (name, expected) in [
            ("short.pdf", ("", "short.pdf")),
            ("the minutes of the last meeting.pdf", ("the minutes of the last me", "eting.pdf")),
            ("बहुत लंबा नाम जो कहीं खत्म नहीं होता है.pdf", ("बहुत लंबा नाम जो कहीं खत्म नहीं होता है", ".pdf")),
            ("a name that has no ending at all", ("a name that has no ending ", "at all")),
            ("something.with a dot in the middle", ("something.with a dot in the ", "middle")),
        ] {
            assert_eq!(parts(name), expected);
        }
        for unit in ["x", "é", "क", "🙂"] {
            let name = unit.repeat(255 / unit.len());
            let (head, tail) = parts(&name);
            assert_eq!([head, tail].concat(), name);
        }
    }

    #[test]
    fn a_hundred_parts_are_there_when_all_is_and_not_before() {
        let progress = |state, bytes| FileProgress { state, bytes, rate: 0, slot: None };
        for (state, bytes, size, expected) in [
            (FileState::Moving, 0, 200, 0),
            (FileState::Moving, 1, 200, 0),
            (FileState::Moving, 3, 200, 1),
            (FileState::Moving, 199, 200, 99),
            (FileState::Moving, 200, 200, 99),
            (FileState::Moving, u64::MAX, 4 << 30, 99),
            (FileState::Offered, 0, 0, 0),
            (FileState::Complete, 200, 200, 100),
            (FileState::Complete, 0, 0, 100),
        ] {
            assert_eq!(percent(progress(state, bytes), size), expected, "{bytes} of {size}");
        }
    }

    #[test]
    fn what_was_pasted_without_a_name_gets_one_with_its_ending() {
        for (media_type, name) in [("image/png", "picture.png"), ("image/jpeg", "picture.jpg"), ("image/svg+xml", "picture.svg"), ("", "file")] {
            assert_eq!(name_of_pasted(media_type), name);
        }
    }
}
