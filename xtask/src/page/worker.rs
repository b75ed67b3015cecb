//! The service worker of a build: `www/sw.js` with the build's identity and its files written in.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::assets::{Assets, Integrity};
use super::lean;

const BUILD_MARK: &str = "\"__B4_BUILD__\"";
const FILES_MARK: &str = "\"__B4_FILES__\"";

/// What the page never shows: pictures for the system that it is installed on, which keeps copies of its own.
const FOR_THE_SYSTEM: &str = ".png";

/// The template's path.
pub fn source(root: &Path) -> PathBuf {
    root.join("www/sw.js")
}

/// The template.
pub fn template(root: &Path) -> Result<String> {
    lean::script(&fs::read_to_string(source(root)).context("reading www/sw.js")?)
}

/// Fills in the template. The page itself is listed as `/`.
pub fn write(root: &Path, assets: &Assets, build: &str, index: &Integrity) -> Result<String> {
    fill(&template(root)?, assets, build, index)
}

fn fill(template: &str, assets: &Assets, build: &str, index: &Integrity) -> Result<String> {
    for mark in [BUILD_MARK, FILES_MARK] {
        ensure!(template.matches(mark).count() == 1, "www/sw.js must contain {mark} exactly once");
    }
    let mut files = vec![json!(["/", index.to_string()])];
    let kept = assets.all().filter(|asset| !asset.url.ends_with(FOR_THE_SYSTEM));
    files.extend(kept.map(|asset| json!([asset.url, Integrity::of(&asset.bytes).to_string()])));
    let files = serde_json::to_string_pretty(&files)?;
    Ok(template.replace(BUILD_MARK, &json!(build).to_string()).replace(FILES_MARK, &files))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worker_lists_the_page_and_every_file_it_shows_with_its_integrity() {
        let mut assets = Assets::default();
        assets.add("/a.css", Vec::new());
        assets.add("/a.png", Vec::new());
        let template = "const B = \"__B4_BUILD__\"; const F = \"__B4_FILES__\";";
        let filled = fill(template, &assets, "0123", &Integrity::of(b"page")).expect("both marks are there");
        assert!(filled.contains("const B = \"0123\""));
        assert!(filled.contains("\"/a-e3b0c44298fc1c14.css\""));
        assert!(filled.contains(&Integrity::of(b"page").to_string()));
        assert!(!filled.contains("__B4") && !filled.contains(".png"));
    }

    #[test]
    fn a_template_without_its_marks_is_refused() {
        let refused = fill("const B = 1;", &Assets::default(), "0", &Integrity::of(b""));
        assert!(refused.expect_err("no mark").to_string().contains("__B4_BUILD__"));
    }
}
