//! The start tags of an HTML text: enough of HTML to read and rewrite our own `index.html`.
//!
//! Deliberately absent: trees, entities, unquoted values. What it cannot read it refuses.

use std::fmt;
use std::ops::Range;

use anyhow::{Context, Result, ensure};

/// One start tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// In small letters.
    pub name: String,
    /// Where it stands, in bytes, angle brackets included.
    pub range: Range<usize>,
    attributes: Vec<(String, Option<String>)>,
}

impl Tag {
    /// Whether it has the attribute, with or without a value.
    pub fn has(&self, name: &str) -> bool {
        self.attributes.iter().any(|(own, _)| own == name)
    }

    /// The attribute's value.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(own, _)| own == name)?.1.as_deref()
    }

    /// Sets an attribute, in its place or last.
    pub fn set(&mut self, name: &str, value: &str) {
        match self.attributes.iter_mut().find(|(own, _)| own == name) {
            Some((_, old)) => *old = Some(value.to_owned()),
            None => self.attributes.push((name.to_owned(), Some(value.to_owned()))),
        }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "<{}", self.name)?;
        for (name, value) in &self.attributes {
            match value {
                Some(value) => write!(out, " {name}=\"{value}\"")?,
                None => write!(out, " {name}")?,
            }
        }
        out.write_str(">")
    }
}

/// The tags `html`, `img`, `link` and `script` of `text`, in order. Comments must have been taken out.
///
/// # Errors
/// If one does not end, or has a value that is not in double quotes.
pub fn tags(text: &str) -> Result<Vec<Tag>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find('<').map(|offset| at + offset) {
        let name: String = text[start + 1..].chars().take_while(char::is_ascii_alphanumeric).collect();
        at = start + 1;
        if !["html", "img", "link", "script"].contains(&name.to_ascii_lowercase().as_str()) {
            continue;
        }
        let tag = tag(text, start, &name)?;
        at = tag.range.end;
        found.push(tag);
    }
    Ok(found)
}

/// The tag that begins at `start`.
fn tag(text: &str, start: usize, name: &str) -> Result<Tag> {
    let mut rest = text[start + 1 + name.len()..].trim_start();
    let mut attributes = Vec::new();
    loop {
        ensure!(!rest.is_empty(), "index.html: <{name} does not end");
        if let Some(after) = rest.strip_prefix("/>").or_else(|| rest.strip_prefix('>')) {
            let range = start..text.len() - after.len();
            return Ok(Tag { name: name.to_ascii_lowercase(), range, attributes });
        }
        let length = rest.find(|mark: char| mark.is_whitespace() || "=>/".contains(mark)).unwrap_or(rest.len());
        ensure!(length > 0, "index.html: <{name} has an attribute without a name");
        let attribute = rest[..length].to_owned();
        rest = rest[length..].trim_start();
        let value = match rest.strip_prefix('=') {
            None => None,
            Some(after) => {
                let quoted = after.trim_start().strip_prefix('"');
                let quoted = quoted.with_context(|| format!("index.html: {attribute} needs its value in double quotes"))?;
                let (value, after) = quoted.split_once('"').context("index.html: a value does not end")?;
                rest = after.trim_start();
                Some(value.to_owned())
            }
        };
        attributes.push((attribute, value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_read_in_order_and_written_back() {
        let text = "<p>x</p><link data-trunk rel=\"css\"\n  href=\"a > b.css\" />";
        let tags = tags(text).expect("readable");
        assert_eq!(tags.len(), 1);
        assert_eq!(tags[0].range, 8..text.len());
        assert!(tags[0].has("data-trunk"));
        assert_eq!(tags[0].to_string(), "<link data-trunk rel=\"css\" href=\"a > b.css\">");
    }

    #[test]
    fn setting_keeps_the_place() {
        let mut tag = tags("<script src=\"a\" defer>").expect("readable").remove(0);
        tag.set("src", "b");
        tag.set("integrity", "c");
        assert_eq!(tag.to_string(), "<script src=\"b\" defer integrity=\"c\">");
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for bad in ["<link rel=css>", "<link rel=\"css\"", "<link rel=\"css", "<link =\"a\">"] {
            assert!(tags(bad).is_err(), "{bad}");
        }
    }
}
