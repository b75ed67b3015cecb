//! Several tabs of one browser: one of them holds the identity.

use anyhow::Result;
use b4_e2e::World;

#[tokio::test]
async fn a_second_tab_says_so_and_can_take_over() -> Result<()> {
    let world = World::start().await?;
    let (anna, bela) = world.pair("anna", "bela").await?;
    let identity = bela.identity().await?;
    let first = bela.browser.window().await?;
    let second = bela.browser.open_window(true).await?;
    bela.open("/").await?;
    bela.until_seen("second-tab").await?;

    bela.click("take-over").await?;
    assert_eq!(bela.identity().await?, identity);
    bela.until_network("online").await?;
    bela.open_chat("anna").await?;
    bela.until_message("in", "hello", &[]).await?;
    bela.browser.drive(&first).await?;
    bela.until_seen("second-tab").await?;

    // The tab that took over is the one that talks.
    bela.browser.drive(&second).await?;
    anna.say("which tab?").await?;
    bela.until_message("in", "which tab?", &[]).await?;
    bela.say("the second").await?;
    anna.until_message("in", "the second", &[]).await?;

    // When it closes, the one that waits goes on.
    bela.browser.client()?.close_window().await?;
    bela.browser.drive(&first).await?;
    assert_eq!(bela.identity().await?, identity);
    bela.open_chat("anna").await?;
    bela.until_message("in", "which tab?", &[]).await
}

#[tokio::test]
async fn a_tab_that_is_taken_over_while_it_takes_a_name_leaves_the_name_to_the_other() -> Result<()> {
    let world = World::start().await?;
    let anna = world.visitor().await?;
    let first = anna.browser.window().await?;
    let second = anna.browser.open_window(true).await?;
    anna.open("/").await?;
    anna.until_seen("second-tab").await?;

    anna.browser.drive(&first).await?;
    anna.write("onboarding-name", "anna").await?;
    anna.until_seen("onboarding-free").await?;
    world.relay.hold();
    anna.click("onboarding-submit").await?;
    anna.until_text("enrolling", "certified").await?;
    anna.browser.drive(&second).await?;
    anna.click("take-over").await?;
    anna.until_seen("onboarding-name").await?;
    world.relay.let_go();

    // What was begun comes to its end, and runs where the person is.
    let taken = "return fetch('/names/anna').then((answer) => answer.json()).then(({ state }) => state === 'taken')";
    anna.until("the name to be taken", taken, vec![]).await?;
    anna.until("the keys to be kept", "return localStorage.getItem('b4-name') === 'anna'", vec![]).await?;
    anna.browser.drive(&first).await?;
    anna.until_seen("second-tab").await?;
    assert!(!anna.sees("my-user-id").await?);
    anna.browser.drive(&second).await?;
    anna.reload().await?;
    assert_eq!(anna.identity().await?.0, "anna");
    anna.until_network("online").await?;
    anna.browser.drive(&first).await?;
    anna.until_seen("second-tab").await
}
