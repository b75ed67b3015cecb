//! Lookups of an experiment: what was asked, and whether the answer was right.

use std::collections::BTreeMap;

use b4_protocol::ring::{Aim, PathId, Request, RingId, Service};

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
    /// Nodes that were found silent on that way.
    pub timeouts: u8,
    /// From asking to the answer, or to giving up, in milliseconds.
    pub took_ms: u64,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    by: NodeIndex,
    key: RingId,
    began_ms: u64,
    first: PathId,
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
        let open = Open { by, key, began_ms: self.now_ms, first: PathId(0), is_again: false };
        self.lookups.open.insert(number, open);
        self.look_up(number, open);
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

    fn look_up(&mut self, number: u64, open: Open) {
        let request = Request { service: Service::Lookup, aim: Aim::Any, key: open.key, body: Vec::new() };
        let first = self.ask(open.by, request, Asked::Lookup { number });
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
        let Some(open) = self.lookups.open.get(&number).copied() else { return };
        let facts = self.traffic.known(path);
        // What a node answered from its own knowledge at once was not on any way.
        let is_right = facts.is_right.unwrap_or_else(|| self.responsible(open.key).any(|id| id == by));
        // The path of one that is answered while it is asked is not known yet.
        let is_first = open.first == path || open.first == PathId(0);
        if !is_right && !open.is_again && is_first {
            let again = Open { is_again: true, ..open };
            self.lookups.open.insert(number, again);
            self.look_up(number, again);
            return;
        }
        self.lookups.open.remove(&number);
        self.lookups.done.push(LookupResult {
            is_right_at_once: is_right && is_first && !open.is_again,
            is_right,
            hops: Some(hops),
            timeouts: facts.timeouts,
            took_ms: self.now_ms - open.began_ms,
        });
    }

    pub(super) fn lookup_failed(&mut self, number: u64) {
        let Some(open) = self.lookups.open.remove(&number) else { return };
        let took_ms = self.now_ms - open.began_ms;
        self.lookups.done.push(LookupResult { is_right_at_once: false, is_right: false, hops: None, timeouts: 0, took_ms });
    }

    /// Who asked is gone: nobody waits for the answer.
    pub(super) fn lookup_void(&mut self, number: u64) {
        self.lookups.open.remove(&number);
    }
}
