//! There and back over an open session, beside a raw echo between the same pages.

use anyhow::Result;
use serde_json::json;

use crate::figure::{Figure, Goal, Measured};
use crate::pages::{Pages, number, order};
use crate::profile::Profile;

/// Turns, each with echoes of both kinds one right after the other.
const TURNS: usize = 100;
/// Echoes of one kind in a turn.
const ECHOES: u32 = 40;
/// Bytes of the raw echo.
const BYTES: u32 = 100;
/// The goal: how many times the raw echo.
const RAW_TIMES: f64 = 1.5;

/// Measures.
pub async fn measure() -> Result<Measured> {
    let pages = Pages::chatting().await?;
    pages.raw_connect().await?;
    let profile = Profile::start(pages.both()).await?;
    let (mut raw, mut app, mut ratio, mut bytes) = (Vec::new(), Vec::new(), Vec::new(), 0.0);
    for turn in 0..=TURNS {
        let of_raw = number(&order(&pages.near, "rawEcho", json!([ECHOES, BYTES])).await?)?;
        let of_app = order(&pages.near, "appEcho", json!([ECHOES])).await?;
        let mean = number(&of_app["mean"])?;
        bytes = number(&of_app["bytes"])?;
        // The first turn wakes both up.
        if turn > 0 {
            raw.push(of_raw);
            app.push(mean);
            ratio.push(mean / of_raw);
        }
    }
    profile.finish("round-trip").await?;
    let figures = vec![
        Figure::new("encrypted round trip over an open session ÷ raw echo", "×", Goal::AtMost(RAW_TIMES), ratio),
        Figure::new("encrypted round trip", "ms", Goal::None, app),
        Figure::new(&format!("raw echo of {BYTES} bytes, same pages"), "ms", Goal::None, raw),
    ];
    let notes = vec![format!(
        "Encrypted: a ping of the session, a record of {bytes} bytes, from the order to probe until the app has decrypted the pong; \
         the other app decrypts, and seals the answer. The questions to the relay and to the ring that the same order causes wait until \
         the row is done. Each sample is the mean of {ECHOES} in a row."
    )];
    Ok(Measured { figures, notes })
}
