//! Peer connections: how their ends find each other, open, and break.

use b4_protocol::node::{Input, LinkEnd, LinkId};

use super::{Event, NodeIndex, World};
use crate::end::End;

impl World {
    /// Two machines without a path between them.
    pub fn separate(&mut self, a: NodeIndex, b: NodeIndex) {
        self.unconnectable.insert((a.min(b), a.max(b)));
    }

    /// There is a path between two machines again.
    pub fn reunite(&mut self, a: NodeIndex, b: NodeIndex) {
        self.unconnectable.remove(&(a.min(b), a.max(b)));
    }

    /// Cuts every link of a machine in the middle of everything.
    pub fn cut_links(&mut self, node: NodeIndex) {
        let ends: Vec<(u64, LinkId)> = self.ends.values().filter(|end| end.node == node).map(|end| (end.number, end.link)).collect();
        for (number, link) in ends {
            self.drop_end(number, Some(LinkEnd::Unreachable), 0);
            self.input(node, Input::LinkClosed { link, end: LinkEnd::Unreachable });
        }
    }

    pub(super) fn describe(&mut self, node: NodeIndex, link: LinkId, remote: Option<&str>) {
        let number = self.draw_number();
        *self.connections_made.entry(node).or_default() += 1;
        let end = End {
            node,
            link,
            number,
            remote: remote.and_then(End::number_of),
            is_open: false,
            has_candidate: false,
        };
        self.ends.insert(number, end);
        let life = self.machines[node].life;
        let sdp = End::sdp(number, remote.is_none());
        self.schedule(3, Event::Input { node, life, input: Input::LinkDescribed { link, sdp } });
        let candidate = End::candidate(number);
        self.schedule(5, Event::Input { node, life, input: Input::LinkCandidate { link, candidate } });
        self.try_open(number);
    }

    /// Opens a channel when both ends have set each other's descriptions and one has a candidate of the other.
    pub(super) fn try_open(&mut self, number: u64) {
        let Some(end) = self.ends.get(&number).cloned() else { return };
        let Some(other) = end.remote.and_then(|other| self.ends.get(&other)).cloned() else { return };
        let (a, b) = (end.node.min(other.node), end.node.max(other.node));
        let has_path = (end.has_candidate || other.has_candidate) && !self.unconnectable.contains(&(a, b));
        if other.remote != Some(number) || !has_path || end.is_open || other.is_open {
            return;
        }
        for at in [number, other.number] {
            self.schedule_in_order((at, true), Event::Opened { end: at });
        }
    }

    /// Takes one end away; the other hears of it after `after_ms` and the latency.
    pub(super) fn drop_end(&mut self, number: u64, how: Option<LinkEnd>, after_ms: u64) {
        let Some(end) = self.ends.remove(&number) else { return };
        let other = end.remote.filter(|other| self.ends.get(other).is_some_and(|other| other.remote == Some(number)));
        if let (Some(other), Some(how)) = (other, how) {
            let delay = after_ms + self.latency();
            let key = (other, true);
            let arrival = self.last_arrival.get(&key).copied().unwrap_or(0).max(self.now_ms + delay);
            self.last_arrival.insert(key, arrival);
            self.schedule(arrival - self.now_ms, Event::Ended { end: other, how });
        }
    }

    /// Puts a frame on its way to the other end of an open link.
    pub(super) fn send_frame(&mut self, node: NodeIndex, link: LinkId, channel: u16, frame: Vec<u8>) {
        self.watch_frame(&frame);
        let other = self.end_of(node, link).filter(|end| end.is_open).and_then(|end| end.remote);
        if let Some(other) = other.filter(|other| !self.unheard.contains(other)) {
            let wait_ms = self.machines[node].slow_ms;
            self.schedule_in_order_after(wait_ms, (other, true), Event::Frame { end: other, channel, frame });
        }
    }

    pub(super) fn end_of(&self, node: NodeIndex, link: LinkId) -> Option<&End> {
        self.ends.values().find(|end| end.node == node && end.link == link)
    }
}
