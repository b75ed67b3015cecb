//! Where the time goes: with `B4_PROFILE` set, the processor profile of both pages lies beside the results, for the browser's
//! developer tools. The sampling costs time of its own: figures of such a run are worth nothing.

use std::fs;

use anyhow::Result;
use b4_e2e::Person;
use serde_json::json;

use crate::report;

/// Between two samples, in microseconds.
const SAMPLE_US: u32 = 100;

/// Profiles that are being taken, or none: whose, and what they are called.
pub struct Profile<'a> {
    taken: Vec<(&'static str, &'a Person)>,
}

impl<'a> Profile<'a> {
    /// Begins, if it is wanted.
    pub async fn start(people: impl IntoIterator<Item = (&'static str, &'a Person)>) -> Result<Self> {
        let is_on = std::env::var_os("B4_PROFILE").is_some();
        let taken: Vec<_> = people.into_iter().filter(|_| is_on).collect();
        for (_, person) in &taken {
            person.browser.cdp("Profiler.enable", json!({})).await?;
            person.browser.cdp("Profiler.setSamplingInterval", json!({ "interval": SAMPLE_US })).await?;
            person.browser.cdp("Profiler.start", json!({})).await?;
        }
        Ok(Self { taken })
    }

    /// Ends, and writes `NAME-SIDE.cpuprofile` of each.
    pub async fn finish(self, name: &str) -> Result<()> {
        for (side, person) in self.taken {
            let taken = person.browser.cdp("Profiler.stop", json!({})).await?;
            fs::write(report::folder()?.join(format!("{name}-{side}.cpuprofile")), taken["profile"].to_string())?;
        }
        Ok(())
    }
}
