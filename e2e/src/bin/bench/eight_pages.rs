//! Eight pages in a ring: how soon a newcomer is in it, and what a page costs that only stays in it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use b4_e2e::{Person, World};
use futures_util::future::try_join_all;
use serde_json::{Value, json};

use crate::figure::{Figure, Goal, Measured};
use crate::pages::{number, order, prepared};

const NAMES: [&str; 8] = ["anna", "bela", "carla", "dora", "emil", "frida", "gustav", "hana"];
/// How often the newcomer comes.
const JOINS: usize = 7;
/// How long idle pages are watched.
const IDLE: Duration = Duration::from_secs(60);
/// The goal: from the start of loading the page to the first link of the ring, over which requests go at once.
const JOINED_MS: f64 = 3_000.0;

/// Measures.
pub async fn measure() -> Result<Measured> {
    let world = World::start().await?;
    let alone = world.person("solo").await?;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let (alone_cpu, alone_bytes) = idle(&alone).await?;
    drop(alone);
    let mut people: Vec<Person> = Vec::new();
    for names in NAMES.chunks(4) {
        people.extend(try_join_all(names.iter().map(|name| prepared(&world, name))).await?);
    }
    let newcomer = &people[7];
    let (mut first, mut all) = (Vec::new(), Vec::new());
    for _ in 0..JOINS {
        newcomer.open("/network").await?;
        first.push(linked_at(newcomer, 1).await?);
        all.push(linked_at(newcomer, 7).await?);
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    let before = order(&people[0], "traffic", json!([])).await?;
    let began = Instant::now();
    let (cpu, bytes) = idle(&people[0]).await?;
    let after = order(&people[0], "traffic", json!([])).await?;
    let a_second = |what: &str| Ok::<f64, anyhow::Error>((number(&after[what])? - number(&before[what])?) / began.elapsed().as_secs_f64());
    let (carried, checks) = (a_second("bytes")?, a_second("checks")?);
    let figures = vec![
        Figure::new("Page begins to load → linked to the ring", "ms", Goal::AtMost(JOINED_MS), first),
        Figure::new("Page begins to load → linked to all seven", "ms", Goal::None, all),
        Figure::new("Processor time of an idle page's browser with seven links", "ms/s", Goal::None, vec![cpu]),
        Figure::new("The same of a page that is alone", "ms/s", Goal::None, vec![alone_cpu]),
        Figure::new("Bytes of that page, both ways, on all seven links together, ICE not counted", "B/s", Goal::None, vec![carried]),
        Figure::new("Checks of ICE beside them, both ways", "/s", Goal::None, vec![checks]),
        Figure::new("Memory of that browser with seven links", "MB", Goal::None, vec![bytes]),
        Figure::new("The same of a page that is alone", "MB", Goal::None, vec![alone_bytes]),
    ];
    let notes = vec![
        "Eight browsers of their own on this machine, and one relay. The page's own clock, from the start of navigation: loading and starting the \
         app are in it. Processor time and memory are of all processes of the browser and its driver, over a minute in which nobody does anything."
            .to_owned(),
    ];
    Ok(Measured { figures, notes })
}

/// When the picture of the network showed so many links, on the page's clock.
async fn linked_at(person: &Person, count: u32) -> Result<f64> {
    let script = r#"return Number(one("links-count")?.textContent) >= first && { at: performance.now() }"#;
    let found: Value = person.until(&format!("{count} links"), script, vec![json!(count)]).await?;
    number(&found["at"])
}

/// Milliseconds of processor a second, and megabytes, of a page that is left to itself.
async fn idle(person: &Person) -> Result<(f64, f64)> {
    let driver = person.browser.driver().context("it runs")?;
    let (before, _) = driver.cost();
    tokio::time::sleep(IDLE).await;
    let (after, bytes) = driver.cost();
    Ok(((after - before) * 1_000.0 / IDLE.as_secs_f64(), bytes as f64 / 1e6))
}
