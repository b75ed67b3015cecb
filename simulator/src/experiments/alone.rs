//! The relay is killed for good, and some nodes crash: whether those who are left find and reach one another without it.

use super::Setup;
use super::still::{ALL_DONE_MS, GAP_MS, drawn, time_to_heal};
use super::tally::{Tally, look_up_random};
use crate::overlay::{NodeIndex, Overlay, ReachResult};
use crate::report::{Reach, Report};

/// What happens after the relay has died.
#[derive(Clone, Copy, Debug)]
pub struct Alone {
    /// The world.
    pub setup: Setup,
    /// Part of the nodes that crash.
    pub fraction: f64,
    /// Over how long their crashes are spread.
    pub minutes: f64,
    /// They all crash in the same moment instead.
    pub is_at_once: bool,
    /// Pairs of nodes that are to open a link.
    pub pairs: usize,
}

/// How long the ring is given to become whole.
const HEAL_S: u64 = 600;
/// From one pair to the next.
const PAIR_GAP_MS: u64 = 20;
/// By then every pair is linked or has given up: five dials, of which each takes some tries of a request and a set-up without a path.
const PAIRS_DONE_MS: u64 = 180_000;

/// Runs it: a ring grows, the relay dies, some crash, the rest heals; then keys are looked up, and strangers open links.
pub fn alone(alone: &Alone) -> Report {
    let setup = &alone.setup;
    let mut world = setup.grown(2);
    world.kill_relay();
    crash_some(alone, &mut world);
    let healed_s = time_to_heal(&mut world, HEAL_S);
    let left = Setup { nodes: world.live_count(), ..*setup };
    let mut tally = Tally::begin(&mut world);
    look_up_random(&mut world, &mut setup.draws(), setup.lookups, GAP_MS);
    world.run_for(ALL_DONE_MS);
    tally.take(&mut world);
    let reaches = reach_random(&mut world, alone.pairs);
    let how = if alone.is_at_once { "at once".to_owned() } else { format!("in {} min", alone.minutes) };
    let mut report = tally.report(&mut world, &left, &format!("alone {} {how}", alone.fraction));
    report.nodes = setup.nodes;
    report.healed_s = healed_s;
    report.reach = Some(summed(&reaches));
    report
}

fn crash_some(alone: &Alone, world: &mut Overlay) {
    let mut draws = crate::draws::Draws::from_seed(alone.setup.seed, "alone");
    let span_ms = if alone.is_at_once { 0 } else { (alone.minutes * 60_000.0) as u64 };
    let began_ms = world.now_ms();
    let victims = drawn(world, &alone.setup, alone.fraction);
    let mut ends: Vec<(u64, NodeIndex)> = victims.into_iter().map(|node| (began_ms + draws.below(span_ms + 1), node)).collect();
    ends.sort_unstable();
    for (at_ms, node) in ends {
        world.run_until(at_ms);
        world.crash(node);
    }
    world.run_until(began_ms + span_ms);
}

fn reach_random(world: &mut Overlay, pairs: usize) -> Vec<ReachResult> {
    for _ in 0..pairs {
        if let Some((by, to)) = world.draw_strangers() {
            world.reach(by, to);
        }
        world.run_for(PAIR_GAP_MS);
    }
    world.run_for(PAIRS_DONE_MS);
    world.take_reaches()
}

fn summed(reaches: &[ReachResult]) -> Reach {
    let mut took_ms: Vec<u64> = reaches.iter().filter_map(|reach| reach.took_ms).collect();
    took_ms.sort_unstable();
    let percentile = |part: usize| took_ms.get(took_ms.len() * part / 100).map(|ms| *ms as f64);
    Reach {
        pairs: reaches.len() as u64,
        reached: took_ms.len() as u64,
        unreached: (reaches.len() - took_ms.len()) as u64,
        reached_at_once: reaches.iter().filter(|reach| reach.took_ms.is_some() && reach.dials == 1).count() as u64,
        reach_ms_p50: percentile(50),
        reach_ms_p99: percentile(99),
    }
}
