//! From Enter in one page to the text in the other.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::figure::{Figure, Goal, Measured};
use crate::pages::{Pages, number, order};

/// Messages, one at a time.
const MESSAGES: usize = 120;
/// Rest between two, at least, in milliseconds; twice as much at most.
const REST_MS: u32 = 40;
/// Questions for the other page's clock.
const CLOCK_QUESTIONS: u32 = 200;
/// The goal: median.
const SHOWN_MS: f64 = 30.0;

/// Measures.
pub async fn measure() -> Result<Measured> {
    let pages = Pages::chatting().await?;
    pages.raw_connect().await?;
    let clock = order(&pages.near, "rawClock", json!([CLOCK_QUESTIONS])).await?;
    let ahead = number(&clock["ahead"])?;
    let said = order(&pages.near, "saySlowly", json!(["latency", MESSAGES, REST_MS])).await?;
    let seen = order(&pages.far, "seen", json!(["latency"])).await?;
    let own = order(&pages.near, "seen", json!(["latency"])).await?;
    let figures = vec![
        Figure::new("Enter → text in the other page's document", "ms", Goal::AtMost(SHOWN_MS), times(&said, &seen["shown"], ahead)?),
        Figure::new("Enter → text painted there", "ms", Goal::None, times(&said, &seen["painted"], ahead)?),
        Figure::new("Enter → shown as delivered here", "ms", Goal::None, times(&said, &own["delivered"], 0.0)?),
    ];
    let notes = vec![
        format!("The other page's clock is {ahead:.3} ms ahead, measured over a raw channel, and taken off."),
        "Enter is dispatched by a script in the page; the message is durable here before it is sent and durable there before it is \
         shown. Painted: the frame after it was begun and its paint was handed over; frames come every 16.7 ms."
            .to_owned(),
    ];
    Ok(Measured { figures, notes })
}

fn times(said: &Value, heard: &Value, ahead: f64) -> Result<Vec<f64>> {
    let said = said.as_object().context("times by text")?;
    let time = |(text, at): (&String, &Value)| {
        let heard = number(&heard[text]).with_context(|| format!("{text:?} never came"))?;
        Ok(heard - ahead - number(at)?)
    };
    said.iter().map(time).collect()
}
