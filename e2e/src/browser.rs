//! One Chromium with a profile of its own. The profile outlives the browser: it can be killed and started again.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use fantoccini::Client;
use fantoccini::wd::WindowHandle;
use serde_json::{Value, json};

use crate::driver::Driver;
use crate::process::{LOOK_EVERY, named_by};

/// No window, no GPU, no service of Google's; loopback without QUIC.
const FLAGS: [&str; 11] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,800",
];
/// How long a download may take. A guess.
const DOWNLOAD_WITHIN: Duration = Duration::from_secs(20);

/// Switches of chromedriver's that keep hidden pages as fast as visible ones.
const UNTHRIFTY: [&str; 3] =
    ["disable-background-timer-throttling", "disable-backgrounding-occluded-windows", "disable-renderer-backgrounding"];

/// A browser, running or not.
#[derive(Debug)]
pub struct Browser {
    driver: Option<Driver>,
    folder: PathBuf,
    is_thrifty: bool,
}

impl Browser {
    /// Starts a browser that keeps its profile and its downloads below `folder`.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn start(folder: &Path) -> Result<Self> {
        Self::begin(folder, false).await
    }

    /// The same, but hidden pages are slowed down, as they are without a driver.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn start_thrifty(folder: &Path) -> Result<Self> {
        Self::begin(folder, true).await
    }

    async fn begin(folder: &Path, is_thrifty: bool) -> Result<Self> {
        let mut browser = Self { driver: None, folder: folder.to_path_buf(), is_thrifty };
        browser.start_again().await?;
        Ok(browser)
    }

    /// Starts it after [`kill`](Self::kill), with the same profile.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn start_again(&mut self) -> Result<()> {
        std::fs::create_dir_all(self.profile())?;
        std::fs::create_dir_all(self.downloads())?;
        // Of the last run; chromedriver would believe it.
        let _ = std::fs::remove_file(self.profile().join("DevToolsActivePort"));
        let mut flags: Vec<String> = FLAGS.iter().map(ToString::to_string).collect();
        flags.push(format!("--user-data-dir={}", self.profile().display()));
        let options = json!({
            "binary": named_by("CHROMIUM")?,
            "args": flags,
            "excludeSwitches": if self.is_thrifty { &UNTHRIFTY[..] } else { &[] },
            "prefs": { "download.default_directory": self.downloads(), "download.prompt_for_download": false },
        });
        let driver = Driver::start(json!({ "goog:chromeOptions": options, "goog:loggingPrefs": { "browser": "ALL" } })).await?;
        let download = json!({ "behavior": "allow", "downloadPath": self.downloads() });
        driver.cdp("Browser.setDownloadBehavior", download).await?;
        self.driver = Some(driver);
        Ok(())
    }

    /// Ends it at once (SIGKILL), with all its processes.
    pub fn kill(&mut self) {
        self.driver = None;
    }

    /// Where the profile is.
    pub fn profile(&self) -> PathBuf {
        self.folder.join("profile")
    }

    /// Where downloads go.
    pub fn downloads(&self) -> PathBuf {
        self.folder.join("downloads")
    }

    /// The driver.
    ///
    /// # Errors
    /// If the browser was killed.
    pub fn driver(&self) -> Result<&Driver> {
        self.driver.as_ref().context("the browser does not run")
    }

    /// WebDriver.
    ///
    /// # Errors
    /// If the browser was killed.
    pub fn client(&self) -> Result<&Client> {
        Ok(self.driver()?.client())
    }

    /// Chromium's own protocol; see [`Driver::cdp`].
    ///
    /// # Errors
    /// As there.
    pub async fn cdp(&self, command: &str, parameters: Value) -> Result<Value> {
        self.driver()?.cdp(command, parameters).await
    }

    /// Runs a script in the page: the body of a function of `arguments`.
    ///
    /// # Errors
    /// If it throws, or the page goes away meanwhile.
    pub async fn run(&self, script: &str, arguments: Vec<Value>) -> Result<Value> {
        Ok(self.client()?.execute(script, arguments).await?)
    }

    /// Evaluates an expression outside of the page's content security policy, and waits for its promise.
    ///
    /// # Errors
    /// If it throws.
    pub async fn evaluate(&self, expression: &str) -> Result<Value> {
        let parameters = json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let answer = self.cdp("Runtime.evaluate", parameters).await?;
        if let Some(thrown) = answer.get("exceptionDetails") {
            bail!("the expression threw: {thrown}");
        }
        Ok(answer["result"]["value"].clone())
    }

    /// From its next load on, a page runs `source` before its own scripts, and is not bound by its own policy, which would keep such
    /// a script from other origins and other workers.
    ///
    /// # Errors
    /// If the browser does not take it.
    pub async fn runs_first(&self, source: &str) -> Result<()> {
        self.cdp("Page.enable", json!({})).await?;
        self.cdp("Page.setBypassCSP", json!({ "enabled": true })).await?;
        self.cdp("Page.addScriptToEvaluateOnNewDocument", json!({ "source": source })).await.map(drop)
    }

    /// The window that is driven.
    ///
    /// # Errors
    /// If it is gone.
    pub async fn window(&self) -> Result<WindowHandle> {
        Ok(self.client()?.window().await?)
    }

    /// Opens another tab, or a window of its own, and drives it from now on.
    ///
    /// # Errors
    /// If the browser does not open one.
    pub async fn open_window(&self, as_tab: bool) -> Result<WindowHandle> {
        let handle = self.client()?.new_window(as_tab).await?.handle;
        self.drive(&handle).await?;
        Ok(handle)
    }

    /// Drives this window from now on, and brings it to the front.
    ///
    /// # Errors
    /// If it is gone.
    pub async fn drive(&self, window: &WindowHandle) -> Result<()> {
        self.client()?.switch_to_window(window.clone()).await?;
        self.cdp("Page.bringToFront", json!({})).await?;
        Ok(())
    }

    /// The size of the page in CSS pixels, and whether the system is dark.
    ///
    /// # Errors
    /// If the browser does not take it.
    pub async fn look_like(&self, width: u32, height: u32, is_dark: bool) -> Result<()> {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.cdp("Emulation.setDeviceMetricsOverride", metrics).await?;
        let scheme = json!([{ "name": "prefers-color-scheme", "value": if is_dark { "dark" } else { "light" } }]);
        self.cdp("Emulation.setEmulatedMedia", json!({ "features": scheme })).await?;
        Ok(())
    }

    /// Waits until a file was downloaded whole.
    ///
    /// # Errors
    /// If none comes in time.
    pub async fn downloaded(&self, name: &str) -> Result<PathBuf> {
        let file = self.downloads().join(name);
        let until = Instant::now() + DOWNLOAD_WITHIN;
        while Instant::now() < until {
            if is_whole(&file)? {
                return Ok(file);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        let there: Vec<_> = std::fs::read_dir(self.downloads())?.filter_map(|entry| Some(entry.ok()?.file_name())).collect();
        bail!("{name} was not downloaded within {} s; there is {there:?}", DOWNLOAD_WITHIN.as_secs())
    }
}

/// Whether a download is over. Chromium writes under another name, `.crdownload` at its end, makes an empty file of the right name,
/// and moves the whole one over it.
fn is_whole(file: &Path) -> Result<bool> {
    if !file.is_file() {
        return Ok(false);
    }
    let folder = file.parent().context("a file in a folder")?;
    let is_unfinished = |entry: std::io::Result<std::fs::DirEntry>| entry.is_ok_and(|entry| entry.path().extension().is_some_and(|end| end == "crdownload"));
    Ok(!std::fs::read_dir(folder)?.any(is_unfinished))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_file_that_a_download_is_moved_over_is_not_taken_for_it() {
        let folder = std::env::temp_dir().join(format!("b4-download-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        let (unfinished, file) = (folder.join("a.bin.crdownload"), folder.join("a.bin"));
        let is_over = || is_whole(&file).expect("it can be looked at");
        std::fs::write(&unfinished, "all").expect("it is ours");
        assert!(!is_over(), "nothing of that name");
        std::fs::write(&file, "").expect("it is ours");
        assert!(!is_over(), "an empty one");
        std::fs::rename(&unfinished, &file).expect("it is ours");
        assert!(is_over());
        std::fs::remove_dir_all(folder).expect("it was there");
    }
}
