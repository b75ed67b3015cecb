//! Orders that leave the core. The platform has one function for each and decides nothing.

use super::Event;
use crate::crypto::{KeyOp, Ticket};
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
    /// Make a peer connection with the negotiated data channels `live` (id 1) and `ring` (id 2), ordered and reliable, and its offer.
    /// Answered by `LinkDescribed`, then `LinkCandidate`s.
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
