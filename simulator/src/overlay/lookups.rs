//! Lookups of an experiment: what was asked, and whether the answer was right.

use std::collections::BTreeMap;

use b4_protocol::ring::RingId;

use super::Overlay;

/// How many of the key's first live successors count as right.
const RIGHT: usize = 5;

/// How one lookup went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LookupResult {
    /// Answered by one of the true first five.
    pub is_right: bool,
    /// Answered by the very first.
    pub is_first: bool,
    /// Hops of the request that was answered.
    pub hops: u8,
    /// From asking to the answer, in milliseconds.
    pub took_ms: u64,
}

/// All lookups since the last time they were taken.
#[derive(Debug, Default)]
pub struct Lookups {
    next: u64,
    open: BTreeMap<u64, (u64, RingId)>,
    done: Vec<LookupResult>,
    failed: u64,
}

impl Lookups {
    pub(super) fn begin(&mut self, now_ms: u64, key: RingId) -> u64 {
        self.next += 1;
        self.open.insert(self.next, (now_ms, key));
        self.next
    }

    /// Takes what was answered, how many failed, and how many are open.
    pub fn take(&mut self) -> (Vec<LookupResult>, u64, usize) {
        (std::mem::take(&mut self.done), std::mem::take(&mut self.failed), self.open.len())
    }
}

impl Overlay {
    pub(super) fn lookup_answered(&mut self, number: u64, by: RingId, hops: u8) {
        let Some((began_ms, key)) = self.lookups.open.remove(&number) else { return };
        let rank = self.live.range(key..).chain(self.live.range(..key)).take(RIGHT).position(|(id, _)| *id == by);
        let took_ms = self.now_ms - began_ms;
        self.lookups.done.push(LookupResult { is_right: rank.is_some(), is_first: rank == Some(0), hops, took_ms });
    }

    pub(super) fn lookup_failed(&mut self, number: u64) {
        self.lookups.open.remove(&number);
        self.lookups.failed += 1;
    }
}
