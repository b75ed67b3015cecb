//! A large world seen from above: how many are where, and whether they stand right.

use b4_protocol::ring::{Ring, RingId, Side};

use super::{Counted, NodeIndex, Overlay};

impl Overlay {
    /// What was counted since the beginning.
    pub fn counted(&self) -> Counted {
        self.traffic.counted
    }

    /// How many run.
    pub fn live_count(&self) -> usize {
        self.live.len()
    }

    /// How many of them are members.
    pub fn member_count(&self) -> usize {
        self.members.len()
    }

    /// The running nodes, ascending by position.
    pub fn running(&self) -> Vec<NodeIndex> {
        self.live.values().copied().collect()
    }

    /// A running node's ring.
    pub fn ring(&self, node: NodeIndex) -> Option<&Ring> {
        self.nodes[node as usize].ring.as_ref()
    }

    /// The running nodes' rings, ascending by position.
    pub fn rings(&self) -> impl Iterator<Item = &Ring> {
        self.live.values().filter_map(|index| self.nodes[*index as usize].ring.as_ref())
    }

    /// Links of the running nodes: mean and most.
    pub fn degrees(&self) -> (f64, usize) {
        let (sum, most) = self.rings().map(Ring::degree).fold((0, 0), |(sum, most), degree| (sum + degree, most.max(degree)));
        (sum as f64 / self.live.len().max(1) as f64, most)
    }

    /// Running nodes whose first successor is not the true one.
    pub fn misplaced(&self) -> usize {
        let ids: Vec<RingId> = self.live.keys().copied().collect();
        let is_wrong = |(at, ring): &(usize, &Ring)| ring.near(Side::Next).first() != Some(&ids[(at + 1) % ids.len()]);
        self.rings().enumerate().filter(is_wrong).count()
    }

    /// Whether every running node is a member and stands where it should: one ring.
    pub fn is_whole(&self) -> bool {
        self.member_count() == self.live_count() && (self.live_count() < 2 || self.misplaced() == 0)
    }
}
