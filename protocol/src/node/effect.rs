//! Orders that leave the core. The platform has one function for each and decides nothing.

use super::Event;
use crate::crypto::{KeyOp, Ticket};
use crate::file::{FileSlot, PartKey};
use crate::mailbox::{BlobKey, BlobSeal};
use crate::signal::relay::IceServer;
use crate::store::{Table, Write};

/// One peer connection with its data channel; drawn by the core, never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LinkId(pub u64);

/// One order. Those of one link are carried out in the order given.
#[derive(Debug)]
pub enum Effect {
    /// Open the WebSocket to the relay. Answered by `RelayOpened` or `RelayClosed`.
    RelayConnect,
    /// Send a binary frame to the relay.
    RelaySend(Vec<u8>),
    /// Close the WebSocket. Answered by `RelayClosed`.
    RelayClose,
    /// Make a peer connection with the negotiated data channels of the session (`session::CHANNELS`) and its offer. Answered by `LinkDescribed`,
    /// then `LinkCandidate`s. The channel `bulk` comes with the first part of a file (PROTOCOL.md#signalling).
    LinkOffer {
        /// Which link.
        link: LinkId,
        /// STUN and TURN servers.
        ice: Vec<IceServer>,
    },
    /// Make a peer connection for this remote offer, the same channels, and its answer. Answered as `LinkOffer`.
    LinkAnswer {
        /// Which link.
        link: LinkId,
        /// The remote offer, SDP text.
        sdp: String,
        /// STUN and TURN servers.
        ice: Vec<IceServer>,
    },
    /// The remote answer to our offer.
    LinkAccept {
        /// Which link.
        link: LinkId,
        /// SDP text.
        sdp: String,
    },
    /// A remote ICE candidate.
    LinkCandidate {
        /// Which link.
        link: LinkId,
        /// `candidate:…`
        candidate: String,
    },
    /// Send one message over a data channel.
    LinkSend {
        /// Which link.
        link: LinkId,
        /// Id of the channel.
        channel: u16,
        /// At most 16 KiB.
        frame: Vec<u8>,
    },
    /// Close channels and connection at once. Nothing further may come from it.
    LinkClose {
        /// Which link.
        link: LinkId,
    },
    /// Write all of these or none, durably. Writes of different tickets may share a transaction, in order.
    /// When a transaction fails, all tickets in it *and all that wait behind it* are answered by one `StoreFailed`, so that
    /// nothing newer is durable before it; the core orders them again.
    Store {
        /// Comes back in `Stored` or `StoreFailed`.
        ticket: Ticket,
        /// In order.
        writes: Vec<Write>,
    },
    /// Read the `limit` rows with the highest keys that start with `prefix` and are below `before`.
    Load {
        /// Comes back in `Loaded`.
        ticket: Ticket,
        /// Which table.
        table: Table,
        /// Of the key.
        prefix: Vec<u8>,
        /// Exclusive upper bound; `None` for no bound.
        before: Option<Vec<u8>>,
        /// At most so many rows.
        limit: u32,
    },
    /// Send bytes of a file over the channel `bulk`, sealed, in pieces as large as the other end takes, each within one block. Answered by
    /// `FileSent`, unless the link is gone by then.
    FileSend {
        /// Which link.
        link: LinkId,
        /// What their records are named by.
        number: u32,
        /// Which file.
        slot: FileSlot,
        /// From where.
        start: u64,
        /// How many: at most a part's.
        bytes: u32,
        /// Seals them.
        key: PartKey,
    },
    /// What was to be sent under this number is wanted no more: nothing of it is sent that was not sealed yet.
    FileUnsend {
        /// Which link.
        link: LinkId,
        /// Which.
        number: u32,
    },
    /// Bytes of a file will come over the channel `bulk` of this link under this number: check each block, write it, and make all durable.
    /// Answered by `FileCame`, unless the link is gone by then, or `FileUnexpect` came.
    FileExpect {
        /// Which link.
        link: LinkId,
        /// What their records are named by.
        number: u32,
        /// Which file.
        slot: FileSlot,
        /// Where they belong.
        start: u64,
        /// How many: at most a part's.
        bytes: u32,
        /// Opens them.
        key: PartKey,
        /// SHA-256 of each block.
        hashes: Vec<[u8; 32]>,
    },
    /// What was expected under this number may come still, and is thrown away.
    FileUnexpect {
        /// Which link.
        link: LinkId,
        /// Which.
        number: u32,
    },
    /// Read bytes of a file.
    FileRead {
        /// Comes back in `FileRead`.
        ticket: Ticket,
        /// Which file.
        slot: FileSlot,
        /// From where.
        start: u64,
        /// How many.
        bytes: u32,
        /// They are a block, of which the blob is wanted.
        seal: Option<BlobSeal>,
    },
    /// Open the blobs of some blocks, check each, and write all durably.
    FileWrite {
        /// Comes back in `FileWritten`.
        ticket: Ticket,
        /// Which file.
        slot: FileSlot,
        /// The first block.
        first: u32,
        /// Opens them.
        key: BlobKey,
        /// Each block's, in order.
        blobs: Vec<Vec<u8>>,
        /// SHA-256 of each block.
        hashes: Vec<[u8; 32]>,
    },
    /// The bytes of a file are wanted no more.
    FileDelete {
        /// Which file.
        slot: FileSlot,
    },
    /// All files but these are remains: at the start.
    FileSweep {
        /// Those that are wanted.
        keep: Vec<FileSlot>,
    },
    /// Do this with the device's private keys.
    Key {
        /// Comes back in `KeyDone`.
        ticket: Ticket,
        /// What to do.
        op: KeyOp,
    },
    /// Tell the person.
    Notify(Event),
}
