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
/// Bits behind the point of a logarithm: 2^-16 of an octave, times 16 strata and 63 octaves, fits 64 bits.
const LOG_FRACTION_BITS: u32 = 16;

impl Ring {
    /// Draws long links where a stratum has none.
    pub(super) fn draw_long(&mut self, now_ms: u64, out: &mut Vec<Outcome>) {
        self.tending.is_draw_due = false;
        if self.neighbours.len() >= RING_LINKS_MAX || self.is_small() {
            return;
        }
        let strata = self.strata();
        let gap_now = self.gap_log2();
        let mut taken = self.tending.drawing;
        for neighbour in self.neighbours.values() {
            if let Reason::Long { stratum, gap_log2, until_ms } = neighbour.reason
                && until_ms > now_ms
                && gap_log2.abs_diff(gap_now) <= GAP_OCTAVES
            {
                taken |= 1 << stratum;
            }
        }
        let Some(stratum) = (0..strata).find(|stratum| taken & (1 << stratum) == 0) else { return };
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
        let low = log2(self.gap());
        let octaves = log2(1 << 63).saturating_sub(low);
        let unit = self.rng.below(1 << 32) >> (32 - LOG_FRACTION_BITS);
        let along = ((u64::from(stratum) << LOG_FRACTION_BITS) + unit) / u64::from(strata);
        let way = exp2(low + ((along * octaves) >> LOG_FRACTION_BITS));
        let side = if self.rng.below(2) == 0 { Side::Next } else { Side::Previous };
        side.place(self.me, u128::from(way) << 64)
    }

    /// The mean gap between nodes here, in 2^-64 of the circle; at least 1.
    fn gap(&self) -> u64 {
        let span = |side: Side| self.near(side).last().map_or(0, |last| (side.way(self.me, *last) >> 64) as u64);
        let count = (self.near[0].len() + self.near[1].len()).max(1) as u64;
        (span(Side::Next).saturating_add(span(Side::Previous)) / count).max(1)
    }

    pub(super) fn guessed_size(&self) -> u64 {
        u64::MAX / self.gap()
    }

    fn gap_log2(&self) -> u8 {
        64 + self.gap().ilog2() as u8
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

/// The logarithm to base 2 of what is not 0, straight between the powers of two: right at them and at most 0.09 too low between.
/// In integers: the library's logarithm of a float costs the page kilobytes.
fn log2(value: u64) -> u64 {
    let whole = value.ilog2();
    let fraction = (value << (63 - whole) << 1) >> (64 - LOG_FRACTION_BITS);
    (u64::from(whole) << LOG_FRACTION_BITS) | fraction
}

/// What has this [`log2`], which is below 64.
fn exp2(log: u64) -> u64 {
    let mantissa = (1 << LOG_FRACTION_BITS) | (log & ((1 << LOG_FRACTION_BITS) - 1));
    (mantissa << (63 - LOG_FRACTION_BITS)) >> (63 - (log >> LOG_FRACTION_BITS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Rng;
    use crate::ring::RingConfig;

    #[test]
    fn a_logarithm_is_right_at_powers_of_two_ascends_between_them_and_leads_back() {
        for whole in 0..64 {
            assert_eq!(log2(1 << whole), whole << LOG_FRACTION_BITS);
            assert_eq!(exp2(whole << LOG_FRACTION_BITS), 1 << whole);
        }
        for value in [3, 5, 1000, 0x1234_5678, (1 << 40) + 12_345, u64::MAX / 3, u64::MAX] {
            let float = (value as f64).log2();
            let log = log2(value) as f64 / f64::from(1 << LOG_FRACTION_BITS);
            assert!((-0.0001..0.09).contains(&(float - log)), "{value}: {float} {log}");
            assert!(exp2(log2(value)).abs_diff(value) <= value >> LOG_FRACTION_BITS, "{value}");
        }
    }

    #[test]
    fn long_links_are_drawn_harmonically_to_both_sides_each_in_its_stratum() {
        let mut ring = Ring::new(RingId(77), RingConfig::default(), Rng::from_seed([3; 32]), 0);
        let mean_gap = 1_u128 << 108;
        let near = Side::BOTH.map(|side| (1..17).map(|at| side.place(RingId(77), at * mean_gap)).collect());
        ring.near = near;
        let strata = ring.strata();
        assert_eq!(strata, 9);
        let octaves = 127.0 - 108.0;
        let mut after = 0;
        let mut by_part = [0_u32; 10];
        for draw in 0..9_000_u32 {
            let stratum = (draw % u32::from(strata)) as u8;
            let key = ring.long_key(stratum, strata);
            let [next, previous] = Side::BOTH.map(|side| side.way(RingId(77), key));
            after += u32::from(next < previous);
            // How far along the octaves from the mean gap to half the circle.
            let along = ((next.min(previous) as f64).log2() - 108.0) / octaves * f64::from(strata);
            let within = along - f64::from(stratum);
            assert!((-0.1..1.1).contains(&within), "stratum {stratum}: {along}");
            by_part[(within.clamp(0.0, 0.999) * 10.0) as usize] += 1;
        }
        assert!((4_200..4_800).contains(&after), "{after} of 9,000 clockwise");
        assert!(by_part.iter().all(|count| (600..1_250).contains(count)), "about uniform in the logarithm, which is straight between powers of two: {by_part:?}");
    }
}
