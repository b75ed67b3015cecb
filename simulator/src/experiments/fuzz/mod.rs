//! Small worlds in which everything goes wrong at once, and what must hold when it is quiet again.
//!
//! Swarm testing (Groce et al. 2012): each world draws which kinds of fault it has and how often, so that rare kinds meet.

use b4_protocol::limits::{NEAR_KNOWN, RING_LINKS_TOLD_MAX};
use b4_protocol::ring::{Ring, RingConfig, RingId, Side, Standing};

use crate::draws::Draws;
use crate::overlay::{LinkModel, NodeIndex, Overlay, OverlayConfig};

/// After the last fault: long enough for failed dials to be tried again, and for a witness to be asked for.
const QUIET_MS: u64 = 240_000;
/// Nodes at once at most.
const NODES_MAX: usize = 20;

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

/// One world of 2 to 20 nodes.
///
/// # Errors
/// What did not hold once it was quiet.
pub fn fuzz_world(seed: u64) -> Result<(), FuzzFailure> {
    let mut draws = Draws::from_seed(seed, "fuzz");
    let mut rate = || if draws.chance(0.5) { draws.below(4) + 1 } else { 0 };
    let weights = Weights { join: rate() + 2, leave: rate(), crash: rate(), suspend: rate(), split: rate(), late: rate() };
    let is_webrtc = draws.chance(0.3);
    // Pairs that can never connect are a matter of larger rings: among five, a node may have nobody beside it within reach.
    let links = if is_webrtc { LinkModel { unconnectable: 0.0, ..LinkModel::WEBRTC } } else { LinkModel::IDEAL };
    let ring = RingConfig { links: 24, tries: 3 };
    let mut world = Overlay::new(OverlayConfig { seed, ring, latency_ms: (10, 70), links });
    for _ in 0..draws.below(10) + 2 {
        world.join();
        world.run_for(draws.below(2_000));
    }
    for _ in 0..draws.below(60) + 5 {
        step(&mut world, &weights, &mut draws);
        check_bounds(&world).map_err(|what| FuzzFailure { seed, what })?;
    }
    world.heal();
    world.run_for(QUIET_MS);
    check_quiet(&world, weights.split == 0 && !is_webrtc).map_err(|what| FuzzFailure { seed, what })
}

fn step(world: &mut Overlay, weights: &Weights, draws: &mut Draws) {
    let Weights { join, leave, crash, suspend, split, late } = *weights;
    let drawn = draws.below(join + leave + crash + suspend + split + late);
    let can_end = world.live_count() > 2;
    let bounds = [join, leave, crash, suspend, split].map({
        let mut sum = 0;
        move |weight| {
            sum += weight;
            sum
        }
    });
    let victim = world.draw_live();
    match bounds.iter().position(|bound| drawn < *bound) {
        Some(0) if world.live_count() < NODES_MAX => _ = world.join(),
        Some(1) if can_end => victim.into_iter().for_each(|node| world.leave(node)),
        Some(2) if can_end => victim.into_iter().for_each(|node| world.crash(node)),
        Some(3) => victim.into_iter().for_each(|node| world.suspend(node, 1_000 + draws.below(120_000))),
        Some(4) if draws.chance(0.5) => world.split(),
        Some(4) => world.heal(),
        // Timers that come late: the node handles nothing for a moment.
        _ => victim.into_iter().for_each(|node| world.suspend(node, draws.below(3_000))),
    }
    let span_ms = if draws.chance(0.5) { draws.below(500) } else { draws.below(20_000) };
    world.run_for(span_ms);
}

/// What holds at any time.
fn check_bounds(world: &Overlay) -> Result<(), String> {
    for ring in world.rings() {
        for side in Side::BOTH {
            let list = ring.near(side);
            let ways: Vec<u128> = list.iter().map(|id| side.way(ring.me(), *id)).collect();
            if list.len() > NEAR_KNOWN || !ways.is_sorted_by(|a, b| a < b) || ways.contains(&0) {
                return Err(format!("the list of {:?} is out of order or too long: {list:?}", ring.me()));
            }
        }
        if ring.degree() > RING_LINKS_TOLD_MAX {
            return Err(format!("{:?} has {} links", ring.me(), ring.degree()));
        }
    }
    Ok(())
}

/// What holds of a world of few nodes when nothing has gone wrong for a while: everybody is a member, of one ring, in its place
/// (Zave's: each best successor is the true one, so is each predecessor), knows only the living, and links are mutual. `is_full`: in a small
/// ring everybody is linked to everybody. Not so after a split: who could not be reached is left alone for ten minutes.
fn check_quiet(world: &Overlay, is_full: bool) -> Result<(), String> {
    check_bounds(world)?;
    let rings: Vec<&Ring> = world.rings().collect();
    let ids: Vec<RingId> = rings.iter().map(|ring| ring.me()).collect();
    for (at, ring) in rings.iter().enumerate() {
        let me = ring.me();
        if ring.standing() != Standing::Member {
            return Err(format!("{me:?} is {:?}, linked to {:?}, knows {:?}, of {ids:?}", ring.standing(), ring.links().collect::<Vec<_>>(), ring.near(Side::Next)));
        }
        let next = ids[(at + 1) % ids.len()];
        let previous = ids[(at + ids.len() - 1) % ids.len()];
        for (side, expected) in [(Side::Next, next), (Side::Previous, previous)] {
            if ring.near(side).first() != Some(&expected) {
                return Err(format!("{me:?} has {:?} beside it, not {expected:?}, of {ids:?}", ring.near(side).first()));
            }
            if let Some(dead) = ring.near(side).iter().find(|id| !ids.contains(id)) {
                return Err(format!("{me:?} still knows {dead:?}"));
            }
        }
        let is_mutual = |peer: RingId| rings.iter().any(|other| other.me() == peer && other.is_linked(me));
        if let Some((peer, ..)) = ring.links().find(|(peer, ..)| !is_mutual(*peer)) {
            return Err(format!("{me:?} is linked to {peer:?}, which is not linked to it"));
        }
        if is_full && ids.len() <= NEAR_KNOWN && ring.degree() + 1 != ids.len() {
            return Err(format!("{me:?} has {} links in a ring of {}", ring.degree(), ids.len()));
        }
    }
    Ok(())
}

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

/// Lets the deeds happen one after another, so far apart, and says what does not hold afterwards.
///
/// # Errors
/// What did not hold once it was quiet.
pub fn scripted_world(seed: u64, deeds: &[Deed], apart_ms: u64) -> Result<(), FuzzFailure> {
    let ring = RingConfig { links: 24, tries: 3 };
    let mut world = Overlay::new(OverlayConfig { seed, ring, latency_ms: (10, 70), links: LinkModel::IDEAL });
    let mut started: Vec<(NodeIndex, u32)> = Vec::new();
    for deed in deeds {
        match *deed {
            Deed::Join => {
                let node = world.join();
                started.push((node, world.life(node)));
            }
            Deed::Leave(which) | Deed::Crash(which) => {
                let (node, life) = started[which];
                if world.life(node) == life {
                    if matches!(deed, Deed::Leave(_)) { world.leave(node) } else { world.crash(node) }
                }
            }
        }
        world.run_for(apart_ms);
    }
    world.run_for(QUIET_MS / 4);
    let check = if world.live_count() < 2 { Ok(()) } else { check_quiet(&world, true) };
    check.map_err(|what| FuzzFailure { seed, what: format!("{what} after {deeds:?}") })
}
