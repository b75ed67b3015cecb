//! The half of a link's life of the one who is dialled, from the opened offer on.

use super::incoming::Pending;
use super::link::{Link, Offered, Stage};
use super::{DownReason, LINKS_MAX, LinkOp, Links, Outcome, Trust};
use crate::crypto::KeyOpResult;
use crate::handshake::{AwaitM3, Role, receive_m1};
use crate::identity::VerifiedCertificate;
use crate::limits::{CANDIDATES_MAX, HANDSHAKES_MAX};
use crate::node::{Effect, LinkId};
use crate::session::{LIVE, Session};
use crate::signal::description::{Description, SdpKind};
use crate::signal::relay::IceServer;
use crate::signal::sealed::DialId;
use crate::time::Now;

impl Links {
    /// The key of an offer is unwrapped: open it, judge its author, and have the browser answer.
    pub(super) fn offer_opened(
        &mut self,
        number: u64,
        result: &KeyOpResult,
        ice: &[IceServer],
        trust: Trust<'_>,
        now: Now,
    ) -> Vec<Outcome> {
        let Some(pending) = self.incoming.take(number) else { return Vec::new() };
        let Ok(secret) = result else { return Vec::new() };
        let Ok(offer) = pending.offer.open(secret) else { return Vec::new() };
        let Ok(m1) = receive_m1(&offer.m1, pending.vouched.as_ref(), &trust.judge(now)) else { return Vec::new() };
        if offer.verify(m1.peer().signing_key()).is_err() || trust.blocked.contains(m1.peer().user_id()) {
            return Vec::new();
        }
        let Pending { received_ms, candidates, .. } = pending;
        self.offer_taken(Box::new(Offered { m1, offer, received_ms, candidates }), ice, trust, now)
    }

    /// Has the browser answer an offer, unless a dial of ours holds against it.
    pub(super) fn offer_taken(&mut self, offered: Box<Offered>, ice: &[IceServer], trust: Trust<'_>, now: Now) -> Vec<Outcome> {
        let peer = offered.m1.peer().clone();
        let Some(mut outcomes) = self.make_way(&peer, offered.received_ms, trust, now) else {
            self.hold_back(&peer, offered);
            return Vec::new();
        };
        let Offered { m1, offer, candidates, .. } = *offered;
        let sdp = offer.description.to_sdp(SdpKind::Offer);
        let stage = Stage::Answering(Box::new((m1, offer.description.fingerprint)));
        let id = self.new_link(peer, Role::Responder, offer.header.dial, stage, now);
        if let Some(link) = self.links.get_mut(&id) {
            link.keys = Some(offer.into_dial());
        }
        outcomes.push(Outcome::Effect(Effect::LinkAnswer { link: id, sdp, ice: ice.to_vec() }));
        for frame in candidates {
            outcomes.extend(self.candidate_taken(id, &frame));
        }
        outcomes
    }

    /// Keeps their offer beside our unanswered dial: ours may have gone to a page that is no more.
    fn hold_back(&mut self, peer: &VerifiedCertificate, offered: Box<Offered>) {
        let is_unanswered = |link: &&mut Link| link.peer.user_id() == peer.user_id() && link.is_unanswered();
        if let Some(link) = self.links.iter_mut().map(|(_, link)| link).find(is_unanswered) {
            link.rival = Some(offered);
        }
    }

    /// Our dial has held long enough: their offer is taken in its place.
    pub(super) fn give_way(&mut self, id: LinkId, ice: &[IceServer], trust: Trust<'_>, now: Now) -> Vec<Outcome> {
        let rival = self.links.get_mut(&id).and_then(|link| link.rival.take());
        let outcomes = rival.map(|offered| self.offer_taken(offered, ice, trust, now)).unwrap_or_default();
        if let Some(link) = self.links.get_mut(&id) {
            // There was no room for it: it is not tried again and again.
            link.rival = None;
        }
        outcomes
    }

    /// Settles glare and earlier offers of the same user, and finds room. `None`, and nothing is touched, when the new offer is the
    /// one to drop. At the bound of handshakes a contact's offer takes the place of the oldest stranger's.
    fn make_way(&mut self, peer: &VerifiedCertificate, received_ms: u64, trust: Trust<'_>, now: Now) -> Option<Vec<Outcome>> {
        let user = peer.user_id();
        let mine_wins = trust.own.node_id() < peer.node_id();
        let is_up = |link: &Link| matches!(link.stage, Stage::Up(_));
        let (rivals, others): (Vec<_>, Vec<_>) =
            self.links.iter().partition(|(_, link)| link.peer.user_id() == user && !is_up(link));
        if rivals.iter().any(|(_, link)| link.holds(received_ms, mine_wins, now)) {
            return None;
        }
        let mut closed: Vec<LinkId> = rivals.iter().map(|(id, _)| **id).collect();
        let answering: Vec<_> = others.iter().filter(|(_, link)| link.is_answering()).collect();
        if answering.len() >= HANDSHAKES_MAX || others.len() >= LINKS_MAX {
            let strangers = answering.iter().filter(|(_, link)| !(trust.is_contact)(link.peer.user_id()));
            let (oldest, _) = strangers.min_by_key(|(_, link)| link.started_ms).filter(|_| (trust.is_contact)(user))?;
            closed.push(**oldest);
        }
        Some(closed.into_iter().flat_map(|id| self.close(id, DownReason::Replaced)).collect())
    }

    /// The browser's answer is made: make M2 and send both.
    pub(super) fn answer_described(&mut self, id: LinkId, sdp: &str, trust: Trust<'_>, now: Now) -> Vec<Outcome> {
        let Some(link) = self.links.get_mut(&id) else { return Vec::new() };
        let Stage::Answering(answering) = std::mem::replace(&mut link.stage, Stage::Gone) else { return Vec::new() };
        let (m1, peer_fingerprint) = *answering;
        let Ok(description) = Description::from_sdp(sdp) else { return self.close(id, DownReason::Refused) };
        let Ok((handshake, m2)) = m1.answer(peer_fingerprint, description.fingerprint, trust.own, &mut self.rng) else {
            return self.close(id, DownReason::Refused);
        };
        let description = Description { candidates: Vec::new(), ..description };
        let to = *link.peer.node_id();
        let sealed = link.keys.as_mut().and_then(|keys| keys.seal_answer(to, link.dial, &m2, &description, now.wall).ok());
        let Some(body) = sealed else { return self.close(id, DownReason::Refused) };
        link.stage = Stage::AwaitingM3(Box::new(handshake));
        let mut outcomes = vec![Outcome::Forward { to, body }];
        outcomes.extend(link.forward_candidates(now));
        outcomes
    }

    /// The browser described a link of either role.
    pub fn described(&mut self, id: LinkId, sdp: &str, trust: Trust<'_>, now: Now) -> Vec<Outcome> {
        match self.links.get(&id).map(|link| &link.stage) {
            Some(Stage::Describing) => self.offer_described(id, sdp, trust, now),
            Some(Stage::Answering(_)) => self.answer_described(id, sdp, trust, now),
            _ => Vec::new(),
        }
    }

    /// A candidate of the other end, for a link or for an offer that is still being opened.
    pub(super) fn candidate_received(&mut self, dial: DialId, frame: Vec<u8>) -> Vec<Outcome> {
        match self.by_dial(dial) {
            Some(id) => self.candidate_taken(id, &frame),
            None => {
                let rivals = self.links.iter_mut().filter_map(|(_, link)| link.rival.as_mut());
                match rivals.into_iter().find(|rival| rival.offer.header.dial == dial) {
                    Some(rival) => rival.keep(frame),
                    None => self.incoming.candidate(dial, frame),
                }
                Vec::new()
            }
        }
    }

    fn candidate_taken(&mut self, id: LinkId, frame: &[u8]) -> Vec<Outcome> {
        let Some(link) = self.links.get_mut(&id).filter(|link| link.remote_candidates < CANDIDATES_MAX) else {
            return Vec::new();
        };
        let Some(candidate) = link.keys.as_mut().and_then(|keys| keys.open_candidate(frame).ok()) else { return Vec::new() };
        link.remote_candidates += 1;
        vec![Outcome::Effect(Effect::LinkCandidate { link: id, candidate: candidate.to_line() })]
    }

    pub(super) fn m3_received(&mut self, id: LinkId, handshake: AwaitM3, frame: &[u8]) -> Vec<Outcome> {
        let Ok((handshake, op)) = handshake.receive_m3(frame) else { return self.alert(id) };
        if let Some(link) = self.links.get_mut(&id) {
            link.stage = Stage::UnwrappingM3(Box::new(handshake));
        }
        vec![Outcome::Key(LinkOp::UnwrapM3(id), op)]
    }

    pub(super) fn m3_unwrapped(&mut self, id: LinkId, result: &KeyOpResult, now: Now) -> Vec<Outcome> {
        let Some(link) = self.links.get_mut(&id) else { return Vec::new() };
        let Stage::UnwrappingM3(handshake) = std::mem::replace(&mut link.stage, Stage::Gone) else { return Vec::new() };
        let Ok((established, m4)) = handshake.unwrapped(result, &mut self.rng) else { return self.alert(id) };
        let peer = established.peer.clone();
        let session = Session::new(established, self.rng.fork("session"), now);
        link.stage = Stage::Up(Box::new(session));
        let mut outcomes = vec![Outcome::Effect(Effect::LinkSend { link: id, channel: LIVE, frame: m4 })];
        outcomes.extend(self.establish(id, peer, now));
        outcomes
    }
}
