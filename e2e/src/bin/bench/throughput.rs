//! Messages a second, one way, each durable there before it is acknowledged.

use anyhow::{Result, ensure};
use serde_json::json;

use crate::figure::{Figure, Goal, Measured};
use crate::pages::{Pages, number, order};
use crate::profile::Profile;

/// Messages of one run. The outbox takes 4,096.
const MESSAGES: u32 = 3_000;
/// Runs, in the same conversation, which grows.
const RUNS: usize = 5;
/// Bytes of a text.
const BYTES: u32 = 100;
/// The goal.
const A_SECOND: f64 = 1_000.0;

/// Measures.
pub async fn measure() -> Result<Measured> {
    let pages = Pages::chatting().await?;
    let (mut rates, mut entered) = (Vec::new(), Vec::new());
    let profile = Profile::start(pages.both()).await?;
    for run in 0..RUNS {
        let prefix = format!("run{run} of many");
        let outcome = order(&pages.near, "sayAtOnce", json!([prefix, MESSAGES, BYTES])).await?;
        rates.push(f64::from(MESSAGES) * 1_000.0 / number(&outcome["took"])?);
        entered.push(number(&outcome["entered"])?);
        let stored = order(&pages.far, "stored", json!([prefix])).await?;
        ensure!(stored == json!(MESSAGES), "{stored} of {MESSAGES} messages are in the other store");
    }
    profile.finish("throughput").await?;
    let figures = vec![
        Figure::new("messages of 100 bytes, one way, stored before acknowledged", "/s", Goal::AtLeast(A_SECOND), rates),
        Figure::new(&format!("of that, writing {MESSAGES} texts and pressing Enter"), "ms", Goal::None, entered),
    ];
    let notes = vec![format!(
        "{MESSAGES} texts are written into the composer and sent by Enter as fast as the page takes them; the clock runs from \
         the first Enter until the last one shows as delivered. Then all are counted in the other browser's store. Both pages have \
         the conversation on the screen."
    )];
    Ok(Measured { figures, notes })
}
