//! The walls: a file's lines, a function's lines, and the sentence that every file opens with.

use super::Breach;
use super::source::{Source, end_of_block};

/// A file without its tests.
const FILE_LINES_MAX: usize = 500;
/// A function, from its name to its last brace.
const FUNCTION_LINES_MAX: usize = 70;

/// The breaches of one file.
pub fn check(source: &Source) -> Vec<Breach> {
    let mut breaches = Vec::new();
    if !source.text.starts_with("//!") {
        breaches.push(Breach::new(&source.file, 1, "a file opens with `//!`: one sentence on what lives here"));
    }
    let lines = source.lines_of_code();
    if !source.is_test && lines > FILE_LINES_MAX {
        let message = format!("{lines} lines without tests; the wall is {FILE_LINES_MAX}: split the room");
        breaches.push(Breach::new(&source.file, FILE_LINES_MAX, message));
    }
    for (at, name, lines) in functions(source) {
        if lines > FUNCTION_LINES_MAX && !source.in_test(at) {
            let message = format!("`{name}` has {lines} lines; a function has at most {FUNCTION_LINES_MAX}");
            breaches.push(Breach::new(&source.file, source.line(at), message));
        }
    }
    breaches
}

/// Every function with a body: where it stands, its name, its lines.
fn functions(source: &Source) -> Vec<(usize, String, usize)> {
    let mut found = Vec::new();
    for at in source.find("fn") {
        let rest = &source.code[at + 2..];
        let name: String = rest.trim_start().chars().take_while(|mark| mark.is_alphanumeric() || *mark == '_').collect();
        let Some(end) = body(rest).and_then(|open| end_of_block(&source.code, at + 2 + open)) else { continue };
        if !name.is_empty() {
            found.push((at, name, source.code[at..end].matches('\n').count() + 1));
        }
    }
    found
}

/// The brace that opens the body, if there is one before the signature ends. (A semicolon inside brackets belongs to an array.)
fn body(signature: &str) -> Option<usize> {
    let mut depth = 0usize;
    for (at, byte) in signature.bytes().enumerate() {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth = depth.checked_sub(1)?,
            b'{' if depth == 0 => return Some(at),
            b';' | b'}' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn breaches(text: &str) -> Vec<String> {
        check(&Source::read(Path::new("src/a.rs"), text.to_owned())).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_function_may_have_seventy_lines_and_no_more() {
        let function = |lines: usize| format!("//! A.\nfn f(x: [u8; 2]) {{\n{}}}\n", "    a();\n".repeat(lines - 2));
        assert_eq!(breaches(&function(70)), [""; 0]);
        assert_eq!(breaches(&function(71)), ["src/a.rs:2: `f` has 71 lines; a function has at most 70"]);
    }

    #[test]
    fn tests_are_free_of_the_walls() {
        let tests = format!("//! A.\n#[cfg(test)]\nmod tests {{\n    fn f() {{\n{}    }}\n}}\n", "    a();\n".repeat(600));
        assert_eq!(breaches(&tests), [""; 0]);
    }

    #[test]
    fn a_file_has_five_hundred_lines_at_most() {
        let file = |lines: usize| format!("//! A.\n{}", "use a;\n".repeat(lines - 1));
        assert_eq!(breaches(&file(500)), [""; 0]);
        assert_eq!(breaches(&file(501)).len(), 1);
    }

    #[test]
    fn a_file_says_what_lives_in_it() {
        assert_eq!(breaches("use a;\n").len(), 1);
    }

    #[test]
    fn a_declared_function_and_a_function_pointer_have_no_body() {
        assert_eq!(breaches("//! A.\ntrait T { fn f(&self); }\nstruct S { f: fn(u8) -> u8 }\n"), [""; 0]);
    }
}
