//! Two prepared pages of two browsers: `page.js` is in them, and both may reach the carrier of the raw pair's signals.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use b4_e2e::{BULK_WATCH, Browser, Person, World};
use serde_json::{Value, json};

use crate::signals::Signals;

/// The scripts that do everything that is timed.
const SCRIPTS: [&str; 2] = [BULK_WATCH, include_str!("page.js")];
/// How long one order may take. A guess for a machine that compiles beside it.
const ORDER_WITHIN: Duration = Duration::from_secs(180);
/// Between two looks at whether it is done: each costs the page a little.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A relay, and two people before their pages.
pub struct Pages {
    /// The one who dials, speaks, measures.
    pub near: Person,
    /// The other.
    pub far: Person,
    /// The relay.
    pub world: World,
    signals: Signals,
}

impl Pages {
    /// Two people called `near` and `far` who have nothing to do with each other yet.
    pub async fn start() -> Result<Self> {
        let (world, signals) = (World::start().await?, Signals::start().await?);
        let (near, far) = tokio::try_join!(prepared(&world, "near"), prepared(&world, "far"))?;
        let pages = Self { near, far, world, signals };
        pages.listen().await?;
        Ok(pages)
    }

    /// Both, and which is which.
    pub fn both(&self) -> [(&'static str, &Person); 2] {
        [("near", &self.near), ("far", &self.far)]
    }

    /// The same two, who know each other and have their chat on the screen, a session between them.
    pub async fn chatting() -> Result<Self> {
        let pages = Self::start().await?;
        pages.near.add_contact("far").await?;
        pages.near.say("hello").await?;
        pages.far.open_chat("near").await?;
        pages.far.click("contact-accept").await?;
        pages.near.until_message("out", "hello", &["read"]).await?;
        Ok(pages)
    }

    /// Connects both pages to the carrier of signals; to be done again after a page was loaded again.
    pub async fn listen(&self) -> Result<()> {
        let url = json!(self.signals.url());
        tokio::try_join!(order(&self.near, "rawListen", json!([url])), order(&self.far, "rawListen", json!([url]))).map(drop)
    }

    /// Milliseconds from `createOffer` to the open raw channel, which then stays open.
    pub async fn raw_connect(&self) -> Result<f64> {
        number(&order(&self.near, "rawConnect", json!([])).await?)
    }
}

/// Somebody with a fresh browser whose page has the script.
pub async fn prepared(world: &World, name: &str) -> Result<Person> {
    let mut person = world.visitor().await?;
    prepare(&person.browser).await?;
    person.reload().await?;
    enrol(&mut person, name).await?;
    Ok(person)
}

/// From its next load on, the page has the scripts.
pub async fn prepare(browser: &Browser) -> Result<()> {
    browser.runs_first(&SCRIPTS.concat()).await
}

/// Takes a name and goes online.
pub async fn enrol(person: &mut Person, name: &str) -> Result<()> {
    person.onboard(name).await?;
    person.until_network("online").await
}

/// Has the page do something, and waits for the outcome without looking too often.
pub async fn order(person: &Person, name: &str, given: Value) -> Result<Value> {
    order_within(ORDER_WITHIN, person, name, given).await
}

/// The same with another patience.
pub async fn order_within(patience: Duration, person: &Person, name: &str, given: Value) -> Result<Value> {
    let begun = person.run("return globalThis.b4Bench?.begin(first, second) ?? false", vec![json!(name), given]).await?;
    ensure!(begun == json!(true), "the page has no benchmarks in it");
    let until = tokio::time::Instant::now() + patience;
    while tokio::time::Instant::now() < until {
        tokio::time::sleep(LOOK_EVERY).await;
        let outcome = person.run("return globalThis.b4Bench.outcome()", vec![]).await?;
        if let Some(why) = outcome["why"].as_str() {
            bail!("{name}: {why}");
        }
        if !outcome.is_null() {
            return Ok(outcome["value"].clone());
        }
    }
    bail!("{name} took longer than {} s.\n{}", patience.as_secs(), person.shown().await)
}

/// The number that a page gave.
pub fn number(value: &Value) -> Result<f64> {
    value.as_f64().ok_or_else(|| anyhow::anyhow!("{value} is no number"))
}
