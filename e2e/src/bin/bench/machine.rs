//! What the figures were measured on. No names of the machine or its folders.

use std::fs;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use b4_e2e::process::named_by;
use serde_json::{Value, json};

/// The state of the machine now: how busy it is says how much a figure is worth.
pub fn state() -> Value {
    json!({
        "date": date(),
        "cores": std::thread::available_parallelism().map(usize::from).unwrap_or_default(),
        "processor": processor(),
        "memory_kb": line("/proc/meminfo", "MemTotal:").and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok()),
        "load_average": load_average(),
        "browser": named_by("CHROMIUM").ok().and_then(|program| version(Command::new(program).arg("--version"))),
        "rustc": version(Command::new("rustc").arg("--version")),
    })
}

fn load_average() -> Vec<f64> {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().take(3).filter_map(|number| number.parse().ok()).collect()
}

fn processor() -> Option<String> {
    line("/proc/cpuinfo", "model name").map(|text| text.trim_start_matches([' ', '\t', ':']).to_owned())
}

fn line(file: &str, start: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    text.lines().find_map(|line| line.strip_prefix(start)).map(|rest| rest.trim().to_owned())
}

fn version(command: &mut Command) -> Option<String> {
    let output = command.output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Today, as 2026-11-30 (UTC).
fn date() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    civil(i64::try_from(seconds / 86_400).unwrap_or_default())
}

/// The date so many days after 1970-01-01 (Howard Hinnant's `civil_from_days`).
fn civil(days: i64) -> String {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::civil;

    #[test]
    fn days_become_dates() {
        assert_eq!([0, 59, 19_782, 20_787].map(civil), ["1970-01-01", "1970-03-01", "2024-02-29", "2026-11-30"]);
    }
}
