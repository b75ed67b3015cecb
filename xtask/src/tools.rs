//! `target/tools`: wasm-bindgen's command line and test runner, pinned by our own Cargo.lock.
//!
//! Trunk wants a `wasm-bindgen` on the PATH, cargo a runner for wasm tests; both are copies of one program of this crate.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::process::run;
use crate::workspace::Workspace;

/// Builds the tools and returns the test runner's path.
///
/// # Errors
/// If they do not compile or cannot be copied.
pub fn install(workspace: &Workspace) -> Result<PathBuf> {
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--profile", "xtask", "--package", "xtask", "--features", "tools", "--bin", "b4-tools"]);
    run("building wasm-bindgen's tools (two minutes when cold)", &mut cargo)?;
    let built = workspace.target.join("xtask").join(format!("b4-tools{}", std::env::consts::EXE_SUFFIX));
    fs::create_dir_all(workspace.tools())?;
    copy(&built, &workspace.tools().join("wasm-bindgen"))?;
    let runner = workspace.tools().join("wasm-bindgen-test-runner");
    copy(&built, &runner)?;
    Ok(runner)
}

/// The PATH with `target/tools` before everything else.
///
/// # Errors
/// If the PATH cannot be written down (a folder with a colon in its name).
pub fn path_with_tools(workspace: &Workspace) -> Result<OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(workspace.tools()).chain(std::env::split_paths(&path));
    Ok(std::env::join_paths(folders)?)
}

/// Copies by rename, so that a running copy is not written into.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let fresh = to.with_extension("new");
    fs::copy(from, &fresh).with_context(|| format!("copying {} to {}", from.display(), fresh.display()))?;
    fs::rename(&fresh, to).with_context(|| format!("putting {} in place", to.display()))
}
