//! Other libraries that send files between browsers, each in one version, run beside ours: in two browsers of their own, without
//! any server but this machine's. What is done in their pages stands in `rivals.js`.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use b4_e2e::process::{LOOK_EVERY, end_tree};
use b4_e2e::{Browser, Person};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::content::Content;
use super::stage::Stage;
use super::{Options, cost};
use crate::figure::{Figure, Goal, Measured};
use crate::pages::{number, order_within};
use crate::signals::Signals;
use crate::{npm, report};

/// What they are called in `rivals.js`.
pub const RIVALS: [&str; 3] = ["peerjs", "simple-peer", "trystero"];
/// The libraries, and the broker that PeerJS finds its peers by. Of Trystero what all its ways to find peers have in common.
const PACKAGES: [&str; 4] = ["peerjs@1.5.5", "peer@1.0.2", "simple-peer@9.11.1", "@trystero-p2p/core@0.25.4"];
/// How long one of them may take to send a file. A guess.
const PATIENCE: Duration = Duration::from_secs(300);
/// How long the broker may take to listen. A guess.
const BROKER_WITHIN: Duration = Duration::from_secs(20);
/// The second file whose memory is watched is so many times the first.
const LARGER: u64 = 8;

/// Two browsers and what their pages need.
pub struct Rivals {
    near: Person,
    far: Person,
    bytes: u64,
    files: u64,
    broker: Broker,
    signals: Signals,
    stage: Stage,
    folder: TempDir,
}

impl Rivals {
    /// Fetches them and starts two browsers.
    pub async fn start() -> Result<Self> {
        let packages = report::folder()?.parent().context("results are in the folder of builds")?.join("rivals");
        npm::fetch(&packages, &PACKAGES)?;
        let modules = packages.join("node_modules");
        let (stage, signals, broker) = (Stage::start(&modules).await?, Signals::start().await?, Broker::start(&modules).await?);
        let folder = tempfile::Builder::new().prefix("b4-rivals-").tempdir()?;
        let person = async |name: &str| {
            let browser = Browser::start(&folder.path().join(name)).await?;
            Ok::<Person, anyhow::Error>(Person::new(name, browser, &stage.url()))
        };
        let (near, far) = (person("near").await?, person("far").await?);
        Ok(Self { near, far, bytes: 0, files: 0, broker, signals, stage, folder })
    }

    /// Sender and receiver.
    pub fn both(&self) -> [&Person; 2] {
        [&self.near, &self.far]
    }

    /// Another file.
    pub fn content(&mut self, mib: u64) -> Result<Content> {
        self.files += 1;
        self.bytes = mib * 1024 * 1024;
        Content::write(self.folder.path().join(format!("file-{}.bin", self.files)), mib, self.files)
    }

    /// Loads both pages anew, connects them by this library, and puts the file into the sender's field.
    pub async fn connect(&self, name: &str, content: &Content) -> Result<()> {
        for person in self.both() {
            let client = person.browser.client()?;
            client.goto(&self.stage.url()).await.context("opening the page")?;
            person.until("the libraries", "return globalThis.b4Bench !== undefined", vec![]).await?;
        }
        self.near.choose_file("file-field", content.path()).await?;
        let place = json!({ "broker": self.broker.port, "signals": self.signals.url(), "bytes": self.bytes });
        let address: Value = order_within(PATIENCE, &self.far, "wait", json!([name, place])).await?;
        order_within(PATIENCE, &self.near, "dial", json!([name, place, address])).await.map(drop)
    }

    /// Sends it. Milliseconds until the other page had all.
    pub async fn send(&self) -> Result<f64> {
        number(&order_within(PATIENCE, &self.near, "send", json!([])).await?)
    }
}

/// What PeerJS finds its peers by: a program of Node's.
struct Broker {
    child: Child,
    port: u16,
}

impl Broker {
    async fn start(modules: &Path) -> Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let program: PathBuf = modules.join("peer/dist/bin/peerjs.js");
        let mut node = Command::new("node");
        node.arg(program).args(["--host", "127.0.0.1", "--port", &port.to_string()]);
        node.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let broker = Self { child: node.spawn().context("node cannot be started")?, port };
        let until = tokio::time::Instant::now() + BROKER_WITHIN;
        while tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err() {
            anyhow::ensure!(tokio::time::Instant::now() < until, "the broker of PeerJS does not listen");
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(broker)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        end_tree(&mut self.child);
    }
}

/// How much each makes its browsers grow, with a file and with a larger one; browsers are fresh each time.
pub async fn measure_memory(options: &Options) -> Result<Measured> {
    let (mut figures, mut notes) = (Vec::new(), Vec::new());
    for name in RIVALS {
        for mib in [options.file_mib, LARGER * options.file_mib] {
            match grown(name, mib).await {
                Ok([near, far]) => {
                    let figure = |side: &str, growth| Figure::new(&format!("{name}: memory by which the {side} grows, {mib} MiB"), "MiB", Goal::None, vec![growth]);
                    figures.push(figure("sender", near));
                    figures.push(figure("receiver", far));
                }
                Err(why) => {
                    eprintln!("{name}, {mib} MiB: {why:#}");
                    notes.push(format!("{name} did not send {mib} MiB: {}", why.to_string().lines().next().unwrap_or_default()));
                }
            }
        }
    }
    Ok(Measured { figures, notes })
}

async fn grown(name: &str, mib: u64) -> Result<[f64; 2]> {
    let mut rivals = Rivals::start().await?;
    let content = rivals.content(mib)?;
    rivals.connect(name, &content).await?;
    let before = cost::before(rivals.both()).await?;
    let (grown, _) = cost::growth(rivals.both(), &before, rivals.send()).await?;
    Ok(grown.map(|one| one.peak))
}
