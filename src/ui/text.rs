//! Texts: what may be sent, what is a link, how long something is.

use b4_protocol::limits::TEXT_BYTES_MAX;

/// A stretch of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Words.
    Plain(&'a str),
    /// An address of the web, http or https alone.
    Link(&'a str),
}

/// Cuts a text into words and links.
pub fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut all = Vec::new();
    let mut plain_from = 0;
    let mut at = 0;
    for word in text.split_inclusive(char::is_whitespace) {
        let link = without_punctuation(word.trim_end());
        if is_link(link) {
            if plain_from < at {
                all.push(Piece::Plain(&text[plain_from..at]));
            }
            all.push(Piece::Link(link));
            plain_from = at + link.len();
        }
        at += word.len();
    }
    if plain_from < text.len() {
        all.push(Piece::Plain(&text[plain_from..]));
    }
    all
}

/// A word without the punctuation behind it. A closing bracket belongs to the word that has the opening one.
fn without_punctuation(mut word: &str) -> &str {
    loop {
        let mut rest = word.trim_end_matches(['.', ',', ';', ':', '!', '?', '"', '\'']);
        for (open, close) in [('(', ')'), ('[', ']')] {
            if rest.matches(close).count() > rest.matches(open).count() {
                rest = rest.strip_suffix(close).unwrap_or(rest);
            }
        }
        if rest.len() == word.len() {
            return word;
        }
        word = rest;
    }
}

fn is_link(word: &str) -> bool {
    let rest = word.strip_prefix("https://").or_else(|| word.strip_prefix("http://"));
    rest.is_some_and(|rest| rest.starts_with(begins_host)) && !word.contains(turns_text)
}

/// Letters and digits of all scripts, nearly: to know them exactly takes tables of 2 kB, and the browser judges the address anyway.
fn begins_host(character: char) -> bool {
    let is_sign = matches!(character, '\u{80}'..='\u{bf}' | '\u{2000}'..='\u{2bff}' | '\u{3000}'..='\u{3004}' | '\u{ff00}'..='\u{ff0f}' | '\u{fffd}');
    character.is_ascii_alphanumeric() || !(character.is_ascii() || is_sign)
}

/// Whether a character makes text read in another order than it stands: an address with one of them may look like another.
fn turns_text(character: char) -> bool {
    matches!(character, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// What of a typed or pasted text can be sent: without control characters but line breaks and tabs. `None` when all of it can.
pub fn cleaned(text: &str) -> Option<String> {
    let is_bad = |character: char| character.is_control() && !matches!(character, '\n' | '\t');
    text.contains(is_bad).then(|| text.replace('\r', "").chars().filter(|character| !is_bad(*character)).collect())
}

/// Whether a piece of the text was half a character: the browser hands lone surrogates on as U+FFFD.
pub fn has_half_characters(text: &str) -> bool {
    text.contains('\u{fffd}')
}

/// Bytes left before a text is too long; only near the bound is it of interest.
pub fn bytes_left(text: &str) -> Option<i64> {
    let left = TEXT_BYTES_MAX as i64 - text.len() as i64;
    (left < 1_024).then_some(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_http_alone_and_end_before_punctuation() {
        let text = "see https://b4.example/a?b=c, or http://x.org. Not javascript:alert(1) nor https:// nor https://… nor https://x.org/\u{202e}gro.4b, \
                    but https://bücher.example and http://ünder.example.";
        let links: Vec<&str> =
            pieces(text).iter().filter_map(|piece| if let Piece::Link(link) = piece { Some(*link) } else { None }).collect();
        assert_eq!(links, ["https://b4.example/a?b=c", "http://x.org", "https://bücher.example", "http://ünder.example"]);
        let whole: String =
            pieces(text).iter().map(|piece| match piece { Piece::Link(text) | Piece::Plain(text) => *text }).collect();
        assert_eq!(whole, text);
    }

    #[test]
    fn a_bracket_belongs_to_the_address_that_opens_it() {
        for (text, link) in [
            ("https://en.wikipedia.org/wiki/Ring_(mathematics)", "https://en.wikipedia.org/wiki/Ring_(mathematics)"),
            ("(see https://b4.example/a).", "https://b4.example/a"),
            ("(https at https://b4.example/a_(b)).", "https://b4.example/a_(b)"),
            ("https://b4.example/a_(b), or", "https://b4.example/a_(b)"),
            ("[https://no https://b4.example/a[0]].", "https://b4.example/a[0]"),
            ("https://b4.example/)))", "https://b4.example/"),
        ] {
            let mut links = pieces(text).into_iter().filter(|piece| matches!(piece, Piece::Link(_)));
            assert_eq!(links.next_back(), Some(Piece::Link(link)), "{text}");
        }
    }

    #[test]
    fn control_characters_are_taken_out_and_nothing_else() {
        assert_eq!(cleaned("a\0b\u{1b}[31m\r\n\tc").as_deref(), Some("ab[31m\n\tc"));
        assert_eq!(cleaned("नमस्ते\n\tשלום 👋🏽"), None);
    }

    #[test]
    fn the_counter_appears_near_the_bound_alone() {
        assert_eq!(bytes_left(&"x".repeat(15_000)), None);
        assert_eq!(bytes_left(&"x".repeat(16_000)), Some(384));
        assert_eq!(bytes_left(&"ä".repeat(8_193)), Some(-2));
    }
}
