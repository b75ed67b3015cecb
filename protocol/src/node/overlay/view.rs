//! How the network looks from this node: what the picture, the numbers and the table of the screen are made of. What happens in the ring
//! is not here; from there come counts and what was asked.

use super::Asked;
use crate::limits::CONNECTIONS_SPARING;
use crate::node::{Effect, Event, LinkKind, LinkView, LookupView, NetworkView, Node};
use crate::ring::{PathId, Reason, RequestId, RingId, Side};
use crate::time::{Now, SECOND_MS};

/// Answered questions kept for the picture.
const LOOKUPS_SHOWN: usize = 8;
/// Least time between two pictures of the network.
const VIEW_MS: u64 = SECOND_MS;

impl Node {
    pub(super) fn note_lookup(&mut self, (id, path, asked): (RequestId, PathId, Asked), by: RingId, hops: u8, took_ms: u64) {
        let part = |place: RingId| (self.ring.me().clockwise_to(place) >> 96) as u32;
        let Some(first) = self.ring.came_over(path).and_then(|first| self.peer_at(first)).map(|peer| *peer.node_id()) else { return };
        let key = match asked {
            Asked::Certificate { of } => of,
            Asked::Signal { to, .. } => RingId::of_node(&to),
            Asked::Lookup { key, .. } => key,
            Asked::Shelf { shelf } => RingId::of_bytes(&shelf),
            Asked::Publish | Asked::Copy { .. } => return,
        };
        let view = LookupView { number: id.0, first, key: part(key), by: part(by), hops, took_ms };
        self.overlay.lookups.insert(0, view);
        self.overlay.lookups.truncate(LOOKUPS_SHOWN);
    }

    pub(in crate::node) fn watch_network(&mut self, on: bool, now: Now) {
        self.overlay.view_ms = on.then_some(now.mono);
        self.show_network(now);
    }

    /// What the picture says first of all has changed: it does not wait for its time.
    pub(in crate::node) fn show_network_now(&mut self, now: Now) {
        self.overlay.view_ms = self.overlay.view_ms.map(|due_ms| due_ms.min(now.mono));
        self.show_network(now);
    }

    /// Sends the picture, if it is wanted and due.
    pub(super) fn show_network(&mut self, now: Now) {
        if self.overlay.view_ms.is_none_or(|due_ms| due_ms > now.mono) {
            return;
        }
        self.overlay.view_ms = Some(now.mono + VIEW_MS);
        let view = self.network_view(now);
        self.effects.push(Effect::Notify(Event::NetworkViewed(Box::new(view))));
    }

    fn network_view(&self, now: Now) -> NetworkView {
        let mut links: Vec<(u128, LinkView)> = Vec::new();
        let holders = self.own_holders();
        for (place, reason, rtt_ms) in self.ring.links() {
            let Some((peer, since_ms)) = self.links.peers().find(|(peer, _)| RingId::of_node(peer.node_id()) == place) else { continue };
            let user = peer.user_id().clone();
            let is_beside = Side::BOTH.into_iter().any(|side| self.ring.near(side).iter().take(3).any(|near| *near == place));
            let kind = match reason {
                _ if is_beside => LinkKind::Near,
                Reason::Long { .. } => LinkKind::Long,
                Reason::Near | Reason::Theirs => LinkKind::Theirs,
            };
            let view = LinkView {
                node: *peer.node_id(),
                is_chat: self.has_use_for(&user, now),
                is_holder: holders.contains(&place),
                user,
                kind,
                rtt_ms: rtt_ms.and_then(|rtt| u32::try_from(rtt).ok()),
                age_ms: now.mono.saturating_sub(since_ms),
            };
            let way = self.ring.me().clockwise_to(place);
            // Few as they are, they are put in order one by one: the library's sort is larger than all of this.
            let at = links.partition_point(|(other, _)| *other < way);
            links.insert(at, (way, view));
        }
        NetworkView {
            is_relay_up: self.relay.is_up(),
            standing: self.ring.standing(),
            me: *self.own.node_id(),
            links: links.into_iter().map(|(_, view)| view).collect(),
            known: self.ring.known(),
            estimate: self.ring.estimate(),
            ring_bytes: self.overlay.bytes,
            connections_made: self.overlay.connections_made,
            lookups: self.overlay.lookups.clone(),
        }
    }

    /// Counts peer connections as they are ordered.
    pub(in crate::node) fn count_connection(&mut self, effect: &Effect) {
        if matches!(effect, Effect::LinkOffer { .. } | Effect::LinkAnswer { .. }) {
            self.overlay.connections_made += 1;
            if self.overlay.connections_made == CONNECTIONS_SPARING {
                self.ring.draw_no_more();
            }
        }
    }
}
