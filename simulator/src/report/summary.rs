//! The reports of several seeds as means with intervals.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Estimate, Report};

/// Means over the seeds of one experiment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// As in the reports.
    pub experiment: String,
    /// As in the reports.
    pub nodes: usize,
    /// As in the reports.
    pub links: Option<usize>,
    /// How many seeds.
    pub seeds: usize,
    /// By the report's field; what no report measured is `null`. What some did not measure is of the others alone: `samples` says how many.
    pub summary: BTreeMap<&'static str, Option<Estimate>>,
}

impl Summary {
    /// Sums up the reports of one experiment; none of no reports.
    pub fn from_reports(reports: &[Report]) -> Option<Self> {
        let first = reports.first()?;
        let mut samples: BTreeMap<&'static str, Vec<f64>> = BTreeMap::new();
        for (name, value) in reports.iter().flat_map(Report::measures) {
            samples.entry(name).or_default().extend(value);
        }
        Some(Self {
            experiment: first.experiment.clone(),
            nodes: first.nodes,
            links: first.links,
            seeds: reports.len(),
            summary: samples.into_iter().map(|(name, values)| (name, Estimate::from_samples(&values))).collect(),
        })
    }

    /// The estimate of a measure, by its name in the report; none if it was not measured.
    pub fn of(&self, measure: &str) -> Option<Estimate> {
        self.summary.get(measure).copied().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_measured_has_no_estimate() {
        let reports = [1.0, 2.0].map(|hops_mean| Report { hops_mean, ..Report::new("test", 10, 1) });
        let summary = Summary::from_reports(&reports).unwrap();
        assert_eq!(summary.of("hops_mean").map(|hops| hops.mean), Some(1.5));
        assert_eq!(summary.of("bytes_per_node_s"), None);
        assert_eq!(Summary::from_reports(&[]), None);
    }

    #[test]
    fn a_mean_says_of_how_many_seeds_it_is_and_which_were_the_least_and_the_most() {
        let reports = [Some(30.0), None, Some(50.0)].map(|healed_s| Report { healed_s, ..Report::new("test", 10, 1) });
        let summary = Summary::from_reports(&reports).unwrap();
        let healed = summary.of("healed_s").unwrap();
        assert_eq!((healed.mean, healed.samples, healed.min, healed.max, summary.seeds), (40.0, 2, 30.0, 50.0, 3));
    }
}
