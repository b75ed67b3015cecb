//! The whole product, as two people have it before them. Each file is one side of it; each test's name is a claim.

mod access;
mod chat;
mod contacts;
mod failures;
mod files;
mod hostile;
mod install;
mod mail;
mod names;
mod recovery;
mod renewal;
mod ring;
mod tabs;

use std::time::Duration;

use anyhow::Result;
use b4_e2e::Person;
use serde_json::json;

/// For a ring to close after something happened to it. A dead page is noticed after 5 to 30 s.
const HEALED_WITHIN: Duration = Duration::from_secs(75);

/// `word 1` to `word count`.
fn numbered(word: &str, count: usize) -> Vec<String> {
    (1..=count).map(|number| format!("{word} {number}")).collect()
}

/// "hello", with which every pair begins, and what followed.
fn after_hello(texts: impl IntoIterator<Item = String>) -> Vec<String> {
    std::iter::once("hello".to_owned()).chain(texts).collect()
}

/// The picture of the network shows so many links.
async fn until_linked(person: &Person, count: usize) -> Result<()> {
    if !person.sees("network-view").await? {
        person.click("network-status").await?;
        person.until_seen("network-view").await?;
    }
    let script = r#"return one("links-count")?.textContent.trim() === first"#;
    person.until_within(HEALED_WITHIN, &format!("{count} links"), script, vec![json!(count.to_string())]).await.map(drop)
}
