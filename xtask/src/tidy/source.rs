//! A Rust file as tidy sees it: comments and the insides of strings blanked out, tests told from code.
//!
//! Deliberately absent: a syntax tree. What is asked here can be answered from words and braces.

use std::ops::Range;
use std::path::{Path, PathBuf};

/// One file.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its path below the root.
    pub file: PathBuf,
    /// As written.
    pub text: String,
    /// The same length and lines, with comments and the insides of strings and characters as spaces.
    pub code: String,
    /// Whether the whole file is test code.
    pub is_test: bool,
    tests: Vec<Range<usize>>,
}

impl Source {
    /// Reads a file.
    pub fn read(file: &Path, text: String) -> Source {
        let code = blank(&text);
        let in_tests_folder = file.components().any(|part| ["tests", "benches"].iter().any(|name| part.as_os_str() == *name));
        let is_test = in_tests_folder || file.starts_with("e2e");
        let tests = test_modules(&code);
        Source { file: file.to_path_buf(), text, code, is_test, tests }
    }

    /// The line of a byte, counted from 1.
    pub fn line(&self, at: usize) -> usize {
        self.code[..at].matches('\n').count() + 1
    }

    /// Whether the byte stands in test code.
    pub fn in_test(&self, at: usize) -> bool {
        self.is_test || self.tests.iter().any(|range| range.contains(&at))
    }

    /// Lines that are not test code.
    pub fn lines_of_code(&self) -> usize {
        let tests: usize = self.tests.iter().map(|range| self.code[range.clone()].matches('\n').count()).sum();
        self.code.lines().count().saturating_sub(tests)
    }

    /// Where `word` stands in the code, not as a part of a longer name.
    pub fn find(&self, word: &str) -> Vec<usize> {
        let bytes = self.code.as_bytes();
        let part_of_name = |at: Option<&u8>| at.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        let starts_as_name = part_of_name(word.as_bytes().first());
        let ends_as_name = part_of_name(word.as_bytes().last());
        let stands_alone = |at: usize| {
            let before = at.checked_sub(1).and_then(|before| bytes.get(before));
            !(starts_as_name && part_of_name(before) || ends_as_name && part_of_name(bytes.get(at + word.len())))
        };
        self.code.match_indices(word).map(|(at, _)| at).filter(|at| stands_alone(*at)).collect()
    }
}

/// Marks those files as tests that another declares as a module under `#[cfg(test)]`.
pub fn mark_test_modules(sources: &mut [Source]) {
    let mut tests = Vec::new();
    for source in sources.iter() {
        for name in declared_under_test(&source.code) {
            let folder = module_folder(&source.file);
            tests.push(folder.join(format!("{name}.rs")));
            tests.push(folder.join(&name));
        }
    }
    for source in sources.iter_mut() {
        source.is_test |= tests.iter().any(|test| source.file == *test || source.file.starts_with(test));
    }
}

/// The folder in which a file's child modules live.
fn module_folder(file: &Path) -> PathBuf {
    let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let parent = file.parent().unwrap_or(Path::new(""));
    if ["mod", "lib", "main"].contains(&stem) { parent.to_path_buf() } else { parent.join(stem) }
}

/// The names in `#[cfg(test)] mod name;`, also where test is one of several conditions.
fn declared_under_test(code: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (_, rest) in under_test(code) {
        let declared = rest.trim_start_matches("pub ").trim_start_matches("pub(crate) ").strip_prefix("mod ");
        if let Some((name, _)) = declared.and_then(|rest| rest.split_once(';')).filter(|(name, _)| is_name(name)) {
            names.push(name.to_owned());
        }
    }
    names
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Where an item under `cfg(test)` begins, attributes passed over, and the code from there.
fn under_test(code: &str) -> impl Iterator<Item = (usize, &str)> {
    ["#[cfg(test)]", "#[cfg(any(test", "#[cfg(all(test"].iter().flat_map(|mark| code.match_indices(mark)).map(|(at, _)| {
        let mut rest = &code[at..];
        while rest.starts_with("#[") {
            rest = rest.split_once(']').map_or("", |(_, rest)| rest).trim_start();
        }
        (code.len() - rest.len(), rest)
    })
}

/// The ranges of modules with a body under `cfg(test)`.
fn test_modules(code: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    for (start, rest) in under_test(code) {
        let opens = rest.find('{').filter(|brace| !rest[..*brace].contains(';'));
        if let Some(end) = opens.and_then(|brace| end_of_block(code, start + brace)) {
            ranges.push(start..end);
        }
    }
    ranges
}

/// The byte after the brace that closes the one at `open`.
pub fn end_of_block(code: &str, open: usize) -> Option<usize> {
    let mut depth = 0usize;
    for (offset, byte) in code.as_bytes()[open..].iter().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(open + offset + 1);
        }
    }
    None
}

/// Blanks comments and the insides of strings and characters, byte for byte.
fn blank(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = match bytes[at] {
            b'/' if bytes.get(at + 1) == Some(&b'/') => text[at..].find('\n').map_or(bytes.len(), |length| at + length),
            b'/' if bytes.get(at + 1) == Some(&b'*') => end_of_comment(bytes, at),
            b'"' => end_of_string(bytes, at),
            b'r' if !continues_a_name(bytes, at) => end_of_raw_string(text, at),
            b'\'' => end_of_character(text, at),
            _ => at,
        };
        for byte in &mut out[at..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = end.max(at + 1);
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Whether the byte before is part of the same name (`b` and `c` begin the names of raw byte and C strings).
fn continues_a_name(bytes: &[u8], at: usize) -> bool {
    let named = |at: usize| bytes[at].is_ascii_alphanumeric() || bytes[at] == b'_';
    match at {
        0 => false,
        1 => named(0) && !b"bc".contains(&bytes[0]),
        _ => named(at - 1) && (named(at - 2) || !b"bc".contains(&bytes[at - 1])),
    }
}

fn end_of_comment(bytes: &[u8], start: usize) -> usize {
    let (mut at, mut depth) = (start, 0usize);
    while at < bytes.len() {
        match &bytes[at..(at + 2).min(bytes.len())] {
            b"/*" => depth += 1,
            b"*/" => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return at;
        }
    }
    bytes.len()
}

fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

/// `start` itself if no raw string begins there.
fn end_of_raw_string(text: &str, start: usize) -> usize {
    let rest = &text[start + 1..];
    let marks = rest.bytes().take_while(|byte| *byte == b'#').count();
    if rest.as_bytes().get(marks) != Some(&b'"') {
        return start;
    }
    let close = format!("\"{}", "#".repeat(marks));
    let inside = start + 2 + marks;
    text[inside..].find(&close).map_or(text.len(), |length| inside + length + close.len())
}

/// `start` itself if it begins a lifetime.
fn end_of_character(text: &str, start: usize) -> usize {
    let mut inside = text[start + 1..].char_indices();
    match inside.next() {
        Some((_, '\\')) => text[start + 3..].find('\'').map_or(text.len(), |length| start + 3 + length + 1),
        Some(_) => match inside.next() {
            Some((offset, '\'')) => start + 1 + offset + 1,
            _ => start,
        },
        None => start,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source::read(Path::new("src/a.rs"), text.to_owned())
    }

    #[test]
    fn words_in_comments_strings_and_characters_are_not_code() {
        for text in [
            "// bad", "/* bad /* bad */ bad */", "\"bad\"", "\"\\\" bad\"", "r\"bad\"", "r#\"\" bad\"#", "br#\"bad\"#", "b\"bad\"",
            "'\"' ; \"bad\"", "'\\'' ; \"bad\"", "'\\u{41}'; \"bad\"",
        ] {
            assert!(source(text).find("bad").is_empty(), "{text}");
            assert_eq!(blank(text).len(), text.len());
        }
        for text in ["bad", "fn f<'a>(x: &'a str) { bad }", "\"x\" bad", "var\"x\" bad", "r#fn bad"] {
            assert_eq!(source(text).find("bad").len(), 1, "{text}");
        }
    }

    #[test]
    fn a_word_inside_a_name_does_not_count() {
        assert!(source("not_bad bad_too badly").find("bad").is_empty());
    }

    #[test]
    fn a_test_module_is_no_code() {
        let source = source("fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\n");
        assert!(!source.in_test(0));
        assert!(source.in_test(source.find("b")[0]));
        assert_eq!(source.lines_of_code(), 3);
    }

    #[test]
    fn a_file_declared_under_test_is_a_test() {
        let read = |file: &str, text: &str| Source::read(Path::new(file), text.to_owned());
        let mut sources = [
            read("src/room/mod.rs", "#[cfg(any(test, feature = \"x\"))]\npub mod fake;\n#[cfg(test)]\nmod tests;\nmod real;"),
            read("src/room/fake.rs", ""),
            read("src/room/tests.rs", ""),
            read("src/room/real.rs", ""),
        ];
        mark_test_modules(&mut sources);
        assert_eq!(sources.map(|source| source.is_test), [false, true, true, false]);
    }
}
