//! Scripts and styles without what only their readers need: comments, indentation, empty lines.
//!
//! Deliberately absent: a parser, and shorter names. Lines stay lines, so that what a browser reports can be found in the source.

use anyhow::{Context, Result, ensure};

/// A script, without its comments that have lines of their own.
///
/// # Errors
/// If it holds a template literal of more than one line, whose indentation is part of it.
pub fn script(text: &str) -> Result<String> {
    let even = |line: &str| line.matches('`').count().is_multiple_of(2);
    ensure!(text.lines().all(|line| line.trim().starts_with("//") || even(line)), "a script holds a text of several lines");
    Ok(lines(text.lines().filter(|line| !line.trim().starts_with("//"))))
}

/// A style sheet, without its comments.
///
/// # Errors
/// If a comment does not end.
pub fn styles(text: &str) -> Result<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, comment)) = rest.split_once("/*") {
        out.push_str(before);
        rest = comment.split_once("*/").context("a style sheet: a comment does not end")?.1;
    }
    out.push_str(rest);
    Ok(lines(out.lines()))
}

fn lines<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    lines.map(str::trim).filter(|line| !line.is_empty()).flat_map(|line| [line, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_loses_what_does_nothing() {
        let text = "// Why.\n\nfunction a() {\n  // How.\n  b(`c`); // Kept: it shares its line.\n}\n";
        assert_eq!(script(text).expect("no long text"), "function a() {\nb(`c`); // Kept: it shares its line.\n}\n");
    }

    #[test]
    fn a_text_of_several_lines_is_refused() {
        assert!(script("a = `\n  b`;").is_err());
        assert!(script("// It's a lone ` in a comment.\na = `b`;").is_ok());
    }

    #[test]
    fn a_style_sheet_loses_what_does_nothing() {
        let text = "/* One\n line */\n.a { b: c; }\n\n  .d { e: f; } /* g */\n";
        assert_eq!(styles(text).expect("comments end"), ".a { b: c; }\n.d { e: f; }\n");
        assert!(styles(".a {} /* and on").is_err());
    }
}
