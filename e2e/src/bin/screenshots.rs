//! Retakes `docs/screenshots`: each screen in its real states, on a phone and on a desk, light and dark. `cargo xtask screenshots`.
//!
//! Nothing is staged: a relay, browsers, people who write to each other.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use b4_e2e::{Person, World};
use futures_util::future::try_join_all;
use serde_json::json;

/// A phone and a desk, in CSS pixels.
const SIZES: [(u32, u32); 2] = [(390, 844), (1280, 800)];
/// The longest name there can be.
const LONG_NAME: &str = "bartholomaeus.of-the-long.bridge";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let folder = PathBuf::from(std::env::args_os().nth(1).context("usage: screenshots FOLDER")?);
    fs::create_dir_all(&folder)?;
    let mut world = World::start().await?;
    let mut anna = world.visitor().await?;
    shoot(&anna, &folder, "welcome").await?;
    anna.write("onboarding-name", "Anna").await?;
    anna.until_seen("onboarding-error").await?;
    shoot(&anna, &folder, "welcome-error").await?;
    anna.onboard("anna").await?;
    anna.until_network("online").await?;
    shoot(&anna, &folder, "chats-empty").await?;
    let friend = chat(&world, &anna).await?;
    shoot(&anna, &folder, "conversation").await?;
    anna.open("/").await?;
    anna.until_network("online").await?;
    anna.until_seen("contact").await?;
    shoot(&anna, &folder, "chats").await?;
    anna.open("/you").await?;
    anna.until_network("online").await?;
    shoot(&anna, &folder, "you").await?;
    anna.click("network-status").await?;
    anna.until_seen("network-view").await?;
    shoot(&anna, &folder, "network-alone").await?;
    let others = ["dora", "emil", "frida", "gustav", "hana", "ida", "johann"];
    let others = try_join_all(others.iter().map(|name| world.person(name))).await?;
    let script = r#"return Number(one("links-count")?.textContent) >= 7"#;
    anna.until("seven links", script, vec![]).await?;
    shoot(&anna, &folder, "network").await?;
    for other in &others {
        // Leaving is said: nobody waits for the dead in the pictures that follow.
        other.browser.client()?.goto("about:blank").await?;
    }
    drop(others);
    anna.browser.open_window(true).await?;
    anna.open("/").await?;
    anna.until_seen("second-tab").await?;
    shoot(&anna, &folder, "second-tab").await?;
    anna.click("take-over").await?;
    anna.open_chat(LONG_NAME).await?;
    drop(friend);
    world.relay.kill();
    anna.until_network("offline").await?;
    shoot(&anna, &folder, "offline").await
}

/// A conversation with messages in all marks that there are, and a stranger in the list. The friend leaves at its end.
async fn chat(world: &World, anna: &Person) -> Result<Person> {
    let stranger = world.person("carla").await?;
    stranger.add_contact("anna").await?;
    stranger.say("Hello Anna, we met at the library on Saturday. Is this you?").await?;
    stranger.until_count("out", 1, &["delivered"]).await?;
    drop(stranger);

    let friend = world.person(LONG_NAME).await?;
    anna.add_contact(LONG_NAME).await?;
    anna.say("Good morning! Did the boat arrive?").await?;
    friend.open_chat("anna").await?;
    friend.say("It did, with everything on board. The harbour master sends his regards.").await?;
    friend.say("Here is the timetable: https://harbour.example/timetable?season=winter").await?;
    friend.say("שלום אנה, הכול הגיע בשלום. נתראה מחר בבוקר?").await?;
    friend.say("Καλημέρα! Τα λέμε αύριο στο λιμάνι.").await?;
    anna.until_count("in", 4, &[]).await?;
    anna.say("Wonderful. I will bring the papers that you asked for, the long list of names, and a thermos of tea, because it \
              was cold there the last time and we had to wait for an hour.")
        .await?;
    anna.until_count("out", 2, &["read"]).await?;
    friend.open("/you").await?;
    anna.until_presence(LONG_NAME, "online").await?;
    anna.say("Shall we say nine?").await?;
    anna.until_message("out", "Shall we say nine?", &["delivered"]).await?;
    friend.browser.client()?.goto("about:blank").await?;
    anna.until_presence(LONG_NAME, "away").await?;
    anna.say("I am on my way.").await?;
    anna.until_message("out", "I am on my way.", &["queued"]).await?;
    Ok(friend)
}

/// Takes one screen in all sizes and themes.
async fn shoot(person: &Person, folder: &Path, name: &str) -> Result<()> {
    person.browser.cdp("Emulation.setTimezoneOverride", json!({ "timezoneId": "UTC" })).await?;
    for (width, height) in SIZES {
        for theme in ["light", "dark"] {
            person.browser.look_like(width, height, theme == "dark").await?;
            settle(person).await?;
            let picture = person.browser.client()?.screenshot().await?;
            let file = folder.join(format!("{name}-{width}-{theme}.png"));
            println!("{} ({} kB)", file.display(), picture.len().div_ceil(1000));
            fs::write(file, picture)?;
        }
    }
    Ok(())
}

/// Waits for two frames and the end of every movement that ends.
async fn settle(person: &Person) -> Result<()> {
    let settled = r#"new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))).then(() => Promise.all(
        document.getAnimations().filter((one) => one.effect.getComputedTiming().endTime !== Infinity).map((one) => one.finished)))
        .then(() => true)"#;
    person.browser.evaluate(settled).await.map(drop)
}
