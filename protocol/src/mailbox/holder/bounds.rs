//! What a holder remembers of others for a while, within bounds: who is passed over, and who was asked.

use super::Holder;
use super::elsewhere::ELSEWHERE_MAX;
use crate::limits::{HOLDER_PASSED_MS, OFFERS_OUT_MAX, OUT_OF_REACH_MAX, PASSED_MAX, WANTED_MAX};
use crate::mailbox::Mailbox;
use crate::ring::RingId;
use crate::time::{Now, SECOND_MS};

impl Holder {
    /// A node cannot be linked to: others stand in for it.
    pub fn unreachable(&mut self, node: RingId, now: Now) {
        self.out_of_reach.retain(|_, until_ms| *until_ms > now.mono);
        if self.out_of_reach.len() < OUT_OF_REACH_MAX || self.out_of_reach.contains_key(&node) {
            self.out_of_reach.insert(node, now.mono + HOLDER_PASSED_MS);
        }
        self.look_ms = self.look_ms.min(now.mono + SECOND_MS);
    }

    /// A node has no room for this mailbox, or does not keep mail for it.
    pub(super) fn pass(&mut self, node: RingId, mailbox: Mailbox, now: Now) {
        if self.passed.len() < PASSED_MAX || self.passed.contains_key(&(node, mailbox)) {
            self.passed.insert((node, mailbox), now.mono + HOLDER_PASSED_MS);
        }
    }

    /// Its queues: name, length and bound of each. `links_max` is how many sessions there can be.
    pub(crate) fn queues(&self, links_max: usize) -> [(&'static str, usize, usize); 6] {
        [
            ("wanted by the holder", self.wanted.len(), WANTED_MAX),
            ("holders elsewhere", self.elsewhere.len(), ELSEWHERE_MAX),
            ("offers out", self.asked.len(), OFFERS_OUT_MAX),
            ("passed over", self.passed.len(), PASSED_MAX),
            ("out of reach", self.out_of_reach.len(), OUT_OF_REACH_MAX),
            ("giving", self.giving.len(), links_max),
        ]
    }
}
