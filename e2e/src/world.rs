//! A world: one relay and the people who use it, each with a browser of their own.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};
use tempfile::TempDir;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::{Browser, Person, Relay};

/// How many worlds there are at once in this process; the others wait. Two browsers of one world keep two cores busy.
const AT_ONCE: usize = 2;
static TURN: Semaphore = Semaphore::const_new(AT_ONCE);

/// A relay, and a folder for everything of this world. Drop the people before it.
#[derive(Debug)]
pub struct World {
    /// The relay.
    pub relay: Relay,
    folder: TempDir,
    browsers: AtomicU32,
    _turn: SemaphorePermit<'static>,
}

impl World {
    /// Waits for its turn, then starts a relay.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn start() -> Result<Self> {
        Self::start_in(TURN.acquire().await.context("worlds have turns")?).await
    }

    /// The same, with no other world of this process beside it: where time is measured.
    ///
    /// # Errors
    /// If the relay does not start.
    pub async fn start_alone() -> Result<Self> {
        let all = u32::try_from(AT_ONCE).context("a few")?;
        Self::start_in(TURN.acquire_many(all).await.context("worlds have turns")?).await
    }

    async fn start_in(turn: SemaphorePermit<'static>) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("b4-e2e-").tempdir()?;
        let relay = Relay::start(folder.path()).await?;
        Ok(Self { relay, folder, browsers: AtomicU32::new(0), _turn: turn })
    }

    /// Somebody with a fresh browser before whom the page lies open.
    ///
    /// # Errors
    /// If the browser does not start or the page does not come up.
    pub async fn visitor(&self) -> Result<Person> {
        let number = self.browsers.fetch_add(1, Ordering::Relaxed);
        let browser = Browser::start(&self.path(&format!("browser-{number}"))).await?;
        self.before_the_page(number, browser).await
    }

    /// Somebody who has taken this name and whose browser slows hidden pages down.
    ///
    /// # Errors
    /// If that does not come about.
    pub async fn thrifty_person(&self, name: &str) -> Result<Person> {
        let number = self.browsers.fetch_add(1, Ordering::Relaxed);
        let browser = Browser::start_thrifty(&self.path(&format!("browser-{number}"))).await?;
        self.named(self.before_the_page(number, browser).await?, name).await
    }

    async fn before_the_page(&self, number: u32, browser: Browser) -> Result<Person> {
        let person = Person::new(&format!("browser {number}"), browser, &self.relay.url());
        person.open("/").await?;
        Ok(person)
    }

    /// Somebody who has taken this name, and is online.
    ///
    /// # Errors
    /// If that does not come about.
    pub async fn person(&self, name: &str) -> Result<Person> {
        self.named(self.visitor().await?, name).await
    }

    async fn named(&self, mut person: Person, name: &str) -> Result<Person> {
        person.onboard(name).await?;
        person.until_network("online").await?;
        Ok(person)
    }

    /// Two people, who know each other: the first has added and the second accepted.
    ///
    /// # Errors
    /// If that does not come about.
    pub async fn pair(&self, one: &str, other: &str) -> Result<(Person, Person)> {
        let (one_person, other_person) = tokio::try_join!(self.person(one), self.person(other))?;
        one_person.add_contact(other).await?;
        one_person.say("hello").await?;
        other_person.open_chat(one).await?;
        other_person.click("contact-accept").await?;
        one_person.until_message("out", "hello", &["read"]).await?;
        Ok((one_person, other_person))
    }

    /// A path inside the world's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}
