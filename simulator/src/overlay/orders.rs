//! What rings order: to send, to dial, to close, to answer.

use b4_protocol::limits::RING_TTL;
use b4_protocol::ring::{Aim, Message, Outcome, PathId, Request, RequestId, Ring, RingId, Route, Service, Standing, Verdict};

use super::traffic::Sealed;
use super::{Asked, Event, FirstRouted, Happened, NodeIndex, Overlay};

/// Candidates of each end.
const CANDIDATES: usize = 3;

impl Overlay {
    pub(super) fn run_one(&mut self, node: NodeIndex, outcome: Outcome) {
        match outcome {
            Outcome::Send { to, message } => self.send(node, to, message),
            Outcome::Dial { to } => self.dial(node, to),
            Outcome::Close { peer, is_dead: false } if self.mail_keeps(node, peer) => {}
            Outcome::Close { peer, .. } => self.close(node, peer),
            Outcome::Delivered { path, service, key, body, .. } => self.delivered(node, path, service, (key, &body)),
            Outcome::Answered { request, path, by, verdict, hops, body } => self.answered(node, request, (path, by, verdict, hops), &body),
            Outcome::Failed { request } => self.failed(node, request),
            Outcome::Standing(standing) => self.stands(node, standing),
            Outcome::NearChanged => self.mail_near_changed(node),
            // Positions stand for certificates here, and each is asked for anew: no hop keeps any, so that these worlds send rather more.
            Outcome::Along { .. } | Outcome::CertificatePassed { .. } => {}
        }
    }

    /// Calls a ring in the middle of carrying out its orders.
    pub(super) fn later(&mut self, node: NodeIndex, act: impl FnOnce(&mut Ring, u64, &mut Vec<Outcome>)) {
        let now_ms = self.now_ms;
        let mut out = Vec::new();
        if let Some(ring) = self.nodes[node as usize].ring.as_mut() {
            act(ring, now_ms, &mut out);
        }
        out.into_iter().for_each(|outcome| self.run_one(node, outcome));
    }

    fn send(&mut self, node: NodeIndex, to: RingId, message: Message) {
        let state = &self.nodes[node as usize];
        let Some((peer, link)) = state.links.get(&to).copied() else { return };
        let from = state.id;
        if self.is_strict && self.complaint.is_none() {
            self.complaint = breach_of(&message).map(|what| format!("{from:?} says to {to:?} {what}: {message:?}"));
        }
        self.traffic.sent(&message, self.now_ms);
        if let Message::Route(route) = &message {
            self.note_first_sent(node, route);
        }
        let delay = self.latency(node, peer);
        self.schedule(delay, Event::Message { from, to: peer, link, message });
    }

    /// A request leaves a node: perhaps the first of its own.
    fn note_first_sent(&mut self, node: NodeIndex, route: &Route) {
        let state = &mut self.nodes[node as usize];
        if route.hops == 1 && state.first_routed != FirstRouted::Answered {
            state.first_routed = FirstRouted::Sent(route.path);
        }
        if route.hops == 1 && route.service == Service::Lookup {
            self.note_lookup_sent(node, route.path);
        }
    }

    pub(super) fn dial(&mut self, node: NodeIndex, to: RingId) {
        if self.mail_gives_back(node, to) {
            return;
        }
        if !self.is_relay_dead && self.nodes[node as usize].introduced.contains(&Some(to)) {
            let peer = self.places.get(&to).copied().unwrap_or(node);
            let round_trip = 2 * self.latency(node, peer);
            self.set_up(node, to, round_trip);
            return;
        }
        let request = Request { service: Service::Certificate, aim: Aim::Node, key: to, body: Vec::new() };
        self.ask(node, request, Asked::Certificate { of: to });
    }

    /// Sends a request of a node. The path it takes, unless it is answered already.
    pub(super) fn ask(&mut self, node: NodeIndex, request: Request, asked: Asked) -> Option<PathId> {
        let now_ms = self.now_ms;
        let mut out = Vec::new();
        let ring = self.nodes[node as usize].ring.as_mut()?;
        let id = ring.request(request, now_ms, &mut out);
        let path = ring.path_of(id);
        self.nodes[node as usize].asked.insert(id, asked);
        out.into_iter().for_each(|outcome| self.run_one(node, outcome));
        path
    }

    fn delivered(&mut self, node: NodeIndex, path: PathId, service: Service, (key, said): (RingId, &[u8])) {
        if service == Service::Lookup {
            self.lookup_delivered(path, self.nodes[node as usize].id, key);
        }
        let body = match service {
            Service::Certificate => Sealed::Certificate.body(),
            Service::Signal => Sealed::Answer.body(),
            Service::Lookup => self.holders_for(node, key),
            Service::Publish | Service::Copy => return self.published(node, path, service, said),
            Service::Find => Vec::new(),
        };
        self.later(node, move |ring, now_ms, out| {
            ring.answer(path, body, now_ms, out);
            if service == Service::Signal {
                send_candidates(ring, path, out);
            }
        });
    }

    fn answered(&mut self, node: NodeIndex, request: RequestId, (path, by, verdict, hops): (PathId, RingId, Verdict, u8), body: &[u8]) {
        match self.nodes[node as usize].asked.remove(&request) {
            Some(Asked::Certificate { of } | Asked::Signal { of }) if verdict == Verdict::NoSuchNode => self.dial_failed(node, of, false),
            Some(Asked::Certificate { of }) => {
                let request = Request { service: Service::Signal, aim: Aim::Node, key: of, body: Sealed::Offer.body() };
                self.ask(node, request, Asked::Signal { of });
            }
            Some(Asked::Signal { of }) => {
                self.later(node, |ring, _, out| send_candidates(ring, path, out));
                self.set_up(node, of, 0);
            }
            Some(Asked::Lookup { number }) => self.lookup_answered(number, path, hops, by),
            Some(Asked::Probe { number }) => self.probe_done(number, Some((by, verdict))),
            Some(Asked::Holders { key, attempt }) => self.holders_found(node, key, attempt, Some(body)),
            Some(Asked::Publish | Asked::Copy) | None => {}
        }
    }

    fn failed(&mut self, node: NodeIndex, request: RequestId) {
        match self.nodes[node as usize].asked.remove(&request) {
            Some(Asked::Certificate { of } | Asked::Signal { of }) => self.dial_failed(node, of, false),
            Some(Asked::Lookup { number }) => self.lookup_failed(number),
            Some(Asked::Probe { number }) => self.probe_done(number, None),
            Some(Asked::Holders { key, attempt }) => self.holders_found(node, key, attempt, None),
            Some(Asked::Publish) => self.publish_failed(node),
            Some(Asked::Copy) | None => {}
        }
    }

    pub(super) fn dial_failed(&mut self, node: NodeIndex, of: RingId, was_answered: bool) {
        self.traffic.counted.dials_failed += 1;
        self.note(Happened::DialFailed, node, of.head());
        self.later(node, |ring, now_ms, out| ring.dial_failed(of, was_answered, now_ms, out));
        self.mail_unreachable(node, of);
        self.reach_failed(node, of);
    }

    fn stands(&mut self, node: NodeIndex, standing: Standing) {
        let state = &mut self.nodes[node as usize];
        let id = state.id;
        match standing {
            Standing::Member => {
                if !std::mem::replace(&mut state.was_member, true) {
                    let counted = &mut self.traffic.counted;
                    counted.joining_ms = (counted.joining_ms.0 + self.now_ms - state.joined_ms, counted.joining_ms.1 + 1);
                }
                self.members.insert(id, node);
            }
            Standing::Alone => {
                self.members.remove(&id);
                // The platform asks the relay as soon as there is no link.
                let jitter = self.draw_between((0, 1_000));
                self.introduce_in(node, jitter);
            }
            Standing::Joining => drop(self.members.remove(&id)),
        }
        self.mail_standing(node, standing);
    }
}

/// Why no node may send this message.
fn breach_of(message: &Message) -> Option<&'static str> {
    let has_hops_left = |route: &Route| route.hops.checked_add(route.ttl).is_some_and(|hops| hops <= RING_TTL);
    match message {
        Message::Route(route) if !has_hops_left(route) => Some("what goes further than a request may"),
        _ if Message::decode(&message.encode()).as_ref() != Ok(message) => Some("what nobody can read"),
        _ => None,
    }
}

fn send_candidates(ring: &mut Ring, path: PathId, out: &mut Vec<Outcome>) {
    for _ in 0..CANDIDATES {
        // Where the path is gone there is nobody to send them to.
        let _is_sent = ring.send_along(path, Sealed::Candidate.body(), out);
    }
}
