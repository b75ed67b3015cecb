//! `index.html`: which files it asks for (the `data-trunk` links that Trunk reads, too), and the same page with hashed names.
//!
//! Supported: `rel` rust, css, copy-file, copy-dir. Every attribute `href`, `src`, `data-app`,
//! `data-wasm`, `data-keys` or `data-files` that is the URL of a file of the build becomes its hashed URL, and gets its integrity where browsers heed one.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::assets::{Asset, Assets, Integrity, files_below};
use super::compile::APP;
use super::lean;
use super::tag::{Tag, tags};

/// All stylesheets in one, as `index.html` orders them.
const STYLES: &str = "/b4.css";
/// Texts that speak of other files by URL.
const SPEAKING: [&str; 1] = ["webmanifest"];

/// The page as it stands in the repository.
#[derive(Debug)]
pub struct Page {
    text: String,
    tags: Vec<Tag>,
}

impl Page {
    /// Reads the page.
    ///
    /// # Errors
    /// If it holds a `data-trunk` link of another kind, or not exactly one app.
    pub fn parse(text: &str) -> Result<Page> {
        let text = without_comments(text)?;
        let page = Page { tags: tags(&text)?, text };
        let apps = page.links("rust").count();
        ensure!(apps == 1, "index.html must hold one link with data-trunk and rel=\"rust\", not {apps}");
        for tag in page.tags.iter().filter(|tag| tag.has("data-trunk")) {
            let rel = tag.value("rel").unwrap_or_default();
            let known = ["rust", "css", "copy-file", "copy-dir"];
            ensure!(known.contains(&rel), "index.html: data-trunk with rel=\"{rel}\" is not supported by xtask");
        }
        Ok(page)
    }

    /// Its source.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The files that go into the page, the app aside.
    pub fn sources(&self, root: &Path) -> Result<Vec<PathBuf>> {
        let mut sources = Vec::new();
        for tag in self.tags.iter().filter(|tag| tag.has("data-trunk")) {
            match tag.value("rel") {
                Some("rust") => {}
                Some("copy-dir") => sources.extend(files_below(&path(root, tag)?)?),
                _ => sources.push(path(root, tag)?),
            }
        }
        Ok(sources)
    }

    /// Adds the files that go into the page, the app aside. Those that are spoken of come before those that speak.
    pub fn add_to(&self, root: &Path, assets: &mut Assets) -> Result<()> {
        for tag in self.links("copy-dir") {
            let folder = path(root, tag)?;
            let parent = folder.parent().unwrap_or(root);
            for file in files_below(&folder)? {
                assets.add(&format!("/{}", file.strip_prefix(parent)?.display()), read(&file)?);
            }
        }
        for tag in self.links("copy-file") {
            let file = path(root, tag)?;
            let name = file.file_name().and_then(|name| name.to_str()).context("a file's name is not text")?;
            let extension = file.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
            if SPEAKING.contains(&extension) {
                assets.add_text(&format!("/{name}"), &read_text(&file)?);
            } else if extension == "js" {
                assets.add(&format!("/{name}"), lean::script(&read_text(&file)?)?.into_bytes());
            } else {
                assets.add(&format!("/{name}"), read(&file)?);
            }
        }
        let sheets: Result<Vec<String>> = self.links("css").map(|tag| read_text(&path(root, tag)?)).collect();
        assets.add_text(STYLES, &lean::styles(&sheets?.join("\n"))?);
        Ok(())
    }

    /// The page with hashed names, its build, and the service worker to register.
    pub fn write(&self, assets: &Assets, build: &str, worker: &str) -> Result<String> {
        let mut out = String::with_capacity(self.text.len());
        let mut after = 0;
        let mut has_styles = false;
        for tag in &self.tags {
            let before = &self.text[after..tag.range.start];
            after = tag.range.end;
            let written = match trunk_rel(tag) {
                None => plain(tag, assets, build, worker),
                Some("rust") => {
                    let module = linked(assets, "modulepreload", &format!("/{APP}.js"))?;
                    module + "\n  " + &preloaded(assets, &format!("/{APP}_bg.wasm"))?
                }
                Some("css") if !has_styles => {
                    has_styles = true;
                    linked(assets, "stylesheet", STYLES)?
                }
                Some(_) => String::new(),
            };
            out.push_str(if written.is_empty() { before.trim_end() } else { before });
            out.push_str(&written);
        }
        out.push_str(&self.text[after..]);
        if out.contains("data-trunk") {
            bail!("index.html: a data-trunk is left over");
        }
        Ok(out)
    }

    fn links<'a>(&'a self, rel: &'a str) -> impl Iterator<Item = &'a Tag> {
        self.tags.iter().filter(move |tag| trunk_rel(tag) == Some(rel))
    }
}

/// Comments are for those who read the repository: nobody needs to download them.
fn without_comments(text: &str) -> Result<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, comment)) = rest.split_once("<!--") {
        out.push_str(before.trim_end());
        rest = comment.split_once("-->").context("index.html: a comment does not end")?.1;
    }
    out.push_str(rest);
    Ok(out)
}

/// The `rel` of a link that is Trunk's and ours, not the browser's.
fn trunk_rel(tag: &Tag) -> Option<&str> {
    tag.has("data-trunk").then(|| tag.value("rel")).flatten()
}

/// The file that a link names.
fn path(root: &Path, tag: &Tag) -> Result<PathBuf> {
    Ok(root.join(tag.value("href").context("index.html: a link with data-trunk has no href")?))
}

fn read(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).with_context(|| format!("index.html asks for {}", file.display()))
}

fn read_text(file: &Path) -> Result<String> {
    fs::read_to_string(file).with_context(|| format!("index.html asks for {}", file.display()))
}

/// A link that we add.
fn linked(assets: &Assets, rel: &str, name: &str) -> Result<String> {
    let Asset { url, bytes } = assets.find(name).with_context(|| format!("the build has no {name}"))?;
    Ok(format!("<link rel=\"{rel}\" href=\"{url}\" integrity=\"{}\" crossorigin>", Integrity::of(bytes)))
}

/// Has the browser ask for `name` before the script that fetches it has come. Browsers heed no integrity here: that of the fetch
/// counts.
fn preloaded(assets: &Assets, name: &str) -> Result<String> {
    let Asset { url, .. } = assets.find(name).with_context(|| format!("the build has no {name}"))?;
    Ok(format!("<link rel=\"preload\" href=\"{url}\" as=\"fetch\" crossorigin>"))
}

/// A tag of the browser's own, with hashed names.
fn plain(tag: &Tag, assets: &Assets, build: &str, worker: &str) -> String {
    let mut tag = tag.clone();
    for attribute in ["href", "src", "data-app", "data-wasm", "data-keys", "data-files"] {
        let Some(asset) = tag.value(attribute).and_then(|name| assets.find(name)) else { continue };
        let integrity = Integrity::of(&asset.bytes).to_string();
        match (tag.name.as_str(), attribute) {
            ("script", "src") => tag.set("integrity", &integrity),
            ("script", "data-wasm") => tag.set("data-wasm-integrity", &integrity),
            _ => {}
        }
        tag.set(attribute, &asset.url);
    }
    match tag.name.as_str() {
        "html" => tag.set("data-build", build),
        "script" if tag.has("data-app") => tag.set("data-worker", worker),
        _ => {}
    }
    tag.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = r#"<!doctype html>
<html lang="en">
<head>
  <link data-trunk rel="rust" data-bin="b4-app">
  <link data-trunk rel="css" href="www/a.css">
  <link data-trunk rel="css" href="www/b.css">
  <link data-trunk rel="copy-file" href="www/boot.js">
  <link data-trunk rel="copy-file" href="www/keys.js">
  <link data-trunk rel="copy-file" href="www/files.js">
  <script type="module" src="/boot.js" data-app="/b4-app.js" data-wasm="/b4-app_bg.wasm" data-keys="/keys.js" data-files="/files.js"></script>
</head>
</html>
"#;

    fn built(source: &str) -> String {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("www")).expect("www");
        for (name, text) in [("a.css", "a{}"), ("b.css", "b{}"), ("boot.js", "boot()"), ("keys.js", "keys()"), ("files.js", "files()")] {
            fs::write(folder.path().join("www").join(name), text).expect("written");
        }
        let page = Page::parse(source).expect("it is a page");
        let mut assets = Assets::default();
        assets.add("/b4-app.js", b"app".to_vec());
        assets.add("/b4-app_bg.wasm", b"wasm".to_vec());
        page.add_to(folder.path(), &mut assets).expect("all files are there");
        let sheet = &assets.find(STYLES).expect("a sheet").bytes;
        assert_eq!(sheet, b"a{}\nb{}\n");
        page.write(&assets, "0123", "/sw.js").expect("written")
    }

    #[test]
    fn the_built_page_names_hashed_files_with_their_integrity() {
        let page = built(SOURCE);
        assert!(page.contains("<html lang=\"en\" data-build=\"0123\">"));
        assert_eq!(page.matches("rel=\"stylesheet\"").count(), 1);
        assert_eq!(page.matches("rel=\"modulepreload\"").count(), 1);
        assert_eq!(page.matches("rel=\"preload\"").count(), 1);
        assert_eq!(page.matches("integrity=\"sha384-").count(), 4);
        assert!(page.contains("data-worker=\"/sw.js\""));
        assert!(page.contains(" data-keys=\"/keys-") && page.contains(" data-files=\"/files-"));
        for unhashed in ["\"/boot.js\"", "\"/keys.js\"", "\"/files.js\"", "\"/b4-app.js\"", "\"/b4-app_bg.wasm\"", "data-trunk", "\n\n"] {
            assert!(!page.contains(unhashed), "{unhashed} in {page}");
        }
    }

    #[test]
    fn a_comment_is_left_out_whatever_it_speaks_of() {
        let page = built(&SOURCE.replace("<head>", "<head>\n  <!-- data-trunk <script> -->"));
        assert!(page.contains("<head>\n"));
        assert!(!page.contains("<!--") && !page.contains("data-trunk"));
        assert!(Page::parse("<!-- without an end").is_err());
    }

    #[test]
    fn a_kind_of_link_that_only_trunk_knows_is_refused() {
        let source = SOURCE.replace("rel=\"css\"", "rel=\"sass\"");
        assert!(Page::parse(&source).expect_err("sass").to_string().contains("sass"));
    }

    #[test]
    fn a_page_without_an_app_is_refused() {
        assert!(Page::parse("<html></html>").is_err());
    }
}
