//! Certificates that are kept: to dial by, and to answer with whoever asks for one over this node.
//!
//! They come from sessions, from answers to this node's own questions, and from answers to others' that went by. All of them are verified
//! before they are kept, and looked at again before they are used: they may be over or revoked by then. Deliberately absent:
//! whether their owner is there.

use super::super::Node;
use crate::identity::VerifiedCertificate;
use crate::ordered::OrderedMap;
use crate::ring::{Message, RingId, Route, Service};
use crate::time::Now;

/// Certificates kept: 300 kB at most. Guess.
const CERTIFICATES_MAX: usize = 256;

/// Verified certificates by position.
#[derive(Default)]
pub(super) struct Certificates(OrderedMap<RingId, VerifiedCertificate>);

impl Certificates {
    /// Keeps a certificate; another goes where there is no room, whichever.
    pub fn remember(&mut self, peer: &VerifiedCertificate) {
        let place = RingId::of_node(peer.node_id());
        if self.0.len() >= CERTIFICATES_MAX && !self.0.contains_key(&place) {
            let gone = self.0.keys().find(|known| **known > place).or_else(|| self.0.keys().next()).copied();
            gone.map(|gone| self.0.remove(&gone));
        }
        self.0.insert(place, peer.clone());
    }

    /// Forgets one: perhaps its node has another by now.
    pub fn forget(&mut self, place: RingId) {
        self.0.remove(&place);
    }
}

impl Node {
    /// A certificate that is known already, and still good: nobody is asked for it again.
    pub(in crate::node) fn certificate_of(&self, place: RingId, now: Now) -> Option<&VerifiedCertificate> {
        let peer = self.overlay.certificates.0.get(&place)?;
        let is_good = peer.is_good_at(now.wall, self.revoked.as_ref()).is_ok() && !self.blocked.contains(peer.user_id());
        is_good.then_some(peer)
    }

    /// A certificate went by that somebody asked for over this node: the next who asks need not go further.
    pub(in crate::node) fn certificate_passed(&mut self, of: RingId, der: &[u8], now: Now) {
        if self.certificate_of(of, now).is_some() {
            return;
        }
        let peer = self.anchor.verify(der, now.wall, self.revoked.as_ref()).ok();
        if let Some(peer) = peer.filter(|peer| RingId::of_node(peer.node_id()) == of) {
            self.overlay.certificates.remember(&peer);
        }
    }

    /// The request for a certificate that is known here, and the certificate; nothing for any other message.
    pub(in crate::node) fn known_certificate<'a>(&self, message: &'a Message, now: Now) -> Option<(&'a Route, Vec<u8>)> {
        let Message::Route(route) = message else { return None };
        let asks = route.service == Service::Certificate && route.key != self.ring.me();
        let known = if asks { self.certificate_of(route.key, now) } else { None };
        known.map(|peer| (&**route, peer.der().to_vec()))
    }
}
