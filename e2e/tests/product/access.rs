//! What axe, the checker of accessibility, finds on each screen: nothing, light and dark, on a phone and on a desk. And that a
//! keyboard is enough.

use std::fs;

use anyhow::{Context, Result, ensure};
use b4_e2e::process::named_by;
use b4_e2e::{Person, World};
use serde_json::Value;

/// Widths, heights and themes that are looked at.
const LOOKS: [(u32, u32, bool); 4] = [(1280, 800, false), (1280, 800, true), (390, 844, false), (390, 844, true)];
/// Runs axe with all its rules, and says of each breach what and where.
const RUN: &str = r#"axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) => violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id} (${help}) at ${target}: ${failureSummary}`)))"#;

#[tokio::test]
async fn axe_finds_nothing_on_the_first_screen() -> Result<()> {
    let world = World::start().await?;
    let visitor = world.visitor().await?;
    let mut found = look(&visitor, "welcome").await?;
    visitor.write("onboarding-name", "Admin").await?;
    visitor.until_seen("onboarding-error").await?;
    found.extend(look(&visitor, "welcome, an error").await?);
    ensure!(found.is_empty(), "axe found:\n{}", found.join("\n"));
    Ok(())
}

#[tokio::test]
async fn axe_finds_nothing_on_the_screens_of_the_app() -> Result<()> {
    let mut world = World::start().await?;
    let (anna, bela) = tokio::try_join!(world.person("anna"), world.person("bela"))?;
    let mut found = look(&anna, "no chats").await?;
    anna.add_contact("bela").await?;
    anna.say("hello, see https://b4.example/").await?;
    anna.until_message("out", "hello, see https://b4.example/", &["delivered"]).await?;
    found.extend(look(&bela, "a stranger in the list").await?);
    bela.open_chat("anna").await?;
    bela.until_seen("stranger").await?;
    found.extend(look(&bela, "a stranger's chat").await?);
    bela.say("hello").await?;
    anna.until_message("in", "hello", &[]).await?;
    anna.open_details().await?;
    found.extend(look(&anna, "a chat").await?);
    anna.click("message-details").await?;
    anna.until_seen("message-state").await?;
    found.extend(look(&anna, "details of a message").await?);
    anna.open("/you").await?;
    anna.until_seen("you").await?;
    found.extend(look(&anna, "you").await?);
    anna.click("network-status").await?;
    anna.until_seen("network-view").await?;
    found.extend(look(&anna, "the network").await?);
    let first_tab = anna.browser.window().await?;
    anna.browser.open_window(true).await?;
    anna.open("/").await?;
    anna.until_seen("second-tab").await?;
    found.extend(look(&anna, "a second tab").await?);
    world.relay.kill();
    // Without each other nobody can be reached. Leaving is said, so that this is known at once.
    anna.browser.drive(&first_tab).await?;
    anna.browser.client()?.goto("about:blank").await?;
    bela.until_network("offline").await?;
    found.extend(look(&bela, "offline").await?);
    ensure!(found.is_empty(), "axe found:\n{}", found.join("\n"));
    Ok(())
}

#[tokio::test]
async fn a_first_chat_takes_nothing_but_the_keyboard() -> Result<()> {
    let world = World::start().await?;
    let (anna, bela) = tokio::try_join!(world.visitor(), world.person("bela"))?;
    anna.tab_to("onboarding-name").await?;
    anna.insert("anna").await?;
    anna.press_enter().await?;
    anna.until_network("online").await?;
    anna.tab_to("recovery-later").await?;
    anna.press_enter().await?;
    anna.until_gone("recovery-later").await?;
    anna.tab_to("add-contact-input").await?;
    anna.insert("bela").await?;
    anna.press_enter().await?;
    anna.until_seen("composer-input").await?;
    anna.tab_to("composer-input").await?;
    anna.insert("by the keys").await?;
    anna.press_enter().await?;
    anna.until_message("out", "by the keys", &["delivered"]).await?;
    bela.until_seen("contact").await?;
    bela.tab_to("contact").await?;
    bela.press_enter().await?;
    bela.until_seen("stranger").await?;
    bela.tab_to("contact-accept").await?;
    bela.press_enter().await?;
    bela.until_gone("stranger").await?;
    bela.tab_to("composer-input").await?;
    bela.insert("and back").await?;
    bela.press_enter().await?;
    anna.until_message("in", "and back", &[]).await?;
    anna.tab_to("contact-details").await?;
    anna.press_enter().await?;
    anna.tab_to("contact-block").await?;
    anna.tab_to("network-status").await?;
    anna.press_enter().await?;
    anna.until_seen("network-view").await
}

/// Everything that axe finds on a screen in all looks, each said once.
async fn look(person: &Person, screen: &str) -> Result<Vec<String>> {
    let axe = fs::read_to_string(named_by("B4_AXE")?)?;
    let mut all: Vec<String> = Vec::new();
    for (width, height, is_dark) in LOOKS {
        person.browser.look_like(width, height, is_dark).await?;
        person.browser.evaluate(&format!("if (!globalThis.axe) {{ {axe} }} null")).await?;
        let found = person.browser.evaluate(RUN).await?;
        let found = found.as_array().context("axe gives a list")?.iter().filter_map(Value::as_str);
        let theme = if is_dark { "dark" } else { "light" };
        all.extend(found.map(|breach| format!("{screen}, {width}, {theme}: {breach}")));
    }
    Ok(all)
}
