//! `cargo xtask check-trunk`: the same `index.html` and `Trunk.toml` build a page that starts under Trunk, too.
//!
//! Trunk is for development (`trunk serve`); the two README commands do without it. It is installed once, outside the clone.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::process::{output, run, say};
use crate::relay::{self, Relay, free_address};
use crate::setup;
use crate::tools;
use crate::workspace::Workspace;

/// The newest that our Rust compiles.
const VERSION: &str = "0.21.14";
/// Stands in the shell of `index.html` and nowhere else: the app takes the shell's place when it starts.
const SHELL_MARK: &str = "data-shell";
/// How long a page may take to start, in the browser's own time.
const START_LIMIT_MS: u32 = 20_000;

/// Builds the page with Trunk and looks whether it starts.
///
/// # Errors
/// If Trunk cannot be installed, does not build, or the page does not start.
pub fn check(workspace: &Workspace) -> Result<()> {
    setup::wasm_target(workspace)?;
    let browser = setup::browser()?;
    let trunk = install(workspace)?;
    tools::install(workspace)?;
    let dist = workspace.target.join("trunk-page");
    let mut build = Command::new(trunk);
    build.current_dir(&workspace.root).env("PATH", tools::path_with_tools(workspace)?).env_remove("NO_COLOR");
    build.args(["build", "--release", "--dist"]).arg(&dist);
    run("building the page with Trunk", &mut build)?;
    relay::build(workspace)?;
    starts(workspace, &browser.chromium, &dist)
}

/// Where Trunk is, after installing it if need be.
fn install(workspace: &Workspace) -> Result<PathBuf> {
    let root = cache()?.join("b4/trunk");
    let trunk = root.join("bin").join(format!("trunk{}", std::env::consts::EXE_SUFFIX));
    if trunk.is_file() && output(Command::new(&trunk).arg("--version")).is_ok_and(|said| said.contains(VERSION)) {
        return Ok(trunk);
    }
    let mut cargo = workspace.cargo();
    cargo.current_dir(std::env::temp_dir()).env_remove("CARGO_TARGET_DIR");
    cargo.args(["install", "--locked", "trunk", "--version", VERSION, "--root"]).arg(&root);
    run(&format!("installing Trunk {VERSION} into {} (once; ten minutes)", root.display()), &mut cargo)
        .with_context(|| format!("Trunk {VERSION} cannot be installed. Remedy: make the crate registry reachable, then again"))?;
    Ok(trunk)
}

/// The person's cache folder, by the rules of XDG.
fn cache() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("XDG_CACHE_HOME").filter(|named| !named.is_empty()) {
        return Ok(named.into());
    }
    Ok(PathBuf::from(std::env::var_os("HOME").context("neither XDG_CACHE_HOME nor HOME is set")?).join(".cache"))
}

/// Serves the page under the relay's own headers and has a headless Chromium open it.
fn starts(workspace: &Workspace, chromium: &Path, dist: &Path) -> Result<()> {
    let scratch = workspace.target.join("trunk-check");
    if scratch.exists() {
        fs::remove_dir_all(&scratch)?;
    }
    let listen = free_address()?;
    let relay = Relay::start(workspace, listen, &scratch.join("data"), dist, &[])?;
    let mut browser = Command::new(chromium);
    browser.args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--dump-dom"]);
    browser.arg(format!("--virtual-time-budget={START_LIMIT_MS}"));
    browser.arg(format!("--user-data-dir={}", scratch.join("profile").display()));
    browser.arg(format!("http://localhost:{}/", listen.port()));
    say("opening it in a headless Chromium");
    let document = output(&mut browser)?;
    drop(relay);
    fs::write(scratch.join("document.html"), &document)?;
    ensure!(has_started(&document), "the page that Trunk built does not start: see target/trunk-check/document.html");
    say("the page that Trunk built starts");
    Ok(())
}

/// Whether the app stands where the shell stood.
fn has_started(document: &str) -> bool {
    document.contains("id=\"app\"") && !document.contains(SHELL_MARK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_still_shows_its_shell_has_not_started() {
        assert!(!has_started("<div id=\"app\"><main data-shell></main></div>"));
        assert!(has_started("<div id=\"app\"><main>Welcome</main></div>"));
        assert!(!has_started(""));
    }

    #[test]
    fn trunks_server_hands_on_every_call_of_the_page_and_its_wasm_bindgen_is_ours() {
        let root = Workspace::find().root;
        let read = |name: &str| fs::read_to_string(root.join(name)).expect("it is there");
        let (trunk, manifest) = (read("Trunk.toml"), read("Cargo.toml"));
        for path in ["ws://127.0.0.1:8080/relay", "/names", "/enrol", "/revoked", "/authority.pem"] {
            assert!(trunk.contains(&format!("{path}\"\n")), "{path}");
        }
        let pinned = manifest.split("\nwasm-bindgen = \"=").nth(1).and_then(|rest| rest.split('"').next()).expect("pinned exactly");
        assert!(trunk.contains(&format!("wasm_bindgen = \"{pinned}\"")) && trunk.contains(&format!("trunk-version = \"{VERSION}\"")));
    }

    #[test]
    fn the_shell_of_our_page_carries_the_mark() {
        let page = fs::read_to_string(Workspace::find().root.join("index.html")).expect("the page");
        assert!(page.contains("id=\"app\"") && page.contains(SHELL_MARK));
    }
}
