//! `cargo xtask bench`: the whole product, timed. What is measured and how is `e2e`'s business; results are JSON.

use std::fs;

use anyhow::Result;

use crate::process::{run, say};
use crate::test::with_product;
use crate::workspace::Workspace;

/// Runs the benchmarks, or the one called `name`. Results go to `target/bench`.
///
/// # Errors
/// If something does not compile or a benchmark fails.
pub fn bench(workspace: &Workspace, name: Option<&str>) -> Result<()> {
    let results = workspace.target.join("bench");
    fs::create_dir_all(&results)?;
    let mut cargo = workspace.cargo();
    cargo.args(["run", "--profile", "native", "--package", "b4-e2e", "--bin", "bench", "--"]).args(name);
    with_product(workspace, &mut cargo)?;
    cargo.env("B4_BENCH", &results);
    run("benchmarks", &mut cargo)?;
    say(&format!("results: {}", results.display()));
    Ok(())
}
