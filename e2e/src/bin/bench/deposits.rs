//! Mail for somebody who is away: how soon five keep it, what it costs them, how soon it is collected.

use std::time::Duration;

use anyhow::{Context, Result};
use b4_e2e::{Person, World};
use futures_util::future::try_join_all;
use serde_json::json;

use crate::figure::{Figure, Goal, Measured};
use crate::pages::{number, order, prepare, prepared};
use crate::profile::Profile;

/// Four who write, each of whom keeps what the others write, and one more who only keeps.
const NAMES: [&str; 6] = ["anna", "carla", "dora", "emil", "frida", "gustav"];
const AUTHORS: usize = 4;
/// Texts of each author at once: a holder takes 256 of one author for one receiver, and some were said before.
const TEXTS: usize = 240;
/// Messages, one at a time.
const SLOWLY: usize = 30;
/// Messages written as soon as a page lets somebody write, before it has a single link.
const COLD: usize = 5;
/// How often the mail is collected.
const RETURNS: usize = 3;
/// The goal: a thousand within 3 s.
const COLLECTED_MS: f64 = 3_000.0;
/// The goal: a thousand kept.
const KEPT_MB: f64 = 5.0;

/// Measures.
pub async fn measure() -> Result<Measured> {
    let world = World::start().await?;
    let mut bela = prepared(&world, "bela").await?;
    let mut people: Vec<Person> = Vec::new();
    for names in NAMES.chunks(3) {
        people.extend(try_join_all(names.iter().map(|name| prepared(&world, name))).await?);
    }
    for author in &people[..AUTHORS] {
        let (name, _) = author.identity().await?;
        author.add_contact("bela").await?;
        bela.add_contact(&name).await?;
    }
    let mut kept_by_page = Vec::new();
    let (mut slowly, mut cold, mut kept, mut online, mut collected) = (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..RETURNS {
        bela.open("/").await?;
        tokio::time::sleep(Duration::from_secs(3)).await;
        bela.browser.kill();
        for author in &people[..AUTHORS] {
            author.open_chat("bela").await?;
        }
        if round == 0 {
            // The first waits until it is known that she is gone.
            order(&people[0], "leaveSlowly", json!(["first", 1, 5])).await?;
            let took = order(&people[0], "leaveSlowly", json!(["slowly", SLOWLY, 5])).await?;
            slowly = took.as_array().context("times")?.iter().map(number).collect::<Result<_>>()?;
            for time in 0..COLD {
                people[0].open("/chat/bela").await?;
                let took = order(&people[0], "leaveSlowly", json!([format!("cold {time}"), 1, 5])).await?;
                cold.push(number(&took[0])?);
            }
        }
        let (before, page_before) = (memory(&people[5])?, page_memory(&people[5]).await?);
        let count = if round == 0 { TEXTS - SLOWLY - COLD - 1 } else { TEXTS };
        for (at, author) in people[..AUTHORS].iter().enumerate() {
            let count = if at == 0 { count } else { TEXTS };
            order(author, "leaveAtOnce", json!([format!("round {round}"), count])).await?;
        }
        let all = AUTHORS * TEXTS;
        keeps(&people[5], all).await?;
        tokio::time::sleep(Duration::from_secs(5)).await;
        kept.push((memory(&people[5])? - before) / 1e6);
        kept_by_page.push((page_memory(&people[5]).await? - page_before) / 1e6);
        bela.browser.start_again().await?;
        prepare(&bela.browser).await?;
        bela.open("/").await?;
        let profile = Profile::start([("near", &bela), ("far", &people[4])]).await?;
        let times = order(&bela, "collected", json!([all])).await?;
        profile.finish("deposits").await?;
        online.push(number(&times["online"])?);
        collected.push(number(&times["all"])? - number(&times["online"])?);
        for author in &people[..AUTHORS] {
            let (name, _) = author.identity().await?;
            bela.open_chat(&name).await?;
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    let figures = vec![
        Figure::new(&format!("Online → {} texts of four authors collected, opened, stored, counted", AUTHORS * TEXTS), "ms", Goal::AtMost(COLLECTED_MS), collected),
        Figure::new(&format!("Memory of the browser that keeps them, by which it grew ({} envelopes)", AUTHORS * TEXTS), "MB", Goal::AtMost(KEPT_MB), kept),
        Figure::new("The same of its page alone, as the script engine counts it", "MB", Goal::AtMost(KEPT_MB), kept_by_page),
        Figure::new("Enter → five signed receipts, links open", "ms", Goal::None, slowly),
        Figure::new("Enter, as soon as a page that loads lets somebody write → five signed receipts", "ms", Goal::None, cold),
        Figure::new("Page begins to load → online", "ms", Goal::None, online),
    ];
    let notes = vec![
        "Seven browsers of their own on this machine; the receiver's is killed, and started again with its profile. Memory is the proportional \
         set of all processes of the browser and its driver, which goes up and down by some megabytes by itself. Between Enter and the fifth \
         receipt lie an envelope sealed and signed, a transaction here, an offer and its answer, the envelope, a transaction and a signature at \
         each holder, its receipt: two round trips of each link."
            .to_owned(),
    ];
    Ok(Measured { figures, notes })
}

fn memory(person: &Person) -> Result<f64> {
    Ok(person.browser.driver().context("it runs")?.cost().1 as f64)
}

/// Bytes that the page itself has in use, once what nobody holds is collected.
async fn page_memory(person: &Person) -> Result<f64> {
    person.browser.cdp("HeapProfiler.collectGarbage", json!({})).await?;
    let usage = person.browser.cdp("Runtime.getHeapUsage", json!({})).await?;
    ["usedSize", "embedderHeapUsedSize", "backingStorageSize"].iter().map(|part| number(&usage[*part])).sum()
}

/// Waits until this page keeps so many.
async fn keeps(person: &Person, count: usize) -> Result<()> {
    person.open("/you").await?;
    let script = r#"return Number(one("holding-count")?.textContent) >= first"#;
    person.until_within(Duration::from_secs(300), &format!("{count} kept"), script, vec![json!(count)]).await.map(drop)
}
