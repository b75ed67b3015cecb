//! The figures of the whole product: two real browsers, the real relay, and a raw data channel between the same two pages in the
//! same run to compare with.
//!
//! From below: [`signals`] carries the raw pair's descriptions, [`wire`] counts bytes, [`pages`] are two prepared pages, [`figure`]
//! is one measured number beside its goal, [`machine`] what it was measured on, [`report`] how it is told, [`profile`] where the
//! time goes, when a goal is missed, [`npm`] fetches programs of others. Then one file or folder a benchmark. What is done inside a page stands in `page.js`, so that no driver is in what is measured.
//!
//! `cargo xtask bench [NAME]` runs this with the variables of the test suite, and `B4_BENCH` for the results.

mod deposits;
mod eight_pages;
mod figure;
mod files;
mod first_message;
mod latency;
mod lighthouse;
mod load;
mod machine;
mod npm;
mod pages;
mod profile;
mod report;
mod round_trip;
mod signals;
mod throughput;
mod wire;

use std::time::Instant;

use anyhow::{Result, ensure};

use figure::Measured;

/// All benchmarks, in the order in which they run.
const NAMES: [&str; 9] = ["load", "first-message", "latency", "round-trip", "throughput", "files", "eight-pages", "deposits", "lighthouse"];

#[tokio::main]
async fn main() -> Result<()> {
    let (options, given): (Vec<String>, Vec<String>) = std::env::args().skip(1).partition(|word| word.starts_with("--"));
    let files = files::Options::read(&options)?;
    let wanted = given.first();
    let names: Vec<&str> = NAMES.into_iter().filter(|name| wanted.is_none_or(|wanted| wanted == *name)).collect();
    ensure!(!names.is_empty(), "there is no benchmark called {wanted:?}; there are {NAMES:?} and relay");
    let mut failed = Vec::new();
    for name in names {
        eprintln!("== {name}");
        let began = Instant::now();
        let machine = machine::state();
        match run(name, &files).await {
            Ok(measured) => report::tell(name, &measured, &machine)?,
            Err(why) => {
                eprintln!("{name} failed: {why:#}");
                failed.push(name);
            }
        }
        eprintln!("-- {name}: {} s", began.elapsed().as_secs());
    }
    report::all(&NAMES)?;
    ensure!(failed.is_empty(), "could not be measured: {failed:?}");
    Ok(())
}

async fn run(name: &str, files: &files::Options) -> Result<Measured> {
    match name {
        "load" => load::measure().await,
        "first-message" => first_message::measure().await,
        "latency" => latency::measure().await,
        "round-trip" => round_trip::measure().await,
        "throughput" => throughput::measure().await,
        "files" => files::measure(files).await,
        "eight-pages" => eight_pages::measure().await,
        "deposits" => deposits::measure().await,
        _ => lighthouse::measure().await,
    }
}
