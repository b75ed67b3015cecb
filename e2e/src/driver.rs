//! One chromedriver process and the session in it: WebDriver, and Chromium's own protocol through it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use fantoccini::wd::{Capabilities, WebDriverCompatibleCommand};
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use url::{ParseError, Url};

use crate::process::{cost, end_tree, memory_by_kind, named_by};

/// How long chromedriver may take to listen, and a browser to start. A guess for a machine that compiles beside it.
const START_WITHIN: Duration = Duration::from_secs(60);

/// Chromedrivers that are started one after the other while they end before they listen. Seen once, among forty tests; likely the port that was free for one
/// of IPv4 and IPv6 was not for the other.
const STARTS_MAX: usize = 3;

/// A chromedriver and its session. Both end, with the browser, when this is dropped.
#[derive(Debug)]
pub struct Driver {
    tree: Tree,
    client: Client,
}

/// A chromedriver and what it started; ended when it is dropped, in the middle of starting too.
#[derive(Debug)]
struct Tree(Child);

impl Drop for Tree {
    fn drop(&mut self) {
        end_tree(&mut self.0);
    }
}

impl Driver {
    /// Starts a chromedriver on a free port and a browser in it.
    ///
    /// # Errors
    /// If one of them does not start in time.
    pub async fn start(capabilities: Value) -> Result<Self> {
        let (tree, port) = listening().await?;
        let client = session(port, capabilities).await?;
        Ok(Self { tree, client })
    }

    /// For what WebDriver itself can do.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Carries out a command of Chromium's own protocol in the window that is driven.
    ///
    /// # Errors
    /// If the browser refuses it or does not answer.
    pub async fn cdp(&self, command: &str, parameters: Value) -> Result<Value> {
        let body = json!({ "cmd": command, "params": parameters });
        let order = Vendor { path: "goog/cdp/execute", body };
        self.client.issue_cmd(order).await.with_context(|| format!("{command} failed"))
    }

    /// What pages wrote to the console since this was last asked, each with its level.
    ///
    /// # Errors
    /// If the browser does not answer.
    pub async fn console(&self) -> Result<Vec<(String, String)>> {
        let order = Vendor { path: "se/log", body: json!({ "type": "browser" }) };
        let entries = self.client.issue_cmd(order).await.context("reading the console")?;
        let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        let entries = entries.as_array().map(Vec::as_slice).unwrap_or_default();
        Ok(entries.iter().map(|entry| (text(entry, "level"), text(entry, "message"))).collect())
    }

    /// Processor seconds and bytes of memory of driver and browser so far.
    pub fn cost(&self) -> (f64, u64) {
        cost(self.tree.0.id())
    }

    /// Bytes of memory of driver and browser, by what kind of process holds them.
    pub fn memory_by_kind(&self) -> BTreeMap<String, u64> {
        memory_by_kind(self.tree.0.id())
    }

    /// Ends driver and browser at once, as a crash or a power cut of the browser would.
    pub fn kill(&mut self) {
        end_tree(&mut self.tree.0);
    }
}

/// A chromedriver and the port it listens on.
async fn listening() -> Result<(Tree, u16)> {
    for _ in 0..STARTS_MAX {
        let mut command = Command::new(named_by("CHROMEDRIVER")?);
        command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut tree = Tree(command.spawn().context("chromedriver cannot be started")?);
        let output = tree.0.stdout.take().context("chromedriver's output is ours")?;
        let port = tokio::time::timeout(START_WITHIN, tokio::task::spawn_blocking(move || port(BufReader::new(output))));
        if let Some(port) = port.await.context("chromedriver did not say its port in time")??? {
            return Ok((tree, port));
        }
    }
    bail!("chromedriver ended before it listened, {STARTS_MAX} times")
}

async fn session(port: u16, capabilities: Value) -> Result<Client> {
    let Value::Object(capabilities) = capabilities else { bail!("capabilities are an object") };
    let mut builder = ClientBuilder::new(HttpConnector::new());
    builder.capabilities(Capabilities::from_iter(capabilities));
    let address = format!("http://127.0.0.1:{port}");
    let client = tokio::time::timeout(START_WITHIN, builder.connect(&address)).await;
    client.context("the browser did not start in time")?.context("the browser did not start")
}

/// Reads the port, and then on to the end: a full pipe would stop chromedriver. None where it ended before it had one.
fn port(mut output: BufReader<impl std::io::Read + Send + 'static>) -> Result<Option<u16>> {
    let mut line = String::new();
    while output.read_line(&mut line)? > 0 {
        if let Some((_, port)) = line.trim_end().trim_end_matches('.').split_once("successfully on port ") {
            let port = port.parse().context("chromedriver's port")?;
            std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
            return Ok(Some(port));
        }
        line.clear();
    }
    Ok(None)
}

/// A command of chromedriver's that WebDriver does not have.
#[derive(Debug)]
struct Vendor {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Vendor {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.body.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_read_from_among_other_lines() {
        let said = "Starting ChromeDriver 1.2.3 on port 0\nChromeDriver was started successfully on port 4711.\n";
        assert_eq!(port(BufReader::new(said.as_bytes())).expect("lines"), Some(4711));
        assert_eq!(port(BufReader::new("nothing\n".as_bytes())).expect("lines"), None);
    }
}
