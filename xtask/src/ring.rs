//! `cargo xtask bench ring` and `cargo xtask sim`: the simulator's experiments in a row, beside their goals. What they measure is
//! the simulator's business.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::process::{output, run, say};
use crate::workspace::Workspace;

/// The benchmark's name.
pub const NAME: &str = "ring";

/// One experiment: its command line, and what is to be reached.
struct Row {
    command: &'static str,
    /// Measure, goal; and Chord's published figure, where there is one.
    goals: &'static [(&'static str, f64, Option<f64>)],
}

/// The goals of the design. Those of 10,000 nodes and more are measured with two seeds.
const ROWS: [Row; 14] = [
    Row { command: "hops --nodes 1000", goals: &[("hops_mean", 2.9, Some(3.84)), ("hops_p99", 5.0, None)] },
    Row { command: "hops --nodes 1000 --links 16", goals: &[("hops_mean", 3.4, Some(3.84))] },
    Row { command: "hops --nodes 10000", goals: &[("hops_mean", 4.0, Some(6.64)), ("hops_p99", 7.0, None)] },
    Row { command: "crash --fraction 0.5", goals: &[("failed_per_10k", 1.0, Some(0.0)), ("hops_mean", 3.8, Some(5.09))] },
    Row { command: "churn --session-minutes 60 --lookups 100000", goals: &CHURN_60 },
    Row { command: "churn --session-minutes 30 --lookups 100000", goals: &CHURN_30 },
    Row { command: "churn --session-minutes 10 --lookups 100000", goals: &CHURN_10 },
    Row { command: "churn --session-minutes 60 --lookups 100000 --webrtc", goals: &CHURN_60 },
    Row { command: "churn --session-minutes 30 --lookups 100000 --webrtc", goals: &CHURN_30 },
    Row { command: "churn --session-minutes 10 --lookups 100000 --webrtc", goals: &CHURN_10 },
    Row { command: "droppers --nodes 10000 --fraction 0.12 --lookups 5000", goals: &[("failed_twice_per_10k", 10.0, None)] },
    Row { command: "droppers --nodes 10000 --fraction 0.22 --lookups 5000", goals: &[("failed_twice_per_10k", 300.0, None)] },
    Row { command: "split --minutes 10", goals: &[("healed_s", 120.0, None), ("failed_twice_per_10k", 0.0, None)] },
    Row { command: "zombies --fraction 0.2", goals: &[("failed_twice_per_10k", 0.0, None)] },
];

type Goals = [(&'static str, f64, Option<f64>); 5];

const CHURN_60: Goals = churn(0.5, 300.0, 0.6);
const CHURN_30: Goals = churn(1.0, 450.0, 1.1);
const CHURN_10: Goals = churn(3.0, 1_000.0, 3.2);

const fn churn(failed: f64, bytes: f64, connections: f64) -> Goals {
    [
        ("failed_per_10k", failed, None),
        ("failed_twice_per_10k", 0.1, None),
        ("bytes_per_node_s", bytes, None),
        ("connections_per_node_min", connections, None),
        ("first_routed_ms_p50", 3_000.0, None),
    ]
}

/// Runs every experiment and prints what was reached beside the goal; all of it goes to `result` as JSON. The reference Chord last.
///
/// # Errors
/// If the simulator does not compile or does not print what it should.
pub fn bench(workspace: &Workspace, result: &Path, seeds: u32) -> Result<()> {
    let mut summaries = Vec::new();
    for row in &ROWS {
        let is_large = row.command.contains("10000 ");
        let seeds = if is_large || row.command.ends_with("10000") { seeds.min(2) } else { seeds };
        say(&format!("{}, {seeds} seeds", row.command));
        let summary = simulate(workspace, row.command, seeds)?;
        for (measure, goal, chord) in row.goals {
            let estimate = &summary["summary"][*measure];
            let mean = estimate["mean"].as_f64();
            let reached = mean.map_or("not measured".to_owned(), |mean| format!("{mean:.2}"));
            let interval = estimate["ci95"].as_f64().map_or(String::new(), |ci95| format!(" ± {ci95:.2}"));
            let verdict = if mean.is_some_and(|mean| mean <= *goal) { "reached" } else { "MISSED" };
            let chord = chord.map_or(String::new(), |chord| format!("; Chord as published {chord}"));
            say(&format!("  {measure:<26}{reached}{interval} (goal {goal}{chord}): {verdict}"));
        }
        summaries.push(summary);
    }
    fs::write(result, serde_json::to_string_pretty(&summaries)?).with_context(|| format!("writing {}", result.display()))?;
    say(&format!("result: {}", result.display()));
    let mut chord = simulator(workspace);
    chord.args(["chord", "tables", "--seeds", &seeds.to_string()]);
    run("the reference Chord", &mut chord)
}

/// Fuzz for some minutes, then an hour of churn in browsers' conditions.
///
/// # Errors
/// If a world breaks an invariant; it is printed with its seed.
pub fn long_worlds(workspace: &Workspace, minutes: u32) -> Result<()> {
    let mut fuzz = simulator(workspace);
    fuzz.args(["fuzz", "--minutes", &minutes.to_string()]);
    run("small worlds with every fault", &mut fuzz)?;
    let mut churn = simulator(workspace);
    churn.args(["churn", "--session-minutes", "10", "--webrtc"]);
    run("a thousand nodes that come and go", &mut churn)
}

/// The summary of an experiment: the last line of its JSON.
fn simulate(workspace: &Workspace, command: &str, seeds: u32) -> Result<Value> {
    let mut simulator = simulator(workspace);
    simulator.args(command.split(' ')).args(["--json", "--seeds", &seeds.to_string()]);
    let lines = output(&mut simulator)?;
    let last = lines.lines().last().context("the simulator printed nothing")?;
    serde_json::from_str(last).context("the simulator did not print JSON")
}

fn simulator(workspace: &Workspace) -> std::process::Command {
    let mut cargo = workspace.cargo();
    cargo.args(["run", "--quiet", "--profile", "native", "--package", "b4-simulator", "--bin", "b4-simulator", "--"]);
    cargo
}
