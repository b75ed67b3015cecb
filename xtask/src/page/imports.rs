//! Short names for what the wasm imports of its JavaScript module.
//!
//! wasm-bindgen names every import with a hash, which no compression shortens, in the module and once more in the wasm. Only the
//! two know these names, so that any do.

use anyhow::{Context, Result, bail, ensure};

/// Bytes before the first section: magic and version.
const PREAMBLE_BYTES: usize = 8;
/// The section of imports, and the kind of import that a function is (WebAssembly core specification, section 5.5.5).
const IMPORTS: u8 = 2;
const FUNCTION: u8 = 0;

/// Renames the functions in both. Everything else stays byte for byte.
///
/// # Errors
/// If the wasm imports anything but functions, or the module does not have each of them exactly once.
pub fn shorten(module: &str, wasm: &[u8]) -> Result<(String, Vec<u8>)> {
    let (before, section, after) = imports(wasm)?;
    let mut module = module.to_owned();
    let mut reader = Reader(section);
    let count = reader.number()?;
    let mut entries = number(count);
    for index in 0..count {
        let (from, name) = (reader.text()?, reader.text()?);
        ensure!(reader.byte()? == FUNCTION, "the app imports something that is no function: {name}");
        let short = short(index);
        let (key, short_key) = (format!(" {name}:"), format!(" {short}:"));
        ensure!(module.matches(&key).count() == 1, "the app's module does not define {name} once");
        module = module.replace(&key, &short_key);
        text(&mut entries, from);
        text(&mut entries, &short);
        entries.push(FUNCTION);
        entries.extend(number(reader.number()?));
    }
    ensure!(reader.0.is_empty(), "the section of imports is longer than its entries");
    let length = u32::try_from(entries.len())?;
    Ok((module, [before, &[IMPORTS], &number(length), &entries, after].concat()))
}

/// What stands before the section of imports, its content, and what stands after it.
fn imports(wasm: &[u8]) -> Result<(&[u8], &[u8], &[u8])> {
    let mut reader = Reader(wasm);
    reader.bytes(PREAMBLE_BYTES)?;
    loop {
        let before = wasm.len() - reader.0.len();
        let id = reader.byte().context("the app imports nothing")?;
        let length = usize::try_from(reader.number()?)?;
        let content = reader.bytes(length)?;
        if id == IMPORTS {
            return Ok((&wasm[..before], content, reader.0));
        }
    }
}

/// `a` to `z`, then `aa` and so on.
fn short(index: u32) -> String {
    let letter = char::from(b'a' + u8::try_from(index % 26).expect("under 26"));
    match index / 26 {
        0 => letter.to_string(),
        more => format!("{}{letter}", short(more - 1)),
    }
}

/// An unsigned number in LEB128.
fn number(mut value: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(value & 0x7f).expect("seven bits");
        value >>= 7;
        if value == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend(number(u32::try_from(text.len()).expect("a name is short")));
    out.extend(text.bytes());
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, count: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count).context("the wasm ends too early")?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(self.bytes(1)?[0])
    }

    fn number(&mut self) -> Result<u32> {
        let mut value = 0;
        for shift in (0..u32::BITS).step_by(7) {
            let byte = self.byte()?;
            value |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        bail!("the wasm has a number that is too long")
    }

    fn text(&mut self) -> Result<&'a str> {
        let length = usize::try_from(self.number()?)?;
        Ok(std::str::from_utf8(self.bytes(length)?)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two functions of types 0 and 1, imported between a section of types and a custom one.
    fn wasm(names: [&str; 2]) -> Vec<u8> {
        let mut entries = vec![2];
        for (index, name) in (0..).zip(names) {
            text(&mut entries, "./m.js");
            text(&mut entries, name);
            entries.extend([FUNCTION, index]);
        }
        let length = number(entries.len() as u32);
        [b"\0asm\x01\0\0\0\x01\x01\x00", &[IMPORTS][..], &length, &entries, b"\x00\x02\x01x"].concat()
    }

    #[test]
    fn both_sides_get_the_same_short_names_and_nothing_else_changes() {
        let long = ["__wbg_focus_0123456789abcdef", "__wbg_focus_0123456789abcdef0"];
        let module = format!("{{ {}: function() {{}}, {}: function(a) {{}} }}", long[0], long[1]);
        let (module, short) = shorten(&module, &wasm(long)).expect("shortened");
        assert_eq!(module, "{ a: function() {}, b: function(a) {} }");
        assert_eq!(short, wasm(["a", "b"]));
    }

    #[test]
    fn a_function_that_the_module_lacks_or_has_twice_is_refused() {
        let wasm = wasm(["one", "two"]);
        assert!(shorten("{ one: 1, two: 2 }", &wasm).is_ok());
        assert!(shorten("{ one: 1 }", &wasm).expect_err("two is missing").to_string().contains("two"));
        assert!(shorten("{ one: 1, two: 2, two: 3 }", &wasm).is_err());
        assert!(shorten("", &wasm[..wasm.len() - 6]).is_err());
    }

    #[test]
    fn names_do_not_run_out() {
        assert_eq!([0, 25, 26, 27, 701, 702].map(short), ["a", "z", "aa", "ab", "zz", "aaa"]);
    }

    #[test]
    fn a_number_is_written_as_it_is_read() {
        for value in [0, 1, 127, 128, 300, 65_535, u32::MAX] {
            assert_eq!(Reader(&number(value)).number().expect("a number"), value);
        }
        assert!(Reader(&[0x80; 6]).number().is_err());
    }
}
