//! What the machine must have: rustc's wasm target, clippy, openssl, a Chromium and its driver, axe.
//!
//! What is there is used; what is missing is installed by its own manager (rustup, apt-get, npm); where that cannot be done, the
//! error names the missing thing and the remedy.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::{on_path, output, run, say, succeeds};
use crate::workspace::{WASM_TARGET, Workspace};

/// The checker of accessibility, of the npm registry: for tests alone, nothing of it is in the page.
const AXE: &str = "axe-core@4.14.1";

/// A Chromium and the driver that fits it.
#[derive(Clone, Debug)]
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
    let mut rustc = Command::new("rustc");
    rustc.current_dir(&workspace.root).args(["--print", "target-libdir", "--target", WASM_TARGET]);
    let libraries = output(&mut rustc)?;
    if PathBuf::from(libraries.trim()).is_dir() {
        return Ok(());
    }
    let mut rustup = Command::new("rustup");
    rustup.current_dir(&workspace.root).args(["target", "add", WASM_TARGET]);
    run("installing rustc's target for the browser (rustup target add wasm32-unknown-unknown)", &mut rustup)
        .with_context(|| format!("rustc has no target {WASM_TARGET}. Remedy: rustup target add {WASM_TARGET}"))
}

/// Sees to it that `cargo clippy` is there.
///
/// # Errors
/// If it is missing and rustup is, too, or fails.
pub fn clippy(workspace: &Workspace) -> Result<()> {
    if succeeds(workspace.cargo().args(["clippy", "--version"])) {
        return Ok(());
    }
    let mut rustup = Command::new("rustup");
    rustup.current_dir(&workspace.root).args(["component", "add", "clippy"]);
    run("installing clippy (rustup component add clippy)", &mut rustup)
        .context("cargo has no clippy. Remedy: rustup component add clippy")
}

/// Sees to it that the program openssl is there: a test has it verify what the authority issues.
///
/// # Errors
/// If it is missing and cannot be installed.
pub fn openssl() -> Result<()> {
    const REMEDY: &str = "Remedy: as root, `apt-get update && apt-get install openssl`";
    if on_path(&["openssl"]).is_some() {
        return Ok(());
    }
    if on_path(&["apt-get"]).is_none() {
        bail!("the tests need the program openssl, and this machine has no apt-get to install it with. {REMEDY}");
    }
    say("openssl is missing: installing Debian's package openssl");
    run("apt-get update", apt_get().arg("update")).context(REMEDY)?;
    let package = ["install", "--yes", "--no-install-recommends", "openssl"];
    run("apt-get install openssl", apt_get().args(package)).context(REMEDY)
}

/// Finds a Chromium and its driver, or installs Debian's. `CHROMIUM` and `CHROMEDRIVER` name others.
///
/// # Errors
/// If one is missing and cannot be installed.
pub fn browser() -> Result<Browser> {
    if let Some(found) = find_browser() {
        return Ok(found);
    }
    install_browser()?;
    find_browser().context("chromium and chromedriver are still not on the PATH after apt-get installed them")
}

fn find_browser() -> Option<Browser> {
    let chromium = named_or_on_path("CHROMIUM", &["chromium", "chromium-browser", "google-chrome"])?;
    let driver = named_or_on_path("CHROMEDRIVER", &["chromedriver"])?;
    Some(Browser { chromium, driver })
}

fn named_or_on_path(variable: &str, names: &[&str]) -> Option<PathBuf> {
    std::env::var_os(variable).map(PathBuf::from).filter(|file| file.is_file()).or_else(|| on_path(names))
}

fn install_browser() -> Result<()> {
    const REMEDY: &str = "Remedy: as root, `apt-get update && apt-get install chromium chromium-driver`; or set CHROMIUM and \
                          CHROMEDRIVER to the two programs";
    if on_path(&["apt-get"]).is_none() {
        bail!("the tests need Chromium and its driver, and this machine has no apt-get to install them with. {REMEDY}");
    }
    say("Chromium or its driver is missing: installing Debian's packages chromium and chromium-driver");
    run("apt-get update", apt_get().arg("update")).context(REMEDY)?;
    let packages = ["install", "--yes", "--no-install-recommends", "chromium", "chromium-driver"];
    run("apt-get install chromium chromium-driver", apt_get().args(packages)).context(REMEDY)
}

/// Sees to it that axe is in `target/npm`, and returns its script.
///
/// # Errors
/// If it is missing and npm is, too, and cannot be installed, or fails.
pub fn axe(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.target.join("npm");
    let (script, stamp) = (folder.join("node_modules/axe-core/axe.min.js"), folder.join("axe.version"));
    if script.is_file() && std::fs::read_to_string(&stamp).is_ok_and(|version| version == AXE) {
        return Ok(script);
    }
    if on_path(&["npm"]).is_none() {
        install_npm()?;
    }
    std::fs::create_dir_all(&folder)?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix"]).arg(&folder).arg(AXE);
    run(&format!("installing {AXE} into target/npm"), &mut npm)
        .with_context(|| format!("the accessibility tests need {AXE}. Remedy: make the npm registry reachable, then again"))?;
    std::fs::write(&stamp, AXE)?;
    Ok(script)
}

fn install_npm() -> Result<()> {
    const REMEDY: &str = "Remedy: as root, `apt-get update && apt-get install nodejs npm`; or put the npm of your Node.js on the PATH";
    if on_path(&["apt-get"]).is_none() {
        bail!("the accessibility tests need npm, and this machine has no apt-get to install it with. {REMEDY}");
    }
    say("npm is missing: installing Debian's packages nodejs and npm");
    run("apt-get update", apt_get().arg("update")).context(REMEDY)?;
    let packages = ["install", "--yes", "--no-install-recommends", "nodejs", "npm"];
    run("apt-get install nodejs npm", apt_get().args(packages)).context(REMEDY)
}

/// apt-get as root: directly, or by a sudo that asks nothing.
fn apt_get() -> Command {
    let is_root = output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    let mut command = Command::new(if is_root { "apt-get" } else { "sudo" });
    if !is_root {
        command.args(["-n", "apt-get"]);
    }
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_names_no_file_does_not_hide_the_path() {
        assert_eq!(named_or_on_path("B4_NO_SUCH_VARIABLE", &["sh"]), on_path(&["sh"]));
        assert!(on_path(&["sh"]).is_some());
    }
}
