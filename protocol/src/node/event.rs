//! Facts for the person at this device: what the screen is made of.

use crate::chat::{MessageId, MessageState, MessageView, Standing};
use crate::identity::{ListAge, UserId, UserIdError};

/// One fact for the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Whether others can be found now.
    NetworkChanged(NetworkState),
    /// A contact is new or anything about them changed. Sent for each known contact at start.
    ContactChanged(ContactView),
    /// What was typed made no contact.
    ContactRefused {
        /// As typed.
        typed: String,
        /// Why.
        why: ContactRefusal,
    },
    /// A message is new. For one's own this comes when it is durable.
    MessageAdded {
        /// Conversation.
        with: UserId,
        /// The message.
        message: MessageView,
    },
    /// The state of a message changed.
    MessageChanged {
        /// Conversation.
        with: UserId,
        /// Which.
        id: MessageId,
        /// Now.
        state: MessageState,
    },
    /// The other side has read everything of mine up to and including this seq.
    ReadUpTo {
        /// Conversation.
        with: UserId,
        /// `MessageView::seq`.
        seq: u64,
    },
    /// Some of what was missing before a message has come after all.
    GapChanged {
        /// Conversation.
        with: UserId,
        /// `MessageView::seq` of their message after the gap.
        seq: u64,
        /// Still missing.
        gap_before: u32,
    },
    /// A page of history, ascending.
    MessagesLoaded {
        /// Conversation.
        with: UserId,
        /// Ascending by order.
        messages: Vec<MessageView>,
        /// True when nothing older exists.
        complete: bool,
    },
    /// A text was not taken. It belongs back into the composer.
    SendRefused {
        /// Conversation.
        to: UserId,
        /// The text as it was.
        text: String,
        /// Why.
        why: SendRefusal,
    },
    /// The store does not take writes. `full` when there is no room. Sent again with `working` when it does.
    StoreTrouble {
        /// No room left.
        full: bool,
        /// It works again.
        working: bool,
    },
    /// How far the newest revocation list may be relied upon has changed; fresh until said otherwise. Old: no first contacts.
    RevocationsAged(ListAge),
    /// The relay has a newer revocation list than this node: it is to be fetched.
    RevocationsBehind,
    /// This identity is in use on another machine, which connected later. This node stops.
    Superseded,
    /// The relay does not accept this device's certificate (expired or revoked).
    CertificateRefused,
}

/// Whether others can be found now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum NetworkState {
    /// No relay and no way to find anybody. Open sessions go on.
    #[default]
    Offline,
    /// Connecting.
    Joining,
    /// Others can be found and find us.
    Online,
}

/// A contact as the screen shows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactView {
    /// Who.
    pub user: UserId,
    /// How the person stands to them.
    pub standing: Standing,
    /// Whether they can be reached now.
    pub presence: Presence,
    /// Their key against the one pinned at first contact.
    pub key: KeyStanding,
    /// 60 digits, once both keys are known.
    pub safety_number: Option<String>,
    /// Messages not yet on the screen.
    pub unread: u32,
    /// The beginning of the last message, at most 80 characters; empty where there is none.
    pub preview: String,
    /// When the last message was sent, wall clock; 0 where there is none.
    pub last_ms: u64,
    /// My messages up to this `MessageView::seq` are read by them: a delivered one of mine at or below it is shown as read.
    pub read_up_to_seq: u64,
}

/// Whether a contact can be reached now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Presence {
    /// Not looked for.
    #[default]
    Unknown,
    /// The relay says that they are not connected.
    Away,
    /// Being dialled.
    Connecting,
    /// A session is open.
    Online,
    /// They are there, and no connection comes about; tried again after this many milliseconds.
    Unreachable {
        /// From now.
        retry_ms: u64,
    },
}

/// A contact's key against the pinned one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyStanding {
    /// Never seen yet.
    Unseen,
    /// The same as at first contact.
    Pinned,
    /// Another than at first contact: sending is blocked until looked at.
    Changed,
}

/// Why what was typed made no contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContactRefusal {
    /// It can be nobody's name.
    NotAName(UserIdError),
    /// That is this device's own name.
    Myself,
    /// Already a contact.
    Known,
    /// Nobody has this name.
    Nobody,
    /// The directory cannot be asked now.
    CannotTell,
    /// Their certificate is not one that can be believed.
    BadCertificate,
    /// There are as many contacts as there may be.
    Full,
}

/// Why a text was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendRefusal {
    /// Nothing but white space.
    Empty,
    /// Over 16,384 bytes.
    TooLong,
    /// The contact is blocked.
    Blocked,
    /// Their key changed and was not looked at.
    KeyChanged,
    /// Too many messages wait for this contact already.
    TooManyWaiting,
    /// Not a contact.
    NoContact,
    /// The store does not take it; it stays in the composer.
    NotStored,
}
