//! What must hold at every moment of a small world, whatever goes wrong: looked at after everything that happens.
//!
//! Of each node that something happened to: both lists in order, bounded, without itself; nobody in them who ended long ago; links
//! as the network has them, each mutual or with its end on the way; nobody without links in a place, nobody with links without
//! neighbours; no message beyond a bound (the world looks at those).
//!
//! Of all together, after Zave (How to make Chord correct, 2017): the *best successor* of a node of the ring is the first in its list that
//! is of the ring. From each, best successors lead round one circle, which meets the places in order. Zave shows it to hold through joins and
//! ends, once it holds, while nobody is believed dead who lives, and nobody loses all that they know at once; so it is demanded from the first moment
//! at which everybody is in place, and again after a long sleep or a split once everybody is. Of the ring are those who were in place
//! then, and since then newcomers from the moment that [`RingDemand`] says: two of them may find each other first, and are a ring of their
//! own until they find the other.
//! Zave's other clause, that there are always r + 1 *principals*, whom nobody passes over, is counted and not demanded: it is how a ring of more than
//! a few begins there, while ours begin with one node, and a newcomer is no principal until those before it know it. (Of the 200 worlds that are
//! tests: one at least in rings of 4 to 7, three of 9, and r + 1 = 4 from 10 on, where r is the three successors that are linked.)
//! That everybody is *on* the circle is never demanded: newcomers hang on it. Nothing of this is demanded where pairs can never connect: whom a node
//! cannot link to it knows from others alone.

use std::collections::{BTreeMap, BTreeSet};

use b4_protocol::limits::{NEAR_KNOWN, RING_LINKS_TOLD_MAX, RING_SIDE_LINKS};
use b4_protocol::ring::{Ring, RingId, Side, Standing};

use crate::overlay::{NodeIndex, Overlay};

/// How long one who ended may be named. A link that is silent is given up after 155 s at most (PROTOCOL.md#ring), a crash is heard of
/// before that; then it is told on, and whoever was told late believes it once more while dialling. As long as worlds are quiet at their end.
const DEAD_MS: u64 = 240_000;
/// Principals are counted at every so manieth look: they take longer than all the rest.
const COUNTED_EVERY: u64 = 16;
/// Sleeps up to this are not noticed by others.
const NAP_MS: u64 = 3_000;

/// Of whom it is demanded that their best successors make one ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RingDemand {
    /// Of nobody.
    None,
    /// Of those who have been in their place: a newcomer's best successor was the true one at some moment.
    Placed,
    /// Of all who say that they are members and know one of the ring after them, from that moment on.
    Members,
    /// Nobody is to have a place at all: no world keeps that, which shows what is said of one that fails.
    Nobody,
}

/// How much was looked at in a world: a demand that is hardly ever made proves nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// Looks.
    pub looks: u64,
    /// Those of them while the network was one and everybody awake: at others nothing can be demanded of all together.
    pub calm: u64,
    /// Those at which there was a ring of which one circle was demanded.
    pub at_circle: u64,
    /// The sizes of those rings, when everybody who ran was of it.
    pub sizes: BTreeSet<usize>,
    /// Of each size that the ring had then, with newcomers beside it or not, how many of Zave's principals there were at least.
    pub principals: BTreeMap<usize, usize>,
}

/// What was done to the world, and who makes the ring.
pub(super) struct Watch {
    ended: BTreeMap<RingId, u64>,
    /// Until when somebody slept.
    awake: BTreeMap<RingId, u64>,
    asleep_until_ms: u64,
    demand: RingDemand,
    /// Those who were in place when everybody last was, and those who have come to them since; nobody after what may have parted them.
    of_ring: BTreeSet<RingId>,
    pub looked: Looked,
}

impl Watch {
    pub fn new(demand: RingDemand) -> Self {
        Self {
            ended: BTreeMap::new(),
            awake: BTreeMap::new(),
            asleep_until_ms: 0,
            demand,
            of_ring: BTreeSet::new(),
            looked: Looked::default(),
        }
    }

    /// A node is about to end.
    pub fn ends(&mut self, world: &Overlay, node: NodeIndex) {
        if let Some(ring) = world.ring(node) {
            self.ended.insert(ring.me(), world.now_ms());
            self.of_ring.remove(&ring.me());
            // Zave's one assumption: nobody of the ring loses all that it knows of it at once.
            if self.of_ring.iter().any(|id| !self.is_held(world, *id)) {
                self.of_ring.clear();
            }
        }
    }

    /// A node is about to sleep.
    pub fn sleeps(&mut self, world: &Overlay, node: NodeIndex, span_ms: u64) {
        if let Some(ring) = world.ring(node) {
            let until_ms = world.now_ms() + span_ms;
            self.awake.insert(ring.me(), until_ms);
            if span_ms > NAP_MS {
                self.asleep_until_ms = self.asleep_until_ms.max(until_ms);
                self.of_ring.clear();
            }
        }
    }

    /// The network falls apart, or has.
    pub fn disturbed(&mut self, is_disturbed: bool) {
        if is_disturbed {
            self.of_ring.clear();
        }
    }

    /// Looks.
    pub fn look(&mut self, world: &Overlay, touched: &[NodeIndex]) -> Result<(), String> {
        if let Some(complaint) = world.complaint() {
            return Err(complaint.to_owned());
        }
        for node in touched {
            if let Some(ring) = world.ring(*node) {
                check_lists(ring)?;
                check_links(world, *node, ring)?;
                self.check_dead(world, ring)?;
            }
        }
        self.check_ring(world).map_err(|what| format!("at {} ms {what}", world.now_ms()))
    }

    fn check_dead(&self, world: &Overlay, ring: &Ring) -> Result<(), String> {
        let me = ring.me();
        for id in Side::BOTH.into_iter().flat_map(|side| ring.near(side)) {
            if world.node_at(*id).is_some() {
                continue;
            }
            let Some(ended_ms) = self.ended.get(id) else { return Err(format!("{me:?} knows {id:?}, whom there never was")) };
            let since_ms = self.awake.get(&me).map_or(*ended_ms, |awake_ms| *awake_ms.max(ended_ms));
            if world.now_ms() > since_ms + DEAD_MS {
                return Err(format!("at {} ms {me:?} still names {id:?}, which ended at {ended_ms} ms", world.now_ms()));
            }
        }
        Ok(())
    }

    fn check_ring(&mut self, world: &Overlay) -> Result<(), String> {
        match self.demand {
            RingDemand::None => return Ok(()),
            RingDemand::Nobody if world.member_count() > 0 => return Err(format!("{} have a place", world.member_count())),
            _ => {}
        }
        self.looked.looks += 1;
        self.looked.calm += u64::from(!world.is_split() && world.now_ms() > self.asleep_until_ms);
        if self.of_ring.is_empty() {
            let is_calm = !world.is_split() && !world.is_any_dying() && world.now_ms() > self.asleep_until_ms;
            if is_calm && world.is_whole() {
                self.of_ring = world.member_ids().collect();
            }
            return Ok(());
        }
        self.of_ring.retain(|id| world.is_member(*id));
        let newcomers: Vec<RingId> = world.member_ids().filter(|id| self.is_coming(world, *id)).collect();
        self.of_ring.extend(newcomers);
        if !self.of_ring.is_empty() {
            self.looked.at_circle += 1;
            if self.looked.at_circle.is_multiple_of(COUNTED_EVERY) {
                let ids: Vec<RingId> = self.of_ring.iter().copied().collect();
                let count = principals(&ids, |id| world.ring_at(id).map_or(&[][..], |ring| ring.near(Side::Next)));
                let least = self.looked.principals.entry(ids.len()).or_insert(count);
                *least = count.min(*least);
            }
            if self.of_ring.len() == world.live_count() {
                self.looked.sizes.insert(self.of_ring.len());
            }
        }
        one_ring(world, &self.of_ring)
    }

    /// Whether a member that is not of the ring yet is from now on.
    fn is_coming(&self, world: &Overlay, id: RingId) -> bool {
        // One who hangs on somebody who has ended would lose all that it knows at once.
        if self.of_ring.contains(&id) || !self.is_held(world, id) {
            return false;
        }
        let after = |id: RingId| world.ring_at(id).map_or(&[][..], |ring| ring.near(Side::Next));
        let best = after(id).iter().find(|next| self.of_ring.contains(next));
        // The first of two that make a ring of their own has found this one; the other still leads back to it.
        let leads_back = |best: RingId| after(best).iter().find(|next| **next == id || self.of_ring.contains(next)) == Some(&id);
        match self.demand {
            RingDemand::Members => best.is_some_and(|best| self.of_ring.len() < 2 || !leads_back(*best)),
            _ => best.is_some() && best == self.of_ring.range(id..).next().or(self.of_ring.first()),
        }
    }

    /// Whether a node of the ring is linked to another.
    fn is_held(&self, world: &Overlay, id: RingId) -> bool {
        world.ring_at(id).is_some_and(|ring| ring.links().any(|(peer, ..)| self.of_ring.contains(&peer)))
    }
}

fn check_lists(ring: &Ring) -> Result<(), String> {
    let links: Vec<RingId> = ring.links().map(|(peer, ..)| peer).collect();
    check_tables(ring.me(), Side::BOTH.map(|side| ring.near(side)), &links, ring.standing())
}

/// What a node's own tables must be, whatever others have.
fn check_tables(me: RingId, near: [&[RingId]; 2], links: &[RingId], standing: Standing) -> Result<(), String> {
    for side in Side::BOTH {
        let list = near[side as usize];
        let ways: Vec<u128> = list.iter().map(|id| side.way(me, *id)).collect();
        if list.len() > NEAR_KNOWN || !ways.is_sorted_by(|a, b| a < b) || ways.first() == Some(&0) {
            return Err(format!("the list of {me:?} is out of order or too long: {list:?}"));
        }
        let nearest = links.iter().map(|peer| side.way(me, *peer)).min();
        if nearest.is_some_and(|nearest| ways.first().is_none_or(|first| *first > nearest)) {
            return Err(format!("{me:?} has a link nearer than its list {list:?}"));
        }
    }
    if links.len() > RING_LINKS_TOLD_MAX {
        return Err(format!("{me:?} has {} links", links.len()));
    }
    if (standing == Standing::Alone) != links.is_empty() {
        return Err(format!("{me:?} is {standing:?} with {} links", links.len()));
    }
    Ok(())
}

/// A node's links are those that the network has, and the other end has each as well, or this one will hear that it is gone.
fn check_links(world: &Overlay, node: NodeIndex, ring: &Ring) -> Result<(), String> {
    let me = ring.me();
    let known: Vec<RingId> = ring.links().map(|(peer, ..)| peer).collect();
    let there: Vec<RingId> = world.links_of(node).map(|(peer, ..)| peer).collect();
    if known != there {
        return Err(format!("{me:?} believes in links to {known:?} and has {there:?}"));
    }
    for (peer, at, link) in world.links_of(node) {
        let is_mutual = world.node_at(peer) == Some(at) && world.links_of(at).any(|(back, _, number)| back == me && number == link);
        if !is_mutual && !world.is_dying(node, link) {
            return Err(format!("{me:?} is linked to {peer:?}, which is not linked to it, and will not hear of it"));
        }
    }
    Ok(())
}

/// Zave's invariant: the best successors of these lead round one circle, in order.
fn one_ring(world: &Overlay, of_ring: &BTreeSet<RingId>) -> Result<(), String> {
    let members: Vec<RingId> = of_ring.iter().copied().collect();
    check_circle(&members, |id| world.ring_at(id).map_or(&[][..], |ring| ring.near(Side::Next)))
}

/// The same of these members, ascending, and the lists of their successors. Its clauses: each knows one of the ring (Zave's one live successor);
/// there is one circle at least, as from each one the way ends in some; it is in order; there is one at most, and whoever is not on it
/// leads to it.
fn check_circle<'a>(members: &[RingId], list_of: impl Fn(RingId) -> &'a [RingId]) -> Result<(), String> {
    if members.len() < 2 {
        return Ok(());
    }
    let mut best: Vec<usize> = Vec::with_capacity(members.len());
    for id in members {
        let list = list_of(*id);
        let next = list.iter().find_map(|id| members.binary_search(id).ok());
        best.push(next.ok_or_else(|| format!("{id:?} knows nobody of the ring after it: {list:?}, of {members:?}"))?);
    }
    // From the first member so far that everything which only hangs on the ring is behind.
    let on_ring = (0..members.len()).fold(0, |at, _| best[at]);
    let round: Vec<usize> = std::iter::successors(Some(on_ring), |at| Some(best[*at]).filter(|next| *next != on_ring)).collect();
    let turns = round.iter().filter(|at| best[**at] <= **at).count();
    if turns != 1 {
        return Err(format!("best successors go {turns} times round the circle: {round:?} of {members:?}"));
    }
    for start in 0..members.len() {
        let end = (0..members.len()).fold(start, |at, _| best[at]);
        if !round.contains(&end) {
            return Err(format!("{:?} leads to another ring than {:?}, of {members:?}", members[start], members[on_ring]));
        }
    }
    Ok(())
}

/// How many of these members, ascending, are Zave's *principals*: no node passes them over with its first three successors that are of the ring.
fn principals<'a>(members: &[RingId], list_of: impl Fn(RingId) -> &'a [RingId]) -> usize {
    let is_of_ring = |id: &&RingId| members.binary_search(id).is_ok();
    let is_skipped = |other: &RingId| {
        members.iter().any(|id| {
            let list: Vec<RingId> = list_of(*id).iter().filter(is_of_ring).take(RING_SIDE_LINKS).copied().collect();
            let reach = list.last().map_or(0, |last| id.clockwise_to(*last));
            let way = id.clockwise_to(*other);
            way > 0 && way < reach && !list.contains(other)
        })
    };
    members.iter().filter(|id| !is_skipped(id)).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::overlay::{LinkModel, OverlayConfig, Trust};
    use b4_protocol::ring::RingConfig;

    /// Six members, everybody in place.
    fn whole() -> (Overlay, Watch) {
        let ring = RingConfig { links: 24, tries: 3 };
        let mut world = Overlay::new(OverlayConfig { seed: 1, ring, latency_ms: (10, 70), links: LinkModel::IDEAL, trust: Trust::Word });
        (0..6).for_each(|_| _ = world.join());
        let mut watch = Watch::new(RingDemand::Members);
        assert_eq!(world.run_watched(60_000, |world, touched| watch.look(world, touched)), Ok(()));
        assert_eq!(watch.of_ring.len(), 6);
        (world, watch)
    }

    #[test]
    fn a_crash_that_nobody_hears_of_leaves_links_that_are_not_there() {
        let (mut world, mut watch) = whole();
        let victim = world.running()[0];
        watch.ends(&world, victim);
        world.set_deaf(true);
        world.crash(victim);
        let looked = world.run_watched(60_000, |world, touched| watch.look(world, touched));
        assert!(looked.is_err_and(|what| what.contains("will not hear of it")));
    }

    #[test]
    fn a_network_in_two_halves_that_the_watch_knows_nothing_of_makes_two_rings() {
        let (mut world, mut watch) = whole();
        world.split();
        let looked = world.run_watched(240_000, |world, touched| watch.look(world, touched));
        assert!(looked.is_err_and(|what| what.contains("leads to another ring")));
    }

    /// Six places in order; each one's list names the others by their number.
    fn circle(lists: [&[usize]; 6]) -> Result<(), String> {
        let members: Vec<RingId> = (1..7).map(|place| RingId(place * 100)).collect();
        let lists = lists.map(|list| list.iter().map(|at| members.get(*at).copied().unwrap_or(RingId(50))).collect::<Vec<_>>());
        check_circle(&members, |id| members.iter().position(|member| *member == id).map_or(&[][..], |at| lists[at].as_slice()))
    }

    #[test]
    fn one_circle_holds_with_newcomers_that_hang_on_it_and_with_names_of_those_who_are_not_of_it() {
        const STRANGER: usize = 6;
        assert_eq!(circle([&[1, 2], &[2, 3], &[3, 4], &[4, 5], &[5, 0], &[0, 1]]), Ok(()));
        assert_eq!(circle([&[2], &[2], &[4], &[4], &[0], &[0]]), Ok(()), "three hang on a circle of three");
        assert_eq!(circle([&[STRANGER, 1], &[2], &[3], &[4], &[5], &[STRANGER, 0]]), Ok(()), "the best is the first of the ring");
    }

    #[test]
    fn each_clause_that_is_broken_is_noticed() {
        let rows: [([&[usize]; 6], &str); 6] = [
            ([&[1], &[2], &[], &[4], &[5], &[0]], "knows nobody"),
            ([&[1], &[2], &[6, 6], &[4], &[5], &[0]], "knows nobody"),
            // Who has a list at all, in a ring that goes round twice.
            ([&[2], &[3], &[4], &[5], &[1], &[0]], "2 times round"),
            ([&[5], &[0], &[1], &[2], &[3], &[4]], "5 times round"),
            ([&[2], &[3], &[4], &[5], &[0], &[1]], "another ring"),
            // A newcomer that names itself makes a ring of its own.
            ([&[1], &[2], &[3], &[5], &[4], &[0]], "another ring"),
        ];
        for (lists, expected) in rows {
            let checked = circle(lists);
            assert!(checked.as_ref().is_err_and(|what| what.contains(expected)), "{lists:?}: {checked:?}");
        }
    }

    #[test]
    fn tables_out_of_order_or_beyond_a_bound_are_noticed() {
        let id = |place: usize| RingId(place as u128);
        let ids = |places: &[usize]| places.iter().copied().map(id).collect::<Vec<_>>();
        let check = |next: &[usize], links: &[usize], standing: Standing| {
            let (next, links) = (ids(next), ids(links));
            let mut previous: Vec<RingId> = next.iter().chain(&links).copied().filter(|id| *id != RingId(10)).collect();
            previous.sort_by_key(|id| Side::Previous.way(RingId(10), *id));
            previous.dedup();
            previous.truncate(NEAR_KNOWN);
            check_tables(id(10), [&next, &previous], &links, standing)
        };
        let many: Vec<usize> = (11..11 + NEAR_KNOWN).collect();
        assert_eq!(check(&[11, 12, 5], &[11, 5], Standing::Member), Ok(()));
        assert_eq!(check(&many, &[11, 26], Standing::Member), Ok(()));
        assert_eq!(check(&[], &[], Standing::Alone), Ok(()));
        let one_more: Vec<usize> = (11..12 + NEAR_KNOWN).collect();
        let too_many: Vec<usize> = (11..12 + RING_LINKS_TOLD_MAX).collect();
        let rows: [(&[usize], &[usize], Standing, &str); 8] = [
            (&[12, 11], &[12, 11], Standing::Member, "out of order"),
            (&[11, 11], &[11], Standing::Member, "out of order"),
            (&[10, 11], &[11], Standing::Member, "out of order"),
            (&one_more, &[11], Standing::Member, "too long"),
            (&[12, 13], &[11, 12, 13], Standing::Member, "nearer than its list"),
            (&many, &too_many, Standing::Member, "has 41 links"),
            (&[], &[], Standing::Member, "is Member with 0 links"),
            (&[11], &[11], Standing::Alone, "is Alone with 1 links"),
        ];
        for (next, links, standing, expected) in rows {
            let checked = check(next, links, standing);
            assert!(checked.as_ref().is_err_and(|what| what.contains(expected)), "{expected}: {checked:?}");
        }
    }

    #[test]
    fn one_who_ended_and_is_named_for_too_long_is_noticed_and_so_is_one_who_never_was() {
        let (mut world, mut watch) = whole();
        let node = world.running()[0];
        let named = world.ring(node).and_then(|ring| ring.near(Side::Next).first().copied());
        let victim = named.and_then(|named| world.node_at(named)).expect("it has a neighbour");
        watch.ends(&world, victim);
        world.crash(victim);
        let check = |watch: &Watch, world: &Overlay| world.ring(node).map(|ring| watch.check_dead(world, ring));
        assert_eq!(check(&watch, &world), Some(Ok(())));
        let saw_no_end = check(&Watch::new(RingDemand::None), &world);
        assert!(saw_no_end.is_some_and(|checked| checked.is_err_and(|what| what.contains("whom there never was"))));
        // It sleeps through all that it would hear.
        world.suspend(node, 2 * DEAD_MS);
        world.run_for(DEAD_MS);
        assert_eq!(check(&watch, &world), Some(Ok(())), "as long as it takes to hear of it");
        world.run_for(1);
        assert!(check(&watch, &world).is_some_and(|checked| checked.is_err_and(|what| what.contains("still names"))));
    }
}
