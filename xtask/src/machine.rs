//! The machine as its environment shows it: which programs are there, and installing more of them.
//!
//! A value, so that a test has a machine of its own. Deliberately absent: what is needed; that is `setup`'s.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::{output, run, say};

/// A machine.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The environment of every program that it starts, beside what is set already.
    variables: BTreeMap<OsString, OsString>,
}

impl Machine {
    /// The one that this program runs on.
    pub fn this() -> Self {
        Self { variables: std::env::vars_os().collect() }
    }

    /// One whose programs and settings are these variables'.
    #[cfg(test)]
    pub fn of(variables: BTreeMap<OsString, OsString>) -> Self {
        Self { variables }
    }

    /// The first of `names` that is on the PATH.
    pub fn on_path(&self, names: &[&str]) -> Option<PathBuf> {
        let folders: Vec<PathBuf> = std::env::split_paths(self.variables.get(&OsString::from("PATH"))?).collect();
        names.iter().find_map(|name| folders.iter().map(|folder| folder.join(name)).find(|file| file.is_file()))
    }

    /// The file that a variable names; where it names none, the first of `names` that is on the PATH.
    pub fn named_or_on_path(&self, variable: &str, names: &[&str]) -> Option<PathBuf> {
        let named = self.variables.get(&OsString::from(variable)).map(PathBuf::from);
        named.filter(|file| file.is_file()).or_else(|| self.on_path(names))
    }

    /// A program of this machine, to be started.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.envs(&self.variables);
        command
    }

    /// Installs Debian's `packages`, because something is missing as `missing` says; `or_else` is what a person may do instead.
    ///
    /// # Errors
    /// If there is no apt-get, or it fails; the message says what is missing and the remedy.
    pub fn install(&self, missing: &str, packages: &[&str], or_else: &str) -> Result<()> {
        let list = packages.join(" ");
        let why = format!("{missing}. Remedy: as root, `apt-get update && apt-get install {list}`{or_else}");
        if self.on_path(&["apt-get"]).is_none() {
            bail!("{why} (this machine has no apt-get to do it with)");
        }
        say(&format!("{missing}: installing Debian's {list}"));
        run("apt-get update", self.apt_get().arg("update")).with_context(|| why.clone())?;
        let mut install = self.apt_get();
        install.args(["install", "--yes", "--no-install-recommends"]).args(packages);
        run(&format!("apt-get install {list}"), &mut install).context(why)
    }

    /// apt-get as root: directly, or by a sudo that asks nothing.
    fn apt_get(&self) -> Command {
        let is_root = output(self.command("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
        let mut command = self.command(if is_root { "apt-get" } else { "sudo" });
        if !is_root {
            command.args(["-n", "apt-get"]);
        }
        command.env("DEBIAN_FRONTEND", "noninteractive");
        command
    }
}
