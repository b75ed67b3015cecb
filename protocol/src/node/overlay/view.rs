//! How the network looks from this node: what the picture, the numbers and the table of the screen are made of. What happens in the ring
//! is not here; from there come counts and what was asked.

#[cfg(test)]
mod tests;

use super::Asked;
use crate::limits::{CONNECTIONS_SPARING, RING_PATH_MS, RING_SIDE_LINKS};
use crate::node::{Effect, Event, LinkKind, LinkView, LookupView, NetworkView, Node, Sought, WayView};
use crate::ring::{PathId, Reason, RequestId, RingId, Side};
use crate::session::RING;
use crate::time::{Now, SECOND_MS};

/// Requests that are over and kept for the picture.
const LOOKUPS_SHOWN: usize = 8;
/// Least time between two pictures of the network.
const VIEW_MS: u64 = SECOND_MS;

impl Node {
    /// A request of this node is over: answered by somebody, or failed on all its tries.
    pub(super) fn note_lookup(&mut self, (id, asked, until_ms): (RequestId, Asked, u64), end: Option<(PathId, RingId, u8)>, now: Now) {
        self.overlay.answered += u64::from(end.is_some_and(|(_, by, hops)| hops > 0 && by != self.ring.me()));
        let (sought, key) = match asked {
            Asked::Certificate { of } => (Sought::Device, of),
            Asked::Signal { to, .. } => (Sought::Device, RingId::of_node(&to)),
            Asked::Lookup { key, .. } => match self.overlay.names.get(&key) {
                Some((user, _)) => (Sought::Person(user.clone()), key),
                None => return,
            },
            Asked::Shelf { shelf } => (Sought::Shelf, RingId::of_bytes(&shelf)),
            Asked::Publish | Asked::Copy { .. } | Asked::Return { .. } => return,
        };
        let part = |place: RingId| (self.ring.me().clockwise_to(place) >> 96) as u32;
        let way = match end {
            Some((path, by, hops)) => {
                let Some(first) = self.ring.came_over(path).and_then(|first| self.peer_at(first)).map(|peer| *peer.node_id()) else { return };
                Some(WayView { first, by: part(by), hops })
            }
            None => None,
        };
        let took_ms = now.mono.saturating_sub(until_ms.saturating_sub(RING_PATH_MS));
        let view = LookupView { number: id.0, sought, key: part(key), way, took_ms, ago_ms: 0 };
        self.overlay.lookups.insert(0, (now.mono, view));
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
        let (holders, is_small) = (self.own_holders(), self.ring.is_small());
        for (place, reason, rtt_ms) in self.ring.links() {
            let Some((peer, since_ms)) = self.links.peers().find(|(peer, _)| RingId::of_node(peer.node_id()) == place) else { continue };
            let user = peer.user_id().clone();
            let is_beside = Side::BOTH.map(|side| self.ring.near(side).iter().take(RING_SIDE_LINKS).any(|near| *near == place));
            let view = LinkView {
                node: *peer.node_id(),
                is_chat: self.has_use_for(&user, now),
                is_holder: holders.contains(&place),
                user,
                kind: kind(is_beside, reason, is_small),
                rtt_ms: rtt_ms.and_then(|rtt| u32::try_from(rtt).ok()),
                age_ms: now.mono.saturating_sub(since_ms),
            };
            let way = self.ring.me().clockwise_to(place);
            // Few as they are, they are put in order one by one: the library's sort is larger than all of this.
            let at = links.partition_point(|(other, _)| *other < way);
            links.insert(at, (way, view));
        }
        let lookups = self.overlay.lookups.iter().map(|(ended_ms, view)| LookupView { ago_ms: now.mono.saturating_sub(*ended_ms), ..view.clone() });
        NetworkView {
            is_relay_up: self.relay.is_up(),
            standing: self.ring.standing(),
            me: *self.own.node_id(),
            links: links.into_iter().map(|(_, view)| view).collect(),
            known: self.ring.known(),
            estimate: self.ring.estimate(),
            ring_bytes: self.overlay.bytes,
            connections_made: self.overlay.connections_made,
            answered: self.overlay.answered,
            lookups: lookups.collect(),
        }
    }

    /// Counts peer connections as they are ordered, and records of the ring as they go out.
    pub(in crate::node) fn count_effect(&mut self, effect: &Effect) {
        match effect {
            Effect::LinkSend { channel: RING, frame, .. } => self.overlay.bytes.0 += frame.len() as u64,
            Effect::LinkOffer { .. } | Effect::LinkAnswer { .. } => {
                self.overlay.connections_made += 1;
                if self.overlay.connections_made == CONNECTIONS_SPARING {
                    self.ring.draw_no_more();
                }
            }
            _ => {}
        }
    }

    /// Counts a record as it came in.
    pub(in crate::node) fn count_record(&mut self, channel: u16, record: &[u8]) {
        if channel == RING {
            self.overlay.bytes.1 += record.len() as u64;
        }
    }
}

/// Why there is a link to somebody who is among the next on these sides, or on none.
fn kind([is_next, is_previous]: [bool; 2], reason: Reason, is_small: bool) -> LinkKind {
    match (is_next, is_previous, reason) {
        (true, true, _) => LinkKind::Near(None),
        (true, false, _) => LinkKind::Near(Some(Side::Next)),
        (false, true, _) => LinkKind::Near(Some(Side::Previous)),
        (_, _, Reason::Long { .. }) => LinkKind::Long,
        _ if is_small => LinkKind::Small,
        (_, _, Reason::Near) => LinkKind::Once,
        (_, _, Reason::Theirs) => LinkKind::Theirs,
    }
}
