//! What `cargo xtask bench ring` measures, and what is to be reached.

use serde_json::Value;

/// One experiment: its command line, and what is to be reached.
pub(super) struct Row {
    command: &'static str,
    pub goals: &'static [Goal],
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
pub(super) struct Goal {
    measure: &'static str,
    bound: Bound,
    chord: Option<f64>,
}

#[derive(Clone, Copy)]
enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

/// Seeds of worlds of 100,000 nodes at most: each takes 11 GB, so that they run one after the other, and many minutes.
const HUGE_SEEDS_MAX: u32 = 2;

/// The goals of the design. The quickest come first, so that whoever stops early has most of them, and deposits after the rest.
pub(super) const ROWS: [Row; 20] = [
    both("hops --nodes 1000", &[beside("hops_mean", 2.9, 3.84), at_most("hops_p99", 5.0)]),
    both("hops --nodes 1000 --links 16", &[beside("hops_mean", 3.4, 3.84)]),
    both("crash --fraction 0.5", &[beside("failed_per_10k", 1.0, 0.0), beside("hops_mean", 3.8, 5.09)]),
    both("deposits --nodes 300 --count 3000 --crash-half", &[at_most("lost", 0.0)]),
    both("split --minutes 10", &[at_most("healed_s", 120.0), at_most("failed_twice_per_10k", 0.0)]),
    both("zombies --fraction 0.2", &[at_most("failed_twice_per_10k", 0.0)]),
    both("churn --session-minutes 60 --hours 0.3 --lookups 10000", &CHURN_60),
    both("churn --session-minutes 41.7 --hours 0.3 --lookups 10000", &CHURN_41_7),
    both("churn --session-minutes 30 --hours 0.3 --lookups 10000", &CHURN_30),
    both("churn --session-minutes 10 --hours 0.3 --lookups 10000", &CHURN_10),
    large("hops --nodes 10000", &[beside("hops_mean", 4.0, 6.64), at_most("hops_p99", 7.0), SPEED]),
    large("hops --nodes 10000 --links 16", &[beside("hops_mean", 4.9, 6.64)]),
    large("droppers --nodes 10000 --fraction 0.12 --lookups 5000", &[at_most("failed_twice_per_10k", 10.0)]),
    large("droppers --nodes 10000 --fraction 0.22 --lookups 5000", &[at_most("failed_twice_per_10k", 300.0)]),
    huge("hops --nodes 100000 --threads 1", &[beside("hops_mean", 5.3, 8.30), at_most("hops_p99", 9.0), SPEED]),
    huge("hops --nodes 100000 --links 16 --threads 1", &[beside("hops_mean", 6.6, 8.30)]),
    both("deposits --nodes 100 --count 500 --session-minutes 60 --keyed-seeds 0", &[at_most("lost_per_million", 1.0)]),
    both("deposits --nodes 100 --count 500 --session-minutes 30 --keyed-seeds 0", &[at_most("lost_per_million", 5.0)]),
    both("deposits --nodes 100 --count 500 --session-minutes 10 --keyed-seeds 0", &[at_most("lost_per_million", 80.0)]),
    // No goal of the design is of so many nodes: one world, to see that the figures of 1,000 do not rise with their number.
    once("churn --nodes 10000 --session-minutes 10 --hours 0.3 --lookups 10000", &CHURN_10),
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

/// Small worlds: as many seeds as are asked for, with either kind of links.
const fn both(command: &'static str, goals: &'static [Goal]) -> Row {
    Row { command, goals, seeds_max: u32::MAX, links: Links::IdealAndBrowsers }
}

/// Worlds of 10,000 nodes.
const fn large(command: &'static str, goals: &'static [Goal]) -> Row {
    Row { command, goals, seeds_max: u32::MAX, links: Links::Ideal }
}

/// Worlds of 100,000.
const fn huge(command: &'static str, goals: &'static [Goal]) -> Row {
    Row { command, goals, seeds_max: HUGE_SEEDS_MAX, links: Links::Ideal }
}

/// A world of one seed.
const fn once(command: &'static str, goals: &'static [Goal]) -> Row {
    Row { command, goals, seeds_max: 1, links: Links::Ideal }
}

impl Row {
    /// What is run, one after the other: the whole command lines.
    pub fn commands(&self, seeds: u32, keyed_seeds: u32) -> Vec<String> {
        let seeds = seeds.min(self.seeds_max);
        // Large worlds have no keys anyway; some rows say for themselves how many have.
        let has_say = matches!(self.links, Links::Ideal) || self.command.contains("--keyed-seeds");
        let keys = if has_say { String::new() } else { format!(" --keyed-seeds {keyed_seeds}") };
        let line = |links: &str| format!("{}{links} --seeds {seeds}{keys}", self.command);
        match self.links {
            Links::Ideal => vec![line("")],
            Links::IdealAndBrowsers => vec![line(""), line(" --webrtc")],
        }
    }
}

impl Goal {
    /// What a summary has of it, as a person reads it.
    pub fn line(&self, summary: &Value) -> String {
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use serde_json::json;

    #[test]
    fn no_two_rows_are_the_same_command_and_each_has_as_many_seeds_as_is_feasible() {
        let all: Vec<String> = ROWS.iter().flat_map(|row| row.commands(20, 1)).collect();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
        assert_eq!(all[1], "hops --nodes 1000 --webrtc --seeds 20 --keyed-seeds 1");
        for line in all {
            let seeds = if line.contains("100000 ") { 2 } else if line.starts_with("churn --nodes") { 1 } else { 20 };
            assert!(line.contains(&format!("--seeds {seeds}")) && line.matches("--keyed-seeds").count() <= 1, "{line}");
        }
    }

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
}
