//! Lookups and traffic of one run, summed up into a report.

use std::time::Instant;

use b4_protocol::ring::RingId;

use super::Setup;
use crate::draws::Draws;
use crate::overlay::{Counted, LookupResult, Overlay};
use crate::report::Report;

/// What is counted from one moment of a world on.
pub(super) struct Tally {
    began: Instant,
    began_ms: u64,
    counted: Counted,
    results: Vec<LookupResult>,
}

impl Tally {
    /// Begins now; what was looked up, and who was answered first, before is forgotten.
    pub fn begin(world: &mut Overlay) -> Self {
        world.take_lookups();
        world.take_first_routed_ms();
        Self { began: Instant::now(), began_ms: world.now_ms(), counted: world.counted(), results: Vec::new() }
    }

    /// Takes what was looked up since the last time.
    pub fn take(&mut self, world: &mut Overlay) {
        self.results.append(&mut world.take_lookups());
    }

    /// Sums up. Traffic counts up to now, so this comes before the world is changed any more.
    pub fn report(mut self, world: &mut Overlay, setup: &Setup, experiment: &str) -> Report {
        self.take(world);
        let mut report = Report::new(&setup.name(experiment), setup.nodes, setup.seed);
        self.lookups(&mut report);
        let counted = world.counted();
        let node_s = ((world.now_ms() - self.began_ms) as f64 / 1_000.0 * setup.nodes as f64).max(f64::MIN_POSITIVE);
        let degrees = world.degrees();
        report.links = Some(setup.links);
        report.degree_mean = Some(degrees.0);
        report.degree_max = Some(degrees.1 as f64);
        report.bytes_per_node_s = Some((counted.ring_bytes - self.counted.ring_bytes) as f64 / node_s);
        report.signal_bytes_per_node_s = Some((counted.signal_bytes - self.counted.signal_bytes) as f64 / node_s);
        report.connections_per_node_min = Some((counted.connections - self.counted.connections) as f64 / node_s * 60.0);
        report.dials_failed_per_node_min = Some((counted.dials_failed - self.counted.dials_failed) as f64 / node_s * 60.0);
        let joined = counted.joining_ms.1 - self.counted.joining_ms.1;
        if joined > 0 {
            report.join_ms_mean = Some((counted.joining_ms.0 - self.counted.joining_ms.0) as f64 / joined as f64);
        }
        let mut first_routed_ms = world.take_first_routed_ms();
        first_routed_ms.sort_unstable();
        let percentile = |part: usize| first_routed_ms.get(first_routed_ms.len() * part / 100).map(|ms| *ms as f64);
        report.first_routed_ms_p50 = percentile(50);
        report.first_routed_ms_p99 = percentile(99);
        report.node_hours_per_wall_s = Some(node_s / 3_600.0 / self.began.elapsed().as_secs_f64());
        report.trace_hash = world.trace_hash();
        report
    }

    fn lookups(&self, report: &mut Report) {
        let count = self.results.len();
        let part = |what: usize| what as f64 / count.max(1) as f64;
        let right = self.results.iter().filter(|result| result.is_right_at_once).count();
        let right_twice = self.results.iter().filter(|result| result.is_right).count();
        let mut hops: Vec<u8> = self.results.iter().filter_map(|result| result.hops).collect();
        hops.sort_unstable();
        report.lookups = count as u64;
        report.correct = right as u64;
        report.failed_per_10k = part(count - right) * 10_000.0;
        report.failed_twice_per_10k = Some(part(count - right_twice) * 10_000.0);
        report.hops_mean = hops.iter().map(|hops| f64::from(*hops)).sum::<f64>() / hops.len().max(1) as f64;
        report.hops_p99 = hops.get(hops.len() * 99 / 100).map_or(0.0, |hops| f64::from(*hops));
        report.timeouts_mean = self.results.iter().map(|result| f64::from(result.timeouts)).sum::<f64>() / count.max(1) as f64;
        report.took_ms_mean = Some(self.results.iter().map(|result| result.took_ms as f64).sum::<f64>() / count.max(1) as f64);
    }
}

/// Looks random keys up from random running nodes, one every `gap_ms`.
pub(super) fn look_up_random(world: &mut Overlay, draws: &mut Draws, lookups: u64, gap_ms: u64) {
    for _ in 0..lookups {
        if let Some(node) = world.draw_live() {
            world.lookup(node, random_key(draws));
        }
        world.run_for(gap_ms);
    }
}

pub(super) fn random_key(draws: &mut Draws) -> RingId {
    RingId(u128::from(draws.any()) << 64 | u128::from(draws.any()))
}
