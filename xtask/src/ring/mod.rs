//! `cargo xtask bench ring` and `cargo xtask sim`: the simulator's experiments in a row, beside their goals. What they measure is
//! the simulator's business.

mod kept;
mod rows;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Args;
use serde_json::{Value, json};

use crate::process::{output, run, say};
use crate::workspace::Workspace;

use kept::Kept;
use rows::ROWS;

/// The benchmark's name.
pub const NAME: &str = "ring";

/// The options of this benchmark alone.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Of `ring`: seeds of each experiment
    #[arg(long, default_value_t = 20)]
    seeds: u32,
    /// Of `ring`: seeds of each experiment whose worlds have keys, where they are small enough
    #[arg(long, default_value_t = 1)]
    keyed_seeds: u32,
    /// Of `ring`: measure again what this build has measured with the same seeds
    #[arg(long)]
    anew: bool,
    /// Of `ring`: only experiments whose command line has this in it
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
    /// Of `ring`: rows that the program with this SHA-256 has measured count, too, as those of this build do. For builds of which one knows
    /// that they take the same course; may be said several times
    #[arg(long, value_name = "BUILD")]
    of: Vec<String>,
    /// Of `ring`: where the figures are kept, instead of `ring.json` among the other benchmarks' results
    #[arg(long, value_name = "FILE")]
    kept_in: Option<PathBuf>,
}

/// Runs the reference Chord, then every experiment, and prints what was reached beside the goal. After each one all so far goes to
/// `ring.json` in `results`, or where the options say: whoever stops it loses nothing but what is under way, and whoever starts it again
/// goes on there.
///
/// # Errors
/// If the simulator does not compile or does not print what it should.
pub fn bench(workspace: &Workspace, results: &Path, options: &Options) -> Result<()> {
    let program = copied(&built(workspace)?, &results.join("ring.program"))?;
    let result = options.kept_in.clone().unwrap_or_else(|| results.join("ring.json"));
    let mut kept = Kept::open(&result, &program, options.anew, &options.of)?;
    let is_wanted = |command: &String| command.contains(&options.only);
    let chord = format!("chord tables --seeds {}", options.seeds);
    if is_wanted(&chord) {
        say(&chord);
        let (tables, _) = kept.row(&chord, || Ok(json!({ "text": simulate(&program, &chord)? })))?;
        tables["text"].as_str().into_iter().flat_map(str::lines).for_each(say);
    }
    for row in &ROWS {
        for command in row.commands(options.seeds, options.keyed_seeds).into_iter().filter(is_wanted) {
            say(&command);
            let (summary, was_there) = kept.row(&command, || measured(&program, &command))?;
            if was_there {
                say(&format!("  measured before, in {} s", summary["wall_s"]));
            }
            row.goals.iter().for_each(|goal| say(&goal.line(&summary)));
        }
    }
    say(&format!("result: {}", result.display()));
    Ok(())
}

/// Fuzz of rings and of people for some minutes each from this seed on, then an hour of churn in browsers' conditions.
///
/// # Errors
/// If a world breaks an invariant; it is printed with its seed.
pub fn long_worlds(workspace: &Workspace, minutes: u32, seed: u64) -> Result<()> {
    let program = built(workspace)?;
    for (what, line) in long_lines(minutes, seed) {
        run(what, Command::new(&program).args(line.split(' ')))?;
    }
    Ok(())
}

/// The long worlds, each with what it is.
fn long_lines(minutes: u32, seed: u64) -> [(&'static str, String); 3] {
    [
        ("small worlds with many faults at once", format!("fuzz --minutes {minutes} --seed {seed}")),
        ("people who talk, with as many", format!("fuzz --people 9 --minutes {minutes} --seed {seed}")),
        ("a thousand nodes that come and go", format!("churn --session-minutes 10 --webrtc --keyed-seeds 1 --seed {seed}")),
    ]
}

/// The summary of an experiment: the last line of its JSON.
fn measured(program: &Path, command: &str) -> Result<Value> {
    let began = Instant::now();
    let lines = simulate(program, &format!("{command} --json"))?;
    let last = lines.lines().last().context("the simulator printed nothing")?;
    let mut summary: Value = serde_json::from_str(last).context("the simulator did not print JSON")?;
    summary["wall_s"] = began.elapsed().as_secs().into();
    Ok(summary)
}

fn simulate(program: &Path, command: &str) -> Result<String> {
    output(Command::new(program).args(command.split(' ')))
}

/// A program's copy: what is built while it measures for hours does not change what it measures.
fn copied(program: &Path, copy: &Path) -> Result<PathBuf> {
    // A program that runs can be removed, but not written over.
    let _was_there = fs::remove_file(copy);
    fs::copy(program, copy).with_context(|| format!("writing {}", copy.display()))?;
    Ok(copy.to_owned())
}

/// Builds the simulator.
fn built(workspace: &Workspace) -> Result<PathBuf> {
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--quiet", "--profile", "native", "--package", "b4-simulator", "--bin", "b4-simulator"]);
    run("building the simulator", &mut cargo)?;
    Ok(workspace.target.join("native").join(format!("b4-simulator{}", std::env::consts::EXE_SUFFIX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_worlds_take_the_minutes_and_begin_with_the_seed() {
        let lines = long_lines(7, 301).map(|(_, line)| line);
        let churn = "churn --session-minutes 10 --webrtc --keyed-seeds 1 --seed 301";
        let people = "fuzz --people 9 --minutes 7 --seed 301";
        assert_eq!(lines, ["fuzz --minutes 7 --seed 301", people, churn]);
    }
}
