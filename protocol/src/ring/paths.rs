//! Requests on their way through this node: passed on, acknowledged hop by hop, decided again when a hop fails, and answered back
//! along the way they came.
//!
//! A path's life at a node: taken and acknowledged, it is passed to the next hop and that one's acknowledgement awaited. None in
//! time: the hop is suspected and another chosen; the request names those that were found silent. `Stuck` from the next hop:
//! likewise, and when the answer is late and the hop gives no sign of life any more, or does not say where the request went. No hop
//! left: `Stuck` goes back. A request that comes round is given back, too, unless so many others are suspects by now that it ends
//! here. The answer goes back, and once more when a hop before had to take another way; the path stays for what comes along it, and
//! is forgotten after a while.

use super::message::{Aim, Answer, Message, PathId, Route, Service, Verdict, write_ids};
use super::routing::Way;
use super::{Outcome, RequestId, Ring, RingId};
use crate::codec::Writer;
use crate::limits::{RING_LATE_MS, RING_PATH_MS, RING_PATHS_MAX, RING_PATHS_PER_LINK, RING_SUSPECT_MS, RING_SUSPECTS_MAX, RING_TRIES, RING_TRY_MS};
use crate::ordered::OrderedMap;

/// What is awaited of the next hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    /// That it has the request of this number.
    Acknowledgement(u32),
    /// The answer, or `Stuck`.
    Answer,
    /// Anything: the answer is late.
    LifeSign,
}

/// What is awaited of the next hop, since when, and until when.
#[derive(Clone, Copy, Debug)]
struct Hop {
    awaited: Awaited,
    since_ms: u64,
    due_ms: u64,
}

/// One request's way, as this node knows it.
#[derive(Clone, Debug)]
pub(super) struct Path {
    /// Where it came from; `None` for one's own.
    from: Option<RingId>,
    /// Over whom it came round when it was for this node by then: the answer goes there, too, as they wait for it.
    round: Option<RingId>,
    /// Where it went.
    next: Option<RingId>,
    /// All next hops so far, and those to be avoided.
    tried: Vec<RingId>,
    /// How many next hops there were.
    attempts: usize,
    /// The request, while it may have to be passed on again.
    route: Option<Box<Route>>,
    /// The hop under way.
    hop: Option<Hop>,
    /// What went back.
    answer: Option<Box<Answer>>,
    hops: u8,
    service: Service,
    /// No link led on.
    is_given_back: bool,
    /// Where it went is told to its originator, because the answer is late.
    is_late: bool,
    /// The next hop says where the request went from there.
    is_named: bool,
    expires_ms: u64,
    /// The request of this node that it carries.
    pub mine: Option<RequestId>,
}

impl Path {
    /// Where it went last.
    pub fn last_hop(&self) -> Option<RingId> {
        self.next
    }

    fn deadline(&self) -> u64 {
        self.hop.map_or(self.expires_ms, |hop| hop.due_ms.min(self.expires_ms))
    }

    fn is_part(&self, peer: RingId) -> bool {
        self.tried.contains(&peer)
    }
}

impl Ring {
    /// Sends a request of this node on a way of its own, avoiding first hops tried before.
    pub(super) fn set_out(&mut self, request: RequestId, route: Route, avoid: &[RingId], now_ms: u64, out: &mut Vec<Outcome>) {
        let path = Path {
            from: None,
            round: None,
            next: None,
            tried: avoid.to_vec(),
            attempts: 0,
            hops: 0,
            service: route.service,
            is_given_back: false,
            is_late: false,
            is_named: false,
            hop: None,
            answer: None,
            expires_ms: now_ms + RING_PATH_MS,
            mine: Some(request),
            route: None,
        };
        self.keep_path(route.path, path);
        self.go_on(route.path, Box::new(route), now_ms, out);
    }

    /// A request came from a neighbour.
    pub(super) fn routed(&mut self, from: RingId, route: Box<Route>, now_ms: u64, out: &mut Vec<Outcome>) {
        if self.takes(from, &route, now_ms, out) {
            self.go_on(route.path, route, now_ms, out);
        }
    }

    /// A request came over the link to `from` that is for another, and that this node can answer: it goes no further. Beside
    /// [`Ring::message`], and instead of it.
    pub fn answer_for_another(&mut self, from: RingId, route: &Route, body: Vec<u8>, now_ms: u64, out: &mut Vec<Outcome>) {
        let Some(neighbour) = self.neighbours.get_mut(&from) else { return };
        neighbour.heard(now_ms);
        if self.takes(from, route, now_ms, out) {
            self.reply(route.path, Verdict::Answered, body, now_ms, out);
        }
    }

    /// Acknowledges a request of a neighbour; whether it is new here, and has a path from now on.
    fn takes(&mut self, from: RingId, route: &Route, now_ms: u64, out: &mut Vec<Outcome>) -> bool {
        out.push(Outcome::Send { to: from, message: Message::Ack { number: route.number } });
        if let Some(known) = self.paths.get_mut(&route.path) {
            // The same request by a shorter or equal way: a hop before is gone or lost patience, and the answer is to go the new way, if
            // need be again. By a longer one: it goes in a circle.
            // Where it was given back it is so at once again, or it would wander all over the ring.
            if known.from.is_some() && (known.answer.is_some() || (route.hops <= known.hops && !known.is_given_back)) {
                known.from = Some(from);
                known.hops = route.hops;
                if let Some(answer) = known.answer.as_deref().cloned() {
                    out.push(Outcome::Send { to: from, message: Message::Reply { path: route.path, answer } });
                }
            } else if self.is_ours_by_now(from, route, now_ms) {
                self.arrived(route.path, route.clone(), now_ms, out);
            } else {
                let stuck = Message::Stuck { path: route.path, ttl: route.ttl, suspects: vec![self.me] };
                out.push(Outcome::Send { to: from, message: stuck });
            }
            return false;
        }
        let is_greedy = self.paths.len() >= RING_PATHS_PER_LINK
            && self.paths.values().filter(|path| path.from == Some(from)).count() >= RING_PATHS_PER_LINK;
        if is_greedy {
            return false;
        }
        let path = Path {
            from: Some(from),
            round: None,
            next: None,
            tried: Vec::new(),
            attempts: 0,
            hops: route.hops,
            service: route.service,
            is_given_back: false,
            is_late: false,
            is_named: false,
            hop: None,
            answer: None,
            expires_ms: now_ms + RING_PATH_MS,
            mine: None,
            route: None,
        };
        self.keep_path(route.path, path);
        true
    }

    /// A request that was passed on from here comes round, and so many before this node are suspects by now that it is for this one.
    fn is_ours_by_now(&mut self, from: RingId, route: &Route, now_ms: u64) -> bool {
        let Some(known) = self.paths.get(&route.path).filter(|known| known.route.is_some() || known.is_given_back) else { return false };
        let is_ours = self.way_of(route, &known.tried, Some(from), now_ms) == Way::Here;
        if let Some(known) = self.paths.get_mut(&route.path).filter(|_| is_ours) {
            known.round = Some(from);
            known.route = None;
            known.hop = None;
        }
        is_ours
    }

    /// Decides where a request goes, and sends it there.
    fn go_on(&mut self, id: PathId, mut route: Box<Route>, now_ms: u64, out: &mut Vec<Outcome>) {
        let Some(path) = self.paths.get(&id) else { return };
        let is_spent = route.ttl == 0 || path.attempts >= RING_TRIES;
        let knows_them = route.service == Service::Certificate && self.is_linked(route.key);
        let way = if knows_them { Way::Here } else { self.way_of(&route, &path.tried, path.from, now_ms) };
        match way {
            Way::Over(_) if is_spent => self.give_back(id, &route, now_ms, out),
            Way::Here => self.arrived(id, *route, now_ms, out),
            Way::Nowhere => self.reply(id, Verdict::NoSuchNode, Vec::new(), now_ms, out),
            Way::Stuck => self.give_back(id, &route, now_ms, out),
            Way::Over(next) => {
                let number = self.next_number;
                self.next_number = self.next_number.wrapping_add(1);
                let wait_ms = self.neighbours.get(&next).map_or(0, |neighbour| neighbour.hop_wait_ms());
                route.number = number;
                self.name_silent(&mut route, now_ms);
                let Some(path) = self.paths.get_mut(&id) else { return };
                path.next = Some(next);
                path.tried.push(next);
                path.attempts += 1;
                path.is_late = false;
                path.is_named = false;
                path.hop = Some(Hop { awaited: Awaited::Acknowledgement(number), since_ms: now_ms, due_ms: now_ms + wait_ms });
                self.paths_ms = self.paths_ms.min(now_ms + wait_ms);
                let mut sent = route.clone();
                sent.ttl -= 1;
                sent.hops = sent.hops.saturating_add(1);
                path.route = Some(route);
                out.push(Outcome::Send { to: next, message: Message::Route(sent) });
            }
        }
    }

    /// Names those nearer to the key than this node that are silent here: whoever has the request next may know them, too, and would
    /// look for ways to them. Whom it is for is asked in any case.
    fn name_silent(&self, route: &mut Route, now_ms: u64) {
        if now_ms >= self.suspects_until_ms {
            return;
        }
        let key = route.key;
        let own = key.remoteness(self.me);
        let silent = self.neighbours.values().filter(|neighbour| neighbour.is_suspect(now_ms) && key.remoteness(neighbour.id) < own);
        silent.filter(|neighbour| neighbour.id != key).for_each(|neighbour| note_suspect(&mut route.suspects, key, neighbour.id));
    }

    /// A request is for this node.
    fn arrived(&mut self, id: PathId, route: Route, now_ms: u64, out: &mut Vec<Outcome>) {
        if route.service == Service::Find {
            let [next, previous] = self.near_told();
            let body = write_ids(write_ids(Writer::new(), next), previous).into_bytes();
            self.reply(id, Verdict::Answered, body, now_ms, out);
            return;
        }
        let Some(path) = self.paths.get(&id) else { return };
        let by = path.from;
        let Route { service, key, body, .. } = route;
        out.push(Outcome::Delivered { path: id, by, service, key, body });
    }

    /// Answers a request that was delivered here.
    pub fn answer(&mut self, path: PathId, body: Vec<u8>, now_ms: u64, out: &mut Vec<Outcome>) {
        self.reply(path, Verdict::Answered, body, now_ms, out);
    }

    fn reply(&mut self, id: PathId, verdict: Verdict, body: Vec<u8>, now_ms: u64, out: &mut Vec<Outcome>) {
        let Some(path) = self.paths.get(&id) else { return };
        let answer = Answer { hops: path.hops, by: self.me, verdict, body };
        self.pass_back(id, answer, now_ms, out);
    }

    /// The answer of a path, to where it came from.
    fn pass_back(&mut self, id: PathId, answer: Answer, now_ms: u64, out: &mut Vec<Outcome>) {
        let Some(path) = self.paths.get_mut(&id) else { return };
        path.route = None;
        path.hop = None;
        // More follows along the path of signalling; of others, what is asked once more within the originator's try.
        path.expires_ms = now_ms + if path.service == Service::Signal { RING_PATH_MS } else { RING_TRY_MS };
        if let Some(to) = path.round {
            out.push(Outcome::Send { to, message: Message::Reply { path: id, answer: answer.clone() } });
        }
        match (path.from, path.mine) {
            (Some(to), _) => {
                path.answer = Some(Box::new(answer.clone()));
                out.push(Outcome::Send { to, message: Message::Reply { path: id, answer } });
            }
            (None, Some(request)) => self.request_answered(request, id, answer, now_ms, out),
            (None, None) => {}
        }
    }

    /// No link leads on from here: the hop before is to try another.
    fn give_back(&mut self, id: PathId, route: &Route, now_ms: u64, out: &mut Vec<Outcome>) {
        let Some(path) = self.paths.get_mut(&id) else { return };
        path.is_given_back = true;
        match (path.from, path.mine) {
            (Some(to), _) => {
                let stuck = Message::Stuck { path: id, ttl: route.ttl, suspects: route.suspects.clone() };
                out.push(Outcome::Send { to, message: stuck });
            }
            (None, Some(request)) => self.request_stuck(request, &route.suspects, now_ms, out),
            (None, None) => {}
        }
    }

    pub(super) fn acknowledged(&mut self, from: RingId, number: u32, now_ms: u64) {
        let awaited = Awaited::Acknowledgement(number);
        let is_it = |path: &&mut Path| path.next == Some(from) && path.hop.is_some_and(|hop| hop.awaited == awaited);
        let Some(path) = self.paths.iter_mut().map(|(_, path)| path).find(is_it) else { return };
        let answer_by_ms = now_ms + RING_LATE_MS;
        let sent = path.hop.replace(Hop { awaited: Awaited::Answer, since_ms: now_ms, due_ms: answer_by_ms });
        self.paths_ms = self.paths_ms.min(answer_by_ms);
        if let Some(hop) = sent
            && let Some(neighbour) = self.neighbours.get_mut(&from)
        {
            neighbour.measured(now_ms.saturating_sub(hop.since_ms));
        }
    }

    /// The next hop cannot go on.
    pub(super) fn stuck(&mut self, from: RingId, id: PathId, ttl: u8, suspects: &[RingId], now_ms: u64, out: &mut Vec<Outcome>) {
        let Some(path) = self.paths.get_mut(&id).filter(|path| path.next == Some(from)) else { return };
        let Some(mut route) = path.route.take() else { return };
        path.hop = None;
        // What was spent in vain is spent: the hops of a request are bounded in all, not on each way.
        route.ttl = route.ttl.saturating_sub(1).min(ttl);
        suspects.iter().for_each(|suspect| note_suspect(&mut route.suspects, route.key, *suspect));
        self.go_on(id, route, now_ms, out);
    }

    /// An answer came from a hop that this node chose.
    pub(super) fn replied(&mut self, from: RingId, id: PathId, answer: Answer, now_ms: u64, out: &mut Vec<Outcome>) {
        let Some(path) = self.paths.get_mut(&id).filter(|path| path.answer.is_none() && path.is_part(from)) else { return };
        path.next = Some(from);
        let asked_for = path.route.as_ref().filter(|route| route.service == Service::Certificate && path.from.is_some()).map(|route| route.key);
        if let Some(of) = asked_for.filter(|_| answer.verdict == Verdict::Answered) {
            out.push(Outcome::CertificatePassed { of, body: answer.body.clone() });
        }
        self.pass_back(id, answer, now_ms, out);
    }

    /// A hop says where a request went of which the answer is late: for its originator. What this node knows itself goes before it, and
    /// so whoever drops requests cannot hide behind those it names.
    pub(super) fn late(&mut self, from: RingId, id: PathId, next: u32, out: &mut Vec<Outcome>) {
        let Some(path) = self.paths.get_mut(&id).filter(|path| path.next == Some(from) && path.route.is_some()) else { return };
        path.is_named = true;
        self.tell_late(id, out);
        self.late_back(id, next, out);
    }

    /// The originator is told, once, where a request went from here.
    fn tell_late(&mut self, id: PathId, out: &mut Vec<Outcome>) {
        let Some(path) = self.paths.get_mut(&id) else { return };
        if let Some(next) = path.next.filter(|_| !path.is_late) {
            path.is_late = true;
            self.late_back(id, next.head(), out);
        }
    }

    fn late_back(&mut self, id: PathId, next: u32, out: &mut Vec<Outcome>) {
        let Some(path) = self.paths.get(&id) else { return };
        match (path.from, path.mine) {
            (Some(to), _) => out.push(Outcome::Send { to, message: Message::Late { path: id, next } }),
            (None, Some(request)) => self.request_late(request, id, next),
            (None, None) => {}
        }
    }

    /// Something more came along a path.
    pub(super) fn along(&mut self, from: RingId, id: PathId, forth: bool, body: Vec<u8>, out: &mut Vec<Outcome>) {
        let Some(path) = self.paths.get(&id) else { return };
        let is_from_its_end = if forth { path.from == Some(from) } else { path.is_part(from) };
        if !is_from_its_end {
            return;
        }
        match if forth { path.next } else { path.from } {
            Some(to) => out.push(Outcome::Send { to, message: Message::Along { path: id, forth, body } }),
            None => out.push(Outcome::Along { path: id, body }),
        }
    }

    /// Sends something more along a path that begins or ends here. False where the path is no more.
    pub fn send_along(&mut self, id: PathId, body: Vec<u8>, out: &mut Vec<Outcome>) -> bool {
        let Some(path) = self.paths.get(&id) else { return false };
        let forth = path.mine.is_some();
        let to = if forth { path.next } else { path.from };
        let Some(to) = to else { return false };
        out.push(Outcome::Send { to, message: Message::Along { path: id, forth, body } });
        true
    }

    /// Over which link a path comes to this node, from its beginning or, at its beginning, from its end.
    pub fn came_over(&self, id: PathId) -> Option<RingId> {
        self.paths.get(&id).and_then(|path| path.from.or(path.next))
    }

    /// A link is gone: what was under way over it goes another way, what came over it is nobody's any more.
    pub(super) fn paths_lost(&mut self, peer: RingId, now_ms: u64, out: &mut Vec<Outcome>) {
        let lost: Vec<PathId> = self.paths.iter().filter(|(_, path)| path.from == Some(peer)).map(|(id, _)| *id).collect();
        lost.iter().for_each(|id| drop(self.paths.remove(id)));
        let over_it = self.paths.iter().filter(|(_, path)| path.next == Some(peer) && path.route.is_some());
        let broken: Vec<PathId> = over_it.map(|(id, _)| *id).collect();
        for id in broken {
            self.hop_failed(id, now_ms, out);
        }
    }

    /// Hops that were not acknowledged in time, answers that are late, and paths whose time is over.
    pub(super) fn paths_due(&mut self, now_ms: u64, out: &mut Vec<Outcome>) {
        if now_ms < self.paths_ms {
            return;
        }
        let due = self.paths.iter().filter_map(|(id, path)| Some((*id, path.next?, path.hop.filter(|hop| hop.due_ms <= now_ms)?)));
        let due: Vec<(PathId, RingId, Hop)> = due.collect();
        for (id, next, hop) in due {
            let swallows = self.swallows(id);
            let Some(neighbour) = self.neighbours.get_mut(&next) else { continue };
            let awaits = match hop.awaited {
                Awaited::Answer if swallows => None,
                Awaited::Answer => Some((Awaited::LifeSign, neighbour.hop_wait_ms())),
                Awaited::LifeSign if neighbour.heard_ms >= hop.since_ms => Some((Awaited::Answer, RING_LATE_MS)),
                Awaited::LifeSign | Awaited::Acknowledgement(_) => None,
            };
            let Some((awaited, wait_ms)) = awaits else {
                neighbour.suspect_until_ms = now_ms + RING_SUSPECT_MS;
                self.suspects_until_ms = neighbour.suspect_until_ms;
                self.ping(next, now_ms, out);
                self.hop_failed(id, now_ms, out);
                continue;
            };
            if let Some(path) = self.paths.get_mut(&id) {
                path.hop = Some(Hop { awaited, since_ms: now_ms, due_ms: now_ms + wait_ms });
            }
            if awaited == Awaited::LifeSign {
                self.ping(next, now_ms, out);
                self.tell_late(id, out);
            }
        }
        self.paths.retain(|_, path| path.expires_ms > now_ms);
        if self.paths.is_empty() {
            // Gives back what a busy time took.
            self.paths = OrderedMap::new();
        }
        self.paths_ms = self.paths.values().map(Path::deadline).min().unwrap_or(u64::MAX);
    }

    /// Whether the next hop lives, does not answer, and has not said where it passed the request on: twice the time it has for that is over.
    fn swallows(&self, id: PathId) -> bool {
        self.paths.get(&id).is_some_and(|path| {
            let is_target = path.route.as_ref().is_none_or(|route| route.aim == Aim::Node && path.next == Some(route.key));
            path.is_late && !path.is_named && !is_target
        })
    }

    fn hop_failed(&mut self, id: PathId, now_ms: u64, out: &mut Vec<Outcome>) {
        let Some(path) = self.paths.get_mut(&id) else { return };
        path.hop = None;
        let (Some(mut route), Some(next)) = (path.route.take(), path.next) else { return };
        self.hop_timeouts += 1;
        note_suspect(&mut route.suspects, route.key, next);
        self.go_on(id, route, now_ms, out);
    }

    fn keep_path(&mut self, id: PathId, path: Path) {
        if self.paths.len() >= RING_PATHS_MAX {
            let oldest = self.paths.iter().min_by_key(|(_, path)| path.expires_ms).map(|(id, _)| *id);
            oldest.map(|id| self.paths.remove(&id));
        }
        self.paths_ms = self.paths_ms.min(path.deadline());
        self.paths.insert(id, path);
    }
}

/// Adds a suspect. Of too many the one furthest from the key is forgotten: who stands near the key is asked for again.
pub(super) fn note_suspect(suspects: &mut Vec<RingId>, key: RingId, suspect: RingId) {
    if suspects.contains(&suspect) {
        return;
    }
    suspects.push(suspect);
    if suspects.len() > RING_SUSPECTS_MAX
        && let Some(furthest) = (0..suspects.len()).max_by_key(|at| key.distance(suspects[*at]))
    {
        suspects.remove(furthest);
    }
}
