//! The relay as a child process: started on a port that stays its own, killed, stopped, started again.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::Signal;

use crate::process::{LOOK_EVERY, end_tree, named_by, send};

/// How long a relay may take to answer. A guess for a machine that compiles beside it; normal is a tenth of a second.
const START_WITHIN: Duration = Duration::from_secs(30);
/// How long a relay may take to stop when asked: its own bound for connections is 5 s.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// A relay: running or not, always at the same address.
#[derive(Debug)]
pub struct Relay {
    child: Option<Child>,
    listen: SocketAddr,
    data: PathBuf,
    app: PathBuf,
    log: PathBuf,
}

impl Relay {
    /// Starts a relay that keeps its data and its log below `folder`, serves the page of `B4_DIST`, and answers.
    ///
    /// # Errors
    /// If it cannot be started or does not answer in time.
    pub async fn start(folder: &Path) -> Result<Self> {
        let listen = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let (data, log) = (folder.join("relay"), folder.join("relay.log"));
        let mut relay = Self { child: None, listen, data, app: named_by("B4_DIST")?, log };
        relay.start_again().await?;
        Ok(relay)
    }

    /// The origin of its page. Browsers keep keys for localhost as for https.
    pub fn url(&self) -> String {
        format!("http://localhost:{}", self.listen.port())
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.listen
    }

    /// Starts it after [`kill`](Self::kill) or [`stop`](Self::stop): same port, same data.
    ///
    /// # Errors
    /// As [`Relay::start`].
    pub async fn start_again(&mut self) -> Result<()> {
        ensure!(self.child.is_none(), "the relay runs already");
        fs::create_dir_all(&self.data)?;
        let log = File::options().create(true).append(true).open(&self.log)?;
        let mut command = Command::new(named_by("B4_SIGNALING")?);
        command.arg("serve").arg("--listen").arg(self.listen.to_string()).arg("--data").arg(&self.data);
        command.arg("--app").arg(&self.app);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        self.child = Some(command.spawn().context("the relay cannot be started")?);
        self.until_up().await
    }

    /// Ends it at once (SIGKILL).
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            end_tree(&mut child);
        }
    }

    /// Asks it to stop (SIGTERM) and waits until it has.
    ///
    /// # Errors
    /// If it does not stop in time, or not well.
    pub async fn stop(&mut self) -> Result<()> {
        let mut child = self.child.take().context("no relay runs")?;
        send(child.id(), Signal::SIGTERM);
        let until = Instant::now() + STOP_WITHIN;
        while Instant::now() < until {
            if let Some(status) = child.try_wait()? {
                ensure!(status.success(), "the relay ended with {status}; its log:\n{}", self.log());
                return Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        end_tree(&mut child);
        bail!("the relay did not stop within {} s; its log:\n{}", STOP_WITHIN.as_secs(), self.log())
    }

    /// Holds it (SIGSTOP): it is there, and answers nothing.
    pub fn hold(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// Lets it go on after [`hold`](Self::hold).
    pub fn let_go(&self) {
        self.signal(Signal::SIGCONT);
    }

    fn signal(&self, signal: Signal) {
        if let Some(child) = &self.child {
            send(child.id(), signal);
        }
    }

    /// Where it keeps its key and the names.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// From its next start it keeps its data there. An empty folder makes another authority that knows no names.
    pub fn use_data(&mut self, data: &Path) {
        self.data = data.to_path_buf();
    }

    /// From its next start it serves this page.
    pub fn serve_page(&mut self, app: &Path) {
        self.app = app.to_path_buf();
    }

    /// Gives the operator's order about a name, as on the command line.
    ///
    /// # Errors
    /// If the order is not carried out.
    pub fn order(&self, words: &[&str], name: &str) -> Result<()> {
        let mut command = Command::new(named_by("B4_SIGNALING")?);
        let done = command.args(words).arg("--data").arg(&self.data).arg(name).output()?;
        ensure!(done.status.success(), "{words:?} {name}: {}", String::from_utf8_lossy(&done.stderr));
        Ok(())
    }

    /// The response to `GET path`: head and body as they came.
    ///
    /// # Errors
    /// If nobody answers.
    pub fn get(&self, path: &str) -> Result<String> {
        get(self.listen, path)
    }

    /// What it said, the last lines.
    pub fn log(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    async fn until_up(&mut self) -> Result<()> {
        let until = Instant::now() + START_WITHIN;
        while Instant::now() < until {
            if let Some(status) = self.child.as_mut().and_then(|child| child.try_wait().transpose()).transpose()? {
                self.child = None;
                bail!("the relay ended at once ({status}); its log:\n{}", self.log());
            }
            if self.get("/healthz").is_ok_and(|answer| answer.starts_with("HTTP/1.1 200")) {
                return Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        bail!("the relay did not answer within {} s; its log:\n{}", START_WITHIN.as_secs(), self.log())
    }
}

/// The response of whoever listens at `address` to `GET path`: head and body as they came.
///
/// # Errors
/// If nobody answers.
pub fn get(address: SocketAddr, path: &str) -> Result<String> {
    let mut socket = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
    socket.set_read_timeout(Some(Duration::from_secs(5)))?;
    let host = format!("localhost:{}", address.port());
    write!(socket, "GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: text/html,*/*\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.kill();
    }
}
