//! What may not be written in code, and why.

use super::Breach;
use super::source::Source;

/// A word, whether tests may use it, and what to do instead.
const BANNED: [(&str, bool, &str); 6] = [
    (".forget()", false, "a listener is a value that removes itself when dropped, never forgotten"),
    ("mem::forget", false, "a value is dropped, never forgotten"),
    ("#[ignore", false, "a test runs or does not exist"),
    ("todo!", false, "what is not there yet is an issue, not a panic"),
    ("unimplemented!", false, "what is not there yet is an issue, not a panic"),
    (".unwrap()", true, "`unwrap` only in tests; elsewhere `?`, or `expect` with the invariant"),
];

/// The breaches of one file.
pub fn check(source: &Source) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (word, allowed_in_tests, instead) in BANNED {
        for at in source.find(word) {
            if !(allowed_in_tests && source.in_test(at)) {
                breaches.push(Breach::new(&source.file, source.line(at), format!("`{word}`: {instead}")));
            }
        }
    }
    breaches
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn count(text: &str) -> usize {
        check(&Source::read(Path::new("src/a.rs"), text.to_owned())).len()
    }

    #[test]
    fn each_banned_word_is_found_in_code_and_not_in_a_comment() {
        for (word, _, _) in BANNED {
            assert_eq!(count(&format!("fn f() {{}}\nx{word} y")), usize::from(!word.starts_with(char::is_alphabetic)), "{word}");
            assert_eq!(count(&format!("x; {word} y")), 1, "{word}");
            assert_eq!(count(&format!("// {word}\n\"{word}\"")), 0, "{word}");
        }
    }

    #[test]
    fn a_test_may_unwrap_and_may_not_be_ignored() {
        assert_eq!(count("#[cfg(test)]\nmod tests { fn f() { x.unwrap() } }"), 0);
        assert_eq!(count("#[cfg(test)]\nmod tests { #[ignore]\nfn f() {} }"), 1);
    }
}
