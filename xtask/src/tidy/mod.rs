//! `cargo xtask tidy`: the house rules that a machine can hold, over every Rust file and the page.
//!
//! [`source`] reads a file so that words in comments and strings do not count, and tells code from tests; [`sizes`] holds the
//! walls, [`words`] what may not be written, [`rooms`] who may import whom, [`crates`] what the app may be built from, [`page`] that nothing is inline in the page,
//! [`testids`] that its test ids are those of the document.
//! A breach is printed as `file:line: message`.

mod crates;
mod page;
mod rooms;
mod sizes;
mod source;
mod testids;
mod words;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use source::Source;

use crate::process::say;
use crate::workspace::Workspace;

/// The folders that hold Rust, below the root.
const CODE: [&str; 7] = ["protocol", "signaling", "src", "tests", "e2e", "simulator", "xtask"];
/// Folders below them that hold none of ours.
const NOT_OURS: [&str; 3] = ["target", "node_modules", ".git"];

/// One breach of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    file: PathBuf,
    line: usize,
    message: String,
}

impl Breach {
    /// A breach at a line, counted from 1.
    pub fn new(file: &Path, line: usize, message: impl Into<String>) -> Breach {
        Breach { file: file.to_path_buf(), line, message: message.into() }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}: {}", self.file.display(), self.line, self.message)
    }
}

/// Looks at everything and prints what breaks a rule.
///
/// # Errors
/// If something does, or a file cannot be read.
pub fn tidy(workspace: &Workspace) -> Result<()> {
    say("tidy: the house rules");
    let sources = sources(&workspace.root)?;
    let mut breaches = page::check(&workspace.root)?;
    breaches.extend(testids::check(&workspace.root)?);
    let manifest = Path::new("Cargo.toml");
    let text = fs::read_to_string(workspace.root.join(manifest)).context("reading Cargo.toml")?;
    breaches.extend(crates::check(manifest, &text));
    for source in &sources {
        breaches.extend(sizes::check(source));
        breaches.extend(words::check(source));
        breaches.extend(rooms::check(source));
    }
    for breach in &breaches {
        println!("{breach}");
    }
    if !breaches.is_empty() {
        bail!("tidy: {} breaches of the house rules", breaches.len());
    }
    say(&format!("tidy: {} files, no breach", sources.len()));
    Ok(())
}

/// Every Rust file of ours, read.
fn sources(root: &Path) -> Result<Vec<Source>> {
    let mut files = Vec::new();
    for folder in CODE.iter().map(|folder| root.join(folder)).filter(|folder| folder.is_dir()) {
        collect(&folder, "rs", &mut files)?;
    }
    let mut sources = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
        sources.push(Source::read(file.strip_prefix(root)?, text));
    }
    source::mark_test_modules(&mut sources);
    Ok(sources)
}

/// The files below `folder` with the extension, ordered.
fn collect(folder: &Path, extension: &str, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    paths.sort();
    for path in paths {
        if path.is_dir() {
            if !path.file_name().and_then(|name| name.to_str()).is_some_and(|name| NOT_OURS.contains(&name)) {
                collect(&path, extension, files)?;
            }
        } else if path.extension().is_some_and(|own| own == extension) {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_breach_reads_as_editors_want_it() {
        assert_eq!(Breach::new(Path::new("src/a.rs"), 7, "too long").to_string(), "src/a.rs:7: too long");
    }

    #[test]
    fn every_file_of_this_crate_is_seen() {
        let sources = sources(&Workspace::find().root).expect("readable");
        assert!(sources.iter().any(|source| source.file == Path::new("xtask/src/tidy/mod.rs")));
    }
}
