//! Offers that are being opened: bounded, replays dropped, and no sender served at the others' cost.

use super::{LinkOp, Outcome, Sender};
use crate::identity::NodeId;
use crate::limits::{
    CANDIDATES_MAX, DIAL_ID_MEMORY_MS, DIAL_IDS_MAX, FAMILIAR_OPS_PER_SECOND, FAMILIARS_MAX, HANDSHAKE_MS, HANDSHAKES_MAX,
    OFFERS_PER_SENDER, UNSOLICITED_OPS_PER_SECOND,
};
use crate::ordered::{OrderedMap, OrderedSet};
use crate::signal::sealed::{DialId, Header, SealedOffer};
use crate::time::{Now, SECOND_MS};

/// Span over which a sender's offers are counted.
const SENDER_SPAN_MS: u64 = 10 * SECOND_MS;
/// Senders counted at once; at the bound the count starts again.
const SENDERS_MAX: usize = 1_024;
/// Offers being opened at once.
const PENDING_MAX: usize = 2 * HANDSHAKES_MAX;
/// Of those, how many are kept for devices met before.
const PENDING_FAMILIAR: usize = HANDSHAKES_MAX / 2;

/// An offer whose key is being unwrapped.
pub(super) struct Pending {
    /// Whom the forwarder vouches for.
    pub vouched: Option<NodeId>,
    pub offer: SealedOffer,
    pub received_ms: u64,
    /// Sealed candidates that came meanwhile.
    pub candidates: Vec<Vec<u8>>,
}

/// The offers being opened, and what is remembered against replay and flood.
#[derive(Default)]
pub(super) struct Incoming {
    pending: OrderedMap<u64, Pending>,
    next_number: u64,
    seen: OrderedMap<DialId, u64>,
    senders: OrderedMap<NodeId, u32>,
    senders_since_ms: u64,
    familiars: OrderedSet<NodeId>,
    second_ms: u64,
    ops_this_second: u32,
}

impl Incoming {
    /// Takes an offer, or drops it. Dropping is silent: who meant it dials again.
    pub fn offer(&mut self, sender: Sender, header: Header, frame: Vec<u8>, now: Now) -> Vec<Outcome> {
        self.forget(now);
        let is_replay = self.seen.contains_key(&header.dial);
        let is_familiar = self.familiars.contains(&sender.charged);
        let pending_max = if is_familiar { PENDING_MAX } else { PENDING_MAX - PENDING_FAMILIAR };
        if is_replay || self.seen.len() >= DIAL_IDS_MAX || self.pending.len() >= pending_max || !self.admits(sender.charged, is_familiar, now) {
            return Vec::new();
        }
        let Ok(offer) = SealedOffer::new(header, frame) else { return Vec::new() };
        self.seen.insert(header.dial, now.mono + DIAL_ID_MEMORY_MS);
        let number = self.next_number;
        self.next_number += 1;
        let op = offer.key_op();
        self.pending.insert(number, Pending { vouched: sender.vouched, offer, received_ms: now.mono, candidates: Vec::new() });
        vec![Outcome::Key(LinkOp::OpenOffer(number), op)]
    }

    /// Keeps a candidate for an offer that is being opened.
    pub fn candidate(&mut self, dial: DialId, frame: Vec<u8>) {
        let pending = self.pending.iter_mut().map(|(_, pending)| pending).find(|pending| pending.offer.header.dial == dial);
        if let Some(pending) = pending.filter(|pending| pending.candidates.len() < CANDIDATES_MAX) {
            pending.candidates.push(frame);
        }
    }

    pub fn take(&mut self, number: u64) -> Option<Pending> {
        self.pending.remove(&number)
    }

    pub fn wake(&mut self, now: Now) {
        self.forget(now);
    }

    /// Entries kept about others.
    #[cfg(test)]
    pub fn remembered(&self) -> usize {
        self.seen.len() + self.senders.len() + self.pending.len()
    }

    /// A device of somebody this one knows: floods of others do not use up what is kept for it.
    pub fn familiar(&mut self, node: NodeId) {
        if self.familiars.len() < FAMILIARS_MAX {
            self.familiars.insert(node);
        }
    }

    fn forget(&mut self, now: Now) {
        self.seen.retain(|_, until| *until > now.mono);
        // An operation that the keys never answer must not make this end deaf.
        self.pending.retain(|_, pending| now.mono < pending.received_ms + HANDSHAKE_MS);
        if now.mono >= self.senders_since_ms + SENDER_SPAN_MS || self.senders.len() >= SENDERS_MAX {
            self.senders.clear();
            self.senders_since_ms = now.mono;
        }
    }

    fn admits(&mut self, from: NodeId, is_familiar: bool, now: Now) -> bool {
        if now.mono >= self.second_ms + SECOND_MS {
            self.second_ms = now.mono;
            self.ops_this_second = 0;
        }
        let ops_max = UNSOLICITED_OPS_PER_SECOND - if is_familiar { 0 } else { FAMILIAR_OPS_PER_SECOND };
        let count = self.senders.entry(from).or_default();
        if *count >= OFFERS_PER_SENDER || self.ops_this_second >= ops_max {
            return false;
        }
        *count += 1;
        self.ops_this_second += 1;
        true
    }
}
