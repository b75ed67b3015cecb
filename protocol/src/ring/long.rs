//! Long links: drawn at harmonic distances, drawn anew when they are old, closed when neither end has a use for them.

use super::message::{Aim, Message, Service};
use super::neighbour::Reason;
use super::requests::{Purpose, Request};
use super::tend::read_near;
use super::{Outcome, Ring, RingId, Side};
use crate::limits::{RING_LINKS_MAX, RING_REDRAW_MS, RING_SIDE_LINKS};
use crate::time::SECOND_MS;

/// Octaves by which the ring may grow or shrink before long links are drawn anew.
const GAP_OCTAVES: u8 = 2;
/// Age from which a link may be closed as of no use.
const SHED_AGE_MS: u64 = 60 * SECOND_MS;
/// Wait between two draws of long links: a newcomer comes gently.
const DRAW_MS: u64 = 500;

impl Ring {
    /// Draws long links where a stratum has none.
    pub(super) fn draw_long(&mut self, now_ms: u64, out: &mut Vec<Outcome>) {
        self.tending.is_draw_due = false;
        if self.neighbours.len() >= RING_LINKS_MAX || self.is_small() {
            return;
        }
        let strata = self.strata();
        let gap_now = self.gap_log2();
        let has = |wanted: u8| {
            self.neighbours.values().any(|neighbour| match neighbour.reason {
                Reason::Long { stratum, gap_log2, until_ms } => {
                    stratum == wanted && until_ms > now_ms && gap_log2.abs_diff(gap_now) <= GAP_OCTAVES
                }
                _ => false,
            })
        };
        let Some(stratum) = (0..strata).find(|stratum| self.tending.drawing & (1 << stratum) == 0 && !has(*stratum)) else { return };
        self.tending.is_draw_due = true;
        if now_ms < self.tending.draw_ms {
            return;
        }
        self.tending.draw_ms = now_ms + DRAW_MS + self.rng.below(DRAW_MS);
        self.tending.drawing |= 1 << stratum;
        let key = self.long_key(stratum, strata);
        let request = Request { service: Service::Find, aim: Aim::Key { rank: 0 }, key, body: Vec::new() };
        self.request_for(request, Purpose::Long(stratum), None, now_ms, out);
    }

    /// Tells the ends of links that nobody here has a use for, when there are more links than were aimed at; closes those that the other
    /// end has no use for either. None that is young: somebody may be about to need it.
    pub(super) fn shed(&mut self, now_ms: u64, out: &mut Vec<Outcome>) {
        if self.neighbours.len() <= self.config.links || self.is_small() {
            return;
        }
        let is_idle = |neighbour: &&super::Neighbour| {
            !matches!(neighbour.reason, Reason::Long { .. }) && now_ms >= neighbour.since_ms + SHED_AGE_MS && !self.is_beside_me(neighbour.id)
        };
        let idle: Vec<RingId> = self.neighbours.values().filter(is_idle).map(|neighbour| neighbour.id).collect();
        for peer in idle {
            let Some(neighbour) = self.neighbours.get_mut(&peer) else { continue };
            if neighbour.spares {
                out.push(Outcome::Close { peer, is_dead: false });
                self.unlinked(peer, now_ms, out);
            } else if !std::mem::replace(&mut neighbour.is_spared, true) {
                out.push(Outcome::Send { to: peer, message: Message::Spare });
            }
        }
    }

    /// How many long links this node draws: half of what is not beside it; the other half is drawn by others.
    fn strata(&self) -> u8 {
        u8::try_from(self.config.links.saturating_sub(2 * RING_SIDE_LINKS) / 2).unwrap_or(0).min(16)
    }

    /// A place at a harmonic distance: its logarithm is uniform between that of the mean gap and of half the circle, and the strata
    /// share that range, so that no octave is left out (Symphony; stratified).
    fn long_key(&mut self, stratum: u8, strata: u8) -> RingId {
        let (low, octaves) = self.octaves();
        let unit = self.rng.below(1 << 32) as f64 / f64::from(u32::MAX);
        let way = (low + (f64::from(stratum) + unit) / f64::from(strata) * octaves).exp2();
        let side = if self.rng.below(2) == 0 { Side::Next } else { Side::Previous };
        side.place(self.me, way as u128)
    }

    /// The logarithms to base 2 of the mean gap between nodes here, and of how much larger half the circle is.
    fn octaves(&self) -> (f64, f64) {
        let span = |side: Side| self.near(side).last().map_or(1, |last| side.way(self.me, *last)) as f64;
        let count = (self.near[0].len() + self.near[1].len()).max(1) as f64;
        let low = ((span(Side::Next) + span(Side::Previous)) / count).max(1.0).log2();
        (low, (127.0 - low).max(0.0))
    }

    pub(super) fn guessed_size(&self) -> u64 {
        (128.0 - self.octaves().0).exp2() as u64
    }

    fn gap_log2(&self) -> u8 {
        self.octaves().0 as u8
    }

    pub(super) fn long_found(&mut self, stratum: u8, by: RingId, body: &[u8], now_ms: u64, out: &mut Vec<Outcome>) {
        let told = read_near(body);
        let until_ms = now_ms + RING_REDRAW_MS + self.rng.below(RING_REDRAW_MS / 2);
        let reason = Reason::Long { stratum, gap_log2: self.gap_log2(), until_ms };
        // A link is used both ways: one that is there already and that nobody here drew serves as well.
        if let Some(neighbour) = self.neighbours.get_mut(&by).filter(|neighbour| neighbour.reason == Reason::Theirs) {
            neighbour.reason = reason;
            self.long_linked(by, stratum, now_ms, out);
            return;
        }
        let is_new = |id: &RingId| *id != self.me && !self.neighbours.contains_key(id) && self.tending.may_dial(*id, now_ms);
        match [by].into_iter().chain(told).find(is_new) {
            Some(to) => self.dial(to, reason, now_ms, out),
            None => self.long_not_found(stratum, now_ms),
        }
    }

    pub(super) fn long_not_found(&mut self, stratum: u8, now_ms: u64) {
        self.tending.drawing &= !(1 << stratum);
        self.tending.draw_ms = now_ms + 20 * DRAW_MS;
    }

    /// A long link of a stratum is up: its place is taken, and one that was to be replaced goes.
    pub(super) fn long_linked(&mut self, peer: RingId, stratum: u8, now_ms: u64, out: &mut Vec<Outcome>) {
        self.tending.drawing &= !(1 << stratum);
        let is_old = |id: RingId, reason: Reason| id != peer && matches!(reason, Reason::Long { stratum: drawn, .. } if drawn == stratum);
        let old: Vec<RingId> = self.neighbours.values().filter(|old| is_old(old.id, old.reason)).map(|old| old.id).collect();
        for id in old {
            if self.is_near(id) {
                if let Some(neighbour) = self.neighbours.get_mut(&id) {
                    neighbour.reason = Reason::Near;
                }
            } else {
                out.push(Outcome::Close { peer: id, is_dead: false });
                self.unlinked(id, now_ms, out);
            }
        }
    }
}
