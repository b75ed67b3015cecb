//! What the benchmark has measured, kept in a file after each row: whoever starts it again has what is there already.
//!
//! A row is believed of the very program that is to measure now, or of one that the options name, and with the same options, seeds among them;
//! what another build has measured stays in the file until its row is measured anew.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The file, and the program whose rows count.
pub(super) struct Kept {
    file: PathBuf,
    build: String,
    /// Further builds whose rows count.
    of: Vec<String>,
    rows: Vec<Value>,
}

impl Kept {
    /// Reads what is there; with `anew` nothing of it counts. `of`: the hashes of further programs whose rows do.
    ///
    /// # Errors
    /// If the program or the file cannot be read, or the file is not what this writes.
    pub fn open(file: &Path, program: &Path, anew: bool, of: &[String]) -> Result<Self> {
        let bytes = fs::read(program).with_context(|| format!("reading {}", program.display()))?;
        let build = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let rows = match fs::read(file) {
            _ if anew => Vec::new(),
            Ok(text) => serde_json::from_slice(&text).with_context(|| format!("{} (--anew forgets it)", file.display()))?,
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error).with_context(|| format!("reading {}", file.display())),
        };
        Ok(Self { file: file.to_owned(), build, of: of.to_vec(), rows })
    }

    /// What is there of a command line, or what `measure` gives for it, which is kept before it is handed out. Whether it was there.
    ///
    /// # Errors
    /// Those of `measure`, and if it cannot be written.
    pub fn row(&mut self, command: &str, measure: impl FnOnce() -> Result<Value>) -> Result<(Value, bool)> {
        let build = self.build.clone();
        let is_believed = |row: &Value| row["build"] == build.as_str() || self.of.iter().any(|of| row["build"] == of.as_str());
        let is_it = |row: &&Value| row["command"] == command && is_believed(row);
        if let Some(row) = self.rows.iter().find(is_it) {
            return Ok((row.clone(), true));
        }
        let mut row = measure()?;
        row["command"] = command.into();
        row["build"] = build.into();
        self.rows.retain(|row| row["command"] != command);
        self.rows.push(row.clone());
        self.write()?;
        Ok((row, false))
    }

    /// Writes the file anew, which takes the place of the old one when it is whole.
    fn write(&self) -> Result<()> {
        let beside = self.file.with_extension("part");
        fs::write(&beside, serde_json::to_string_pretty(&self.rows)?)
            .and_then(|()| fs::rename(&beside, &self.file))
            .with_context(|| format!("writing {}", self.file.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::bail;
    use serde_json::json;

    /// A folder with the program of a build.
    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("b4-bench-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a temporary folder");
        fs::write(folder.join("program"), "one build").expect("it is ours");
        folder
    }

    /// Opens it again, as the next start does, and asks for a row: what it says, and whether it was there.
    fn asked(folder: &Path, command: &str, measured: u64, anew: bool) -> (u64, bool) {
        let mut kept = Kept::open(&folder.join("ring.json"), &folder.join("program"), anew, &[]).expect("it can be read");
        let (row, was_there) = kept.row(command, || Ok(json!({ "hops": measured }))).expect("it can be written");
        assert_eq!(row["command"], command);
        (row["hops"].as_u64().expect("a number"), was_there)
    }

    #[test]
    fn a_row_that_is_there_is_not_measured_again_unless_that_is_asked_for() {
        let folder = folder("again");
        assert_eq!(asked(&folder, "hops --seeds 2", 1, false), (1, false));
        assert_eq!(asked(&folder, "crash --seeds 2", 2, false), (2, false));
        assert_eq!(asked(&folder, "hops --seeds 2", 3, false), (1, true));
        assert_eq!(asked(&folder, "hops --seeds 20", 4, false), (4, false), "other seeds");
        assert_eq!(asked(&folder, "hops --seeds 2", 5, true), (5, false));
        assert_eq!(asked(&folder, "crash --seeds 2", 6, false), (6, false), "it was forgotten as well");
        fs::remove_dir_all(folder).expect("it was there");
    }

    #[test]
    fn what_another_build_has_measured_is_not_believed() {
        let folder = folder("build");
        assert_eq!(asked(&folder, "hops", 1, false), (1, false));
        assert_eq!(asked(&folder, "crash", 2, false), (2, false));
        fs::write(folder.join("program"), "another build").expect("it is ours");
        let first = Sha256::digest("one build").iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let mut of_both = Kept::open(&folder.join("ring.json"), &folder.join("program"), false, &[first]).expect("it can be read");
        let (row, was_there) = of_both.row("hops", || bail!("it is there")).expect("it is said to count");
        assert!(was_there && row["hops"] == 1);
        assert_eq!(asked(&folder, "hops", 3, false), (3, false));
        let rows: Vec<Value> = serde_json::from_slice(&fs::read(folder.join("ring.json")).expect("it is there")).expect("JSON");
        let figures: Vec<_> = rows.iter().map(|row| row["hops"].as_u64()).collect();
        assert_eq!(figures, [Some(2), Some(3)], "one of a command, and none is lost before it is measured anew");
        fs::remove_dir_all(folder).expect("it was there");
    }

    #[test]
    fn a_row_that_failed_or_was_stopped_is_measured_the_next_time() {
        let folder = folder("failed");
        let mut kept = Kept::open(&folder.join("ring.json"), &folder.join("program"), false, &[]).expect("nothing is there yet");
        assert!(kept.row("hops", || bail!("stopped")).is_err());
        assert_eq!(asked(&folder, "hops", 1, false), (1, false));
        fs::write(folder.join("ring.json"), "[{").expect("it is ours");
        assert!(Kept::open(&folder.join("ring.json"), &folder.join("program"), false, &[]).is_err(), "nobody's figures are thrown away unasked");
        fs::remove_dir_all(folder).expect("it was there");
    }
}
