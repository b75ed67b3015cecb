//! What goes wrong in a large world, beside nodes that end: deafness, hostile nodes, sleep, a split network, the end of the relay.

use b4_protocol::ring::{Message, Outcome, PathId};

use super::{NodeIndex, Overlay, RingId};

impl Overlay {
    /// From now on nobody hears of a crash, or does again.
    pub fn set_deaf(&mut self, is_deaf: bool) {
        self.is_deaf = is_deaf;
    }

    /// Makes a node take requests and drop them.
    pub fn set_dropper(&mut self, node: NodeIndex) {
        self.nodes[node as usize].is_dropper = true;
    }

    /// From now on droppers lie about it.
    pub fn set_lying(&mut self) {
        self.is_lying = true;
    }

    /// A dropper that lies says that it passed a request on, to each of those who should answer it: so that its originator avoids them.
    pub(super) fn lie(&mut self, dropper: NodeIndex, to: RingId, path: PathId, key: RingId) {
        let named: Vec<RingId> = if self.is_lying { self.responsible(key).collect() } else { Vec::new() };
        for next in named {
            self.run_one(dropper, Outcome::Send { to, message: Message::Late { path, next: next.head() } });
        }
    }

    /// Whether it does.
    pub fn is_dropper(&self, node: NodeIndex) -> bool {
        self.nodes[node as usize].is_dropper
    }

    /// Lets a node sleep: it handles nothing until then. Where silence is noticed, its links are given up after a while.
    pub fn suspend(&mut self, node: NodeIndex, span_ms: u64) {
        let until_ms = self.now_ms + span_ms;
        let state = &mut self.nodes[node as usize];
        state.suspended_until_ms = until_ms;
        let (id, model) = (state.id, self.config.links);
        if model.silent == 0.0 {
            return;
        }
        let links: Vec<(RingId, NodeIndex, u64)> = state.links.iter().map(|(peer, (at, link))| (*peer, *at, *link)).collect();
        for (peer, at, link) in links {
            let delay = self.draw_between(model.detection_ms);
            if delay < span_ms {
                self.gone_in(delay, at, id, link);
                self.gone_in(delay, node, peer, link);
            }
        }
    }

    /// Whether it sleeps.
    pub fn is_asleep(&self, node: NodeIndex) -> bool {
        self.nodes[node as usize].suspended_until_ms > self.now_ms
    }

    /// Cuts the network in two halves: no message passes, links between them are found dead as those to a silent node are.
    pub fn split(&mut self) {
        self.is_split = true;
        let model = self.config.links;
        for node in self.live.values().copied().collect::<Vec<_>>() {
            let links: Vec<(RingId, NodeIndex, u64)> =
                self.nodes[node as usize].links.iter().map(|(peer, (at, link))| (*peer, *at, *link)).collect();
            for (peer, at, link) in links {
                if self.is_apart(node, at) {
                    let delay = if model.silent > 0.0 { self.draw_between(model.detection_ms) } else { self.latency(node, at) };
                    self.gone_in(delay, node, peer, link);
                }
            }
        }
    }

    /// Kills the relay for good: it introduces nobody any more and passes no signalling on. Whoever starts now, or loses every link, stays alone
    /// until somebody dials it.
    pub fn kill_relay(&mut self) {
        self.is_relay_dead = true;
    }

    /// Joins the halves again. Nobody is told: the relay's introductions are the only witnesses.
    pub fn heal(&mut self) {
        self.is_split = false;
    }
}
