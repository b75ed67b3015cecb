//! Experiments on a ring of which no node comes or goes while keys are looked up, but for one great event.

use super::tally::{Tally, look_up_random, random_key};
use super::Setup;
use crate::overlay::Overlay;
use crate::report::Report;

/// Lookups of the still experiments begin so far apart: far enough that they do not disturb one another.
pub(super) const GAP_MS: u64 = 5;
/// Lookups after a crash at most, one a millisecond: within these seconds next to nothing is repaired.
const CRASH_LOOKUPS: u64 = 2_000;
/// By then every lookup is answered or given up.
pub(super) const ALL_DONE_MS: u64 = 45_000;
/// Looks at whether a ring is whole again are so far apart.
const LOOK_MS: u64 = 1_000;

/// Path lengths in a ring at rest.
pub fn hops(setup: &Setup) -> Report {
    let mut world = setup.grown(2);
    looked_up(&mut world, setup, "hops")
}

/// Some nodes crash at once, and nobody hears of it: lookups before any repair.
pub fn crash(setup: &Setup, fraction: f64) -> Report {
    let mut world = setup.grown(2);
    world.set_deaf(true);
    let mut draws = setup.draws();
    let victims = drawn(&mut world, setup, fraction);
    victims.into_iter().for_each(|node| world.crash(node));
    let mut tally = Tally::begin(&mut world);
    look_up_random(&mut world, &mut draws, setup.lookups.min(CRASH_LOOKUPS), 1);
    world.run_for(ALL_DONE_MS);
    tally.take(&mut world);
    tally.report(&mut world, setup, &format!("crash {fraction}"))
}

/// Some nodes take requests and drop them; a request is tried on up to so many ways. Those that lie say that they passed it on to each
/// of the true five, so that later ways avoid these.
pub fn droppers(setup: &Setup, fraction: f64, paths: u8, is_lying: bool) -> Report {
    let mut world = setup.grown(paths);
    if is_lying {
        world.set_lying();
    }
    let mut draws = setup.draws();
    let hostile = drawn(&mut world, setup, fraction);
    hostile.into_iter().for_each(|node| world.set_dropper(node));
    let mut tally = Tally::begin(&mut world);
    for _ in 0..setup.lookups {
        // Whoever drops what others ask may still ask; it is not what is measured.
        let Some(asker) = world.draw_live().filter(|node| !world.is_dropper(*node)) else { continue };
        world.lookup(asker, random_key(&mut draws));
        world.run_for(GAP_MS);
    }
    world.run_for(ALL_DONE_MS);
    tally.take(&mut world);
    tally.report(&mut world, setup, &format!("droppers {fraction} paths {paths}{}", if is_lying { " lying" } else { "" }))
}

/// The network falls into two halves for some minutes, then is one again. Lookups once the ring is whole, or was not in ten minutes.
pub fn split(setup: &Setup, minutes: u64) -> Report {
    let mut world = setup.grown(2);
    world.split();
    world.run_for(minutes * 60_000);
    world.heal();
    let healed = time_to_heal(&mut world, 600);
    let mut report = looked_up(&mut world, setup, &format!("split {minutes} min"));
    report.healed_s = healed;
    report
}

/// Some nodes sleep for 1 to 30 minutes and wake up knowing nothing of it. Lookups 60 s after the last has woken.
pub fn zombies(setup: &Setup, fraction: f64) -> Report {
    let mut world = setup.grown(2);
    let mut draws = setup.draws();
    for node in drawn(&mut world, setup, fraction) {
        let span_ms = draws.uniform_ms(60_000, 1_800_000);
        world.suspend(node, span_ms);
    }
    world.run_for(1_800_000);
    let healed = time_to_heal(&mut world, 60);
    world.run_for(60_000_u64.saturating_sub(healed.unwrap_or(60.0) as u64 * 1_000));
    let mut report = looked_up(&mut world, setup, &format!("zombies {fraction}"));
    report.healed_s = healed;
    report
}

fn looked_up(world: &mut Overlay, setup: &Setup, experiment: &str) -> Report {
    let mut draws = setup.draws();
    let mut tally = Tally::begin(world);
    look_up_random(world, &mut draws, setup.lookups, GAP_MS);
    world.run_for(ALL_DONE_MS);
    tally.take(world);
    tally.report(world, setup, experiment)
}

/// This part of the nodes, at random.
pub(super) fn drawn(world: &mut Overlay, setup: &Setup, fraction: f64) -> Vec<crate::overlay::NodeIndex> {
    let mut draws = setup.draws();
    let mut all = world.running();
    let count = (all.len() as f64 * fraction).round() as usize;
    for place in 0..count.min(all.len()) {
        let other = place + draws.index(all.len() - place);
        all.swap(place, other);
    }
    all.truncate(count);
    all
}

/// Seconds until the ring is whole; none if it is not by then.
pub(super) fn time_to_heal(world: &mut Overlay, limit_s: u64) -> Option<f64> {
    let began_ms = world.now_ms();
    while !world.is_whole() {
        if world.now_ms() >= began_ms + limit_s * 1_000 {
            return None;
        }
        world.run_for(LOOK_MS);
    }
    Some((world.now_ms() - began_ms) as f64 / 1_000.0)
}
