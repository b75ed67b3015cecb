//! Vector files: text with every field of a message named and in hexadecimal. Writing, reading and comparing them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

/// Hexadecimal digits in a line.
const LINE_DIGITS: usize = 96;

/// One file under construction.
pub struct Vector {
    name: &'static str,
    text: String,
}

impl Vector {
    /// Begins the file `name`; `about` says what it is and where PROTOCOL.md has it.
    pub fn new(name: &'static str, about: &str) -> Self {
        Self { name, text: format!("# {about}\n") }
    }

    /// A message, field by field.
    ///
    /// # Panics
    /// When the fields laid end to end are not the message: its layout is another than PROTOCOL.md's.
    pub fn message(mut self, title: &str, fields: &[(&str, &[u8])], whole: &[u8]) -> Self {
        let laid: Vec<u8> = fields.iter().flat_map(|(_, bytes)| bytes.iter().copied()).collect();
        assert_eq!(hex(&laid), hex(whole), "{}: the fields of {title} are not the message", self.name);
        writeln!(self.text, "\n[{title}]").expect("a string takes what is written");
        fields.iter().for_each(|(name, bytes)| self.line(name, bytes));
        self
    }

    /// Values that stand in no message: inputs and what is derived on the way.
    pub fn values(mut self, title: &str, values: &[(&str, &[u8])]) -> Self {
        writeln!(self.text, "\n[{title}]").expect("a string takes what is written");
        values.iter().for_each(|(name, bytes)| self.line(name, bytes));
        self
    }

    fn line(&mut self, name: &str, bytes: &[u8]) {
        let digits = hex(bytes);
        let lines: Vec<&str> = digits.as_bytes().chunks(LINE_DIGITS).map(|line| std::str::from_utf8(line).expect("digits")).collect();
        writeln!(self.text, "{name} = {}", lines.join("\n    ")).expect("a string takes what is written");
    }

    /// Compares with the file on disk.
    ///
    /// # Panics
    /// When the file is another.
    pub fn check(self) {
        compare(&format!("{}.txt", self.name), &self.text);
    }
}

/// Compares a file on disk with what it should be. With `B4_WRITE_VECTORS=1` in the environment it writes the file first, and still
/// fails where that changed anything: a changed wire is looked at before it passes.
///
/// # Panics
/// When the file is another.
pub fn compare(file: &str, text: &str) {
    let path = folder().join(file);
    let on_disk = std::fs::read_to_string(&path).unwrap_or_default();
    if on_disk == text {
        return;
    }
    if std::env::var_os("B4_WRITE_VECTORS").is_some_and(|value| value == "1") {
        std::fs::write(&path, text).expect("the folder of vectors can be written");
        panic!("{file} was written anew: look at the difference, then run the tests again");
    }
    let differs = on_disk.lines().zip(text.lines()).find(|(old, new)| old != new);
    panic!("the wire is another than {file} has it (file, now): {differs:?}; tests/vectors/README.md says what to do");
}

/// The fields of a file on disk, `title.name` to bytes; under `title` alone all its fields laid end to end.
pub fn read(name: &str) -> BTreeMap<String, Vec<u8>> {
    let text = std::fs::read_to_string(folder().join(format!("{name}.txt"))).expect("the vector file is there");
    let mut fields: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let (mut title, mut field) = (String::new(), String::new());
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let digits = if let Some(new) = line.strip_prefix('[') {
            title = new.trim_end_matches(']').to_owned();
            continue;
        } else if let Some((new, digits)) = line.split_once(" = ") {
            field = format!("{title}.{new}");
            digits
        } else {
            line.trim()
        };
        let bytes = unhex(digits);
        fields.entry(field.clone()).or_default().extend_from_slice(&bytes);
        fields.entry(title.clone()).or_default().extend_from_slice(&bytes);
    }
    fields
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")
}

/// Bytes as the files have them.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes what is written");
        text
    })
}

fn unhex(digits: &str) -> Vec<u8> {
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("hexadecimal digits");
    digits.as_bytes().chunks(2).map(byte).collect()
}
