//! A message and a contact's standing as the screen shows them: plain values.

use super::MessageId;
use crate::identity::NodeId;

/// How the person stands to a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A contact.
    Accepted,
    /// A stranger who wrote first.
    New,
    /// A stranger put aside.
    Ignored,
    /// Refused.
    Blocked,
}

/// Which way a message went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From them.
    In,
    /// From here.
    Out,
}

/// The life of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageState {
    /// Durable here, on its way as soon as there is one.
    Queued,
    /// Written to an open session.
    Sent,
    /// Kept by at least three peers for somebody who is away: the page may be closed.
    Held,
    /// Stored by the other side. The state of every message from them.
    Delivered,
    /// Has been on their screen.
    Read,
    /// Given up after its time.
    Expired,
    /// Could not be stored or was refused.
    Failed,
}

/// What keeps a message closed to everybody else, on the way that it took or takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Sealing {
    /// The session between both devices.
    #[default]
    Session,
    /// An envelope, sealed to a prekey too: it stays closed to whoever gets the receiver's keys once the prekey is erased.
    Prekey,
    /// An envelope sealed to the certified key alone.
    CertifiedKey,
}

/// A message as the screen shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageView {
    /// Who it is, the same at both ends.
    pub id: MessageId,
    /// Its place in the conversation; ascending, not without holes.
    pub order: u64,
    /// Its author's counter in this conversation, from 1.
    pub seq: u64,
    /// Which way.
    pub direction: Direction,
    /// When its author sent it, by the author's wall clock.
    pub sent_ms: u64,
    /// The text.
    pub text: String,
    /// Where it is in its life.
    pub state: MessageState,
    /// Messages of the same author that are missing just before this one.
    pub gap_before: u32,
    /// What seals it.
    pub sealing: Sealing,
    /// Of one's own while it is not delivered: the peers that have signed that they keep it.
    pub holders: Vec<NodeId>,
}
