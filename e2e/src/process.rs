//! Programs: where they are, and how they and everything they started end. A process is ended by its id, never by its name.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Between two looks at something that is waited for.
pub const LOOK_EVERY: Duration = Duration::from_millis(25);
/// How long an ended process may take to be gone. A guess; normal is a few milliseconds.
const GONE_WITHIN: Duration = Duration::from_secs(10);

/// The file or folder that a variable of the environment names.
///
/// # Errors
/// If it is not set, or nothing is there.
pub fn named_by(variable: &str) -> Result<PathBuf> {
    let named = std::env::var_os(variable).with_context(|| format!("{variable} is not set: run `cargo xtask test e2e`"))?;
    let path = PathBuf::from(named);
    ensure!(path.exists(), "{variable} names {}, and nothing is there", path.display());
    Ok(path)
}

/// Ends a child and everything that it started, at once (SIGKILL), and waits until all are gone.
pub fn end_tree(child: &mut Child) {
    let mut all = vec![child.id()];
    all.extend(descendants(child.id()));
    for pid in &all {
        send(*pid, Signal::SIGKILL);
    }
    // It was ours, so it can be waited for; an error means that it is gone already.
    let _ = child.wait();
    let until = Instant::now() + GONE_WITHIN;
    while all[1..].iter().any(|pid| is_running(*pid)) && Instant::now() < until {
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Sends a signal to a process of ours; one that is gone already is no trouble.
pub fn send(pid: u32, signal: Signal) {
    if let Ok(pid) = i32::try_from(pid) {
        let _ = kill(Pid::from_raw(pid), signal);
    }
}

/// Seconds of processor time that `root` and everything it started have used, and the memory that they alone hold, in bytes.
pub fn cost(root: u32) -> (f64, u64) {
    let all = std::iter::once(root).chain(descendants(root));
    all.fold((0.0, 0), |(seconds, bytes), pid| (seconds + processor_seconds(pid).unwrap_or(0.0), bytes + own_bytes(pid).unwrap_or(0)))
}

/// The memory that `root` and everything it started fill by themselves, in bytes, by what they are: a browser's processes by their
/// type (`renderer`, and of utilities which one), others by their names. What is mapped from files is not in it: programs are shared
/// with every other browser on the machine, and the share of each grows when another one ends.
pub fn memory_by_kind(root: u32) -> BTreeMap<String, u64> {
    let mut kinds = BTreeMap::new();
    for pid in std::iter::once(root).chain(descendants(root)) {
        *kinds.entry(kind(pid)).or_default() += filled_bytes(pid).unwrap_or(0);
    }
    kinds
}

fn kind(pid: u32) -> String {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let line = String::from_utf8_lossy(&line);
    // Chromium rewrites its line: words are apart by spaces then.
    let words = || line.split(['\0', ' ']);
    let given = |name: &str| words().find_map(|word| word.strip_prefix(name)).and_then(|value| value.split('.').next()).map(str::to_owned);
    let program = || words().next().and_then(|path| path.rsplit('/').next()).unwrap_or_default().to_owned();
    given("--utility-sub-type=").or_else(|| given("--type=")).unwrap_or_else(program)
}

/// utime and stime of proc(5), which come in hundredths of a second.
fn processor_seconds(pid: u32) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    Some(ticks / 100.0)
}

/// The proportional set size: what is shared counts in part.
fn own_bytes(pid: u32) -> Option<u64> {
    proportional(pid, &["Pss:"])
}

/// The same of memory that is of no file.
fn filled_bytes(pid: u32) -> Option<u64> {
    proportional(pid, &["Pss_Anon:", "Pss_Shmem:"])
}

fn proportional(pid: u32, rows: &[&str]) -> Option<u64> {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let kilobytes = |row: &&str| rollup.lines().find_map(|line| line.strip_prefix(*row))?.split_whitespace().next()?.parse::<u64>().ok();
    rows.iter().map(kilobytes).sum::<Option<u64>>().map(|kilobytes| kilobytes * 1_024)
}

/// Everything that `root` started, and what that started.
pub fn descendants(root: u32) -> Vec<u32> {
    let parents = parents();
    let mut found = vec![root];
    let mut at = 0;
    while let Some(parent) = found.get(at).copied() {
        found.extend(parents.iter().filter(|(_, own)| **own == parent).map(|(pid, _)| *pid));
        at += 1;
    }
    found.split_off(1)
}

/// Every process's parent.
fn parents() -> BTreeMap<u32, u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return BTreeMap::new() };
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid: u32| Some((pid, stat(pid)?.1))).collect()
}

/// Whether the process is there and has not ended.
pub fn is_running(pid: u32) -> bool {
    stat(pid).is_some_and(|(state, _)| state != 'Z')
}

/// State and parent of a process.
fn stat(pid: u32) -> Option<(char, u32)> {
    let text = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).ok()?;
    // The name, in parentheses, may contain anything.
    let mut fields = text.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn a_child_ends_with_everything_that_it_started() {
        let mut shell = Command::new("sh");
        let mut child = shell.args(["-c", "sleep 600 & sleep 600; true"]).stdin(Stdio::null()).spawn().expect("a shell");
        let until = Instant::now() + GONE_WITHIN;
        while descendants(child.id()).len() < 2 && Instant::now() < until {
            std::thread::sleep(LOOK_EVERY);
        }
        let started = descendants(child.id());
        assert_eq!(started.len(), 2);
        assert!(memory_by_kind(child.id()).iter().any(|(kind, bytes)| kind == "sleep" && *bytes > 0));
        end_tree(&mut child);
        assert!(!started.into_iter().any(is_running));
    }
}
