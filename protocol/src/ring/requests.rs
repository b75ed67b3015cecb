//! Requests of this node: each goes out on one way, and on another when it is not answered in time: over a different first hop, and
//! past those who had it before, as far as hops say who that was.

use super::message::{Aim, Answer, PathId, Route, Service};
use super::paths::note_suspect;
use super::{Outcome, Ring, RingId};
use crate::limits::{RING_AVOID_MAX, RING_NAMED_MAX, RING_TRY_MS, RING_TTL};

/// Names a request of this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequestId(pub u64);

/// What a request is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What for.
    pub service: Service,
    /// For whom.
    pub aim: Aim,
    /// Key or position.
    pub key: RingId,
    /// At most 4,096 bytes.
    pub body: Vec<u8>,
}

/// A request of this node under way.
#[derive(Clone, Debug)]
pub(super) struct Mine {
    request: Request,
    tries_left: u8,
    path: PathId,
    first_hops: Vec<RingId>,
    suspects: Vec<RingId>,
    /// The heads of those that had it on ways that are late or were in vain.
    avoid: Vec<u32>,
    /// How many of them were named on the present way.
    named: usize,
    deadline_ms: u64,
    /// What the ring itself asked for.
    pub purpose: Purpose,
}

/// Who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The room above.
    Above,
    /// For one's own place.
    Place,
    /// Whether this ring knows a node.
    Witness(RingId),
    /// For a long link of this stratum.
    Long(u8),
}

impl Mine {
    pub fn deadline(&self) -> u64 {
        self.deadline_ms
    }
}

impl Ring {
    /// Sends a request. Answered by `Answered` or `Failed`, and at once with `Failed` where no link leads on.
    pub fn request(&mut self, request: Request, now_ms: u64, out: &mut Vec<Outcome>) -> RequestId {
        self.request_for(request, Purpose::Above, None, now_ms, out)
    }

    /// The way that a request of this node goes now.
    pub fn path_of(&self, id: RequestId) -> Option<PathId> {
        self.mine.get(&id).map(|mine| mine.path)
    }

    /// As [`Ring::request`], over this first hop where one is given.
    pub(super) fn request_for(
        &mut self,
        request: Request,
        purpose: Purpose,
        first: Option<RingId>,
        now_ms: u64,
        out: &mut Vec<Outcome>,
    ) -> RequestId {
        let id = RequestId(self.next_request);
        self.next_request += 1;
        let others = self.neighbours.keys().copied().filter(|peer| first.is_some_and(|first| first != *peer)).collect();
        let mine = Mine {
            request,
            tries_left: self.config.tries,
            path: PathId(0),
            first_hops: others,
            suspects: Vec::new(),
            avoid: Vec::new(),
            named: 0,
            deadline_ms: 0,
            purpose,
        };
        self.mine.insert(id, mine);
        self.try_again(id, now_ms, out);
        id
    }

    fn try_again(&mut self, id: RequestId, now_ms: u64, out: &mut Vec<Outcome>) {
        let Some(mine) = self.mine.get_mut(&id) else { return };
        if mine.tries_left == 0 {
            self.request_failed(id, now_ms, out);
            return;
        }
        let try_number = self.config.tries - mine.tries_left;
        mine.tries_left -= 1;
        mine.named = 0;
        // Where all of the five are to be avoided, each way prefers another of them: see `way_past`.
        mine.path = PathId(u64::from_be_bytes(self.rng.array()) & !7 | u64::from(try_number & 7));
        mine.deadline_ms = now_ms + RING_TRY_MS;
        let route = Route {
            number: 0,
            path: mine.path,
            service: mine.request.service,
            aim: mine.request.aim,
            ttl: RING_TTL,
            hops: 0,
            key: mine.request.key,
            suspects: mine.suspects.clone(),
            avoid: mine.avoid.clone(),
            body: mine.request.body.clone(),
        };
        let avoid = mine.first_hops.clone();
        self.set_out(id, route, &avoid, now_ms, out);
        self.note_first_hop(id);
    }

    /// Remembers over whom a try went, so that the next shares no first hop with it.
    fn note_first_hop(&mut self, id: RequestId) {
        let Some(mine) = self.mine.get_mut(&id) else { return };
        let Some(first) = self.paths.get(&mine.path).and_then(super::paths::Path::last_hop) else { return };
        mine.first_hops.push(first);
    }

    /// The present way of a request is late, and this node was on it: the next one is to go past it. Whom it is for is not avoided.
    pub(super) fn request_late(&mut self, id: RequestId, path: PathId, head: u32) {
        let Some(mine) = self.mine.get_mut(&id).filter(|mine| mine.path == path && mine.named < RING_NAMED_MAX) else { return };
        mine.named += 1;
        let is_target = mine.request.aim == Aim::Node && mine.request.key.head() == head;
        if !is_target && !mine.avoid.contains(&head) && mine.avoid.len() < RING_AVOID_MAX {
            mine.avoid.push(head);
        }
    }

    /// A way of a request ended without a link that leads on.
    pub(super) fn request_stuck(&mut self, id: RequestId, suspects: &[RingId], now_ms: u64, out: &mut Vec<Outcome>) {
        if let Some(mine) = self.mine.get_mut(&id) {
            suspects.iter().for_each(|suspect| note_suspect(&mut mine.suspects, mine.request.key, *suspect));
            self.try_again(id, now_ms, out);
        }
    }

    /// Requests whose try took too long.
    pub(super) fn requests_due(&mut self, now_ms: u64, out: &mut Vec<Outcome>) {
        let due: Vec<RequestId> = self.mine.iter().filter(|(_, mine)| mine.deadline_ms <= now_ms).map(|(id, _)| *id).collect();
        due.into_iter().for_each(|id| self.try_again(id, now_ms, out));
    }

    pub(super) fn request_answered(
        &mut self,
        id: RequestId,
        path: PathId,
        answer: Answer,
        now_ms: u64,
        out: &mut Vec<Outcome>,
    ) {
        let Some(mine) = self.mine.remove(&id) else { return };
        let Answer { hops, by, verdict, body } = answer;
        match mine.purpose {
            Purpose::Above => out.push(Outcome::Answered { request: id, path, by, verdict, hops, body }),
            Purpose::Place => self.place_found(by, &body, now_ms, out),
            Purpose::Witness(id) => self.witness_answered(id, by, &body, now_ms, out),
            Purpose::Long(stratum) => self.long_found(stratum, by, &body, now_ms, out),
        }
    }

    fn request_failed(&mut self, id: RequestId, now_ms: u64, out: &mut Vec<Outcome>) {
        let Some(mine) = self.mine.remove(&id) else { return };
        match mine.purpose {
            Purpose::Above => out.push(Outcome::Failed { request: id }),
            Purpose::Place => self.place_not_found(now_ms, out),
            Purpose::Witness(_) => {}
            Purpose::Long(stratum) => self.long_not_found(stratum, now_ms),
        }
    }
}
