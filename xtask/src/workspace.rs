//! Where things are: the root of the clone, cargo's target folder, and what we put into it.
//!
//! Deliberately absent: any path of a particular machine.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The triple of the page.
pub const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// The paths that the commands share.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// The folder of the root `Cargo.toml`.
    pub root: PathBuf,
    /// Cargo's target folder.
    pub target: PathBuf,
}

impl Workspace {
    /// The workspace that this program was built from.
    pub fn find() -> Workspace {
        let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = xtask.parent().unwrap_or(xtask).to_path_buf();
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |named| root.join(named));
        Workspace { root, target }
    }

    /// The finished page, as it is served.
    pub fn dist(&self) -> PathBuf {
        self.target.join("page")
    }

    /// Programs that other programs call by name.
    pub fn tools(&self) -> PathBuf {
        self.target.join("tools")
    }

    /// The relay, built with the profile `native`.
    pub fn relay(&self) -> PathBuf {
        self.target.join("native").join(format!("b4-signaling{}", std::env::consts::EXE_SUFFIX))
    }

    /// A cargo command in the root, without the variables that `cargo run` set for us: some build scripts would run again.
    pub fn cargo(&self) -> Command {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.current_dir(&self.root);
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(is_ours_alone) {
                command.env_remove(name);
            }
        }
        command
    }
}

/// Whether `cargo run` set this variable to describe xtask itself.
fn is_ours_alone(name: &str) -> bool {
    ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|prefix| name.starts_with(prefix)) || name == "CARGO_CRATE_NAME"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_holds_the_page_and_its_manifest() {
        let workspace = Workspace::find();
        assert!(workspace.root.join("index.html").is_file());
        assert!(workspace.root.join("xtask/Cargo.toml").is_file());
    }

    #[test]
    fn settings_of_the_person_reach_cargo_and_xtasks_own_name_does_not() {
        assert!(is_ours_alone("CARGO_PKG_NAME"));
        assert!(is_ours_alone("CARGO_MANIFEST_DIR"));
        assert!(!is_ours_alone("CARGO_HOME"));
        assert!(!is_ours_alone("CARGO_TARGET_DIR"));
    }
}
