//! Files to send: bytes that do not repeat, each file another.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// A file on the disk. It goes when it is dropped: whoever was given it has a copy by then.
pub struct Content {
    path: PathBuf,
    name: String,
}

impl Content {
    /// Writes `mib` MiB to `path`, drawn from the name and `number`.
    pub fn write(path: PathBuf, mib: u64, number: u64) -> Result<Self> {
        let name = path.file_name().and_then(|name| name.to_str()).context("it has a name")?.to_owned();
        let mut state = number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut out = BufWriter::new(File::create(&path).with_context(|| format!("writing {}", path.display()))?);
        for _ in 0..mib * 1024 * 1024 / 8 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            out.write_all(&state.to_le_bytes())?;
        }
        out.flush()?;
        Ok(Self { path, name })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Content {
    fn drop(&mut self) {
        // It lies in a folder that goes too.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_files_are_the_same_and_none_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.bin");
        let read = |number| {
            let content = Content::write(path.clone(), 1, number).expect("written");
            fs::read(content.path()).expect("read")
        };
        let (one, other) = (read(1), read(2));
        assert_eq!((one.len(), other.len()), (1 << 20, 1 << 20));
        assert_ne!(one[..64], other[..64]);
        assert!(!path.exists());
    }
}
