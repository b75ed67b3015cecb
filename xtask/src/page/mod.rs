//! The page: from `index.html`, the wasm app and `www/` to a folder that a server can hand out as it is.
//!
//! Its life: [`compile`] has cargo build the app, [`html`] reads which files `index.html` asks for, and unless nothing changed
//! since the last build, [`bind`] makes the app callable from JavaScript, [`imports`] the names between the two short, [`lean`]
//! leaves out what only readers of the source need, [`assets`] gives every file the hash of its bytes as part of its name,
//! [`html`] writes the new names in, [`worker`] tells the service worker which files make up this build, and [`pack`] compresses
//! them and puts the folder in place.
//!
//! Deliberately absent: a list of the page's files. `index.html` is the only one, for Trunk and for us.

mod assets;
mod bind;
mod compile;
mod html;
mod imports;
mod lean;
mod pack;
mod tag;
mod worker;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use assets::{Assets, Integrity, hex_digest};
use html::Page;

use crate::process::say;
use crate::workspace::Workspace;

/// Where the service worker lives: beside `/`, for that is its scope, and under a name that never changes.
const WORKER_URL: &str = "/sw.js";

/// Builds the page, release, and returns its folder.
///
/// # Errors
/// If the app does not compile, or `index.html` names a file that is not there.
pub fn build(workspace: &Workspace) -> Result<PathBuf> {
    let wasm = compile::app(workspace)?;
    let source = fs::read_to_string(workspace.root.join("index.html")).context("reading index.html")?;
    let page = Page::parse(&source)?;
    let key = key(workspace, &wasm, &source, &page)?;
    let (dist, stamp) = (workspace.dist(), workspace.target.join("page.key"));
    if dist.join("index.html").is_file() && fs::read_to_string(&stamp).is_ok_and(|last| last == key) {
        say("the page is unchanged");
        return Ok(dist);
    }
    assemble(workspace, &wasm, &page)?;
    fs::write(&stamp, key)?;
    Ok(dist)
}

/// Everything that the page is made of, and what makes it, in one digest.
fn key(workspace: &Workspace, wasm: &Path, source: &str, page: &Page) -> Result<String> {
    let mut all = Vec::new();
    let maker = std::env::current_exe().and_then(fs::metadata).context("looking at xtask itself")?;
    all.extend(format!("{} {:?}", maker.len(), maker.modified()?).into_bytes());
    all.extend(hex_digest(&fs::read(wasm)?).into_bytes());
    all.extend(source.as_bytes());
    for file in page.sources(&workspace.root)?.iter().chain([&worker::source(&workspace.root)]) {
        let bytes = fs::read(file).with_context(|| format!("reading {}", file.display()))?;
        all.extend(format!("{} {}", file.display(), hex_digest(&bytes)).into_bytes());
    }
    Ok(hex_digest(&all))
}

/// Makes the folder anew.
fn assemble(workspace: &Workspace, wasm: &Path, page: &Page) -> Result<()> {
    say("binding the app to JavaScript");
    let bound = bind::bind(wasm, &workspace.target.join("page.bound"))?;
    let mut assets = Assets::default();
    bound.add_to(&mut assets);
    page.add_to(&workspace.root, &mut assets)?;
    let build = assets.build_id(page.text(), &worker::template(&workspace.root)?);
    let index = page.write(&assets, &build, WORKER_URL)?;
    let worker = worker::write(&workspace.root, &assets, &build, &Integrity::of(index.as_bytes()))?;
    assets.add_unhashed("/index.html", index.into_bytes());
    assets.add_unhashed(WORKER_URL, worker.into_bytes());
    say("compressing (brotli and gzip; what did not change is taken from the last time)");
    let sizes = pack::pack(&assets, &workspace.dist(), &workspace.target.join("page.packed"))?;
    say(&format!("the page is built: build {build}, {sizes}"));
    Ok(())
}
