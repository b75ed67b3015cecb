//! What a machine's node orders, carried out: the browser's part.

use b4_protocol::crypto::{Ticket, sha256};
use b4_protocol::node::{Effect, Input, LinkEnd, Node};
use b4_protocol::store::Write;

use super::{Event, NodeIndex, ToRelay, World};
use crate::end::End;
use crate::store::DiskFault;

impl World {
    pub(super) fn input(&mut self, node: NodeIndex, input: Input) {
        if self.machines[node].hostile.is_some() {
            self.hostile_input(node, input);
            return;
        }
        let now = self.now_at(node);
        self.trace = sha256(&[&self.trace, &now.mono.to_be_bytes(), &(node as u64).to_be_bytes(), format!("{input:?}").as_bytes()]);
        let Some(running) = self.machines[node].node.as_mut() else { return };
        let effects = running.handle(input, now);
        self.run_effects(node, effects);
        self.watch_queues(node);
    }

    pub(super) fn run_effects(&mut self, node: NodeIndex, effects: Vec<Effect>) {
        for effect in effects {
            self.run_effect(node, effect);
        }
        let machine = &mut self.machines[node];
        // A deadline in the past is due at once, and a node that never moves it on would stop the clock: that must show.
        let wake_ms = machine.node.as_ref().and_then(Node::next_wake).map(|at| at.max(self.now_ms + 1));
        machine.wake_at_ms = wake_ms.map(|at| at.next_multiple_of(machine.wakes_every_ms));
    }

    fn run_effect(&mut self, node: NodeIndex, effect: Effect) {
        let life = self.machines[node].life;
        match effect {
            Effect::RelayConnect => {
                let socket = self.draw_number();
                self.machines[node].socket = Some(socket);
                self.put_to_relay(socket, ToRelay::Connect { node, life });
            }
            Effect::RelaySend(frame) => {
                if self.is_for_hostile(node, &frame) {
                    return;
                }
                if let Some(socket) = self.machines[node].socket {
                    self.put_to_relay(socket, ToRelay::Frame(frame));
                }
            }
            Effect::RelayClose => {
                if let Some(socket) = self.machines[node].socket.take() {
                    self.put_to_relay(socket, ToRelay::Closed);
                    self.schedule(0, Event::Input { node, life, input: Input::RelayClosed });
                }
            }
            Effect::LinkOffer { link, .. } => self.describe(node, link, None),
            Effect::LinkAnswer { link, sdp, .. } => self.describe(node, link, Some(&sdp)),
            Effect::LinkAccept { link, sdp } => {
                if let Some(end) = self.ends.values_mut().find(|end| end.node == node && end.link == link) {
                    end.remote = End::number_of(&sdp);
                    let number = end.number;
                    self.try_open(number);
                }
            }
            Effect::LinkCandidate { link, .. } => {
                if let Some(end) = self.ends.values_mut().find(|end| end.node == node && end.link == link) {
                    end.has_candidate = true;
                    let number = end.number;
                    self.try_open(number);
                }
            }
            Effect::LinkSend { link, channel, frame } => {
                self.send_frame(node, link, channel, frame);
            }
            Effect::LinkClose { link } => {
                if let Some(number) = self.end_of(node, link).map(|end| end.number) {
                    self.drop_end(number, Some(LinkEnd::Closed), 0);
                }
            }
            Effect::Store { ticket, writes } => self.write(node, ticket, writes),
            Effect::Load { ticket, table, prefix, before, limit } => {
                let rows = self.machines[node].disk.load(table, &prefix, before.as_deref(), limit as usize);
                self.schedule(1, Event::Input { node, life, input: Input::Loaded { ticket, rows: Some(rows) } });
            }
            Effect::Key { ticket, op } => {
                let machine = &mut self.machines[node];
                let result = machine.device.keys.perform(&mut machine.rng, &op);
                self.schedule(2, Event::Input { node, life, input: Input::KeyDone { ticket, result } });
            }
            Effect::Notify(event) => {
                self.watch_event(node, &event);
                self.machines[node].seen.apply(event);
            }
            of_files => self.run_file_effect(node, of_files),
        }
    }

    /// A write is durable when its time has come and the process still lives: what is in flight at a kill is lost.
    pub(super) fn write(&mut self, node: NodeIndex, ticket: Ticket, writes: Vec<Write>) {
        let life = self.machines[node].life;
        if let DiskFault::Failing(full) = self.machines[node].disk_fault {
            self.schedule(1, Event::Input { node, life, input: Input::StoreFailed { tickets: vec![ticket], full } });
            return;
        }
        let at = self.draw_between(self.config.disk_ms);
        let key = (node as u64, false);
        let arrival = self.last_arrival.get(&key).copied().unwrap_or(0).max(self.now_ms + at);
        self.last_arrival.insert(key, arrival);
        self.schedule(arrival - self.now_ms, Event::Commit { node, life, ticket, writes });
    }
}
