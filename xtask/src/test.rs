//! `cargo xtask test`: the parts of the test suite, each with what it needs installed or built before.
//!
//! All parts run even when one fails, so that one run tells everything; the last lines name the parts that failed.

use std::process::Command;

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::process::{run, say};
use crate::setup::{self, Browser};
use crate::workspace::{WASM_TARGET, Workspace};
use crate::{page, relay, tidy, tools};

/// A part of the suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// House rules, lints, documentation, and all tests that need no browser
    Unit,
    /// Tests of the app's platform inside a browser
    Wasm,
    /// Several real browsers and the real relay
    E2e,
    /// Deterministic worlds: virtual clock, faults, churn
    Sim,
}

/// All parts, fastest answer first.
const PARTS: [Part; 4] = [Part::Unit, Part::Sim, Part::Wasm, Part::E2e];

/// Runs one part, or all.
///
/// # Errors
/// If a part fails; which ones is said last.
pub fn test(workspace: &Workspace, part: Option<Part>) -> Result<()> {
    let parts = part.map_or(PARTS.to_vec(), |part| vec![part]);
    if parts.iter().any(|part| matches!(part, Part::Wasm | Part::E2e)) {
        setup::browser()?;
    }
    let mut failed = Vec::new();
    for part in parts {
        say(&format!("=== {} ===", name(part)));
        let failures = match part {
            Part::Unit => unit(workspace),
            Part::Wasm => wasm(workspace),
            Part::E2e => e2e(workspace),
            Part::Sim => sim(workspace),
        };
        for error in failures {
            say(&format!("{} failed: {error:#}", name(part)));
            failed.push(format!("{}: {error:#}", name(part)));
        }
    }
    if failed.is_empty() {
        say("every test passed");
        return Ok(());
    }
    bail!("not every test passed:\n  {}", failed.join("\n  "))
}

/// The name of a part on the command line.
fn name(part: Part) -> String {
    part.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// The errors of those steps that failed.
fn failures<const N: usize>(steps: [Result<()>; N]) -> Vec<anyhow::Error> {
    steps.into_iter().filter_map(Result::err).collect()
}

fn unit(workspace: &Workspace) -> Vec<anyhow::Error> {
    let cargo = |words: &[&str]| {
        let mut cargo = workspace.cargo();
        cargo.args(words);
        cargo
    };
    let mut doc = cargo(&["doc", "--workspace", "--no-deps", "--quiet"]);
    doc.env("RUSTDOCFLAGS", "-D warnings");
    let on_wasm = ["clippy", "--package", "b4", "--all-targets", "--target", WASM_TARGET, "--quiet", "--", "-D", "warnings"];
    failures([
        tidy::tidy(workspace),
        setup::wasm_target(workspace),
        setup::clippy(workspace),
        setup::openssl(),
        run("tests without a browser", &mut cargo(&["test", "--package", "b4-protocol", "--package", "b4-signaling"])),
        run("tests of xtask", &mut cargo(&["test", "--profile", "xtask", "--package", "xtask"])),
        run("tests of the app's pure rooms", &mut cargo(&["test", "--package", "b4", "--lib", "--test", "store_fake"])),
        run("clippy", &mut cargo(&["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"])),
        run("clippy of the app, for the browser", &mut cargo(&on_wasm)),
        run("documentation without warnings", &mut doc),
    ])
}

fn wasm(workspace: &Workspace) -> Vec<anyhow::Error> {
    failures([wasm_tests(workspace)])
}

fn wasm_tests(workspace: &Workspace) -> Result<()> {
    let mut cargo = in_browser(workspace)?;
    run("tests inside a headless Chromium", &mut cargo)
}

/// Runs one test inside a browser, built as the page is, and shows what it says.
///
/// # Errors
/// If something is missing, does not compile or fails.
pub fn wasm_test(workspace: &Workspace, name: &str) -> Result<()> {
    let mut cargo = in_browser(workspace)?;
    cargo.args(["--release", "--test", name, "--", "--nocapture"]);
    run(&format!("{name}, inside a headless Chromium"), &mut cargo)
}

fn in_browser(workspace: &Workspace) -> Result<Command> {
    setup::wasm_target(workspace)?;
    let browser = setup::browser()?;
    let runner = tools::install(workspace)?;
    let mut cargo = workspace.cargo();
    cargo.args(["test", "--package", "b4", "--target", WASM_TARGET]);
    cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", runner).env("CHROMEDRIVER", &browser.driver);
    Ok(cargo)
}

fn sim(workspace: &Workspace) -> Vec<anyhow::Error> {
    let mut cargo = workspace.cargo();
    cargo.args(["test", "--package", "b4-simulator"]);
    failures([run("deterministic worlds", &mut cargo)])
}

fn e2e(workspace: &Workspace) -> Vec<anyhow::Error> {
    let tests = || {
        let mut cargo = workspace.cargo();
        cargo.args(["test", "--package", "b4-e2e"]);
        cargo.env("B4_AXE", setup::axe(workspace)?);
        with_product(workspace, &mut cargo)?;
        run("whole-product tests: real browsers, the real relay", &mut cargo)
    };
    failures([tests()])
}

/// Builds the page and the relay, and tells `command` where they and the browser are.
///
/// # Errors
/// If something is missing or does not compile.
pub fn with_product(workspace: &Workspace, command: &mut Command) -> Result<()> {
    let Browser { chromium, driver } = setup::browser()?;
    let dist = page::build(workspace)?;
    let relay = relay::build(workspace)?;
    command.env("B4_DIST", dist).env("B4_SIGNALING", relay).env("CHROMIUM", chromium).env("CHROMEDRIVER", driver);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_parts_together_are_every_part() {
        assert!(Part::value_variants().iter().all(|part| PARTS.contains(part)));
        assert_eq!(PARTS.map(name), ["unit", "sim", "wasm", "e2e"]);
    }

    #[test]
    fn a_failing_step_does_not_hide_the_next() {
        let failed = failures([Err(anyhow::anyhow!("one")), Ok(()), Err(anyhow::anyhow!("two"))]);
        assert_eq!(failed.iter().map(ToString::to_string).collect::<Vec<_>>(), ["one", "two"]);
    }
}
