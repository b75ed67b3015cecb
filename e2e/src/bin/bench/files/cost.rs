//! What browsers use of the machine: all their processes, and the driver's.

use std::time::Duration;

use anyhow::Result;
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
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory {
    /// The proportional set size of all its processes.
    pub processes: f64,
    /// What the page has in use by the script engine's count, buffers of the page with it.
    pub page: f64,
}

/// How a browser's memory changed.
#[derive(Clone, Copy, Debug)]
pub struct Growth {
    /// The most, over the median before.
    pub peak: Memory,
    /// The median meanwhile, over the median before.
    pub usual: Memory,
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
    Ok(samples.map(|samples| of_all(&samples, median)))
}

/// How much both grow over `before` while `doing` goes on, and what came of it.
pub async fn growth<T>(both: [&Person; 2], before: [Memory; 2], doing: impl Future<Output = Result<T>>) -> Result<([Growth; 2], T)> {
    let (samples, outcome) = sampled(both, doing).await?;
    let grown = |at: usize| {
        let samples: &[Memory] = &samples[at];
        let over = |now: Memory| Memory { processes: now.processes - before[at].processes, page: now.page - before[at].page };
        Growth { peak: over(of_all(samples, most)), usual: over(of_all(samples, median)) }
    };
    Ok(([grown(0), grown(1)], outcome))
}

async fn sampled<T>(both: [&Person; 2], doing: impl Future<Output = Result<T>>) -> Result<([Vec<Memory>; 2], T)> {
    let mut samples = [Vec::new(), Vec::new()];
    let mut doing = std::pin::pin!(doing);
    let mut clock = tokio::time::interval(SAMPLE_EVERY);
    clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            outcome = &mut doing => {
                for (samples, person) in samples.iter_mut().zip(both) {
                    samples.push(memory(person).await?);
                }
                return Ok((samples, outcome?));
            }
            _ = clock.tick() => {
                for (samples, person) in samples.iter_mut().zip(both) {
                    samples.push(memory(person).await?);
                }
            }
        }
    }
}

async fn memory(person: &Person) -> Result<Memory> {
    let usage = person.browser.cdp("Runtime.getHeapUsage", json!({})).await?;
    let page: f64 = ["usedSize", "embedderHeapUsedSize", "backingStorageSize"].iter().map(|part| number(&usage[*part])).sum::<Result<_>>()?;
    Ok(Memory { processes: person.browser.driver()?.cost().1 as f64 / MIB, page: page / MIB })
}

fn of_all(samples: &[Memory], of: fn(Vec<f64>) -> f64) -> Memory {
    Memory { processes: of(samples.iter().map(|sample| sample.processes).collect()), page: of(samples.iter().map(|sample| sample.page).collect()) }
}

/// Of an even number the upper of the two in the middle.
fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().unwrap_or_default()
}

fn most(samples: Vec<f64>) -> f64 {
    samples.into_iter().fold(0.0, f64::max)
}
