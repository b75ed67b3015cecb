//! Coming and going: challenge, proof, being superseded, being revoked. Whether a proof holds is `proof`'s.

use std::collections::BTreeSet;
use std::net::IpAddr;

use b4_protocol::identity::{RevocationList, VerifiedCertificate};
use b4_protocol::signal::relay::{RefusalCode, RelayFrame};
use b4_protocol::time::Now;

use super::client::{Client, Peer, Stage};
use super::proof::{Proof, Verdict};
use super::{Command, ConnectionId, Directory, Relay};
use crate::limits::{CHALLENGE_MS, PING_AFTER_MS};
use crate::pace::{Bucket, network};

impl Relay {
    /// Takes the connection up and challenges it, or refuses it with code 7.
    pub(super) fn connected(&mut self, connection: ConnectionId, address: IpAddr, origin: String, now: Now) {
        let address = network(address);
        let from_there = self.addresses.get(&address).copied().unwrap_or(0);
        let full = self.clients.len() >= self.limits.peers_max || from_there >= self.limits.connections_per_address;
        let pace = self.connects.take(address, now.mono);
        let nonce = self.rng.array();
        let client = Client {
            address,
            stage: Stage::Challenged { origin, nonce },
            heard_ms: now.mono,
            deadline_ms: now.mono + CHALLENGE_MS,
            frames: Bucket::default(),
            queued_bytes: 0,
        };
        self.deadlines.insert((client.deadline_ms, connection));
        self.clients.insert(connection, client);
        *self.addresses.entry(address).or_default() += 1;
        match pace {
            Err(too_fast) => {
                self.refuse(connection, 0, RefusalCode::TooManyConnections, too_fast.retry_after_ms);
            }
            Ok(()) if full => self.refuse(connection, 0, RefusalCode::TooManyConnections, CHALLENGE_MS),
            Ok(()) => self.send(connection, &RelayFrame::Challenge { nonce }),
        }
    }

    /// Takes a proof for the challenge, once, to be verified.
    pub(super) fn prove(&mut self, connection: ConnectionId, certificate: Vec<u8>, signature: Vec<u8>, now: Now) {
        let Some(client) = self.clients.get_mut(&connection) else { return };
        let Stage::Challenged { origin, nonce } = &mut client.stage else {
            return self.refuse(connection, 0, RefusalCode::Malformed, 0);
        };
        let (origin, nonce) = (std::mem::take(origin), *nonce);
        let now_ms = now.wall.max(self.revocations.this_update_ms());
        client.stage = Stage::Proving;
        self.rearm(connection, now.mono + PING_AFTER_MS);
        let proof = Proof { origin, nonce, certificate, signature, now_ms };
        self.commands.push(Command::Verify { connection, proof });
    }

    /// Lets in whose proof holds and who is not on the newest list.
    pub(super) fn verified(&mut self, connection: ConnectionId, verdict: Verdict, now: Now, directory: &dyn Directory) {
        if !self.clients.get(&connection).is_some_and(|client| matches!(client.stage, Stage::Proving)) {
            return;
        }
        match verdict.0 {
            Err(code) => self.refuse(connection, 0, code, 0),
            Ok(certificate) if self.revocations.contains(&certificate.serial_hash()) => {
                self.refuse(connection, 0, RefusalCode::Revoked, 0);
            }
            Ok(certificate) => self.join(connection, &certificate, now, directory),
        }
    }

    fn join(
        &mut self,
        connection: ConnectionId,
        certificate: &VerifiedCertificate,
        now: Now,
        directory: &dyn Directory,
    ) {
        let node = *certificate.node_id();
        if let Some(older) = self.nodes.get(&node).copied() {
            self.refuse(older, 0, RefusalCode::Superseded, 0);
        }
        let Some(client) = self.clients.get_mut(&connection) else { return };
        client.stage = Stage::Joined(Box::new(Peer {
            node,
            certificate: certificate.der().to_vec(),
            serial_hash: certificate.serial_hash(),
            not_after_ms: certificate.not_after_ms(),
            seat: self.seats.len(),
            watching: BTreeSet::new(),
        }));
        self.rearm(connection, now.mono + PING_AFTER_MS);
        self.seats.push(connection);
        self.nodes.insert(node, connection);
        self.counters.joins += 1;
        let welcome = RelayFrame::Welcome {
            now_ms: now.wall,
            revocation_sequence: self.revocations.sequence(),
            ice: self.ice.clone(),
        };
        self.send(connection, &welcome);
        self.tell_watchers(certificate.user_id(), now, directory);
    }

    /// Drops every trace of a connection.
    pub(super) fn forget(&mut self, connection: ConnectionId) {
        let Some(client) = self.clients.remove(&connection) else { return };
        self.deadlines.remove(&(client.deadline_ms, connection));
        if let Some(count) = self.addresses.get_mut(&client.address) {
            *count -= 1;
            if *count == 0 {
                self.addresses.remove(&client.address);
            }
        }
        let Stage::Joined(peer) = client.stage else { return };
        self.nodes.remove(&peer.node);
        self.seats.swap_remove(peer.seat);
        if let Some(moved) = self.seats.get(peer.seat).copied() {
            let moved = self.clients.get_mut(&moved).and_then(Client::peer_mut);
            moved.expect("who has a seat has joined").seat = peer.seat;
        }
        for user in &peer.watching {
            self.watches.end(user, connection);
        }
    }

    /// Takes up a newer list and closes whoever is on it.
    pub(super) fn revocations_changed(&mut self, list: RevocationList) {
        if list.sequence() < self.revocations.sequence() {
            return;
        }
        self.revocations = list;
        let is_revoked = |client: &Client| client.peer().is_some_and(|peer| self.revocations.contains(&peer.serial_hash));
        let revoked: Vec<_> = self.clients.iter().filter(|(_, client)| is_revoked(client)).map(|(id, _)| *id).collect();
        for connection in revoked {
            self.refuse(connection, 0, RefusalCode::Revoked, 0);
        }
    }
}
