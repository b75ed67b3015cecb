//! The page's content security policy allows nothing inline: neither may the page's files need it, nor ask for it.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::{Breach, collect};

/// What an inline script or style looks like in HTML, or its permission anywhere.
const IN_HTML: [(&str, &str); 5] = [
    ("<style", "styles are files in www/styles"),
    (" style=", "the policy ignores style attributes: use a class"),
    (" on", "an event attribute is an inline script"),
    ("<script>", "scripts are files in www"),
    ("javascript:", "the policy forbids script URLs"),
];
/// May stand nowhere in the page's files.
const NOWHERE: [&str; 2] = ["unsafe-inline", "'unsafe-eval'"];

/// The breaches of `index.html`, `Trunk.toml` and the texts of `www`.
///
/// # Errors
/// If a file cannot be read.
pub fn check(root: &Path) -> Result<Vec<Breach>> {
    let mut files = vec![root.join("index.html"), root.join("Trunk.toml")];
    for extension in ["css", "html", "js", "svg", "webmanifest"] {
        collect(&root.join("www"), extension, &mut files)?;
    }
    let mut breaches = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
        breaches.extend(check_text(file.strip_prefix(root)?, &text));
    }
    Ok(breaches)
}

fn check_text(file: &Path, text: &str) -> Vec<Breach> {
    let is_html = file.extension().is_some_and(|extension| extension == "html" || extension == "svg");
    let mut breaches = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for word in NOWHERE.iter().filter(|word| line.contains(**word)) {
            breaches.push(Breach::new(file, number + 1, format!("`{word}` makes the content security policy worthless")));
        }
        for (mark, instead) in IN_HTML.iter().filter(|(mark, _)| is_html && found(line, mark)) {
            breaches.push(Breach::new(file, number + 1, format!("`{}`: {instead}", mark.trim())));
        }
    }
    breaches
}

/// Whether the line holds the mark; ` on` only as the beginning of an attribute's name.
fn found(line: &str, mark: &str) -> bool {
    line.match_indices(mark).any(|(at, _)| {
        let rest = &line[at + mark.len()..];
        let name = rest.bytes().take_while(u8::is_ascii_lowercase).count();
        mark != " on" || name > 0 && rest[name..].starts_with('=')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(file: &str, text: &str) -> usize {
        check_text(Path::new(file), text).len()
    }

    #[test]
    fn nothing_inline_passes() {
        for bad in ["<script>", "<p style=\"\">", "<style>", "<p onclick=\"\">", "<a href=\"javascript:x\">", "unsafe-inline"] {
            assert_eq!(count("index.html", bad), 1, "{bad}");
        }
        for good in ["<script src=\"a.js\"></script>", "go on, please", "<p class=\"style\">", "<link rel=\"stylesheet\">"] {
            assert_eq!(count("index.html", good), 0, "{good}");
        }
    }

    #[test]
    fn a_script_may_speak_of_styles_and_not_of_the_permission() {
        assert_eq!(count("www/a.js", "let style = 1; // <style"), 0);
        assert_eq!(count("www/a.js", "'unsafe-inline'"), 1);
    }
}
