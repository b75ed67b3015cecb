//! How figures are told: a file of results for each benchmark, a table on the screen, and one table of all for the documents.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::figure::{Figure, Goal, Measured};

/// Writes the results of one benchmark and prints them.
pub fn tell(name: &str, measured: &Measured, machine: &Value) -> Result<()> {
    let figures: Vec<Value> = measured.figures.iter().map(Figure::to_json).collect();
    let result = json!({ "benchmark": name, "machine": machine, "figures": figures, "notes": measured.notes });
    let file = folder()?.join(format!("{name}.json"));
    fs::write(&file, serde_json::to_string_pretty(&result)?).with_context(|| format!("writing {}", file.display()))?;
    measured.figures.iter().for_each(|figure| println!("{}", row(figure)));
    measured.notes.iter().for_each(|note| println!("  {note}"));
    println!("  load average {}", machine["load_average"]);
    Ok(())
}

/// Writes a table of everything that was measured, in this run or an earlier one, to `figures.md` beside the results.
pub fn all(names: &[&str]) -> Result<()> {
    let mut text = String::from("| figure | goal | median | least – most (samples) | goal met |\n| --- | --- | --- | --- | --- |\n");
    let mut machines = Vec::new();
    for name in names {
        let Ok(file) = fs::read_to_string(folder()?.join(format!("{name}.json"))) else { continue };
        let result: Value = serde_json::from_str(&file)?;
        for figure in result["figures"].as_array().into_iter().flatten().filter_map(Figure::from_json) {
            text += &row(&figure);
            text += "\n";
        }
        let of = |key: &str| result["machine"][key].clone();
        machines.push(format!("{name}: {}, load average {} on {} cores", of("date"), of("load_average"), of("cores")));
    }
    text += &format!("\n{}\n", machines.join("  \n"));
    let file = folder()?.join("figures.md");
    fs::write(&file, &text).with_context(|| format!("writing {}", file.display()))?;
    println!("\n{text}");
    Ok(())
}

/// Where results go.
pub fn folder() -> Result<PathBuf> {
    std::env::var_os("B4_BENCH").map(PathBuf::from).context("B4_BENCH is not set: run `cargo xtask bench`")
}

fn row(figure: &Figure) -> String {
    let goal = match figure.goal {
        Goal::AtMost(goal) => format!("≤ {}", number(goal, figure.unit)),
        Goal::AtLeast(goal) => format!("≥ {}", number(goal, figure.unit)),
        Goal::None => String::new(),
    };
    let met = match figure.is_met() {
        Some(true) => "yes",
        Some(false) => "**no**",
        None => "",
    };
    let [median, min, max] = [figure.median(), figure.min(), figure.max()].map(|value| number(value, figure.unit));
    format!("| {} | {goal} | {median} | {min} – {max} ({}) | {met} |", figure.name, figure.count())
}

/// A number with as many digits as mean something.
fn number(value: f64, unit: &str) -> String {
    let digits = match value.abs() {
        value if unit == "B" || value >= 100.0 => 0,
        value if value >= 10.0 => 1,
        _ => 2,
    };
    let text = format!("{value:.digits$}");
    match unit {
        "" => text,
        "×" => format!("{text} ×"),
        "/s" => format!("{text}/s"),
        unit => format!("{text} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_what_was_wanted_and_what_there_is() {
        let figure = Figure::new("echo", "×", Goal::AtMost(1.5), vec![1.2, 1.4, 1.3]);
        assert_eq!(row(&figure), "| echo | ≤ 1.50 × | 1.30 × | 1.20 × – 1.40 × (3) | yes |");
    }
}
