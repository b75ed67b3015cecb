//! What the machine must have: rustc's wasm target, clippy, openssl, a Chromium and its driver, axe.
//!
//! What is there is used; what is missing is installed by its own manager (rustup, apt-get, npm); where that cannot be done, the
//! error names the missing thing and the remedy.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::machine::Machine;
use crate::process::{output, run, succeeds};
use crate::workspace::{WASM_TARGET, Workspace};

/// The checker of accessibility, of the npm registry: for tests alone, nothing of it is in the page.
const AXE: &str = "axe-core@4.14.1";
/// What to do where rustc and cargo came from elsewhere.
const WITHOUT_RUSTUP: &str = "without rustup, install it first (https://rustup.rs)";

/// A Chromium and the driver that fits it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Browser {
    /// The browser itself.
    pub chromium: PathBuf,
    /// Its WebDriver server.
    pub driver: PathBuf,
}

/// Sees to it that rustc can compile for the browser.
///
/// # Errors
/// If the target is missing and rustup is, too, or fails.
pub fn wasm_target(workspace: &Workspace) -> Result<()> {
    wasm_target_on(&Machine::this(), workspace)
}

fn wasm_target_on(machine: &Machine, workspace: &Workspace) -> Result<()> {
    let mut rustc = machine.command("rustc");
    rustc.current_dir(&workspace.root).args(["--print", "target-libdir", "--target", WASM_TARGET]);
    let libraries = output(&mut rustc)?;
    if PathBuf::from(libraries.trim()).is_dir() {
        return Ok(());
    }
    let mut rustup = machine.command("rustup");
    rustup.current_dir(&workspace.root).args(["target", "add", WASM_TARGET]);
    run("installing rustc's target for the browser (rustup target add wasm32-unknown-unknown)", &mut rustup)
        .with_context(|| format!("rustc has no target {WASM_TARGET}. Remedy: rustup target add {WASM_TARGET}; {WITHOUT_RUSTUP}"))
}

/// Sees to it that `cargo clippy` is there.
///
/// # Errors
/// If it is missing and rustup is, too, or fails.
pub fn clippy(workspace: &Workspace) -> Result<()> {
    clippy_on(&Machine::this(), workspace, workspace.cargo())
}

fn clippy_on(machine: &Machine, workspace: &Workspace, mut cargo: Command) -> Result<()> {
    if succeeds(cargo.args(["clippy", "--version"])) {
        return Ok(());
    }
    let mut rustup = machine.command("rustup");
    rustup.current_dir(&workspace.root).args(["component", "add", "clippy"]);
    run("installing clippy (rustup component add clippy)", &mut rustup)
        .with_context(|| format!("cargo has no clippy. Remedy: rustup component add clippy; {WITHOUT_RUSTUP}"))
}

/// Sees to it that the program openssl is there: a test has it verify what the authority issues.
///
/// # Errors
/// If it is missing and cannot be installed.
pub fn openssl() -> Result<()> {
    openssl_on(&Machine::this())
}

fn openssl_on(machine: &Machine) -> Result<()> {
    if machine.on_path(&["openssl"]).is_some() {
        return Ok(());
    }
    machine.install("openssl is missing, which the tests need", &["openssl"], "")
}

/// Finds a Chromium and its driver, or installs Debian's. `CHROMIUM` and `CHROMEDRIVER` name others.
///
/// # Errors
/// If one is missing and cannot be installed.
pub fn browser() -> Result<Browser> {
    browser_on(&Machine::this())
}

fn browser_on(machine: &Machine) -> Result<Browser> {
    let found = || {
        let chromium = machine.named_or_on_path("CHROMIUM", &["chromium", "chromium-browser", "google-chrome"])?;
        let driver = machine.named_or_on_path("CHROMEDRIVER", &["chromedriver"])?;
        Some(Browser { chromium, driver })
    };
    if let Some(browser) = found() {
        return Ok(browser);
    }
    let name_them = "set CHROMIUM and CHROMEDRIVER to the two programs";
    let missing = "Chromium or chromedriver is missing, which the tests need";
    machine.install(missing, &["chromium", "chromium-driver"], &format!("; or {name_them}"))?;
    found().with_context(|| format!("Chromium or chromedriver is still not on the PATH after apt-get installed them. Remedy: {name_them}"))
}

/// Sees to it that axe is in `target/npm`, and returns its script.
///
/// # Errors
/// If it is missing and npm is, too, and cannot be installed, or fails.
pub fn axe(workspace: &Workspace) -> Result<PathBuf> {
    axe_on(&Machine::this(), workspace)
}

fn axe_on(machine: &Machine, workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.target.join("npm");
    let (script, stamp) = (folder.join("node_modules/axe-core/axe.min.js"), folder.join("axe.version"));
    if script.is_file() && std::fs::read_to_string(&stamp).is_ok_and(|version| version == AXE) {
        return Ok(script);
    }
    if machine.on_path(&["npm"]).is_none() {
        let or_else = "; or put the npm of your Node.js on the PATH";
        machine.install("npm is missing, which the accessibility tests need", &["nodejs", "npm"], or_else)?;
    }
    std::fs::create_dir_all(&folder)?;
    let mut npm = machine.command("npm");
    npm.args(["install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix"]).arg(&folder).arg(AXE);
    run(&format!("installing {AXE} into target/npm"), &mut npm)
        .with_context(|| format!("the accessibility tests need {AXE}. Remedy: make the npm registry reachable, then again"))?;
    std::fs::write(&stamp, AXE)?;
    Ok(script)
}

#[cfg(test)]
mod tests;
