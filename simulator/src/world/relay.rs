//! The relay and the sockets to it.

use b4_protocol::node::Input;
use b4_signaling::relay::Command as RelayCommand;

use super::{Event, NodeIndex, World};
use crate::relay_host::RelayHost;

/// What goes to the relay over one socket.
pub(super) enum ToRelay {
    Connect { node: NodeIndex, life: u32 },
    Frame(Vec<u8>),
    Closed,
    Heard,
}

impl World {
    /// Ends the relay without a word.
    pub fn kill_relay(&mut self) {
        self.relay = None;
        for (_, (node, life)) in std::mem::take(&mut self.sockets) {
            if self.machines[node].life == life {
                self.machines[node].socket = None;
                self.schedule(1, Event::Input { node, life, input: Input::RelayClosed });
            }
        }
    }

    /// Starts the relay, anew after [`World::kill_relay`].
    pub fn start_relay(&mut self) {
        let seed = self.rng.array();
        let now = self.now();
        self.relay = Some(RelayHost::start(&self.authority, seed, now));
    }

    pub(super) fn put_to_relay(&mut self, socket: u64, what: ToRelay) {
        self.schedule_in_order((socket, true), Event::ToRelay { socket, what });
    }

    pub(super) fn at_relay(&mut self, socket: u64, what: ToRelay) {
        let now = self.now();
        let Some(relay) = self.relay.as_mut() else {
            if let ToRelay::Connect { node, life } = what {
                self.schedule(1, Event::Input { node, life, input: Input::RelayClosed });
            }
            return;
        };
        let commands = match what {
            ToRelay::Connect { node, life } => {
                self.sockets.insert(socket, (node, life));
                let commands = relay.connected(socket, now, &self.names);
                self.schedule_in_order((socket, false), Event::Input { node, life, input: Input::RelayOpened });
                commands
            }
            ToRelay::Frame(bytes) => relay.frame(socket, bytes, now, &self.names),
            ToRelay::Heard => relay.heard(socket, now, &self.names),
            ToRelay::Closed => {
                self.sockets.remove(&socket);
                relay.closed(socket, now, &self.names)
            }
        };
        self.run_relay(commands);
    }

    pub(super) fn run_relay(&mut self, commands: Vec<RelayCommand>) {
        for command in commands {
            match command {
                RelayCommand::Send { connection, bytes } => {
                    let now = self.now();
                    let sent = bytes.len();
                    if let Some((node, life)) = self.sockets.get(&connection.0).copied() {
                        if let Some(kept) = &mut self.kept {
                            kept.push((node, bytes.clone()));
                        }
                        let input = Input::RelayFrame(bytes);
                        self.schedule_in_order((connection.0, false), Event::Input { node, life, input });
                    }
                    let more = self.relay.as_mut().map(|relay| relay.flushed(connection.0, sent, now, &self.names));
                    self.run_relay(more.unwrap_or_default());
                }
                RelayCommand::Verify { connection, proof } => {
                    let (now, verdict) = (self.now(), proof.verify(self.authority.anchor()));
                    let more = self.relay.as_mut().map(|relay| relay.verified(connection.0, verdict, now, &self.names));
                    self.run_relay(more.unwrap_or_default());
                }
                RelayCommand::Ping { connection } => self.put_to_relay(connection.0, ToRelay::Heard),
                RelayCommand::Pause { .. } => {}
                RelayCommand::Close { connection, .. } => {
                    if let Some((node, life)) = self.sockets.remove(&connection.0) {
                        self.schedule_in_order((connection.0, false), Event::Input { node, life, input: Input::RelayClosed });
                    }
                }
            }
        }
        if let Some(at) = self.relay.as_ref().and_then(RelayHost::next_wake_ms) {
            // One tick at a time is under way: each makes the next, and more would never become fewer.
            let at = at.max(self.now_ms + 1);
            if self.relay_tick_ms.is_none_or(|due| at < due) {
                self.relay_tick_ms = Some(at);
                self.schedule(at - self.now_ms, Event::RelayTick);
            }
        }
    }
}
