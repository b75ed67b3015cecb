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
