//! Keeping the ring whole: who is to be linked, what is drawn anew, who still lives.
//!
//! A node wants links to the three next on each side, in small rings to everybody, and long links at harmonic distances, one for each
//! stratum of the circle's octaves. What it wants and has not, it dials; a dial that fails is waited for before it is tried again.

use super::message::{Aim, Service, read_ids};
use super::neighbour::Reason;
use super::requests::{Purpose, Request};
use super::{Outcome, Ring, RingId, Side, Standing};
use crate::codec::Reader;
use crate::limits::{HANDSHAKE_MS, NEAR_KNOWN, RING_SIDE_LINKS, RING_UNCONNECTABLE_MS};
use crate::ordered::OrderedMap;
use crate::time::SECOND_MS;

/// How long a node that somebody named counts as worth dialling.
const HINT_MS: u64 = 30 * SECOND_MS;
/// Hints kept at once; further ones are passed over.
const HINTS_MAX: usize = 64;
/// Dials remembered as failed; at the bound the oldest is forgotten.
const FAILED_MAX: usize = 256;
/// How long after a link was lost the other end counts as gone, whatever others say: they hear of it later. Guess.
const LOST_MS: u64 = 5 * SECOND_MS;
/// Lost links remembered; at the bound no more are.
const LOST_MAX: usize = 64;
/// A link that lasted so long was one.
const SETTLED_MS: u64 = 10 * SECOND_MS;
/// Wait after a failed dial, doubled with each. After the second without a path between the two it is much longer.
const REDIAL_MS: u64 = SECOND_MS;
/// Longest of these waits.
const REDIAL_MAX_MS: u64 = 60 * SECOND_MS;
/// Wait after a dial that nobody answered, doubled with each, and how long that place counts as empty whoever names it: a node that is
/// gone, or that somebody made up. Guess.
const UNANSWERED_MS: u64 = 15 * SECOND_MS;
/// A dial without an outcome counts as failed.
const DIAL_MS: u64 = HANDSHAKE_MS + 5 * SECOND_MS;
/// Time between looks at what is wanted, when nothing happens.
const LOOK_MS: u64 = 10 * SECOND_MS;
/// Time between questions for one's own place, once a member: finds what no neighbour told.
const PLACE_MS: u64 = 120 * SECOND_MS;
/// The same while joining: those named last may be gone, or out of reach.
const JOINING_MS: u64 = 5 * SECOND_MS;
/// Unanswered questions after which a node takes it that nobody it is linked to has a place: together they make a ring.
const UNANSWERED_MAX: u8 = 2;
/// The same among more than a small ring has: all of them lost their place at once.
const UNANSWERED_LARGE_MAX: u8 = 8;

#[derive(Clone, Copy, Debug)]
struct Failure {
    at_ms: u64,
    until_ms: u64,
    count: u8,
    /// They answered, and no path led to them: they are there.
    has_answered: bool,
}

/// What is under way to keep the ring whole.
#[derive(Clone, Debug)]
pub(super) struct Tending {
    /// Dials under way, why, and when they began.
    dials: OrderedMap<RingId, (Reason, u64)>,
    failures: OrderedMap<RingId, Failure>,
    /// Nodes whose link was lost, or who did not answer a dial: until when nobody is believed who names them.
    lost: OrderedMap<RingId, u64>,
    /// Who is among these may be different from when the lists were computed.
    is_lost_changed: bool,
    /// Nodes that somebody named, until when they are worth dialling.
    hints: OrderedMap<RingId, u64>,
    /// Nodes of other rings that are being dialled.
    witnesses: OrderedMap<RingId, u64>,
    /// A question for one's own place is under way.
    is_asking: bool,
    /// It was answered since the first link came up; or there is nobody who could, as this is the first node.
    is_told: bool,
    /// How far on each side the answer named who stands there.
    told_ways: [u128; 2],
    /// How often it was not answered since then.
    unanswered: u8,
    ask_place_ms: u64,
    /// Strata with a draw under way.
    pub drawing: u32,
    /// Not before.
    pub draw_ms: u64,
    /// A stratum is empty and nothing is done about it yet.
    pub is_draw_due: bool,
    look_ms: u64,
    /// What is wanted may be different from what was last looked at.
    is_changed: bool,
    /// When the first of those wanted whose dial failed may be dialled again.
    redial_ms: u64,
    pub next_token: u32,
}

impl Tending {
    pub fn new(now_ms: u64) -> Self {
        Self {
            dials: OrderedMap::new(),
            failures: OrderedMap::new(),
            lost: OrderedMap::new(),
            is_lost_changed: false,
            hints: OrderedMap::new(),
            witnesses: OrderedMap::new(),
            is_asking: false,
            is_told: false,
            told_ways: [0; 2],
            unanswered: 0,
            ask_place_ms: now_ms,
            drawing: 0,
            draw_ms: now_ms,
            is_draw_due: false,
            look_ms: now_ms + LOOK_MS,
            is_changed: true,
            redial_ms: u64::MAX,
            next_token: 1,
        }
    }

    /// Somebody names a node.
    pub fn hint(&mut self, id: RingId, now_ms: u64) {
        if self.hints.contains_key(&id) || self.hints.len() < HINTS_MAX {
            self.is_changed |= self.hints.insert(id, now_ms + HINT_MS).is_none();
        }
    }

    /// Links or lists are different: what is wanted may be, too.
    pub fn changed(&mut self) {
        self.is_changed = true;
    }

    pub fn hints(&self) -> impl Iterator<Item = &RingId> {
        self.hints.keys()
    }

    /// Whether this node was told who stands beside it, since it has links.
    pub fn knows_place(&self) -> bool {
        self.is_told
    }

    pub fn is_dialling(&self) -> bool {
        !self.dials.is_empty()
    }

    /// There is no ring but this node, which others join.
    pub fn founds(&mut self) {
        self.is_told = true;
        self.told_ways = [u128::MAX; 2];
    }

    /// A link came up: why it was dialled.
    pub fn dialled(&mut self, peer: RingId) -> Reason {
        self.hints.remove(&peer);
        self.is_lost_changed |= self.lost.remove(&peer).is_some();
        self.dials.remove(&peer).map_or(Reason::Theirs, |(reason, _)| reason)
    }

    pub fn dial_failed(&mut self, peer: RingId, was_answered: bool, now_ms: u64) {
        let Some((reason, _)) = self.dials.remove(&peer) else { return };
        if let Reason::Long { stratum, .. } = reason {
            self.drawing &= !(1 << stratum);
        }
        if was_answered {
            let _count = self.failed(peer, true, now_ms);
        } else {
            let count = self.failed(peer, false, now_ms);
            let until_ms = now_ms + (UNANSWERED_MS << (count - 1).min(8)).min(REDIAL_MAX_MS);
            self.failures.insert(peer, Failure { at_ms: now_ms, until_ms, count, has_answered: false });
            self.lost(peer, until_ms, now_ms);
        }
    }

    /// A link lasted so long. One that ends at once, again and again, is as good as a dial that failed.
    pub fn lasted(&mut self, peer: RingId, span_ms: u64, now_ms: u64) {
        if span_ms >= SETTLED_MS {
            self.failures.remove(&peer);
        }
        let _count = self.failed(peer, false, now_ms);
        self.lost(peer, now_ms + LOST_MS, now_ms);
    }

    /// Whoever names this node is not believed until then.
    fn lost(&mut self, peer: RingId, until_ms: u64, now_ms: u64) {
        self.forget_lost(now_ms);
        if self.lost.len() < LOST_MAX {
            self.lost.insert(peer, until_ms);
            self.is_lost_changed = true;
        }
    }

    fn forget_lost(&mut self, now_ms: u64) {
        let count = self.lost.len();
        self.lost.retain(|_, until_ms| *until_ms > now_ms);
        self.is_lost_changed |= self.lost.len() < count;
    }

    /// Whether others count as lost than when the lists were computed.
    pub fn is_lost_changed(&mut self, now_ms: u64) -> bool {
        self.forget_lost(now_ms);
        self.is_lost_changed
    }

    /// The lists are computed.
    pub fn lost_seen(&mut self, now_ms: u64) {
        self.forget_lost(now_ms);
        self.is_lost_changed = false;
    }

    /// Whether the link to a node was lost just now, or a dial was not answered.
    pub fn is_lost(&self, id: RingId, now_ms: u64) -> bool {
        !self.lost.is_empty() && self.lost.get(&id).is_some_and(|until_ms| *until_ms > now_ms)
    }

    /// Whether a node answered the last dial, though no link came of it.
    pub fn has_answered(&self, id: RingId) -> bool {
        self.failures.get(&id).is_some_and(|failure| failure.has_answered)
    }

    /// How often by now.
    fn failed(&mut self, peer: RingId, has_no_path: bool, now_ms: u64) -> u8 {
        self.is_changed = true;
        self.hints.remove(&peer);
        // What is long over says nothing about now: after a split the other half would be given up for as long as if it had just failed again.
        let is_fresh = |failure: &&Failure| now_ms < failure.until_ms.saturating_add(REDIAL_MAX_MS);
        let count = self.failures.get(&peer).filter(is_fresh).map_or(0, |failure| failure.count).saturating_add(1);
        if self.failures.len() >= FAILED_MAX {
            let oldest = self.failures.iter().min_by_key(|(_, failure)| failure.until_ms).map(|(id, _)| *id);
            oldest.map(|id| self.failures.remove(&id));
        }
        let wait_ms = if has_no_path && count >= 2 { RING_UNCONNECTABLE_MS } else { (REDIAL_MS << count.min(8)).min(REDIAL_MAX_MS) };
        self.failures.insert(peer, Failure { at_ms: now_ms, until_ms: now_ms + wait_ms, count, has_answered: has_no_path });
        count
    }

    /// The other end has no room.
    pub fn refused(&mut self, peer: RingId, now_ms: u64) {
        self.failures.insert(peer, Failure { at_ms: now_ms, until_ms: now_ms + RING_UNCONNECTABLE_MS / 10, count: 1, has_answered: true });
    }

    /// Whoever has no link at all does not wait as long: there may be nobody else.
    fn wait_less(&mut self, id: RingId) {
        if let Some(failure) = self.failures.get_mut(&id) {
            failure.until_ms = failure.until_ms.min(failure.at_ms + REDIAL_MAX_MS);
        }
    }

    pub fn may_dial(&self, id: RingId, now_ms: u64) -> bool {
        self.failures.get(&id).is_none_or(|failure| failure.until_ms <= now_ms)
    }
}

impl Ring {
    /// Names nodes that may be of this ring or another: those who belong beside this node are dialled.
    pub fn hint(&mut self, ids: &[RingId], now_ms: u64, out: &mut Vec<Outcome>) {
        for id in ids {
            if self.belongs_near(*id) {
                self.tending.hint(*id, now_ms);
            }
        }
        self.tend(now_ms, out);
    }

    /// This node is not to be dialled for long: somebody else settles something with them first.
    pub fn avoid(&mut self, peer: RingId, now_ms: u64) {
        for _ in 0..2 {
            let _count = self.tending.failed(peer, true, now_ms);
        }
    }

    /// Looks at what is wanted and is not there, where that may have changed since the last look or a while has passed.
    pub(super) fn tend(&mut self, now_ms: u64, out: &mut Vec<Outcome>) {
        let is_due = now_ms >= self.tending.look_ms;
        if is_due {
            self.tending.look_ms = now_ms + LOOK_MS;
            let stale = |(_, (_, since_ms)): &(&RingId, &(Reason, u64))| since_ms + DIAL_MS <= now_ms;
            let lost: Vec<RingId> = self.tending.dials.iter().filter(stale).map(|(id, _)| *id).collect();
            lost.into_iter().for_each(|id| self.tending.dial_failed(id, false, now_ms));
            self.tending.hints.retain(|_, until_ms| *until_ms > now_ms);
            self.tending.witnesses.retain(|_, until_ms| *until_ms > now_ms);
            // Whose link was lost, and who was named and not found, may stand in the way no longer.
            if self.are_lists_old(now_ms) {
                self.between_again();
                self.near_again(now_ms, out);
            } else {
                self.stand_again(out);
            }
        }
        if self.neighbours.is_empty() {
            return;
        }
        let is_changed = std::mem::take(&mut self.tending.is_changed) || is_due || now_ms >= self.tending.redial_ms;
        if is_changed {
            self.tending.redial_ms = u64::MAX;
            for id in self.wanted_near(now_ms) {
                self.dial(id, Reason::Near, now_ms, out);
            }
        }
        if self.standing == Standing::Member {
            if is_changed || (self.tending.is_draw_due && now_ms >= self.tending.draw_ms) {
                self.draw_long(now_ms, out);
            }
            if is_changed {
                self.shed(now_ms, out);
            }
        }
        if now_ms >= self.tending.ask_place_ms && !self.tending.is_asking {
            self.ask_place(None, now_ms, out);
        }
    }

    /// Nodes that belong beside this one and are neither linked nor being dialled. Those whose dial failed are wanted again later.
    fn wanted_near(&mut self, now_ms: u64) -> Vec<RingId> {
        // Whoever does not know their place yet would dial all that anybody names.
        if !self.tending.is_told {
            return Vec::new();
        }
        let mut wanted = self.known_few().unwrap_or_default();
        if wanted.is_empty() {
            for side in Side::BOTH {
                self.wanted_on(side, now_ms, &mut wanted);
            }
        }
        let mut redial_ms = u64::MAX;
        wanted.retain(|id| {
            if self.neighbours.contains_key(id) || self.tending.dials.contains_key(id) {
                return false;
            }
            let until_ms = self.tending.failures.get(id).map_or(0, |failure| failure.until_ms);
            if until_ms > now_ms {
                redial_ms = redial_ms.min(until_ms);
            }
            until_ms <= now_ms
        });
        self.tending.redial_ms = redial_ms;
        wanted
    }

    /// The first three on a side that can be reached, and whoever before them cannot be now.
    fn wanted_on(&self, side: Side, now_ms: u64, wanted: &mut Vec<RingId>) {
        let mut hints: Vec<RingId> = self.tending.hints.keys().copied().collect();
        super::id::sort_by(&mut hints, &|id| side.way(self.me, id));
        let mut hints = hints.into_iter().peekable();
        let mut near = self.near(side).iter().copied().peekable();
        let mut reachable = 0;
        while reachable < RING_SIDE_LINKS {
            let next = match (near.peek().copied(), hints.peek().copied()) {
                (Some(known), Some(hint)) if side.way(self.me, hint) < side.way(self.me, known) => hints.next(),
                (Some(_), _) => near.next(),
                (None, _) => hints.next(),
            };
            let Some(id) = next else { return };
            if wanted.last() == Some(&id) {
                continue;
            }
            reachable += usize::from(self.neighbours.contains_key(&id) || self.tending.may_dial(id, now_ms));
            wanted.push(id);
        }
    }

    pub(super) fn dial(&mut self, to: RingId, reason: Reason, now_ms: u64, out: &mut Vec<Outcome>) {
        if to != self.me && self.tending.may_dial(to, now_ms) && !self.tending.dials.contains_key(&to) {
            self.tending.dials.insert(to, (reason, now_ms));
            out.push(Outcome::Dial { to });
        }
    }

    /// The relay, or somebody's memory, names a node. One that this ring does not know is of another: it is dialled, and over its link
    /// this node asks for its place there.
    pub fn witness(&mut self, id: RingId, now_ms: u64, out: &mut Vec<Outcome>) {
        if id == self.me || self.neighbours.contains_key(&id) || self.near.iter().flatten().any(|near| *near == id) {
            return;
        }
        if self.neighbours.is_empty() {
            self.tending.wait_less(id);
            self.dial(id, Reason::Theirs, now_ms, out);
            return;
        }
        let request = Request { service: Service::Find, aim: Aim::Key { rank: 0 }, key: id, body: Vec::new() };
        self.request_for(request, Purpose::Witness(id), None, now_ms, out);
    }

    pub(super) fn witness_answered(&mut self, id: RingId, by: RingId, body: &[u8], now_ms: u64, out: &mut Vec<Outcome>) {
        if by != id && !read_near(body).contains(&id) {
            self.tending.witnesses.insert(id, now_ms + DIAL_MS);
            self.dial(id, Reason::Theirs, now_ms, out);
        }
    }

    /// The first link, or one that may lead to another ring: ask over it for one's own place.
    pub(super) fn tend_joining(&mut self, peer: RingId, now_ms: u64, out: &mut Vec<Outcome>) {
        let is_foreign = self.tending.witnesses.remove(&peer).is_some();
        if is_foreign || (self.standing != Standing::Member && !self.tending.is_asking) {
            self.ask_place(Some(peer), now_ms, out);
        }
    }

    fn ask_place(&mut self, first: Option<RingId>, now_ms: u64, out: &mut Vec<Outcome>) {
        self.tending.is_asking = true;
        let wait_ms = if self.standing == Standing::Member { PLACE_MS } else { JOINING_MS };
        self.tending.ask_place_ms = now_ms + wait_ms + self.rng.below(wait_ms / 4);
        // Behind this node's own place: the answer comes from whoever stands next.
        let request = Request { service: Service::Find, aim: Aim::Key { rank: 0 }, key: self.me.plus(1), body: Vec::new() };
        self.request_for(request, Purpose::Place, first, now_ms, out);
    }

    pub(super) fn place_found(&mut self, by: RingId, body: &[u8], now_ms: u64, out: &mut Vec<Outcome>) {
        self.tending.is_asking = false;
        if !std::mem::replace(&mut self.tending.is_told, true) {
            self.tending.hints.clear();
        }
        let told = read_near(body);
        let ids: Vec<RingId> = told.into_iter().chain([by]).filter(|id| *id != self.me).collect();
        // Half of the circle at most: what lies further is nearer on the other side.
        let reach = |side: Side| ids.iter().map(|id| side.way(self.me, *id)).filter(|way| *way <= u128::MAX / 2).max();
        self.tending.told_ways = Side::BOTH.map(|side| reach(side).unwrap_or(u128::MAX));
        self.hint(&ids, now_ms, out);
        // Perhaps everybody who was named is linked already.
        self.stand_again(out);
    }

    pub(super) fn place_not_found(&mut self, now_ms: u64, out: &mut Vec<Outcome>) {
        self.tending.is_asking = false;
        if self.standing != Standing::Member {
            self.tending.unanswered = self.tending.unanswered.saturating_add(1);
            let enough = if self.is_small() { UNANSWERED_MAX } else { UNANSWERED_LARGE_MAX };
            if self.tending.unanswered >= enough {
                self.tending.founds();
                self.stand_again(out);
            }
            self.tending.ask_place_ms = now_ms + SECOND_MS;
        }
    }

    /// Whether this node is in its place: linked to the nearest that it knows on each side, as far as they can be reached.
    pub(super) fn stand_again(&mut self, out: &mut Vec<Outcome>) {
        let standing = if self.neighbours.is_empty() {
            Standing::Alone
        } else if self.standing == Standing::Member || (self.tending.is_told && (self.is_beside() || (self.is_small() && self.is_linked_beside()))) {
            Standing::Member
        } else {
            Standing::Joining
        };
        if standing == Standing::Alone {
            self.tending.ask_place_ms = 0;
            self.tending.is_told = false;
            self.tending.unanswered = 0;
        }
        if self.standing != standing {
            self.standing = standing;
            out.push(Outcome::Standing(standing));
        }
    }

    /// Whether the place was asked for and taken: on each side a link to the nearest that was named and could be reached.
    fn is_beside(&self) -> bool {
        let is_nearest = |side: Side| {
            let first = self.linked_on(side).next();
            let has_spoken = first.and_then(|id| self.neighbours.get(&id)).is_some_and(|neighbour| !neighbour.list(side).is_empty());
            let first = first.filter(|_| has_spoken).map(|id| side.way(self.me, id));
            // Further than all that were named is not beside, though none of those could be reached.
            first.is_some_and(|first| first <= self.tending.told_ways[side as usize]) && self.tending.hints.keys().all(|hint| {
                    // Who was dialled in vain is nobody to wait for.
                    self.tending.failures.contains_key(hint) || first.is_some_and(|first| first < side.way(self.me, *hint))
                })
        };
        Side::BOTH.into_iter().all(is_nearest)
    }

    /// Whether those who stand next on both sides, by what this node knows, are linked or were dialled in vain.
    fn is_linked_beside(&self) -> bool {
        let is_settled = |id: &RingId| self.neighbours.contains_key(id) || self.tending.failures.contains_key(id);
        Side::BOTH.into_iter().all(|side| self.near(side).first().is_none_or(is_settled) && self.nearest_hint(side).is_none_or(|id| is_settled(&id)))
    }

    fn nearest_hint(&self, side: Side) -> Option<RingId> {
        self.tending.hints.keys().copied().min_by_key(|id| side.way(self.me, *id))
    }

    pub(super) fn tend_deadline(&self) -> Option<u64> {
        if self.neighbours.is_empty() {
            return None;
        }
        let asking = (!self.tending.is_asking).then_some(self.tending.ask_place_ms);
        let drawing = self.tending.is_draw_due.then_some(self.tending.draw_ms);
        let redialling = Some(self.tending.redial_ms).filter(|at| *at < u64::MAX);
        [asking, drawing, redialling, Some(self.tending.look_ms)].into_iter().flatten().min()
    }
}

/// The positions in an answer to `Find`: successors, then predecessors. What is malformed names nobody.
pub(super) fn read_near(body: &[u8]) -> Vec<RingId> {
    let mut reader = Reader::new(body);
    let lists = [read_ids(&mut reader, NEAR_KNOWN), read_ids(&mut reader, NEAR_KNOWN)];
    lists.into_iter().flatten().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A dial that nobody answers: how long it is until the next.
    fn wait_ms(tending: &mut Tending, now_ms: u64) -> u64 {
        let peer = RingId(7);
        tending.dials.insert(peer, (Reason::Near, now_ms));
        tending.dial_failed(peer, false, now_ms);
        assert!(tending.is_lost(peer, now_ms) && !tending.may_dial(peer, now_ms));
        tending.failures[&peer].until_ms - now_ms
    }

    #[test]
    fn dials_that_nobody_answers_are_further_and_further_apart_unless_the_last_is_long_past() {
        let mut tending = Tending::new(0);
        let mut now_ms = 1_000;
        for wait in [UNANSWERED_MS, 2 * UNANSWERED_MS, REDIAL_MAX_MS, REDIAL_MAX_MS] {
            assert_eq!(wait_ms(&mut tending, now_ms), wait);
            now_ms += wait + REDIAL_MAX_MS - 1;
        }
        assert_eq!(wait_ms(&mut tending, now_ms + 1), UNANSWERED_MS);
    }
}
