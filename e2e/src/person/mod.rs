//! Somebody in front of the page. They find things by `data-testid` alone, and wait with a deadline and for a reason.
//!
//! `deeds` is what they do; here is what they see. Messages are read in the order in which they stand.

mod deeds;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::Browser;
use crate::process::LOOK_EVERY;

/// How long a person waits for something to appear. A guess for a machine that compiles beside it; nothing should take it.
const PATIENCE: Duration = Duration::from_secs(30);
/// Most of a page that a message of failure repeats, in characters.
const SHOWN_MAX: usize = 4_000;
/// What every script may use.
const PRELUDE: &str = r#"
const all = (id) => [...document.querySelectorAll(`[data-testid="${id}"]`)];
const one = (id) => all(id)[0] ?? null;
const own = (text) => all("message").find((row) => row.dataset.direction === "out"
    && row.querySelector('[data-testid="message-text"]').textContent === text) ?? null;
const contact = (user) => all("contact").find((row) => row.dataset.userId === user) ?? null;
const [first, second, third] = arguments;
"#;

/// Somebody, with a browser.
#[derive(Debug)]
pub struct Person {
    /// Their browser.
    pub browser: Browser,
    name: String,
    url: String,
}

/// A message as it stands on the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// `data-message-id`
    pub id: String,
    /// `data-direction`: in, out
    pub direction: String,
    /// `data-state`
    pub state: String,
    /// The text, as shown.
    pub text: String,
}

/// A file as it stands on the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileCard {
    /// `data-state`
    pub state: String,
    /// `data-progress`
    pub progress: u64,
}

/// What a device keeps for others, as its settings say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holding {
    /// `holding-count`
    pub count: u64,
    /// `holding-people`
    pub people: u64,
    /// `data-bytes` of `holding-bytes`
    pub bytes: u64,
    /// `data-bytes` of `storage-limit`
    pub limit_bytes: u64,
}

impl Person {
    /// Somebody with this browser, who opens pages of `url`.
    pub fn new(name: &str, browser: Browser, url: &str) -> Self {
        Self { browser, name: name.to_owned(), url: url.to_owned() }
    }

    /// Runs a script that may use `all(testid)`, `one(testid)`, `own(text)`, `contact(user)` and the arguments `first`, `second`, `third`.
    ///
    /// # Errors
    /// If it throws.
    pub async fn run(&self, script: &str, arguments: Vec<Value>) -> Result<Value> {
        self.browser.run(&format!("{PRELUDE}{script}"), arguments).await
    }

    /// Waits until the script returns something other than null, false and the empty text, and returns that. An object with
    /// `not` means not yet, too: what stands there is said when it never comes.
    ///
    /// # Errors
    /// If it does not in time; the message says what was waited for and what the page shows instead.
    pub async fn until(&self, what: &str, script: &str, arguments: Vec<Value>) -> Result<Value> {
        self.until_within(PATIENCE, what, script, arguments).await
    }

    /// The same with another deadline.
    ///
    /// # Errors
    /// As [`until`](Self::until).
    pub async fn until_within(&self, patience: Duration, what: &str, script: &str, arguments: Vec<Value>) -> Result<Value> {
        let until = Instant::now() + patience;
        loop {
            // While a page is exchanged for another a script fails: that is looked at again, and said if it stays so.
            let answer = self.run(script, arguments.clone()).await;
            if let Ok(answer) = &answer
                && !matches!(answer, Value::Null | Value::Bool(false))
                && answer.as_str() != Some("")
                && answer.get("not").is_none()
            {
                return Ok(answer.clone());
            }
            if Instant::now() >= until {
                let saw = answer.map_or_else(|why| format!("the script failed: {why:#}"), |answer| answer.to_string());
                let shown = self.shown().await;
                bail!("{}: waited {} s for {what} (last: {saw}).\n{shown}", self.name, patience.as_secs());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// What the page shows, for messages of failure.
    pub async fn shown(&self) -> String {
        let script = r#"
            const ids = [...document.querySelectorAll("[data-testid]")].map(({ dataset }) => {
                const { testid, ...more } = dataset;
                return [testid, ...Object.values(more)].join(":");
            });
            return `${location.href}\n${document.body.innerText}\n-- ${ids.slice(-60).join(" ")}`;
        "#;
        match self.browser.run(script, vec![]).await {
            Ok(text) => {
                let text: String = text.as_str().unwrap_or_default().chars().take(SHOWN_MAX).collect();
                format!("The page shows: {text}")
            }
            Err(why) => format!("The page cannot be read: {why:#}"),
        }
    }

    /// Whether something with this test id is on the page.
    ///
    /// # Errors
    /// If the page cannot be read.
    pub async fn sees(&self, testid: &str) -> Result<bool> {
        Ok(self.run("return one(first) !== null", vec![json!(testid)]).await? == json!(true))
    }

    /// The text of the first thing with this test id, once there is one.
    ///
    /// # Errors
    /// If none appears in time.
    pub async fn text(&self, testid: &str) -> Result<String> {
        let what = format!("`{testid}`");
        let text = self.until(&what, "return one(first) && { text: one(first).textContent }", vec![json!(testid)]).await?;
        Ok(text["text"].as_str().unwrap_or_default().to_owned())
    }

    /// Waits until something with this test id is on the page.
    ///
    /// # Errors
    /// If that does not happen in time.
    pub async fn until_seen(&self, testid: &str) -> Result<()> {
        self.text(testid).await.map(drop)
    }

    /// Waits until nothing with this test id is on the page any more.
    ///
    /// # Errors
    /// If that does not happen in time.
    pub async fn until_gone(&self, testid: &str) -> Result<()> {
        self.until(&format!("`{testid}` to go"), "return one(first) === null", vec![json!(testid)]).await.map(drop)
    }

    /// Waits until the text of the first thing with this test id contains `part`.
    ///
    /// # Errors
    /// If that does not happen in time.
    pub async fn until_text(&self, testid: &str, part: &str) -> Result<()> {
        let what = format!("`{testid}` to say {part:?}");
        let script = "return one(first)?.textContent.includes(second) ?? false";
        self.until(&what, script, vec![json!(testid), json!(part)]).await.map(drop)
    }

    /// An attribute of the first thing with this test id.
    ///
    /// # Errors
    /// If none appears in time.
    pub async fn attribute(&self, testid: &str, attribute: &str) -> Result<Option<String>> {
        let script = "return one(first) && { value: one(first).getAttribute(second) }";
        let found = self.until(&format!("`{testid}`"), script, vec![json!(testid), json!(attribute)]).await?;
        Ok(found["value"].as_str().map(str::to_owned))
    }

    /// Waits until an attribute of something has this value.
    ///
    /// # Errors
    /// If that does not happen in time.
    pub async fn until_attribute(&self, testid: &str, attribute: &str, value: &str) -> Result<()> {
        let script = "return one(first)?.getAttribute(second) === third";
        let what = format!("{attribute} of {testid} to be {value}");
        self.until(&what, script, vec![json!(testid), json!(attribute), json!(value)]).await.map(drop)
    }

    /// Waits until the network's state is this: `offline`, `joining`, `online`.
    ///
    /// # Errors
    /// If that does not happen in time.
    pub async fn until_network(&self, state: &str) -> Result<()> {
        let script = r#"return one("network-status")?.dataset.state === first"#;
        self.until(&format!("the network to be {state}"), script, vec![json!(state)]).await.map(drop)
    }

    /// Waits until a contact's presence is this.
    ///
    /// # Errors
    /// If that does not happen in time.
    pub async fn until_presence(&self, user: &str, presence: &str) -> Result<()> {
        let script = "return contact(first)?.dataset.presence === second";
        let what = format!("{user} to be {presence}");
        self.until(&what, script, vec![json!(user), json!(presence)]).await.map(drop)
    }

    /// My name and my node's id, once I have them.
    ///
    /// # Errors
    /// If they do not appear in time.
    pub async fn identity(&self) -> Result<(String, String)> {
        let script = r#"const me = one("my-user-id"); return me && [me.textContent, me.dataset.nodeId]"#;
        let found = self.until("an identity", script, vec![]).await?;
        let text = |at: usize| found[at].as_str().unwrap_or_default().to_owned();
        Ok((text(0), text(1)))
    }

    /// The messages on the page, in order.
    ///
    /// # Errors
    /// If the page cannot be read.
    pub async fn messages(&self) -> Result<Vec<Message>> {
        let script = r#"return all("message").map((row) => [row.dataset.messageId, row.dataset.direction, row.dataset.state,
            row.querySelector('[data-testid="message-text"]').textContent])"#;
        let rows = self.run(script, vec![]).await?;
        let rows = rows.as_array().context("messages are a list")?;
        let text = |row: &Value, at: usize| row[at].as_str().unwrap_or_default().to_owned();
        let message = |row| Message { id: text(row, 0), direction: text(row, 1), state: text(row, 2), text: text(row, 3) };
        Ok(rows.iter().map(message).collect())
    }

    /// Waits until a message with this text stands there in one of these states; none given means any.
    ///
    /// # Errors
    /// If that does not happen in time.
    pub async fn until_message(&self, direction: &str, text: &str, states: &[&str]) -> Result<()> {
        let script = r#"return all("message").some((row) => row.dataset.direction === first
            && row.querySelector('[data-testid="message-text"]').textContent === second
            && (third.length === 0 || third.includes(row.dataset.state)))"#;
        let what = format!("the message {text:?} ({direction}, {states:?})");
        self.until(&what, script, vec![json!(direction), json!(text), json!(states)]).await.map(drop)
    }

    /// The nodes that keep a message of one's own, by the first one with this text.
    ///
    /// # Errors
    /// If there is none in time.
    pub async fn holders_of(&self, text: &str) -> Result<Vec<String>> {
        let row = "const row = own(first); return row && { ids: row.dataset.holderIds }";
        let found = self.until(&format!("the message {text:?}"), row, vec![json!(text)]).await?;
        Ok(found["ids"].as_str().unwrap_or_default().split_whitespace().map(str::to_owned).collect())
    }

    /// Waits until at least so many nodes keep a message of one's own.
    ///
    /// # Errors
    /// If they do not in time.
    pub async fn until_kept(&self, text: &str, holders: usize) -> Result<()> {
        let script = "const kept = Number(own(first)?.dataset.holders ?? 0); return kept >= second ? true : { not: `kept by ${kept}` }";
        let what = format!("{holders} nodes to keep {text:?}");
        self.until(&what, script, vec![json!(text), json!(holders)]).await.map(drop)
    }

    /// The newest file of this name.
    ///
    /// # Errors
    /// If there is none in time.
    pub async fn file(&self, name: &str) -> Result<FileCard> {
        let script = r#"const file = all("file").filter((file) => file.textContent.includes(first)).pop();
            return file === undefined ? null : [file.dataset.state, Number(file.dataset.progress)]"#;
        let file = self.until(&format!("the file {name}"), script, vec![json!(name)]).await?;
        let state = file[0].as_str().context("`data-state`")?.to_owned();
        Ok(FileCard { state, progress: file[1].as_u64().context("`data-progress`")? })
    }

    /// Waits until the newest file of this name is in one of these states, and so far.
    ///
    /// # Errors
    /// If it is not in time.
    pub async fn until_file(&self, name: &str, states: &[&str], progress: u64) -> Result<()> {
        self.until_file_within(PATIENCE, name, states, progress).await
    }

    /// The same with another patience.
    ///
    /// # Errors
    /// If it is not in time.
    pub async fn until_file_within(&self, patience: Duration, name: &str, states: &[&str], progress: u64) -> Result<()> {
        let script = r#"const file = all("file").filter((file) => file.textContent.includes(first)).pop();
            return file !== undefined && second.includes(file.dataset.state) && Number(file.dataset.progress) >= third"#;
        let what = format!("the file {name} to be {states:?} at {progress} %");
        self.until_within(patience, &what, script, vec![json!(name), json!(states), json!(progress)]).await.map(drop)
    }

    /// Whether any file of the open chat is on its way.
    ///
    /// # Errors
    /// If the page goes away meanwhile.
    pub async fn any_file_moves(&self) -> Result<bool> {
        let script = r#"return all("file").some((file) => ["sending", "receiving"].includes(file.dataset.state))"#;
        Ok(self.run(script, Vec::new()).await? == json!(true))
    }

    /// What this device keeps for others. The page about oneself is open.
    ///
    /// # Errors
    /// If it does not say in time.
    pub async fn holding(&self) -> Result<Holding> {
        let script = r#"const bytes = (id) => Number(one(id).dataset.bytes), count = (id) => Number(one(id).textContent);
            return one("storage-limit") && [count("holding-count"), count("holding-people"), bytes("holding-bytes"), bytes("storage-limit")]"#;
        let found = self.until("what is kept for others", script, vec![]).await?;
        let number = |at: usize| found[at].as_u64().context("a number");
        Ok(Holding { count: number(0)?, people: number(1)?, bytes: number(2)?, limit_bytes: number(3)? })
    }

    /// Waits until `count` messages stand there in one direction, all of them in one of these states.
    ///
    /// # Errors
    /// If that does not happen in time.
    pub async fn until_count(&self, direction: &str, count: usize, states: &[&str]) -> Result<()> {
        let script = r#"const states = all("message").filter((row) => row.dataset.direction === first).map((row) => row.dataset.state);
            const wrong = states.filter((state) => third.length > 0 && !third.includes(state));
            return states.length === second && wrong.length === 0 ? true : { not: `there are ${states.length}: ${wrong}` }"#;
        let what = format!("{count} messages ({direction}, {states:?})");
        self.until(&what, script, vec![json!(direction), json!(count), json!(states)]).await.map(drop)
    }

    /// Sees to it that the texts in one direction are these, in this order, none lost, none twice, and each id is its own.
    ///
    /// # Errors
    /// If not.
    pub async fn has_exactly(&self, direction: &str, expected: &[String]) -> Result<()> {
        let messages = self.messages().await?;
        let texts: Vec<&String> = messages.iter().filter(|one| one.direction == direction).map(|one| &one.text).collect();
        ensure!(texts.iter().copied().eq(expected), "{}: {direction} is {texts:?}, and not {expected:?}", self.name);
        let mut ids: Vec<&String> = messages.iter().map(|message| &message.id).collect();
        ids.sort();
        ids.dedup();
        ensure!(ids.len() == messages.len(), "{}: a message stands there twice", self.name);
        Ok(())
    }
}
