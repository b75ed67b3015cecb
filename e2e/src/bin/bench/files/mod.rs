//! Files, beside a raw data channel between the same two pages and beside the libraries of others, in one run.
//!
//! [`options`] say how much is done, [`content`] is what is sent, [`ours`] are two people who send files through the product, [`cost`]
//! is what browsers use of the machine. [`speed`] is time and processor, [`memory`] what grows meanwhile, [`resume`] what a cut costs;
//! [`rivals`] are other libraries on a page of their own, which [`stage`] serves and which `rivals.js` is put into.

mod content;
mod cost;
mod memory;
mod options;
mod ours;
mod resume;
mod rivals;
mod speed;
mod stage;

use anyhow::{Result, ensure};

use crate::figure::Measured;

pub use options::Options;

/// A piece, as large as a block of ours.
const PIECE_BYTES: u32 = 64 * 1024;
/// What the raw channel has buffered at most, and with how much more goes in: as the app does it.
const BUFFERED_BYTES: [u32; 2] = [1024 * 1024, 256 * 1024];

/// Measures. A part that fails is said, and the others are measured all the same.
pub async fn measure(options: &Options) -> Result<Measured> {
    let mut all = Measured { figures: Vec::new(), notes: Vec::new() };
    let mut add = |part: &str, outcome: Result<Measured>| match outcome {
        Ok(measured) => {
            all.figures.extend(measured.figures);
            all.notes.extend(measured.notes);
        }
        Err(why) => {
            eprintln!("{part}: {why:#}");
            all.notes.push(format!("NOT MEASURED: {part}: {}", why.to_string().lines().next().unwrap_or_default()));
        }
    };
    if options.has("speed") || options.has("rivals") {
        add("speed", speed::measure(options).await);
    }
    if options.has("memory") {
        add("memory", memory::measure(options).await);
    }
    if options.has("resume") {
        add("resume", resume::measure(options).await);
    }
    if options.has("rivals") {
        add("memory of rivals", rivals::measure_memory(options).await);
    }
    ensure!(!all.figures.is_empty(), "no part could be measured");
    Ok(all)
}
