//! Several pages and one relay: a ring that needs the relay for newcomers alone.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use b4_e2e::{Person, World};
use futures_util::future::try_join_all;

use crate::until_linked;

const NAMES: [&str; 8] = ["anna", "bela", "carla", "dora", "emil", "frida", "gustav", "hana"];

#[tokio::test]
async fn eight_pages_find_one_another_and_need_no_relay_any_more() -> Result<()> {
    let mut world = World::start().await?;
    let mut people: Vec<Person> = Vec::new();
    for names in NAMES.chunks(4) {
        people.extend(try_join_all(names.iter().map(|name| world.person(name))).await?);
    }
    try_join_all(people.iter().map(|person| until_linked(person, 7))).await?;
    let mut expected = try_join_all(people.iter().map(Person::identity)).await?;
    let (_, own) = expected.remove(0);
    let mut others: Vec<String> = expected.into_iter().map(|(_, node)| node).collect();
    others.sort();
    ensure!(peers(&people[0]).await? == others, "anna ({own}) sees the other seven in the picture");

    world.relay.kill();
    people[0].until_attribute("relay-status", "data-state", "down").await?;
    // Two who never met.
    chat(&people[0], &people[7]).await?;
    people[0].until_network("online").await?;

    // One page dies without a word; the others close the ring, and two more who never met talk.
    people[4].browser.kill();
    let alive = people.iter().enumerate().filter(|(at, _)| *at != 4).map(|(_, person)| person);
    try_join_all(alive.map(|person| until_linked(person, 6))).await?;
    chat(&people[1], &people[6]).await?;

    // The relay is back: so is who was away.
    world.relay.start_again().await?;
    people[4].browser.start_again().await?;
    people[4].open("/").await?;
    until_linked(&people[4], 7).await?;
    people[4].until_attribute("relay-status", "data-state", "up").await?;
    chat(&people[4], &people[2]).await
}

#[tokio::test]
async fn a_newcomer_is_linked_and_answered_within_seconds() -> Result<()> {
    let world = World::start().await?;
    let people = try_join_all(["anna", "bela", "carla"].iter().map(|name| world.person(name))).await?;
    try_join_all(people.iter().map(|person| until_linked(person, 2))).await?;
    let began = Instant::now();
    people[2].reload().await?;
    until_linked(&people[2], 2).await?;
    let took = began.elapsed();
    ensure!(took < Duration::from_secs(10), "linked again after {took:?}");
    Ok(())
}

#[tokio::test]
async fn a_hidden_page_stays_in_the_ring_and_hears_what_is_said() -> Result<()> {
    let world = World::start().await?;
    let (anna, bela) = tokio::try_join!(world.thrifty_person("anna"), world.person("bela"))?;
    tokio::try_join!(until_linked(&anna, 1), until_linked(&bela, 1))?;
    let page = anna.browser.window().await?;
    // Looking into a page brings it to the front, so it writes down itself when it is hidden.
    let log = "globalThis.shown = []; document.addEventListener('visibilitychange', () => shown.push([document.hidden, Date.now()])); null";
    anna.browser.evaluate(log).await?;
    let front = anna.browser.open_window(true).await?;
    anna.browser.drive(&front).await?;
    // Longer than a minute: from then on the timers of hidden pages are slowed down.
    tokio::time::sleep(Duration::from_secs(80)).await;
    until_linked(&bela, 1).await?;
    bela.add_contact("anna").await?;
    bela.say("are you there?").await?;
    bela.until_message("out", "are you there?", &["delivered"]).await?;
    anna.browser.drive(&page).await?;
    let hidden_ms = "(() => { const [[is, since], [, until]] = [...shown, [false, Date.now()]]; return is ? until - since : 0 })()";
    let hidden_ms = anna.browser.evaluate(hidden_ms).await?.as_f64().unwrap_or_default();
    ensure!(hidden_ms > 75_000.0, "the page was hidden for {hidden_ms} ms");
    Ok(())
}

/// One finds the other by name and says something, which is answered.
async fn chat(one: &Person, other: &Person) -> Result<()> {
    let ((name, _), (other_name, _)) = tokio::try_join!(one.identity(), other.identity())?;
    one.add_contact(&other_name).await?;
    let text = format!("hello {other_name}, this is {name}");
    one.say(&text).await?;
    one.until_message("out", &text, &["delivered"]).await?;
    other.open_chat(&name).await?;
    other.until_message("in", &text, &[]).await?;
    other.click("contact-accept").await?;
    other.say("hello to you").await?;
    one.until_message("in", "hello to you", &[]).await
}

/// The node ids in the picture, ascending.
async fn peers(person: &Person) -> Result<Vec<String>> {
    let script = "return [...document.querySelectorAll('[data-testid=ring-peer]')].map(peer => peer.dataset.nodeId).sort()";
    let found = person.browser.run(script, Vec::new()).await?;
    Ok(serde_json::from_value(found)?)
}
