//! Set-up on machines that have this and lack that: their programs note how they are called.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use tempfile::TempDir;

use super::*;

/// A machine with nothing on it but what a test puts there.
struct Made {
    folder: TempDir,
    workspace: Workspace,
}

impl Made {
    /// A machine with these programs, each of which does nothing well.
    fn with(programs: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("bin")).expect("made");
        let root = folder.path().to_path_buf();
        let made = Self { workspace: Workspace { target: root.join("target"), root }, folder };
        programs.iter().for_each(|name| made.put(name, ""));
        made
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts a program there that does what `does` says, in the language of the shell.
    fn put(&self, name: &str, does: &str) {
        let program = self.path("bin").join(name);
        // One script for all, so that nothing is started that a moment ago was written.
        symlink(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/program.sh"), &program).expect("put there");
        fs::write(program.with_extension("does"), does).expect("written");
    }

    fn machine(&self) -> Machine {
        self.machine_with(&[])
    }

    /// With variables that name files of the machine.
    fn machine_with(&self, variables: &[(&str, &str)]) -> Machine {
        let files = variables.iter().map(|(name, file)| ((*name).into(), self.path(file).into()));
        Machine::of(BTreeMap::from_iter([("PATH".into(), self.path("bin").into())].into_iter().chain(files)))
    }

    /// How programs were called, in order.
    fn called(&self) -> Vec<String> {
        fs::read_to_string(self.path("called")).unwrap_or_default().lines().map(str::to_owned).collect()
    }
}

/// The error names what is missing and what to do about it.
fn names<T: std::fmt::Debug>(result: Result<T>, missing: &str, remedy: &str) {
    let error = format!("{:#}", result.expect_err("it is missing and cannot be installed"));
    assert!(error.contains(missing) && error.contains(&format!("Remedy: {remedy}")), "{error}");
}

#[test]
fn what_is_there_is_used_and_nothing_is_installed() {
    let made = Made::with(&["openssl", "chromium", "chromedriver", "npm", "apt-get", "sudo", "rustup", "cargo"]);
    made.put("rustc", &format!("echo {}", made.path("bin").display()));
    let machine = made.machine();
    openssl_on(&machine).expect("it is there");
    let browser = browser_on(&machine).expect("it is there");
    assert_eq!(browser, Browser { chromium: made.path("bin/chromium"), driver: made.path("bin/chromedriver") });
    let script = made.path("target/npm/node_modules/axe-core/axe.min.js");
    fs::create_dir_all(script.parent().expect("a folder")).expect("made");
    fs::write(&script, "").and_then(|()| fs::write(made.path("target/npm/axe.version"), AXE)).expect("written");
    assert_eq!(axe_on(&machine, &made.workspace).expect("it is there"), script);
    assert!(made.called().is_empty(), "{:?}", made.called());
    wasm_target_on(&machine, &made.workspace).expect("it is there");
    clippy_on(&machine, &made.workspace, machine.command("cargo")).expect("it is there");
    assert_eq!(made.called(), ["rustc --print target-libdir --target wasm32-unknown-unknown", "cargo clippy --version"]);
}

#[test]
fn a_variable_names_another_browser_and_one_that_names_no_file_does_not_hide_the_path() {
    let made = Made::with(&["chromium", "chromedriver", "other"]);
    let chromium = |variables| browser_on(&made.machine_with(variables)).expect("both are there").chromium;
    assert_eq!(chromium(&[("CHROMIUM", "bin/other")]), made.path("bin/other"));
    assert_eq!(chromium(&[("CHROMIUM", "bin/none")]), made.path("bin/chromium"));
}

#[test]
fn what_is_missing_is_installed_by_its_own_manager() {
    let made = Made::with(&["rustup", "npm"]);
    made.put("id", "echo 0");
    made.put("apt-get", "case $1 in install) for name in openssl chromium chromedriver; do : > \"${0%/*}/$name\"; done; esac");
    made.put("rustc", "echo /nowhere");
    made.put("cargo", "exit 101");
    let machine = made.machine();
    openssl_on(&machine).expect("installed");
    let done = ["id -u", "apt-get update", "id -u", "apt-get install --yes --no-install-recommends openssl"];
    assert_eq!(made.called(), done);
    for program in ["openssl", "chromium", "chromedriver"] {
        fs::remove_file(made.path("bin").join(program)).expect("it was installed");
    }
    browser_on(&machine).expect("installed");
    axe_on(&machine, &made.workspace).expect("installed");
    assert_eq!(fs::read_to_string(made.path("target/npm/axe.version")).expect("noted"), AXE);
    wasm_target_on(&machine, &made.workspace).expect("installed");
    clippy_on(&machine, &made.workspace, machine.command("cargo")).expect("installed");
    let called = made.called();
    let expected = ["apt-get install --yes --no-install-recommends chromium chromium-driver", "rustup target add wasm32-unknown-unknown", "rustup component add clippy"];
    assert!(expected.iter().all(|call| called.iter().any(|done| done == call)), "{called:?}");
    assert!(called.iter().any(|call| call.starts_with("npm install") && call.ends_with(AXE)), "{called:?}");
}

#[test]
fn who_is_not_root_installs_by_a_sudo_that_asks_nothing() {
    let made = Made::with(&["apt-get", "sudo"]);
    made.put("id", "echo 1000");
    openssl_on(&made.machine()).expect("sudo does it");
    assert_eq!(made.called()[1], "sudo -n apt-get update");
}

#[test]
fn what_cannot_be_installed_is_named_with_the_remedy() {
    let without_manager = Made::with(&[]);
    without_manager.put("rustc", "echo /nowhere");
    without_manager.put("cargo", "exit 101");
    let refused = Made::with(&[]);
    refused.put("rustc", "echo /nowhere");
    for program in ["cargo", "rustup", "apt-get", "sudo"] {
        refused.put(program, "exit 1");
    }
    for made in [&without_manager, &refused] {
        let (machine, workspace) = (made.machine(), &made.workspace);
        names(openssl_on(&machine), "openssl is missing", "as root, `apt-get update && apt-get install openssl`");
        let packages = "as root, `apt-get update && apt-get install chromium chromium-driver`; or set CHROMIUM and CHROMEDRIVER";
        names(browser_on(&machine), "Chromium or chromedriver is missing", packages);
        names(axe_on(&machine, workspace), "npm is missing", "as root, `apt-get update && apt-get install nodejs npm`");
        names(wasm_target_on(&machine, workspace), "no target wasm32-unknown-unknown", "rustup target add wasm32-unknown-unknown");
        names(clippy_on(&machine, workspace, machine.command("cargo")), "no clippy", "rustup component add clippy");
    }
    refused.put("npm", "exit 1");
    names(axe_on(&refused.machine(), &refused.workspace), AXE, "make the npm registry reachable");
}

#[test]
fn a_browser_that_is_not_found_after_it_was_installed_is_named() {
    let made = Made::with(&["apt-get", "sudo"]);
    names(browser_on(&made.machine()), "still not on the PATH", "set CHROMIUM and CHROMEDRIVER");
}
