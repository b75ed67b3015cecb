//! `cargo xtask bench`: the whole product, timed. What is measured and how is `e2e`'s business, and `signaling`'s for the
//! relay by itself; results are JSON.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::process::{output, run, say};
use crate::{relay, ring};
use crate::test::with_product;
use crate::workspace::Workspace;

/// The benchmark that needs no browser.
const RELAY: &str = "relay";
/// What an idle peer may cost the relay, in bytes of its memory.
const PEER_BYTES_MAX: u64 = 32 * 1_024;

/// Runs the benchmarks, or the one called `name`. Results go to `target/bench`.
///
/// # Errors
/// If something does not compile or a benchmark fails.
pub fn bench(workspace: &Workspace, name: Option<&str>, ring: &ring::Options) -> Result<()> {
    let results = workspace.target.join("bench");
    fs::create_dir_all(&results)?;
    if name.is_none_or(|name| name == RELAY) {
        bench_relay(workspace, &results.join("relay.json"))?;
    }
    if name.is_none_or(|name| name == ring::NAME) {
        ring::bench(workspace, &results.join("ring.json"), ring)?;
    }
    if name.is_some_and(|name| [RELAY, ring::NAME].contains(&name)) {
        return Ok(());
    }
    let mut cargo = workspace.cargo();
    cargo.args(["run", "--profile", "native", "--package", "b4-e2e", "--bin", "bench", "--"]).args(name);
    with_product(workspace, &mut cargo)?;
    cargo.env("B4_BENCH", &results);
    run("benchmarks", &mut cargo)?;
    say(&format!("results: {}", results.display()));
    Ok(())
}

/// Two thousand idle peers on this machine's loopback: what each costs the relay.
fn bench_relay(workspace: &Workspace, result: &Path) -> Result<()> {
    let server = relay::build(workspace)?;
    let mut cargo = workspace.cargo();
    cargo.args(["run", "--profile", "native", "--package", "b4-signaling", "--example", "idle_peers", "--", "2000"]);
    say("benchmark of the relay: 2,000 idle peers, about two minutes");
    let json = output(cargo.arg(server))?;
    fs::write(result, &json).with_context(|| format!("writing {}", result.display()))?;
    say(&format!("relay: {}", json.trim()));
    let figures: serde_json::Value = serde_json::from_str(&json).context("the benchmark did not print JSON")?;
    let figure = |name: &str| figures[name].as_u64().with_context(|| format!("the benchmark names no {name}"));
    let (bytes, lost) = (figure("bytes_per_peer")?, figure("lost")?);
    let verdict = if bytes < PEER_BYTES_MAX && lost == 0 { "as it has to be" } else { "NOT as it has to be" };
    say(&format!("{lost} peers lost, {:.1} KB of memory a peer (goal: none, under 32): {verdict}", bytes as f64 / 1_024.0));
    say(&format!("result: {}", result.display()));
    Ok(())
}
