//! Writes that are not durable yet, in order, each with what is to happen when it is. After a failure nothing newer goes
//! out before the older: the platform fails everything that waits behind a failed write, and all of it is ordered again.

use std::collections::VecDeque;

use zeroize::Zeroize;

use crate::chat::{MessageId, MessageView};
use crate::crypto::Ticket;
use crate::directory::Prekey;
use crate::identity::{UserId, VerifiedCertificate};
use crate::limits::STORE_RETRY_MS;
use crate::mailbox::{Bucket, EnvelopeId, Mailbox};
use crate::ring::{PathId, RingId};
use crate::store::Write;

/// A message of theirs as it will be shown; their message with this number has so many missing before it now.
pub(super) type Shown = (MessageView, Option<(u64, u32)>);

/// What a write is for.
#[derive(Clone, Debug)]
pub(super) enum Purpose {
    /// One's own text: show it and send it.
    Outgoing { user: UserId, view: MessageView },
    /// A text of theirs: show it and acknowledge it.
    Incoming { user: UserId, view: MessageView, gap_changed: Option<(u64, u32)> },
    /// Somebody's record or presence, which came along this path: say that it is taken.
    Publication { path: PathId },
    /// A text of theirs that came by way of others, new or known: show it, and tell who keeps it and who wrote it.
    Letter { id: EnvelopeId, user: UserId, author: Box<VerifiedCertificate>, incoming: Option<Box<Shown>> },
    /// Word of a receiver, which came from there, that messages have come: tell who keeps it.
    Word { id: EnvelopeId, from: RingId },
    /// Something kept for somebody: say so.
    Deposit { mailbox: Mailbox, id: EnvelopeId },
    /// A message of one's own, sealed: leave it with others.
    Sealed { id: EnvelopeId, bucket: Bucket },
    /// A prekey of this device: the record may name it.
    Prekey { prekey: Prekey },
    /// The last part of a file that this message offers: it is whole.
    File { id: MessageId },
    /// Nothing waits for it.
    Quiet,
}

/// One order to write.
#[derive(Debug)]
struct Pending {
    ticket: Ticket,
    writes: Vec<Write>,
    purpose: Purpose,
}

/// The writes under way.
#[derive(Debug, Default)]
pub(super) struct Journal {
    /// By ticket. They come at the end and, as a rule, go at the front.
    pending: VecDeque<Pending>,
    /// Set after a failure: nothing is ordered until then.
    retry_at_ms: Option<u64>,
}

/// Writes not durable yet at which no text and no message is taken any more. A hidden disk problem must not fill the memory.
const PENDING_MAX: usize = 8_192;

impl Journal {
    /// Keeps a write; its ticket is drawn after all those before. Returns the writes when they are to be ordered now.
    pub fn add(&mut self, ticket: Ticket, writes: Vec<Write>, purpose: Purpose) -> Option<Vec<Write>> {
        debug_assert!(self.pending.back().is_none_or(|last| last.ticket < ticket), "tickets rise");
        self.pending.push_back(Pending { ticket, writes: writes.clone(), purpose });
        self.retry_at_ms.is_none().then_some(writes)
    }

    /// A write is durable: what it was for. Its bytes are erased, since some are private halves of prekeys.
    pub fn stored(&mut self, ticket: Ticket) -> Option<Purpose> {
        let place = self.pending.binary_search_by_key(&ticket, |pending| pending.ticket).ok()?;
        let mut pending = self.pending.remove(place)?;
        pending.writes.iter_mut().for_each(|write| write.value.zeroize());
        Some(pending.purpose)
    }

    /// Writes failed. Returns true for the first failure in a row.
    pub fn failed(&mut self, now_mono_ms: u64) -> bool {
        self.retry_at_ms.replace(now_mono_ms + STORE_RETRY_MS).is_none()
    }

    /// The disk is full: what is kept for others gives way to what is one's own. Returns what goes.
    pub fn drop_deposits(&mut self) -> Vec<(Mailbox, EnvelopeId)> {
        let mut dropped = Vec::new();
        self.pending.retain(|pending| match pending.purpose {
            Purpose::Deposit { mailbox, id } => {
                dropped.push((mailbox, id));
                false
            }
            _ => true,
        });
        dropped
    }

    /// Everything that is not durable, to be ordered again, when its time has come.
    pub fn retry(&mut self, now_mono_ms: u64) -> Vec<(Ticket, Vec<Write>)> {
        if self.retry_at_ms.is_none_or(|at| at > now_mono_ms) {
            return Vec::new();
        }
        self.retry_at_ms = None;
        self.pending.iter().map(|pending| (pending.ticket, pending.writes.clone())).collect()
    }

    /// When to call [`Journal::retry`].
    pub fn deadline(&self) -> Option<u64> {
        self.retry_at_ms
    }

    /// Whether the store is failing, or so far behind that nothing more may be begun.
    pub fn is_troubled(&self) -> bool {
        self.retry_at_ms.is_some() || self.pending.len() >= PENDING_MAX
    }
}
