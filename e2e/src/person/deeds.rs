//! What a person does: open, take a name, find somebody, write, press.

use std::time::Instant;

use anyhow::{Context, Result, bail};
use fantoccini::Locator;
use serde_json::json;

use super::{PATIENCE, Person};
use crate::process::LOOK_EVERY;

/// Stops of the Tab key on one screen, at most. Guess: more than any screen has.
const STOPS_MAX: usize = 60;
/// What stands on the page once the app has started, whatever became of it.
const STARTED: &str = r#"return ["onboarding-name", "my-user-id", "second-tab", "superseded", "authority-changed", "broken"]
    .some((id) => one(id) !== null)"#;

impl Person {
    /// Opens a path of the page and waits until the app has started, whatever it then shows.
    ///
    /// # Errors
    /// If it does not start in time.
    pub async fn open(&self, path: &str) -> Result<()> {
        self.browser.client()?.goto(&format!("{}{path}", self.url)).await.context("opening the page")?;
        self.until("the app to start", STARTED, vec![]).await.map(drop)
    }

    /// Loads the page again and waits until the app has started.
    ///
    /// # Errors
    /// If it does not start in time.
    pub async fn reload(&self) -> Result<()> {
        self.browser.client()?.refresh().await.context("loading the page again")?;
        self.until("the app to start", STARTED, vec![]).await.map(drop)
    }

    /// Kills the browser and opens the page in a new one with the same profile.
    ///
    /// # Errors
    /// If it does not start in time.
    pub async fn restart_browser(&mut self) -> Result<()> {
        self.browser.kill();
        self.browser.start_again().await?;
        self.open("/").await
    }

    /// Takes a name.
    ///
    /// # Errors
    /// If it is not had in time.
    pub async fn onboard(&mut self, name: &str) -> Result<()> {
        self.write("onboarding-name", name).await?;
        self.click("onboarding-submit").await?;
        let script = r#"return one("my-user-id")?.textContent === first"#;
        self.until(&format!("to be called {name}"), script, vec![json!(name)]).await?;
        self.name = name.to_owned();
        Ok(())
    }

    /// Finds somebody by name and opens the chat with them.
    ///
    /// # Errors
    /// If no chat opens in time.
    pub async fn add_contact(&self, name: &str) -> Result<()> {
        self.ask_for_contact(name).await?;
        let script = r#"return location.pathname === `/chat/${first}` && one("composer-input") !== null"#;
        self.until(&format!("the chat with {name}"), script, vec![json!(name)]).await.map(drop)
    }

    /// Types a name where somebody is found, and orders it.
    ///
    /// # Errors
    /// If there is no such field.
    pub async fn ask_for_contact(&self, name: &str) -> Result<()> {
        self.write("add-contact-input", name).await?;
        self.click("add-contact-submit").await
    }

    /// Opens the chat with somebody who is in the list, or comes into it.
    ///
    /// # Errors
    /// If they do not.
    pub async fn open_chat(&self, user: &str) -> Result<()> {
        let press = "const row = contact(first); row?.click(); return row !== null";
        self.until(&format!("{user} in the list"), press, vec![json!(user)]).await?;
        let script = r#"return location.pathname === `/chat/${first}` && one("composer-input") !== null"#;
        self.until(&format!("the chat with {user}"), script, vec![json!(user)]).await.map(drop)
    }

    /// Writes a text where messages are written, and presses Enter.
    ///
    /// # Errors
    /// If there is no such field.
    pub async fn say(&self, text: &str) -> Result<()> {
        self.write("composer-input", text).await?;
        self.press_enter().await
    }

    /// Says each text in turn, as fast as the page takes them: the same events, made by a script in the page.
    ///
    /// # Errors
    /// As [`say`](Self::say).
    pub async fn say_all(&self, texts: &[String]) -> Result<()> {
        let say = r#"const field = one("composer-input"); if (field === null || field.disabled) { return false; }
            field.focus(); field.select();
            document.execCommand("insertText", false, first);
            field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
            return true"#;
        for text in texts {
            self.until(&format!("saying {text:?}"), say, vec![json!(text)]).await?;
        }
        Ok(())
    }

    /// Puts a text into a field in the place of what stood there, as a paste does: with the browser's own input event.
    ///
    /// # Errors
    /// If there is no such field in time, or it takes nothing.
    pub async fn write(&self, testid: &str, text: &str) -> Result<()> {
        let focus = "const field = one(first); if (field === null || field.disabled) { return false; }
            field.focus(); field.select(); return document.activeElement === field";
        self.until(&format!("`{testid}` to take the focus"), focus, vec![json!(testid)]).await?;
        self.insert(text).await
    }

    /// Writes a text into whatever has the focus.
    ///
    /// # Errors
    /// If the browser does not take it.
    pub async fn insert(&self, text: &str) -> Result<()> {
        self.browser.cdp("Input.insertText", json!({ "text": text })).await.map(drop)
    }

    /// Presses Enter in whatever has the focus.
    ///
    /// # Errors
    /// If the browser does not take it.
    pub async fn press_enter(&self) -> Result<()> {
        self.press("Enter", 13, "\r").await
    }

    /// Goes on by the Tab key until the first thing with this test id has the focus, which is in sight wherever it stops.
    ///
    /// # Errors
    /// If it does not come there, or nothing shows where the focus is.
    pub async fn tab_to(&self, testid: &str) -> Result<()> {
        let look = "const at = document.activeElement;
            const outlined = (node) => node !== null && getComputedStyle(node).outlineStyle !== 'none';
            return [at === one(first), at === document.body || outlined(at) || outlined(at.parentElement), at.outerHTML.slice(0, 200)]";
        for _ in 0..STOPS_MAX {
            self.press("Tab", 9, "").await?;
            let stop = self.run(look, vec![json!(testid)]).await?;
            if stop[1] != json!(true) {
                bail!("{}: the focus is out of sight at {}", self.name, stop[2]);
            }
            if stop[0] == json!(true) {
                return Ok(());
            }
        }
        bail!("{}: the Tab key does not come to `{testid}`.\n{}", self.name, self.shown().await)
    }

    async fn press(&self, name: &str, code: u8, text: &str) -> Result<()> {
        let key = |kind: &str| json!({ "type": kind, "key": name, "code": name, "windowsVirtualKeyCode": code, "text": text });
        self.browser.cdp("Input.dispatchKeyEvent", key("keyDown")).await?;
        self.browser.cdp("Input.dispatchKeyEvent", key("keyUp")).await.map(drop)
    }

    /// Presses the first thing with this test id, as soon as it is there and can be pressed.
    ///
    /// # Errors
    /// If it cannot be pressed in time.
    pub async fn click(&self, testid: &str) -> Result<()> {
        let selector = format!("[data-testid=\"{testid}\"]");
        let client = self.browser.client()?;
        let until = Instant::now() + PATIENCE;
        loop {
            let pressed = async {
                let found = client.find(Locator::Css(&selector)).await?;
                if found.is_enabled().await? { found.click().await.map(|()| true) } else { Ok(false) }
            };
            let pressed = pressed.await;
            if matches!(pressed, Ok(true)) {
                return Ok(());
            }
            if Instant::now() >= until {
                bail!("{}: `{testid}` cannot be pressed ({pressed:?}).\n{}", self.name, self.shown().await);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Gives a file to a file field.
    ///
    /// # Errors
    /// If there is no such field.
    pub async fn choose_file(&self, testid: &str, file: &std::path::Path) -> Result<()> {
        self.until_seen(testid).await?;
        let selector = format!("[data-testid=\"{testid}\"]");
        let found = self.browser.client()?.find(Locator::Css(&selector)).await?;
        let path = file.to_str().context("the path is text")?;
        Ok(found.send_keys(path).await?)
    }

    /// The same with several, of a field that takes several.
    ///
    /// # Errors
    /// If there is no such field.
    pub async fn choose_files(&self, testid: &str, paths: &[&str]) -> Result<()> {
        self.until_seen(testid).await?;
        let selector = format!("[data-testid=\"{testid}\"]");
        let found = self.browser.client()?.find(Locator::Css(&selector)).await?;
        Ok(found.send_keys(&paths.join("\n")).await?)
    }

    /// Presses something at the newest file of this name.
    ///
    /// # Errors
    /// If it cannot be pressed in time.
    pub async fn click_in_file(&self, name: &str, testid: &str) -> Result<()> {
        let script = r#"const file = all("file").filter((file) => file.textContent.includes(first)).pop();
            const button = file?.querySelector(`[data-testid="${second}"]`) ?? null;
            if (button === null || button.disabled) { return false; } button.click(); return true"#;
        self.until(&format!("`{testid}` of {name}"), script, vec![json!(name), json!(testid)]).await.map(drop)
    }

    /// Says a text, and notes when, in milliseconds since 1970 as the page has it.
    ///
    /// # Errors
    /// As [`say`](Self::say).
    pub async fn say_noting(&self, text: &str) -> Result<f64> {
        let say = r#"const field = one("composer-input"); if (field === null || field.disabled) { return false; }
            field.focus(); field.select();
            document.execCommand("insertText", false, first);
            const began = performance.timeOrigin + performance.now();
            field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
            return began"#;
        self.until(&format!("saying {text:?}"), say, vec![json!(text)]).await?.as_f64().context("a time")
    }

    /// From now on the page notes when each text is in the document, as `noted`.
    ///
    /// # Errors
    /// If the page goes away meanwhile.
    pub async fn note_texts(&self) -> Result<()> {
        let script = r#"globalThis.noted = {};
            new MutationObserver(() => { for (const text of all("message-text")) {
                globalThis.noted[text.textContent] ??= performance.timeOrigin + performance.now();
            } }).observe(document.body, { subtree: true, childList: true, characterData: true }); return true"#;
        self.run(script, Vec::new()).await.map(drop)
    }

    /// Looks further back in the open chat until everything that was ever said stands on the page.
    ///
    /// # Errors
    /// If it does not in time.
    pub async fn look_back(&self) -> Result<()> {
        let script = r#"const older = one("load-older"); older?.click(); return older === null"#;
        self.until("the beginning of the chat", script, vec![]).await.map(drop)
    }

    /// Unfolds the details of a message of one's own, unless they are, and returns what seals it: `session`, `prekey`, `certified-key`.
    ///
    /// # Errors
    /// If there is no such message in time.
    pub async fn sealing_of(&self, text: &str) -> Result<String> {
        let script = r#"const part = (id) => own(first)?.querySelector(`[data-testid="${id}"]`);
            const sealing = part("message-sealing");
            if (!sealing) { part("message-details")?.click(); }
            return sealing?.dataset.sealing ?? null"#;
        let sealing = self.until(&format!("the details of {text:?}"), script, vec![json!(text)]).await?;
        Ok(sealing.as_str().unwrap_or_default().to_owned())
    }

    /// Lends so many MiB, one of the choices. The page about oneself is open.
    ///
    /// # Errors
    /// If it is not lent in time.
    pub async fn lend_storage(&self, mib: u64) -> Result<()> {
        self.until_seen("storage-limit").await?;
        let choose = r#"const list = one("storage-limit"); list.value = first;
            list.dispatchEvent(new Event("change", { bubbles: true })); return true"#;
        self.run(choose, vec![json!(mib.to_string())]).await?;
        self.until_attribute("storage-limit", "data-bytes", &(mib << 20).to_string()).await
    }

    /// The safety number of the open chat.
    ///
    /// # Errors
    /// If there is none in time.
    pub async fn safety_number(&self) -> Result<String> {
        self.text("safety-number").await
    }

    /// Unfolds the details of the open chat, unless they are.
    ///
    /// # Errors
    /// If there are none in time.
    pub async fn open_details(&self) -> Result<()> {
        if self.attribute("contact-details", "aria-expanded").await?.as_deref() != Some("true") {
            self.click("contact-details").await?;
        }
        let script = r#"return one("contact-details").getAttribute("aria-expanded") === "true""#;
        self.until("the details", script, vec![]).await.map(drop)
    }
}
