//! Lighthouse on the first screen. It is a program of others, fetched by npm into the folder of builds, for this alone.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use b4_e2e::World;
use b4_e2e::process::named_by;
use serde_json::Value;

use crate::figure::{Figure, Goal, Measured};
use crate::{npm, report};

/// The version that the goals are held against.
const VERSION: &str = "12.8.2";
/// Runs; the median counts.
const RUNS: usize = 3;
/// The goal for each category, of 100.
const POINTS: f64 = 95.0;
const CATEGORIES: [&str; 3] = ["performance", "accessibility", "best-practices"];
/// What explains the first of them.
const TIMES: [&str; 3] = ["first-contentful-paint", "largest-contentful-paint", "total-blocking-time"];
const BROWSER_FLAGS: &str = "--headless --no-sandbox --disable-gpu --disable-dev-shm-usage";

/// Measures.
pub async fn measure() -> Result<Measured> {
    let results = report::folder()?;
    let tool = results.parent().context("results are in the folder of builds")?.join("lighthouse");
    npm::fetch(&tool, &[&format!("lighthouse@{VERSION}")])?;
    let world = World::start().await?;
    let mut reports = Vec::new();
    for run in 0..RUNS {
        let file = results.join(format!("lighthouse-{run}.json"));
        look(&tool, &world.relay.url(), &file)?;
        let report: Value = serde_json::from_str(&fs::read_to_string(&file)?)?;
        reports.push(report);
    }
    let points = |category: &str| reports.iter().filter_map(|report| Some(report["categories"][category]["score"].as_f64()? * 100.0)).collect();
    let audit = |id: &str| reports.iter().filter_map(|report| report["audits"][id]["numericValue"].as_f64()).collect();
    let mut figures: Vec<Figure> = CATEGORIES
        .iter()
        .map(|category| Figure::new(&format!("Lighthouse, mobile: {category}"), "points", Goal::AtLeast(POINTS), points(category)))
        .collect();
    figures.extend(TIMES.map(|id| Figure::new(&format!("Lighthouse, mobile: {}", id.replace('-', " ")), "ms", Goal::None, audit(id))));
    let mut notes = vec![format!(
        "Lighthouse {VERSION}, its mobile preset with simulated throttling (slow 4G, processor four times slower). Not full marks: {}",
        weak(&reports).join(", ")
    )];
    notes.extend(reports.iter().flat_map(|report| report["runWarnings"].as_array()).flatten().map(ToString::to_string));
    Ok(Measured { figures, notes })
}

fn look(tool: &Path, url: &str, file: &Path) -> Result<()> {
    let mut node = Command::new("node");
    node.arg(tool.join("node_modules/lighthouse/cli/index.js")).arg(url).args(["--quiet", "--output=json"]);
    node.arg(format!("--output-path={}", file.display())).arg(format!("--chrome-flags={BROWSER_FLAGS}"));
    node.arg(format!("--only-categories={}", CATEGORIES.join(","))).env("CHROME_PATH", named_by("CHROMIUM")?);
    let status = node.status().context("node cannot be started")?;
    ensure!(status.success(), "lighthouse ended with {status}");
    Ok(())
}

/// What was found wanting in any run.
fn weak(reports: &[Value]) -> Vec<String> {
    let audits = reports.iter().filter_map(|report| report["audits"].as_object()).flatten();
    let is_weak = |audit: &Value| audit["score"].as_f64().is_some_and(|score| score < 0.9);
    let mut found: Vec<String> = audits.filter(|(_, audit)| is_weak(audit)).map(|(id, _)| id.clone()).collect();
    found.sort();
    found.dedup();
    found
}
