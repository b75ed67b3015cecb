//! `chord`: path lengths, simultaneous failures, churn, and all of it beside the published tables.

use std::io;

use b4_simulator::chord::published::{CHURN, FAILURES, HOPS_ONE_SUCCESSOR, LOOKUPS, NODES, SUCCESSORS};
use b4_simulator::chord::{Churn, StillRing, churn};
use b4_simulator::report::{Report, Summary};
use clap::{Args, Subcommand};

use super::print::with_interval;
use super::{Common, Output, fraction, over_seeds, within};

#[derive(Args)]
pub(super) struct Chord {
    #[command(flatten)]
    common: Common,
    /// Length of the successor list, r in the paper.
    #[arg(long, global = true, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=256))]
    successors: u32,
    /// Lookups of random keys from random nodes, a seed. Under churn they come at one a second, so this is its duration, too.
    #[arg(long, global = true, default_value_t = LOOKUPS, value_parser = clap::value_parser!(u64).range(1..))]
    lookups: u64,
    /// All tables, unless one is named.
    #[command(subcommand)]
    experiment: Option<Experiment>,
}

#[derive(Subcommand)]
enum Experiment {
    /// Path lengths in a ring with perfect tables (section VI-C of the paper).
    Path,
    /// Some nodes fail at once; lookups before any repair (section VI-D, table II).
    Failures {
        /// Probability with which each node fails, 0 to 0.9.
        #[arg(long, default_value_t = 0.5, value_parser = fraction)]
        fraction: f64,
    },
    /// Nodes join and leave, orderly, with stabilisation every 15 to 45 s (section VI-E, table III).
    Churn {
        /// Joins a second, and as many leaves, 0 to 10.
        #[arg(long, default_value_t = 0.05, value_parser = rate)]
        rate: f64,
    },
    /// Tables II and III beside the published rows; the same without a sub-command. Takes --seed, --seeds and --json; the rest is the paper's.
    Tables,
}

fn rate(text: &str) -> Result<f64, String> {
    within(text, 10.0)
}

impl Chord {
    pub fn run(&self) -> io::Result<()> {
        let output = Output::new(self.common.json);
        match self.experiment {
            Some(Experiment::Path) => output.experiment(&self.still(0.0, &format!("chord path r={}", self.successors))),
            Some(Experiment::Failures { fraction }) => {
                output.experiment(&self.still(fraction, &format!("chord failures {fraction}")))
            }
            Some(Experiment::Churn { rate }) => output.experiment(&self.churn(rate)),
            Some(Experiment::Tables) | None => self.as_published().tables(&output),
        }
    }

    /// The same with the paper's ring and number of lookups.
    fn as_published(&self) -> Chord {
        Chord {
            common: Common { nodes: NODES as u32, ..self.common },
            successors: SUCCESSORS as u32,
            lookups: LOOKUPS,
            experiment: None,
        }
    }

    fn still(&self, fraction: f64, experiment: &str) -> Vec<Report> {
        over_seeds(&self.common, |seed| {
            let mut ring = StillRing::new(self.common.nodes as usize, self.successors as usize, seed);
            ring.fail(fraction);
            ring.look_up_random(self.lookups);
            ring.report(experiment)
        })
    }

    fn churn(&self, rate: f64) -> Vec<Report> {
        over_seeds(&self.common, |seed| {
            let (nodes, successors) = (self.common.nodes as usize, self.successors as usize);
            churn(&Churn { nodes, successors, rate, lookups: self.lookups, seed }, &format!("chord churn {rate}"))
        })
    }

    fn tables(&self, output: &Output) -> io::Result<()> {
        output.text("measure: ours ± 95 % interval (deviation of one seed) | published | difference")?;
        let one = Chord { successors: 1, ..self.as_published() }.still(0.0, "chord path r=1");
        row(output, &one, &[("hops_mean", HOPS_ONE_SUCCESSOR)])?;
        for published in FAILURES {
            let reports = self.still(published.fraction, &format!("chord failures {}", published.fraction));
            row(output, &reports, &[("hops_mean", published.hops), ("timeouts_mean", published.timeouts)])?;
        }
        for published in CHURN {
            let beside = [
                ("hops_mean", published.hops),
                ("timeouts_mean", published.timeouts),
                ("failed_per_10k", published.failed_per_10k),
            ];
            row(output, &self.churn(published.rate), &beside)?;
        }
        Ok(())
    }
}

/// Prints what was measured beside what was published; in JSON, the reports.
fn row(output: &Output, reports: &[Report], published: &[(&str, f64)]) -> io::Result<()> {
    let Some(summary) = Summary::from_reports(reports) else {
        return Ok(());
    };
    output.text(&summary.experiment)?;
    for (measure, theirs) in published {
        let Some(ours) = summary.of(measure) else {
            continue;
        };
        let deviation = ours.deviation.map_or(String::new(), |deviation| format!("({deviation:.3})"));
        let difference = if *theirs == 0.0 { "-".to_owned() } else { format!("{:+.1} %", (ours.mean / theirs - 1.0) * 100.0) };
        output.text(&format!("  {measure:<16}{:<17}{deviation:<9} | {theirs:<5} | {difference}", with_interval(&ours)))?;
    }
    output.json_only(reports)
}
