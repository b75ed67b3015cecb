//! What is measured of files, and how much of it.

use anyhow::{Context, Result, ensure};

/// All parts, in their order.
const PARTS: [&str; 4] = ["speed", "memory", "resume", "rivals"];

/// How much is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Rounds, in each of which everything that is compared is done once; after one that counts not.
    pub rounds: usize,
    /// Size of the file that is timed.
    pub file_mib: u64,
    /// Size of the file that memory is watched with.
    pub memory_mib: u64,
    /// Size of the file that is cut.
    pub resume_mib: u64,
    /// How often it is cut.
    pub cuts: u32,
    parts: Vec<String>,
}

impl Options {
    /// Reads `--name=value` words, as xtask hands them on.
    pub fn read(words: &[String]) -> Result<Self> {
        let parts = PARTS.map(str::to_owned).to_vec();
        let mut options = Self { rounds: 5, file_mib: 64, memory_mib: 1_024, resume_mib: 512, cuts: 6, parts };
        for word in words {
            let (name, value) = word.split_once('=').with_context(|| format!("{word} has no value"))?;
            match name {
                "--rounds" => options.rounds = value.parse()?,
                "--file-mib" => options.file_mib = value.parse()?,
                "--memory-mib" => options.memory_mib = value.parse()?,
                "--resume-mib" => options.resume_mib = value.parse()?,
                "--cuts" => options.cuts = value.parse()?,
                "--parts" => options.parts = value.split(',').map(str::to_owned).collect(),
                _ => anyhow::bail!("there is no option {name}"),
            }
        }
        let unknown: Vec<&String> = options.parts.iter().filter(|part| !PARTS.contains(&part.as_str())).collect();
        ensure!(unknown.is_empty(), "there are no parts {unknown:?}; there are {PARTS:?}");
        let counts = [options.rounds as u64, options.file_mib, options.memory_mib, options.resume_mib, options.cuts.into()];
        ensure!(!counts.contains(&0), "nothing of nothing is measured: {options:?}");
        Ok(options)
    }

    /// Whether a part is wanted.
    pub fn has(&self, part: &str) -> bool {
        self.parts.iter().any(|wanted| wanted == part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Result<Options> {
        Options::read(&words.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn everything_is_measured_unless_less_is_wanted() {
        let all = read(&[]).expect("the default");
        assert!(PARTS.iter().all(|part| all.has(part)));
        let some = read(&["--parts=speed,rivals", "--rounds=2"]).expect("options");
        assert_eq!((some.rounds, PARTS.map(|part| some.has(part))), (2, [true, false, false, true]));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for words in [["--rounds"], ["--rounds=0"], ["--rounds=x"], ["--sizes=1"], ["--parts=speed,luck"]] {
            assert!(read(&words).is_err(), "{words:?}");
        }
    }
}
