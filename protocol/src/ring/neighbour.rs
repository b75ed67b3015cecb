//! One linked node as this one knows it: its links, who stands beside it, how fast it answers.

use super::RingId;
use super::id::Side;
use crate::limits::{RING_HOP_MAX_MS, RING_HOP_MIN_MS, RING_LINKS_TOLD_MAX, RING_SIDE_LINKS};

/// Why there is a link, from this end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The other end dialled, or somebody's chat did: nothing here asked for it.
    Theirs,
    /// Drawn as a long link of this stratum.
    Long {
        /// Which draw.
        stratum: u8,
        /// The binary logarithm of the mean gap when it was drawn: in a ring that has grown or shrunk much it is drawn anew.
        gap_log2: u8,
        /// When it is drawn anew in any case.
        until_ms: u64,
    },
    /// It stood beside this node when it was dialled.
    Near,
}

/// A linked node.
#[derive(Clone, Debug)]
pub(super) struct Neighbour {
    pub id: RingId,
    /// Its links, ascending: neighbours of the neighbour.
    pub links: Vec<RingId>,
    /// Its successors and predecessors, nearest first.
    pub near: [Vec<RingId>; 2],
    pub reason: Reason,
    pub since_ms: u64,
    pub heard_ms: u64,
    /// A ping under way: its token and when it left.
    pub ping: Option<(u32, u64)>,
    /// It is passed over until then.
    pub suspect_until_ms: u64,
    /// Whether each side's list was told to it since it came, and follows by changes.
    pub is_told: [bool; 2],
    /// This node told it that it has no use for the link.
    pub is_spared: bool,
    /// It has no use for the link.
    pub spares: bool,
    rtt: Rtt,
}

impl Neighbour {
    pub fn new(id: RingId, reason: Reason, now_ms: u64) -> Self {
        Self {
            id,
            links: Vec::new(),
            near: [Vec::new(), Vec::new()],
            reason,
            since_ms: now_ms,
            heard_ms: now_ms,
            ping: None,
            suspect_until_ms: 0,
            is_told: [false; 2],
            is_spared: false,
            spares: false,
            rtt: Rtt::default(),
        }
    }

    /// Takes over what it says changed about its links. Who went, or nothing where that does not fit what it said before.
    pub fn links_changed(&mut self, gone: &[u8], come: &[RingId]) -> Option<Vec<RingId>> {
        if gone.iter().any(|place| usize::from(*place) >= self.links.len()) {
            return None;
        }
        let gone = gone.iter().rev().map(|place| self.links.remove(usize::from(*place))).collect();
        for id in come {
            match self.links.binary_search(id) {
                Ok(_) => return None,
                Err(place) => self.links.insert(place, *id),
            }
        }
        (self.links.len() <= RING_LINKS_TOLD_MAX).then_some(gone)
    }

    /// The links of this neighbour next to `key` that are good, clockwise and counter-clockwise of it.
    pub fn links_around(&self, key: RingId, is_good: impl Fn(RingId) -> bool) -> [Option<RingId>; 2] {
        let (before, behind) = self.links.split_at(self.links.partition_point(|id| *id < key));
        let forwards = behind.iter().chain(before).copied().find(|id| is_good(*id));
        let backwards = before.iter().rev().chain(behind.iter().rev()).copied().find(|id| is_good(*id));
        [forwards, backwards]
    }

    /// Whether it counts `me` among its first three linked nodes on a side, of which it takes the lists over.
    pub fn listens_to(&self, me: RingId, side: Side) -> bool {
        let way = side.way(self.id, me);
        let mut nearer = self.links.iter().filter(|id| **id != me && side.way(self.id, **id) < way);
        nearer.nth(RING_SIDE_LINKS - 1).is_none()
    }

    /// Its nearest on one side.
    pub fn list(&self, side: Side) -> &[RingId] {
        &self.near[side as usize]
    }

    pub fn is_suspect(&self, now_ms: u64) -> bool {
        now_ms < self.suspect_until_ms
    }

    /// A sign of life.
    pub fn heard(&mut self, now_ms: u64) {
        self.heard_ms = now_ms;
        self.suspect_until_ms = 0;
    }

    /// A round trip was measured.
    pub fn measured(&mut self, sample_ms: u64) {
        self.rtt.add(sample_ms);
    }

    /// The smoothed round trip in milliseconds, once one was measured.
    pub fn rtt_ms(&self) -> Option<u64> {
        self.rtt.smoothed_ms.map(|eighths| eighths / 8)
    }

    /// How long to wait for an acknowledgement.
    pub fn hop_wait_ms(&self) -> u64 {
        self.rtt.wait_ms().clamp(RING_HOP_MIN_MS, RING_HOP_MAX_MS)
    }
}

/// Round trips of one link, smoothed as RFC 6298 has it, in eighths and quarters of a millisecond.
#[derive(Clone, Copy, Debug, Default)]
struct Rtt {
    smoothed_ms: Option<u64>,
    deviation_ms: u64,
}

impl Rtt {
    fn add(&mut self, sample_ms: u64) {
        match self.smoothed_ms {
            None => {
                self.smoothed_ms = Some(8 * sample_ms);
                self.deviation_ms = 2 * sample_ms;
            }
            Some(eighths) => {
                let off = (eighths / 8).abs_diff(sample_ms);
                self.deviation_ms = self.deviation_ms - self.deviation_ms / 4 + off;
                self.smoothed_ms = Some(eighths - eighths / 8 + sample_ms);
            }
        }
    }

    fn wait_ms(&self) -> u64 {
        self.smoothed_ms.map_or(RING_HOP_MAX_MS, |eighths| eighths / 8 + self.deviation_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn neighbour(links: &[u128]) -> Neighbour {
        let mut neighbour = Neighbour::new(RingId(0), Reason::Theirs, 0);
        neighbour.links = links.iter().copied().map(RingId).collect();
        neighbour
    }

    #[test]
    fn changes_apply_to_the_list_as_it_was_told() {
        let mut neighbour = neighbour(&[1, 5, 9]);
        assert_eq!(neighbour.links_changed(&[0, 2], &[RingId(3), RingId(7)]), Some(vec![RingId(9), RingId(1)]));
        assert_eq!(neighbour.links, [RingId(3), RingId(5), RingId(7)]);
        assert_eq!(neighbour.links_changed(&[3], &[]), None, "a place that does not exist");
        assert_eq!(neighbour.links_changed(&[], &[RingId(5)]), None, "one that is there already");
    }

    #[test]
    fn the_wait_follows_the_round_trips() {
        let mut neighbour = neighbour(&[]);
        assert_eq!(neighbour.hop_wait_ms(), RING_HOP_MAX_MS);
        (0..64).for_each(|_| neighbour.measured(80));
        assert!(neighbour.hop_wait_ms() <= RING_HOP_MIN_MS && neighbour.rtt_ms() == Some(80));
        (0..64).for_each(|at| neighbour.measured(if at % 2 == 0 { 80 } else { 400 }));
        assert!(neighbour.hop_wait_ms() > 500, "{}", neighbour.hop_wait_ms());
    }

    proptest! {
        #[test]
        fn the_closest_is_what_a_look_at_all_finds(links in proptest::collection::btree_set(any::<u128>(), 0..12), key in any::<u128>(), bad in any::<u128>()) {
            let links: Vec<u128> = links.into_iter().collect();
            let is_good = |id: RingId| id.0 % 3 != bad % 3;
            let oracle = links.iter().copied().map(RingId).filter(|id| is_good(*id)).map(|id| RingId(key).remoteness(id)).min();
            let around = neighbour(&links).links_around(RingId(key), is_good);
            prop_assert_eq!(around.into_iter().flatten().map(|id| RingId(key).remoteness(id)).min(), oracle);
        }
    }
}
