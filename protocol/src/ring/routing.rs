//! Which way a request goes from here: pure decisions over what this node knows.

use super::{Aim, Ring, RingId, Route, Side, Standing};
use crate::limits::{HOLDERS, NEAR_KNOWN, RING_SIDE_LINKS};

/// What to do with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// It is for this node.
    Here,
    /// Over the link to this one.
    Over(RingId),
    /// The node it is for would stand here, and does not.
    Nowhere,
    /// No link leads on.
    Stuck,
}

/// How far a node is from a target.
#[derive(Clone, Copy, Debug)]
enum Metric {
    /// On the shorter way round, before the target counting more: [`RingId::remoteness`].
    Round,
    /// Clockwise of the target alone.
    Behind,
}

/// Of the five responsible nodes, how many answer first when any may: the last of the five is the sixth as soon as somebody joins.
const SUREST: usize = 3;
/// Responsible nodes that are given up one after the other at one hop, because nobody leads to them.
const OWNERS_TRIED: usize = 16;

impl Ring {
    /// Decides on a request. `tried` were next hops before, `from` is where it came from.
    ///
    /// Inside the stretch of the circle that this node knows whole, the first node clockwise of the key that is not suspected is the
    /// responsible one, be it this node itself. Outside, the link is taken that is, or has a link, closest to the key. Whoever is to be
    /// avoided is passed by where anybody else leads on.
    pub(super) fn way_of(&self, route: &Route, tried: &[RingId], from: Option<RingId>, now_ms: u64) -> Way {
        if route.aim == Aim::Node && route.key == self.me {
            return Way::Here;
        }
        match self.way_past(&route.avoid, route, tried, from, now_ms) {
            Way::Stuck if !route.avoid.is_empty() => self.way_past(&[], route, tried, from, now_ms),
            way => way,
        }
    }

    fn way_past(&self, avoid: &[u32], route: &Route, tried: &[RingId], from: Option<RingId>, now_ms: u64) -> Way {
        let is_named = |id: RingId| id != self.me && avoid.contains(&id.head());
        let mut given_up: Vec<RingId> = Vec::new();
        let has_suspects = now_ms < self.suspects_until_ms;
        for _ in 0..OWNERS_TRIED {
            let is_bad = |id: RingId| given_up.contains(&id) || route.suspects.contains(&id) || (has_suspects && self.is_suspect(id, now_ms));
            // Who had the request already and gave it back is not responsible: perhaps it has no place yet. Who kept it is.
            let mut responsible =
                self.responsible(route.key, &|id| is_bad(id) || (tried.contains(&id) && !route.avoid.contains(&id.head())));
            let are_all_named = !responsible.is_empty() && responsible.iter().all(|id| is_named(*id));
            if are_all_named && route.aim == Aim::Any {
                // By somebody who lied, perhaps. Each way begins with another.
                let first = (route.path.0 & 7) as usize % responsible.len();
                responsible.rotate_left(first);
            }
            let is_passed_by = |id: RingId| is_bad(id) || (is_named(id) && !(are_all_named && responsible.contains(&id)));
            let is_open = |id: RingId| !is_passed_by(id) && !tried.contains(&id) && Some(id) != from;
            if route.aim == Aim::Node
                && let Some(next) = self.linked_to(route.key, &is_open)
            {
                return Way::Over(next);
            }
            if route.aim == Aim::Any {
                let (surest, rest) = responsible.split_at(responsible.len().min(SUREST));
                for some in [surest, rest] {
                    if some.contains(&self.me) {
                        return Way::Here;
                    }
                    if let Some(next) = some.iter().find(|id| self.is_linked(**id) && is_open(**id)) {
                        return Way::Over(*next);
                    }
                }
            }
            let rank = match route.aim {
                Aim::Key { rank } => usize::from(rank),
                Aim::Node | Aim::Any => 0,
            };
            let aimed_at = responsible.get(rank).or(responsible.first());
            let owner = aimed_at.into_iter().chain(&responsible).copied().find(|id| are_all_named || !is_named(*id));
            if owner == Some(self.me) {
                return if route.aim == Aim::Node { Way::Nowhere } else { Way::Here };
            }
            let target = owner.unwrap_or(route.key);
            if let Some(next) = self.linked_to(target, &is_open) {
                return Way::Over(next);
            }
            // Over a gap of nodes that are gone, those behind it know who is left; and whoever is behind it looks no more before it.
            let is_behind = !route.suspects.is_empty() && target.clockwise_to(self.me) < self.me.clockwise_to(target);
            let lead = |metric| self.leading_to(target, metric, &is_passed_by, &is_open);
            let next = if owner.is_some() || is_behind {
                lead(Metric::Behind).or_else(|| lead(Metric::Round))
            } else {
                lead(Metric::Round).or_else(|| lead(Metric::Behind))
            };
            if let Some(next) = next {
                return Way::Over(next);
            }
            match owner {
                Some(owner) => given_up.push(owner),
                None => break,
            }
        }
        Way::Stuck
    }

    fn is_suspect(&self, id: RingId, now_ms: u64) -> bool {
        self.neighbours.get(&id).is_some_and(|neighbour| neighbour.is_suspect(now_ms))
    }

    /// The first five responsible for a key that are not bad, where it lies in the stretch that this node knows whole: fewer only in a
    /// smaller ring, or at the end of what is known. Nobody where it does not.
    pub(super) fn responsible(&self, key: RingId, is_bad: &impl Fn(RingId) -> bool) -> Vec<RingId> {
        self.first_behind(key, HOLDERS, is_bad)
    }

    /// The same for so many as are asked for.
    fn first_behind(&self, key: RingId, count: usize, is_bad: &impl Fn(RingId) -> bool) -> Vec<RingId> {
        let [next, previous] = &self.near;
        let is_round = self.knows_all();
        let first = previous.last().copied().unwrap_or(self.me);
        let last = next.last().copied().unwrap_or(self.me);
        // Behind the furthest known predecessor begins what is known: a key before it may belong to somebody unknown.
        let is_known = is_round || (key != first && key.is_between(first, last));
        if !is_known {
            return Vec::new();
        }
        let stretch = previous.iter().rev().chain([&self.me]).chain(next).copied();
        // Whoever has no place yet is responsible for nothing.
        let is_placed = self.standing != Standing::Joining;
        let is_good = |id: &RingId| if *id == self.me { is_placed } else { !is_bad(*id) };
        if is_round {
            let mut all: Vec<RingId> = stretch.filter(is_good).collect();
            super::id::sort_by(&mut all, &|id| key.clockwise_to(id));
            all.dedup();
            all.truncate(count);
            return all;
        }
        stretch.filter(|id| key.is_between(first, *id)).filter(is_good).take(count).collect()
    }

    /// Whether both lists together go round the whole circle: two that overlap do, and those of a small ring. Short lists prove that
    /// only in a place, and when those who told them have spoken: a newcomer's are short, and overlap where one link is all it has.
    fn knows_all(&self) -> bool {
        let reach = |side: Side| self.near(side).last().map_or(0, |last| side.way(self.me, *last));
        let is_round = reach(Side::Next).checked_add(reach(Side::Previous)).is_none();
        let is_long = Side::BOTH.into_iter().all(|side| self.near(side).len() == NEAR_KNOWN);
        (is_round && (is_long || (self.standing == Standing::Member && self.have_spoken()))) || (!is_long && self.is_small())
    }

    /// Whether the first three on each side have said who stands beside them.
    fn have_spoken(&self) -> bool {
        let has_spoken = |side: Side, id: RingId| self.neighbours.get(&id).is_some_and(|neighbour| !neighbour.list(side).is_empty());
        Side::BOTH.into_iter().all(|side| self.linked_on(side).take(RING_SIDE_LINKS).all(|id| has_spoken(side, id)))
    }

    /// The first five nodes responsible for a key, as far as this one knows; nobody where the key is not near.
    pub fn responsible_for(&self, key: RingId) -> Vec<RingId> {
        self.responsible(key, &|_| false)
    }

    /// The first sixteen nodes clockwise of a key, as far as this one knows; nobody where the key is not near.
    pub fn arc_of(&self, key: RingId) -> Vec<RingId> {
        self.first_behind(key, NEAR_KNOWN, &|_| false)
    }

    /// Whether this node is among the first sixteen clockwise of a key that it knows: what belongs there may be kept here.
    pub fn is_in_arc(&self, key: RingId) -> bool {
        let before = self.near(Side::Previous);
        before.len() < NEAR_KNOWN || before.last().is_some_and(|last| key != *last && key.is_between(*last, self.me))
    }

    /// An open link to a node, or to one that has a link to it.
    fn linked_to(&self, node: RingId, is_open: &impl Fn(RingId) -> bool) -> Option<RingId> {
        if self.is_linked(node) && is_open(node) {
            return Some(node);
        }
        let mut open = self.neighbours.values().filter(|neighbour| is_open(neighbour.id));
        open.find(|neighbour| neighbour.links.binary_search(&node).is_ok()).map(|neighbour| neighbour.id)
    }

    /// The open link that is, or has a link, closest to `target`, closer than this node is.
    fn leading_to(
        &self,
        target: RingId,
        metric: Metric,
        is_bad: &impl Fn(RingId) -> bool,
        is_open: &impl Fn(RingId) -> bool,
    ) -> Option<RingId> {
        let remoteness = |id: RingId| match metric {
            Metric::Round => target.remoteness(id),
            Metric::Behind => target.clockwise_to(id),
        };
        let scored = self.neighbours.values().filter(|neighbour| is_open(neighbour.id)).map(|neighbour| {
            let own = remoteness(neighbour.id);
            // What leads back here leads nowhere.
            let is_good = |id| id != self.me && !is_bad(id);
            let further = neighbour.links_around(target, is_good).into_iter().flatten().map(remoteness).min().unwrap_or(u128::MAX);
            (own.min(further), own, neighbour.id)
        });
        scored.min().filter(|(score, _, _)| *score < remoteness(self.me)).map(|(_, _, id)| id)
    }

    /// Both lists, for an answer to `Find`.
    pub(super) fn near_told(&self) -> [&[RingId]; 2] {
        Side::BOTH.map(|side| self.near(side))
    }
}
