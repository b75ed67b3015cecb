//! Has cargo compile the app for the browser.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::process::run;
use crate::setup;
use crate::workspace::{WASM_TARGET, Workspace};

/// The name of the app's binary, and of the files made of it.
pub const APP: &str = "b4-app";

/// Compiles the app with the profile `release` and returns the raw wasm.
///
/// Panics name their source files. Without the folder that this machine keeps crates in they are shorter, and say nothing about
/// who built the page.
pub fn app(workspace: &Workspace) -> Result<PathBuf> {
    setup::wasm_target(workspace)?;
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--release", "--target", WASM_TARGET, "--package", "b4", "--bin", APP]);
    let shortened: Vec<String> = crate_folders().iter().filter_map(|folder| without(folder)).collect();
    cargo.args(["--config", &format!("target.{WASM_TARGET}.rustflags = [{}]", shortened.join(", "))]);
    run("compiling the app (release, for the browser)", &mut cargo)?;
    Ok(workspace.target.join(WASM_TARGET).join("release").join(format!("{APP}.wasm")))
}

/// Where cargo unpacks the crates of registries, one folder for each registry.
fn crate_folders() -> Vec<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo")));
    let registries = home.and_then(|home| std::fs::read_dir(home.join("registry/src")).ok());
    let mut folders: Vec<PathBuf> = registries.into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    folders.sort();
    folders
}

/// The flag, in quotes, with which rustc leaves `folder` out of the paths that it writes down; `None` for a name that is not text.
fn without(folder: &Path) -> Option<String> {
    Some(format!("'--remap-path-prefix={}/='", folder.to_str().filter(|name| !name.contains('\''))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_crates_is_left_out_of_what_panics_say() {
        let flag = without(Path::new("/home/a b/.cargo/registry/src/x"));
        assert_eq!(flag.as_deref(), Some("'--remap-path-prefix=/home/a b/.cargo/registry/src/x/='"));
        assert_eq!(without(Path::new("/it's")), None);
    }
}
