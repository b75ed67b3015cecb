//! Who somebody is: changed keys, blocks.

use std::time::Duration;

use anyhow::Result;
use b4_e2e::World;

use crate::until_linked;

/// For the withdrawal to be with whoever is asked, after a dial or two in vain. Without it the ring says for ten minutes that they are there.
const WITHDRAWN_WITHIN: Duration = Duration::from_secs(15);

#[tokio::test]
async fn a_changed_key_stops_everything_until_it_was_looked_at() -> Result<()> {
    let world = World::start().await?;
    let (anna, bela) = world.pair("anna", "bela").await?;
    let number = anna.safety_number().await?;
    bela.browser.client()?.goto("about:blank").await?;
    anna.until_presence("bela", "away").await?;
    anna.say("for whom?").await?;
    anna.until_message("out", "for whom?", &["queued"]).await?;

    // The operator gives the name away, and somebody else takes it.
    world.relay.order(&["names", "release"], "bela")?;
    let other = world.person("bela").await?;
    anna.until_seen("key-changed").await?;
    assert!(anna.attribute("composer-input", "disabled").await?.is_some());
    assert_ne!(anna.safety_number().await?, number);
    assert!(other.sees("no-contacts").await?, "nothing has reached the other");
    anna.until_message("out", "for whom?", &["queued"]).await?;

    anna.click("key-confirm").await?;
    anna.until_gone("key-changed").await?;
    anna.until_message("out", "for whom?", &["delivered"]).await?;
    other.open_chat("anna").await?;
    other.until_message("in", "for whom?", &[]).await?;
    assert_eq!(other.safety_number().await?, anna.safety_number().await?);
    assert!(anna.attribute("composer-input", "disabled").await?.is_none());
    Ok(())
}

#[tokio::test]
async fn nothing_comes_through_from_somebody_blocked() -> Result<()> {
    let world = World::start().await?;
    let (anna, bela) = world.pair("anna", "bela").await?;
    bela.open_details().await?;
    bela.click("contact-block").await?;
    bela.until_seen("blocked").await?;
    assert!(bela.attribute("composer-input", "disabled").await?.is_some());
    anna.until("the session to be over", "return contact(first).dataset.presence !== 'online'", vec!["bela".into()]).await?;
    anna.say("can you hear me?").await?;
    // She has tried in earnest: dialled, and come to nothing.
    anna.until_presence("bela", "unreachable").await?;
    anna.until_message("out", "can you hear me?", &["queued"]).await?;
    bela.has_exactly("in", &["hello".to_owned()]).await?;

    bela.click("contact-unblock").await?;
    bela.until_gone("blocked").await?;
    anna.until_message("out", "can you hear me?", &["delivered", "read"]).await
}

#[tokio::test]
async fn what_cannot_be_a_contact_gets_its_answer() -> Result<()> {
    let world = World::start().await?;
    let (anna, _bela) = tokio::try_join!(world.person("anna"), world.person("bela"))?;
    for (name, answer) in [
        ("anna", "That is you"),
        ("zora", "Nobody has the name zora"),
        ("no spaces", "no spaces"),
        ("admin", "kept for the house"),
        ("<img src=x onerror=alert(1)>", "cannot be in a name"),
        ("Bela", "small letters"),
    ] {
        anna.ask_for_contact(name).await?;
        anna.until_text("contact-error", answer).await?;
        assert!(anna.sees("no-contacts").await?, "{name} became a contact");
    }
    anna.click("contact-lower").await?;
    anna.until_seen("composer-input").await?;
    anna.ask_for_contact("bela").await?;
    anna.until_text("contact-error", "in your list already").await
}

#[tokio::test]
async fn whoever_closes_the_page_is_away_though_no_relay_is_left_to_say_so() -> Result<()> {
    let mut world = World::start().await?;
    let (anna, bela) = world.pair("anna", "bela").await?;
    let carla = world.person("carla").await?;
    until_linked(&carla, 2).await?;
    world.relay.kill();
    bela.browser.client()?.goto("about:blank").await?;
    let script = "return contact(first).dataset.presence === 'away'";
    anna.until_within(WITHDRAWN_WITHIN, "bela to be away", script, vec!["bela".into()]).await.map(drop)
}
