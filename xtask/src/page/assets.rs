//! The files of a build: their URLs in `index.html`, their hashed URLs, their bytes.
//!
//! A hashed URL names its bytes: two builds never disagree about what is behind one. Only `index.html` and the service worker
//! keep their names.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use base64ct::{Base64, Encoding};
use sha2::{Digest, Sha256, Sha384};

/// Hexadecimal digits of a hash in a file's name: 64 bits, ample for telling the builds of one page apart.
const NAME_DIGITS: usize = 16;

/// A value for an `integrity` attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Integrity(String);

impl Integrity {
    /// The SHA-384 of `bytes`, as browsers want it.
    pub fn of(bytes: &[u8]) -> Integrity {
        Integrity(format!("sha384-{}", Base64::encode_string(&Sha384::digest(bytes))))
    }
}

impl fmt::Display for Integrity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// One file of the build.
#[derive(Clone, Debug)]
pub struct Asset {
    /// What the browser asks for.
    pub url: String,
    /// What it gets.
    pub bytes: Vec<u8>,
}

/// All files of a build, by the URL under which the sources speak of them.
#[derive(Debug, Default)]
pub struct Assets {
    by_name: BTreeMap<String, Asset>,
}

impl Assets {
    /// Adds a file under a hashed URL.
    pub fn add(&mut self, name: &str, bytes: Vec<u8>) {
        let url = hashed_url(name, &bytes);
        self.by_name.insert(name.to_owned(), Asset { url, bytes });
    }

    /// Adds a file whose URL stays as it is.
    pub fn add_unhashed(&mut self, name: &str, bytes: Vec<u8>) {
        self.by_name.insert(name.to_owned(), Asset { url: name.to_owned(), bytes });
    }

    /// Adds a text that speaks of files added before: their URLs become the hashed ones.
    pub fn add_text(&mut self, name: &str, text: &str) {
        let text = self.with_hashed_urls(text);
        self.add(name, text.into_bytes());
    }

    /// The file that the sources call `name`.
    pub fn find(&self, name: &str) -> Option<&Asset> {
        self.by_name.get(name)
    }

    /// All files, ordered by name.
    pub fn all(&self) -> impl Iterator<Item = &Asset> {
        self.by_name.values()
    }

    /// The identity of the build: every file's bytes, and the two templates that are filled in with it.
    pub fn build_id(&self, index: &str, worker: &str) -> String {
        let mut all = format!("{}{}", hex_digest(index.as_bytes()), hex_digest(worker.as_bytes()));
        for asset in self.all() {
            all.push_str(&format!("{} {}\n", asset.url, hex_digest(&asset.bytes)));
        }
        hex_digest(all.as_bytes())[..NAME_DIGITS].to_owned()
    }

    /// Replaces each URL of ours that stands in `text` between delimiters (quotes, parentheses).
    fn with_hashed_urls(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, asset) in &self.by_name {
            for (open, close) in [('"', '"'), ('\'', '\''), ('(', ')')] {
                text = text.replace(&format!("{open}{name}{close}"), &format!("{open}{}{close}", asset.url));
            }
        }
        text
    }
}

/// All files below `folder`, ordered.
///
/// # Errors
/// If a folder cannot be read.
pub fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    Ok(files)
}

/// The SHA-256 of `bytes` in hexadecimal.
pub fn hex_digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `/a/b.css` with its hash: `/a/b-0123456789abcdef.css`.
fn hashed_url(name: &str, bytes: &[u8]) -> String {
    let hash = &hex_digest(bytes)[..NAME_DIGITS];
    match name.rsplit_once('.') {
        Some((stem, extension)) => format!("{stem}-{hash}.{extension}"),
        None => format!("{name}-{hash}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_carries_the_hash_of_its_bytes_before_the_extension() {
        let url = hashed_url("/icons/a.svg", b"");
        assert_eq!(url, "/icons/a-e3b0c44298fc1c14.svg");
        assert_ne!(url, hashed_url("/icons/a.svg", b"x"));
    }

    #[test]
    fn the_empty_file_has_the_well_known_integrity() {
        let empty = "sha384-OLBgp1GsljhM2TJ+sbHjaiH9txEUvgdDTAzHv2P24donTt6/529l+9Ua0vFImLlb";
        assert_eq!(Integrity::of(b"").to_string(), empty);
    }

    #[test]
    fn a_text_speaks_of_hashed_urls_and_leaves_longer_ones_alone() {
        let mut assets = Assets::default();
        assets.add("/a.svg", Vec::new());
        assets.add_text("/x.css", "url(/a.svg) url(\"/a.svg\") url(/a.svgz)");
        let text = &assets.find("/x.css").expect("added").bytes;
        let hashed = "/a-e3b0c44298fc1c14.svg";
        assert_eq!(String::from_utf8_lossy(text), format!("url({hashed}) url(\"{hashed}\") url(/a.svgz)"));
    }

    #[test]
    fn any_byte_of_any_file_makes_another_build() {
        let mut one = Assets::default();
        one.add("/a", b"1".to_vec());
        let mut two = Assets::default();
        two.add("/a", b"2".to_vec());
        assert_ne!(one.build_id("i", "w"), two.build_id("i", "w"));
        assert_ne!(one.build_id("i", "w"), one.build_id("i2", "w"));
        assert_eq!(one.build_id("i", "w"), one.build_id("i", "w"));
    }
}
