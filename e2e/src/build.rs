//! Builds of the page: which one a page is of, and another one made from the one that is served.
//!
//! The other build differs in its style sheet and its boot script, and says so consistently everywhere: names by content,
//! integrities, the list in the service worker. Its code is the same.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use base64ct::{Base64, Encoding};
use sha2::{Digest, Sha256, Sha384};

use crate::Person;
use crate::process::named_by;

/// What tells one build from another on a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Build {
    /// `data-build`
    pub id: String,
    /// URL of the style sheet.
    pub styles: String,
    /// URL of the boot script.
    pub boot: String,
}

/// The build that a page is of.
///
/// # Errors
/// If the page is not a built one.
pub async fn of_page(person: &Person) -> Result<Build> {
    let script = r#"return [document.documentElement.dataset.build, document.querySelector("link[rel=stylesheet]").href,
        document.querySelector("script[data-app]").src].map((text) => text.replace(location.origin, ""))"#;
    let found = person.run(script, vec![]).await?;
    let text = |at: usize| found[at].as_str().map(str::to_owned).context("a part of the build");
    Ok(Build { id: text(0)?, styles: text(1)?, boot: text(2)? })
}

/// Writes another build of the page of `B4_DIST` to `folder`.
///
/// # Errors
/// If that page is not as `cargo xtask build` makes it.
pub fn variant(folder: &Path) -> Result<Build> {
    copy(&named_by("B4_DIST")?, folder)?;
    let (mut index, mut worker) = (read(folder, "index.html")?, read(folder, "sw.js")?);
    let old_index = integrity(index.as_bytes());
    let id = between(&index, "data-build=\"", "\"")?;
    let other_id = hex(&Sha256::digest(&id))[..16].to_owned();
    let mut urls = Vec::new();
    for (stem, extension) in [("b4", ".css"), ("boot", ".js")] {
        let old = between(&index, &format!("\"/{stem}-"), "\"").map(|hash| format!("/{stem}-{hash}"))?;
        ensure!(old.ends_with(extension), "{old} is not the {extension} of {stem}");
        let text = read(folder, &old[1..])?;
        let changed = format!("{text}\n/* another build */\n");
        let url = format!("/{stem}-{}{extension}", &hex(&Sha256::digest(&changed))[..16]);
        write(folder, &url[1..], &changed)?;
        for page in [&mut index, &mut worker] {
            *page = page.replace(&old, &url).replace(&integrity(text.as_bytes()), &integrity(changed.as_bytes()));
        }
        urls.push(url);
    }
    index = index.replace(&id, &other_id);
    worker = worker.replace(&id, &other_id);
    ensure!(worker.contains(&old_index), "the service worker does not know the page");
    worker = worker.replace(&old_index, &integrity(index.as_bytes()));
    write(folder, "index.html", &index)?;
    write(folder, "sw.js", &worker)?;
    let [styles, boot] = <[String; 2]>::try_from(urls).ok().context("two files were changed")?;
    Ok(Build { id: other_id, styles, boot })
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name()))?;
        if path.is_dir() { copy(&path, &to.join(name))? } else { fs::copy(&path, to.join(name)).map(drop)? }
    }
    Ok(())
}

fn read(folder: &Path, name: &str) -> Result<String> {
    fs::read_to_string(folder.join(name)).with_context(|| format!("reading {name} of the page"))
}

/// Writes a file and takes away its compressed siblings, which are another's now.
fn write(folder: &Path, name: &str, text: &str) -> Result<()> {
    fs::write(folder.join(name), text)?;
    for sibling in ["br", "gz"] {
        let sibling = folder.join(format!("{name}.{sibling}"));
        if sibling.exists() {
            fs::remove_file(sibling)?;
        }
    }
    Ok(())
}

fn between(text: &str, before: &str, after: &str) -> Result<String> {
    let found = text.split_once(before).and_then(|(_, rest)| rest.split_once(after));
    found.map(|(found, _)| found.to_owned()).with_context(|| format!("{before}…{after} is not in the page"))
}

fn integrity(bytes: &[u8]) -> String {
    format!("sha384-{}", Base64::encode_string(&Sha384::digest(bytes)))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
