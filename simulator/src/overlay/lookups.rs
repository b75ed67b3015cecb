//! Lookups of an experiment: what was asked, and whether the answer was right.

use std::collections::BTreeMap;

use b4_protocol::ring::{Aim, Message, Outcome, PathId, Request, RequestId, RingId, Service};

use super::{Asked, NodeIndex, Overlay};

/// How many of the key's first members count as right.
const RIGHT: usize = 5;

/// How one lookup went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LookupResult {
    /// The first way was answered by one of the true first five.
    pub is_right_at_once: bool,
    /// Or the second was.
    pub is_right: bool,
    /// Hops of the request that was answered; none of one that was not.
    pub hops: Option<u8>,
    /// Hops that did not answer in time, or were gone while they were asked, on all its ways.
    pub timeouts: u32,
    /// From asking to the answer, or to giving up, in milliseconds.
    pub took_ms: u64,
}

#[derive(Clone, Debug)]
struct Open {
    by: NodeIndex,
    key: RingId,
    began_ms: u64,
    first: PathId,
    /// All ways on which it was sent.
    paths: Vec<PathId>,
    /// It was answered wrongly and is asked once more.
    is_again: bool,
}

/// Lookups under way, and those done since they were last taken.
#[derive(Debug, Default)]
pub(super) struct Lookups {
    next: u64,
    open: BTreeMap<u64, Open>,
    done: Vec<LookupResult>,
}

impl Overlay {
    /// Asks from a node who is responsible for a key. One that is answered wrongly is asked once more, as one that is not answered
    /// is by the ring.
    pub fn lookup(&mut self, by: NodeIndex, key: RingId) {
        self.lookups.next += 1;
        let number = self.lookups.next;
        let open = Open { by, key, began_ms: self.now_ms, first: PathId(0), paths: Vec::new(), is_again: false };
        self.lookups.open.insert(number, open);
        self.look_up(number, by, key);
        self.arm(by);
    }

    /// How many are under way.
    pub fn lookups_open(&self) -> usize {
        self.lookups.open.len()
    }

    /// Takes what was done.
    pub fn take_lookups(&mut self) -> Vec<LookupResult> {
        std::mem::take(&mut self.lookups.done)
    }

    fn look_up(&mut self, number: u64, by: NodeIndex, key: RingId) {
        let request = Request { service: Service::Lookup, aim: Aim::Any, key, body: Vec::new() };
        let first = self.ask(by, request, Asked::Lookup { number });
        if let Some(now_open) = self.lookups.open.get_mut(&number) {
            now_open.first = first.unwrap_or(PathId(0));
        }
    }

    /// A lookup reached a node: was it the right one, at this moment?
    pub(super) fn lookup_delivered(&mut self, path: PathId, to: RingId, key: RingId) {
        let is_right = self.responsible(key).any(|id| id == to);
        self.traffic.facts(path).is_right = Some(is_right);
    }

    /// The members that a key belongs to.
    pub(super) fn responsible(&self, key: RingId) -> impl Iterator<Item = RingId> + '_ {
        self.members.range(key..).chain(self.members.range(..key)).take(RIGHT).map(|(id, _)| *id)
    }

    pub(super) fn lookup_answered(&mut self, number: u64, path: PathId, hops: u8, by: RingId) {
        let Some(open) = self.lookups.open.get_mut(&number) else { return };
        let facts = self.traffic.known(path);
        // What a node answered from its own knowledge at once was not on any way.
        let (asker, key, is_again) = (open.by, open.key, open.is_again);
        // The path of one that is answered while it is asked is not known yet.
        let is_first = open.first == path || open.first == PathId(0);
        let is_right = facts.is_right.unwrap_or_else(|| self.responsible(key).any(|id| id == by));
        if !is_right && !is_again && is_first {
            if let Some(open) = self.lookups.open.get_mut(&number) {
                open.is_again = true;
            }
            self.look_up(number, asker, key);
            return;
        }
        let Some(open) = self.lookups.open.remove(&number) else { return };
        let timeouts = self.timeouts_of(&open);
        self.lookups.done.push(LookupResult {
            is_right_at_once: is_right && is_first && !is_again,
            is_right,
            hops: Some(hops),
            timeouts,
            took_ms: self.now_ms - open.began_ms,
        });
    }

    pub(super) fn lookup_failed(&mut self, number: u64) {
        let Some(open) = self.lookups.open.remove(&number) else { return };
        let (took_ms, timeouts) = (self.now_ms - open.began_ms, self.timeouts_of(&open));
        self.lookups.done.push(LookupResult { is_right_at_once: false, is_right: false, hops: None, timeouts, took_ms });
    }

    fn timeouts_of(&self, open: &Open) -> u32 {
        open.paths.iter().map(|path| self.traffic.known(*path).timeouts).sum()
    }

    /// A lookup leaves its asker, on the way that its request has now.
    pub(super) fn note_lookup_sent(&mut self, node: NodeIndex, path: PathId) {
        let state = &self.nodes[node as usize];
        let Some(ring) = state.ring.as_ref() else { return };
        let is_on_it = |(request, asked): (&RequestId, &Asked)| match asked {
            Asked::Lookup { number } if ring.path_of(*request) == Some(path) => Some(*number),
            _ => None,
        };
        if let Some(open) = state.asked.iter().find_map(is_on_it).and_then(|number| self.lookups.open.get_mut(&number))
            && !open.paths.contains(&path)
        {
            open.paths.push(path);
        }
    }

    /// Hops of so many requests that were under way did not answer, and this is what a ring orders therefore: each request is sent another
    /// way, given back or answered, by its path, or its asker tries once more, on a path that is new.
    pub(super) fn note_timeouts(&mut self, count: u64, orders: &[Outcome]) {
        let paths: Vec<PathId> = orders.iter().filter_map(path_in).collect();
        let (known, new): (Vec<PathId>, Vec<PathId>) = paths.into_iter().partition(|path| self.traffic.is_known(*path));
        for path in known.into_iter().chain(new).take(count as usize) {
            self.traffic.facts(path).timeouts += 1;
        }
    }

    /// Who asked is gone: nobody waits for the answer.
    pub(super) fn lookup_void(&mut self, number: u64) {
        self.lookups.open.remove(&number);
    }
}

/// The path of a request that goes on or ends: what is merely said about one is not in it.
fn path_in(outcome: &Outcome) -> Option<PathId> {
    match outcome {
        Outcome::Send { message: Message::Route(route), .. } => Some(route.path),
        Outcome::Send { message: Message::Stuck { path, .. } | Message::Reply { path, .. }, .. } => Some(*path),
        Outcome::Delivered { path, .. } => Some(*path),
        _ => None,
    }
}
