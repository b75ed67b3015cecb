//! `cargo xtask bench`: the whole product, timed. What is measured and how is `e2e`'s business, and `signaling`'s for the
//! relay by itself; results are JSON.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use clap::Args;

use crate::process::{output, run, say};
use crate::{relay, ring};
use crate::test::{wasm_test, with_product};
use crate::workspace::Workspace;

/// The benchmark that needs no browser.
const RELAY: &str = "relay";
/// The one that is a test inside a browser, of the module as the page has it.
const CIPHERS: &str = "ciphers";
/// What an idle peer may cost the relay, in bytes of its memory.
const PEER_BYTES_MAX: u64 = 32 * 1_024;

/// The options of the benchmark `files` alone.
#[derive(Args, Clone, Debug)]
pub struct Files {
    /// Of `files`: rounds, in each of which everything that is compared is done once
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Of `files`: size of the file that is timed, in MiB
    #[arg(long, default_value_t = 64)]
    file_mib: u32,
    /// Of `files`: size of the file that memory is watched with, in MiB
    #[arg(long, default_value_t = 1_024)]
    memory_mib: u32,
    /// Of `files`: size of the file that is cut, in MiB
    #[arg(long, default_value_t = 512)]
    resume_mib: u32,
    /// Of `files`: how often it is cut
    #[arg(long, default_value_t = 6)]
    cuts: u32,
    /// Of `files`: what is measured
    #[arg(long, default_value = "speed,memory,resume,rivals")]
    parts: String,
}

impl Files {
    fn words(&self) -> [String; 6] {
        let Self { rounds, file_mib, memory_mib, resume_mib, cuts, parts } = self;
        [
            format!("--rounds={rounds}"),
            format!("--file-mib={file_mib}"),
            format!("--memory-mib={memory_mib}"),
            format!("--resume-mib={resume_mib}"),
            format!("--cuts={cuts}"),
            format!("--parts={parts}"),
        ]
    }
}

/// Runs the benchmarks, or the one called `name`. Results go to `target/bench`.
///
/// # Errors
/// If something does not compile or a benchmark fails.
pub fn bench(workspace: &Workspace, name: Option<&str>, ring: &ring::Options, files: &Files) -> Result<()> {
    let results = workspace.target.join("bench");
    fs::create_dir_all(&results)?;
    if name.is_none_or(|name| name == RELAY) {
        bench_relay(workspace, &results.join("relay.json"))?;
    }
    if name.is_none_or(|name| name == ring::NAME) {
        ring::bench(workspace, &results, ring)?;
    }
    if name.is_none_or(|name| name == CIPHERS) {
        wasm_test(workspace, CIPHERS)?;
    }
    if name.is_some_and(|name| [RELAY, ring::NAME, CIPHERS].contains(&name)) {
        return Ok(());
    }
    let mut cargo = workspace.cargo();
    cargo.args(["run", "--profile", "native", "--package", "b4-e2e", "--bin", "bench", "--"]).args(name).args(files.words());
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
