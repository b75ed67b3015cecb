//! Rings of many nodes without cryptography: what holds after faults, and that everything follows from the seed.

use b4_simulator::experiments::{self, Churn, Deed, Setup, fuzz_world, scripted_world};

fn setup(nodes: usize, seed: u64) -> Setup {
    Setup { nodes, links: 24, seed, is_webrtc: false, lookups: 300 }
}

#[test]
fn the_same_seed_takes_the_same_course_and_another_seed_another() {
    let run = |seed| experiments::hops(&setup(60, seed)).trace_hash;
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn a_ring_of_two_hundred_stays_right_while_nodes_come_and_go() {
    let churn = Churn { setup: setup(200, 3), session_minutes: 30.0, hours: 0.1, graceful: 0.3 };
    let report = experiments::churn(&churn);
    assert_eq!(report.failed_twice_per_10k, Some(0.0), "{report:?}");
    assert!(report.correct + 1 >= report.lookups, "{report:?}");
}

#[test]
fn when_half_crash_at_once_nearly_every_lookup_is_right_before_any_repair() {
    let reports = [4, 5, 6].map(|seed| experiments::crash(&setup(200, seed), 0.5));
    let (right, asked) = reports.iter().fold((0, 0), |(right, asked), report| (right + report.correct, asked + report.lookups));
    assert!(right * 100 >= asked * 98, "{right} of {asked} right");
}

#[test]
fn two_halves_are_one_ring_two_minutes_after_the_network_is_whole() {
    let report = experiments::split(&setup(100, 5), 3);
    assert!(report.healed_s.is_some_and(|healed| healed <= 120.0), "{report:?}");
    assert_eq!(report.correct, report.lookups);
}

#[test]
fn sleepers_that_wake_up_unaware_are_in_their_places_a_minute_after() {
    let report = experiments::zombies(&setup(60, 6), 0.2);
    assert_eq!(report.correct, report.lookups, "{report:?}");
}

/// Every order of joins of up to five nodes, each followed by a leave or a crash of any of them or by none, at any moment.
#[test]
fn every_order_of_join_leave_and_crash_of_up_to_five_nodes_ends_in_full_membership() {
    for nodes in 2..=5 {
        let mut scripts: Vec<Vec<Deed>> = vec![vec![Deed::Join; nodes]];
        for which in 0..nodes {
            for at in which + 1..=nodes {
                for end in [Deed::Leave(which), Deed::Crash(which)] {
                    let mut script = vec![Deed::Join; nodes];
                    script.insert(at, end);
                    scripts.push(script);
                }
            }
        }
        for (seed, script) in (1..).zip(&scripts) {
            // Far apart, and while everything else is under way.
            for apart_ms in [200, 3_000] {
                assert_eq!(scripted_world(seed, script, apart_ms), Ok(()));
            }
        }
    }
}

#[test]
fn small_worlds_with_every_fault_are_whole_when_it_is_quiet() {
    for seed in 200..206 {
        assert_eq!(fuzz_world(seed), Ok(()));
    }
}
