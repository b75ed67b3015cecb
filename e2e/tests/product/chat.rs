//! Two people, two browsers, one relay.

use anyhow::Result;
use b4_e2e::World;

/// `from` to `to`, each with its number.
pub fn numbered(word: &str, from: usize, to: usize) -> Vec<String> {
    (from..=to).map(|number| format!("{word} {number}")).collect()
}

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
    let texts = numbered("message", 1, 199);
    anna.say_all(&texts).await?;
    anna.until_count("out", 200, &["delivered", "read"]).await?;
    bela.until_count("in", 200, &[]).await?;
    let all: Vec<String> = std::iter::once("hello".to_owned()).chain(texts).collect();
    anna.has_exactly("out", &all).await?;
    bela.has_exactly("in", &all).await
}
