//! Links of a large world: set up, refused by the network, closed, found dead.

use super::identity::Unproven;
use super::{Event, Happened, NodeIndex, Overlay, RingId};

/// What a dial without a path takes to fail: the time of ICE's checks.
const NO_PATH_MS: u64 = 5_000;

impl Overlay {
    /// Both ends have each other's descriptions: the channel opens after a while, or the dial fails.
    pub(super) fn set_up(&mut self, dialler: NodeIndex, dialled: RingId, before_ms: u64) {
        let life = self.nodes[dialler as usize].life;
        let Some(peer) = self.places.get(&dialled).copied() else {
            self.schedule(before_ms + NO_PATH_MS, Event::Open { dialler, life, dialled, works: false });
            return;
        };
        let model = self.config.links;
        let works = self.can_connect(dialler, peer) && !self.draw_chance(model.setup_fails);
        // Connectivity check, DTLS and the handshake's last two messages: three round trips.
        let round_trips = 6 * self.latency(dialler, peer);
        let setup = self.draw_between(model.setup_ms);
        let failing_ms = if works { 0 } else { NO_PATH_MS };
        self.schedule(before_ms + round_trips + setup + failing_ms, Event::Open { dialler, life, dialled, works });
    }

    pub(super) fn open(&mut self, dialler: NodeIndex, life: u32, dialled: RingId, works: bool) {
        if !self.is_running(dialler, life) {
            return;
        }
        let peer = self.places.get(&dialled).copied().filter(|peer| works && !self.is_apart(dialler, *peer));
        let Some(peer) = peer.filter(|peer| self.nodes[*peer as usize].suspended_until_ms <= self.now_ms) else {
            // Who is gone, asleep or beyond a split has not answered the relay's introduction.
            let was_answered = self.places.get(&dialled).is_some_and(|peer| !self.is_apart(dialler, *peer) && !self.is_asleep(*peer));
            self.dial_failed(dialler, dialled, was_answered);
            self.arm(dialler);
            return;
        };
        if self.nodes[dialler as usize].links.contains_key(&dialled) {
            return;
        }
        let caller = self.nodes[dialler as usize].id;
        if let Err(Unproven { was_answered }) = self.identities.meet((dialler, caller), (peer, dialled), self.now_ms) {
            self.dial_failed(dialler, dialled, was_answered);
            self.arm(dialler);
            return;
        }
        self.next_link += 1;
        let link = self.next_link;
        self.traffic.counted.connections += 1;
        // The other end may still believe in an older link: as in the product, the newer one takes its place.
        if self.nodes[peer as usize].links.remove(&caller).is_some() {
            let now_ms = self.now_ms;
            self.step(peer, |ring, out| ring.unlinked(caller, now_ms, out));
            self.mail_unlinked(peer, caller);
        }
        self.nodes[dialler as usize].links.insert(dialled, (peer, link));
        self.nodes[peer as usize].links.insert(caller, (dialler, link));
        self.note(Happened::Open, dialler, peer);
        self.reached(dialler, dialled);
        self.reached(peer, caller);
        let now_ms = self.now_ms;
        for (at, other) in [(dialler, dialled), (peer, caller)] {
            self.mail_notes(at, other);
            self.step(at, |ring, out| ring.linked(other, now_ms, out));
            self.mail_linked(at, other);
        }
    }

    /// A ring has no use for a link: both ends lose it, the other after the way.
    pub(super) fn close(&mut self, node: NodeIndex, peer: RingId) {
        let Some((at, link)) = self.nodes[node as usize].links.remove(&peer) else { return };
        self.note(Happened::Close, node, at);
        let delay = self.latency(node, at);
        self.mail_unlinked(node, peer);
        let peer = self.nodes[node as usize].id;
        self.gone_in(delay, at, peer, link);
    }

    pub(super) fn gone(&mut self, at: NodeIndex, peer: RingId, link: u64) {
        let now_ms = self.now_ms;
        let state = &mut self.nodes[at as usize];
        if state.suspended_until_ms > now_ms {
            let wait_ms = state.suspended_until_ms - now_ms;
            self.schedule(wait_ms, Event::Gone { at, peer, link });
            return;
        }
        self.dying.remove(&(at, link));
        let state = &mut self.nodes[at as usize];
        if state.links.get(&peer).is_some_and(|(_, number)| *number == link) {
            state.links.remove(&peer);
            self.note(Happened::Gone, at, peer.head());
            self.step(at, |ring, out| ring.unlinked(peer, now_ms, out));
            self.mail_unlinked(at, peer);
        }
    }
}
