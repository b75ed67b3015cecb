//! Programs of others that are run beside ours, from the npm registry into the folder of builds, each in one version. For tests
//! alone: nothing of them is in the page.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// Fetches `packages`, each as `name@version`, into `folder`, unless they are there.
pub fn fetch(folder: &Path, packages: &[&str]) -> Result<()> {
    if packages.iter().all(|package| is_there(folder, package)) {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    eprintln!("fetching {}", packages.join(", "));
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--no-save", "--ignore-scripts", "--prefix"]).arg(folder);
    npm.args(packages).stdout(Stdio::null());
    let status = npm.status().context("npm cannot be started. Remedy: as root, `apt-get install nodejs npm` (node 18 or newer)")?;
    ensure!(status.success(), "npm ended with {status}");
    Ok(())
}

fn is_there(folder: &Path, package: &str) -> bool {
    let Some((name, version)) = package.rsplit_once('@') else { return false };
    let said = fs::read_to_string(folder.join("node_modules").join(name).join("package.json"));
    let said = said.ok().and_then(|text| serde_json::from_str::<serde_json::Value>(&text).ok());
    said.is_some_and(|package| package["version"] == version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_there_in_its_version_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let package = folder.path().join("node_modules/@some/thing");
        fs::create_dir_all(&package).expect("made");
        fs::write(package.join("package.json"), r#"{ "version": "1.2.3" }"#).expect("written");
        let there = ["@some/thing@1.2.3", "@some/thing@1.2.4", "thing@1.2.3", "@some/thing"].map(|package| is_there(folder.path(), package));
        assert_eq!(there, [true, false, false, false]);
    }
}
