//! The relay as a machine: inputs in, commands out. No socket, clock or disk is here; the simulator runs the same code.
//!
//! A connection starts *challenged* and has ten seconds to prove a certificate's signing key; it is *proving* while whoever
//! drives the relay verifies that, apart, so that nobody else waits for it. Then it is *joined*: it may look up names, be told of
//! somebody's coming, and hand sealed bodies to others, whose sender the relay vouches for. It ends when its socket does,
//! when it falls silent, when the same node connects again, or when it breaks a rule (PROTOCOL.md#relay).

mod client;

mod watches;

mod proof;

mod join;

mod requests;

mod liveness;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use b4_protocol::crypto::Rng;
use b4_protocol::identity::{NodeId, RevocationList, UserId};
use b4_protocol::signal::relay::{ClientFrame, IceServer, RefusalCode, RelayFrame};
use b4_protocol::time::Now;

use self::client::Client;
pub use self::proof::{Proof, Verdict};
use self::watches::Watches;
use crate::limits::{ADDRESSES_MAX, INTRODUCE_PACE, LOOKUP_PACE, Limits, NODES_MAX, PAUSE_MS_MAX, QUEUE_BYTES_MAX};
use crate::pace::{Book, TooFast};

/// One connection; never used twice in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// A fact that arrived.
#[derive(Clone, Debug)]
pub enum Input {
    /// A socket opened, from a page of an allowed origin.
    Connected {
        /// Its number.
        connection: ConnectionId,
        /// Where it comes from.
        address: IpAddr,
        /// The Origin header of its handshake: what its proof has to name.
        origin: String,
    },
    /// A whole binary frame.
    Frame {
        /// From whom.
        connection: ConnectionId,
        /// The frame.
        bytes: Vec<u8>,
    },
    /// What became of a [`Command::Verify`].
    Verified {
        /// Whose proof.
        connection: ConnectionId,
        /// Whether it holds.
        verdict: Verdict,
    },
    /// A frame that cannot be one of ours: text.
    Text {
        /// From whom.
        connection: ConnectionId,
    },
    /// A frame over its bound, not read.
    TooLarge {
        /// From whom.
        connection: ConnectionId,
    },
    /// A sign of life without content: a WebSocket ping or pong.
    Heard {
        /// From whom.
        connection: ConnectionId,
    },
    /// Bytes of earlier [`Command::Send`]s have left for the network.
    Flushed {
        /// To whom.
        connection: ConnectionId,
        /// How many.
        bytes: usize,
    },
    /// The socket is gone.
    Closed {
        /// Which.
        connection: ConnectionId,
    },
    /// A newer revocation list; whoever is on it is refused and closed.
    Revocations(RevocationList),
    /// A deadline of [`Relay::next_wake_ms`] has come.
    Tick,
    /// The server goes down.
    ShutDown,
}

/// An order that leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Send a binary frame.
    Send {
        /// To whom.
        connection: ConnectionId,
        /// The frame.
        bytes: Vec<u8>,
    },
    /// Verify a proof, and say [`Input::Verified`]: a millisecond's work, for which the other clients do not wait.
    Verify {
        /// Whose proof.
        connection: ConnectionId,
        /// The proof.
        proof: Proof,
    },
    /// Send a WebSocket ping.
    Ping {
        /// To whom.
        connection: ConnectionId,
    },
    /// Read nothing from it for a while.
    Pause {
        /// From whom.
        connection: ConnectionId,
        /// How long, in milliseconds.
        for_ms: u64,
    },
    /// Close the socket after what was sent before; the relay has forgotten it.
    Close {
        /// Which.
        connection: ConnectionId,
        /// WebSocket close code.
        code: u16,
    },
}

/// A device as the registry knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownDevice {
    /// Its node id.
    pub node: NodeId,
    /// Its newest certificate, DER.
    pub certificate: Vec<u8>,
}

/// The directory could not be read; the client is told to try later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the directory cannot be read")]
pub struct DirectoryError;

/// Who has which name: the registry on disk, or a map in a simulated world.
pub trait Directory {
    /// A user's devices whose certificates are neither expired at `now_ms` nor revoked; `None` when nobody has the name.
    ///
    /// # Errors
    /// `DirectoryError` when it cannot be read.
    fn devices(&self, user: &UserId, now_ms: u64) -> Result<Option<Vec<KnownDevice>>, DirectoryError>;
}

/// What has happened since the start, for the operator.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Proofs accepted.
    pub joins: u64,
    /// Lookups answered.
    pub lookups: u64,
    /// Bodies handed on.
    pub forwards: u64,
    /// Bodies that went nowhere.
    pub undelivered: u64,
    /// Introductions answered.
    pub introductions: u64,
    /// Watches that fired.
    pub watches_fired: u64,
    /// Connections closed for silence.
    pub half_open: u64,
    /// Connections closed for not reading.
    pub slow_consumers: u64,
    /// Refusals by their code, 1 to 10 in order.
    pub refusals: [u64; 10],
}

/// The relay.
pub struct Relay {
    revocations: RevocationList,
    ice: Vec<IceServer>,
    limits: Limits,
    rng: Rng,
    clients: BTreeMap<ConnectionId, Client>,
    /// Joined connections in no order: what introductions draw from.
    seats: Vec<ConnectionId>,
    nodes: BTreeMap<NodeId, ConnectionId>,
    addresses: BTreeMap<IpAddr, usize>,
    connects: Book<IpAddr>,
    /// By node, because a client that connects again has not rested by that.
    lookups: Book<NodeId>,
    introductions: Book<NodeId>,
    watches: Watches,
    deadlines: BTreeSet<(u64, ConnectionId)>,
    counters: Counters,
    commands: Vec<Command>,
}

impl Relay {
    /// A relay with nobody connected; `revocations` is the authority's newest list.
    pub fn new(revocations: RevocationList, ice: Vec<IceServer>, limits: Limits, rng: Rng) -> Self {
        Self {
            revocations,
            ice,
            limits,
            rng,
            clients: BTreeMap::new(),
            seats: Vec::new(),
            nodes: BTreeMap::new(),
            addresses: BTreeMap::new(),
            connects: Book::new(limits.connect_pace(), ADDRESSES_MAX),
            lookups: Book::new(LOOKUP_PACE, NODES_MAX),
            introductions: Book::new(INTRODUCE_PACE, NODES_MAX),
            watches: Watches::default(),
            deadlines: BTreeSet::new(),
            counters: Counters::default(),
            commands: Vec::new(),
        }
    }

    /// Takes one input and says what is to be done, in order. Inputs of unknown connections do nothing: they crossed a close.
    #[must_use]
    pub fn handle(&mut self, input: Input, now: Now, directory: &dyn Directory) -> Vec<Command> {
        match input {
            Input::Connected { connection, address, origin } => self.connected(connection, address, origin, now),
            Input::Frame { connection, bytes } => self.frame(connection, &bytes, now, directory),
            Input::Verified { connection, verdict } => self.verified(connection, verdict, now, directory),
            Input::Text { connection } => self.refuse(connection, 0, RefusalCode::Malformed, 0),
            Input::TooLarge { connection } => self.refuse(connection, 0, RefusalCode::TooLarge, 0),
            Input::Heard { connection } => {
                let _ = self.heard(connection, now);
            }
            Input::Flushed { connection, bytes } => self.flushed(connection, bytes),
            Input::Closed { connection } => self.forget(connection),
            Input::Revocations(list) => self.revocations_changed(list),
            Input::Tick => self.tick(now),
            Input::ShutDown => self.shut_down(),
        }
        std::mem::take(&mut self.commands)
    }

    /// When [`Input::Tick`] is due next, on the monotonic clock.
    pub fn next_wake_ms(&self) -> Option<u64> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// What has happened so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Connections, challenged ones included.
    pub fn connections(&self) -> usize {
        self.clients.len()
    }

    /// Joined connections.
    pub fn peers(&self) -> usize {
        self.seats.len()
    }

    /// Watches waiting.
    pub fn watches(&self) -> usize {
        self.watches.len()
    }

    fn frame(&mut self, connection: ConnectionId, bytes: &[u8], now: Now, directory: &dyn Directory) {
        if !self.clients.contains_key(&connection) {
            return;
        }
        let Ok(frame) = ClientFrame::decode(bytes) else {
            return self.refuse(connection, 0, RefusalCode::Malformed, 0);
        };
        if let Err(TooFast { retry_after_ms }) = self.heard(connection, now) {
            return self.refuse(connection, ticket_of(&frame), RefusalCode::TooFast, retry_after_ms);
        }
        let joined = self.clients.get(&connection).is_some_and(|client| client.peer().is_some());
        match frame {
            ClientFrame::Prove { certificate, signature } => self.prove(connection, certificate, signature, now),
            frame if !joined => self.refuse(connection, ticket_of(&frame), RefusalCode::NotProven, 0),
            ClientFrame::Lookup { ticket, watch, user } => self.lookup(connection, ticket, watch, user, now, directory),
            ClientFrame::Forward { to, body } => self.forward(connection, to, body),
            ClientFrame::Introduce { ticket, count } => self.introduce(connection, ticket, count, now),
            ClientFrame::Ping { ticket } => self.send(connection, &RelayFrame::Pong { ticket }),
        }
    }

    /// Notes a sign of life and takes a turn of the frame pace; a client without turns is not read for a while.
    fn heard(&mut self, connection: ConnectionId, now: Now) -> Result<(), TooFast> {
        let Some(client) = self.clients.get_mut(&connection) else { return Ok(()) };
        client.heard_ms = now.mono;
        let turn = client.frames.take(self.limits.frame_pace(), now.mono);
        if let Err(TooFast { retry_after_ms }) = turn {
            self.commands.push(Command::Pause { connection, for_ms: retry_after_ms.min(PAUSE_MS_MAX) });
        }
        turn
    }

    fn flushed(&mut self, connection: ConnectionId, bytes: usize) {
        if let Some(client) = self.clients.get_mut(&connection) {
            client.queued_bytes = client.queued_bytes.saturating_sub(bytes);
        }
    }

    /// Sends a frame, unless too much is waiting already: then the client is closed.
    fn send(&mut self, connection: ConnectionId, frame: &RelayFrame) {
        let Some(client) = self.clients.get_mut(&connection) else { return };
        let bytes = frame.encode();
        client.queued_bytes += bytes.len();
        if client.queued_bytes > QUEUE_BYTES_MAX {
            self.counters.slow_consumers += 1;
            return self.close(connection, CLOSE_POLICY);
        }
        self.commands.push(Command::Send { connection, bytes });
    }

    /// Refuses, and ends the connection where the code does (PROTOCOL.md#relay).
    fn refuse(&mut self, connection: ConnectionId, ticket: u32, code: RefusalCode, retry_after_ms: u64) {
        if !self.clients.contains_key(&connection) {
            return;
        }
        self.counters.refusals[usize::from(code.byte()) - 1] += 1;
        let retry_after_ms = u32::try_from(retry_after_ms).unwrap_or(u32::MAX);
        self.send(connection, &RelayFrame::Refused { ticket, code, retry_after_ms });
        if code.ends_connection() {
            self.close(connection, code.close_code());
        }
    }

    fn close(&mut self, connection: ConnectionId, code: u16) {
        if self.clients.contains_key(&connection) {
            self.forget(connection);
            self.commands.push(Command::Close { connection, code });
        }
    }

    fn shut_down(&mut self) {
        for connection in self.clients.keys().copied().collect::<Vec<_>>() {
            self.refuse(connection, 0, RefusalCode::ShuttingDown, 0);
        }
    }
}

/// Close code for a client that does not read or fell silent (RFC 6455 section 7.4.1: policy violation, going away).
const CLOSE_POLICY: u16 = 1008;
const CLOSE_AWAY: u16 = 1001;

fn ticket_of(frame: &ClientFrame) -> u32 {
    match frame {
        ClientFrame::Lookup { ticket, .. } | ClientFrame::Introduce { ticket, .. } | ClientFrame::Ping { ticket } => *ticket,
        ClientFrame::Prove { .. } | ClientFrame::Forward { .. } => 0,
    }
}
