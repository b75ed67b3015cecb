//! What `cargo xtask bench ring` measures, and what is to be reached.

use serde_json::Value;

/// One experiment: its command line, and what is to be reached.
pub(super) struct Row {
    command: &'static str,
    pub goals: &'static [Goal],
    seeds_max: u32,
    /// With links as browsers have them, where they are the second column: `seeds_max` at most.
    browsers_seeds_max: u32,
}

/// A measure of the simulator's report, and how far it is to go; beside it Chord's figures, where there are some.
pub(super) struct Goal {
    measure: &'static str,
    bound: Bound,
    chord: Chord,
}

#[derive(Clone, Copy)]
enum Bound {
    AtMost(f64),
    AtLeast(f64),
    /// Of every seed, not of the mean.
    EachAtMost(f64),
    /// The design has no figure of it: it is printed to be compared.
    None,
}

/// What Chord has of a measure: as the paper prints it, and as the reference Chord of this simulator does it (docs/ring-figures.md, means of 20 seeds).
#[derive(Clone, Copy)]
struct Chord {
    /// And where it is not of the same, of what.
    published: Option<(f64, &'static str)>,
    reference: Option<f64>,
}

/// Seeds of worlds of 100,000 nodes at most: each takes 11 GB, so that they run one after the other, and many minutes.
const HUGE_SEEDS_MAX: u32 = 2;
/// Seeds of worlds of 10,000 nodes with browsers' links at most: the design has no goal of its own for them, and twenty take half an hour a row.
const LARGE_BROWSERS_SEEDS_MAX: u32 = 4;

/// The goals of the design. The quickest come first, so that whoever stops early has most of them, and deposits after the rest.
pub(super) const ROWS: [Row; 24] = [
    both("hops --nodes 1000", &[beside("hops_mean", 2.9, chord(3.84, 3.767)), at_most("hops_p99", 5.0)]),
    both("hops --nodes 1000 --links 16", &[beside("hops_mean", 3.4, chord(3.84, 3.767))]),
    both("crash --fraction 0.5", &CRASH_HALF),
    both("deposits --nodes 300 --count 3000 --crash-half", &[at_most("lost", 0.0)]),
    both("deposits --nodes 300 --count 3000 --split-minutes 10", &[at_most("lost", 0.0), at_most("unavailable", 0.0), each_at_most("healed_s", 120.0)]),
    both("split --minutes 10", &[each_at_most("healed_s", 120.0), at_most("failed_twice_per_10k", 0.0)]),
    both("zombies --fraction 0.2", &[at_most("failed_twice_per_10k", 0.0)]),
    both("alone --fraction 0.5 --minutes 10", &ALONE),
    both("alone --fraction 0.5 --at-once", &ALONE),
    both("churn --session-minutes 60 --hours 0.3 --lookups 10000", &CHURN_60),
    both("churn --session-minutes 41.7 --hours 0.3 --lookups 10000", &CHURN_41_7),
    both("churn --session-minutes 30 --hours 0.3 --lookups 10000", &CHURN_30),
    both("churn --session-minutes 10 --hours 0.3 --lookups 10000", &CHURN_10),
    large("hops --nodes 10000", &[beside("hops_mean", 4.0, published(6.64)), at_most("hops_p99", 7.0), SPEED]),
    large("hops --nodes 10000 --links 16", &[beside("hops_mean", 4.9, published(6.64))]),
    large("alone --nodes 10000 --fraction 0.5 --minutes 10", &ALONE),
    large("droppers --nodes 10000 --fraction 0.12 --lookups 5000", &[at_most("failed_twice_per_10k", 10.0)]),
    large("droppers --nodes 10000 --fraction 0.22 --lookups 5000", &[at_most("failed_twice_per_10k", 300.0)]),
    huge("hops --nodes 100000 --threads 1", &[beside("hops_mean", 5.3, published(8.30)), at_most("hops_p99", 9.0), SPEED]),
    huge("hops --nodes 100000 --links 16 --threads 1", &[beside("hops_mean", 6.6, published(8.30))]),
    both("deposits --nodes 100 --count 500 --session-minutes 60 --keyed-seeds 0", &[at_most("lost_per_million", 1.0)]),
    both("deposits --nodes 100 --count 500 --session-minutes 30 --keyed-seeds 0", &[at_most("lost_per_million", 5.0)]),
    both("deposits --nodes 100 --count 500 --session-minutes 10 --keyed-seeds 0", &[at_most("lost_per_million", 80.0)]),
    // No goal of the design is of so many nodes: one world, to see that the figures of 1,000 do not rise with their number.
    once("churn --nodes 10000 --session-minutes 10 --hours 0.3 --lookups 10000", &CHURN_10_LARGE),
];

const SPEED: Goal = Goal { measure: "node_hours_per_wall_s", bound: Bound::AtLeast(300.0), chord: NO_CHORD };

const CRASH_HALF: [Goal; 3] = [
    beside("failed_per_10k", 1.0, chord(0.0, 0.0)),
    beside("hops_mean", 3.8, chord(5.09, 5.035)),
    Goal { measure: "timeouts_mean", bound: Bound::None, chord: chord(5.10, 5.358) },
];

/// The relay is killed for good: all who are left find and reach one another.
const ALONE: [Goal; 3] = [each_at_most("unreached", 0.0), at_most("failed_twice_per_10k", 0.1), each_at_most("healed_s", 600.0)];

type Goals = [Goal; 6];

/// A thousand nodes of which as many join and leave a second as table III says have sessions of a thousand seconds divided by that: 0.25 are 66.7
/// minutes, 0.40 are 41.7, its last row. Sessions of 60, 30 and 10 minutes are 0.278, 0.556 and 1.667, of which the reference alone has figures
/// (`chord churn --rate 0.278 --seeds 20`). In neither does anybody crash: their nodes say goodbye.
const CHURN_60: Goals = churn(0.5, 300.0, 0.6, Chord { published: Some((6.0, " at 66.7 min")), reference: Some(14.8) });
/// The session of Chord's paper; the design has no figure of the costs at it.
const CHURN_41_7: [Goal; 4] = [
    beside("failed_per_10k", 1.0, chord(15.0, 32.5)),
    at_most("failed_twice_per_10k", 0.1),
    at_most("first_routed_ms_p50", 3_000.0),
    at_most("first_routed_ms_p99", 3_000.0),
];
const CHURN_30: Goals = churn(1.0, 450.0, 1.1, Chord { published: None, reference: Some(68.7) });
const CHURN_10: Goals = churn(3.0, 1_000.0, 3.2, Chord { published: None, reference: Some(1_871.0) });
/// Of ten times as many nodes neither Chord has a figure.
const CHURN_10_LARGE: Goals = churn(3.0, 1_000.0, 3.2, NO_CHORD);

const fn churn(failed: f64, bytes: f64, connections: f64, chord: Chord) -> Goals {
    [
        beside("failed_per_10k", failed, chord),
        at_most("failed_twice_per_10k", 0.1),
        at_most("bytes_per_node_s", bytes),
        at_most("connections_per_node_min", connections),
        at_most("first_routed_ms_p50", 3_000.0),
        at_most("first_routed_ms_p99", 3_000.0),
    ]
}

const NO_CHORD: Chord = Chord { published: None, reference: None };

const fn published(figure: f64) -> Chord {
    Chord { published: Some((figure, "")), reference: None }
}

const fn chord(published: f64, reference: f64) -> Chord {
    Chord { published: Some((published, "")), reference: Some(reference) }
}

const fn at_most(measure: &'static str, bound: f64) -> Goal {
    Goal { measure, bound: Bound::AtMost(bound), chord: NO_CHORD }
}

const fn each_at_most(measure: &'static str, bound: f64) -> Goal {
    Goal { measure, bound: Bound::EachAtMost(bound), chord: NO_CHORD }
}

const fn beside(measure: &'static str, bound: f64, chord: Chord) -> Goal {
    Goal { measure, bound: Bound::AtMost(bound), chord }
}

/// Small worlds: as many seeds as are asked for, with either kind of links.
const fn both(command: &'static str, goals: &'static [Goal]) -> Row {
    Row { command, goals, seeds_max: u32::MAX, browsers_seeds_max: u32::MAX }
}

/// Worlds of 10,000 nodes.
const fn large(command: &'static str, goals: &'static [Goal]) -> Row {
    Row { command, goals, seeds_max: u32::MAX, browsers_seeds_max: LARGE_BROWSERS_SEEDS_MAX }
}

/// Worlds of 100,000.
const fn huge(command: &'static str, goals: &'static [Goal]) -> Row {
    Row { command, goals, seeds_max: HUGE_SEEDS_MAX, browsers_seeds_max: 1 }
}

/// A world of one seed.
const fn once(command: &'static str, goals: &'static [Goal]) -> Row {
    Row { command, goals, seeds_max: 1, browsers_seeds_max: 1 }
}

impl Row {
    /// What is run, one after the other, with ideal links and with browsers': the whole command lines.
    pub fn commands(&self, seeds: u32, keyed_seeds: u32) -> [String; 2] {
        // Large worlds have no keys anyway; some rows say for themselves how many have.
        let has_say = self.command.contains("--nodes 10000") || self.command.contains("--keyed-seeds");
        let keys = if has_say { String::new() } else { format!(" --keyed-seeds {keyed_seeds}") };
        [("", self.seeds_max), (" --webrtc", self.browsers_seeds_max)].map(|(links, max)| format!("{}{links} --seeds {}{keys}", self.command, seeds.min(max)))
    }
}

impl Goal {
    /// What a summary has of it, as a person reads it. What not every seed measured is not reached: a ring that never was whole again has no time
    /// until it was.
    pub fn line(&self, summary: &Value) -> String {
        let Goal { measure, bound, chord } = self;
        let estimate = &summary["summary"][*measure];
        let number = |name: &str| estimate[name].as_f64();
        let reached = number("mean").map_or("not measured".to_owned(), |mean| format!("{mean:.2}"));
        let interval = number("ci95").map_or(String::new(), |ci95| format!(" ± {ci95:.2}"));
        let seeds = summary["seeds"].as_u64();
        // Reports of earlier builds do not say of how many seeds a mean is.
        let samples = estimate["samples"].as_u64().or(seeds.filter(|_| estimate.is_object())).unwrap_or(0);
        let is_of_all = Some(samples) == seeds;
        let worst = match *bound {
            Bound::EachAtMost(_) => number("max").map_or(String::new(), |max| format!(", at most {max:.2}")),
            _ => String::new(),
        };
        let of = if is_of_all { String::new() } else { format!(", in {samples} seeds of {}", seeds.unwrap_or(0)) };
        let (goal, is_reached) = match *bound {
            Bound::AtMost(goal) => (format!("goal: at most {goal}"), number("mean").is_some_and(|mean| mean <= goal)),
            Bound::AtLeast(goal) => (format!("goal: at least {goal}"), number("mean").is_some_and(|mean| mean >= goal)),
            Bound::EachAtMost(goal) => (format!("goal: at most {goal} in each"), number("max").is_some_and(|max| max <= goal)),
            Bound::None => ("no goal".to_owned(), true),
        };
        let verdict = match bound {
            Bound::None => "",
            _ if is_reached && is_of_all => ": reached",
            _ => ": MISSED",
        };
        format!("  {measure:<26}{reached}{interval}{worst}{of} ({goal}{}){verdict}", chord.words())
    }
}

impl Chord {
    fn words(self) -> String {
        let published = self.published.map_or(String::new(), |(figure, of)| format!("; Chord as published {figure}{of}"));
        let reference = self.reference.map_or(String::new(), |figure| format!("; the reference Chord {figure}"));
        published + &reference
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
            let is_of_browsers = line.contains(" --webrtc ");
            let seeds = match line.split("--nodes ").nth(1).and_then(|rest| rest.split(' ').next()) {
                Some("100000") => if is_of_browsers { 1 } else { 2 },
                Some("10000") if line.starts_with("churn") => 1,
                Some("10000") if is_of_browsers => 4,
                _ => 20,
            };
            assert!(line.contains(&format!("--seeds {seeds}")) && line.matches("--keyed-seeds").count() <= 1, "{line}");
        }
    }

    fn summary() -> Value {
        json!({ "seeds": 3, "summary": {
            "hops_mean": { "mean": 2.5, "ci95": 0.1, "samples": 3, "min": 2.4, "max": 2.6 },
            "failed_per_10k": { "mean": 1.5, "ci95": null, "samples": 3, "min": 0.0, "max": 4.5 },
            "healed_s": { "mean": 40.0, "ci95": 2.0, "samples": 2, "min": 30.0, "max": 50.0 },
            "took_ms_mean": null,
        } })
    }

    #[test]
    fn a_goal_is_reached_on_its_own_side_of_the_bound_and_what_was_not_measured_is_not() {
        let line = |goal: Goal| goal.line(&summary());
        assert_eq!(
            line(beside("hops_mean", 2.9, chord(3.84, 3.767))),
            "  hops_mean                 2.50 ± 0.10 (goal: at most 2.9; Chord as published 3.84; the reference Chord 3.767): reached"
        );
        assert!(line(at_most("failed_per_10k", 1.0)).ends_with("1.50 (goal: at most 1): MISSED"));
        let at_least = |bound| Goal { measure: "hops_mean", bound: Bound::AtLeast(bound), chord: NO_CHORD };
        assert!(line(at_least(2.6)).ends_with("MISSED"));
        assert!(line(at_least(2.5)).ends_with("reached"));
        assert!(line(at_most("took_ms_mean", 120.0)).ends_with("MISSED"));
        assert!(line(Goal { measure: "hops_mean", bound: Bound::None, chord: published(5.1) }).ends_with("(no goal; Chord as published 5.1)"));
    }

    #[test]
    fn what_a_seed_did_not_reach_is_not_reached_and_the_worst_seed_is_judged_where_each_is() {
        let line = |goal: Goal, summary: &Value| goal.line(summary);
        let some = summary();
        assert!(line(at_most("healed_s", 120.0), &some).ends_with("40.00 ± 2.00, in 2 seeds of 3 (goal: at most 120): MISSED"));
        assert!(line(each_at_most("healed_s", 120.0), &some).ends_with("MISSED"), "one seed never healed");
        let mut all = some;
        all["seeds"] = 2.into();
        assert!(line(each_at_most("healed_s", 50.0), &all).ends_with("40.00 ± 2.00, at most 50.00 (goal: at most 50 in each): reached"));
        assert!(line(each_at_most("healed_s", 45.0), &all).ends_with("MISSED"), "the mean alone reaches it");
    }

    /// The rate of the paper's table III, a second, that has sessions of so many minutes among a thousand nodes; and its figures.
    #[test]
    fn the_rows_under_churn_have_the_figures_of_chord_at_the_same_session() {
        let text = include_str!("../../../simulator/src/chord/published.rs");
        assert!(text.contains("rate: 0.40, hops: 4.06, timeouts: 0.46, failed_per_10k: 15.0"));
        assert!((1_000.0 / 0.40 / 60.0_f64 - 41.7).abs() < 0.05);
        for row in ROWS.iter().filter(|row| row.command.starts_with("churn --session")) {
            let failed = row.goals.iter().find(|goal| goal.measure == "failed_per_10k").expect("each has it");
            let is_of_paper = row.command.contains("--session-minutes 41.7 ");
            assert_eq!(failed.chord.published == Some((15.0, "")), is_of_paper, "{}", row.command);
            assert!(failed.chord.reference.is_some_and(|failed| failed > 0.0), "{}", row.command);
        }
    }
}
