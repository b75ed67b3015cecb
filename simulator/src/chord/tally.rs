//! The sums over the lookups of a run, and the report they make.

use std::collections::BTreeMap;

use crate::report::Report;
use crate::trace::TraceHash;

/// Sums over lookups.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    lookups: u64,
    correct: u64,
    timeouts: u64,
    /// How many lookups took so many hops.
    by_hops: BTreeMap<u32, u64>,
    trace: TraceHash,
}

impl Tally {
    /// Adds a lookup.
    pub fn add(&mut self, hops: u32, timeouts: u32, correct: bool) {
        self.lookups += 1;
        self.correct += u64::from(correct);
        self.timeouts += u64::from(timeouts);
        *self.by_hops.entry(hops).or_default() += 1;
        self.note(u64::from(hops) << 33 | u64::from(timeouts) << 1 | u64::from(correct));
    }

    /// Something else of the run's course that its trace hash should tell.
    pub fn note(&mut self, what: u64) {
        self.trace.add(what);
    }

    /// How many lookups there were.
    pub fn lookups(&self) -> u64 {
        self.lookups
    }

    /// Fills in what a report says of lookups, and the trace hash.
    pub fn report(&self, report: &mut Report) {
        let per_lookup = |sum: u64| sum as f64 / self.lookups.max(1) as f64;
        let hops: u64 = self.by_hops.iter().map(|(hops, lookups)| u64::from(*hops) * lookups).sum();
        report.lookups = self.lookups;
        report.correct = self.correct;
        report.failed_per_10k = per_lookup(self.lookups - self.correct) * 10_000.0;
        report.hops_mean = per_lookup(hops);
        report.hops_p99 = self.hops_quantile(0.99);
        report.timeouts_mean = per_lookup(self.timeouts);
        report.trace_hash = self.trace.value();
    }

    /// The least number of hops that this share of the lookups does not exceed.
    fn hops_quantile(&self, share: f64) -> f64 {
        let mut seen = 0;
        for (hops, lookups) in &self.by_hops {
            seen += lookups;
            if seen as f64 >= self.lookups as f64 * share {
                return f64::from(*hops);
            }
        }
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_over_all_lookups_and_the_quantile_is_the_nearest_rank() {
        let mut tally = Tally::default();
        (0..99).for_each(|_| tally.add(2, 0, true));
        tally.add(12, 5, false);
        let mut report = Report::new("test", 10, 1);
        tally.report(&mut report);
        assert_eq!((report.lookups, report.correct, report.failed_per_10k), (100, 99, 100.0));
        assert_eq!((report.hops_mean, report.hops_p99, report.timeouts_mean), (2.1, 2.0, 0.05));
    }
}
