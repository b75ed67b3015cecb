//! `cargo xtask screenshots`: the pictures in `docs/screenshots`, taken anew. What is taken and how is `e2e`'s business.

use anyhow::Result;

use crate::process::run;
use crate::test::with_product;
use crate::workspace::Workspace;

/// Retakes every picture.
///
/// # Errors
/// If something does not compile or a screen does not come up.
pub fn retake(workspace: &Workspace) -> Result<()> {
    let mut cargo = workspace.cargo();
    cargo.args(["run", "--package", "b4-e2e", "--bin", "screenshots", "--"]).arg(workspace.root.join("docs/screenshots"));
    with_product(workspace, &mut cargo)?;
    run("taking pictures of every screen", &mut cargo)
}
