//! Names of files: what is left of one that somebody else chose, and which of them may run.

use crate::limits::FILE_NAME_BYTES_MAX;

/// What is known by the name of a file that could do something when it is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Danger {
    /// Nothing.
    None,
    /// Opening it may run it.
    Program,
    /// The same, and its name makes believe that it is something else: `photo.jpg.exe`.
    Disguised,
}

/// Endings of what systems run, or show as a page that may run scripts.
const PROGRAMS: [&str; 43] = [
    "apk", "app", "appimage", "bat", "chm", "cmd", "com", "cpl", "deb", "desktop", "dll", "dmg", "exe", "gadget", "hta", "htm", "html",
    "inf", "iso", "jar", "js", "jse", "lnk", "msc", "msi", "msp", "pif", "pkg", "ps1", "py", "reg", "rpm", "run", "scf", "scr", "sh", "svg", "url",
    "vb", "vbe", "vbs", "wsf", "xhtml",
];
/// Names that Windows keeps for devices, with any ending.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];
/// What stands for a name of which nothing is left.
const NAMELESS: &str = "file";
/// So many characters of an ending at most: what is longer is none.
const ENDING_CHARACTERS_MAX: usize = 16;

/// The name under which a file is shown and saved: one part of a path, without controls, marks that turn the direction of text,
/// characters that some system forbids, device names, and anything past [`FILE_NAME_BYTES_MAX`] bytes; the ending stays.
pub fn safe_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = last.chars().filter(|character| !is_hidden(*character)).map(|character| if is_forbidden(character) { '_' } else { character }).collect();
    // Windows drops these at the end, so that `a.exe.` would be `a.exe`; a dot in front hides a file elsewhere.
    let trimmed = plain.trim().trim_end_matches(['.', ' ']).trim_start_matches(['.', ' ']);
    let mut safe = if trimmed.is_empty() { NAMELESS.to_owned() } else { trimmed.to_owned() };
    if is_device(&safe) {
        safe.insert(0, '_');
    }
    shortened(safe)
}

/// What a name that is safe says of the danger of opening the file.
pub fn danger(name: &str) -> Danger {
    let mut endings = name.rsplit('.').map(str::to_ascii_lowercase);
    let is_program = |ending: &String| PROGRAMS.contains(&ending.as_str());
    match (endings.next(), endings.next(), endings.next()) {
        (Some(last), Some(before), Some(_)) if is_program(&last) && looks_like_an_ending(&before) => Danger::Disguised,
        (Some(last), Some(_), _) if is_program(&last) => Danger::Program,
        _ => Danger::None,
    }
}

/// Letters and digits, few, and one letter at least: not the 2 of `tool-1.2.exe`.
fn looks_like_an_ending(part: &str) -> bool {
    (2..=5).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric()) && part.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// Controls, marks of direction, and what takes no room: none can be seen, and all can mislead.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn is_forbidden(character: char) -> bool {
    matches!(character, '<' | '>' | ':' | '"' | '|' | '?' | '*')
}

fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_lowercase();
    let numbered = |prefix: &str| {
        let rest = stem.strip_prefix(prefix).map(|rest| rest.chars().collect::<Vec<_>>());
        rest.is_some_and(|rest| matches!(rest[..], ['0'..='9' | '¹' | '²' | '³']))
    };
    DEVICES.contains(&stem.as_str()) || numbered("com") || numbered("lpt")
}

/// Cut between characters, the ending kept: who sees the name sees what it is.
fn shortened(name: String) -> String {
    if name.len() <= FILE_NAME_BYTES_MAX {
        return name;
    }
    let ending = name.rfind('.').map(|dot| &name[dot..]).filter(|ending| ending.chars().count() <= ENDING_CHARACTERS_MAX).unwrap_or_default();
    let mut cut = FILE_NAME_BYTES_MAX - ending.len();
    while !name.is_char_boundary(cut) {
        cut -= 1;
    }
    format!("{}{ending}", name[..cut].trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_well_stay_as_they_are() {
        for name in ["holiday.jpg", "Bericht 2026 (final).pdf", "काम.txt", "résumé.docx", "a", "archive.tar.gz", "नाम बिना", "it's #1 & more.txt"] {
            assert_eq!(safe_name(name), name);
        }
    }

    #[test]
    fn nothing_of_a_path_or_a_trick_is_left() {
        for (given, expected) in [
            ("../../etc/passwd", "passwd"),
            ("C:\\Windows\\system32\\cmd.exe", "cmd.exe"),
            ("..", "file"),
            ("", "file"),
            ("   ", "file"),
            (".bashrc", "bashrc"),
            ("a/", "file"),
            ("report\u{202e}fdp.exe", "reportfdp.exe"),
            ("a\u{0}b\nc\r.txt", "abc.txt"),
            ("zero\u{200b}width\u{feff}.txt", "zerowidth.txt"),
            ("a<b>c:d\"e|f?g*.txt", "a_b_c_d_e_f_g_.txt"),
            ("setup.exe. . ", "setup.exe"),
            ("CON", "_CON"),
            ("nul.txt", "_nul.txt"),
            ("Com1.tar.gz", "_Com1.tar.gz"),
            ("lpt².pdf", "_lpt².pdf"),
            ("aux .txt", "_aux .txt"),
            ("conference.txt", "conference.txt"),
            ("com10.txt", "com10.txt"),
        ] {
            assert_eq!(safe_name(given), expected, "{given:?}");
            assert_eq!(safe_name(&safe_name(given)), expected, "{given:?}, twice");
        }
    }

    #[test]
    fn a_name_of_any_length_is_cut_to_its_bound_and_keeps_its_ending() {
        for unit in ["x", "é", "क", "🙂"] {
            let long = format!("{}.pdf", unit.repeat(70_000 / unit.len()));
            let safe = safe_name(&long);
            assert!(safe.len() <= FILE_NAME_BYTES_MAX && safe.len() > FILE_NAME_BYTES_MAX - 4 && safe.ends_with(".pdf"), "{unit}");
        }
        let no_ending = safe_name(&format!("a.{}", "b".repeat(1_000)));
        assert_eq!(no_ending.len(), FILE_NAME_BYTES_MAX);
    }

    #[test]
    fn what_may_run_is_told_and_what_pretends_not_to_is_told_apart() {
        for (name, expected) in [
            ("photo.jpg", Danger::None),
            ("exe", Danger::None),
            ("notes.exe.txt", Danger::None),
            ("setup.exe", Danger::Program),
            ("Setup.EXE", Danger::Program),
            ("page.html", Danger::Program),
            ("drawing.svg", Danger::Program),
            ("tool-1.2.exe", Danger::Program),
            ("photo.jpg.exe", Danger::Disguised),
            ("invoice.pdf.js", Danger::Disguised),
        ] {
            assert_eq!(danger(name), expected, "{name}");
        }
    }
}
