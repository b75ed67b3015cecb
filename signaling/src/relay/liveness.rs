//! Deadlines: late proofs, silent sockets, certificates and watches that run out.

use b4_protocol::signal::relay::RefusalCode;
use b4_protocol::time::Now;

use super::client::{Client, Stage};
use super::{CLOSE_AWAY, Command, ConnectionId, Relay};
use crate::limits::{HALF_OPEN_MS, PING_AFTER_MS};

impl Relay {
    /// Deals with every deadline that has come.
    pub(super) fn tick(&mut self, now: Now) {
        while let Some((at, connection)) = self.deadlines.first().copied() {
            if at > now.mono {
                break;
            }
            self.deadlines.remove(&(at, connection));
            self.due(connection, now);
        }
    }

    fn due(&mut self, connection: ConnectionId, now: Now) {
        let Some(client) = self.clients.get(&connection) else { return };
        match &client.stage {
            Stage::Challenged { .. } => return self.refuse(connection, 0, RefusalCode::NotProven, 0),
            Stage::Joined(peer) if now.wall > peer.not_after_ms => {
                return self.refuse(connection, 0, RefusalCode::CertificateRefused, 0);
            }
            Stage::Proving | Stage::Joined(_) => {}
        }
        let (ping_ms, close_ms) = (client.heard_ms + PING_AFTER_MS, client.heard_ms + HALF_OPEN_MS);
        if now.mono >= close_ms {
            self.counters.half_open += 1;
            return self.close(connection, CLOSE_AWAY);
        }
        let next_ms = if now.mono >= ping_ms {
            self.commands.push(Command::Ping { connection });
            close_ms
        } else {
            ping_ms
        };
        self.rearm(connection, next_ms);
        self.end_watches(connection, now);
    }

    /// Sets the connection's one deadline.
    pub(super) fn rearm(&mut self, connection: ConnectionId, at_ms: u64) {
        if let Some(client) = self.clients.get_mut(&connection) {
            self.deadlines.remove(&(client.deadline_ms, connection));
            client.deadline_ms = at_ms;
            self.deadlines.insert((at_ms, connection));
        }
    }

    fn end_watches(&mut self, connection: ConnectionId, now: Now) {
        let Some(peer) = self.clients.get_mut(&connection).and_then(Client::peer_mut) else { return };
        let over = |user: &_| self.watches.is_over(user, connection, now.mono);
        let ended: Vec<_> = peer.watching.iter().filter(|user| over(user)).cloned().collect();
        for user in ended {
            peer.watching.remove(&user);
            self.watches.end(&user, connection);
        }
    }
}
