//! The program's command line: options that all experiments share, and the sub-commands. What they measure lies in the library.

mod chord;
mod deposits;
mod fuzz;
mod keys;
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
  b4-simulator hops --nodes 10000 --seeds 2          path lengths in a ring at rest
  b4-simulator crash --fraction 0.5                  half of the nodes crash at once, lookups before any repair
  b4-simulator alone --fraction 0.5 --minutes 10     the relay is killed for good, half crash, strangers still reach each other
  b4-simulator churn --session-minutes 10 --webrtc   nodes come and go, links are as in browsers
  b4-simulator droppers --fraction 0.22 --paths 8    some take requests and drop them
  b4-simulator split --minutes 10 --nodes 200        two halves that become one ring again
  b4-simulator zombies --fraction 0.2 --nodes 200    some sleep and wake up unaware
  b4-simulator deposits --nodes 300 --copies 5       letters for people who are away for a day
  b4-simulator fuzz --minutes 10                     small worlds with many faults at once, until one breaks a rule
  b4-simulator chord tables --seeds 20               the paper's tables II and III beside what this Chord does
  b4-simulator chord failures --fraction 0.3         one row of table II
  b4-simulator chord churn --rate 0.4 --json         one row of table III, a JSON object a seed, then their summary

Keys: worlds of up to 1,000 nodes have them. Each node's place comes from a certificate (RSA-2048, the keys ready-made), and a link opens after
the product's handshake: some 5 ms, 140 s for a world of 1,000 to grow. --keyed-seeds gives them to fewer seeds. Larger worlds, those of fuzz
(unless --keys) and Chord have none: a node is believed to be whoever it says. The course, and so every measure but the speed, is the same.

Measures, of each seed:
  lookups, correct           keys looked up; those whose first try was answered by one of the key's true first five members: of the nodes that
                             are in their places when the lookup arrives, so that live ones that are still joining do not count
  failed_per_10k             the others, of 10,000; failed_twice_per_10k those that failed on all ways
  hops_mean, hops_p99        of a lookup from the asker to whoever answers
  timeouts_mean              hops of a lookup that did not answer in time, or were gone while they were asked, on all its ways
  took_ms_mean               from asking to the answer
  degree_mean, degree_max    links of a node at the end
  bytes_per_node_s           sent for the ring, a second; signal_bytes_per_node_s the sealed signalling of new links, and all that passes it on
  connections_per_node_min   new connections a minute, of all, for each node: one counts once, not at both ends (a node has twice as many)
  dials_failed_per_node_min  dials a minute that came to nothing, of all, for each node: not among the connections
  join_ms_mean               from a node's start to its place in the ring
  first_routed_ms_p50        from a node's start to the answer to its first request: the median; first_routed_ms_p99 the 99th percentile
  healed_s                   until the ring was whole again; null where it never was
  node_hours_per_wall_s      hours of a node's life that were simulated in a second of the wall clock, on one core
  trace_hash                 fingerprint of the course: when what kind of thing happened to whom; equal for equal seeds and options

JSON: one object a line. A run has the field \"experiment\" and its measures, null where the experiment does not measure one;
the last line of an experiment has \"summary\": per measure its mean, the half width ci95 of its 95 % interval, the
deviation of a single seed, the number of seeds that measured it (samples: who never became whole has no healed_s), their min and max. node_hours_per_wall_s is the only field that the seed does not determine.";

#[derive(Subcommand)]
enum Command {
    /// Path lengths in a ring at rest.
    Hops(ring::Hops),
    /// Some nodes crash at once: lookups before any repair, at most 2,000 a seed, as later ones would profit from it.
    Crash(ring::Crash),
    /// The relay is killed for good, some nodes crash: those left find and reach one another by the ring alone.
    Alone(ring::AloneOptions),
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
    /// Small worlds with many kinds of fault at once, and what must hold at every moment and when it is quiet again.
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
        Command::Alone(experiment) => experiment.run(),
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

/// A part of anything, for clap.
fn part(text: &str) -> Result<f64, String> {
    within(text, 1.0)
}

/// A span in minutes, for clap.
fn minutes(text: &str) -> Result<f64, String> {
    over_none(text, 1e6)
}

fn over_none(text: &str, most: f64) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if value > 0.0 && value <= most { Ok(value) } else { Err(format!("not more than 0, or more than {most}")) }
}

fn within(text: &str, most: f64) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.0..=most).contains(&value) { Ok(value) } else { Err(format!("not within 0 and {most}")) }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_experiment_takes_the_same_five_options_and_says_what_each_of_its_options_does() {
        let mut command = Cli::command();
        command.build();
        let experiments: Vec<_> = command.get_subcommands().filter(|experiment| experiment.get_name() != "help").collect();
        assert_eq!(experiments.len(), 10);
        for experiment in experiments {
            let name = experiment.get_name();
            let options: Vec<_> = experiment.get_arguments().filter(|option| option.get_id() != "help").collect();
            for common in ["nodes", "links", "seed", "seeds", "json"] {
                assert!(options.iter().any(|option| option.get_long() == Some(common)), "{name} --{common}");
            }
            assert!(experiment.get_about().is_some(), "{name}");
            for option in options {
                assert!(option.get_help().is_some_and(|help| help.to_string().len() > 5), "{name} {}", option.get_id());
            }
        }
    }

    #[test]
    fn the_help_says_what_every_measure_is() {
        let help = Cli::command().render_help().to_string();
        for (measure, _) in b4_simulator::report::Report::new("any", 2, 1).measures() {
            assert!(help.contains(measure), "{measure}");
        }
    }

    /// The lines after the program's name that a document or `cargo xtask bench ring` tells to run.
    fn told(text: &str) -> Vec<String> {
        let marks = ["b4-simulator -- ", "  b4-simulator ", "both(\"", "large(\"", "huge(\"", "once(\""];
        let rest = |line: &str| marks.iter().find_map(|mark| line.split_once(mark).map(|(_, rest)| rest.to_owned()));
        let command = |rest: String| rest.split(['#', '"', '`', '…']).next().map(|told| told.split("  ").next().unwrap_or_default().trim().to_owned());
        text.lines().filter_map(rest).filter_map(command).filter(|told| !told.is_empty()).collect()
    }

    #[test]
    fn whatever_the_documents_the_help_and_the_benchmark_tell_to_run_can_be_run() {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
        let files = ["README.md", "docs/ring-figures.md", "docs/delivery-figures.md", "docs/testing.md", "xtask/src/ring/rows.rs"];
        let texts = files.map(|file| std::fs::read_to_string(format!("{root}/{file}")).expect("it is there"));
        let lines: Vec<String> = texts.iter().map(String::as_str).chain([EXAMPLES]).flat_map(told).collect();
        assert!(lines.len() >= 35, "{lines:#?}");
        for line in lines {
            let parsed = Cli::try_parse_from(std::iter::once("b4-simulator").chain(line.split_whitespace()));
            assert!(parsed.is_ok(), "{line}: {}", parsed.err().map(|error| error.to_string()).unwrap_or_default());
        }
    }
}
