//! Where the time goes: with `B4_PROFILE` set, the processor profile of both pages lies beside the results, for the browser's
//! developer tools. The sampling costs time of its own: figures of such a run are worth nothing.

use std::fs;

use anyhow::Result;
use b4_e2e::Person;
use serde_json::json;

use crate::pages::Pages;
use crate::report;

/// Between two samples, in microseconds.
const SAMPLE_US: u32 = 100;

/// A profile that is being taken, or none.
pub struct Profile {
    is_on: bool,
}

impl Profile {
    /// Begins, if it is wanted.
    pub async fn start(pages: &Pages) -> Result<Self> {
        let is_on = std::env::var_os("B4_PROFILE").is_some();
        for person in both(pages).into_iter().filter(|_| is_on) {
            person.browser.cdp("Profiler.enable", json!({})).await?;
            person.browser.cdp("Profiler.setSamplingInterval", json!({ "interval": SAMPLE_US })).await?;
            person.browser.cdp("Profiler.start", json!({})).await?;
        }
        Ok(Self { is_on })
    }

    /// Ends, and writes `NAME-near.cpuprofile` and `NAME-far.cpuprofile`.
    pub async fn finish(self, pages: &Pages, name: &str) -> Result<()> {
        for (person, side) in both(pages).into_iter().zip(["near", "far"]).filter(|_| self.is_on) {
            let taken = person.browser.cdp("Profiler.stop", json!({})).await?;
            fs::write(report::folder()?.join(format!("{name}-{side}.cpuprofile")), taken["profile"].to_string())?;
        }
        Ok(())
    }
}

fn both(pages: &Pages) -> [&Person; 2] {
    [&pages.near, &pages.far]
}
