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
/// How long idle pages are watched, and how often.
const IDLE: Duration = Duration::from_secs(20);
const IDLE_SAMPLES: usize = 5;
/// The goal: from the start of loading the page to the answer to its first request over the ring.
const ANSWERED_MS: f64 = 3_000.0;

/// Measures.
pub async fn measure() -> Result<Measured> {
    let world = World::start().await?;
    let alone = world.person("solo").await?;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let alone_cost = idle(&alone, false).await?;
    drop(alone);
    let mut people: Vec<Person> = Vec::new();
    for names in NAMES.chunks(4) {
        people.extend(try_join_all(names.iter().map(|name| prepared(&world, name))).await?);
    }
    let newcomer = &people[7];
    let (mut first, mut answered, mut all) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..JOINS {
        newcomer.open("/network").await?;
        first.push(linked_at(newcomer, 1).await?);
        answered.push(answered_at(newcomer).await?);
        all.push(linked_at(newcomer, 7).await?);
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    let list_cost = idle(&people[0], true).await?;
    people[0].click("network-status").await?;
    people[0].until_seen("network-view").await?;
    let picture_cost = idle(&people[0], true).await?;
    let mut figures = vec![
        Figure::new("Page begins to load → its first request over the ring is answered by another page", "ms", Goal::AtMost(ANSWERED_MS), answered),
        Figure::new("Page begins to load → linked to the ring", "ms", Goal::None, first),
        Figure::new("Page begins to load → linked to all seven", "ms", Goal::None, all),
    ];
    figures.extend(list_cost.figures("seven links, the list of chats on the screen"));
    figures.extend(picture_cost.figures("seven links, the picture of the network on the screen"));
    figures.extend(alone_cost.figures("no links, the list of chats on the screen"));
    let notes = vec![
        "Eight browsers of their own on this machine, and one relay. The page's own clock, from the start of navigation: loading and starting the \
         app are in it. What the newcomer's page shows is the picture of the network, which is drawn anew once a second: up to a second of each \
         time is waiting for that. The first request is what every page asks first: to have kept by others where it is."
            .to_owned(),
        format!(
            "Idle: {IDLE_SAMPLES} times {} s in which nobody does anything. Processor time and memory are of all processes of the browser and its \
             driver; memory is proportional: what eight browsers share counts in eighths, the one that is alone bears all. Bytes are those of the transports (DTLS and what it carries; ICE is counted apart), on all links together.",
            IDLE.as_secs()
        ),
    ];
    Ok(Measured { figures, notes })
}

/// What an idle page costs, in each of the samples.
#[derive(Default)]
struct Cost {
    cpu: Vec<f64>,
    megabytes: Vec<f64>,
    carried: Vec<f64>,
    checks: Vec<f64>,
}

impl Cost {
    fn figures(self, when: &str) -> Vec<Figure> {
        let rows = [
            ("Processor time of the browser", "ms/s", self.cpu),
            ("Memory of the browser", "MB", self.megabytes),
            ("Bytes both ways", "B/s", self.carried),
            ("Checks of ICE both ways", "/s", self.checks),
        ];
        let rows = rows.into_iter().filter(|(_, _, samples)| !samples.is_empty());
        rows.map(|(what, unit, samples)| Figure::new(&format!("{what}, idle: {when}"), unit, Goal::None, samples)).collect()
    }
}

/// When the picture of the network said that a request was answered, on the page's clock.
async fn answered_at(person: &Person) -> Result<f64> {
    let script = r#"return Number(one("network-view")?.dataset.answered) >= 1 && { at: performance.now() }"#;
    number(&person.until("an answer over the ring", script, vec![]).await?["at"])
}

/// When the picture of the network showed so many links, on the page's clock.
async fn linked_at(person: &Person, count: u32) -> Result<f64> {
    let script = r#"return Number(one("links-count")?.textContent) >= first && { at: performance.now() }"#;
    let found: Value = person.until(&format!("{count} links"), script, vec![json!(count)]).await?;
    number(&found["at"])
}

/// What a page costs that is left to itself. The traffic of its links where the page has the scripts that count it.
async fn idle(person: &Person, is_prepared: bool) -> Result<Cost> {
    let mut cost = Cost::default();
    for _ in 0..IDLE_SAMPLES {
        let traffic = if is_prepared { Some(order(person, "traffic", json!([])).await?) } else { None };
        let driver = person.browser.driver().context("it runs")?;
        let (began, (before, _)) = (Instant::now(), driver.cost());
        tokio::time::sleep(IDLE).await;
        let (after, bytes) = driver.cost();
        let seconds = began.elapsed().as_secs_f64();
        cost.cpu.push((after - before) * 1_000.0 / seconds);
        cost.megabytes.push(bytes as f64 / 1e6);
        if let Some(before) = traffic {
            let after = order(person, "traffic", json!([])).await?;
            let a_second = |what: &str| Ok::<f64, anyhow::Error>((number(&after[what])? - number(&before[what])?) / seconds);
            cost.carried.push(a_second("bytes")?);
            cost.checks.push(a_second("checks")?);
        }
    }
    Ok(cost)
}
