//! Two people, two browsers, one relay.

use anyhow::Result;
use b4_e2e::World;

use super::{after_hello, numbered};

#[tokio::test]
async fn two_strangers_take_names_and_talk_both_ways() -> Result<()> {
    let world = World::start().await?;
    let (anna, bela) = tokio::try_join!(world.person("anna"), world.person("bela"))?;
    anna.add_contact("bela").await?;
    anna.say("good morning").await?;
    // Bela has the chat not open: it is delivered, and not read.
    anna.until_message("out", "good morning", &["delivered"]).await?;
    bela.open_chat("anna").await?;
    bela.until_message("in", "good morning", &[]).await?;
    bela.until_seen("stranger").await?;
    assert!(!anna.sees("stranger").await?, "who adds somebody knows them");
    bela.click("contact-accept").await?;
    bela.until_gone("stranger").await?;
    anna.until_message("out", "good morning", &["read"]).await?;

    bela.say("and to you").await?;
    anna.until_message("in", "and to you", &[]).await?;
    bela.until_message("out", "and to you", &["read"]).await?;
    let (one, other) = (anna.safety_number().await?, bela.safety_number().await?);
    assert_eq!(one, other);
    assert_eq!(one.chars().filter(char::is_ascii_digit).count(), 60);
    Ok(())
}

#[tokio::test]
async fn two_hundred_messages_arrive_in_order_and_none_twice() -> Result<()> {
    let world = World::start().await?;
    let (anna, bela) = world.pair("anna", "bela").await?;
    let texts = numbered("message", 199);
    anna.say_all(&texts).await?;
    anna.until_message("out", "message 199", &["delivered", "read"]).await?;
    bela.until_message("in", "message 199", &[]).await?;
    tokio::try_join!(anna.look_back(), bela.look_back())?;
    anna.until_count("out", 200, &["delivered", "read"]).await?;
    let all = after_hello(texts);
    anna.has_exactly("out", &all).await?;
    bela.has_exactly("in", &all).await
}

#[tokio::test]
async fn two_who_type_at_once_lose_nothing() -> Result<()> {
    let world = World::start().await?;
    let (anna, bela) = world.pair("anna", "bela").await?;
    let (hers, his) = (numbered("from anna", 25), numbered("from bela", 25));
    tokio::try_join!(anna.say_all(&hers), bela.say_all(&his))?;
    tokio::try_join!(anna.until_count("out", 26, &["read"]), bela.until_count("out", 25, &["read"]))?;
    anna.has_exactly("in", &his).await?;
    bela.has_exactly("in", &after_hello(hers)).await
}

#[tokio::test]
async fn a_sender_who_loads_the_page_again_in_mid_chat_loses_nothing() -> Result<()> {
    let world = World::start().await?;
    let (anna, bela) = world.pair("anna", "bela").await?;
    let (before, after) = (numbered("before", 30), numbered("after", 10));
    anna.say_all(&before).await?;
    // What is on her screen is durable; how much of it has gone out by now is not ours to know.
    anna.until_count("out", 31, &[]).await?;
    anna.reload().await?;
    anna.say_all(&after).await?;
    anna.until_count("out", 41, &["read"]).await?;
    let all = after_hello(before.into_iter().chain(after));
    anna.has_exactly("out", &all).await?;
    bela.has_exactly("in", &all).await
}

#[tokio::test]
async fn a_receiver_who_loads_the_page_again_in_mid_chat_misses_nothing() -> Result<()> {
    let world = World::start().await?;
    let (anna, bela) = world.pair("anna", "bela").await?;
    let texts = numbered("message", 60);
    let reload_twice = async {
        bela.until_message("in", "message 10", &[]).await?;
        bela.reload().await?;
        bela.until_message("in", "message 30", &[]).await?;
        bela.reload().await
    };
    tokio::try_join!(anna.say_all(&texts), reload_twice)?;
    anna.until_count("out", 61, &["read"]).await?;
    bela.until_count("in", 61, &[]).await?;
    let all = after_hello(texts);
    anna.has_exactly("out", &all).await?;
    bela.has_exactly("in", &all).await
}

#[tokio::test]
async fn what_is_said_to_somebody_away_is_seen_to_wait_and_goes_when_both_are_there() -> Result<()> {
    let world = World::start().await?;
    let (anna, bela) = world.pair("anna", "bela").await?;
    bela.browser.client()?.goto("about:blank").await?;
    anna.until_presence("bela", "away").await?;
    let texts = numbered("waiting", 5);
    anna.say_all(&texts).await?;
    anna.until_count("out", 6, &["queued", "read"]).await?;
    anna.until_message("out", "waiting 5", &["queued"]).await?;
    // She may close the page meanwhile: what waits, waits on her disk.
    anna.reload().await?;
    anna.until_message("out", "waiting 5", &["queued"]).await?;
    bela.open("/chat/anna").await?;
    anna.until_count("out", 6, &["read"]).await?;
    bela.has_exactly("in", &after_hello(texts)).await
}
