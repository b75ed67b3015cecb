//! Sessions that the ring has no use for, and the mail may have: a holder whose ring is full would else hang up before anything is
//! offered, again and again. They are kept until nothing was said over them about mail for a while.

use super::Node;
use crate::identity::UserId;
use crate::limits::{MAIL_IDLE_MS, MAIL_LINKS_MAX};
use crate::ring::{Message, RingId};
use crate::time::Now;

impl Node {
    /// The ring has no use for a session. True where it is kept: it is young, so somebody wants something of it. Beyond the bound the one
    /// that was idle longest goes.
    pub(in crate::node) fn mail_keeps(&mut self, place: RingId, now: Now) -> bool {
        let since_ms = self.links.peers().find(|(peer, _)| RingId::of_node(peer.node_id()) == place).map(|(_, since_ms)| since_ms);
        if since_ms.is_none_or(|since_ms| since_ms + MAIL_IDLE_MS <= now.mono) {
            return false;
        }
        self.mail.lent.insert(place, now.mono);
        if self.mail.lent.len() > MAIL_LINKS_MAX {
            let others = self.mail.lent.iter().filter(|(other, _)| **other != place);
            if let Some(oldest) = others.min_by_key(|(_, at)| **at).map(|(other, _)| *other) {
                self.give_up_lent(oldest, now);
            }
        }
        true
    }

    /// Whether the session with `user` is kept for the mail alone.
    pub(in crate::node) fn is_of_the_mail(&self, user: &UserId) -> bool {
        self.node_of(user).is_some_and(|node| self.mail.lent.contains_key(&RingId::of_node(&node)))
    }

    /// Something about mail was said over a session.
    pub(super) fn mail_used(&mut self, place: RingId, now: Now) {
        if let Some(at) = self.mail.lent.get_mut(&place) {
            *at = now.mono;
        }
    }

    /// The ring at the other end wants a session again that both had no use for: so it is a link of this ring, too.
    pub(in crate::node) fn mail_gives_back(&mut self, user: &UserId, message: &Message, now: Now) {
        let Some(place) = self.place_of(user).filter(|place| matches!(message, Message::Hello { .. }) && !self.ring.is_linked(*place)) else {
            return;
        };
        if self.mail.lent.remove(&place).is_some() {
            self.ring_input(now, |ring, out| ring.linked(place, now.mono, out));
        }
    }

    pub(super) fn lent_wake(&mut self, now: Now) {
        let idle: Vec<RingId> = self.mail.lent.iter().filter(|(_, at)| **at + MAIL_IDLE_MS <= now.mono).map(|(place, _)| *place).collect();
        idle.into_iter().for_each(|place| self.give_up_lent(place, now));
    }

    fn give_up_lent(&mut self, place: RingId, now: Now) {
        self.mail.lent.remove(&place);
        let Some(user) = self.peer_at(place).map(|peer| peer.user_id().clone()) else { return };
        if !self.ring.is_linked(place) && !self.has_use_for(&user, now) {
            self.link_input(now, |links, _, _| links.hang_up(&user, now));
        }
    }
}
