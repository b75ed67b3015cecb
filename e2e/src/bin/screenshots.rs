//! Retakes `docs/screenshots`: each screen in its real states, on a phone and on a desk, light and dark. `cargo xtask screenshots`.
//!
//! Nothing is staged: a relay, browsers, people who write to each other.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use b4_e2e::{Person, World};
use base64ct::{Base64, Encoding};
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
    // The first dot is stepped to, as by the keys: what is told of it stands there.
    anna.run(r#"one("ring-peer").focus()"#, vec![]).await?;
    shoot(&anna, &folder, "network").await?;
    world.relay.kill();
    anna.until_attribute("relay-status", "data-state", "down").await?;
    shoot(&anna, &folder, "network-without-relay").await?;
    world.relay.start_again().await?;
    anna.until_attribute("relay-status", "data-state", "up").await?;
    let many = ring_of_many(&world, &anna, &folder).await?;
    files(&world, &anna, &folder).await?;
    for other in others.iter().chain(&many) {
        // Leaving is said: nobody waits for the dead in the pictures that follow.
        other.browser.client()?.goto("about:blank").await?;
    }
    drop((others, many));
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

/// More than know everybody: the picture has neighbours and long links.
async fn ring_of_many(world: &World, anna: &Person, folder: &Path) -> Result<Vec<Person>> {
    let names = "karl lena mira nora otto paul rosa sven tara ulla vera willi xenia yara zoe adam";
    let mut many = Vec::new();
    for name in names.split(' ') {
        many.push(world.person(name).await?);
    }
    anna.until("some twenty links", r#"return Number(one("links-count")?.textContent) >= 20"#, vec![]).await?;
    shoot(anna, folder, "network-many").await?;
    Ok(many)
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

/// A conversation in which files are offered, shown, held up and left with others.
async fn files(world: &World, anna: &Person, folder: &Path) -> Result<()> {
    let friend = world.person("matthias").await?;
    anna.add_contact("matthias").await?;
    anna.say("Did you take pictures?").await?;
    friend.open_chat("anna").await?;
    friend.say("One, and the papers of the boat:").await?;
    let file = |name: &str, content: &[u8]| -> Result<PathBuf> {
        let path = world.path(name);
        fs::write(&path, content)?;
        Ok(path)
    };
    let drawn = anna.browser.evaluate(&format!("({HARBOUR})()")).await?;
    let picture = Base64::decode_vec(drawn.as_str().context("a picture")?).map_err(|why| anyhow::anyhow!("{why}"))?;
    for (from, to, name, content, state) in [
        (&friend, anna, "papers of the boat.pdf", vec![7; 700_000], "complete"),
        (anna, &friend, "timetable.ods", vec![8; 90_000], "complete"),
        (&friend, anna, "harbour.png", picture, "complete"),
        (&friend, anna, "the whole crossing.mp4", vec![9; 60 * 1024 * 1024], "offered"),
    ] {
        from.choose_file("attach-file", &file(name, &content)?).await?;
        to.until_file(name, &["offered", state], 0).await?;
        if state == "complete" && to.file(name).await?.state == "offered" {
            to.click_in_file(name, "file-accept").await?;
        }
        to.until_file(name, &[state], 0).await?;
    }
    anna.until_seen("file-picture").await?;
    shoot(anna, folder, "files").await?;
    anna.click_in_file("the whole crossing.mp4", "file-accept").await?;
    anna.until_file("the whole crossing.mp4", &["receiving"], 5).await?;
    anna.click_in_file("the whole crossing.mp4", "file-pause").await?;
    friend.browser.client()?.goto("about:blank").await?;
    anna.until_presence("matthias", "away").await?;
    anna.choose_file("attach-file", &file("minutes.txt", &[b'a'; 200_000])?).await?;
    anna.until_file("minutes.txt", &["held"], 0).await?;
    shoot(anna, folder, "files-away").await
}

/// Draws a picture and says what PNG of it is, in base64.
const HARBOUR: &str = r##"() => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 400 });
    const pen = canvas.getContext("2d");
    const sky = pen.createLinearGradient(0, 0, 0, 400);
    [[0, "#2b4a7a"], [0.5, "#d9a37a"], [0.62, "#f3d7a5"], [0.63, "#3d6680"], [1, "#16303f"]].forEach(([at, colour]) => sky.addColorStop(at, colour));
    pen.fillStyle = sky;
    pen.fillRect(0, 0, 640, 400);
    pen.fillStyle = "#fff3d0";
    pen.beginPath();
    pen.arc(470, 215, 34, 0, 7);
    pen.fill();
    pen.fillStyle = "#1a1f2b";
    pen.beginPath();
    [[180, 270], [330, 270], [305, 305], [205, 305]].forEach(([x, y]) => pen.lineTo(x, y));
    pen.fill();
    pen.fillStyle = "#e8e2d4";
    [[[250, 120], [250, 258], [180, 258]], [[258, 140], [258, 258], [318, 258]]].forEach((sail) => {
        pen.beginPath();
        sail.forEach(([x, y]) => pen.lineTo(x, y));
        pen.fill();
    });
    return canvas.toDataURL("image/png").split(",")[1];
}"##;

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
