//! Has cargo compile the app for the browser.

use std::path::PathBuf;

use anyhow::Result;

use crate::process::run;
use crate::setup;
use crate::workspace::{WASM_TARGET, Workspace};

/// The name of the app's binary, and of the files made of it.
pub const APP: &str = "b4-app";

/// Compiles the app with the profile `release` and returns the raw wasm.
pub fn app(workspace: &Workspace) -> Result<PathBuf> {
    setup::wasm_target(workspace)?;
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--release", "--target", WASM_TARGET, "--package", "b4", "--bin", APP]);
    run("compiling the app (release, for the browser)", &mut cargo)?;
    Ok(workspace.target.join(WASM_TARGET).join("release").join(format!("{APP}.wasm")))
}
