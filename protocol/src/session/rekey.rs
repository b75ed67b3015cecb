//! When new keys are due: the count of an epoch's use.

use crate::limits::{REKEY_AGE_MS, REKEY_BYTES, REKEY_RECORDS};
use crate::time::Now;

/// Use of one epoch, both directions together.
pub(super) struct Usage {
    since_ms: u64,
    pub(super) records: u64,
    bytes: u64,
}

impl Usage {
    pub fn since(now: Now) -> Self {
        Self { since_ms: now.mono, records: 0, bytes: 0 }
    }

    /// Counts one record.
    pub fn count(&mut self, bytes: usize) {
        self.records += 1;
        self.bytes += bytes as u64;
    }

    /// The initiator asks for new keys.
    pub fn is_due(&self, now: Now) -> bool {
        let age_ms = now.mono.saturating_sub(self.since_ms);
        self.records >= REKEY_RECORDS || self.bytes >= REKEY_BYTES || age_ms >= REKEY_AGE_MS
    }

    /// The responder closes: its initiator does not keep the rule. Age is not counted against an idle session, whose
    /// initiator has had nothing to send and so no occasion.
    pub fn is_overdue(&self) -> bool {
        self.records >= 2 * REKEY_RECORDS || self.bytes >= 2 * REKEY_BYTES
    }
}
