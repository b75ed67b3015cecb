//! Who is to be trusted, and what enemies do: revocation, new keys under an old name, clocks that are off, forged frames.

use std::collections::BTreeMap;

use b4_protocol::identity::testing::{NOW_MS, TestDevice};
use b4_protocol::identity::{RevocationList, TrustAnchor};
use b4_protocol::node::{Input, LinkId};
use b4_protocol::session::LIVE;
use b4_protocol::time::DAY_MS;

use super::{NodeIndex, World};

impl World {
    /// What everybody trusts.
    pub fn anchor(&self) -> &TrustAnchor {
        self.authority.anchor()
    }

    /// Somebody with a certificate and no machine: an enemy inside.
    pub fn insider(&mut self, user: &str) -> TestDevice {
        self.authority.issue(user, NOW_MS)
    }

    /// A device of this user whose certificate ended long ago.
    pub fn expired(&mut self, user: &str) -> TestDevice {
        self.authority.issue(user, NOW_MS - 365 * DAY_MS)
    }

    /// A machine's device: certificate and private keys.
    pub fn device(&self, node: NodeIndex) -> &TestDevice {
        &self.machines[node].device
    }

    /// The user of a machine gets new keys under the old name, on a new machine; the old one ends.
    pub fn rekeyed(&mut self, node: NodeIndex) -> NodeIndex {
        self.kill(node);
        let user = self.user(node);
        self.names.clear(&user);
        let device = self.authority.issue(user.as_str(), NOW_MS);
        self.enter(device)
    }

    /// The authority takes a machine's certificate back and signs a new list. Nobody has it yet.
    pub fn revoke(&mut self, node: NodeIndex) {
        self.revoked.insert(self.machines[node].device.certificate.serial_hash());
        self.publish();
    }

    /// The authority signs a list of now.
    pub fn publish(&mut self) {
        let sequence = self.published.as_ref().map_or(0, RevocationList::sequence) + 1;
        let now = self.now();
        let list = self.authority.issuer().sign_revocations(&mut self.rng, sequence, now.wall, &self.revoked);
        self.published = RevocationList::decode_verified(&list, self.authority.anchor(), None).ok();
    }

    /// A machine fetches the newest list.
    pub fn fetch_revocations(&mut self, node: NodeIndex) {
        if let Some(list) = self.published.clone() {
            self.input(node, Input::Revocations(list));
        }
    }

    /// Sets a machine's wall clock off by so much.
    pub fn set_clock(&mut self, node: NodeIndex, off_ms: i64) {
        self.machines[node].clock_ms = off_ms;
    }

    /// The relay, or whoever holds its place, sends a machine these bytes.
    pub fn forge_relay_frame(&mut self, node: NodeIndex, bytes: Vec<u8>) {
        self.input(node, Input::RelayFrame(bytes));
    }

    /// From now on everything that the relay sends is kept.
    pub fn keep_relay_frames(&mut self) {
        self.kept = Some(Vec::new());
    }

    /// What was kept, to be played again.
    pub fn kept_relay_frames(&mut self) -> Vec<(NodeIndex, Vec<u8>)> {
        self.kept.take().unwrap_or_default()
    }

    /// The other end of each of a machine's links sends these bytes.
    pub fn forge_link_frames(&mut self, node: NodeIndex, frame: &[u8]) {
        for link in self.links_of(node) {
            self.input(node, Input::LinkFrame { link, channel: LIVE, frame: frame.to_vec() });
        }
    }

    /// Open links of a machine.
    pub fn links_of(&self, node: NodeIndex) -> Vec<LinkId> {
        self.ends.values().filter(|end| end.node == node && end.is_open).map(|end| end.link).collect()
    }

    /// Peer connections that each machine has made since the world began.
    pub fn connections_made(&self) -> &BTreeMap<NodeIndex, usize> {
        &self.connections_made
    }
}
