//! What a person orders. Nothing here has happened yet.

use crate::chat::MessageId;
use crate::file::FileSlot;
use crate::identity::UserId;

/// An order of the person at this device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Find the user and make a contact of them. Answered by `Event::ContactChanged` or `Event::ContactRefused`.
    /// `typed` is what the person entered: the core says what is wrong with it.
    AddContact {
        /// As typed.
        typed: String,
    },
    /// Send a text of 1 to 16,384 bytes. Answered by `Event::MessageAdded` or `Event::SendRefused`.
    SendText {
        /// To whom: a contact.
        to: UserId,
        /// The text.
        text: String,
    },
    /// Send a file whose bytes lie on this device already, as whoever stores them has cut it into blocks. Answered by `Event::MessageAdded` or
    /// `Event::FileRefused`.
    SendFile {
        /// To whom: a contact.
        to: UserId,
        /// Where its bytes are.
        slot: FileSlot,
        /// As the person has it.
        name: String,
        /// As the browser guesses; empty for unknown.
        media_type: String,
        /// Bytes.
        size: u64,
        /// SHA-256 of each block, in order.
        hashes: Vec<[u8; 32]>,
    },
    /// Something about a file on its way.
    File {
        /// With whom.
        with: UserId,
        /// The message that offers it.
        id: MessageId,
        /// What.
        order: FileOrder,
    },
    /// Receive contacts' files of up to so many bytes without asking; 0: ask always.
    AcceptFiles {
        /// At most.
        bytes: u64,
    },
    /// Accept a stranger: read receipts go out from now on, and no limit of strangers holds.
    Accept {
        /// Whom.
        user: UserId,
    },
    /// Put a stranger aside: kept, not shown among the new, not told.
    Ignore {
        /// Whom.
        user: UserId,
    },
    /// Refuse everything from this user, and send nothing.
    Block {
        /// Whom.
        user: UserId,
    },
    /// Take a block back.
    Unblock {
        /// Whom.
        user: UserId,
    },
    /// The changed key was looked at: pin it and go on.
    ConfirmKey {
        /// Whose.
        user: UserId,
    },
    /// All that the other side said up to now has been on this screen.
    MarkRead {
        /// Whose words.
        user: UserId,
    },
    /// The conversation is on the screen: connect now, that the first message need not wait. `None`: none is.
    Open {
        /// With whom.
        user: Option<UserId>,
    },
    /// Load an older page of a conversation. Answered by `Event::MessagesLoaded`.
    LoadMessages {
        /// With whom.
        with: UserId,
        /// Only messages whose order is below; `None` for the newest.
        before: Option<u64>,
    },
    /// Try a failed message again.
    SendAgain {
        /// To whom.
        to: UserId,
        /// Which.
        id: MessageId,
    },
    /// The picture of the network is on the screen, or no more: answered by `Event::NetworkViewed`, now and when it changes.
    WatchNetwork {
        /// Whether it is.
        on: bool,
    },
    /// Keep mail for others in at most so much space. With 0 nothing more is taken, and what is kept is handed to others and goes.
    LendStorage {
        /// In bytes.
        bytes: u64,
    },
    /// Messages written from now on lie with others for so many days at most: 1 to 30.
    KeepFor {
        /// Other numbers count as the nearest of these.
        days: u8,
    },
    /// The page closes: say goodbye on every session. All its effects are synchronous.
    Leave,
}

/// What a person wants with a file on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileOrder {
    /// Receive it.
    Accept,
    /// Not now.
    Pause,
    /// Go on.
    Resume,
    /// Not at all: take it back, or refuse it. What is here of it goes.
    Cancel,
}
