//! What fails without anybody's intent, beyond links that are cut: ends that do not know it, slowness, timers that come late.

use b4_protocol::node::{Input, LinkEnd, LinkId};

use super::{NodeIndex, World};

impl World {
    /// Open links of one machine to another.
    pub fn links_between(&self, one: NodeIndex, other: NodeIndex) -> Vec<LinkId> {
        self.ends_between(one, other).into_iter().map(|(_, link)| link).collect()
    }

    /// Cuts what is between two machines; both hear of it in the same moment.
    pub fn cut_between(&mut self, one: NodeIndex, other: NodeIndex) {
        let ends: Vec<(NodeIndex, u64, LinkId)> = [(one, other), (other, one)]
            .into_iter()
            .flat_map(|(at, to)| self.ends_between(at, to).into_iter().map(move |(number, link)| (at, number, link)))
            .collect();
        for (_, number, _) in &ends {
            self.ends.remove(number);
        }
        for (at, _, link) in ends {
            self.input(at, Input::LinkClosed { link, end: LinkEnd::Unreachable });
        }
    }

    /// One end of each link between two machines is gone and knows it; the other believes that it is open, and nobody tells it.
    pub fn half_open(&mut self, gone: NodeIndex, believer: NodeIndex) {
        for (number, link) in self.ends_between(gone, believer) {
            self.drop_end(number, None, 0);
            self.input(gone, Input::LinkClosed { link, end: LinkEnd::Unreachable });
        }
    }

    /// From now on nothing that one machine sends over the links it has reaches the other, and neither is told.
    pub fn silence(&mut self, from: NodeIndex, to: NodeIndex) {
        let unheard = self.ends_between(to, from).into_iter().map(|(number, _)| number);
        self.unheard.extend(unheard);
    }

    /// What a machine sends to others leaves so much later from now on: its page computes.
    pub fn set_slow(&mut self, node: NodeIndex, by_ms: u64) {
        self.machines[node].slow_ms = by_ms;
    }

    /// A machine's page is hidden: it may never run again.
    pub fn hide(&mut self, node: NodeIndex) {
        self.input(node, Input::Hiding);
    }

    /// A machine's timers come at multiples of this from now on: its page is in the background.
    pub fn throttle(&mut self, node: NodeIndex, every_ms: u64) {
        self.machines[node].wakes_every_ms = every_ms.max(1);
    }

    fn ends_between(&self, one: NodeIndex, other: NodeIndex) -> Vec<(u64, LinkId)> {
        let is_to_other = |number: Option<u64>| number.and_then(|number| self.ends.get(&number)).is_some_and(|end| end.node == other);
        let open = self.ends.values().filter(|end| end.node == one && end.is_open && is_to_other(end.remote));
        open.map(|end| (end.number, end.link)).collect()
    }
}
