//! The node's part of the ring: what the ring orders is carried out with links and certificates, and signalling goes over it.
//!
//! The ring knows positions; here they become certificates, sealed offers and sessions. A node that is to be dialled is known by its
//! certificate: from the relay's introduction, or asked for over the ring. Its offer travels as a request, the answer as the
//! reply, candidates along the same path. Without a place in the ring, or for somebody whom only the relay knows, signalling goes over the relay.

mod certificates;
mod view;

use certificates::Certificates;

use super::directory::{OLDER, TAKEN, Why};
use super::links::Sender;
use super::{LookupView, Node};
use crate::directory::Found;
use crate::identity::{NodeId, UserId, VerifiedCertificate};
use crate::limits::{RING_BODY_BYTES_MAX, RING_INTRODUCED, RING_PATH_MS};
use crate::mailbox::Mailbox;
use crate::ordered::OrderedMap;
use crate::ring::{Aim, Message, Outcome, PathId, Request, RequestId, RingId, Service, Standing, Verdict};
use crate::session::Content;
use crate::signal::sealed::{DialId, Header, SignalKind};
use crate::time::{MINUTE_MS, Now, SECOND_MS};

/// Certificates that the relay introduced and that are kept to dial by; the oldest goes.
const INTRODUCED_MAX: usize = 32;
/// How long an introduced node counts as connected to the relay.
const INTRODUCED_MS: u64 = 30 * SECOND_MS;
/// Wait between two such questions.
const INTRODUCE_AGAIN_MS: u64 = 3 * SECOND_MS;
/// A member asks for a witness of other rings so often.
const WITNESS_MS: u64 = MINUTE_MS;
/// The same in a small ring: perhaps a few newcomers were introduced to one another, beside the ring of everybody else.
const WITNESS_SMALL_MS: u64 = 10 * SECOND_MS;
/// Paths of dials remembered; the oldest goes.
const PATHS_MAX: usize = 128;

/// What a request of this node over the ring is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Asked {
    /// To dial them.
    Certificate { of: RingId },
    /// The offer of this dial.
    Signal { to: NodeId, dial: DialId },
    /// Who the user at this key is and where.
    Lookup { why: Why, attempt: u8, key: RingId },
    /// One's own record and presence.
    Publish,
    /// Who stands behind this shelf's place.
    Shelf { shelf: Mailbox },
    /// A copy of what is kept at this key.
    Copy { key: RingId, to: RingId },
    /// What is kept here and belongs at this key, which is others' now.
    Return { key: RingId },
}

/// What the node keeps beside the ring itself.
#[derive(Default)]
pub(super) struct Overlay {
    asked: OrderedMap<RequestId, (Asked, u64)>,
    /// Introduced by the relay, and until when that is fresh.
    introduced: OrderedMap<RingId, (VerifiedCertificate, u64)>,
    certificates: Certificates,
    introduce_ms: u64,
    /// The paths of dials, and until when they last.
    paths: OrderedMap<DialId, (PathId, u64)>,
    /// The users behind the keys that are being looked up, and how often each is.
    names: OrderedMap<RingId, (UserId, u32)>,
    /// Of records on the ring's channels, sent and received.
    bytes: (u64, u64),
    connections_made: u32,
    /// Requests of this node that somebody else answered.
    answered: u64,
    /// Requests that are over, the newest first, each with when it ended.
    lookups: Vec<(u64, LookupView)>,
    /// The picture is on the screen; the next may be sent then.
    view_ms: Option<u64>,
}

impl Overlay {
    /// Where the page has made so many peer connections already.
    pub fn new(connections_made: u32) -> Self {
        Self { connections_made, ..Self::default() }
    }

    pub fn deadline(&self, is_relay_up: bool) -> Option<u64> {
        is_relay_up.then_some(self.introduce_ms).into_iter().chain(self.view_ms).min()
    }

    /// Keeps a certificate to dial by.
    pub fn remember_certificate(&mut self, peer: &VerifiedCertificate) {
        self.certificates.remember(peer);
    }

    #[cfg(test)]
    pub fn asking_certificate_of(&self, place: RingId) -> Option<RequestId> {
        let is_it = |asked: &Asked| matches!(asked, Asked::Certificate { of } if *of == place);
        self.asked.iter().find(|(_, (asked, _))| is_it(asked)).map(|(id, _)| *id)
    }

    #[cfg(test)]
    pub fn returning(&self) -> Vec<RingId> {
        let asked = self.asked.values().filter_map(|(asked, _)| if let Asked::Return { key } = asked { Some(*key) } else { None });
        asked.collect()
    }

    fn remember_path(&mut self, dial: DialId, path: PathId, now: Now) {
        if self.paths.len() >= PATHS_MAX {
            let oldest = self.paths.iter().min_by_key(|(_, (_, until_ms))| *until_ms).map(|(dial, _)| *dial);
            oldest.map(|dial| self.paths.remove(&dial));
        }
        self.paths.insert(dial, (path, now.mono + RING_PATH_MS));
    }
}

impl Node {
    /// Lends the ring, and carries out what comes of it.
    pub(super) fn ring_input(&mut self, now: Now, step: impl FnOnce(&mut crate::ring::Ring, &mut Vec<Outcome>)) {
        let mut outcomes = Vec::new();
        step(&mut self.ring, &mut outcomes);
        for outcome in outcomes {
            self.route_ring(outcome, now);
        }
    }

    /// A session is up: it is a link of the ring.
    pub(super) fn ring_linked(&mut self, node: &NodeId, now: Now) {
        let place = RingId::of_node(node);
        if let Some(peer) = self.peer_at(place).cloned() {
            self.overlay.remember_certificate(&peer);
        }
        self.ring_input(now, |ring, out| ring.linked(place, now.mono, out));
    }

    /// A session is over.
    pub(super) fn ring_unlinked(&mut self, node: &NodeId, now: Now) {
        let place = RingId::of_node(node);
        self.ring_input(now, |ring, out| ring.unlinked(place, now.mono, out));
    }

    pub(super) fn ring_dial_failed(&mut self, node: &NodeId, was_answered: bool, now: Now) {
        let place = RingId::of_node(node);
        self.overlay.certificates.forget(place);
        self.ring_input(now, |ring, out| ring.dial_failed(place, was_answered, now.mono, out));
    }

    /// A message of the ring came in the session with `user`. False when it breaks the rules.
    pub(super) fn ring_message(&mut self, user: &UserId, body: &[u8], now: Now) -> bool {
        let Ok(message) = Message::decode(body) else { return false };
        self.mail_gives_back(user, &message, now);
        if let Some(node) = self.node_of(user) {
            let from = RingId::of_node(&node);
            match self.known_certificate(&message, now) {
                Some((route, der)) => self.ring_input(now, |ring, out| ring.answer_for_another(from, route, der, now.mono, out)),
                None => self.ring_input(now, |ring, out| ring.message(from, message, now.mono, out)),
            }
        }
        true
    }

    /// What is due: an introduction, a picture, paths to forget.
    pub(super) fn overlay_wake(&mut self, now: Now) {
        self.ring_input(now, |ring, out| ring.wake(now.mono, out));
        self.overlay.paths.retain(|_, (_, until_ms)| *until_ms > now.mono);
        self.overlay.asked.retain(|_, (_, until_ms)| *until_ms > now.mono);
        if self.relay.is_up() && self.overlay.introduce_ms <= now.mono {
            self.introduce(now);
        }
        self.show_network(now);
    }

    /// Asks the relay for peers: for links where there are none, else for a witness of other rings.
    pub(super) fn introduce(&mut self, now: Now) {
        let is_alone = self.ring.standing() == Standing::Alone;
        let jitter = self.rng.below(INTRODUCE_AGAIN_MS);
        let wait_ms = match is_alone {
            true => INTRODUCE_AGAIN_MS,
            false if self.ring.is_small() => WITNESS_SMALL_MS,
            false => WITNESS_MS,
        };
        self.overlay.introduce_ms = now.mono + jitter + wait_ms;
        let asked = self.relay.introduce(if is_alone { RING_INTRODUCED } else { 1 });
        self.route_relay(asked.into_iter().collect(), now);
    }

    pub(super) fn introduced(&mut self, certificates: &[Vec<u8>], now: Now) {
        for der in certificates {
            let Ok(peer) = self.anchor.verify(der, now.wall, self.revoked.as_ref()) else { continue };
            if peer.node_id() == self.own.node_id() || self.blocked.contains(peer.user_id()) {
                continue;
            }
            let place = RingId::of_node(peer.node_id());
            if self.overlay.introduced.len() >= INTRODUCED_MAX {
                let oldest = self.overlay.introduced.iter().min_by_key(|(_, (_, until_ms))| *until_ms).map(|(place, _)| *place);
                oldest.map(|place| self.overlay.introduced.remove(&place));
            }
            self.overlay.introduced.insert(place, (peer, now.mono + INTRODUCED_MS));
            self.ring_input(now, |ring, out| ring.witness(place, now.mono, out));
        }
    }

    fn route_ring(&mut self, outcome: Outcome, now: Now) {
        match outcome {
            Outcome::Send { to, message } => self.ring_send(to, &message, now),
            Outcome::Dial { to } => self.ring_dial(to, now),
            Outcome::Close { peer, is_dead } => self.ring_close(peer, is_dead, now),
            Outcome::Delivered { path, by, service, key, body } => self.delivered_by_ring(path, by, service, key, body, now),
            Outcome::Answered { request, path, by, verdict, hops, body } => {
                self.answered_by_ring(request, path, (by, verdict, hops), body, now);
            }
            Outcome::Failed { request } => self.failed_in_ring(request, now),
            Outcome::Along { path, body } => {
                let sender = self.sender_on(path);
                self.link_input(now, |links, trust, _| links.forwarded(sender, body, trust, now));
            }
            Outcome::CertificatePassed { of, body } => self.certificate_passed(of, &body, now),
            Outcome::NearChanged => {
                self.directory_near_changed(now);
                self.mail_near_changed(now);
            }
            Outcome::Standing(standing) => {
                if standing == Standing::Alone {
                    self.overlay.introduce_ms = now.mono;
                }
                self.relay.set_alone(standing == Standing::Alone, now.mono);
                self.directory_standing(standing, now);
                self.mail_standing(standing, now);
                self.network_again(now);
            }
        }
    }

    fn ring_send(&mut self, to: RingId, message: &Message, now: Now) {
        let Some(user) = self.peer_at(to).map(|peer| peer.user_id().clone()) else { return };
        let body = message.encode();
        self.send_body(&user, Content::Ring, &body, now);
    }

    pub(super) fn ring_dial(&mut self, to: RingId, now: Now) {
        if self.peer_at(to).is_some() {
            self.ring_input(now, |ring, out| ring.linked(to, now.mono, out));
            return;
        }
        let known = self.overlay.introduced.get(&to).filter(|(_, until_ms)| now.mono < *until_ms).map(|(peer, _)| peer.clone());
        let known = known.or_else(|| self.certificate_of(to, now).cloned());
        if let Some(peer) = known {
            self.link_input(now, |links, _, ice| links.dial(peer, ice, now));
            return;
        }
        let request = Request { service: Service::Certificate, aim: Aim::Node, key: to, body: Vec::new() };
        self.ask_ring(request, Asked::Certificate { of: to }, now);
    }

    /// Nothing is known of a node by which it could be dialled.
    fn cannot_dial(&mut self, place: RingId, was_answered: bool, now: Now) {
        self.ring_input(now, |ring, out| ring.dial_failed(place, was_answered, now.mono, out));
        self.mail_unreachable(place, now);
    }

    pub(super) fn ask_ring(&mut self, request: Request, asked: Asked, now: Now) {
        let mut outcomes = Vec::new();
        let id = self.ring.request(request, now.mono, &mut outcomes);
        self.overlay.asked.insert(id, (asked, now.mono + RING_PATH_MS));
        for outcome in outcomes {
            self.route_ring(outcome, now);
        }
    }

    /// A link that the ring has no use for goes, unless a conversation has, or the mail may.
    fn ring_close(&mut self, peer: RingId, is_dead: bool, now: Now) {
        let Some(user) = self.peer_at(peer).map(|peer| peer.user_id().clone()) else { return };
        if is_dead || !(self.has_use_for(&user, now) || self.mail_keeps(peer, now)) {
            self.link_input(now, |links, _, _| links.hang_up(&user, now));
        }
    }

    pub(super) fn has_use_for(&self, user: &UserId, now: Now) -> bool {
        let is_waiting = self.chats.get(user).is_some_and(crate::chat::Conversation::has_waiting);
        is_waiting || self.files.wants(user) || self.on_screen.as_ref() == Some(user) || self.links.is_talking(user, now)
    }

    fn delivered_by_ring(&mut self, path: PathId, by: Option<RingId>, service: Service, key: RingId, body: Vec<u8>, now: Now) {
        match service {
            Service::Certificate => {
                let is_mine = key == self.ring.me();
                let known = if is_mine { Some(self.own.der().to_vec()) } else { self.peer_at(key).map(|peer| peer.der().to_vec()) };
                if let Some(der) = known {
                    self.ring_input(now, |ring, out| ring.answer(path, der, now.mono, out));
                }
            }
            Service::Signal => {
                let Some((SignalKind::Offer, dial)) = Header::of_sealed(&body) else { return };
                self.overlay.remember_path(dial, path, now);
                let charged = by.and_then(|by| self.peer_at(by)).map_or(*self.own.node_id(), |peer| *peer.node_id());
                self.link_input(now, |links, trust, _| links.forwarded(Sender { charged, vouched: None }, body, trust, now));
            }
            Service::Lookup => self.asked_for(path, key, now),
            Service::Publish => self.publication(path, key, &body, now),
            Service::Copy => self.copy(path, &body, now),
            Service::Find => {}
        }
    }

    fn answered_by_ring(&mut self, id: RequestId, path: PathId, (by, verdict, hops): (RingId, Verdict, u8), body: Vec<u8>, now: Now) {
        let Some((asked, until_ms)) = self.overlay.asked.remove(&id) else { return };
        self.note_lookup((id, asked, until_ms), Some((path, by, hops)), now);
        match (asked, verdict) {
            (Asked::Certificate { of }, Verdict::Answered) => {
                let peer = self.anchor.verify(&body, now.wall, self.revoked.as_ref()).ok();
                match peer.filter(|peer| RingId::of_node(peer.node_id()) == of && !self.blocked.contains(peer.user_id())) {
                    Some(peer) => {
                        self.overlay.remember_certificate(&peer);
                        self.link_input(now, |links, _, ice| links.dial(peer, ice, now));
                    }
                    None => self.cannot_dial(of, true, now),
                }
            }
            (Asked::Certificate { of }, Verdict::NoSuchNode) => self.cannot_dial(of, false, now),
            (Asked::Signal { dial, .. }, Verdict::Answered) => {
                self.overlay.remember_path(dial, path, now);
                let sender = self.sender_on(path);
                self.link_input(now, |links, trust, _| links.forwarded(sender, body, trust, now));
            }
            (Asked::Signal { to, .. }, Verdict::NoSuchNode) => self.undelivered_by_ring(&to, now),
            (Asked::Lookup { why, attempt, key }, _) => self.lookup_done(key, why, attempt, Some(&body), now),
            (Asked::Shelf { shelf }, _) => self.shelf_found(shelf, &Found::holders(&body).unwrap_or_default(), now),
            (Asked::Publish, _) if body != [TAKEN] => self.publish_failed(now),
            (Asked::Copy { key, to }, _) if body != [TAKEN] && body != [OLDER] => self.copy_failed(key, to),
            (Asked::Return { key }, _) if body == [TAKEN] || body == [OLDER] => self.returned(key),
            (Asked::Publish | Asked::Copy { .. } | Asked::Return { .. }, _) => {}
        }
    }

    fn failed_in_ring(&mut self, id: RequestId, now: Now) {
        let Some((asked, until_ms)) = self.overlay.asked.remove(&id) else { return };
        self.note_lookup((id, asked, until_ms), None, now);
        match asked {
            Asked::Certificate { of } => self.cannot_dial(of, false, now),
            Asked::Signal { to, .. } => self.undelivered_by_ring(&to, now),
            Asked::Lookup { why, attempt, key } => self.lookup_done(key, why, attempt, None, now),
            Asked::Shelf { shelf } => self.shelf_found(shelf, &[], now),
            Asked::Publish => self.publish_failed(now),
            Asked::Copy { key, to } => self.copy_failed(key, to),
            Asked::Return { .. } => {}
        }
    }

    /// Remembers whose key is being looked up.
    pub(super) fn overlay_names(&mut self, key: RingId, user: &UserId) {
        self.overlay.names.entry(key).or_insert_with(|| (user.clone(), 0)).1 += 1;
    }

    fn lookup_done(&mut self, key: RingId, why: Why, attempt: u8, answer: Option<&[u8]>, now: Now) {
        let Some((user, count)) = self.overlay.names.get_mut(&key) else { return };
        let user = user.clone();
        *count -= 1;
        if *count == 0 {
            self.overlay.names.remove(&key);
        }
        self.looked_up(&user, why, attempt, answer, now);
    }

    fn undelivered_by_ring(&mut self, to: &NodeId, now: Now) {
        self.link_input(now, |links, trust, ice| links.undelivered(to, ice, trust, now));
    }

    /// Hands a sealed frame on: over the ring where the other end is of it, else over the relay.
    pub(super) fn forward_signal(&mut self, to: NodeId, body: Vec<u8>, now: Now) {
        debug_assert!(body.len() <= RING_BODY_BYTES_MAX, "sealed frames are bounded far below");
        let Some((kind, dial)) = Header::of_sealed(&body) else { return };
        let path = self.overlay.paths.get(&dial).map(|(path, _)| *path);
        let place = RingId::of_node(&to);
        let is_introduced = self.overlay.introduced.get(&place).is_some_and(|(_, until_ms)| now.mono < *until_ms);
        match (kind, path) {
            (SignalKind::Answer, Some(path)) => self.ring_input(now, |ring, out| ring.answer(path, body, now.mono, out)),
            (SignalKind::Candidate, Some(path)) => self.ring_input(now, |ring, out| {
                // A path that is no more takes none; the candidates of the other end may do.
                ring.send_along(path, body, out);
            }),
            (SignalKind::Offer, _) if self.ring.standing() != Standing::Alone && !(is_introduced && self.relay.is_up()) => {
                let request = Request { service: Service::Signal, aim: Aim::Node, key: place, body };
                self.offer_over_ring(request, to, dial, now);
            }
            _ => {
                let forwarded = self.relay.forward(to, body);
                self.route_relay(forwarded.into_iter().collect(), now);
            }
        }
    }

    fn offer_over_ring(&mut self, request: Request, to: NodeId, dial: DialId, now: Now) {
        let mut outcomes = Vec::new();
        let id = self.ring.request(request, now.mono, &mut outcomes);
        self.overlay.asked.insert(id, (Asked::Signal { to, dial }, now.mono + RING_PATH_MS));
        if let Some(path) = self.ring.path_of(id) {
            // Candidates follow the offer before it is answered.
            self.overlay.remember_path(dial, path, now);
        }
        for outcome in outcomes {
            self.route_ring(outcome, now);
        }
    }

    fn sender_on(&self, path: PathId) -> Sender {
        let over = self.ring.came_over(path).and_then(|over| self.peer_at(over)).map_or(*self.own.node_id(), |peer| *peer.node_id());
        Sender { charged: over, vouched: None }
    }

    pub(super) fn peer_at(&self, place: RingId) -> Option<&VerifiedCertificate> {
        self.links.peers().map(|(peer, _)| peer).find(|peer| RingId::of_node(peer.node_id()) == place)
    }

    pub(super) fn node_of(&self, user: &UserId) -> Option<NodeId> {
        self.links.peers().map(|(peer, _)| peer).find(|peer| peer.user_id() == user).map(|peer| *peer.node_id())
    }

    /// Whether the session with `user` is a link of the ring.
    pub(super) fn is_of_the_ring(&self, user: &UserId) -> bool {
        self.node_of(user).is_some_and(|node| self.ring.is_linked(RingId::of_node(&node)))
    }
}
