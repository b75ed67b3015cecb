//! Facts for the person at this device: what the screen is made of.

use crate::chat::{FileProgress, MessageId, MessageState, MessageView, Sealing, Standing};
use crate::identity::{ListAge, NodeId, UserId, UserIdError};
use crate::ring::Side;

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
    /// A message of mine is sealed for somebody who is away; peers have signed that they keep it, or no more do. Comes before the
    /// change of its state to `Held`, which it has from three on.
    MessageHeld {
        /// Conversation.
        with: UserId,
        /// Which.
        id: MessageId,
        /// Who keeps it; five are wanted.
        holders: Vec<NodeId>,
        /// What seals it.
        sealing: Sealing,
        /// How many peers there are that could: with fewer than five other peers alive, no more can keep it.
        available: u8,
    },
    /// What this device keeps for others has changed. Sent at start, too, and at most once a second.
    HoldingChanged(HoldingView),
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
    /// A file has come further, or its state changed. At most four times a second where only bytes moved.
    FileChanged {
        /// Conversation.
        with: UserId,
        /// The message that offers it.
        id: MessageId,
        /// How far.
        progress: FileProgress,
    },
    /// A file was not taken.
    FileRefused {
        /// Conversation.
        to: UserId,
        /// Its name.
        name: String,
        /// Why.
        why: FileRefusal,
    },
    /// Contacts' files of up to so many bytes are received without asking. Sent at start, too.
    FilesAccepted {
        /// 0: all are asked about.
        bytes: u64,
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
    /// How the network looks from here. Sent at most once a second, and at once when the relay comes or goes, while `Command::WatchNetwork` asks for it.
    NetworkViewed(Box<NetworkView>),
}

/// Mail of others for others that this device keeps. None of it can be read here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct HoldingView {
    /// Messages kept.
    pub envelopes: u32,
    /// For how many people.
    pub people: u32,
    /// What that takes.
    pub bytes: u64,
    /// What it may take at most; 0: nothing is kept.
    pub limit_bytes: u64,
    /// How many days one's own messages lie with others at most: 1 to 30.
    pub keep_days: u8,
}

/// The network as this node sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkView {
    /// Whether the relay is connected.
    pub is_relay_up: bool,
    /// How far this node is part of the ring.
    pub standing: crate::ring::Standing,
    /// This node.
    pub me: NodeId,
    /// Linked nodes, clockwise from this one.
    pub links: Vec<LinkView>,
    /// Nodes known, neighbours of neighbours included; this one not.
    pub known: u32,
    /// Nodes in the whole ring, this one included: counted while those known go all round it, up to 32, else guessed from the gaps between those near.
    pub estimate: u64,
    /// Bytes sent and received on the channels of the ring since the node started: its records, sealed and padded, as they are
    /// handed to the data channels and come from them. What SCTP, DTLS and UDP add is not in it, nor are messages and files.
    pub ring_bytes: (u64, u64),
    /// Peer connections made since the page was loaded, of 500 that a browser allows.
    pub connections_made: u32,
    /// Requests of this node that another one answered, since the node started.
    pub answered: u64,
    /// The latest of its requests that are over, newest first, at most 8. Its own publications and copies are not among them.
    pub lookups: Vec<LookupView>,
}

/// One link of the ring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkView {
    /// The device at the other end.
    pub node: NodeId,
    /// Its user.
    pub user: UserId,
    /// Why there is a link.
    pub kind: LinkKind,
    /// Smoothed round trip in milliseconds, once one was measured.
    pub rtt_ms: Option<u32>,
    /// How long it has been open.
    pub age_ms: u64,
    /// Whether a conversation uses it.
    pub is_chat: bool,
    /// Whether mail for this node's user is left there while they are away: one of the five.
    pub is_holder: bool,
}

/// Why there is a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkKind {
    /// One of the three next ones on this side, or on both where there are so few.
    Near(Option<Side>),
    /// Drawn by this node, far across the ring.
    Long,
    /// Everybody links to everybody in so small a ring, whichever end dialled.
    Small,
    /// This node dialled it when it was among the next three; by now others stand nearer.
    Once,
    /// The other end, or a conversation, wanted it.
    Theirs,
}

/// One request that travelled over the ring, and is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookupView {
    /// Number of the request: a new one is a new light.
    pub number: u64,
    /// What was looked for.
    pub sought: Sought,
    /// The place asked for, as a part of the circle clockwise from this node, in 2^-32.
    pub key: u32,
    /// How the answer was come by; `None`: there was none, on any of its tries.
    pub way: Option<WayView>,
    /// From asking to the answer, or to giving up.
    pub took_ms: u64,
    /// Since then.
    pub ago_ms: u64,
}

/// What a request was for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sought {
    /// Who this user is, where they are, or who keeps their mail.
    Person(UserId),
    /// A device, to link to it.
    Device,
    /// Who keeps a file for somebody who is away.
    Shelf,
}

/// The way of a request that was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WayView {
    /// The first link it went over.
    pub first: NodeId,
    /// The place of who answered, as `LookupView::key`.
    pub by: u32,
    /// Hops.
    pub hops: u8,
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
    /// No connection comes about; tried again after this many milliseconds.
    Unreachable {
        /// From now; 0 while it is tried.
        retry_ms: u64,
        /// There was a session, and nothing is known since its end; else they are known to be there.
        was_up: bool,
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

/// Why a file was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileRefusal {
    /// Over 4 GiB.
    TooLarge,
    /// No text would be taken either.
    Closed(SendRefusal),
}
