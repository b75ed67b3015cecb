//! The program's command line: options that all experiments share, and the sub-commands. What they measure lies in the library.

mod chord;
mod deposits;
mod fuzz;
mod print;
mod ring;
mod seeds;

use std::io;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

pub(crate) use print::Output;
pub(crate) use seeds::over_seeds;

/// Experiments on rings of many nodes, under a virtual clock.
///
/// Everything follows from the seed: the same seed gives the same trace hash. Each experiment runs over --seeds seeds from
/// --seed on and prints means with 95 % intervals over the seeds (Student's t).
#[derive(Parser)]
#[command(name = "b4-simulator", version, about, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  b4-simulator hops --nodes 10000 --seeds 2        path lengths in a ring at rest
  b4-simulator crash --fraction 0.5                half of the nodes crash at once, lookups before any repair
  b4-simulator churn --session-minutes 10 --webrtc nodes come and go, links are as in browsers
  b4-simulator deposits --nodes 300 --copies 5     letters for people who are away for a day
  b4-simulator chord tables --seeds 20             the paper's tables II and III beside what this Chord does
  b4-simulator chord failures --fraction 0.3       one row of table II
  b4-simulator chord churn --rate 0.4 --json       one row of table III, a JSON object a seed, then their summary

JSON: one object a line. A run has the field \"experiment\" and its measures, null where the experiment does not measure one;
the last line of an experiment has \"summary\": per measure its mean, the half width ci95 of its 95 % interval and the
deviation of a single seed. node_hours_per_wall_s is the only field that the seed does not determine.";

#[derive(Subcommand)]
enum Command {
    /// Path lengths in a ring at rest.
    Hops(ring::Hops),
    /// Some nodes crash at once: lookups before any repair.
    Crash(ring::Crash),
    /// Nodes come and go all the time, as many as there were.
    Churn(ring::ChurnOptions),
    /// Some nodes take requests and drop them.
    Droppers(ring::Droppers),
    /// The network falls into two halves, and heals.
    Split(ring::Split),
    /// Some nodes sleep for 1 to 30 minutes and wake up unaware; lookups 60 s after.
    Zombies(ring::Zombies),
    /// Letters for people who are away: what is collected, late, lost, and what keeping it costs.
    Deposits(deposits::Deposits),
    /// Small worlds with every kind of fault, and what must hold when it is quiet again.
    Fuzz(fuzz::Fuzz),
    /// A reference Chord (Stoica et al. 2003), which shows that this harness measures what the paper measured.
    Chord(chord::Chord),
}

/// The options of every experiment.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Common {
    /// Nodes at the start.
    #[arg(long, global = true, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    pub nodes: u32,
    /// Overlay links that a node keeps. Chord has tables instead of links and takes no notice: see --successors.
    #[arg(long, global = true, default_value_t = 24, value_parser = clap::value_parser!(u32).range(4..=64))]
    pub links: u32,
    /// The first seed.
    #[arg(long, global = true, default_value_t = 1)]
    pub seed: u64,
    /// How many seeds, from the first on; intervals need two.
    #[arg(long, global = true, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub seeds: u64,
    /// Seeds that run at the same time.
    #[arg(long, global = true, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=64))]
    pub threads: u64,
    /// Print JSON, one object a line, instead of a table.
    #[arg(long, global = true)]
    pub json: bool,
}

/// Runs what the command line says.
pub(crate) fn run() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Hops(experiment) => experiment.run(),
        Command::Crash(experiment) => experiment.run(),
        Command::Churn(experiment) => experiment.run(),
        Command::Droppers(experiment) => experiment.run(),
        Command::Split(experiment) => experiment.run(),
        Command::Zombies(experiment) => experiment.run(),
        Command::Deposits(experiment) => experiment.run(),
        Command::Fuzz(experiment) => experiment.run(),
        Command::Chord(experiment) => experiment.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read the output has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A part of the nodes, for clap.
fn fraction(text: &str) -> Result<f64, String> {
    within(text, 0.9)
}

fn within(text: &str, most: f64) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.0..=most).contains(&value) { Ok(value) } else { Err(format!("not within 0 and {most}")) }
}
