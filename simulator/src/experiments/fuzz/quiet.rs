//! What holds of a small world when nothing has gone wrong for a while.

use b4_protocol::limits::{HOLDERS, NEAR_KNOWN};
use b4_protocol::ring::{Aim, Ring, RingId, Service, Side, Standing, Verdict};

use crate::draws::Draws;
use crate::overlay::{NodeIndex, Overlay, Probe, ProbeResult};

/// How many of those responsible answer what any may answer (PROTOCOL.md#ring).
const ANY: usize = 3;
/// Longer than all tries of a request.
const ANSWERED_MS: u64 = 15_000;

/// How much is demanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Demands {
    /// Everybody is a member, knows only the living, and is found; whoever is responsible for a key answers.
    Found,
    /// And knows the one beside it.
    OneRing,
    /// And is linked to everybody, where the ring is small. Not so after a split, or where a set-up may fail: who could not be reached is
    /// left alone for minutes.
    Full,
}

/// Looks, and asks.
///
/// # Errors
/// What does not hold.
pub(super) fn check_quiet(world: &mut Overlay, demands: Demands, draws: &mut Draws) -> Result<(), String> {
    check_places(world, demands)?;
    check_answers(world, demands, draws)
}

/// Everybody is a member, of one ring, in its place (Zave's: each best successor is the true one, so is each predecessor), knows only
/// the living, and links are mutual.
fn check_places(world: &Overlay, demands: Demands) -> Result<(), String> {
    let rings: Vec<&Ring> = world.rings().collect();
    let ids: Vec<RingId> = world.live_ids().collect();
    for (at, ring) in rings.iter().enumerate() {
        let me = ring.me();
        if ring.standing() != Standing::Member {
            let links: Vec<RingId> = ring.links().map(|(peer, ..)| peer).collect();
            return Err(format!("{me:?} is {:?}, linked to {links:?}, knows {:?}, of {ids:?}", ring.standing(), ring.near(Side::Next)));
        }
        let next = ids[(at + 1) % ids.len()];
        let previous = ids[(at + ids.len() - 1) % ids.len()];
        for (side, expected) in [(Side::Next, next), (Side::Previous, previous)] {
            if demands >= Demands::OneRing && ring.near(side).first() != Some(&expected) {
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
        if demands >= Demands::Full && ids.len() <= NEAR_KNOWN + 1 && ring.degree() + 1 != ids.len() {
            return Err(format!("{me:?} has {} links in a ring of {}", ring.degree(), ids.len()));
        }
    }
    Ok(())
}

/// Everybody asks for everybody, for somebody who is not there, and for keys between nodes and at their edges, by each aim; the right
/// ones answer.
fn check_answers(world: &mut Overlay, demands: Demands, draws: &mut Draws) -> Result<(), String> {
    let ids: Vec<RingId> = world.live_ids().collect();
    let askers: Vec<NodeIndex> = world.running();
    for by in &askers {
        let edge = ids[draws.index(ids.len())];
        let drawn = RingId(u128::from(draws.any()) << 64 | u128::from(draws.any()));
        let me = world.ring(*by).map(Ring::me);
        for to in ids.iter().copied().filter(|to| Some(*to) != me) {
            for service in [Service::Signal, Service::Certificate] {
                world.probe(Probe { by: *by, service, aim: Aim::Node, key: to });
            }
        }
        world.probe(Probe { by: *by, service: Service::Signal, aim: Aim::Node, key: edge.plus(1) });
        for key in [drawn, edge, edge.plus(1), edge.minus(1)] {
            world.probe(Probe { by: *by, service: Service::Lookup, aim: Aim::Any, key });
            world.probe(Probe { by: *by, service: Service::Find, aim: Aim::Key { rank: 0 }, key });
            for rank in 0..HOLDERS as u8 {
                world.probe(Probe { by: *by, service: Service::Publish, aim: Aim::Key { rank }, key });
            }
        }
        world.run_for(500);
    }
    world.run_for(ANSWERED_MS);
    let done = world.take_probes();
    let expected = askers.len() * (2 * (ids.len() - 1) + 1 + 4 * (2 + HOLDERS));
    if done.len() != expected {
        return Err(format!("{} of {expected} questions came to an end", done.len()));
    }
    match done.iter().find(|result| !is_right(result, &ids, demands)) {
        Some((probe, answer)) => {
            let by = world.ring(probe.by).map(Ring::me);
            let Probe { service, aim, key, .. } = probe;
            Err(format!("{by:?} asks {service:?} of {aim:?} {key:?} and is answered {answer:?}, of {ids:?}"))
        }
        None => Ok(()),
    }
}

/// Whether the one who answered is the one who should, of these, ascending.
fn is_right((probe, answer): &ProbeResult, ids: &[RingId], demands: Demands) -> bool {
    let is_exact = matches!(probe.aim, Aim::Key { .. }) || (probe.aim == Aim::Node && ids.binary_search(&probe.key).is_err());
    if is_exact && demands == Demands::Found {
        // Whoever cannot link to the one beside it may take itself for the first, or passes it over.
        return true;
    }
    let Some((by, verdict)) = *answer else { return false };
    let first = ids.partition_point(|id| *id < probe.key) % ids.len();
    let at = |rank: usize| ids[(first + rank) % ids.len()];
    let is_taken = verdict == Verdict::Answered;
    match probe.aim {
        Aim::Node if ids.binary_search(&probe.key).is_err() => verdict == Verdict::NoSuchNode,
        // Whoever is linked to it may tell its certificate.
        Aim::Node if probe.service == Service::Certificate => is_taken,
        Aim::Node => is_taken && by == probe.key,
        // All five hold what belongs to a key.
        Aim::Any if demands == Demands::Found => is_taken && (0..HOLDERS.min(ids.len())).any(|rank| by == at(rank)),
        Aim::Any => is_taken && (0..ANY.min(ids.len())).any(|rank| by == at(rank)),
        // In a ring of fewer the first stands for those that there are not.
        Aim::Key { rank } if usize::from(rank) >= ids.len() => is_taken && by == at(0),
        Aim::Key { rank } => is_taken && by == at(usize::from(rank)),
    }
}
