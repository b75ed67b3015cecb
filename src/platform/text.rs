//! Bytes as text: hex both ways, base64 one way.

use std::fmt::Write as _;

use super::js;

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        write!(text, "{byte:02x}").expect("writing to a string does not fail");
    }
    text
}

/// The bytes of hex of either case; `None` when it is anything else.
pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let value = |digit: u8| (digit as char).to_digit(16).expect("checked above") as u8;
    Some(digits.chunks_exact(2).map(|pair| value(pair[0]) << 4 | value(pair[1])).collect())
}

/// The bytes of standard base64; `None` when it is anything else.
pub(super) fn unbase64(text: &str) -> Option<Vec<u8>> {
    // `atob` answers with one character a byte.
    js::window().atob(text).ok().map(|binary| binary.chars().map(|unit| unit as u8).collect())
}
