//! Links of a large world: set up, refused by the network, closed, found dead.

use super::{Event, NodeIndex, Overlay};

impl Overlay {
    /// Both ends have each other's descriptions: the channel opens after a while, or the dial fails.
    pub(super) fn set_up(&mut self, dialler: NodeIndex, dialled: NodeIndex, before_ms: u64) {
        let model = self.config.links;
        let works = self.can_connect(dialler, dialled) && !self.draw_chance(model.setup_fails);
        // Connectivity check, DTLS and the handshake's last two messages: three round trips.
        let round_trips = 6 * self.latency(dialler, dialled);
        let setup = self.draw_between(model.setup_ms);
        let lives = (self.nodes[dialler as usize].life, self.nodes[dialled as usize].life);
        let failing_ms = if works { 0 } else { 5_000 };
        self.schedule(before_ms + round_trips + setup + failing_ms, Event::Open { dialler, dialled, lives, works });
    }

    pub(super) fn open(&mut self, dialler: NodeIndex, dialled: NodeIndex, lives: (u32, u32), works: bool) {
        let is_there = |index: NodeIndex, life: u32| self.nodes[index as usize].ring.is_some() && self.nodes[index as usize].life == life;
        if !is_there(dialler, lives.0) {
            return;
        }
        if !works || !is_there(dialled, lives.1) {
            let is_for_good = !self.can_connect(dialler, dialled);
            self.dial_failed(dialler, dialled, is_for_good);
            return;
        }
        if self.nodes[dialler as usize].links.contains_key(&dialled) {
            return;
        }
        self.next_number += 1;
        let link = self.next_number;
        self.counted.connections += 2;
        self.nodes[dialler as usize].links.insert(dialled, link);
        self.nodes[dialled as usize].links.insert(dialler, link);
        self.note(u64::from(dialler) << 32 | u64::from(dialled) | 1 << 63);
        let now_ms = self.now_ms;
        for (at, peer) in [(dialler, dialled), (dialled, dialler)] {
            let peer = self.nodes[peer as usize].id;
            self.step(at, |ring, out| ring.linked(peer, now_ms, out));
        }
    }

    /// A ring has no use for a link: both ends lose it, the other after the way.
    pub(super) fn close(&mut self, node: NodeIndex, peer: b4_protocol::ring::RingId) {
        let Some(peer) = self.places.get(&peer).copied() else { return };
        let Some(link) = self.nodes[node as usize].links.remove(&peer) else { return };
        let delay = self.latency(node, peer);
        self.schedule(delay, Event::Gone { at: peer, peer: node, link });
    }

    pub(super) fn gone(&mut self, at: NodeIndex, peer: NodeIndex, link: u64) {
        let now_ms = self.now_ms;
        let until_ms = self.nodes[at as usize].suspended_until_ms;
        if until_ms > now_ms {
            self.schedule(until_ms - now_ms, Event::Gone { at, peer, link });
            return;
        }
        if self.nodes[at as usize].links.get(&peer) != Some(&link) {
            return;
        }
        self.nodes[at as usize].links.remove(&peer);
        let peer = self.nodes[peer as usize].id;
        self.step(at, |ring, out| ring.unlinked(peer, now_ms, out));
    }
}
