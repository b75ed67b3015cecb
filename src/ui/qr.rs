//! Sixty digits as a QR code (ISO/IEC 18004), drawn as the path of an SVG.
//!
//! Exactly what a safety number needs, and nothing else: numeric mode fills version 2 at level M to the last byte, in one block, and
//! the mask is always the first. A library for all codes would cost the page 5 kB; a test holds this one against such a library.

use std::fmt::Write as _;

/// Modules on a side.
const SIZE: usize = 25;
/// What can be encoded.
const DIGITS: usize = 60;
/// Codewords with data, and those that correct them.
const DATA: usize = 28;
const CHECK: usize = 16;
/// Level M and mask 0, protected and masked (table C.1).
const FORMAT: u32 = 0x5412;
/// For the `viewBox`: the code with the four light modules that must surround it.
pub const VIEW_BOX: &str = "-4 -4 33 33";

/// The dark modules of a code of the digits in `text`, as a path in units of one module. `None` unless there are sixty.
pub fn path(text: &str) -> Option<String> {
    let bits = codewords(text)?;
    let modules = modules(&bits);
    let mut path = String::new();
    for (y, row) in modules.iter().enumerate() {
        for (x, _) in row.iter().enumerate().filter(|(_, is_dark)| **is_dark) {
            write!(path, "M{x} {y}h1v1h-1z").expect("writing to a string does not fail");
        }
    }
    Some(path)
}

fn codewords(text: &str) -> Option<[u8; DATA + CHECK]> {
    let digits: Vec<u32> = text.chars().filter_map(|character| character.to_digit(10)).collect();
    if digits.len() != DIGITS {
        return None;
    }
    let mut all = [0; DATA + CHECK];
    let mut at = 0;
    let mut push = |value: u32, width: usize| {
        for place in (0..width).rev() {
            all[at / 8] |= ((value >> place & 1) as u8) << (7 - at % 8);
            at += 1;
        }
    };
    // Numeric mode, how many, three digits in ten bits each; the ten bits left over are the end mark and its padding.
    push(1, 4);
    push(DIGITS as u32, 10);
    for three in digits.chunks_exact(3) {
        push(three[0] * 100 + three[1] * 10 + three[2], 10);
    }
    let (data, check) = all.split_at_mut(DATA);
    check.copy_from_slice(&remainder(data));
    Some(all)
}

/// Reed-Solomon: what is left of the data over the product of (x - 2^i).
fn remainder(data: &[u8]) -> [u8; CHECK] {
    let mut divisor = [0; CHECK];
    divisor[CHECK - 1] = 1;
    let mut root = 1;
    for _ in 0..CHECK {
        for place in 0..CHECK {
            divisor[place] = times(divisor[place], root) ^ divisor.get(place + 1).copied().unwrap_or(0);
        }
        root = times(root, 2);
    }
    let mut rest = [0; CHECK];
    for byte in data {
        let factor = byte ^ rest[0];
        rest.rotate_left(1);
        rest[CHECK - 1] = 0;
        for (place, by) in rest.iter_mut().zip(divisor) {
            *place ^= times(by, factor);
        }
    }
    rest
}

/// In GF(2^8) modulo x^8 + x^4 + x^3 + x^2 + 1.
fn times(one: u8, other: u8) -> u8 {
    (0..8).rev().fold(0, |product: u8, place| {
        let carry = if product & 0x80 == 0 { 0 } else { 0x1d };
        product << 1 ^ carry ^ if other >> place & 1 == 0 { 0 } else { one }
    })
}

fn modules(codewords: &[u8]) -> [[bool; SIZE]; SIZE] {
    let mut modules = [[false; SIZE]; SIZE];
    let mut bits = codewords.iter().flat_map(|byte| (0..8).rev().map(move |place| byte >> place & 1 == 1));
    // Two columns at a time from the right, up and down in turn, around the vertical timing.
    let pairs = [24, 22, 20, 18, 16, 14, 12, 10, 8, 5, 3, 1];
    for (pair, right) in pairs.into_iter().enumerate() {
        for step in 0..SIZE {
            let y = if pair % 2 == 0 { SIZE - 1 - step } else { step };
            for x in [right, right - 1] {
                if pattern(x, y).is_none() {
                    modules[y][x] = bits.next().unwrap_or(false) ^ (x + y).is_multiple_of(2);
                }
            }
        }
    }
    for (y, row) in modules.iter_mut().enumerate() {
        for (x, module) in row.iter_mut().enumerate() {
            *module = pattern(x, y).unwrap_or(*module);
        }
    }
    modules
}

/// The module of the fixed patterns and the format at this place; `None` where there is data.
fn pattern(x: usize, y: usize) -> Option<bool> {
    let from = |centre: (usize, usize)| x.abs_diff(centre.0).max(y.abs_diff(centre.1));
    let finder = [(3, 3), (SIZE - 4, 3), (3, SIZE - 4)].into_iter().map(from).find(|distance| *distance <= 4);
    if let Some(distance) = finder {
        return Some(distance != 2 && distance != 4);
    }
    if from((18, 18)) <= 2 {
        return Some(from((18, 18)) != 1);
    }
    if x == 6 || y == 6 {
        return Some((x + y).is_multiple_of(2));
    }
    let place = match (x, y) {
        (8, 0..=5) => y,
        (8, 7 | 8) => y - 1,
        (7, 8) => 8,
        (0..=5, 8) => 14 - x,
        (17.., 8) => SIZE - 1 - x,
        (8, 17) => return Some(true),
        (8, 18..) => y - 10,
        _ => return None,
    };
    Some(FORMAT >> place & 1 == 1)
}

#[cfg(test)]
mod tests {
    use qrcodegen::{Mask, QrCode, QrCodeEcc, QrSegment, Version};

    use super::*;

    #[test]
    fn it_is_the_code_that_the_library_makes() {
        for seed in 0..200_u64 {
            let digit = |place: u64| (seed * 7_919 + place * place * (seed + 31)) / 7 % 10;
            let text: String = (0..60).map(|place| digit(place).to_string()).collect();
            let segment = QrSegment::make_numeric(&text);
            let (version, mask) = (Version::new(2), Some(Mask::new(0)));
            let code = QrCode::encode_segments_advanced(&[segment], QrCodeEcc::Medium, version, version, mask, false);
            let code = code.expect("60 digits fit");
            let ours = modules(&codewords(&text).expect("60 digits"));
            for (y, row) in ours.iter().enumerate() {
                let theirs = (0..code.size()).map(|x| code.get_module(x, y as i32));
                assert!(theirs.eq(row.iter().copied()), "row {y} of {text}");
            }
        }
    }

    #[test]
    fn the_path_paints_every_dark_module_once() {
        let text = "12345 ".repeat(12);
        let modules = modules(&codewords(&text).expect("60 digits"));
        let path = path(&text).expect("60 digits");
        let painted = |x, y| path.matches(&format!("M{x} {y}h1v1h-1z")).count();
        for (y, row) in modules.iter().enumerate() {
            for (x, is_dark) in row.iter().enumerate() {
                assert_eq!(painted(x, y), usize::from(*is_dark), "{x} {y}");
            }
        }
    }

    #[test]
    fn other_than_sixty_digits_make_no_code() {
        for count in [0, 59, 61] {
            assert_eq!(path(&"1".repeat(count)), None);
        }
    }
}
