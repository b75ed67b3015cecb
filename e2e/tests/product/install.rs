//! The page as an installed app: without the relay, with a new build, and what the browser itself says about it.

use anyhow::{Context, Result};
use b4_e2e::{Person, World, build};
use serde_json::json;

#[tokio::test]
async fn without_the_relay_a_restarted_browser_shows_the_history_and_says_that_it_is_offline() -> Result<()> {
    let mut world = World::start().await?;
    let (mut anna, bela) = world.pair("anna", "bela").await?;
    until_kept_for_offline(&anna).await?;
    world.relay.kill();
    drop(bela);
    anna.restart_browser().await?;
    anna.until_network("offline").await?;
    anna.open_chat("bela").await?;
    anna.until_message("out", "hello", &["read"]).await?;
    anna.say("later, then").await?;
    anna.until_message("out", "later, then", &["queued"]).await?;
    // Also where one left off.
    anna.open("/chat/bela").await?;
    anna.until_message("out", "later, then", &["queued"]).await
}

#[tokio::test]
async fn a_new_build_is_announced_and_starts_whole_when_it_is_told_to() -> Result<()> {
    let mut world = World::start().await?;
    let (anna, _bela) = world.pair("anna", "bela").await?;
    until_kept_for_offline(&anna).await?;
    let (old, new) = (build::of_page(&anna).await?, build::variant(&world.path("new-page"))?);
    world.relay.stop().await?;
    world.relay.serve_page(&world.path("new-page"));
    world.relay.start_again().await?;
    // Loading the page again brings the old build, and news of the new one.
    anna.reload().await?;
    anna.until_seen("update-ready").await?;
    assert_eq!(build::of_page(&anna).await?, old);
    anna.click("update-apply").await?;
    let is_new = "return document.documentElement.dataset.build === first";
    anna.until("the new build", is_new, vec![json!(new.id)]).await?;
    anna.until_seen("my-user-id").await?;
    assert_eq!(build::of_page(&anna).await?, new);
    anna.until_gone("update-ready").await?;
    anna.open("/chat/bela").await?;
    anna.until_message("out", "hello", &["read"]).await?;
    assert_eq!(build::of_page(&anna).await?, new);
    // The old build is not kept beside it.
    let caches = "return caches.keys().then((names) => names.length === 1 && names[0].endsWith(first))";
    anna.until("the old build to be dropped", caches, vec![json!(new.id)]).await.map(drop)
}

#[tokio::test]
async fn the_browser_finds_nothing_that_speaks_against_installing() -> Result<()> {
    let world = World::start().await?;
    let anna = world.visitor().await?;
    until_kept_for_offline(&anna).await?;
    let manifest = anna.browser.cdp("Page.getAppManifest", json!({})).await?;
    assert_eq!(manifest["errors"], json!([]), "{manifest}");
    let text: serde_json::Value = serde_json::from_str(manifest["data"].as_str().context("a manifest")?)?;
    assert_eq!(text["name"], json!("B4"));
    let icons = text["icons"].as_array().context("icons")?;
    for (size, purpose) in [("192x192", json!(null)), ("512x512", json!(null)), ("512x512", json!("maskable"))] {
        let icon = icons.iter().find(|icon| icon["sizes"] == json!(size) && icon["purpose"] == purpose);
        let url = icon.and_then(|icon| icon["src"].as_str()).with_context(|| format!("an icon of {size}, {purpose}"))?;
        let shown = format!(
            "(async () => {{ const image = new Image(); image.src = '{url}'; await image.decode(); return `${{image.width}}x${{image.height}}` }})()"
        );
        assert_eq!(anna.browser.evaluate(&shown).await?, json!(size), "{url}");
    }
    let errors = anna.browser.cdp("Page.getInstallabilityErrors", json!({})).await?;
    assert_eq!(errors["installabilityErrors"], json!([]));
    Ok(())
}

/// Until the service worker has everything and answers for the page.
async fn until_kept_for_offline(person: &Person) -> Result<()> {
    let active = "return navigator.serviceWorker.ready.then(({ active }) => active?.state === 'activated')";
    person.until("the page to be kept for offline use", active, vec![]).await.map(drop)
}
