//! The figures that the paper prints (tables II and III, and the path of section VI-C), to be held beside ours.

/// A row of table II: 1,000 nodes, successor list of 20, a share of the nodes failed at once, no repair.
#[derive(Clone, Copy, Debug)]
pub struct FailureRow {
    /// Probability with which each node failed.
    pub fraction: f64,
    /// Mean path length.
    pub hops: f64,
    /// Mean timeouts of a lookup.
    pub timeouts: f64,
}

/// A row of table III: 1,000 nodes, successor list of 20, joins and orderly leaves with stabilisation.
#[derive(Clone, Copy, Debug)]
pub struct ChurnRow {
    /// Joins a second, and as many leaves.
    pub rate: f64,
    /// Mean path length.
    pub hops: f64,
    /// Mean timeouts of a lookup.
    pub timeouts: f64,
    /// Lookups that failed, of 10,000.
    pub failed_per_10k: f64,
}

/// Nodes in both tables.
pub const NODES: usize = 1_000;
/// Length of the successor list in both tables.
pub const SUCCESSORS: usize = 20;
/// Lookups behind each row.
pub const LOOKUPS: u64 = 10_000;
/// Mean path length of 1,000 nodes that know one successor: half of log2 1,000.
pub const HOPS_ONE_SUCCESSOR: f64 = 4.98;

/// Table II.
pub const FAILURES: [FailureRow; 6] = [
    FailureRow { fraction: 0.0, hops: 3.84, timeouts: 0.0 },
    FailureRow { fraction: 0.1, hops: 4.03, timeouts: 0.60 },
    FailureRow { fraction: 0.2, hops: 4.22, timeouts: 1.17 },
    FailureRow { fraction: 0.3, hops: 4.44, timeouts: 2.02 },
    FailureRow { fraction: 0.4, hops: 4.69, timeouts: 3.23 },
    FailureRow { fraction: 0.5, hops: 5.09, timeouts: 5.10 },
];

/// Table III.
pub const CHURN: [ChurnRow; 6] = [
    ChurnRow { rate: 0.05, hops: 3.90, timeouts: 0.05, failed_per_10k: 0.0 },
    ChurnRow { rate: 0.10, hops: 3.83, timeouts: 0.11, failed_per_10k: 0.0 },
    ChurnRow { rate: 0.15, hops: 3.84, timeouts: 0.16, failed_per_10k: 2.0 },
    ChurnRow { rate: 0.20, hops: 3.81, timeouts: 0.23, failed_per_10k: 5.0 },
    ChurnRow { rate: 0.25, hops: 3.83, timeouts: 0.30, failed_per_10k: 6.0 },
    ChurnRow { rate: 0.40, hops: 4.06, timeouts: 0.46, failed_per_10k: 15.0 },
];
