//! What a joined client may ask for: lookups and watches, forwards, introductions.

use b4_protocol::identity::{NodeId, UserId};
use b4_protocol::signal::relay::{FOUND_MAX, FoundDevice, Presence, RefusalCode, RelayFrame, UndeliveredReason};
use b4_protocol::time::{Now, SECOND_MS};

use super::client::Client;
use super::watches::Watch;
use super::{ConnectionId, Directory, DirectoryError, Relay};
use crate::limits::{QUEUE_FORWARD_BYTES, WATCH_MS, WATCHES_MAX, WATCHES_PER_CLIENT};
use crate::pace::TooFast;

/// When to try again after the directory could not be read. Guess.
const DIRECTORY_RETRY_MS: u64 = 5 * SECOND_MS;

impl Relay {
    /// Answers with a user's devices; sets a watch where one is wanted and the user is away.
    pub(super) fn lookup(
        &mut self,
        connection: ConnectionId,
        ticket: u32,
        watch: bool,
        user: UserId,
        now: Now,
        directory: &dyn Directory,
    ) {
        let Some(peer) = self.clients.get(&connection).and_then(Client::peer) else { return };
        if let Err(TooFast { retry_after_ms }) = self.lookups.take(peer.node, now.mono) {
            return self.refuse(connection, ticket, RefusalCode::TooFast, retry_after_ms);
        }
        let Ok((presence, devices)) = self.find(&user, now, directory) else {
            return self.refuse(connection, ticket, RefusalCode::TooFast, DIRECTORY_RETRY_MS);
        };
        self.counters.lookups += 1;
        self.send(connection, &RelayFrame::Found { ticket, presence, devices });
        if watch && presence == Presence::Away {
            self.watch(connection, ticket, user, now);
        }
    }

    fn watch(&mut self, connection: ConnectionId, ticket: u32, user: UserId, now: Now) {
        let Some(peer) = self.clients.get_mut(&connection).and_then(Client::peer_mut) else { return };
        let full = peer.watching.len() >= WATCHES_PER_CLIENT || self.watches.len() >= WATCHES_MAX;
        if full && !peer.watching.contains(&user) {
            return self.refuse(connection, ticket, RefusalCode::TooManyWatches, 0);
        }
        peer.watching.insert(user.clone());
        self.watches.set(user, connection, Watch { ticket, until_ms: now.mono + WATCH_MS });
    }

    /// Fires the watches on a user who has just joined.
    pub(super) fn tell_watchers(&mut self, user: &UserId, now: Now, directory: &dyn Directory) {
        let watchers = self.watches.fire(user);
        if watchers.is_empty() {
            return;
        }
        let found = self.find(user, now, directory);
        for (connection, watch) in watchers {
            let Some(peer) = self.clients.get_mut(&connection).and_then(Client::peer_mut) else { continue };
            peer.watching.remove(user);
            if watch.until_ms <= now.mono {
                continue;
            }
            match &found {
                Ok((presence, devices)) => {
                    self.counters.watches_fired += 1;
                    let (presence, devices) = (*presence, devices.clone());
                    self.send(connection, &RelayFrame::Found { ticket: watch.ticket, presence, devices });
                }
                Err(DirectoryError) => {
                    self.refuse(connection, watch.ticket, RefusalCode::TooFast, DIRECTORY_RETRY_MS);
                }
            }
        }
    }

    fn find(
        &self,
        user: &UserId,
        now: Now,
        directory: &dyn Directory,
    ) -> Result<(Presence, Vec<FoundDevice>), DirectoryError> {
        let Some(known) = directory.devices(user, now.wall)? else { return Ok((Presence::NoSuchName, Vec::new())) };
        let found = |known: super::KnownDevice| FoundDevice {
            online: self.nodes.contains_key(&known.node),
            certificate: known.certificate,
        };
        let devices: Vec<_> = known.into_iter().take(FOUND_MAX).map(found).collect();
        let online = devices.iter().any(|device| device.online);
        Ok((if online { Presence::Online } else { Presence::Away }, devices))
    }

    /// Hands a body on. The sender named to the receiver is the one that this connection has proven, never one it claims.
    pub(super) fn forward(&mut self, connection: ConnectionId, to: NodeId, body: Vec<u8>) {
        let Some(from) = self.clients.get(&connection).and_then(Client::peer).map(|peer| peer.node) else { return };
        let target = self.nodes.get(&to).copied();
        let queued = target.and_then(|target| self.clients.get(&target)).map(|client| client.queued_bytes);
        let reason = match (target, queued) {
            (Some(target), Some(queued)) if queued <= QUEUE_FORWARD_BYTES => {
                self.counters.forwards += 1;
                return self.send(target, &RelayFrame::Forwarded { from, body });
            }
            (Some(_), Some(_)) => UndeliveredReason::QueueFull,
            _ => UndeliveredReason::NotConnected,
        };
        self.counters.undelivered += 1;
        self.send(connection, &RelayFrame::Undelivered { to, reason });
    }

    /// Draws up to `count` other peers, each at most once.
    pub(super) fn introduce(&mut self, connection: ConnectionId, ticket: u32, count: u8, now: Now) {
        let Some(peer) = self.clients.get(&connection).and_then(Client::peer) else { return };
        if let Err(TooFast { retry_after_ms }) = self.introductions.take(peer.node, now.mono) {
            return self.refuse(connection, ticket, RefusalCode::TooFast, retry_after_ms);
        }
        // Floyd's sample of the seats other than the asker's own.
        let (own, others) = (peer.seat, self.seats.len() - 1);
        let wanted = usize::from(count).min(others);
        let mut drawn = Vec::with_capacity(wanted);
        for last in others - wanted..others {
            let seat = self.rng.below(last as u64 + 1) as usize;
            drawn.push(if drawn.contains(&seat) { last } else { seat });
        }
        let connections = drawn.into_iter().map(|seat| self.seats[if seat < own { seat } else { seat + 1 }]);
        let peers = connections.filter_map(|drawn| self.clients.get(&drawn).and_then(Client::peer));
        let certificates = peers.map(|peer| peer.certificate.clone()).collect();
        self.counters.introductions += 1;
        self.send(connection, &RelayFrame::Peers { ticket, certificates });
    }
}
