//! Writes a build to disk: every file, and beside each that gains by it a `.br` and a `.gz`.
//!
//! Compressed bytes are kept by the hash of what they were made of, so that only what changed is compressed again.

use std::fmt;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::GzEncoder;

use super::assets::{Assets, hex_digest};

/// What compresses; the rest is compressed already (PNG).
const COMPRESSIBLE: [&str; 8] = ["css", "html", "js", "json", "svg", "txt", "wasm", "webmanifest"];
/// Brotli's best.
const BROTLI_QUALITY: i32 = 11;
/// Brotli's widest window that every browser must accept, as a power of two.
const BROTLI_WINDOW: i32 = 22;

/// What a build weighs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    raw: usize,
    brotli: usize,
}

impl fmt::Display for Sizes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} kB, {} kB on the wire", self.raw.div_ceil(1000), self.brotli.div_ceil(1000))
    }
}

/// Writes all files into `dist`, which is replaced as a whole; `kept` keeps compressed bytes from build to build.
pub fn pack(assets: &Assets, dist: &Path, kept: &Path) -> Result<Sizes> {
    let fresh = dist.with_extension("new");
    remove(&fresh)?;
    let last = read_kept(kept);
    let mut used = Vec::new();
    let mut sizes = Sizes::default();
    fs::create_dir_all(kept)?;
    for asset in assets.all() {
        let file = fresh.join(asset.url.trim_start_matches('/'));
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&file, &asset.bytes)?;
        sizes.raw += asset.bytes.len();
        if !is_compressible(&file) {
            sizes.brotli += asset.bytes.len();
            continue;
        }
        for (extension, compress) in [("br", brotli as fn(&[u8]) -> Result<Vec<u8>>), ("gz", gzip)] {
            let kept_file = kept.join(format!("{}.{extension}", hex_digest(&asset.bytes)));
            if !kept_file.is_file() {
                fs::write(kept_file.with_extension("new"), compress(&asset.bytes)?)?;
                fs::rename(kept_file.with_extension("new"), &kept_file)?;
            }
            let written = fs::copy(&kept_file, with_appended(&file, extension))?;
            if extension == "br" {
                sizes.brotli += usize::try_from(written)?;
            }
            used.push(kept_file);
        }
    }
    put_in_place(&fresh, dist)?;
    for old in last.into_iter().filter(|old| !used.contains(old)) {
        fs::remove_file(old)?;
    }
    Ok(sizes)
}

/// Puts `fresh` where `dist` is, between two renames: a relay may be serving it.
fn put_in_place(fresh: &Path, dist: &Path) -> Result<()> {
    let old = dist.with_extension("old");
    remove(&old)?;
    if dist.exists() {
        fs::rename(dist, &old)?;
    }
    fs::rename(fresh, dist).with_context(|| format!("putting {} in place", dist.display()))?;
    remove(&old)
}

/// What is kept from the last build.
fn read_kept(kept: &Path) -> Vec<PathBuf> {
    super::assets::files_below(kept).unwrap_or_default()
}

fn remove(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("removing {}", folder.display()))?;
    }
    Ok(())
}

fn is_compressible(file: &Path) -> bool {
    file.extension().and_then(|extension| extension.to_str()).is_some_and(|extension| COMPRESSIBLE.contains(&extension))
}

fn with_appended(file: &Path, extension: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".{extension}"));
    PathBuf::from(name)
}

fn brotli(bytes: &[u8]) -> Result<Vec<u8>> {
    let settings = brotli::enc::BrotliEncoderParams {
        quality: BROTLI_QUALITY,
        lgwin: BROTLI_WINDOW,
        size_hint: bytes.len(),
        ..Default::default()
    };
    let mut packed = Vec::new();
    brotli::BrotliCompress(&mut &bytes[..], &mut packed, &settings)?;
    Ok(packed)
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn text_gets_two_siblings_that_unpack_to_it_and_a_picture_gets_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let (dist, kept) = (folder.path().join("page"), folder.path().join("kept"));
        let mut assets = Assets::default();
        let text = b"body { color: red }".repeat(50);
        assets.add_unhashed("/deep/a.css", text.clone());
        assets.add_unhashed("/a.png", vec![1, 2, 3]);
        pack(&assets, &dist, &kept).expect("packed");

        let mut unpacked = Vec::new();
        let mut packed = fs::File::open(dist.join("deep/a.css.br")).expect("a brotli sibling");
        brotli::BrotliDecompress(&mut packed, &mut unpacked).expect("it is brotli");
        assert_eq!(unpacked, text);
        let mut unpacked = Vec::new();
        let packed = fs::File::open(dist.join("deep/a.css.gz")).expect("a gzip sibling");
        flate2::read::GzDecoder::new(packed).read_to_end(&mut unpacked).expect("it is gzip");
        assert_eq!(unpacked, text);
        assert!(dist.join("a.png").is_file() && !dist.join("a.png.br").exists());
    }

    #[test]
    fn what_a_build_does_not_use_is_not_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let (dist, kept) = (folder.path().join("page"), folder.path().join("kept"));
        for text in ["one", "two"] {
            let mut assets = Assets::default();
            assets.add("/a.css", text.as_bytes().to_vec());
            pack(&assets, &dist, &kept).expect("packed");
        }
        assert_eq!(read_kept(&kept).len(), 2);
        assert_eq!(read_kept(&dist).len(), 3);
    }
}
