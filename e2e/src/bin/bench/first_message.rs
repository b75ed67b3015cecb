//! From two loaded pages to the first message delivered, beside what the browsers themselves need to connect.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use crate::figure::{Figure, Goal, Measured};
use crate::pages::{self, Pages, number, order};

/// People who meet `far` for the first time.
const MEETINGS: usize = 5;
/// Times that two who know each other load their pages again.
const REOPENINGS: usize = 7;
/// Times that the goal allows the raw connection.
const RAW_TIMES: f64 = 2.0;
/// Milliseconds on top of that.
const MORE_MS: f64 = 200.0;
/// For what a page still does after it is online: looking at revocations, fetching icons.
const SETTLE: Duration = Duration::from_millis(1_500);

/// One kind of first message, beside the raw connections of the same pages.
#[derive(Default)]
struct Samples {
    took: Vec<f64>,
    over: Vec<f64>,
    raw: Vec<f64>,
}

/// Measures both kinds.
pub async fn measure() -> Result<Measured> {
    let mut pages = Pages::start().await?;
    let met = meetings(&mut pages).await?;
    let reopened = reopenings(&pages).await?;
    let figures = [("add contact", met), ("open chat of a contact", reopened)].into_iter().flat_map(|(what, samples)| {
        [
            Figure::new(&format!("{what} → first message delivered, beyond {RAW_TIMES} × raw"), "ms", Goal::AtMost(MORE_MS), samples.over),
            Figure::new(&format!("{what} → first message delivered"), "ms", Goal::None, samples.took),
            Figure::new("raw: createOffer → open, same pages", "ms", Goal::None, samples.raw),
        ]
    });
    let notes = vec![
        "Both pages are loaded and online, and there is no link. The clock starts at the order to add the contact (lookup, dial, \
         handshake) or at the press on the contact in the list; the text is written and Enter pressed as soon as the page takes it; \
         the clock stops when the page shows it as delivered, which the other side says after it is durable there."
            .to_owned(),
        "Each sample has a raw connection of its own between the same pages, before or after it in turn; the figure is the \
         sample minus twice that."
            .to_owned(),
    ];
    Ok(Measured { figures: figures.collect(), notes })
}

/// A new person each time, in the same browser.
async fn meetings(pages: &mut Pages) -> Result<Samples> {
    let mut samples = Samples::default();
    for turn in 0..MEETINGS {
        if turn > 0 {
            become_another(pages, &format!("near{turn}")).await?;
        }
        sample(pages, turn, "meet", &mut samples).await?;
    }
    pages.far.open_chat("near4").await?;
    pages.far.click("contact-accept").await?;
    Ok(samples)
}

async fn reopenings(pages: &Pages) -> Result<Samples> {
    let mut samples = Samples::default();
    for turn in 0..REOPENINGS {
        // No chat is open, so nobody dials before the press.
        tokio::try_join!(pages.near.open("/"), pages.far.open("/"))?;
        tokio::try_join!(pages.near.until_network("online"), pages.far.until_network("online"))?;
        pages.listen().await?;
        sample(pages, turn, "reopen", &mut samples).await?;
    }
    Ok(samples)
}

async fn sample(pages: &Pages, turn: usize, what: &str, samples: &mut Samples) -> Result<()> {
    tokio::time::sleep(SETTLE).await;
    // Whoever comes first wakes the browser's network up for the other.
    let is_raw_first = turn.is_multiple_of(2);
    let before = if is_raw_first { Some(pages.raw_connect().await?) } else { None };
    let outcome = order(&pages.near, what, json!(["far", format!("{what} {turn}")])).await?;
    let raw = match before {
        Some(raw) => raw,
        None => pages.raw_connect().await?,
    };
    let took = number(&outcome["took"])?;
    samples.took.push(took);
    samples.raw.push(raw);
    samples.over.push(took - RAW_TIMES * raw);
    Ok(())
}

/// Takes everything that the near browser keeps, and a new name.
async fn become_another(pages: &mut Pages, name: &str) -> Result<()> {
    let near = &mut pages.near;
    near.browser.client()?.goto("about:blank").await?;
    let origin = json!({ "origin": pages.world.relay.url(), "storageTypes": "all" });
    near.browser.cdp("Storage.clearDataForOrigin", origin).await?;
    near.open("/").await?;
    pages::enrol(near, name).await?;
    pages.listen().await
}
