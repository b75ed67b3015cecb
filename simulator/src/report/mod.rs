//! What an experiment says: one [`Report`] a seed, and a [`Summary`] over the seeds. How it is printed lies in the program.

mod deposits;
mod estimate;
mod reach;
mod summary;

use serde::Serialize;

pub use deposits::Deposits;
pub use estimate::Estimate;
pub use reach::Reach;
pub use summary::Summary;

/// What one run of one seed measured. What an experiment does not measure is `None`, and `null` in JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The sub-command and what distinguishes its variants, such as `chord failures 0.2`.
    pub experiment: String,
    /// Nodes at the start.
    pub nodes: usize,
    /// Overlay links that a node keeps; Chord has tables instead of links.
    pub links: Option<usize>,
    /// What everything follows from.
    pub seed: u64,
    /// Lookups that were made.
    pub lookups: u64,
    /// Lookups that found the right node.
    pub correct: u64,
    /// Lookups that found a wrong node or none, per 10,000.
    pub failed_per_10k: f64,
    /// The same after a second try; Chord has no second.
    pub failed_twice_per_10k: Option<f64>,
    /// Hops of a lookup. Chord: nodes that were asked and answered; neither the one that looks nor the one found is counted.
    pub hops_mean: f64,
    /// The 99th percentile of the same.
    pub hops_p99: f64,
    /// Attempts to reach a node that is gone, per lookup: hops that did not answer in time, on all its ways.
    pub timeouts_mean: f64,
    /// Different nodes that a node is linked to (Chord: has in its tables) at the end.
    pub degree_mean: Option<f64>,
    /// The same of the node that has most.
    pub degree_max: Option<f64>,
    /// Bytes a second that a node sends for the ring.
    pub bytes_per_node_s: Option<f64>,
    /// Bytes a second that a node sends of others' and its own sealed signalling.
    pub signal_bytes_per_node_s: Option<f64>,
    /// From asking to the answer, in milliseconds.
    pub took_ms_mean: Option<f64>,
    /// From a node's start to its place in the ring, in milliseconds.
    pub join_ms_mean: Option<f64>,
    /// From a node's start to the answer to the first request that it made, in milliseconds: the median. From then on, at the latest,
    /// the ring routes what it says.
    pub first_routed_ms_p50: Option<f64>,
    /// The 99th percentile of the same.
    pub first_routed_ms_p99: Option<f64>,
    /// Seconds until the ring was whole again.
    pub healed_s: Option<f64>,
    /// New connections in a minute, of all, for each node: a connection counts once, not at both of its ends.
    pub connections_per_node_min: Option<f64>,
    /// Dials in a minute that came to nothing, of all, for each node: nobody was there or answered, or no path led to them.
    pub dials_failed_per_node_min: Option<f64>,
    /// What became of letters: fields of their own, which only the experiment with mail has.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub deposits: Option<Deposits>,
    /// What came of pairs that were to open a link: fields of their own, which only the experiment without the relay has.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub reach: Option<Reach>,
    /// The simulator's speed: hours of a node's life per second of the wall clock, on one core. Not deterministic.
    pub node_hours_per_wall_s: Option<f64>,
    /// The run's fingerprint, see [`crate::TraceHash`]; 16 hexadecimal digits in JSON.
    #[serde(serialize_with = "as_hex")]
    pub trace_hash: u64,
}

impl Report {
    /// A report of a run in which nothing was looked up yet.
    pub fn new(experiment: &str, nodes: usize, seed: u64) -> Self {
        Self {
            experiment: experiment.to_owned(),
            nodes,
            links: None,
            seed,
            lookups: 0,
            correct: 0,
            failed_per_10k: 0.0,
            failed_twice_per_10k: None,
            hops_mean: 0.0,
            hops_p99: 0.0,
            timeouts_mean: 0.0,
            degree_mean: None,
            degree_max: None,
            bytes_per_node_s: None,
            signal_bytes_per_node_s: None,
            took_ms_mean: None,
            join_ms_mean: None,
            first_routed_ms_p50: None,
            first_routed_ms_p99: None,
            healed_s: None,
            connections_per_node_min: None,
            dials_failed_per_node_min: None,
            deposits: None,
            reach: None,
            node_hours_per_wall_s: None,
            trace_hash: 0,
        }
    }

    /// What the summary averages, by the name it has in JSON.
    pub fn measures(&self) -> Vec<(&'static str, Option<f64>)> {
        // Where letters were watched, nothing was looked up.
        if let Some(deposits) = &self.deposits {
            return deposits.measures().into_iter().chain(self.costs()).collect();
        }
        let lookups = [
            ("lookups", Some(self.lookups as f64)),
            ("correct", Some(self.correct as f64)),
            ("failed_per_10k", Some(self.failed_per_10k)),
            ("failed_twice_per_10k", self.failed_twice_per_10k),
            ("hops_mean", Some(self.hops_mean)),
            ("hops_p99", Some(self.hops_p99)),
            ("timeouts_mean", Some(self.timeouts_mean)),
        ];
        let reach = self.reach.iter().flat_map(Reach::measures);
        lookups.into_iter().chain(reach).chain(self.costs()).collect()
    }

    fn costs(&self) -> [(&'static str, Option<f64>); 12] {
        [
            ("degree_mean", self.degree_mean),
            ("degree_max", self.degree_max),
            ("bytes_per_node_s", self.bytes_per_node_s),
            ("signal_bytes_per_node_s", self.signal_bytes_per_node_s),
            ("took_ms_mean", self.took_ms_mean),
            ("join_ms_mean", self.join_ms_mean),
            ("first_routed_ms_p50", self.first_routed_ms_p50),
            ("first_routed_ms_p99", self.first_routed_ms_p99),
            ("healed_s", self.healed_s),
            ("connections_per_node_min", self.connections_per_node_min),
            ("dials_failed_per_node_min", self.dials_failed_per_node_min),
            ("node_hours_per_wall_s", self.node_hours_per_wall_s),
        ]
    }
}

fn as_hex<S: serde::Serializer>(value: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{value:016x}"))
}
