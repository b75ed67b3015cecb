//! Running other programs, and saying so while it is done.
//!
//! Deliberately absent: capturing what a long step prints. A person who waits sees it as it happens.

use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::Instant;

use anyhow::{Context, Result, bail};

/// When the command was given; every line of progress carries the seconds since.
static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Starts the clock of [`say`].
pub fn start_clock() {
    LazyLock::force(&STARTED);
}

/// Says one line of progress.
pub fn say(line: &str) {
    println!("[{:6.1} s] {line}", STARTED.elapsed().as_secs_f64());
}

/// Runs `command` to its end, saying `doing` before.
///
/// # Errors
/// If it cannot be started, or fails; the message names the command.
pub fn run(doing: &str, command: &mut Command) -> Result<()> {
    say(doing);
    let status = command.status().with_context(|| format!("{} cannot be started", words(command)))?;
    if !status.success() {
        bail!("`{}` failed ({status})", words(command));
    }
    Ok(())
}

/// Whether `command` ends well; it prints nothing.
pub fn succeeds(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// The standard output of a short command.
///
/// # Errors
/// If it cannot be started, or fails.
pub fn output(command: &mut Command) -> Result<String> {
    let done = command.stderr(Stdio::inherit()).output().with_context(|| format!("{} cannot be started", words(command)))?;
    if !done.status.success() {
        bail!("`{}` failed ({})", words(command), done.status);
    }
    String::from_utf8(done.stdout).with_context(|| format!("`{}` did not print text", words(command)))
}

/// A command as a person would type it.
fn words(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|argument| argument.to_string_lossy().into_owned()));
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_missing_is_named() {
        let error = run("trying", &mut Command::new("b4-no-such-program")).expect_err("it does not exist");
        assert!(error.to_string().contains("b4-no-such-program"));
    }

    #[test]
    fn a_command_reads_as_it_was_typed() {
        assert_eq!(words(Command::new("cargo").args(["build", "--release"])), "cargo build --release");
    }
}
