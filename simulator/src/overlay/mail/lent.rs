//! Links that the ring has no use for, and the mail may have: kept until nothing was said over them for a while.

use b4_protocol::limits::{MAIL_IDLE_MS, MAIL_LINKS_MAX};
use b4_protocol::ring::{Message, Ring, RingId};

use super::{NodeIndex, Overlay};

impl Overlay {
    /// A link is open; the ring hears it next.
    pub(in crate::overlay) fn mail_notes(&mut self, node: NodeIndex, peer: RingId) {
        let now_ms = self.now_ms;
        if let Some(mail) = self.nodes[node as usize].mail.as_mut() {
            mail.since_ms.insert(peer, now_ms);
        }
    }

    /// The ring has no use for a link. True where the mail keeps it: it is young, so somebody wants something of it. Beyond the bound
    /// the one that was idle longest goes.
    pub(in crate::overlay) fn mail_keeps(&mut self, node: NodeIndex, peer: RingId) -> bool {
        let now_ms = self.now_ms;
        if self.post.as_ref().is_none_or(|post| !post.config.keeps_links) {
            return false;
        }
        let Some(mail) = self.nodes[node as usize].mail.as_mut() else { return false };
        if mail.since_ms.get(&peer).is_none_or(|since_ms| since_ms + MAIL_IDLE_MS <= now_ms) {
            return false;
        }
        mail.lent.insert(peer, now_ms);
        if mail.lent.len() > MAIL_LINKS_MAX {
            let oldest = mail.lent.iter().filter(|(other, _)| **other != peer).min_by_key(|(_, at)| **at).map(|(other, _)| *other);
            if let Some(oldest) = oldest {
                mail.lent.remove(&oldest);
                self.close(node, oldest);
            }
        }
        self.mail_arm(node);
        true
    }

    /// Something of the mail was said over a link.
    pub(super) fn mail_used(&mut self, node: NodeIndex, peer: RingId) {
        let now_ms = self.now_ms;
        if let Some(at) = self.nodes[node as usize].mail.as_mut().and_then(|mail| mail.lent.get_mut(&peer)) {
            *at = now_ms;
        }
    }

    /// The ring wants a link to a node: one that the mail has will do.
    pub(in crate::overlay) fn mail_gives_back(&mut self, node: NodeIndex, peer: RingId) -> bool {
        let is_lent = self.nodes[node as usize].mail.as_mut().is_some_and(|mail| mail.lent.remove(&peer).is_some());
        if is_lent {
            self.later(node, |ring, now_ms, out| ring.linked(peer, now_ms, out));
        }
        is_lent
    }

    /// The ring at the other end has taken a link again.
    pub(in crate::overlay) fn mail_hears(&mut self, node: NodeIndex, from: RingId, message: &Message) {
        if matches!(message, Message::Hello { .. }) && !self.nodes[node as usize].ring.as_ref().is_some_and(|ring| ring.is_linked(from)) {
            self.mail_gives_back(node, from);
        }
    }

    /// Closes what is idle.
    pub(super) fn close_idle(&mut self, node: NodeIndex) {
        let now_ms = self.now_ms;
        let state = &mut self.nodes[node as usize];
        let (Some(mail), ring) = (state.mail.as_mut(), state.ring.as_ref()) else { return };
        mail.lent.retain(|peer, _| !ring.is_some_and(|ring: &Ring| ring.is_linked(*peer)));
        let idle: Vec<RingId> = mail.lent.iter().filter(|(_, at)| **at + MAIL_IDLE_MS <= now_ms).map(|(peer, _)| *peer).collect();
        for peer in idle {
            self.close(node, peer);
        }
    }
}
