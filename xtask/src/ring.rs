//! `cargo xtask bench ring` and `cargo xtask sim`: the simulator's experiments in a row, beside their goals. What they measure is
//! the simulator's business.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::process::{output, run, say};
use crate::workspace::Workspace;

/// The benchmark's name.
pub const NAME: &str = "ring";

/// One experiment: its command line, and what is to be reached.
struct Row {
    command: &'static str,
    goals: &'static [Goal],
    seeds_max: u32,
    links: Links,
}

/// Which links an experiment is run with.
#[derive(Clone, Copy)]
enum Links {
    Ideal,
    /// Once with each.
    IdealAndBrowsers,
}

/// A measure of the simulator's report, and how far it is to go; beside it Chord's published figure, where there is one.
struct Goal {
    measure: &'static str,
    bound: Bound,
    chord: Option<f64>,
}

#[derive(Clone, Copy)]
enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

/// Seeds of worlds of 10,000 nodes at most: each takes minutes, and they differ little.
const LARGE_SEEDS_MAX: u32 = 2;
/// Seeds of worlds of 100,000 nodes at most: each takes 11 GB.
const HUGE_SEEDS_MAX: u32 = 1;

/// The goals of the design, the quickest first: whoever stops early has most of them.
const ROWS: [Row; 22] = [
    both("hops --nodes 1000", &[beside("hops_mean", 2.9, 3.84), at_most("hops_p99", 5.0)]),
    both("hops --nodes 1000 --links 16", &[beside("hops_mean", 3.4, 3.84)]),
    both("crash --fraction 0.5", &[beside("failed_per_10k", 1.0, 0.0), beside("hops_mean", 3.8, 5.09)]),
    both("split --minutes 10", &[at_most("healed_s", 120.0), at_most("failed_twice_per_10k", 0.0)]),
    both("zombies --fraction 0.2", &[at_most("failed_twice_per_10k", 0.0)]),
    both("churn --session-minutes 60 --lookups 100000", &CHURN_60),
    both("churn --session-minutes 41.7 --lookups 100000", &CHURN_41_7),
    both("churn --session-minutes 30 --lookups 100000", &CHURN_30),
    both("churn --session-minutes 10 --lookups 100000", &CHURN_10),
    both("deposits --nodes 300 --count 3000 --crash-half", &[at_most("lost", 0.0)]),
    both("deposits --nodes 100 --count 2000 --session-minutes 60", &[at_most("lost_per_million", 1.0)]),
    both("deposits --nodes 100 --count 2000 --session-minutes 30", &[at_most("lost_per_million", 5.0)]),
    both("deposits --nodes 100 --count 2000 --session-minutes 10", &[at_most("lost_per_million", 80.0)]),
    large("hops --nodes 10000", &[beside("hops_mean", 4.0, 6.64), at_most("hops_p99", 7.0), SPEED]),
    large("hops --nodes 10000 --links 16", &[beside("hops_mean", 4.9, 6.64)]),
    large("droppers --nodes 10000 --fraction 0.12 --lookups 5000", &[at_most("failed_twice_per_10k", 10.0)]),
    large("droppers --nodes 10000 --fraction 0.22 --lookups 5000", &[at_most("failed_twice_per_10k", 300.0)]),
    large("churn --nodes 10000 --session-minutes 60 --hours 0.3", &CHURN_60),
    large("churn --nodes 10000 --session-minutes 30 --hours 0.3", &CHURN_30),
    large("churn --nodes 10000 --session-minutes 10 --hours 0.3", &CHURN_10),
    huge("hops --nodes 100000", &[beside("hops_mean", 5.3, 8.30), at_most("hops_p99", 9.0), SPEED]),
    huge("hops --nodes 100000 --links 16", &[beside("hops_mean", 6.6, 8.30)]),
];

const SPEED: Goal = Goal { measure: "node_hours_per_wall_s", bound: Bound::AtLeast(300.0), chord: None };

type Goals = [Goal; 6];

const CHURN_60: Goals = churn(0.5, 300.0, 0.6);
/// The session of Chord's paper; the design has no figure of the costs at it.
const CHURN_41_7: [Goal; 4] = [
    at_most("failed_per_10k", 1.0),
    at_most("failed_twice_per_10k", 0.1),
    at_most("first_routed_ms_p50", 3_000.0),
    at_most("first_routed_ms_p99", 3_000.0),
];
const CHURN_30: Goals = churn(1.0, 450.0, 1.1);
const CHURN_10: Goals = churn(3.0, 1_000.0, 3.2);

const fn churn(failed: f64, bytes: f64, connections: f64) -> Goals {
    [
        at_most("failed_per_10k", failed),
        at_most("failed_twice_per_10k", 0.1),
        at_most("bytes_per_node_s", bytes),
        at_most("connections_per_node_min", connections),
        at_most("first_routed_ms_p50", 3_000.0),
        at_most("first_routed_ms_p99", 3_000.0),
    ]
}

const fn at_most(measure: &'static str, bound: f64) -> Goal {
    Goal { measure, bound: Bound::AtMost(bound), chord: None }
}

const fn beside(measure: &'static str, bound: f64, chord: f64) -> Goal {
    Goal { measure, bound: Bound::AtMost(bound), chord: Some(chord) }
}

const fn both(command: &'static str, goals: &'static [Goal]) -> Row {
    Row { command, goals, seeds_max: u32::MAX, links: Links::IdealAndBrowsers }
}

const fn large(command: &'static str, goals: &'static [Goal]) -> Row {
    Row { command, goals, seeds_max: LARGE_SEEDS_MAX, links: Links::Ideal }
}

const fn huge(command: &'static str, goals: &'static [Goal]) -> Row {
    Row { command, goals, seeds_max: HUGE_SEEDS_MAX, links: Links::Ideal }
}

impl Row {
    /// What is run, one after the other.
    fn commands(&self) -> Vec<String> {
        match self.links {
            Links::Ideal => vec![self.command.to_owned()],
            Links::IdealAndBrowsers => vec![self.command.to_owned(), format!("{} --webrtc", self.command)],
        }
    }
}

impl Goal {
    /// What a summary has of it, as a person reads it.
    fn line(&self, summary: &Value) -> String {
        let Goal { measure, bound, chord } = self;
        let estimate = &summary["summary"][*measure];
        let mean = estimate["mean"].as_f64();
        let reached = mean.map_or("not measured".to_owned(), |mean| format!("{mean:.2}"));
        let interval = estimate["ci95"].as_f64().map_or(String::new(), |ci95| format!(" ± {ci95:.2}"));
        let (word, goal, is_reached) = match *bound {
            Bound::AtMost(goal) => ("at most", goal, mean.is_some_and(|mean| mean <= goal)),
            Bound::AtLeast(goal) => ("at least", goal, mean.is_some_and(|mean| mean >= goal)),
        };
        let verdict = if is_reached { "reached" } else { "MISSED" };
        let chord = chord.map_or(String::new(), |chord| format!("; Chord as published {chord}"));
        format!("  {measure:<26}{reached}{interval} (goal: {word} {goal}{chord}): {verdict}")
    }
}

/// Runs the reference Chord, then every experiment, and prints what was reached beside the goal. After each one all so far goes to
/// `result` as JSON: whoever stops it loses nothing but what is under way.
///
/// # Errors
/// If the simulator does not compile or does not print what it should.
pub fn bench(workspace: &Workspace, result: &Path, seeds: u32) -> Result<()> {
    let program = built(workspace)?;
    let mut chord = Command::new(&program);
    chord.args(["chord", "tables", "--seeds", &seeds.to_string()]);
    run("the reference Chord", &mut chord)?;
    let mut summaries = Vec::new();
    for row in &ROWS {
        for command in row.commands() {
            let (seeds, began) = (seeds.min(row.seeds_max), Instant::now());
            say(&format!("{command}, seeds: {seeds}"));
            let mut summary = simulate(&program, &command, seeds)?;
            row.goals.iter().for_each(|goal| say(&goal.line(&summary)));
            summary["command"] = command.into();
            summary["wall_s"] = began.elapsed().as_secs().into();
            summaries.push(summary);
            keep(&summaries, result)?;
        }
    }
    say(&format!("result: {}", result.display()));
    Ok(())
}

/// Writes a file anew, and takes the place of the old one when it is whole.
fn keep(summaries: &[Value], result: &Path) -> Result<()> {
    let beside = result.with_extension("part");
    fs::write(&beside, serde_json::to_string_pretty(summaries)?)
        .and_then(|()| fs::rename(&beside, result))
        .with_context(|| format!("writing {}", result.display()))
}

/// Fuzz for some minutes, then an hour of churn in browsers' conditions.
///
/// # Errors
/// If a world breaks an invariant; it is printed with its seed.
pub fn long_worlds(workspace: &Workspace, minutes: u32) -> Result<()> {
    let program = built(workspace)?;
    let mut fuzz = Command::new(&program);
    fuzz.args(["fuzz", "--minutes", &minutes.to_string()]);
    run("small worlds with every fault", &mut fuzz)?;
    let mut churn = Command::new(&program);
    churn.args(["churn", "--session-minutes", "10", "--webrtc"]);
    run("a thousand nodes that come and go", &mut churn)
}

/// The summary of an experiment: the last line of its JSON.
fn simulate(program: &Path, command: &str, seeds: u32) -> Result<Value> {
    let mut simulator = Command::new(program);
    simulator.args(command.split(' ')).args(["--json", "--seeds", &seeds.to_string()]);
    let lines = output(&mut simulator)?;
    let last = lines.lines().last().context("the simulator printed nothing")?;
    serde_json::from_str(last).context("the simulator did not print JSON")
}

/// Builds the simulator, once: what is edited while it measures for hours does not change what it measures.
fn built(workspace: &Workspace) -> Result<PathBuf> {
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--quiet", "--profile", "native", "--package", "b4-simulator", "--bin", "b4-simulator"]);
    run("building the simulator", &mut cargo)?;
    Ok(workspace.target.join("native").join(format!("b4-simulator{}", std::env::consts::EXE_SUFFIX)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_goal_is_reached_on_its_own_side_of_the_bound_and_what_was_not_measured_is_not() {
        let summary = json!({ "summary": { "hops_mean": { "mean": 2.5, "ci95": 0.1 }, "failed_per_10k": { "mean": 1.5, "ci95": null }, "healed_s": null } });
        let line = |goal: Goal| goal.line(&summary);
        assert_eq!(line(beside("hops_mean", 2.9, 3.84)), "  hops_mean                 2.50 ± 0.10 (goal: at most 2.9; Chord as published 3.84): reached");
        assert!(line(at_most("failed_per_10k", 1.0)).ends_with("1.50 (goal: at most 1): MISSED"));
        assert!(line(Goal { measure: "hops_mean", bound: Bound::AtLeast(2.6), chord: None }).ends_with("MISSED"));
        assert!(line(Goal { measure: "hops_mean", bound: Bound::AtLeast(2.5), chord: None }).ends_with("reached"));
        assert!(line(at_most("healed_s", 120.0)).contains("not measured (goal: at most 120): MISSED"));
    }

    #[test]
    fn whoever_stops_the_benchmark_has_what_it_measured_so_far() {
        let result = std::env::temp_dir().join(format!("b4-bench-{}.json", std::process::id()));
        for so_far in [vec![json!(1)], vec![json!(1), json!(2)]] {
            keep(&so_far, &result).expect("a temporary folder");
            assert_eq!(serde_json::from_slice::<Vec<Value>>(&fs::read(&result).expect("it is there")).expect("JSON"), so_far);
        }
        fs::remove_file(&result).expect("it was there");
    }
}
