//! The recovery file: saved once, and good in another browser.

use std::fs;

use anyhow::Result;
use b4_e2e::World;

#[tokio::test]
async fn a_recovery_file_brings_the_name_to_another_browser_and_the_old_one_stops() -> Result<()> {
    let world = World::start().await?;
    let (anna, bela) = world.pair("anna", "bela").await?;
    let identity = anna.identity().await?;
    // The browser asks before the page goes, and the file with it.
    let asks = r#"return !window.dispatchEvent(new Event("beforeunload", { cancelable: true }))"#;
    assert_eq!(anna.browser.run(asks, vec![]).await?, true);
    anna.click("recovery-save").await?;
    let file = anna.browser.downloaded("b4-recovery-anna.json").await?;
    anna.until_gone("recovery-save").await?;
    anna.until_seen("recovery-given").await?;
    assert_eq!(anna.browser.run(asks, vec![]).await?, false);
    // Whether the browser has kept it only the person knows: it can be had again.
    anna.click("my-user-id").await?;
    anna.until_seen("recovery-saved").await?;
    anna.until_seen("you-recovery-save").await?;

    let new = world.visitor().await?;
    let wrong = world.path("wrong.json");
    fs::write(&wrong, r#"{"some": "file"}"#)?;
    new.choose_file("restore-file", &wrong).await?;
    new.until_text("restore-error", "not a recovery file").await?;
    fs::write(&wrong, with_a_digit_changed(&fs::read_to_string(&file)?))?;
    new.choose_file("restore-file", &wrong).await?;
    new.until_text("restore-error", "damaged").await?;
    assert!(!new.sees("my-user-id").await?);

    new.choose_file("restore-file", &file).await?;
    assert_eq!(new.identity().await?, identity);
    new.until_network("online").await?;
    anna.until_seen("superseded").await?;
    assert!(!anna.sees("composer-input").await?);
    // Bela need not notice: it is the same key.
    new.add_contact("bela").await?;
    new.say("from the new browser").await?;
    bela.until_message("in", "from the new browser", &[]).await?;
    assert!(!bela.sees("key-changed").await?);
    bela.say("welcome back").await?;
    new.until_message("in", "welcome back", &[]).await?;
    // The old one goes on where it is told to.
    anna.click("take-over").await?;
    anna.until_network("online").await?;
    new.until_seen("superseded").await
}

#[tokio::test]
async fn a_waiting_tab_of_the_browser_that_was_left_takes_nothing_back_by_itself() -> Result<()> {
    let world = World::start().await?;
    let anna = world.person("anna").await?;
    anna.click("recovery-save").await?;
    let file = anna.browser.downloaded("b4-recovery-anna.json").await?;
    let first = anna.browser.window().await?;
    let waiting = anna.browser.open_window(true).await?;
    anna.open("/").await?;
    anna.until_seen("second-tab").await?;

    let new = world.visitor().await?;
    new.choose_file("restore-file", &file).await?;
    new.until_network("online").await?;
    anna.browser.drive(&first).await?;
    anna.until_seen("superseded").await?;
    anna.browser.drive(&waiting).await?;
    let stays = "const since = window.since ??= Date.now(); return Date.now() - since > 5000";
    anna.until("a while to pass", stays, vec![]).await?;
    assert!(anna.sees("second-tab").await? && new.sees("my-user-id").await?);

    // Told to, it does.
    anna.click("take-over").await?;
    anna.until_network("online").await?;
    new.until_seen("superseded").await
}

/// The sealed keys with their last digit changed.
fn with_a_digit_changed(file: &str) -> String {
    let keys = file.find("\"keys\"").expect("a recovery file has keys");
    let end = keys + file[keys..].find("\": \"").or(file[keys..].find("\":\"")).expect("a value");
    let last = end + file[end..].rfind(|mark: char| mark.is_ascii_hexdigit()).expect("digits");
    let digit = if file[last..].starts_with('0') { "1" } else { "0" };
    format!("{}{digit}{}", &file[..last], &file[last + 1..])
}
