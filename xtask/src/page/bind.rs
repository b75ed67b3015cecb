//! wasm-bindgen in process: raw wasm in, a JavaScript module and smaller wasm out.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use wasm_bindgen_cli_support::Bindgen;

use super::assets::{Assets, hex_digest};
use super::compile::APP;
use super::{imports, lean};

/// What wasm-bindgen made of the app.
#[derive(Debug)]
pub struct Bound {
    module: Vec<u8>,
    wasm: Vec<u8>,
    /// JavaScript that came with crates: path below the output folder, bytes.
    snippets: Vec<(PathBuf, Vec<u8>)>,
}

/// Binds the app for the target `web`, without names and producers and with short imports, by way of the folder `work`.
pub fn bind(raw: &Path, work: &Path) -> Result<Bound> {
    if work.exists() {
        fs::remove_dir_all(work)?;
    }
    Bindgen::new()
        .input_path(raw)
        .out_name(APP)
        .web(true)?
        .typescript(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        .omit_default_module_path(true)
        .generate(work)
        .context("wasm-bindgen could not bind the app")?;
    let mut snippets = Vec::new();
    let folder = work.join("snippets");
    if folder.is_dir() {
        for file in super::assets::files_below(&folder)? {
            snippets.push((file.strip_prefix(work)?.to_path_buf(), fs::read(&file)?));
        }
    }
    let (module, wasm) = (work.join(format!("{APP}.js")), work.join(format!("{APP}_bg.wasm")));
    let (module, wasm) = imports::shorten(&fs::read_to_string(module)?, &fs::read(wasm)?)?;
    Ok(Bound { module: lean::script(&module)?.into_bytes(), wasm, snippets })
}

impl Bound {
    /// Adds the files under the names that `index.html` knows them by. Snippets move into a folder named by their hash.
    pub fn add_to(self, assets: &mut Assets) {
        let mut module = self.module;
        if !self.snippets.is_empty() {
            let all: Vec<u8> = self.snippets.iter().flat_map(|(_, bytes)| hex_digest(bytes).into_bytes()).collect();
            let folder = format!("snippets-{}", &hex_digest(&all)[..16]);
            module = String::from_utf8_lossy(&module).replace("./snippets/", &format!("./{folder}/")).into_bytes();
            for (path, bytes) in self.snippets {
                let below = path.strip_prefix("snippets").unwrap_or(&path).display().to_string();
                assets.add_unhashed(&format!("/{folder}/{below}"), bytes);
            }
        }
        assets.add(&format!("/{APP}.js"), module);
        assets.add(&format!("/{APP}_bg.wasm"), self.wasm);
    }
}
