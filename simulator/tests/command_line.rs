//! The program itself: what each sub-command prints, as whoever reads its JSON gets it.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

/// What every run says, be it null where that experiment does not measure it.
const FIELDS: [&str; 16] = [
    "nodes",
    "links",
    "seed",
    "lookups",
    "correct",
    "failed_per_10k",
    "hops_mean",
    "hops_p99",
    "timeouts_mean",
    "degree_mean",
    "degree_max",
    "bytes_per_node_s",
    "connections_per_node_min",
    "dials_failed_per_node_min",
    "node_hours_per_wall_s",
    "trace_hash",
];

/// The objects that a command prints.
fn objects(line: &str) -> Vec<BTreeMap<String, Value>> {
    let done = Command::new(env!("CARGO_BIN_EXE_b4-simulator")).args(line.split(' ')).output().unwrap();
    assert!(done.status.success(), "{line}: {}", String::from_utf8_lossy(&done.stderr));
    let text = String::from_utf8(done.stdout).unwrap();
    text.lines().map(|object| serde_json::from_str(object).unwrap_or_else(|error| panic!("{line}: {error} in {object}"))).collect()
}

/// Runs two seeds, and looks at what each says. Of these, none is null where `is_ring`.
fn check(line: &str, nodes: u64, is_ring: bool) {
    let objects = objects(&format!("{line} --nodes {nodes} --seed 3 --seeds 2 --json"));
    let runs: Vec<_> = objects.iter().filter(|object| object.contains_key("seed")).collect();
    assert_eq!(runs.iter().map(|run| run["seed"].as_u64()).collect::<Vec<_>>(), [Some(3), Some(4)], "{line}");
    for run in runs {
        for field in FIELDS {
            let value = run.get(field).unwrap_or_else(|| panic!("{line} says nothing of {field}"));
            assert!(!is_ring || !value.is_null(), "{line}: {field}");
        }
        assert_eq!(run["nodes"].as_u64(), Some(nodes), "{line}");
        assert!(run["trace_hash"].as_str().is_some_and(|hash| hash.len() == 16), "{line}");
    }
    // A fuzz is not summed up: its worlds differ.
    let summaries = objects.iter().filter(|object| object.contains_key("summary")).count();
    assert_eq!(summaries, usize::from(!line.starts_with("fuzz")), "{line}");
}

#[test]
fn the_json_of_every_experiment_on_the_ring_carries_every_measure() {
    for line in [
        "hops --links 16 --lookups 50 --keyed-seeds 1",
        "crash --fraction 0.3 --lookups 50 --keyed-seeds 0",
        "churn --session-minutes 10 --hours 0.02 --graceful 0.2 --webrtc --lookups 50 --keyed-seeds 0",
        "droppers --fraction 0.1 --paths 4 --lookups 50 --keyed-seeds 0",
        "split --minutes 1 --lookups 50 --keyed-seeds 0",
        "zombies --fraction 0.2 --lookups 50 --keyed-seeds 0",
    ] {
        check(line, 30, true);
    }
    check("fuzz --links 16", 9, true);
}

#[test]
fn the_json_of_the_other_experiments_says_null_of_what_they_do_not_measure() {
    for line in ["chord path --lookups 50", "chord failures --fraction 0.3 --lookups 50", "chord churn --rate 0.2 --lookups 50"] {
        check(line, 100, false);
    }
    check("deposits --count 20 --session-minutes 30 --away-hours 0.05 --keyed-seeds 0", 30, false);
}

#[test]
fn links_are_kept_as_many_as_are_asked_for() {
    let degree = |links: u32| {
        let objects = objects(&format!("hops --nodes 150 --links {links} --lookups 10 --seeds 1 --keyed-seeds 0 --json"));
        assert_eq!(objects[0]["links"], links);
        objects[0]["degree_mean"].as_f64().unwrap()
    };
    assert!(degree(24) > degree(12) + 4.0);
}
