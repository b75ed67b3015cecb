//! Nodes of a large world: started, ended, introduced, woken; what reaches them.

use std::collections::BTreeMap;

use b4_protocol::limits::RING_INTRODUCED;
use b4_protocol::ordered::OrderedMap;
use b4_protocol::ring::{Message, Outcome, PathId, Ring, RingId, Standing};

use super::traffic::Class;
use super::{Asked, Due, Event, FirstRouted, Flaw, Happened, NodeIndex, NodeState, Overlay};

/// Live nodes that the relay introduces a newcomer to.
pub(super) const INTRODUCED: usize = RING_INTRODUCED as usize;
/// A node without links asks the relay again after so long, and up to twice that.
const INTRODUCE_AGAIN_MS: u64 = 3_000;
/// A member asks for a witness after so long, as the product's node does.
const WITNESS_MS: u64 = 60_000;
/// The same in a small ring.
const WITNESS_SMALL_MS: u64 = 10_000;

impl Overlay {
    /// Starts a node at a place of its own; the relay introduces it to some that run.
    pub fn join(&mut self) -> NodeIndex {
        let id = RingId(u128::from_be_bytes(self.rng.array()));
        self.join_at(id)
    }

    /// Starts a node at this place, where nobody stands.
    pub fn join_at(&mut self, id: RingId) -> NodeIndex {
        self.enter(id, None)
    }

    /// Starts a node with something wrong about its credentials, at a place of its own.
    pub fn join_flawed(&mut self, flaw: Flaw) -> NodeIndex {
        let id = RingId(u128::from_be_bytes(self.rng.array()));
        self.enter(id, Some(flaw))
    }

    fn enter(&mut self, drawn: RingId, flaw: Option<Flaw>) -> NodeIndex {
        let index = self.vacant.pop().unwrap_or(self.nodes.len() as NodeIndex);
        let id = self.identities.enrol(index, drawn, flaw, self.now_ms);
        let ring = Ring::new(id, self.config.ring, self.rng.fork("ring"), self.now_ms);
        let state = NodeState {
            id,
            ring: Some(ring),
            mail: self.mail_of_newcomer(id),
            life: 0,
            wake_ms: u64::MAX,
            links: OrderedMap::new(),
            asked: BTreeMap::new(),
            is_dropper: false,
            introduced: [None; INTRODUCED],
            suspended_until_ms: 0,
            is_beyond: self.rng.below(2) == 1,
            introduce_ms: 0,
            joined_ms: self.now_ms,
            was_member: false,
            first_routed: FirstRouted::Unsent,
        };
        match self.nodes.get_mut(index as usize) {
            Some(ended) => *ended = NodeState { life: ended.life, ..state },
            None => self.nodes.push(state),
        }
        self.places.insert(id, index);
        self.live.insert(id, index);
        self.note(Happened::Start, index, id.head());
        self.introduce(index);
        self.arm(index);
        index
    }

    /// The relay, while it lives, names running nodes, and again after a while: to one that is alone soon, to a member as a witness of other rings.
    pub(super) fn introduce(&mut self, node: NodeIndex) {
        if self.is_relay_dead {
            return;
        }
        let Some(ring) = self.nodes[node as usize].ring.as_ref() else { return };
        let is_alone = ring.standing() == Standing::Alone;
        let jitter = self.rng.below(INTRODUCE_AGAIN_MS);
        let wait_ms = match is_alone {
            true => INTRODUCE_AGAIN_MS,
            false if ring.is_small() => WITNESS_SMALL_MS,
            false => WITNESS_MS,
        };
        self.introduce_in(node, jitter + wait_ms);
        if self.nodes[node as usize].suspended_until_ms > self.now_ms {
            return;
        }
        for _ in 0..if is_alone { INTRODUCED } else { 1 } {
            let Some(peer) = self.draw_live().filter(|peer| *peer != node && !self.is_apart(node, *peer)) else { continue };
            let (id, now_ms) = (self.nodes[peer as usize].id, self.now_ms);
            let known = &mut self.nodes[node as usize].introduced;
            known.rotate_right(1);
            known[0] = Some(id);
            self.note(Happened::Introduce, node, peer);
            self.step(node, |ring, out| ring.witness(id, now_ms, out));
        }
    }

    pub(super) fn introduce_in(&mut self, node: NodeIndex, in_ms: u64) {
        let state = &mut self.nodes[node as usize];
        state.introduce_ms = self.now_ms + in_ms;
        let life = state.life;
        self.schedule_due(in_ms, Due::Introduce { node, life });
    }

    /// A running node, each as likely as the other.
    pub fn draw_live(&mut self) -> Option<NodeIndex> {
        if self.live.is_empty() {
            return None;
        }
        loop {
            let index = self.rng.below(self.nodes.len() as u64);
            if self.nodes[index as usize].ring.is_some() {
                return Some(index as NodeIndex);
            }
        }
    }

    /// A member, each as likely as the other.
    pub fn draw_member(&mut self) -> Option<NodeIndex> {
        if self.members.is_empty() {
            return None;
        }
        loop {
            let index = self.draw_live()?;
            if self.nodes[index as usize].ring.as_ref().is_some_and(|ring| ring.standing() == Standing::Member) {
                return Some(index);
            }
        }
    }

    /// Which of the nodes that had this place one is: the number changes when it ends.
    pub fn life(&self, node: NodeIndex) -> u32 {
        self.nodes[node as usize].life
    }

    /// Ends a node without a word.
    pub fn crash(&mut self, node: NodeIndex) {
        let model = self.config.links;
        let is_silent = self.draw_chance(model.silent);
        for (peer, link, id) in self.end(node) {
            if !self.is_deaf {
                let delay = if is_silent { self.draw_between(model.detection_ms) } else { self.latency(node, peer) };
                self.gone_in(delay, peer, id, link);
            }
        }
    }

    /// Ends a node that says goodbye on all links.
    pub fn leave(&mut self, node: NodeIndex) {
        for (peer, link, id) in self.end(node) {
            let delay = self.latency(node, peer);
            self.gone_in(delay, peer, id, link);
        }
    }

    /// The node is no more. The links it had, for those who are to hear of it.
    fn end(&mut self, node: NodeIndex) -> Vec<(NodeIndex, u64, RingId)> {
        let state = &mut self.nodes[node as usize];
        if state.ring.take().is_none() {
            return Vec::new();
        }
        state.life += 1;
        let (id, life) = (state.id, state.life);
        self.note(Happened::End, node, life);
        let state = &mut self.nodes[node as usize];
        state.mail = None;
        let links = std::mem::take(&mut state.links);
        for asked in std::mem::take(&mut state.asked).into_values() {
            match asked {
                Asked::Lookup { number } => self.lookup_void(number),
                Asked::Probe { number } => self.probe_void(number),
                Asked::Certificate { .. } | Asked::Signal { .. } | Asked::Holders { .. } | Asked::Publish | Asked::Copy => {}
            }
        }
        self.mail_ended(id);
        self.reach_void(node);
        self.live.remove(&id);
        self.members.remove(&id);
        self.places.remove(&id);
        self.vacant.push(node);
        links.values().map(|(peer, link)| (*peer, *link, id)).collect()
    }

    pub(super) fn wake(&mut self, node: NodeIndex, life: u32) {
        let now_ms = self.now_ms;
        let state = &mut self.nodes[node as usize];
        if state.life != life || state.wake_ms > now_ms {
            return;
        }
        state.wake_ms = u64::MAX;
        if state.suspended_until_ms > now_ms {
            let until_ms = state.suspended_until_ms;
            state.wake_ms = until_ms;
            self.schedule_due(until_ms - now_ms, Due::Wake { node, life });
            return;
        }
        self.note(Happened::Wake, node, life);
        self.step(node, |ring, out| ring.wake(now_ms, out));
    }

    pub(super) fn message(&mut self, from: RingId, to: NodeIndex, link: u64, message: Message) {
        let now_ms = self.now_ms;
        let state = &self.nodes[to as usize];
        let Some((peer, number)) = state.links.get(&from).copied() else { return };
        if number != link || (self.is_split && self.is_apart(peer, to)) {
            return;
        }
        if state.suspended_until_ms > now_ms {
            // The transport keeps it until the link is given up.
            let wait_ms = state.suspended_until_ms - now_ms;
            self.schedule(wait_ms, Event::Message { from, to, link, message });
            return;
        }
        let (is_dropper, own_id) = (state.is_dropper, state.id);
        self.note_message(peer, to, &message);
        if let Message::Reply { path, .. } = &message {
            self.note_routed(to, *path);
        }
        self.mail_hears(to, from, &message);
        let Message::Route(route) = &message else {
            self.step(to, |ring, out| ring.message(from, message, now_ms, out));
            return;
        };
        self.traffic.answering = self.traffic.class_of(route.path);
        if is_dropper && route.key != own_id {
            self.run_one(to, Outcome::Send { to: from, message: Message::Ack { number: route.number } });
            self.lie(to, from, route.path, route.key);
        } else {
            self.step(to, |ring, out| ring.message(from, message, now_ms, out));
        }
        self.traffic.answering = Class::Ring;
    }

    /// An answer came to a node: perhaps its first.
    fn note_routed(&mut self, node: NodeIndex, path: PathId) {
        let state = &mut self.nodes[node as usize];
        if state.first_routed == FirstRouted::Sent(path) {
            state.first_routed = FirstRouted::Answered;
            self.traffic.first_routed_ms.push(self.now_ms - state.joined_ms);
        }
    }

    /// Lets a ring do something and carries out what it orders.
    pub(super) fn step(&mut self, node: NodeIndex, act: impl FnOnce(&mut Ring, &mut Vec<Outcome>)) {
        self.touched.push(node);
        let mut out = std::mem::take(&mut self.pending);
        if let Some(ring) = self.nodes[node as usize].ring.as_mut() {
            let before = ring.hop_timeouts();
            act(ring, &mut out);
            let timeouts = ring.hop_timeouts() - before;
            if timeouts > 0 {
                self.note_timeouts(timeouts, &out);
            }
        }
        for outcome in out.drain(..) {
            self.run_one(node, outcome);
        }
        self.pending = out;
        self.arm(node);
    }

    pub(super) fn arm(&mut self, node: NodeIndex) {
        let now_ms = self.now_ms;
        let state = &mut self.nodes[node as usize];
        let Some(due_ms) = state.ring.as_ref().and_then(Ring::deadline) else { return };
        // A deadline in the past that is never moved on would stop the clock: that must show.
        let due_ms = due_ms.max(now_ms + 1);
        if due_ms < state.wake_ms {
            state.wake_ms = due_ms;
            let life = state.life;
            self.schedule_due(due_ms - now_ms, Due::Wake { node, life });
        }
    }
}
