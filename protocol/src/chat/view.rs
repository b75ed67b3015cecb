//! A message and a contact's standing as the screen shows them: plain values.

use super::MessageId;
use crate::file::{FileId, FileSlot, Manifest};
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
    /// The text; empty for a file.
    pub text: String,
    /// The file that it offers.
    pub file: Option<Box<FileView>>,
    /// Where it is in its life.
    pub state: MessageState,
    /// Messages of the same author that are missing just before this one.
    pub gap_before: u32,
    /// What seals it.
    pub sealing: Sealing,
    /// Of one's own while it is not delivered: the peers that have signed that they keep it.
    pub holders: Vec<NodeId>,
}

/// A file in a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileView {
    /// What is in it.
    pub id: FileId,
    /// Its name: a safe one.
    pub name: String,
    /// What its author says it is, as `image/png`; empty for unknown.
    pub media_type: String,
    /// Bytes.
    pub size: u64,
    /// How far it has come.
    pub progress: FileProgress,
}

/// How far a file has come on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileProgress {
    /// Where it is in its life.
    pub state: FileState,
    /// Bytes that its receiver has for good.
    pub bytes: u64,
    /// Bytes a second lately; 0 while nothing moves.
    pub rate: u64,
    /// Where its bytes are on this device; all of them when it is complete, and always for one's own.
    pub slot: Option<FileSlot>,
}

/// The life of a file on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileState {
    /// Its receiver was not asked yet, or has not said whether they want it.
    Offered,
    /// Its bytes are on their way.
    Moving,
    /// Nothing moves.
    Paused(FilePause),
    /// Kept by peers for somebody who is away.
    Held,
    /// Whole at its receiver, and checked.
    Complete,
    /// It will not come.
    Failed(FileFailure),
    /// Taken back by its author, or not wanted by its receiver; true for this end.
    Cancelled(bool),
}

/// Why nothing moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilePause {
    /// The person at this end wants so.
    Here,
    /// The person at the other end wants so.
    There,
    /// No room on this device.
    NoRoomHere,
    /// No room on theirs.
    NoRoomThere,
    /// There is no connection between the two.
    Apart,
}

/// Why a file will not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFailure {
    /// Its bytes are not on its author's device any more.
    Gone,
    /// What its author sent was not what was announced.
    Differs,
    /// Its receiver had too many files waiting.
    TooMany,
}

impl FileView {
    /// As its manifest announces it; nothing is known of its way.
    pub fn of(manifest: &Manifest) -> Self {
        Self {
            id: manifest.id(),
            name: manifest.name().to_owned(),
            media_type: manifest.media_type().to_owned(),
            size: manifest.layout().size(),
            progress: FileProgress { state: FileState::Failed(FileFailure::Gone), bytes: 0, rate: 0, slot: None },
        }
    }
}
