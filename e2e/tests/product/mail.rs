//! Messages for somebody who is away: left with peers, with nobody's server.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use b4_e2e::{Person, World};
use futures_util::future::try_join_all;
use serde_json::json;

use crate::{after_hello, numbered, until_linked};

/// Those who keep mail, beside anna and bela.
pub(crate) const OTHERS: [&str; 8] = ["carla", "dora", "emil", "frida", "gustav", "hana", "ivan", "jana"];
const TEXTS: usize = 50;
/// For a dead page to be noticed (5 to 30 s), and for what it kept to be with others.
const HANDED_OVER_WITHIN: Duration = Duration::from_secs(120);

/// Anna and bela, who know each other, and everybody else, in one ring.
pub(crate) async fn ring(world: &World, names: &[&str]) -> Result<(Person, Person, Vec<Person>)> {
    let (anna, bela) = world.pair("anna", "bela").await?;
    let mut others: Vec<Person> = Vec::new();
    for names in names.chunks(4) {
        others.extend(try_join_all(names.iter().map(|name| world.person(name))).await?);
    }
    let everybody = [&anna, &bela].into_iter().chain(&others);
    try_join_all(everybody.map(|person| until_linked(person, names.len() + 1))).await?;
    try_join_all([&anna, &bela].into_iter().zip(["bela", "anna"]).map(|(person, other)| person.open_chat(other))).await?;
    Ok((anna, bela, others))
}

#[tokio::test]
async fn fifty_texts_reach_somebody_who_was_away_although_their_author_and_three_holders_are_gone() -> Result<()> {
    let world = World::start().await?;
    let (mut anna, mut bela, mut others) = ring(&world, &OTHERS).await?;
    let mut by_node = BTreeMap::new();
    for (at, person) in others.iter().enumerate() {
        by_node.insert(person.identity().await?.1, at);
    }
    bela.browser.kill();
    anna.open_chat("bela").await?;
    let texts = numbered("text", TEXTS);
    anna.say_all(&texts).await?;
    until_held(&anna, TEXTS, 5).await?;
    let holders = holder_ids(&anna).await?;
    anna.browser.kill();

    // Three of the five die hard; the others pass on what they keep.
    let killed: Vec<usize> = holders.iter().take(3).map(|node| by_node.get(node).copied().context("a holder that is none of them")).collect::<Result<_>>()?;
    for at in &killed {
        others[*at].browser.kill();
    }
    let alive: Vec<&Person> = others.iter().enumerate().filter(|(at, _)| !killed.contains(at)).map(|(_, person)| person).collect();
    ensure!(alive.len() == 5, "five are left to keep it");
    for person in alive {
        until_holding(person, TEXTS).await?;
    }

    bela.browser.start_again().await?;
    bela.open("/").await?;
    bela.open_chat("anna").await?;
    let with_hello = after_hello(texts);
    bela.until_count("in", TEXTS + 1, &[]).await?;
    bela.has_exactly("in", &with_hello).await?;
    // Away again, before anna is back: word of it waits for her as the texts did for bela.
    tokio::time::sleep(Duration::from_secs(5)).await;
    bela.browser.kill();
    anna.browser.start_again().await?;
    anna.open("/").await?;
    anna.open_chat("bela").await?;
    anna.until_count("out", TEXTS + 1, &["delivered", "read"]).await?;
    bela.browser.start_again().await?;
    bela.open("/").await?;
    bela.open_chat("anna").await?;
    bela.until_count("in", TEXTS + 1, &[]).await?;
    tokio::time::sleep(Duration::from_secs(5)).await;
    bela.has_exactly("in", &with_hello).await
}

#[tokio::test]
async fn a_holder_whose_browser_is_killed_in_mid_write_comes_back_with_its_profile_and_keeps_on() -> Result<()> {
    let world = World::start().await?;
    let (anna, mut bela, mut others) = ring(&world, &OTHERS[..5]).await?;
    bela.browser.kill();
    let texts = numbered("text", TEXTS);
    anna.say_all(&texts[..1]).await?;
    until_held(&anna, 1, 5).await?;
    // The five are all there are: nothing is kept by five before the killed one is back.
    tokio::try_join!(anna.say_all(&texts[1..]), async { others[0].browser.kill(); Ok(()) })?;
    others[0].browser.start_again().await?;
    others[0].open("/").await?;
    until_held(&anna, TEXTS, 5).await?;
    until_holding(&others[0], TEXTS).await?;
    bela.browser.start_again().await?;
    bela.open("/").await?;
    bela.open_chat("anna").await?;
    bela.until_count("in", TEXTS + 1, &[]).await?;
    bela.has_exactly("in", &after_hello(texts)).await
}

/// All of one's own messages are kept by so many.
async fn until_held(person: &Person, count: usize, holders: usize) -> Result<()> {
    let script = "const mine = [...document.querySelectorAll('[data-testid=message][data-direction=out]')];
        return mine.length >= first && mine.slice(-first).every(message => message.dataset.state === 'held' && Number(message.dataset.holders) >= second)";
    let what = format!("{count} messages kept by {holders}");
    person.until_within(HANDED_OVER_WITHIN, &what, script, vec![json!(count), json!(holders)]).await.map(drop)
}

/// The node ids of those who keep the last message.
async fn holder_ids(person: &Person) -> Result<Vec<String>> {
    let script = "return [...document.querySelectorAll('[data-testid=message][data-direction=out]')].at(-1).dataset.holderIds.split(' ')";
    Ok(serde_json::from_value(person.browser.run(script, Vec::new()).await?)?)
}

/// This page keeps so many messages for others.
async fn until_holding(person: &Person, count: usize) -> Result<()> {
    person.open("/you").await?;
    let script = r#"return Number(one("holding-count")?.textContent) >= first"#;
    person.until_within(HANDED_OVER_WITHIN, &format!("{count} messages kept"), script, vec![json!(count)]).await.map(drop)
}
