//! Who stands beside this node, and telling neighbours what changed.
//!
//! The list of one side is: the nodes linked there, and behind each of the first three what that one says comes next, up to the
//! following linked one; behind the third and last, all that it says. It ends where nobody said what comes next: a stretch of which
//! this node would believe that it knows it whole must have no gaps. So a list never goes round in echoes: what stands in it comes
//! from the node before, and in the end from one that has a link (Chord's successor list, on both sides).
//!
//! One neighbour alone could make somebody up. So whoever is not linked counts only if a second neighbour names them, or if they
//! answered a dial; the word of one is enough only where no other of the first three could know.

use super::message::Message;
use super::{Outcome, Ring, RingId, Side};
use crate::limits::{NEAR_KNOWN, NEAR_MAX, RING_LINKS_TOLD_MAX, RING_SIDE_LINKS, RING_TELL_LINKS_MS, RING_TELL_NEAR_MS};

/// How many places are told of those behind whom a node is never refused.
const TOLD_NEAR: usize = 2 * RING_SIDE_LINKS;

/// Who stands before the first linked node of a side.
#[derive(Clone, Debug, Default)]
pub(super) struct Between {
    /// The first linked node for which it was computed; none: it is to be computed.
    first: Option<RingId>,
    found: Vec<RingId>,
    /// One neighbour alone is linked to somebody there.
    is_doubted: bool,
}

impl Ring {
    /// A neighbour says everything about itself.
    pub(super) fn hello(&mut self, from: RingId, links: Vec<RingId>, near: [Vec<RingId>; 2], now_ms: u64, out: &mut Vec<Outcome>) {
        let is_alone = links.is_empty() && near.iter().all(Vec::is_empty);
        if let Some(neighbour) = self.neighbours.get_mut(&from) {
            neighbour.links = links;
            neighbour.near = near;
            self.between = Default::default();
            // Two that are alone meet: the one who was dialled is a ring of one, which the other joins.
            if is_alone && neighbour.reason == super::Reason::Theirs && self.neighbours.len() == 1 && !self.tending.is_dialling() {
                self.tending.founds();
            }
        }
        self.near_heard(from, now_ms, out);
    }

    /// A neighbour's lists are new: they may bring somebody who belongs beside this node.
    pub(super) fn near_heard(&mut self, from: RingId, now_ms: u64, out: &mut Vec<Outcome>) {
        if let Some(neighbour) = self.neighbours.get(&from) {
            let told: Vec<RingId> = neighbour.near.iter().flatten().chain(&neighbour.links).copied().collect();
            self.hint_near(&told, now_ms);
        }
        self.near_again(now_ms, out);
        self.tend(now_ms, out);
    }

    /// One of a neighbour's lists is new.
    pub(super) fn near_told_by(&mut self, from: RingId, side: Side, list: Vec<RingId>, now_ms: u64, out: &mut Vec<Outcome>) {
        self.hint_near(&list, now_ms);
        if let Some(neighbour) = self.neighbours.get_mut(&from) {
            neighbour.near[side as usize] = list;
        }
        // Of the others' lists nothing is made: see the head of this file.
        if self.linked_on(side).take(RING_SIDE_LINKS).any(|linked| linked == from) {
            let both = if self.are_lists_old(now_ms) { &Side::BOTH[..] } else { &[side] };
            self.near_again_on(both, now_ms, out);
        } else if self.are_doubted.contains(&true) && self.linked_on(side.other()).take(RING_SIDE_LINKS).any(|linked| linked == from) {
            // It may be the second who names somebody there.
            self.near_again_on(&[side.other()], now_ms, out);
        }
        self.tend(now_ms, out);
    }

    /// Remembers those who belong beside this node and are not linked.
    pub(super) fn hint_near(&mut self, ids: &[RingId], now_ms: u64) {
        // Before the place is known everybody would seem to belong here.
        if !self.tending.knows_place() {
            return;
        }
        let thirds = Side::BOTH.map(|side| self.linked_on(side).nth(RING_SIDE_LINKS - 1).map_or(u128::MAX, |third| side.way(self.me, third)));
        for id in ids {
            let is_within = Side::BOTH.into_iter().zip(thirds).any(|(side, third)| side.way(self.me, *id) < third);
            if is_within && *id != self.me && !self.neighbours.contains_key(id) && !self.tending.is_lost(*id, now_ms) {
                self.tending.hint(*id, now_ms);
            }
        }
    }

    /// Whether a node would be among the first three on a side.
    pub(super) fn belongs_near(&self, id: RingId) -> bool {
        let is_within = |side: Side| {
            let linked = self.linked_on(side).nth(RING_SIDE_LINKS - 1);
            linked.is_none_or(|third| side.way(self.me, id) < side.way(self.me, third))
        };
        id != self.me && !self.neighbours.contains_key(&id) && Side::BOTH.into_iter().any(is_within)
    }

    /// Whether a node is, or would be, among the first few on a side: it is never refused.
    pub(super) fn is_near(&self, id: RingId) -> bool {
        Side::BOTH.into_iter().any(|side| {
            let last = self.near(side).get(TOLD_NEAR);
            last.is_none_or(|last| side.way(self.me, id) < side.way(self.me, *last))
        })
    }

    /// Whether a node is among the nearest linked ones on a side, with one to spare so that nothing flaps.
    pub(super) fn is_beside_me(&self, id: RingId) -> bool {
        Side::BOTH.into_iter().any(|side| self.linked_on(side).take(RING_SIDE_LINKS + 1).any(|linked| linked == id))
    }

    /// Linked nodes, nearest first on a side, all the way round.
    pub(super) fn linked_on(&self, side: Side) -> impl Iterator<Item = RingId> + '_ {
        let count = self.neighbours.len();
        let start = self.neighbours.find_index(&self.me).unwrap_or_else(|place| place);
        (0..count).map(move |step| {
            let place = place_round(start, step, count, side);
            self.neighbours.get_indexed(place).map_or(self.me, |(id, _)| *id)
        })
    }

    /// Computes both lists anew.
    pub(super) fn near_again(&mut self, now_ms: u64, out: &mut Vec<Outcome>) {
        self.near_again_on(&Side::BOTH, now_ms, out);
    }

    /// Whether the lists may be different although nothing was said about who they are made of: somebody counts as lost no longer, or
    /// somebody waits for a second neighbour's word, or the ring is small, where everything that is known matters.
    pub(super) fn are_lists_old(&mut self, now_ms: u64) -> bool {
        self.tending.is_lost_changed(now_ms) || self.are_doubted.contains(&true) || self.was_small || self.is_small()
    }

    fn near_again_on(&mut self, sides: &[Side], now_ms: u64, out: &mut Vec<Outcome>) {
        let mut is_all_new = sides.len() == Side::BOTH.len();
        for side in Side::BOTH {
            let first = self.linked_on(side).next();
            if self.between[side as usize].first == first {
                is_all_new = false;
                continue;
            }
            self.between[side as usize] = first.map(|first| self.between(side, first, now_ms)).unwrap_or_default();
        }
        if is_all_new {
            self.tending.lost_seen(now_ms);
        }
        self.was_small = self.is_small();
        let mut lists = self.near.clone();
        for side in sides {
            let (list, is_doubted) = self.side_list(*side, now_ms);
            lists[*side as usize] = list;
            self.are_doubted[*side as usize] = is_doubted || self.between[*side as usize].is_doubted;
        }
        if self.near != lists {
            let before = std::mem::replace(&mut self.near, lists);
            // When all three on a side go at once, those behind them are known from before.
            before.iter().for_each(|list| self.hint_near(list, now_ms));
            self.tending.changed();
            // Who listens to one side's list depends on who stands on the other.
            Side::BOTH.into_iter().for_each(|side| self.tell_near_later(side, now_ms));
            out.push(Outcome::NearChanged);
        }
        self.stand_again(out);
    }

    /// The list of a side, and whether somebody was passed over whom one neighbour alone names.
    fn side_list(&self, side: Side, now_ms: u64) -> (Vec<RingId>, bool) {
        let mut is_doubted = false;
        let mut list: Vec<RingId> = Vec::with_capacity(NEAR_KNOWN);
        let mut teller = self.me;
        let mut told: &[RingId] = &[];
        // How far the last teller's list reaches: what lies behind it, up to the next linked node, nobody told.
        let mut told_to = u128::MAX;
        let mut linked = self.linked_on(side).enumerate().peekable();
        list.extend(&self.between[side as usize].found);
        while list.len() < NEAR_KNOWN {
            let next_linked = linked.peek().map(|(_, id)| *id);
            let reached = list.last().map_or(0, |last| side.way(self.me, *last));
            // The way round ends at this node.
            let end = next_linked.map_or(u128::MAX, |linked| side.way(self.me, linked));
            let is_next = |id: RingId| id != self.me && side.way(self.me, id) > reached && !self.tending.is_lost(id, now_ms);
            while let Some((id, rest)) = told.split_first()
                && side.way(self.me, *id) < end
            {
                let is_next = is_next(*id);
                if is_next && self.is_vouched(*id, teller, side) {
                    break;
                }
                is_doubted |= is_next;
                told = rest;
            }
            match (told.first().filter(|id| side.way(self.me, **id) < end), next_linked) {
                (Some(named), _) => list.push(*named),
                (None, Some(id)) if side.way(self.me, id) > told_to && !self.is_small() => break,
                (None, Some(id)) => {
                    let (rank, _) = linked.next().unwrap_or_default();
                    list.push(id);
                    let says = self.neighbours.get(&id).map_or(&[][..], |neighbour| up_to(neighbour.list(side), side, id, self.me));
                    // Who has not spoken yet tells nothing; the one before may.
                    if rank < RING_SIDE_LINKS && !says.is_empty() {
                        (teller, told) = (id, says);
                        told_to = told.last().map_or(0, |last| side.way(self.me, *last));
                    }
                }
                (None, None) => break,
            }
        }
        (list, is_doubted)
    }

    /// Whether somebody besides `teller` names a node, or it answered a dial, or nobody else of the first three on the side could know.
    fn is_vouched(&self, id: RingId, teller: RingId, side: Side) -> bool {
        let mut could_know = false;
        for other in self.linked_on(side).take(RING_SIDE_LINKS).filter(|other| *other != teller) {
            let Some(neighbour) = self.neighbours.get(&other) else { continue };
            // Those behind it know it from their other side.
            let along = if side.way(self.me, other) < side.way(self.me, id) { side } else { side.other() };
            let told = neighbour.list(along);
            if told.contains(&id) {
                return true;
            }
            could_know |= told.last().is_some_and(|last| along.way(other, id) < along.way(other, *last));
        }
        !could_know || self.tending.has_answered(id) || self.claims(id).any(|by| by != teller)
    }

    /// Who says that they are linked to a node.
    fn claims(&self, id: RingId) -> impl Iterator<Item = RingId> {
        self.neighbours.values().filter(move |neighbour| neighbour.links.binary_search(&id).is_ok()).map(|neighbour| neighbour.id)
    }

    /// Who stands between this node and the first linked one on a side: nodes that it cannot connect to, or not yet. Only those count
    /// that a neighbour is linked to, and another too where it could know; lists tell each other what is gone long since.
    fn between(&self, side: Side, first: RingId, now_ms: u64) -> Between {
        let end = side.way(self.me, first);
        let mut found: Vec<RingId> = Vec::new();
        for neighbour in self.neighbours.values() {
            let count = neighbour.links.len();
            let start = neighbour.links.partition_point(|id| *id < self.me);
            let from_here = (0..count).map(|step| neighbour.links[place_round(start, step, count, side)]);
            let within = from_here.filter(|id| *id != self.me).take_while(|id| side.way(self.me, *id) < end);
            for id in within {
                if !self.tending.is_lost(id, now_ms)
                    && let Err(place) = found.binary_search_by_key(&side.way(self.me, id), |id| side.way(self.me, *id))
                {
                    found.insert(place, id);
                }
            }
        }
        let count = found.len();
        found.retain(|id| self.claims(*id).next().is_none_or(|by| self.is_vouched(*id, by, side)));
        let is_doubted = found.len() < count;
        found.truncate(NEAR_KNOWN);
        Between { first: Some(first), found, is_doubted }
    }

    /// Whether somebody stands before a first linked node.
    pub(super) fn is_anybody_between(&self) -> bool {
        self.between.iter().any(|between| !between.found.is_empty())
    }

    /// Who stands before the first linked nodes is to be computed anew.
    pub(super) fn between_again(&mut self) {
        self.between = Default::default();
    }

    /// Whether a link to this node matters to the lists: not where both are full and end before it.
    pub(super) fn reaches(&self, id: RingId) -> bool {
        Side::BOTH.into_iter().any(|side| {
            let last = self.near(side).get(NEAR_KNOWN - 1);
            last.is_none_or(|last| side.way(self.me, id) <= side.way(self.me, *last))
        })
    }

    /// Whether somebody stands before the first linked node of a side, by the lists.
    pub(super) fn is_gap(&self) -> bool {
        Side::BOTH.into_iter().any(|side| self.near(side).first().is_some_and(|first| !self.neighbours.contains_key(first)))
    }

    /// Whether one of these stands between this node and the first linked ones.
    pub(super) fn is_any_within_gap(&self, ids: &[RingId]) -> bool {
        Side::BOTH.into_iter().any(|side| {
            let first = self.linked_on(side).next().map_or(0, |first| side.way(self.me, first));
            ids.iter().any(|id| *id != self.me && side.way(self.me, *id) < first)
        })
    }

    /// Tells all neighbours what changed about the links, somewhat later.
    pub(super) fn tell_links_later(&mut self, now_ms: u64) {
        self.tell_links_ms.get_or_insert(now_ms + RING_TELL_LINKS_MS);
    }

    /// A neighbour's links are different: it may count this node among its first three now, and is to know its list.
    pub(super) fn tell_new_listener(&mut self, from: RingId, now_ms: u64) {
        for side in Side::BOTH {
            let is_new = self.neighbours.get(&from).is_some_and(|neighbour| !neighbour.is_told[side as usize] && neighbour.listens_to(self.me, side));
            if is_new {
                self.tell_near_later(side, now_ms);
            }
        }
    }

    fn tell_near_later(&mut self, side: Side, now_ms: u64) {
        self.tell_near_ms[side as usize].get_or_insert(now_ms + RING_TELL_NEAR_MS);
    }

    /// Tells what is due.
    pub(super) fn tell_due(&mut self, now_ms: u64, out: &mut Vec<Outcome>) {
        if self.tell_links_ms.take_if(|at| *at <= now_ms).is_some() {
            self.tell_links(out);
        }
        for side in Side::BOTH {
            if self.tell_near_ms[side as usize].take_if(|at| *at <= now_ms).is_some() {
                self.tell_near(side, out);
            }
        }
    }

    fn tell_links(&mut self, out: &mut Vec<Outcome>) {
        let links: Vec<RingId> = self.neighbours.keys().copied().take(RING_LINKS_TOLD_MAX).collect();
        let gone: Vec<u8> = self
            .told_links
            .iter()
            .enumerate()
            .filter(|(_, id)| links.binary_search(id).is_err())
            .filter_map(|(place, _)| u8::try_from(place).ok())
            .collect();
        let come: Vec<RingId> = links.iter().copied().filter(|id| self.told_links.binary_search(id).is_err()).collect();
        if gone.is_empty() && come.is_empty() {
            return;
        }
        self.told_links = links;
        for to in self.neighbours.keys().copied() {
            out.push(Outcome::Send { to, message: Message::Links { gone: gone.clone(), come: come.clone() } });
        }
    }

    /// Tells those on the other side: to them the list of this side matters. And the first ones on this side: they see in it who
    /// has come between (Chord's stabilize asks the successor for its predecessor).
    fn tell_near(&mut self, side: Side, out: &mut Vec<Outcome>) {
        let index = side as usize;
        let list: Vec<RingId> = self.near[index].iter().copied().take(NEAR_MAX).collect();
        let is_new = self.told_near[index] != list;
        let me = self.me;
        let beside: Vec<RingId> = self.linked_on(side).take(RING_SIDE_LINKS).chain(self.linked_on(side.other()).take(RING_SIDE_LINKS)).collect();
        for neighbour in self.neighbours.iter_mut().map(|(_, neighbour)| neighbour) {
            let is_listening = beside.contains(&neighbour.id) || neighbour.listens_to(me, side);
            if is_listening && (is_new || !neighbour.is_told[index]) {
                out.push(Outcome::Send { to: neighbour.id, message: Message::Near { side, list: list.clone() } });
            }
            neighbour.is_told[index] = is_listening || (neighbour.is_told[index] && !is_new);
        }
        self.told_near[index] = list;
    }
}

/// The place in an ascending list of `count` that comes `step` places after those before `start`, on a side, all the way round.
fn place_round(start: usize, step: usize, count: usize, side: Side) -> usize {
    let place = match side {
        Side::Next => start + step,
        Side::Previous => start + count - 1 - step,
    };
    // Without a division: this is looked at more often than anything else.
    if place < count { place } else { place - count }
}

/// The part of a told list that leads on from its teller and does not pass `end`.
fn up_to(told: &[RingId], side: Side, teller: RingId, end: RingId) -> &[RingId] {
    let whole = side.way(teller, end);
    let mut reached = 0;
    let count = told
        .iter()
        .take_while(|id| {
            let way = side.way(teller, **id);
            let is_on = way > reached && way < whole;
            reached = way;
            is_on
        })
        .count();
    &told[..count]
}
