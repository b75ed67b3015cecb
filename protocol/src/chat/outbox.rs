//! What waits for one reader: in order, some of it on the way, none of it forgotten before it is acknowledged.

use std::collections::VecDeque;

use super::{MessageId, Sealing};
use crate::limits::{OUTBOX_PER_CONTACT_MAX, WINDOW_BYTES, WINDOW_MESSAGES};
use crate::ordered::OrderedMap;

/// A message that the reader has not stored yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pending {
    pub id: MessageId,
    pub order: u64,
    pub seq: u64,
    pub sent_ms: u64,
    /// What seals it, on the way it was last sent.
    pub sealing: Sealing,
    /// Encoded, as it goes into records.
    pub body: Vec<u8>,
    /// Durable here.
    pub is_stored: bool,
    /// Nobody came for it in time.
    pub is_expired: bool,
}

/// Messages in the order of their numbers: those before `next` are on the way in this session.
#[derive(Clone, Debug, Default)]
pub(super) struct Outbox {
    queue: VecDeque<Pending>,
    next: usize,
    bytes_on_the_way: usize,
    /// Refused by the reader, kept for another try.
    failed: OrderedMap<MessageId, Pending>,
}

impl Outbox {
    pub fn is_full(&self) -> bool {
        self.queue.len() + self.failed.len() >= OUTBOX_PER_CONTACT_MAX
    }

    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// True while something is on the way.
    pub fn awaits_acknowledgement(&self) -> bool {
        self.next > 0
    }

    /// The lowest number that waits.
    pub fn first_seq(&self) -> Option<u64> {
        self.queue.front().map(|entry| entry.seq)
    }

    pub fn push(&mut self, pending: Pending) {
        let at = self.queue.partition_point(|entry| entry.seq < pending.seq);
        debug_assert!(at >= self.next, "numbers only rise, and a retried one goes where nothing is on the way");
        self.queue.insert(at, pending);
    }

    pub fn push_failed(&mut self, pending: Pending) {
        self.failed.insert(pending.id, pending);
    }

    /// Marks a message as durable here. `None` when it is not in the outbox any more.
    pub fn stored(&mut self, id: MessageId) -> Option<&Pending> {
        let entry = self.queue.iter_mut().rev().find(|entry| entry.id == id)?;
        entry.is_stored = true;
        Some(entry)
    }

    /// All that is durable here, in order.
    pub fn stored_entries(&self) -> impl Iterator<Item = &Pending> {
        self.queue.iter().filter(|entry| entry.is_stored)
    }

    /// Whether a message waits.
    pub fn has(&self, id: MessageId) -> bool {
        self.queue.iter().any(|entry| entry.id == id)
    }

    /// Notes what seals a message that waits.
    pub fn sealed(&mut self, id: MessageId, sealing: Sealing) -> Option<&Pending> {
        let entry = self.queue.iter_mut().find(|entry| entry.id == id)?;
        entry.sealing = sealing;
        Some(entry)
    }

    /// The next message to send in this session, when the window has room. It counts as on the way from now on.
    pub fn next_to_send(&mut self) -> Option<&Pending> {
        let entry = self.queue.get(self.next).filter(|entry| entry.is_stored)?;
        let has_room = self.next < WINDOW_MESSAGES && (self.next == 0 || self.bytes_on_the_way + entry.body.len() <= WINDOW_BYTES);
        if !has_room {
            return None;
        }
        self.next += 1;
        self.bytes_on_the_way += entry.body.len();
        Some(entry)
    }

    /// Takes an acknowledged message out; `None` when it is not waiting.
    pub fn take(&mut self, id: MessageId) -> Option<Pending> {
        let index = self.queue.iter().position(|entry| entry.id == id)?;
        let entry = self.queue.remove(index)?;
        if index < self.next {
            self.next -= 1;
            self.bytes_on_the_way -= entry.body.len();
        }
        Some(entry)
    }

    /// Takes a refused message out; `None` when it did not fail, or is over.
    pub fn take_failed(&mut self, id: MessageId) -> Option<Pending> {
        self.failed.get(&id).filter(|pending| !pending.is_expired)?;
        self.failed.remove(&id)
    }

    /// Takes out a message that is over; `None` when it is not.
    pub fn take_expired(&mut self, id: MessageId) -> Option<Pending> {
        self.failed.get(&id).filter(|pending| pending.is_expired)?;
        self.failed.remove(&id)
    }

    /// The session is gone: everything waits again. Returns what was on the way.
    pub fn rewind(&mut self) -> Vec<MessageId> {
        let ids = self.queue.iter().take(self.next).map(|entry| entry.id).collect();
        self.next = 0;
        self.bytes_on_the_way = 0;
        ids
    }

    /// The state to show for a message of one's own that is still here.
    pub fn state_of(&self, id: MessageId) -> Option<super::MessageState> {
        if let Some(pending) = self.failed.get(&id) {
            return Some(if pending.is_expired { super::MessageState::Expired } else { super::MessageState::Failed });
        }
        let index = self.queue.iter().position(|entry| entry.id == id)?;
        Some(if index < self.next { super::MessageState::Sent } else { super::MessageState::Queued })
    }
}
