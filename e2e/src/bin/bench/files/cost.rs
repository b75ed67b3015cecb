//! What browsers use of the machine: all their processes, and the driver's.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, Result};
use b4_e2e::Person;
use serde_json::json;

use crate::pages::number;

/// Between two samples of memory.
const SAMPLE_EVERY: Duration = Duration::from_millis(200);
/// How long memory is looked at before something happens.
const BEFORE: Duration = Duration::from_secs(3);
/// What is left to do when something is over belongs to it.
const SETTLES_WITHIN: Duration = Duration::from_millis(500);
const MIB: f64 = 1024.0 * 1024.0;

/// Processor seconds of both browsers while `doing` goes on, and what came of it.
pub async fn processor<T>(both: [&Person; 2], doing: impl Future<Output = Result<T>>) -> Result<(f64, T)> {
    let before = seconds(both)?;
    let outcome = doing.await?;
    tokio::time::sleep(SETTLES_WITHIN).await;
    Ok((seconds(both)? - before, outcome))
}

fn seconds(both: [&Person; 2]) -> Result<f64> {
    both.iter().map(|person| Ok(person.browser.driver()?.cost().0)).sum()
}

/// Memory of a browser in MiB.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// What all its processes fill by themselves.
    pub processes: f64,
    /// Of that, what each kind of process has.
    pub kinds: BTreeMap<String, f64>,
    /// What the page has in use by the script engine's count, buffers of the page with it.
    pub page: f64,
}

/// How a browser's memory changed.
#[derive(Clone, Debug)]
pub struct Growth {
    /// The most of all processes together, over the median before.
    pub peak: f64,
    /// Which kinds of process had grown at that moment, and by how much.
    pub kinds: BTreeMap<String, f64>,
    /// The median meanwhile, over the median before.
    pub usual: f64,
    /// The most of the page, over the median before.
    pub page: f64,
}

/// Memory of both before something, after what nobody holds was collected.
pub async fn before(both: [&Person; 2]) -> Result<[Memory; 2]> {
    for person in both {
        person.browser.cdp("HeapProfiler.collectGarbage", json!({})).await?;
    }
    let (samples, ()) = sampled(both, async {
        tokio::time::sleep(BEFORE).await;
        Ok(())
    })
    .await?;
    Ok(samples.map(|samples| usual(&samples)))
}

/// How much both grow over `before` while `doing` goes on, and what came of it.
pub async fn growth<T>(both: [&Person; 2], before: &[Memory; 2], doing: impl Future<Output = Result<T>>) -> Result<([Growth; 2], T)> {
    let ([near, far], outcome) = sampled(both, doing).await?;
    Ok(([grown(&before[0], &near)?, grown(&before[1], &far)?], outcome))
}

fn grown(before: &Memory, samples: &[Memory]) -> Result<Growth> {
    let peak = samples.iter().max_by(|one, other| one.processes.total_cmp(&other.processes)).context("there is a sample")?;
    let page = samples.iter().map(|sample| sample.page).fold(0.0, f64::max);
    let over = |(kind, mib): (&String, &f64)| (kind.clone(), mib - before.kinds.get(kind).copied().unwrap_or_default());
    Ok(Growth {
        peak: peak.processes - before.processes,
        kinds: peak.kinds.iter().map(over).collect(),
        usual: usual(samples).processes - before.processes,
        page: page - before.page,
    })
}

async fn sampled<T>(both: [&Person; 2], doing: impl Future<Output = Result<T>>) -> Result<([Vec<Memory>; 2], T)> {
    let mut samples = [Vec::new(), Vec::new()];
    let mut doing = std::pin::pin!(doing);
    let mut clock = tokio::time::interval(SAMPLE_EVERY);
    clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let outcome = tokio::select! {
            outcome = &mut doing => Some(outcome?),
            _ = clock.tick() => None,
        };
        for (samples, person) in samples.iter_mut().zip(both) {
            samples.push(memory(person).await?);
        }
        if let Some(outcome) = outcome {
            return Ok((samples, outcome));
        }
    }
}

async fn memory(person: &Person) -> Result<Memory> {
    let usage = person.browser.cdp("Runtime.getHeapUsage", json!({})).await?;
    let page: f64 = ["usedSize", "embedderHeapUsedSize", "backingStorageSize"].iter().map(|part| number(&usage[*part])).sum::<Result<_>>()?;
    let kinds: BTreeMap<String, f64> =
        person.browser.driver()?.memory_by_kind().into_iter().map(|(kind, bytes)| (kind, bytes as f64 / MIB)).collect();
    Ok(Memory { processes: kinds.values().sum(), kinds, page: page / MIB })
}

fn usual(samples: &[Memory]) -> Memory {
    let of = |what: &dyn Fn(&Memory) -> f64| median(samples.iter().map(what).collect());
    let names: BTreeSet<&String> = samples.iter().flat_map(|sample| sample.kinds.keys()).collect();
    let kind = |name: &String| of(&|sample: &Memory| sample.kinds.get(name).copied().unwrap_or_default());
    Memory {
        processes: of(&|sample: &Memory| sample.processes),
        kinds: names.into_iter().map(|name| (name.clone(), kind(name))).collect(),
        page: of(&|sample: &Memory| sample.page),
    }
}

/// Of an even number the upper of the two in the middle.
fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_told_at_its_peak_and_by_kind() {
        let memory = |renderer: f64, browser: f64| Memory {
            processes: renderer + browser,
            kinds: [("renderer".to_owned(), renderer), ("browser".to_owned(), browser)].into(),
            page: renderer / 2.0,
        };
        let before = usual(&[memory(10.0, 20.0), memory(12.0, 20.0), memory(11.0, 20.0)]);
        let grown = grown(&before, &[memory(11.0, 20.0), memory(31.0, 18.0), memory(11.0, 20.0)]).expect("samples");
        assert_eq!((grown.peak, grown.usual, grown.page), (18.0, 0.0, 10.0));
        assert_eq!((grown.kinds["renderer"], grown.kinds["browser"]), (20.0, -2.0));
    }
}
