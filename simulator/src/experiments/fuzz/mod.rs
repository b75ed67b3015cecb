//! Small worlds in which everything goes wrong at once: what must hold at every moment, and what when it is quiet again.
//!
//! Swarm testing (Groce et al. 2012): each world draws which kinds of fault it has and how often, so that rare kinds meet. The
//! scripted worlds beside them have joins and ends alone, in an order that is given.

mod quiet;
mod script;
mod watch;

use b4_protocol::ring::RingConfig;

use super::Setup;
use super::tally::{Tally, look_up_random};
use crate::draws::Draws;
use crate::overlay::{LinkModel, Overlay, OverlayConfig, Trust};
use crate::report::Report;

pub use script::{Deed, arrangements, scripted_world, scripts};

use quiet::{Demands, check_quiet};
use watch::Watch;

pub use watch::{Looked, RingDemand};

/// After the last fault: long enough for failed dials to be tried again, and for a witness to be asked for.
const QUIET_MS: u64 = 240_000;
/// Keys looked up once it is quiet, so that a world can be told in the terms of the other experiments.
const LOOKUPS: u64 = 20;
const LOOKUP_MS: u64 = 500;
/// By then every lookup is answered or given up.
const ALL_DONE_MS: u64 = 15_000;
/// Nodes at once at least, where pairs cannot connect: among few, a node may have nobody within reach.
const NODES_MIN_APART: usize = 8;
/// One world in so many has pairs that can never connect.
const APART_EVERY: u64 = 5;
/// Part of the pairs there.
const APART: f64 = 0.12;

/// A small world, before its seed draws what happens in it.
#[derive(Clone, Copy, Debug)]
pub struct Fuzz {
    /// Everything follows from it.
    pub seed: u64,
    /// Nodes at once at most, two at least.
    pub nodes: usize,
    /// Links that a node aims at.
    pub links: usize,
    /// What is demanded of the members at every moment.
    pub demand: RingDemand,
    /// How nodes know each other.
    pub trust: Trust,
}

impl Fuzz {
    /// The worlds that the tests have: small rings, and the first sizes above.
    pub fn usual(seed: u64, demand: RingDemand) -> Self {
        Self { seed, nodes: 20, links: 24, demand, trust: Trust::Word }
    }
}

/// A world in which everything held.
#[derive(Clone, Debug)]
pub struct Fuzzed {
    /// The traffic of all of it, and lookups at its end, which nothing is demanded of.
    pub report: Report,
    /// How much of it was looked at.
    pub looked: Looked,
}

/// What did not hold in a world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FuzzFailure {
    /// Its seed: the same seed fails again.
    pub seed: u64,
    /// What.
    pub what: String,
}

/// How often each kind of step is drawn.
struct Weights {
    join: u64,
    leave: u64,
    crash: u64,
    suspend: u64,
    split: u64,
    late: u64,
}

/// A world, and the eyes on it.
struct Watched {
    world: Overlay,
    watch: Watch,
    draws: Draws,
    weights: Weights,
    /// Fewer than these never remain.
    nodes_min: usize,
    nodes_max: usize,
}

/// One world.
///
/// # Errors
/// What did not hold at some moment, or once it was quiet.
pub fn fuzz_world(fuzz: &Fuzz) -> Result<Fuzzed, FuzzFailure> {
    run(fuzz).map_err(|what| FuzzFailure { seed: fuzz.seed, what })
}

fn run(fuzz: &Fuzz) -> Result<Fuzzed, String> {
    let Fuzz { seed, nodes, links, demand, trust } = *fuzz;
    let mut draws = Draws::from_seed(seed, "fuzz");
    let mut rate = || if draws.chance(0.5) { draws.below(4) + 1 } else { 0 };
    let weights = Weights { join: rate() + 2, leave: rate(), crash: rate(), suspend: rate(), split: rate(), late: rate() };
    let is_webrtc = draws.chance(0.3);
    let is_apart = seed % APART_EVERY == APART_EVERY - 1 && nodes >= NODES_MIN_APART;
    let model = if is_webrtc { LinkModel::WEBRTC } else { LinkModel::IDEAL };
    let link_model = LinkModel { unconnectable: if is_apart { APART } else { 0.0 }, ..model };
    let demands = if is_apart {
        Demands::Found
    } else if weights.split == 0 && !is_webrtc {
        Demands::Full
    } else {
        Demands::OneRing
    };
    let ring = RingConfig { links, tries: 3 };
    let mut world = Overlay::new(OverlayConfig { seed, ring, latency_ms: (10, 70), links: link_model, trust });
    world.set_strict();
    let tally = Tally::begin(&mut world);
    let nodes_min = if is_apart { NODES_MIN_APART } else { 2 };
    let watch = Watch::new(if is_apart { RingDemand::None } else { demand });
    let mut fuzz = Watched { world, watch, draws, weights, nodes_min, nodes_max: nodes };
    for _ in 0..(fuzz.draws.below(10) + nodes_min as u64).min(nodes as u64) {
        fuzz.world.join();
        let span_ms = fuzz.draws.below(2_000);
        fuzz.pass(span_ms)?;
    }
    for _ in 0..fuzz.draws.below(60) + 5 {
        fuzz.step()?;
    }
    fuzz.watch.disturbed(fuzz.world.is_split());
    fuzz.world.heal();
    fuzz.pass(QUIET_MS)?;
    check_quiet(&mut fuzz.world, demands, &mut fuzz.draws)?;
    look_up_random(&mut fuzz.world, &mut fuzz.draws, LOOKUPS, LOOKUP_MS);
    fuzz.world.run_for(ALL_DONE_MS);
    let setup = Setup { nodes, links, seed, is_webrtc, lookups: LOOKUPS, trust };
    Ok(Fuzzed { report: tally.report(&mut fuzz.world, &setup, "fuzz"), looked: fuzz.watch.looked })
}

impl Watched {
    fn pass(&mut self, span_ms: u64) -> Result<(), String> {
        let watch = &mut self.watch;
        self.world.run_watched(span_ms, |world, touched| watch.look(world, touched))
    }

    /// One thing happens, and some time passes.
    fn step(&mut self) -> Result<(), String> {
        let Weights { join, leave, crash, suspend, split, late } = self.weights;
        let drawn = self.draws.below(join + leave + crash + suspend + split + late);
        let can_end = self.world.live_count() > self.nodes_min;
        let bounds = [join, leave, crash, suspend, split].map({
            let mut sum = 0;
            move |weight| {
                sum += weight;
                sum
            }
        });
        let Some(victim) = self.world.draw_live() else { return Ok(()) };
        match bounds.iter().position(|bound| drawn < *bound) {
            Some(0) if self.world.live_count() < self.nodes_max => _ = self.world.join(),
            Some(1) if can_end => {
                self.watch.ends(&self.world, victim);
                self.world.leave(victim);
            }
            Some(2) if can_end => {
                self.watch.ends(&self.world, victim);
                self.world.crash(victim);
            }
            Some(3) => {
                let span_ms = 1_000 + self.draws.below(120_000);
                self.suspend(victim, span_ms);
            }
            Some(4) => {
                self.watch.disturbed(true);
                if self.draws.chance(0.5) { self.world.split() } else { self.world.heal() }
            }
            // Timers that come late: the node handles nothing for a moment.
            _ => {
                let span_ms = self.draws.below(3_000);
                self.suspend(victim, span_ms);
            }
        }
        let span_ms = if self.draws.chance(0.5) { self.draws.below(500) } else { self.draws.below(20_000) };
        self.pass(span_ms)
    }

    fn suspend(&mut self, victim: u32, span_ms: u64) {
        self.watch.sleeps(&self.world, victim, span_ms);
        self.world.suspend(victim, span_ms);
    }
}
