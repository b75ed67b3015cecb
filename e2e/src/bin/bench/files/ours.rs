//! Two people who know each other, of whom one sends files to the other through the product.

use std::time::Duration;

use anyhow::Result;
use b4_e2e::Person;
use serde_json::{Value, json};

use super::content::Content;
use super::{BUFFERED_BYTES, PIECE_BYTES};
use crate::pages::{Pages, number, order_within};

/// For a file of some GiB beside other work. A guess.
const PATIENCE: Duration = Duration::from_secs(1_800);

/// The two, and a raw channel between their pages.
pub struct Ours {
    pages: Pages,
    files: u64,
}

impl Ours {
    /// Two who chat; the far one is asked for every file.
    pub async fn start() -> Result<Self> {
        let pages = Pages::chatting().await?;
        pages.far.open("/you").await?;
        pages.far.until_seen("accept-files").await?;
        let choose = r#"const list = one("accept-files"); list.value = "0"; list.dispatchEvent(new Event("change", { bubbles: true })); return true"#;
        pages.far.run(choose, vec![]).await?;
        pages.far.until_attribute("accept-files", "data-bytes", "0").await?;
        pages.far.open("/").await?;
        pages.far.open_chat("near").await?;
        pages.near.say("again").await?;
        pages.near.until_message("out", "again", &["read"]).await?;
        pages.listen().await?;
        pages.raw_connect().await?;
        Ok(Self { pages, files: 0 })
    }

    /// Sender and receiver.
    pub fn both(&self) -> [&Person; 2] {
        [&self.pages.near, &self.pages.far]
    }

    /// The sender.
    pub fn near(&self) -> &Person {
        &self.pages.near
    }

    /// The receiver.
    pub fn far(&self) -> &Person {
        &self.pages.far
    }

    /// The receiver, whose browser may be killed.
    pub fn far_mut(&mut self) -> &mut Person {
        &mut self.pages.far
    }

    /// Another file.
    pub fn content(&mut self, mib: u64) -> Result<Content> {
        self.files += 1;
        Content::write(self.pages.world.path(&format!("file-{}.bin", self.files)), mib, self.files)
    }

    /// The sender chooses a file. Milliseconds until it is copied and offered.
    pub async fn offer(&self, content: &Content) -> Result<f64> {
        self.near().choose_file("attach-file", content.path()).await?;
        number(&order_within(PATIENCE, self.near(), "offered", json!([content.name()])).await?)
    }

    /// Waits until the receiver sees it.
    pub async fn until_offered(&self, content: &Content) -> Result<()> {
        self.far().until_file_within(PATIENCE, content.name(), &["offered"], 0).await
    }

    /// The receiver takes it. `took` and `first`, milliseconds until all and the first of it was there.
    pub async fn receive(&self, content: &Content) -> Result<Value> {
        order_within(PATIENCE, self.far(), "receive", json!([content.name()])).await
    }

    /// As many bytes over the raw channel; milliseconds until the other page had them.
    pub async fn pour(&self, mib: u64) -> Result<f64> {
        let [high, low] = BUFFERED_BYTES;
        number(&order_within(PATIENCE, self.near(), "rawPour", json!([mib * 1024 * 1024, PIECE_BYTES, high, low])).await?)
    }

    /// The most that the sender's channel for files ever had buffered, in MiB.
    pub async fn buffered(&self) -> Result<f64> {
        let bytes = number(&order_within(PATIENCE, self.near(), "buffered", json!([])).await?)?;
        Ok(bytes / (1024.0 * 1024.0))
    }
}
