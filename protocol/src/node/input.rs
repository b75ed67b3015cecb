//! Facts that arrived, and commands: all that [`Node::handle`](super::Node::handle) takes.

use super::{Command, LinkId};
use crate::crypto::{KeyOpResult, Ticket};
use crate::identity::RevocationList;
use crate::store::Row;

/// One fact or command.
#[derive(Debug)]
pub enum Input {
    /// A person ordered something.
    Command(Command),
    /// The WebSocket to the relay opened.
    RelayOpened,
    /// A binary frame from the relay.
    RelayFrame(Vec<u8>),
    /// The WebSocket closed, or never opened.
    RelayClosed,
    /// The local description of a link is made: the answer to `Effect::LinkOffer` and `Effect::LinkAnswer`.
    LinkDescribed {
        /// Which link.
        link: LinkId,
        /// SDP text.
        sdp: String,
    },
    /// A local ICE candidate was found (`candidate:…`, without `a=`).
    LinkCandidate {
        /// Which link.
        link: LinkId,
        /// The candidate line.
        candidate: String,
    },
    /// All data channels are open.
    LinkOpened {
        /// Which link.
        link: LinkId,
    },
    /// One message came over a data channel.
    LinkFrame {
        /// Which link.
        link: LinkId,
        /// Id of the channel.
        channel: u16,
        /// Its bytes.
        frame: Vec<u8>,
    },
    /// What was buffered for sending on `live` fell under the low-water mark.
    LinkDrained {
        /// Which link.
        link: LinkId,
    },
    /// The link is gone. Nothing further comes from it. Not sent for links that `Effect::LinkClose` closed.
    LinkClosed {
        /// Which link.
        link: LinkId,
        /// Why.
        end: LinkEnd,
    },
    /// These writes are durable (strict durability, transaction complete).
    Stored {
        /// Of which `Effect::Store`s, in their order.
        tickets: Vec<Ticket>,
    },
    /// These writes failed and left nothing behind.
    StoreFailed {
        /// Of which `Effect::Store`s.
        tickets: Vec<Ticket>,
        /// True when the disk or quota is full.
        full: bool,
    },
    /// The answer to `Effect::Load`.
    Loaded {
        /// Of which `Effect::Load`.
        ticket: Ticket,
        /// Highest key first. `None` when the store failed.
        rows: Option<Vec<Row>>,
    },
    /// The answer to `Effect::Key`.
    KeyDone {
        /// Of which `Effect::Key`.
        ticket: Ticket,
        /// The signature or what was wrapped.
        result: KeyOpResult,
    },
    /// What `Effect::FileSend` ordered was handed to the network, or could not be read.
    FileSent {
        /// Over which link.
        link: LinkId,
        /// Which.
        number: u32,
        /// The file is not there, or cannot be read.
        result: Result<(), FileTrouble>,
    },
    /// What `Effect::FileExpect` ordered has come and is durable, or not.
    FileCame {
        /// Which.
        number: u32,
        /// What went wrong.
        result: Result<(), FileTrouble>,
    },
    /// The answer to `Effect::FileRead`.
    FileRead {
        /// Of which.
        ticket: Ticket,
        /// The bytes, or their blob; `None` when they cannot be read.
        bytes: Option<Vec<u8>>,
    },
    /// The answer to `Effect::FileWrite`.
    FileWritten {
        /// Of which.
        ticket: Ticket,
        /// What went wrong.
        result: Result<(), FileTrouble>,
    },
    /// A revocation list of the authority, verified. One older than the newest seen is passed over.
    Revocations(RevocationList),
    /// The page came to the front or the machine woke: everything may have changed meanwhile. The node notices sleep by its clocks as well.
    Resumed,
    /// So many bytes more may be stored, as far as the browser says.
    RoomLeft(u64),
    /// The page went to the back, or is about to be frozen: it may not run again.
    Hiding,
    /// The time that `next_wake` asked for is here.
    Wake,
}

/// What went wrong with the bytes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileTrouble {
    /// They are not what was announced, or do not open: the other end lies.
    Differs,
    /// There is no room for them.
    Full,
    /// They cannot be read or written.
    Failed,
}

/// How a link ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkEnd {
    /// The other side closed a channel.
    Closed,
    /// No path between the two (ICE failed), or the path is lost for good.
    Unreachable,
    /// The browser refused: the description, the candidate or one connection more.
    Refused,
}
