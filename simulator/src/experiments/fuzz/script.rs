//! Worlds of up to five nodes in which joins, leaves and crashes happen in an order that is given; and all such orders.

use b4_protocol::ring::{RingConfig, RingId};

use super::FuzzFailure;
use super::quiet::{Demands, check_quiet};
use super::watch::{RingDemand, Watch};
use crate::draws::Draws;
use crate::overlay::{LinkModel, NodeIndex, Overlay, OverlayConfig, Trust};

/// After the last deed.
const QUIET_MS: u64 = 120_000;
/// Where nodes stand: gaps of five sizes, so that no two ways are alike. In parts of 100 of the circle.
const PLACES: [u128; 5] = [3, 10, 31, 52, 83];
/// A leave is heard of at once, a crash only after a while: that is their difference.
const LINKS: LinkModel = LinkModel { silent: 1.0, detection_ms: (5_000, 30_000), ..LinkModel::IDEAL };

/// What a node of a scripted world does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// A new node starts.
    Join,
    /// The node that started as this one of all says goodbye.
    Leave(usize),
    /// It ends without a word.
    Crash(usize),
}

/// All scripts of exactly so many deeds that can happen: whoever ends has started and has not ended, and no more than five start in
/// all.
pub fn scripts(deeds: usize) -> Vec<Vec<Deed>> {
    let mut all = vec![Vec::new()];
    for _ in 0..deeds {
        all = all.iter().flat_map(|script| next_deeds(script).into_iter().map(|deed| [script.as_slice(), &[deed]].concat())).collect();
    }
    all
}

fn next_deeds(script: &[Deed]) -> Vec<Deed> {
    let started = script.iter().filter(|deed| **deed == Deed::Join).count();
    let has_ended = |which: usize| script.iter().any(|deed| *deed == Deed::Leave(which) || *deed == Deed::Crash(which));
    let ends = (0..started).filter(|which| !has_ended(*which)).flat_map(|which| [Deed::Leave(which), Deed::Crash(which)]);
    ends.chain((started < PLACES.len()).then_some(Deed::Join)).collect()
}

/// All orders round the circle in which the nodes of a script can stand: which place each takes as it starts. The circle can be
/// turned, so the first takes the first.
pub fn arrangements(script: &[Deed]) -> Vec<Vec<usize>> {
    let nodes = script.iter().filter(|deed| **deed == Deed::Join).count();
    let mut all = vec![vec![0]];
    for _ in 1..nodes {
        all = all
            .iter()
            .flat_map(|taken| (1..nodes).filter(|place| !taken.contains(place)).map(|place| [taken.as_slice(), &[place]].concat()))
            .collect();
    }
    all
}

/// Lets the deeds happen one after another, so far apart, at these places, and says what does not hold on the way or afterwards.
///
/// # Errors
/// What did not hold.
pub fn scripted_world(seed: u64, script: &[Deed], places: &[usize], apart_ms: u64, demand: RingDemand) -> Result<(), FuzzFailure> {
    run(seed, script, places, apart_ms, demand)
        .map_err(|what| FuzzFailure { seed, what: format!("{what} after {script:?}, {apart_ms} ms apart, at places {places:?}") })
}

fn run(seed: u64, script: &[Deed], places: &[usize], apart_ms: u64, demand: RingDemand) -> Result<(), String> {
    let ring = RingConfig { links: 24, tries: 3 };
    let mut world = Overlay::new(OverlayConfig { seed, ring, latency_ms: (10, 70), links: LINKS, trust: Trust::Word });
    world.set_strict();
    let mut watch = Watch::new(demand);
    let mut started: Vec<NodeIndex> = Vec::new();
    for deed in script {
        match *deed {
            Deed::Join => {
                let place = places.get(started.len()).and_then(|place| PLACES.get(*place)).copied().unwrap_or(50);
                // The seed moves it a little: ties and roundings are not what is looked at.
                let id = RingId(u128::MAX / 100 * place + u128::from(seed));
                started.push(world.join_at(id));
            }
            Deed::Leave(which) => {
                watch.ends(&world, started[which]);
                world.leave(started[which]);
            }
            Deed::Crash(which) => {
                watch.ends(&world, started[which]);
                world.crash(started[which]);
            }
        }
        world.run_watched(apart_ms, |world, touched| watch.look(world, touched))?;
    }
    world.run_watched(QUIET_MS, |world, touched| watch.look(world, touched))?;
    if world.live_count() < 2 {
        return Ok(());
    }
    check_quiet(&mut world, Demands::Full, &mut Draws::from_seed(seed, "script"))
}
