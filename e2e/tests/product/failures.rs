//! The relay dies, the browser dies, the authority becomes another.

use anyhow::Result;
use b4_e2e::World;

use super::{after_hello, numbered};

#[tokio::test]
async fn an_open_chat_goes_on_without_the_relay_and_newcomers_come_when_it_is_back() -> Result<()> {
    let mut world = World::start().await?;
    let (anna, bela) = world.pair("anna", "bela").await?;
    world.relay.kill();
    anna.say("still here?").await?;
    bela.until_message("in", "still here?", &[]).await?;
    bela.say("still here").await?;
    bela.until_message("out", "still here", &["read"]).await?;
    anna.has_exactly("in", &["still here".to_owned()]).await?;
    // They have each other: that is a network.
    tokio::try_join!(anna.until_network("online"), bela.until_network("online"))?;

    world.relay.start_again().await?;
    let carla = world.person("carla").await?;
    carla.add_contact("anna").await?;
    carla.say("room for one more?").await?;
    carla.until_message("out", "room for one more?", &["delivered"]).await?;
    anna.say("the first chat is as it was").await?;
    bela.until_message("in", "the first chat is as it was", &[]).await
}

#[tokio::test]
async fn a_relay_that_stops_in_good_order_comes_back_with_its_names() -> Result<()> {
    let mut world = World::start().await?;
    let anna = world.person("anna").await?;
    world.relay.stop().await?;
    anna.until_network("offline").await?;
    world.relay.start_again().await?;
    anna.until_network("online").await?;
    let late = world.visitor().await?;
    late.write("onboarding-name", "anna").await?;
    late.until_text("onboarding-error", "Somebody has this name").await
}

#[tokio::test]
async fn a_browser_killed_in_mid_use_keeps_identity_and_history() -> Result<()> {
    let world = World::start().await?;
    let (anna, mut bela) = world.pair("anna", "bela").await?;
    let identity = bela.identity().await?;
    let texts = numbered("message", 40);
    let kill = async {
        bela.say("one of mine").await?;
        bela.until_message("out", "one of mine", &[]).await?;
        bela.until_message("in", "message 15", &[]).await?;
        bela.restart_browser().await?;
        bela.open_chat("anna").await
    };
    tokio::try_join!(anna.say_all(&texts), kill)?;
    assert_eq!(bela.identity().await?, identity);
    anna.until_count("out", 41, &["read"]).await?;
    bela.until_message("out", "one of mine", &["read"]).await?;
    bela.has_exactly("in", &after_hello(texts)).await?;
    bela.has_exactly("out", &["one of mine".to_owned()]).await?;
    anna.has_exactly("in", &["one of mine".to_owned()]).await
}

#[tokio::test]
async fn another_authority_stops_everything_and_nothing_is_lost() -> Result<()> {
    let mut world = World::start().await?;
    let (anna, _bela) = world.pair("anna", "bela").await?;
    let (own, other) = (world.relay.data().to_path_buf(), world.path("other-authority"));
    world.relay.kill();
    world.relay.use_data(&other);
    world.relay.start_again().await?;
    anna.reload().await?;
    anna.until_seen("authority-changed").await?;
    assert!(!anna.sees("composer-input").await?);
    let detail = anna.text("notice-detail").await?;
    assert!(detail.contains("Known: ") && detail.contains("Shown now: "), "{detail}");

    world.relay.kill();
    world.relay.use_data(&own);
    world.relay.start_again().await?;
    anna.open("/chat/bela").await?;
    anna.until_network("online").await?;
    anna.until_message("out", "hello", &["read"]).await
}
