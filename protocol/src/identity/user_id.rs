//! The name a person is known by. Who owns it is the authority's business.

use std::fmt;
use std::sync::Arc;

use crate::crypto::sha256;

/// Fewest characters of a name.
const CHARACTERS_MIN: usize = 3;
/// Most characters of a name: short enough to read aloud and to fit every frame.
const CHARACTERS_MAX: usize = 32;

/// Names that nobody gets, because they sound like the house itself (PROTOCOL.md#certificates).
const RESERVED: [&str; 16] = [
    "admin", "administrator", "authority", "b4", "help", "info", "moderator", "null", "official", "relay", "root",
    "security", "support", "system", "undefined", "webmaster",
];

/// A user's name: 3 to 32 of `a-z 0-9 . _ -`, the first a letter, none of the reserved ones (PROTOCOL.md#certificates).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId {
    text: Arc<str>,
}

/// Why a text can be nobody's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UserIdError {
    /// Under three characters.
    #[error("a name has at least 3 characters")]
    TooShort,
    /// Over 32 characters.
    #[error("a name has at most 32 characters")]
    TooLong,
    /// It starts with a digit or a mark.
    #[error("a name starts with a letter")]
    FirstNotLetter,
    /// A capital letter of `A-Z` is in it.
    #[error("a name has small letters only")]
    Capital,
    /// This character cannot be in a name.
    #[error("a name cannot have {0:?} in it")]
    Character(char),
    /// It would be a name, but nobody gets it.
    #[error("this name is reserved")]
    Reserved,
}

impl UserId {
    /// Reads a name as it stands: nothing is trimmed, folded or normalized.
    ///
    /// # Errors
    /// See [`UserIdError`]; wrong characters are told before a wrong length, except for a text too long to be read on.
    pub fn parse(text: &str) -> Result<Self, UserIdError> {
        if text.chars().nth(CHARACTERS_MAX).is_some() {
            return Err(UserIdError::TooLong);
        }
        for (position, character) in text.chars().enumerate() {
            match character {
                'a'..='z' => {}
                '0'..='9' | '.' | '_' | '-' if position > 0 => {}
                '0'..='9' | '.' | '_' | '-' => return Err(UserIdError::FirstNotLetter),
                'A'..='Z' => return Err(UserIdError::Capital),
                other => return Err(UserIdError::Character(other)),
            }
        }
        if RESERVED.contains(&text) {
            return Err(UserIdError::Reserved);
        }
        if text.len() < CHARACTERS_MIN {
            return Err(UserIdError::TooShort);
        }
        Ok(Self { text: text.into() })
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Where the user's mail and record live: H(user id).
    pub fn mailbox(&self) -> [u8; 32] {
        sha256(&[self.text.as_bytes()])
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl fmt::Debug for UserId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "UserId({})", self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_is_told_what_is_wrong_with_it() {
        let longest = "a".repeat(32);
        for good in ["anna", "a-b", "a.b_c-9", "b42", longest.as_str()] {
            assert_eq!(UserId::parse(good).map(|id| id.to_string()), Ok(good.to_owned()));
        }
        let too_long = "a".repeat(33);
        for (bad, why) in [
            ("", UserIdError::TooShort),
            ("ab", UserIdError::TooShort),
            (too_long.as_str(), UserIdError::TooLong),
            ("1ab", UserIdError::FirstNotLetter),
            (".ab", UserIdError::FirstNotLetter),
            ("Anna", UserIdError::Capital),
            ("aNna", UserIdError::Capital),
            ("an na", UserIdError::Character(' ')),
            ("ännchen", UserIdError::Character('ä')),
            ("anna\n", UserIdError::Character('\n')),
            ("аnna", UserIdError::Character('а')),
            ("b4", UserIdError::Reserved),
            ("webmaster", UserIdError::Reserved),
        ] {
            assert_eq!(UserId::parse(bad), Err(why), "{bad:?}");
        }
    }

    #[test]
    fn the_mailbox_is_the_hash_of_the_name() {
        assert_eq!(UserId::parse("abc").expect("a name").mailbox()[..4], [0xba, 0x78, 0x16, 0xbf]);
    }

    proptest! {
        #[test]
        fn exactly_the_pattern_is_accepted(text in "[a-c0-1._A-]{0,5}|\\PC{0,40}") {
            let mut bytes = text.bytes();
            let fits = (3..=32).contains(&text.len())
                && bytes.next().is_some_and(|first| first.is_ascii_lowercase())
                && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte));
            prop_assert_eq!(UserId::parse(&text).is_ok(), fits && !RESERVED.contains(&text.as_str()));
        }
    }
}
