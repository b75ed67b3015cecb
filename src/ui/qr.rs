//! A number as a QR code (ISO/IEC 18004), drawn as the path of an SVG.

use std::fmt::Write as _;

use qrcodegen::{Mask, QrCode, QrCodeEcc, QrSegment, Version};

/// Modules of the light frame that must surround a code.
const QUIET: i32 = 4;
/// Version 2 at level M holds 63 digits: a safety number has 60.
const DIGITS_MAX: usize = 63;

/// A code ready to be drawn, in units of one module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawing {
    /// For `viewBox`.
    pub view_box: String,
    /// For `d`: the dark modules.
    pub path: String,
}

/// The code of the digits in `text`. `None` where there are none, or too many.
pub fn drawing(text: &str) -> Option<Drawing> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    if digits.is_empty() || digits.len() > DIGITS_MAX {
        return None;
    }
    let (version, mask) = (Version::new(2), Some(Mask::new(0)));
    let segment = QrSegment::make_numeric(&digits);
    let code = QrCode::encode_segments_advanced(&[segment], QrCodeEcc::Medium, version, version, mask, false).ok()?;
    let mut path = String::new();
    for y in 0..code.size() {
        for x in (0..code.size()).filter(|x| code.get_module(*x, y)) {
            write!(path, "M{x} {y}h1v1h-1z").expect("writing to a string does not fail");
        }
    }
    let side = code.size() + 2 * QUIET;
    Some(Drawing { view_box: format!("-{QUIET} -{QUIET} {side} {side}"), path })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_paints_every_dark_module_once() {
        let text = "12345 ".repeat(12);
        let drawing = drawing(&text).expect("60 digits");
        let code = QrCode::encode_segments_advanced(
            &[QrSegment::make_numeric(&text.replace(' ', ""))],
            QrCodeEcc::Medium,
            Version::new(2),
            Version::new(2),
            Some(Mask::new(0)),
            false,
        )
        .expect("60 digits fit");
        for (x, y) in (0..25).flat_map(|y| (0..25).map(move |x| (x, y))) {
            let painted = drawing.path.matches(&format!("M{x} {y}h1v1h-1z")).count();
            assert_eq!(painted, usize::from(code.get_module(x, y)), "{x} {y}");
        }
        assert_eq!(drawing.view_box, "-4 -4 33 33");
    }

    #[test]
    fn what_is_no_number_or_too_long_makes_no_code() {
        assert_eq!(drawing("no digits"), None);
        assert_eq!(drawing(&"1".repeat(64)), None);
    }
}
