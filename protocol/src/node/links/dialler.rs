//! The dialler's half of a link's life.

use super::link::{Link, Stage};
use super::{DownReason, LINKS_MAX, LinkOp, Links, Outcome, Trust};
use crate::crypto::KeyOpResult;
use crate::handshake::{AwaitM4, Role, start};
use crate::identity::{NodeId, VerifiedCertificate};
use crate::node::{Effect, LinkId};
use crate::session::Session;
use crate::signal::description::{Description, SdpKind};
use crate::signal::relay::IceServer;
use crate::signal::sealed::{DialId, OfferDraft};
use crate::time::Now;

impl Links {
    /// Dials a device whose certificate is known. Nothing happens while a dial to the same user is under way.
    pub fn dial(&mut self, peer: VerifiedCertificate, ice: &[IceServer], now: Now) -> Vec<Outcome> {
        let user = peer.user_id().clone();
        let is_under_way = self.links.values().any(|link| *link.peer.user_id() == user && !matches!(link.stage, Stage::Up(_)));
        if is_under_way {
            return Vec::new();
        }
        if self.links.len() >= LINKS_MAX {
            let node = *peer.node_id();
            // Which says nothing about them.
            return vec![Outcome::DialFailed { user, node, was_answered: true }];
        }
        let dial = DialId(self.rng.array());
        let link = self.new_link(peer, Role::Initiator, dial, Stage::Describing, now);
        vec![Outcome::Effect(Effect::LinkOffer { link, ice: ice.to_vec() })]
    }

    /// The browser's offer is made: begin the handshake and have the offer signed.
    pub(super) fn offer_described(&mut self, id: LinkId, sdp: &str, trust: Trust<'_>, now: Now) -> Vec<Outcome> {
        let Some(link) = self.links.get_mut(&id) else { return Vec::new() };
        let Ok(description) = Description::from_sdp(sdp) else { return self.close(id, DownReason::Refused) };
        let handshake = start(trust.own, description.fingerprint, &mut self.rng);
        let (to, key) = (*link.peer.node_id(), link.peer.wrapping_key());
        // Candidates follow one by one: the offer's size then depends on nothing but the certificate.
        let description = Description { candidates: Vec::new(), ..description };
        let draft = OfferDraft::new(to, key, link.dial, handshake.m1(), &description, now.wall, &mut self.rng);
        let op = draft.key_op();
        link.stage = Stage::Signing(Box::new((draft, handshake)));
        vec![Outcome::Key(LinkOp::SignOffer(id), op)]
    }

    pub(super) fn offer_signed(&mut self, id: LinkId, result: &KeyOpResult, now: Now) -> Vec<Outcome> {
        let Some(link) = self.links.get_mut(&id) else { return Vec::new() };
        let Stage::Signing(signing) = std::mem::replace(&mut link.stage, Stage::Gone) else { return Vec::new() };
        let (draft, handshake) = *signing;
        let finished = result.as_ref().ok().and_then(|signature| draft.finish(signature).ok());
        let Some((body, keys)) = finished else { return self.close(id, DownReason::Refused) };
        link.keys = Some(keys);
        link.stage = Stage::AwaitingAnswer(Box::new(handshake));
        let mut outcomes = vec![Outcome::Forward { to: *link.peer.node_id(), body }];
        outcomes.extend(link.forward_candidates(now));
        outcomes
    }

    /// The forwarder could not reach them: the dial is over, and an offer of theirs that it held off is taken.
    pub fn undelivered(&mut self, to: &NodeId, ice: &[IceServer], trust: Trust<'_>, now: Now) -> Vec<Outcome> {
        let waiting = self
            .links
            .iter()
            .find(|(_, link)| link.peer.node_id() == to && matches!(link.stage, Stage::AwaitingAnswer(_)))
            .map(|(id, _)| *id);
        let Some(id) = waiting else { return Vec::new() };
        if let Some(link) = self.links.get_mut(&id).filter(|link| link.rival.is_some()) {
            link.glare_until_ms = now.mono;
            return self.give_way(id, ice, trust, now);
        }
        self.close(id, DownReason::Unreachable)
    }

    pub(super) fn answered(&mut self, dial: DialId, frame: &[u8], trust: Trust<'_>, now: Now) -> Vec<Outcome> {
        let Some(id) = self.by_dial(dial) else { return Vec::new() };
        // A second answer is not heard: whoever forwards could end a session with an old one.
        let is_awaited = |link: &&mut Link| matches!(link.stage, Stage::AwaitingAnswer(_));
        let Some(link) = self.links.get_mut(&id).filter(is_awaited) else { return Vec::new() };
        let node = *link.peer.node_id();
        let Stage::AwaitingAnswer(handshake) = std::mem::replace(&mut link.stage, Stage::Gone) else { return Vec::new() };
        let opened = link.keys.as_mut().and_then(|keys| keys.open_answer(frame).ok());
        let Some((m2, description)) = opened else {
            // Whoever forwards can garble a frame; it must not end the dial of an honest answer behind it.
            link.stage = Stage::AwaitingAnswer(handshake);
            return Vec::new();
        };
        match handshake.receive_m2(&m2, description.fingerprint, &node, &trust.judge(now)) {
            Ok((handshake, op)) => {
                link.stage = Stage::UnwrappingM2(Box::new(handshake));
                link.answered_ms = now.mono;
                link.rival = None;
                let sdp = description.to_sdp(SdpKind::Answer);
                vec![Outcome::Key(LinkOp::UnwrapM2(id), op), Outcome::Effect(Effect::LinkAccept { link: id, sdp })]
            }
            Err(_) => self.close(id, DownReason::Refused),
        }
    }

    pub(super) fn m2_unwrapped(&mut self, id: LinkId, result: &KeyOpResult) -> Vec<Outcome> {
        let Some(link) = self.links.get_mut(&id) else { return Vec::new() };
        let Stage::UnwrappingM2(handshake) = std::mem::replace(&mut link.stage, Stage::Gone) else { return Vec::new() };
        match handshake.unwrapped(result, &mut self.rng) {
            Ok(waiting) => {
                link.stage = Stage::AwaitingChannel(Box::new(waiting));
                link.send_m3(id)
            }
            Err(_) => self.alert(id),
        }
    }

    pub(super) fn m4_received(&mut self, id: LinkId, handshake: AwaitM4, frame: &[u8], now: Now) -> Vec<Outcome> {
        let Ok(established) = handshake.receive_m4(frame) else { return self.alert(id) };
        let peer = established.peer.clone();
        let session = Session::new(established, self.rng.fork("session"), now);
        if let Some(link) = self.links.get_mut(&id) {
            link.stage = Stage::Up(Box::new(session));
        }
        self.establish(id, peer, now)
    }
}
