//! A large world seen from above: how many are where, and whether they stand right.

use b4_protocol::ring::{Ring, RingId, Side};

use super::{Counted, NodeIndex, Overlay};

impl Overlay {
    /// What was counted since the beginning.
    pub fn counted(&self) -> Counted {
        self.traffic.counted
    }

    /// Takes how long it took from the start of nodes to the answer to their first request, in milliseconds: from when on the ring
    /// routes what they say. Those are in it that were answered since the last time.
    pub fn take_first_routed_ms(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.traffic.first_routed_ms)
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

    /// Positions of the running nodes, ascending.
    pub fn live_ids(&self) -> impl Iterator<Item = RingId> {
        self.live.keys().copied()
    }

    /// Positions of the members, ascending.
    pub fn member_ids(&self) -> impl Iterator<Item = RingId> {
        self.members.keys().copied()
    }

    /// Whether the node at a position is a member.
    pub fn is_member(&self, id: RingId) -> bool {
        self.members.contains_key(&id)
    }

    /// The ring of the running node at a position.
    pub fn ring_at(&self, id: RingId) -> Option<&Ring> {
        self.node_at(id).and_then(|node| self.ring(node))
    }

    /// The running node at a position.
    pub fn node_at(&self, id: RingId) -> Option<NodeIndex> {
        self.live.get(&id).copied()
    }

    /// The open links of a node: the other end's position, which node it is, and the link's number.
    pub fn links_of(&self, node: NodeIndex) -> impl Iterator<Item = (RingId, NodeIndex, u64)> {
        self.nodes[node as usize].links.iter().map(|(peer, (at, link))| (*peer, *at, *link))
    }

    /// Whether this end of a link will hear that it is gone.
    pub fn is_dying(&self, node: NodeIndex, link: u64) -> bool {
        self.dying.contains(&(node, link))
    }

    /// Whether any end of a link will hear that it is gone.
    pub fn is_any_dying(&self) -> bool {
        !self.dying.is_empty()
    }

    /// Whether the network is in two halves.
    pub fn is_split(&self) -> bool {
        self.is_split
    }

    /// From now on every message is looked at before it is sent.
    pub fn set_strict(&mut self) {
        self.is_strict = true;
    }

    /// What was wrong with the first that should not have been sent.
    pub fn complaint(&self) -> Option<&str> {
        self.complaint.as_deref()
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
