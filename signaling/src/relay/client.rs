//! One connection as the relay remembers it. Kept small: an idle peer costs a few kilobytes.

use std::collections::BTreeSet;
use std::net::IpAddr;

use b4_protocol::identity::{NodeId, UserId};

use crate::pace::Bucket;

/// A connection.
pub(super) struct Client {
    /// The network it counts to.
    pub(super) address: IpAddr,
    pub(super) stage: Stage,
    /// Last sign of life, on the monotonic clock.
    pub(super) heard_ms: u64,
    pub(super) deadline_ms: u64,
    pub(super) frames: Bucket,
    /// Bytes sent and not yet flushed.
    pub(super) queued_bytes: usize,
}

/// How far it is.
pub(super) enum Stage {
    /// It has to prove itself, for this origin and over this nonce.
    Challenged { origin: String, nonce: [u8; 32] },
    /// It has, in time; whether the proof holds is being found out.
    Proving,
    /// Its proof holds.
    Joined(Box<Peer>),
}

/// A client that has proven its certificate.
pub(super) struct Peer {
    pub(super) node: NodeId,
    pub(super) certificate: Vec<u8>,
    pub(super) serial_hash: [u8; 32],
    pub(super) not_after_ms: u64,
    /// Its place among the seats.
    pub(super) seat: usize,
    /// Whom it waits for.
    pub(super) watching: BTreeSet<UserId>,
}

impl Client {
    pub(super) fn peer(&self) -> Option<&Peer> {
        match &self.stage {
            Stage::Joined(peer) => Some(peer),
            Stage::Challenged { .. } | Stage::Proving => None,
        }
    }

    pub(super) fn peer_mut(&mut self) -> Option<&mut Peer> {
        match &mut self.stage {
            Stage::Joined(peer) => Some(peer),
            Stage::Challenged { .. } | Stage::Proving => None,
        }
    }
}
