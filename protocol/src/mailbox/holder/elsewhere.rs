//! Mail that lies past a full holder: it remembers who keeps it, to tell whom it is for.

use super::Holder;
use crate::limits::{ARC, HOLDER_PASSED_MS};
use crate::mailbox::Mailbox;
use crate::ring::RingId;
use crate::time::Now;

/// Holders past this node that are remembered. Guess.
pub(super) const ELSEWHERE_MAX: usize = 1_024;

impl Holder {
    /// Who else keeps mail for this mailbox, past this node, which had no room: the first of them.
    pub fn elsewhere(&self, mailbox: &Mailbox, now: Now) -> Vec<RingId> {
        let of_it = self.elsewhere.iter().filter(|((of, _), until_ms)| of == mailbox && **until_ms > now.mono);
        of_it.map(|((_, node), _)| *node).take(ARC).collect()
    }

    pub(super) fn note_elsewhere(&mut self, mailbox: Mailbox, node: RingId, now: Now) {
        self.elsewhere.retain(|_, until_ms| *until_ms > now.mono);
        if self.elsewhere.len() < ELSEWHERE_MAX {
            self.elsewhere.insert((mailbox, node), now.mono + 2 * HOLDER_PASSED_MS);
        }
    }
}
