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
        "alone --fraction 0.3 --minutes 1 --pairs 10 --links 8 --lookups 50 --keyed-seeds 0",
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
    check("deposits --count 20 --split-minutes 2 --keyed-seeds 0", 30, false);
    check("fuzz --people 3", 3, false);
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

#[test]
fn a_mean_says_how_many_seeds_have_measured_it() {
    let objects = objects("split --minutes 1 --nodes 30 --lookups 10 --seeds 2 --keyed-seeds 0 --json");
    let healed = &objects.last().unwrap()["summary"]["healed_s"];
    assert_eq!(healed["samples"], 2);
    assert!(healed["min"].as_f64() <= healed["mean"].as_f64() && healed["mean"].as_f64() <= healed["max"].as_f64(), "{healed}");
}

/// What a command says on the error output, and its exit code.
fn refused(line: &str) -> (String, Option<i32>) {
    let done = Command::new(env!("CARGO_BIN_EXE_b4-simulator")).args(line.split(' ')).output().unwrap();
    (String::from_utf8_lossy(&done.stderr).into_owned(), done.status.code())
}

#[test]
fn spans_that_are_none_and_parts_that_are_more_than_all_are_refused_with_the_reason() {
    for (line, reason) in [
        ("churn --session-minutes 0", "not more than 0"),
        ("churn --session-minutes NaN", "not more than 0"),
        ("churn --session-minutes=-3", "not more than 0"),
        ("churn --hours 0", "not more than 0"),
        ("churn --hours inf", "more than 10000"),
        ("churn --graceful 1.1", "not within 0 and 1"),
        ("deposits --session-minutes 0", "not more than 0"),
        ("fuzz --minutes NaN", "not more than 0"),
        ("fuzz --people 2", "2 is not in"),
        ("fuzz --people 5 --keys", "cannot be used with"),
        ("alone --minutes 0", "not more than 0"),
        ("split --minutes 0", "0 is not in"),
        ("deposits --crash-half --split-minutes 10", "cannot be used with"),
    ] {
        let (said, code) = refused(line);
        assert!(code == Some(2) && said.contains(reason), "{line}: {code:?} {said}");
    }
    // All may say goodbye.
    assert_eq!(objects("churn --graceful 1 --nodes 10 --hours 0.01 --session-minutes 5 --lookups 5 --seeds 1 --keyed-seeds 0 --json").len(), 2);
}

#[test]
fn a_world_of_fuzz_that_breaks_a_rule_ends_the_program_with_its_seed_and_the_command_that_runs_it_again() {
    let (said, code) = refused("fuzz --nobody --nodes 6 --seed 5 --seeds 3");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.starts_with("error: seed 5: ") && said.contains("have a place"), "{said}");
    let (_, replay) = said.split_once("replay: cargo run --profile native -p b4-simulator -- ").expect("it is a command of cargo");
    assert_eq!(refused(replay.trim()), (said.clone(), Some(1)), "the same world, the same complaint");
}

#[test]
fn every_order_of_some_deeds_can_be_run_from_the_command_line() {
    let done = Command::new(env!("CARGO_BIN_EXE_b4-simulator")).args(["fuzz", "--orders", "4"]).output().unwrap();
    assert!(String::from_utf8_lossy(&done.stdout).starts_with("42 worlds, every order of 4 deeds"), "{done:?}");
}

#[test]
fn chord_by_itself_runs_all_tables() {
    let of = |objects: Vec<BTreeMap<String, Value>>| {
        let names = objects.iter().filter(|object| object.contains_key("summary")).map(|object| object["experiment"].clone());
        names.collect::<Vec<_>>()
    };
    let all = of(objects("chord --seeds 1 --json"));
    assert_eq!((all.len(), all.first().and_then(Value::as_str)), (13, Some("chord path r=1")));
}
