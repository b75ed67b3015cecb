//! Reports on the standard output: as JSON lines, or as a table.

use std::io::{self, Write as _};

use b4_simulator::report::{Estimate, Report, Summary};
use serde::Serialize;

/// Where and how reports are printed.
pub(crate) struct Output {
    json: bool,
}

impl Output {
    /// Prints JSON lines, or tables.
    pub fn new(json: bool) -> Self {
        Self { json }
    }

    /// Prints the runs of one experiment and their summary.
    pub fn experiment(&self, reports: &[Report]) -> io::Result<()> {
        let Some(summary) = Summary::from_reports(reports) else {
            return Ok(());
        };
        if self.json {
            reports.iter().try_for_each(json_line)?;
            return json_line(&summary);
        }
        line(&format!("{}: {} nodes, {} seeds", summary.experiment, summary.nodes, summary.seeds))?;
        for (measure, _) in reports[0].measures() {
            if let Some(estimate) = summary.of(measure) {
                // What a seed did not measure, such as the time until a ring was whole that never was, is not in the mean: that must show.
                let of = if estimate.samples < summary.seeds { format!(" ({} seeds only)", estimate.samples) } else { String::new() };
                line(&format!("  {measure:<26}{}{of}", with_interval(&estimate)))?;
            }
        }
        let hashes: Vec<String> = reports.iter().map(|report| format!("{:016x}", report.trace_hash)).collect();
        line(&format!("  {:<26}{}", "trace_hash", hashes.join(" ")))
    }

    /// Prints the same, where JSON is asked for.
    pub fn json_only(&self, reports: &[Report]) -> io::Result<()> {
        if self.json { self.experiment(reports) } else { Ok(()) }
    }

    /// Prints one run, where JSON is asked for.
    pub fn json_line_only(&self, report: &Report) -> io::Result<()> {
        if self.json { json_line(report) } else { Ok(()) }
    }

    /// Prints a line of text, where text is asked for.
    pub fn text(&self, text: &str) -> io::Result<()> {
        if self.json { Ok(()) } else { line(text) }
    }
}

/// A mean with its interval, such as `3.771 ± 0.019`.
pub(crate) fn with_interval(estimate: &Estimate) -> String {
    let decimals = if estimate.mean.abs() < 100.0 { 3 } else { 0 };
    match estimate.ci95 {
        Some(ci95) => format!("{:.decimals$} ± {ci95:.decimals$}", estimate.mean),
        None => format!("{:.decimals$}", estimate.mean),
    }
}

fn json_line(value: &impl Serialize) -> io::Result<()> {
    line(&serde_json::to_string(value)?)
}

fn line(text: &str) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{text}")
}
