//! Links that an experiment asks for: whether any two nodes reach each other, and how soon. As in the product, a dial that fails is made again after a
//! while; unlike there, after five it is given up.

use std::collections::BTreeMap;

use b4_protocol::limits::REDIAL_MIN_MS;

use super::{Event, NodeIndex, Overlay, RingId};

/// Dials before two are given up: where 3 % of set-ups fail, so many do once in 40 million.
const DIALS_MAX: u8 = 5;

/// How it went: from the order to the open link in milliseconds, unless there never was one, and how many dials it took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReachResult {
    /// The time.
    pub took_ms: Option<u64>,
    /// The dials.
    pub dials: u8,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    began_ms: u64,
    dials: u8,
}

/// Who is being reached by whom, and what came of it since that was last taken.
#[derive(Debug, Default)]
pub(super) struct Reaches {
    open: BTreeMap<(NodeIndex, RingId), Open>,
    done: Vec<ReachResult>,
}

impl Overlay {
    /// Two running nodes without a link between them, of whom it is not drawn that they can never connect: that has nothing to do with the ring.
    pub fn draw_strangers(&mut self) -> Option<(NodeIndex, RingId)> {
        // In a small ring everybody is linked to everybody.
        for _ in 0..1_000 {
            let (by, to) = (self.draw_live()?, self.draw_live()?);
            let place = self.nodes[to as usize].id;
            let is_linked = self.nodes[by as usize].links.contains_key(&place) || self.reaches.open.contains_key(&(by, place));
            if by != to && self.can_connect(by, to) && !is_linked {
                return Some((by, place));
            }
        }
        None
    }

    /// A node is to open a link to this one. What it takes is what any dial takes: a certificate and sealed signalling, routed through the ring, or
    /// through the relay where that has just introduced them.
    pub fn reach(&mut self, by: NodeIndex, to: RingId) {
        self.reaches.open.insert((by, to), Open { began_ms: self.now_ms, dials: 0 });
        self.reach_again(by, to);
    }

    /// How many are under way.
    pub fn reaches_open(&self) -> usize {
        self.reaches.open.len()
    }

    /// Takes what came of them.
    pub fn take_reaches(&mut self) -> Vec<ReachResult> {
        std::mem::take(&mut self.reaches.done)
    }

    pub(super) fn reach_again(&mut self, by: NodeIndex, to: RingId) {
        if let Some(open) = self.reaches.open.get_mut(&(by, to)) {
            open.dials += 1;
            self.dial(by, to);
            self.arm(by);
        }
    }

    /// A link is up, whoever of the two dialled.
    pub(super) fn reached(&mut self, by: NodeIndex, to: RingId) {
        if let Some(open) = self.reaches.open.remove(&(by, to)) {
            self.reaches.done.push(ReachResult { took_ms: Some(self.now_ms - open.began_ms), dials: open.dials });
        }
    }

    /// A dial failed.
    pub(super) fn reach_failed(&mut self, by: NodeIndex, to: RingId) {
        let Some(open) = self.reaches.open.get(&(by, to)).copied() else { return };
        if open.dials < DIALS_MAX {
            self.schedule(REDIAL_MIN_MS << (open.dials - 1), Event::Reach { by, to });
        } else {
            self.reaches.open.remove(&(by, to));
            self.reaches.done.push(ReachResult { took_ms: None, dials: open.dials });
        }
    }

    /// Who was to reach others is gone.
    pub(super) fn reach_void(&mut self, by: NodeIndex) {
        if !self.reaches.open.is_empty() {
            self.reaches.open.retain(|(node, _), _| *node != by);
        }
    }
}
