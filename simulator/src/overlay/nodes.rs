//! Nodes of a large world: started, ended, suspended; what their rings order.

use std::collections::BTreeMap;

use b4_protocol::ring::{Aim, Message, Outcome, Request, RequestId, Ring, RingId, Service, Standing, Verdict};

use super::{Asked, Event, NodeIndex, NodeState, Overlay};

/// Sizes of what travels sealed, in bytes: a certificate, an offer, an answer, a candidate (measured; PROTOCOL.md#signalling bounds).
const CERTIFICATE_BYTES: usize = 1_250;
const OFFER_BYTES: usize = 2_500;
const ANSWER_BYTES: usize = 2_100;
const CANDIDATE_BYTES: usize = 110;
/// Candidates of each end.
const CANDIDATES: usize = 3;
/// Live nodes that the relay introduces a newcomer to.
const INTRODUCED: u64 = 2;
/// A node without links asks the relay again after so long.
const INTRODUCE_AGAIN_MS: u64 = 5_000;
/// A member asks for a witness after so long.
const WITNESS_MS: u64 = 60_000;

impl Overlay {
    /// Starts a node at a place of its own; the relay introduces it to some that run.
    pub fn join(&mut self) -> NodeIndex {
        let id = RingId(u128::from_be_bytes(self.rng.array()));
        let index = self.nodes.len() as NodeIndex;
        self.places.insert(id, index);
        let ring = Ring::new(id, self.config.ring, self.rng.fork("ring"), self.now_ms);
        self.nodes.push(NodeState {
            id,
            ring: Some(ring),
            life: 0,
            wake_ms: u64::MAX,
            links: BTreeMap::new(),
            asked: BTreeMap::new(),
            is_dropper: false,
            introduced: None,
            suspended_until_ms: 0,
        });
        self.live.insert(id, index);
        self.introduce(index);
        self.arm(index);
        index
    }

    /// The relay names running nodes, and again after a while: to one that is alone soon, to a member as a witness of other rings.
    pub fn introduce(&mut self, node: NodeIndex) {
        let Some(ring) = self.nodes[node as usize].ring.as_ref() else { return };
        let (is_alone, life) = (ring.standing() == Standing::Alone, self.nodes[node as usize].life);
        let jitter = self.rng.below(INTRODUCE_AGAIN_MS);
        self.schedule(jitter + if is_alone { INTRODUCE_AGAIN_MS } else { WITNESS_MS }, Event::Introduce { node, life });
        for _ in 0..if is_alone { INTRODUCED } else { 1 } {
            let Some(peer) = self.draw_live().filter(|peer| *peer != node) else { continue };
            self.nodes[node as usize].introduced = Some(peer);
            let (id, now_ms) = (self.nodes[peer as usize].id, self.now_ms);
            self.step(node, |ring, out| ring.witness(id, now_ms, out));
        }
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

    /// Ends a node without a word.
    pub fn crash(&mut self, node: NodeIndex) {
        let state = &mut self.nodes[node as usize];
        if state.ring.take().is_none() {
            return;
        }
        state.life += 1;
        state.asked.clear();
        let id = state.id;
        let links = std::mem::take(&mut state.links);
        self.live.remove(&id);
        let model = self.config.links;
        for (peer, link) in links {
            if self.is_deaf {
                continue;
            }
            let is_silent = self.draw_chance(model.silent);
            let delay = if is_silent { self.draw_between(model.detection_ms) } else { self.latency(node, peer) };
            self.schedule(delay, Event::Gone { at: peer, peer: node, link });
        }
    }

    /// Ends a node that says goodbye on all links.
    pub fn leave(&mut self, node: NodeIndex) {
        let links: Vec<(NodeIndex, u64)> = self.nodes[node as usize].links.iter().map(|(peer, link)| (*peer, *link)).collect();
        self.nodes[node as usize].links.clear();
        for (peer, link) in links {
            let delay = self.latency(node, peer);
            self.schedule(delay, Event::Gone { at: peer, peer: node, link });
        }
        self.crash(node);
    }

    /// From now on nobody hears of a crash.
    pub fn set_deaf(&mut self, is_deaf: bool) {
        self.is_deaf = is_deaf;
    }

    /// Makes a node take requests and drop them.
    pub fn set_dropper(&mut self, node: NodeIndex) {
        self.nodes[node as usize].is_dropper = true;
    }

    /// Lets a node sleep: it keeps its links and handles nothing until then.
    pub fn suspend(&mut self, node: NodeIndex, span_ms: u64) {
        self.nodes[node as usize].suspended_until_ms = self.now_ms + span_ms;
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
            self.schedule(until_ms - now_ms, Event::Wake { node, life });
            return;
        }
        self.step(node, |ring, out| ring.wake(now_ms, out));
    }

    pub(super) fn message(&mut self, from: NodeIndex, to: NodeIndex, link: u64, message: Message) {
        let now_ms = self.now_ms;
        let from_id = self.nodes[from as usize].id;
        let state = &self.nodes[to as usize];
        if state.links.get(&from) != Some(&link) || state.suspended_until_ms > now_ms {
            return;
        }
        let (is_dropper, own_id) = (state.is_dropper, state.id);
        self.note(u64::from(from) << 32 | u64::from(to));
        if is_dropper
            && let Message::Route(route) = &message
            && route.key != own_id
        {
            let ack = Outcome::Send { to: from_id, message: Message::Ack { number: route.number } };
            self.run(to, vec![ack]);
            return;
        }
        self.step(to, |ring, out| ring.message(from_id, message, now_ms, out));
    }

    /// Lets a ring do something and carries out what it orders.
    pub(super) fn step(&mut self, node: NodeIndex, act: impl FnOnce(&mut Ring, &mut Vec<Outcome>)) {
        let mut out = std::mem::take(&mut self.pending);
        if let Some(ring) = self.nodes[node as usize].ring.as_mut() {
            act(ring, &mut out);
        }
        for outcome in out.drain(..) {
            self.run_one(node, outcome);
        }
        self.pending = out;
        self.arm(node);
    }

    fn run(&mut self, node: NodeIndex, outcomes: Vec<Outcome>) {
        outcomes.into_iter().for_each(|outcome| self.run_one(node, outcome));
    }

    fn arm(&mut self, node: NodeIndex) {
        let now_ms = self.now_ms;
        let state = &mut self.nodes[node as usize];
        let Some(due_ms) = state.ring.as_ref().and_then(Ring::deadline) else { return };
        // A deadline in the past that is never moved on would stop the clock: that must show.
        let due_ms = due_ms.max(now_ms + 1);
        if due_ms < state.wake_ms {
            state.wake_ms = due_ms;
            let life = state.life;
            self.schedule(due_ms - now_ms, Event::Wake { node, life });
        }
    }

    fn run_one(&mut self, node: NodeIndex, outcome: Outcome) {
        match outcome {
            Outcome::Send { to, message } => self.send(node, to, message),
            Outcome::Dial { to } => self.dial(node, to),
            Outcome::Close { peer, .. } => self.close(node, peer),
            Outcome::Delivered { path, service, .. } => {
                let bytes = match service {
                    Service::Certificate => CERTIFICATE_BYTES,
                    Service::Signal => ANSWER_BYTES,
                    _ => 0,
                };
                self.later(node, move |ring, now_ms, out| {
                    ring.answer(path, vec![0; bytes], now_ms, out);
                    if service == Service::Signal {
                        (0..CANDIDATES).for_each(|_| drop(ring.send_along(path, vec![0; CANDIDATE_BYTES], out)));
                    }
                });
            }
            Outcome::Answered { request, path, by, verdict, hops, .. } => self.answered(node, request, (path, by, verdict, hops)),
            Outcome::Failed { request } => self.failed(node, request),
            Outcome::Along { .. } | Outcome::NearChanged | Outcome::Standing(_) => {}
        }
    }

    /// Calls a ring in the middle of carrying out its orders.
    fn later(&mut self, node: NodeIndex, act: impl FnOnce(&mut Ring, u64, &mut Vec<Outcome>)) {
        let now_ms = self.now_ms;
        let mut out = Vec::new();
        if let Some(ring) = self.nodes[node as usize].ring.as_mut() {
            act(ring, now_ms, &mut out);
        }
        self.run(node, out);
    }

    fn send(&mut self, node: NodeIndex, to: RingId, message: Message) {
        let Some(peer) = self.places.get(&to).copied() else { return };
        let Some(link) = self.nodes[node as usize].links.get(&peer).copied() else { return };
        let bytes = sealed_len(message.encoded_len());
        let path = match &message {
            Message::Route(route) => {
                if matches!(route.service, Service::Signal | Service::Certificate) {
                    self.signal_paths.insert(route.path);
                }
                Some(route.path)
            }
            Message::Reply { path, .. } | Message::Along { path, .. } | Message::Stuck { path, .. } => Some(*path),
            _ => None,
        };
        let is_signal = path.is_some_and(|path| self.signal_paths.contains(&path));
        self.counted.messages += 1;
        *if is_signal { &mut self.counted.signal_bytes } else { &mut self.counted.ring_bytes } += bytes;
        let delay = self.latency(node, peer);
        self.schedule(delay, Event::Message { from: node, to: peer, link, message });
    }

    fn dial(&mut self, node: NodeIndex, to: RingId) {
        let Some(of) = self.places.get(&to).copied() else { return };
        if self.nodes[node as usize].introduced == Some(of) {
            let round_trip = 2 * self.latency(node, of);
            self.set_up(node, of, round_trip);
            return;
        }
        let request = Request { service: Service::Certificate, aim: Aim::Node, key: to, body: Vec::new() };
        self.ask(node, request, Asked::Certificate { of });
    }

    fn ask(&mut self, node: NodeIndex, request: Request, asked: Asked) {
        let now_ms = self.now_ms;
        let mut out = Vec::new();
        let Some(ring) = self.nodes[node as usize].ring.as_mut() else { return };
        let id = ring.request(request, now_ms, &mut out);
        self.nodes[node as usize].asked.insert(id, asked);
        self.run(node, out);
    }

    fn answered(&mut self, node: NodeIndex, request: RequestId, (path, by, verdict, hops): (b4_protocol::ring::PathId, RingId, Verdict, u8)) {
        let asked = self.nodes[node as usize].asked.remove(&request);
        match asked {
            Some(Asked::Certificate { of } | Asked::Signal { of }) if verdict == Verdict::NoSuchNode => self.dial_failed(node, of, false),
            Some(Asked::Certificate { of }) => {
                let key = self.nodes[of as usize].id;
                let request = Request { service: Service::Signal, aim: Aim::Node, key, body: vec![0; OFFER_BYTES] };
                self.ask(node, request, Asked::Signal { of });
            }
            Some(Asked::Signal { of }) => {
                self.later(node, |ring, _, out| {
                    (0..CANDIDATES).for_each(|_| drop(ring.send_along(path, vec![0; CANDIDATE_BYTES], out)));
                });
                self.set_up(node, of, 0);
            }
            Some(Asked::Lookup { number }) => self.lookup_answered(number, by, hops),
            None => {}
        }
        self.signal_paths.remove(&path);
    }

    fn failed(&mut self, node: NodeIndex, request: RequestId) {
        match self.nodes[node as usize].asked.remove(&request) {
            Some(Asked::Certificate { of } | Asked::Signal { of }) => self.dial_failed(node, of, false),
            Some(Asked::Lookup { number }) => self.lookup_failed(number),
            None => {}
        }
    }

    pub(super) fn dial_failed(&mut self, node: NodeIndex, of: NodeIndex, is_for_good: bool) {
        let peer = self.nodes[of as usize].id;
        self.later(node, |ring, now_ms, out| ring.dial_failed(peer, is_for_good, now_ms, out));
    }

    /// Asks from a node who is responsible for a key.
    pub fn lookup(&mut self, node: NodeIndex, key: RingId) {
        let number = self.lookups.begin(self.now_ms, key);
        let request = Request { service: Service::Find, aim: Aim::Any, key, body: Vec::new() };
        self.ask(node, request, Asked::Lookup { number });
        self.arm(node);
    }
}

/// Bytes of the sealed, padded record that a message makes (PROTOCOL.md#records).
fn sealed_len(bytes: usize) -> u64 {
    let padded = [64, 256, 1_024, 4_096, 16_000].into_iter().find(|size| *size >= bytes + 6).unwrap_or(16_000);
    11 + padded as u64 + 16
}
