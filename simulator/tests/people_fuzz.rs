//! Small worlds of whole nodes in which everything goes wrong: nothing is lost, nothing comes twice, and everybody finds everybody.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use b4_simulator::experiments::{Fault, FuzzFailure, PeopleFuzz, fuzz_people};

/// Worlds of these seeds; each that fails is printed with the command that runs it again.
fn check(seeds: RangeInclusive<u64>) {
    let (mut happened, mut texts, mut lookups) = (BTreeMap::<Fault, usize>::new(), 0, 0);
    for seed in seeds {
        let people = 7;
        match fuzz_people(&PeopleFuzz { seed, people }) {
            Ok(fuzzed) => {
                fuzzed.faults.into_iter().for_each(|(fault, count)| *happened.entry(fault).or_default() += count);
                texts += fuzzed.texts;
                lookups += fuzzed.lookups;
            }
            Err(FuzzFailure { seed, what }) => {
                panic!("seed {seed}: {what}\nreplay: cargo run --profile native -p b4-simulator -- fuzz --people {people} --seed {seed} --seeds 1");
            }
        }
    }
    for fault in Fault::ALL {
        assert!(happened.get(&fault).is_some_and(|count| *count >= 2), "{fault:?} happened: {happened:?}");
    }
    assert!(texts > 300 && lookups >= 10, "{texts} texts, {lookups} strangers found");
}

#[test]
fn whatever_goes_wrong_among_people_who_talk_nothing_is_lost_and_everybody_is_found() {
    check(1..=6);
}

#[test]
fn whatever_goes_wrong_among_people_who_talk_nothing_is_lost_and_everybody_is_found_2() {
    check(7..=12);
}

#[test]
fn the_same_seed_makes_the_same_world_of_people() {
    let run = |seed| fuzz_people(&PeopleFuzz { seed, people: 5 }).expect("it holds");
    assert_eq!(run(3), run(3));
    assert_ne!(run(3).trace, run(4).trace);
}
