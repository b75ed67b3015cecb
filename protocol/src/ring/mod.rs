//! The ring: every node a place on a circle, links to a few others, and a way from anybody to whoever is responsible for a key.
//!
//! A node's life here: it is *alone* until a first link is up. Over that link it asks for its own place and is told who stands there:
//! it *joins* by taking over their lists and linking to the three next on each side (Zave's join). Then it is a *member*: it
//! draws long links at harmonic distances, tells its neighbours what changes about its links (so everybody knows the neighbours of
//! neighbours), passes requests on, and mends what breaks: a neighbour that is gone is replaced from the lists at
//! once. A node that does not answer in time is passed over; one that stays silent is cut off. Without any link it is alone again.
//!
//! Rings of up to 17 nodes have rules of their own: everybody links to everybody. See PROTOCOL.md#ring.
//!
//! Deliberately absent: keys, certificates, connections, bytes on disk. Who links is authenticated above; `Dial` and `Close` are
//! orders to whoever can.

mod alive;
mod id;
mod long;
mod message;
mod near;
mod neighbour;
mod paths;
mod requests;
mod routing;
mod tend;
#[cfg(test)]
mod tests;

pub use id::{RingId, Side};
pub use message::{Aim, Answer, Message, PathId, Route, Service, Verdict};
pub use neighbour::Reason;
pub use requests::{Request, RequestId};

use near::Between;
use neighbour::Neighbour;
use paths::Path;
use requests::Mine;
use tend::Tending;

use crate::crypto::Rng;
use crate::limits::{NEAR_KNOWN, RING_LINKS, RING_LINKS_MAX};
use crate::ordered::OrderedMap;

/// What leaves this room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Say this over the link to `to`.
    Send {
        /// A linked node.
        to: RingId,
        /// What.
        message: Message,
    },
    /// Make a link to this node. Answered by [`Ring::linked`] or [`Ring::dial_failed`].
    Dial {
        /// Whom.
        to: RingId,
    },
    /// The ring has no use for this link any more; it counts as gone here. Whoever has another use for it keeps it.
    Close {
        /// Whose.
        peer: RingId,
        /// True when it is dead: nothing was heard in time.
        is_dead: bool,
    },
    /// A request for this node. Answered by [`Ring::answer`], or not at all.
    Delivered {
        /// Its way.
        path: PathId,
        /// Over which link it came; `None` for one's own.
        by: Option<RingId>,
        /// What for.
        service: Service,
        /// Key or position.
        key: RingId,
        /// As its originator wrote it.
        body: Vec<u8>,
    },
    /// The answer to a request of this node.
    Answered {
        /// Which.
        request: RequestId,
        /// On which way it came; more may follow along it.
        path: PathId,
        /// Who answered, as they say.
        by: RingId,
        /// How it ended.
        verdict: Verdict,
        /// Hops of the request.
        hops: u8,
        /// As they wrote it.
        body: Vec<u8>,
    },
    /// A request of this node went nowhere, on all its tries.
    Failed {
        /// Which.
        request: RequestId,
    },
    /// Something more came along a path that ends here.
    Along {
        /// Which.
        path: PathId,
        /// As it was written.
        body: Vec<u8>,
    },
    /// A certificate that somebody else had asked for went by on its way back: whoever asks next may be answered from here, by
    /// [`Ring::answer_for_another`].
    CertificatePassed {
        /// Of the node at this position, as was asked.
        of: RingId,
        /// As it came: nobody has verified it.
        body: Vec<u8>,
    },
    /// Who stands beside this node changed: what it is responsible for may have.
    NearChanged,
    /// Whether this node is alone, joining or a member changed.
    Standing(Standing),
}

/// How far this node is part of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// No links.
    Alone,
    /// Linked, and asking for its place.
    Joining,
    /// In its place.
    Member,
}

/// What may differ between devices and experiments.
#[derive(Clone, Copy, Debug)]
pub struct RingConfig {
    /// Links aimed at, 8 to 32.
    pub links: usize,
    /// Ways tried for a request, 1 to 8; each over another first hop.
    pub tries: u8,
}

impl Default for RingConfig {
    fn default() -> Self {
        Self { links: RING_LINKS, tries: 3 }
    }
}

/// One node of the ring.
pub struct Ring {
    me: RingId,
    config: RingConfig,
    rng: Rng,
    standing: Standing,
    /// Linked nodes by position.
    neighbours: OrderedMap<RingId, Neighbour>,
    /// Successors and predecessors as far as known, nearest first.
    near: [Vec<RingId>; 2],
    /// Who stands between this node and the first linked one, on each side, by what neighbours are linked to.
    between: [Between; 2],
    /// On each side, somebody is not in the list whom one neighbour alone names.
    are_doubted: [bool; 2],
    /// The ring was small when the lists were computed.
    was_small: bool,
    /// The links as all neighbours were told.
    told_links: Vec<RingId>,
    /// Successors and predecessors as the near neighbours were told.
    told_near: [Vec<RingId>; 2],
    tell_links_ms: Option<u64>,
    tell_near_ms: [Option<u64>; 2],
    /// No ping is due, or missed, before.
    ping_ms: u64,
    /// No hop is due, and no path at its end, before.
    paths_ms: u64,
    /// No neighbour is passed over from then on.
    suspects_until_ms: u64,
    paths: OrderedMap<PathId, Path>,
    mine: OrderedMap<RequestId, Mine>,
    next_request: u64,
    next_number: u32,
    /// Hops that did not answer in time, since the start.
    hop_timeouts: u64,
    tending: Tending,
}

impl Ring {
    /// A node at `me`, alone.
    pub fn new(me: RingId, config: RingConfig, rng: Rng, now_ms: u64) -> Self {
        Self {
            me,
            config,
            rng,
            standing: Standing::Alone,
            neighbours: OrderedMap::new(),
            near: [Vec::new(), Vec::new()],
            between: [Between::default(), Between::default()],
            are_doubted: [false; 2],
            was_small: false,
            told_links: Vec::new(),
            told_near: [Vec::new(), Vec::new()],
            tell_links_ms: None,
            tell_near_ms: [None; 2],
            ping_ms: u64::MAX,
            paths_ms: u64::MAX,
            suspects_until_ms: 0,
            paths: OrderedMap::new(),
            mine: OrderedMap::new(),
            next_request: 1,
            next_number: 1,
            hop_timeouts: 0,
            tending: Tending::new(now_ms),
        }
    }

    /// This node's place.
    pub fn me(&self) -> RingId {
        self.me
    }

    /// How far it is part of a ring.
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// The linked nodes, ascending, each with why and with the smoothed round trip in milliseconds.
    pub fn links(&self) -> impl Iterator<Item = (RingId, Reason, Option<u64>)> {
        self.neighbours.values().map(|neighbour| (neighbour.id, neighbour.reason, neighbour.rtt_ms()))
    }

    /// Hops that did not answer in time, since the start.
    pub fn hop_timeouts(&self) -> u64 {
        self.hop_timeouts
    }

    /// From now on this node draws no more long links: it can afford few connections.
    pub fn draw_no_more(&mut self) {
        self.config.links = 0;
    }

    #[cfg(test)]
    pub(crate) fn aims_at_links(&self) -> usize {
        self.config.links
    }

    /// How many nodes are linked.
    pub fn degree(&self) -> usize {
        self.neighbours.len()
    }

    /// How many nodes are known, neighbours of neighbours included.
    pub fn known(&self) -> u32 {
        let mut known: Vec<RingId> = self.neighbours.values().flat_map(|neighbour| neighbour.links.iter().chain([&neighbour.id])).copied().collect();
        known.extend(self.near.iter().flatten());
        id::sort_by(&mut known, &|id| id.0);
        known.dedup();
        known.iter().filter(|id| **id != self.me).count() as u32
    }

    /// How many nodes the ring has, this one included: exact where it is small or the lists of those near go round it, else guessed from the gaps
    /// between these.
    pub fn estimate(&self) -> u64 {
        let counted = self.known_few().map(|known| known.len()).or_else(|| self.counted_round());
        counted.map_or_else(|| self.guessed_size(), |others| others as u64 + 1)
    }

    /// How many others there are, where the successors known meet the predecessors known behind this node's back.
    fn counted_round(&self) -> Option<usize> {
        let [next, previous] = &self.near;
        let on_both = next.iter().filter(|id| previous.contains(id)).count();
        (on_both > 0).then(|| next.len() + previous.len() - on_both)
    }

    /// Whether this node is linked.
    pub fn is_linked(&self, peer: RingId) -> bool {
        self.neighbours.contains_key(&peer)
    }

    /// Successors or predecessors as far as known, nearest first, at most 16.
    pub fn near(&self, side: Side) -> &[RingId] {
        &self.near[side as usize]
    }

    /// A link is up, whoever wanted it. Over it goes `Hello` first.
    pub fn linked(&mut self, peer: RingId, now_ms: u64, out: &mut Vec<Outcome>) {
        if peer == self.me || self.neighbours.contains_key(&peer) {
            return;
        }
        let reason = self.tending.dialled(peer);
        if reason == Reason::Theirs && self.neighbours.len() >= RING_LINKS_MAX && !self.is_near(peer) {
            out.push(Outcome::Send { to: peer, message: Message::Full });
            out.push(Outcome::Close { peer, is_dead: false });
            return;
        }
        let mut neighbour = Neighbour::new(peer, reason, now_ms);
        neighbour.is_told = [true; 2];
        self.ping_ms = self.ping_ms.min(self.ping_due_ms(&neighbour));
        self.neighbours.insert(peer, neighbour);
        let hello = Message::Hello { links: self.told_links.clone(), near: self.told_near.clone() };
        out.push(Outcome::Send { to: peer, message: hello });
        // Measures the round trip, before the first request needs it.
        self.ping(peer, now_ms, out);
        if let Reason::Long { stratum, .. } = reason {
            self.long_linked(peer, stratum, now_ms, out);
        }
        self.links_changed(peer, now_ms, out);
        self.tend_joining(peer, now_ms, out);
    }

    /// A link is gone, by itself or because somebody closed it.
    pub fn unlinked(&mut self, peer: RingId, now_ms: u64, out: &mut Vec<Outcome>) {
        let Some(neighbour) = self.neighbours.remove(&peer) else { return };
        self.tending.lasted(peer, now_ms.saturating_sub(neighbour.since_ms), now_ms);
        self.links_changed(peer, now_ms, out);
        self.paths_lost(peer, now_ms, out);
    }

    /// A dial came to nothing. `was_answered`: they are there, but no path leads to them. Otherwise nobody may be there.
    pub fn dial_failed(&mut self, peer: RingId, was_answered: bool, now_ms: u64, out: &mut Vec<Outcome>) {
        self.tending.dial_failed(peer, was_answered, now_ms);
        self.between_again();
        self.near_again(now_ms, out);
        self.tend(now_ms, out);
    }

    /// A message came over the link to `from`. One that breaks the rules costs the link.
    pub fn message(&mut self, from: RingId, message: Message, now_ms: u64, out: &mut Vec<Outcome>) {
        let Some(neighbour) = self.neighbours.get_mut(&from) else { return };
        neighbour.heard(now_ms);
        match message {
            Message::Hello { links, near } => self.hello(from, links, near, now_ms, out),
            Message::Links { gone, come } => {
                let Some(gone) = neighbour.links_changed(&gone, &come) else {
                    self.cut(from, now_ms, out);
                    return;
                };
                self.tell_new_listener(from, now_ms);
                let is_gap = self.is_gap();
                let is_changed = self.is_any_within_gap(&come) || (is_gap && (self.is_any_within_gap(&gone) || self.are_lists_old(now_ms)));
                if is_changed {
                    self.hint_near(&come, now_ms);
                    self.between_again();
                    self.near_again(now_ms, out);
                } else if is_gap {
                    self.stand_again(out);
                }
                if is_changed || is_gap {
                    self.tend(now_ms, out);
                }
            }
            Message::Near { side, list } => {
                self.near_told_by(from, side, list, now_ms, out);
            }
            Message::Ping { token } => out.push(Outcome::Send { to: from, message: Message::Pong { token } }),
            Message::Pong { token } => {
                if let Some((_, sent_ms)) = neighbour.ping.take_if(|ping| ping.0 == token) {
                    neighbour.measured(now_ms.saturating_sub(sent_ms));
                }
            }
            Message::Route(route) => self.routed(from, route, now_ms, out),
            Message::Ack { number } => self.acknowledged(from, number, now_ms),
            Message::Stuck { path, ttl, suspects } => self.stuck(from, path, ttl, &suspects, now_ms, out),
            Message::Reply { path, answer } => self.replied(from, path, answer, now_ms, out),
            Message::Along { path, forth, body } => self.along(from, path, forth, body, out),
            Message::Late { path, next } => self.late(from, path, next, out),
            Message::Spare => neighbour.spares = true,
            Message::Full => {
                self.tending.refused(from, now_ms);
                self.neighbours.remove(&from);
                out.push(Outcome::Close { peer: from, is_dead: false });
                self.links_changed(from, now_ms, out);
                self.paths_lost(from, now_ms, out);
            }
        }
    }

    /// What is due.
    pub fn wake(&mut self, now_ms: u64, out: &mut Vec<Outcome>) {
        self.paths_due(now_ms, out);
        self.requests_due(now_ms, out);
        self.pings_due(now_ms, out);
        self.tell_due(now_ms, out);
        self.tend(now_ms, out);
    }

    /// When [`Ring::wake`] is wanted.
    pub fn deadline(&self) -> Option<u64> {
        let told = [self.tell_links_ms, self.tell_near_ms[0], self.tell_near_ms[1]].into_iter().flatten();
        let mine = self.mine.values().map(Mine::deadline);
        let bounds = [self.paths_ms, self.ping_ms].into_iter().filter(|at| *at < u64::MAX);
        told.chain(bounds).chain(mine).chain(self.tend_deadline()).min()
    }

    /// The machine slept, or nothing ran for long: every link is to show that it lives.
    pub fn resumed(&mut self, now_ms: u64, out: &mut Vec<Outcome>) {
        let peers: Vec<RingId> = self.neighbours.keys().copied().collect();
        for peer in peers {
            self.ping(peer, now_ms, out);
        }
    }

    /// Whether the whole ring is so small that everybody links to everybody.
    pub fn is_small(&self) -> bool {
        self.known_few().is_some()
    }

    /// Everybody known, ascending, where that is no more than a small ring.
    fn known_few(&self) -> Option<Vec<RingId>> {
        if self.neighbours.len() > NEAR_KNOWN {
            return None;
        }
        let mut known: Vec<RingId> = Vec::new();
        // Not the neighbours' lists: those further away tell theirs no more when it changes.
        let heard = self.neighbours.values().flat_map(|neighbour| neighbour.links.iter().chain([&neighbour.id]));
        for id in heard.chain(self.near.iter().flatten()).chain(self.tending.hints()) {
            if let Err(place) = known.binary_search(id)
                && *id != self.me
            {
                known.insert(place, *id);
                if known.len() > NEAR_KNOWN {
                    return None;
                }
            }
        }
        Some(known)
    }

    /// Closes the link to a node that broke the rules or does not live.
    fn cut(&mut self, peer: RingId, now_ms: u64, out: &mut Vec<Outcome>) {
        out.push(Outcome::Close { peer, is_dead: true });
        self.unlinked(peer, now_ms, out);
    }

    /// The link to `peer` came or went.
    fn links_changed(&mut self, peer: RingId, now_ms: u64, out: &mut Vec<Outcome>) {
        self.tell_links_later(now_ms);
        if self.reaches(peer) || self.is_anybody_between() {
            self.between_again();
            self.near_again(now_ms, out);
        } else {
            self.stand_again(out);
        }
        self.tending.changed();
        self.tend(now_ms, out);
    }
}
