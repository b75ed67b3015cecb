//! Links: from a dial to an authenticated session, and the end of both. Knows no contacts and no messages' meaning.
//!
//! A link's life as the dialler: *describing* (the browser makes an offer), *signing* it, *awaiting the answer*, *unwrapping* M2,
//! *awaiting the channel* for M3, *awaiting M4*, up. As the one dialled: the offer is *opened*, then *answering* (the browser
//! makes the answer), *awaiting M3*, *unwrapping* it, up. Any failure on the way closes the link without a word of the reason to the
//! other end. Up, it is probed when it is silent, and counts as dead when a probe is not answered.

mod dialler;
mod incoming;
mod link;
mod responder;

use incoming::Incoming;
use link::{GLARE_MS, Link, Stage};

use super::{Effect, LinkEnd, LinkId};
use crate::crypto::{KeyOp, KeyOpResult, Rng};
use crate::handshake::{ALERT, Judge, Role};
use crate::identity::{NodeId, RevocationList, TrustAnchor, UserId, VerifiedCertificate};
use crate::limits::{
    CHAT_LINKS_MAX, HANDSHAKE_MS, HANDSHAKES_MAX, MAIL_LINKS_MAX, PROBE_IDLE_MS, PROBE_QUIET_MS, PROBE_UNACKED_MS, PROBE_WAIT_MS, RING_LINKS_MAX, TALK_MS,
};
use crate::ordered::{OrderedMap, OrderedSet};
use crate::session::{Content, LIVE};
use crate::signal::description::Candidate;
use crate::signal::relay::IceServer;
use crate::signal::sealed::{DialId, Header, SignalKind};
use crate::time::Now;

/// Links of all kinds and stages at once; further dials and offers are dropped. The chats and the mail, and twice as many that come and go.
pub(super) const LINKS_MAX: usize = RING_LINKS_MAX + CHAT_LINKS_MAX + MAIL_LINKS_MAX + 2 * HANDSHAKES_MAX;

/// Which private-key operation of a link's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum LinkOp {
    /// Sign our offer.
    SignOffer(LinkId),
    /// Unwrap M2's part.
    UnwrapM2(LinkId),
    /// Unwrap M3's part.
    UnwrapM3(LinkId),
    /// Open an offer: the number is the incoming offer's.
    OpenOffer(u64),
}

/// Why there is no session (any more). For the local log and the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DownReason {
    /// They said goodbye or closed the channel.
    Left,
    /// No path, or no sign of life.
    Unreachable,
    /// The handshake or a record failed.
    Refused,
    /// A newer link took its place.
    Replaced,
    /// This end wanted it.
    Closed,
}

/// What leaves this room.
pub(super) enum Outcome {
    Effect(Effect),
    Key(LinkOp, KeyOp),
    Forward { to: NodeId, body: Vec<u8> },
    /// A session is up. An older one with the same user was reported as down before.
    Up { peer: VerifiedCertificate },
    /// A body arrived in the session with this user.
    Body { user: UserId, content: Content, body: Vec<u8> },
    /// The session with this device of this user is over.
    Down { user: UserId, node: NodeId, reason: DownReason },
    /// A handshake with this device, begun by either end, came to nothing, and none is under way. `was_answered`: signalling worked and the
    /// connection did not, or this end could not even begin. Else nobody may be there.
    DialFailed { user: UserId, node: NodeId, was_answered: bool },
}

/// Where a sealed frame came from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sender {
    /// Who is charged for it: the author whom the relay vouches for, or the end of the link it came over.
    pub charged: NodeId,
    /// The author, where the forwarder vouches for them. The ring vouches for nobody.
    pub vouched: Option<NodeId>,
}

/// What links need to judge certificates. Owned by the node, lent for each call.
#[derive(Clone, Copy)]
pub(super) struct Trust<'a> {
    pub own: &'a VerifiedCertificate,
    pub anchor: &'a TrustAnchor,
    pub revoked: Option<&'a RevocationList>,
    /// Users whose offers are dropped.
    pub blocked: &'a OrderedSet<UserId>,
    /// Whether somebody is a contact whom the person accepted: they come before strangers.
    pub is_contact: &'a dyn Fn(&UserId) -> bool,
}

impl<'a> Trust<'a> {
    fn judge(&self, now: Now) -> Judge<'a> {
        Judge { own: self.own, anchor: self.anchor, revoked: self.revoked, now_ms: now.wall }
    }
}

/// All links of this node.
pub(super) struct Links {
    links: OrderedMap<LinkId, Link>,
    /// The link whose session is in use, by user.
    up: OrderedMap<UserId, LinkId>,
    incoming: Incoming,
    next_link: u64,
    rng: Rng,
}

impl Links {
    pub fn new(rng: Rng) -> Self {
        Self { links: OrderedMap::new(), up: OrderedMap::new(), incoming: Incoming::default(), next_link: 1, rng }
    }

    /// The link of the session with this user.
    pub fn link_of(&self, user: &UserId) -> Option<LinkId> {
        self.up.get(user).copied()
    }

    /// Whether a session with this user is up.
    pub fn is_up(&self, user: &UserId) -> bool {
        self.up.contains_key(user)
    }

    /// Users with a session, the one that was used least lately first.
    pub fn users_up(&self) -> Vec<UserId> {
        let users: OrderedSet<(u64, UserId)> = self.up.iter().map(|(user, id)| (self.links[id].used_ms, user.clone())).collect();
        users.into_iter().map(|(_, user)| user).collect()
    }

    /// A sealed frame from somebody.
    pub fn forwarded(&mut self, sender: Sender, frame: Vec<u8>, trust: Trust<'_>, now: Now) -> Vec<Outcome> {
        let Ok(header) = Header::read(&frame, trust.own.node_id(), now.wall) else { return Vec::new() };
        match header.kind {
            SignalKind::Offer => self.incoming.offer(sender, header, frame, now),
            SignalKind::Answer => self.answered(header.dial, &frame, trust, now),
            SignalKind::Candidate => self.candidate_received(header.dial, frame),
        }
    }

    /// The browser found a local candidate.
    pub fn candidate_found(&mut self, id: LinkId, line: &str, now: Now) -> Vec<Outcome> {
        let (Some(link), Some(candidate)) = (self.links.get_mut(&id), Candidate::from_line(line)) else { return Vec::new() };
        link.candidates.push(candidate);
        link.forward_candidates(now)
    }

    /// The data channel is open.
    pub fn opened(&mut self, id: LinkId, now: Now) -> Vec<Outcome> {
        let Some(link) = self.links.get_mut(&id) else { return Vec::new() };
        link.is_open = true;
        link.heard_ms = now.mono;
        link.send_m3(id)
    }

    /// A private-key operation is done.
    pub fn key_done(&mut self, op: LinkOp, result: &KeyOpResult, ice: &[IceServer], trust: Trust<'_>, now: Now) -> Vec<Outcome> {
        match op {
            LinkOp::SignOffer(id) => self.offer_signed(id, result, now),
            LinkOp::UnwrapM2(id) => self.m2_unwrapped(id, result),
            LinkOp::UnwrapM3(id) => self.m3_unwrapped(id, result, now),
            LinkOp::OpenOffer(number) => self.offer_opened(number, result, ice, trust, now),
        }
    }

    /// One message from a data channel.
    pub fn frame(&mut self, id: LinkId, channel: u16, frame: &[u8], now: Now) -> Vec<Outcome> {
        let Some(link) = self.links.get_mut(&id) else { return Vec::new() };
        link.heard_ms = now.mono;
        link.probed_ms = None;
        link.is_expecting = false;
        if frame == [ALERT] {
            return self.close(id, DownReason::Refused);
        }
        match std::mem::replace(&mut link.stage, Stage::Gone) {
            Stage::Up(mut session) => {
                let opened = session.open(channel, frame, now);
                link.stage = Stage::Up(session);
                match opened {
                    Ok(opened) => self.opened_record(id, channel, opened),
                    Err(_) => self.close(id, DownReason::Refused),
                }
            }
            _ if channel != LIVE => self.alert(id),
            Stage::AwaitingM3(handshake) => self.m3_received(id, *handshake, frame),
            Stage::AwaitingM4(handshake) => self.m4_received(id, *handshake, frame, now),
            // Nothing else may come: before M4 the initiator is not heard, and the responder has nothing to say.
            _ => self.alert(id),
        }
    }

    /// The link is gone by itself.
    pub fn closed(&mut self, id: LinkId, end: LinkEnd) -> Vec<Outcome> {
        let reason = match end {
            LinkEnd::Closed => DownReason::Left,
            LinkEnd::Unreachable => DownReason::Unreachable,
            LinkEnd::Refused => DownReason::Refused,
        };
        let Some(mut link) = self.links.remove(&id) else { return Vec::new() };
        // A browser that makes no more connections says nothing about the other end.
        if end == LinkEnd::Refused && matches!(link.stage, Stage::Describing) {
            link.answered_ms = link.answered_ms.max(1);
        }
        self.farewell(id, &link, reason)
    }

    /// Seals and sends a body in the session with `user`; false where there is none.
    pub fn send(&mut self, user: &UserId, content: Content, body: &[u8], now: Now, out: &mut Vec<Outcome>) -> bool {
        let Some((id, link)) = self.up.get(user).and_then(|id| Some((*id, self.links.get_mut(id)?))) else { return false };
        let Stage::Up(session) = &mut link.stage else { return false };
        link.sent_ms = now.mono;
        if content == Content::Message {
            link.used_ms = now.mono;
            link.talked_ms = Some(now.mono);
            link.is_expecting = true;
        }
        let channel = content.channel();
        let records = session.seal(channel, content, body, now);
        let rekey = session.take_waiting().map(|record| (LIVE, record));
        let records = rekey.into_iter().chain(records.into_iter().map(|record| (channel, record)));
        out.extend(records.map(|(channel, frame)| Outcome::Effect(Effect::LinkSend { link: id, channel, frame })));
        true
    }

    /// Whether a conversation had use for the session with `user` lately.
    pub fn is_talking(&self, user: &UserId, now: Now) -> bool {
        let link = self.up.get(user).and_then(|id| self.links.get(id));
        link.and_then(|link| link.talked_ms).is_some_and(|at| now.mono < at + TALK_MS)
    }

    /// Everybody with a session, and since when on the monotonic clock.
    pub fn peers(&self) -> impl Iterator<Item = (&VerifiedCertificate, u64)> {
        self.up.values().filter_map(|id| self.links.get(id)).map(|link| (&link.peer, link.started_ms))
    }

    /// The key of the user at the other end of a session.
    pub fn key_hash(&self, user: &UserId) -> Option<[u8; 32]> {
        self.up.get(user).map(|id| self.links[id].peer.key_hash())
    }

    /// Notes that the session with `user` is of use now.
    pub fn touch(&mut self, user: &UserId, now: Now) {
        if let Some(link) = self.up.get(user).and_then(|id| self.links.get_mut(id)) {
            link.used_ms = now.mono;
            link.talked_ms = Some(now.mono);
        }
    }

    /// A session that comes up, as after a handshake.
    #[cfg(test)]
    pub fn bring_up(&mut self, session: crate::session::Session, now: Now) -> Vec<Outcome> {
        let peer = session.peer().clone();
        let dial = DialId(self.rng.array());
        let id = self.new_link(peer.clone(), Role::Initiator, dial, Stage::Up(Box::new(session)), now);
        self.establish(id, peer, now)
    }

    /// Entries kept about others who have no link.
    #[cfg(test)]
    pub fn remembered(&self) -> usize {
        self.incoming.remembered()
    }

    /// This device belongs to somebody known here.
    pub fn familiar(&mut self, node: NodeId) {
        self.incoming.familiar(node);
    }

    /// A new revocation list came: whoever stands on it is cut off at once.
    pub fn revoked(&mut self, trust: Trust<'_>) -> Vec<Outcome> {
        let is_on_it = |link: &Link| trust.revoked.is_some_and(|list| list.contains(&link.peer.serial_hash()));
        let ids: Vec<LinkId> = self.links.iter().filter(|(_, link)| is_on_it(link)).map(|(id, _)| *id).collect();
        ids.into_iter().flat_map(|id| self.close(id, DownReason::Refused)).collect()
    }

    /// Says goodbye and closes the session with `user`.
    pub fn hang_up(&mut self, user: &UserId, now: Now) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        self.send(user, Content::Leave, &[], now, &mut outcomes);
        let ids: Vec<LinkId> = self.links.iter().filter(|(_, link)| link.peer.user_id() == user).map(|(id, _)| *id).collect();
        outcomes.extend(ids.into_iter().flat_map(|id| self.close(id, DownReason::Closed)));
        outcomes
    }

    /// Says goodbye everywhere and closes everything.
    pub fn leave(&mut self, now: Now) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        for user in self.users_up() {
            self.send(&user, Content::Leave, &[], now, &mut outcomes);
        }
        let ids: Vec<LinkId> = self.links.keys().copied().collect();
        outcomes.extend(ids.into_iter().flat_map(|id| self.close(id, DownReason::Closed)));
        outcomes
    }

    /// What is due: handshakes out of time, probes, links without a sign of life.
    pub fn wake(&mut self, ice: &[IceServer], trust: Trust<'_>, now: Now) -> Vec<Outcome> {
        self.incoming.wake(now);
        let mut outcomes = Vec::new();
        let ids: Vec<LinkId> = self.links.keys().copied().collect();
        for id in ids {
            // One that gave way to another's offer is gone.
            let Some(link) = self.links.get(&id).filter(|link| link.deadline().is_some_and(|at| at <= now.mono)) else { continue };
            if link.rival.is_some() {
                outcomes.extend(self.give_way(id, ice, trust, now));
            } else if matches!(link.stage, Stage::Up(_)) && link.probed_ms.is_none() {
                outcomes.extend(self.probe(id, now));
            } else {
                outcomes.extend(self.close(id, DownReason::Unreachable));
            }
        }
        outcomes
    }

    /// The machine slept or the page was hidden: find out at once which links live.
    pub fn resumed(&mut self, now: Now) -> Vec<Outcome> {
        let ids: Vec<LinkId> = self.up.values().copied().collect();
        ids.into_iter().flat_map(|id| self.probe(id, now)).collect()
    }

    pub fn deadline(&self) -> Option<u64> {
        self.links.values().filter_map(Link::deadline).min()
    }

    fn probe(&mut self, id: LinkId, now: Now) -> Vec<Outcome> {
        let token = self.rng.array::<8>();
        let Some(link) = self.links.get_mut(&id) else { return Vec::new() };
        link.probed_ms = Some(now.mono);
        let user = link.peer.user_id().clone();
        let mut outcomes = Vec::new();
        self.send(&user, Content::Ping, &token, now, &mut outcomes);
        outcomes
    }

    fn opened_record(&mut self, id: LinkId, channel: u16, opened: crate::session::Opened) -> Vec<Outcome> {
        let user = self.links[&id].peer.user_id().clone();
        let mut outcomes: Vec<Outcome> =
            opened.replies.into_iter().map(|(channel, frame)| Outcome::Effect(Effect::LinkSend { link: id, channel, frame })).collect();
        match opened.body {
            // The first record of new keys says nothing.
            Some((Content::Pong, body)) if channel != LIVE && body.is_empty() => {}
            Some((content, _)) if channel != content.channel() => outcomes.extend(self.close(id, DownReason::Refused)),
            Some((Content::Leave, _)) => outcomes.extend(self.close(id, DownReason::Left)),
            Some((content, body)) => outcomes.push(Outcome::Body { user, content, body }),
            None => {}
        }
        outcomes
    }

    /// A session begins: it takes the place of an older one with the same user.
    fn establish(&mut self, id: LinkId, peer: VerifiedCertificate, now: Now) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        if let Some(old) = self.up.get(peer.user_id()).copied() {
            outcomes.extend(self.close(old, DownReason::Replaced));
        }
        if let Some(link) = self.links.get_mut(&id) {
            link.heard_ms = now.mono;
        }
        self.up.insert(peer.user_id().clone(), id);
        outcomes.push(Outcome::Up { peer });
        outcomes
    }

    /// Tells the other end that something is wrong, not what, and closes.
    fn alert(&mut self, id: LinkId) -> Vec<Outcome> {
        let is_open = self.links.get(&id).is_some_and(|link| link.is_open);
        let mut outcomes = Vec::new();
        if is_open {
            outcomes.push(Outcome::Effect(Effect::LinkSend { link: id, channel: LIVE, frame: vec![ALERT] }));
        }
        outcomes.extend(self.close(id, DownReason::Refused));
        outcomes
    }

    fn close(&mut self, id: LinkId, reason: DownReason) -> Vec<Outcome> {
        let Some(link) = self.links.remove(&id) else { return Vec::new() };
        let mut outcomes = vec![Outcome::Effect(Effect::LinkClose { link: id })];
        outcomes.extend(self.farewell(id, &link, reason));
        outcomes
    }

    /// Tells the node that a link is gone.
    fn farewell(&mut self, id: LinkId, link: &Link, reason: DownReason) -> Vec<Outcome> {
        let (user, node) = (link.peer.user_id().clone(), *link.peer.node_id());
        if self.up.get(&user) == Some(&id) {
            self.up.remove(&user);
            return vec![Outcome::Down { user, node, reason }];
        }
        // Whichever end began it: who wanted to dial may have found the other's handshake under way and relied upon it.
        let goes_on = self.links.values().any(|other| *other.peer.user_id() == user);
        if goes_on || reason == DownReason::Replaced { Vec::new() } else { vec![Outcome::DialFailed { user, node, was_answered: link.answered_ms > 0 }] }
    }

    fn new_link(&mut self, peer: VerifiedCertificate, role: Role, dial: DialId, stage: Stage, now: Now) -> LinkId {
        let id = LinkId(self.next_link);
        self.next_link += 1;
        let link = Link {
            peer,
            role,
            dial,
            keys: None,
            stage,
            candidates: Vec::new(),
            remote_candidates: 0,
            is_open: false,
            started_ms: now.mono,
            answered_ms: 0,
            glare_until_ms: now.mono + GLARE_MS,
            rival: None,
            heard_ms: now.mono,
            sent_ms: now.mono,
            used_ms: 0,
            talked_ms: None,
            probed_ms: None,
            is_expecting: false,
        };
        self.links.insert(id, link);
        id
    }

    /// The link of a dial. Who the frame came from is of no matter: what is not sealed with the dial's keys does not open.
    fn by_dial(&self, dial: DialId) -> Option<LinkId> {
        self.links.iter().find(|(_, link)| link.dial == dial).map(|(id, _)| *id)
    }
}

impl Link {
    /// When something must be done about this link if nothing happens.
    fn deadline(&self) -> Option<u64> {
        if self.rival.is_some() {
            return Some(self.glare_until_ms);
        }
        if !matches!(self.stage, Stage::Up(_)) {
            return Some(self.started_ms + HANDSHAKE_MS);
        }
        if let Some(probed_ms) = self.probed_ms {
            return Some(probed_ms + PROBE_WAIT_MS);
        }
        // The ring looks after its links by itself, less often; a conversation wants to know sooner.
        let is_talking = self.talked_ms.is_some_and(|at| self.heard_ms < at + TALK_MS);
        let idle = self.heard_ms + if is_talking { PROBE_IDLE_MS } else { PROBE_QUIET_MS };
        Some(if self.is_expecting { idle.min(self.sent_ms.max(self.heard_ms) + PROBE_UNACKED_MS) } else { idle })
    }
}
