//! The page's test ids are a promise: what the page has stands in `docs/testing.md`, and what stands there the page has.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::{Breach, collect};

/// Where they are promised.
const DOCUMENT: &str = "docs/testing.md";
/// The heading above the tables of ids, and what stands below the last of them.
const TABLES: (&str, &str) = ("## Test ids", "States of a message:");

/// The breaches of the app's sources and of the document.
///
/// # Errors
/// If a file cannot be read.
pub fn check(root: &Path) -> Result<Vec<Breach>> {
    let read = |path: &Path| fs::read_to_string(path).with_context(|| format!("reading {}", path.display()));
    let document = read(&root.join(DOCUMENT))?;
    let (mut files, mut sources, mut breaches) = (Vec::new(), String::new(), Vec::new());
    collect(&root.join("src"), "rs", &mut files)?;
    for file in files {
        let text = read(&file)?;
        breaches.extend(undocumented(file.strip_prefix(root)?, &text, &document));
        sources += &text;
    }
    breaches.extend(missing(&document, &sources));
    Ok(breaches)
}

/// Ids of a source that the document does not have.
fn undocumented(file: &Path, text: &str, document: &str) -> Vec<Breach> {
    let ids = text.lines().enumerate().flat_map(|(at, line)| {
        let ids = line.split("data-testid=\"").skip(1).filter_map(|rest| rest.split('"').next());
        ids.map(move |id| (at + 1, id))
    });
    let unknown = ids.filter(|(_, id)| !document.contains(&format!("`{id}`")));
    unknown.map(|(line, id)| Breach::new(file, line, format!("the test id `{id}` does not stand in {DOCUMENT}"))).collect()
}

/// Ids in the first columns of the document's tables that no source has.
fn missing(document: &str, sources: &str) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let lines = document.lines().enumerate().skip_while(|(_, line)| *line != TABLES.0).take_while(|(_, line)| *line != TABLES.1);
    for (at, line) in lines.filter(|(_, line)| line.starts_with("| `")) {
        let cell = line.split('|').nth(1).unwrap_or_default();
        // Every second piece stands between two backticks.
        for id in cell.split('`').skip(1).step_by(2).filter(|id| !sources.contains(&format!("\"{id}\""))) {
            breaches.push(Breach::new(Path::new(DOCUMENT), at + 1, format!("the page has no test id `{id}`")));
        }
    }
    breaches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_without_a_place_in_the_document_is_a_breach_and_so_is_one_without_a_place_in_the_page() {
        let document = format!("{}\n| id |\n| `one` `two` | what `three` is |\n{}\n| `four` |\n", TABLES.0, TABLES.1);
        let found = |text: &str| undocumented(Path::new("src/a.rs"), text, &document).len();
        assert_eq!((found("<p data-testid=\"one\" data-testid=\"two\">"), found("\n<p data-testid=\"five\">")), (0, 1));
        let lacking = missing(&document, "data-testid=\"one\"");
        assert_eq!(lacking, [Breach::new(Path::new(DOCUMENT), 3, "the page has no test id `two`")]);
    }
}
