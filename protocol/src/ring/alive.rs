//! Who still lives: neighbours that are silent are pinged, and cut off when they stay so.

use super::message::Message;
use super::neighbour::{Neighbour, Reason};
use super::{Outcome, Ring, RingId};
use crate::limits::{PROBE_WAIT_MS, RING_PING_LONG_MS, RING_PING_MS};

impl Ring {
    /// Asks a neighbour for a sign of life, unless one is awaited.
    pub(super) fn ping(&mut self, peer: RingId, now_ms: u64, out: &mut Vec<Outcome>) {
        let Some(neighbour) = self.neighbours.get_mut(&peer).filter(|neighbour| neighbour.ping.is_none()) else { return };
        let token = self.tending.next_token;
        self.tending.next_token = self.tending.next_token.wrapping_add(1);
        neighbour.ping = Some((token, now_ms));
        self.ping_ms = self.ping_ms.min(now_ms + PROBE_WAIT_MS);
        out.push(Outcome::Send { to: peer, message: Message::Ping { token } });
    }

    /// Pings what is silent, and cuts off what stays so.
    pub(super) fn pings_due(&mut self, now_ms: u64, out: &mut Vec<Outcome>) {
        if now_ms < self.ping_ms {
            return;
        }
        let due: Vec<RingId> =
            self.neighbours.values().filter(|neighbour| self.ping_due_ms(neighbour) <= now_ms).map(|neighbour| neighbour.id).collect();
        for peer in due {
            let is_pinged = self.neighbours.get(&peer).is_some_and(|neighbour| neighbour.ping.is_some());
            if is_pinged {
                self.cut(peer, now_ms, out);
            } else {
                self.ping(peer, now_ms, out);
            }
        }
        self.ping_ms = self.neighbours.values().map(|neighbour| self.ping_due_ms(neighbour)).min().unwrap_or(u64::MAX);
    }

    /// When a neighbour is to be pinged, or cut off. Whatever is heard from it moves that on.
    pub(super) fn ping_due_ms(&self, neighbour: &Neighbour) -> u64 {
        match neighbour.ping {
            // Whatever was heard since shows that it lives.
            Some((_, sent_ms)) => sent_ms.max(neighbour.heard_ms) + PROBE_WAIT_MS,
            None => {
                let quiet_ms = if matches!(neighbour.reason, Reason::Near) { RING_PING_MS } else { RING_PING_LONG_MS };
                // One end asks, and the answer serves both; the other asks only when that one has failed to.
                neighbour.heard_ms + if self.me < neighbour.id { quiet_ms } else { quiet_ms + RING_PING_MS }
            }
        }
    }
}
