//! What came of pairs that were to open a link. Where the relay is dead it is the ring alone that leads them to each other.

use serde::Serialize;

/// What became of the pairs of one run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Reach {
    /// Pairs of running nodes that had no link.
    pub pairs: u64,
    /// Pairs that have opened one.
    pub reached: u64,
    /// Pairs that gave up after five dials, or were still at it when the world ended.
    pub unreached: u64,
    /// Those of `reached` whose first dial led to it.
    pub reached_at_once: u64,
    /// From the order to the open link, in milliseconds, waits between dials included: the median of those that have one.
    pub reach_ms_p50: Option<f64>,
    /// The 99th percentile of the same.
    pub reach_ms_p99: Option<f64>,
}

impl Reach {
    /// What the summary averages, by the name it has in JSON.
    pub(super) fn measures(&self) -> [(&'static str, Option<f64>); 6] {
        [
            ("pairs", Some(self.pairs as f64)),
            ("reached", Some(self.reached as f64)),
            ("unreached", Some(self.unreached as f64)),
            ("reached_at_once", Some(self.reached_at_once as f64)),
            ("reach_ms_p50", self.reach_ms_p50),
            ("reach_ms_p99", self.reach_ms_p99),
        ]
    }
}
