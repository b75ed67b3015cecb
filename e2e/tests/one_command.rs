//! `cargo xtask run`, as a person types it: it sets up, builds, serves, says so, and stops. A program of its own, so that no
//! browser works beside it; its tests take turns.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use b4_e2e::process::{LOOK_EVERY, descendants, end_tree, is_running, send};
use b4_e2e::relay::get;
use nix::sys::signal::Signal;

/// How long the first start may take, which compiles what is not compiled yet: the product's promise.
const FIRST_WITHIN: Duration = Duration::from_secs(300);
/// How long every further start may take: the product's promise.
const AGAIN_WITHIN: Duration = Duration::from_secs(10);
/// How long it may take to stop when asked: the relay's own bound for connections is 5 s.
const STOPPED_WITHIN: Duration = Duration::from_secs(10);
/// How long a relay takes at most from its start until it listens. A guess; normal is a tenth of a second.
const LISTENS_WITHIN: Duration = Duration::from_secs(2);

/// Held by the test that runs.
static TURN: Mutex<()> = Mutex::new(());

/// The command under way. Nothing of it is left when this is dropped.
struct Run {
    child: Child,
    lines: Receiver<String>,
    log: String,
}

impl Run {
    /// Gives the command; what it says on standard error goes to `folder/stderr`.
    fn start(listen: SocketAddr, folder: &Path) -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the root is above")?;
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(root).args(["xtask", "run", "--listen"]).arg(listen.to_string()).arg("--data").arg(folder.join("data"));
        // What cargo told this test about its own crate is not for the next cargo: some build scripts would run again.
        for name in std::env::vars_os().map(|(name, _)| name) {
            if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_NAME"].iter().any(|start| name.to_string_lossy().starts_with(start)) {
                cargo.env_remove(name);
            }
        }
        cargo.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(folder.join("stderr"))?);
        let mut child = cargo.spawn().context("cargo cannot be started")?;
        let stdout = child.stdout.take().context("a pipe was asked for")?;
        let (sender, lines) = channel();
        std::thread::spawn(move || BufReader::new(stdout).lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Ok(Self { child, lines, log: String::new() })
    }

    /// Waits for a line that has this in it.
    fn until_said(&mut self, words: &str, within: Duration, folder: &Path) -> Result<String> {
        let until = Instant::now() + within;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left).with_context(|| {
                let stderr = fs::read_to_string(folder.join("stderr")).unwrap_or_default();
                format!("it did not say {words:?} within {} s, but:\n{}\n{stderr}", within.as_secs(), self.log)
            })?;
            self.log += &format!("{line}\n");
            if line.contains(words) {
                return Ok(line);
            }
        }
    }

    /// Asks it to stop as a service manager does, it alone, and sees that nothing of it stays.
    fn stop(mut self) -> Result<()> {
        let started = descendants(self.child.id());
        send(self.child.id(), Signal::SIGTERM);
        let until = Instant::now() + STOPPED_WITHIN;
        let status = loop {
            if let Some(status) = self.child.try_wait()? {
                break status;
            }
            ensure!(Instant::now() < until, "it did not stop within {} s", STOPPED_WITHIN.as_secs());
            std::thread::sleep(LOOK_EVERY);
        };
        ensure!(status.success(), "it ended with {status}");
        ensure!(!started.iter().any(|pid| is_running(*pid)), "of {started:?} something still runs");
        Ok(())
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // Once it has ended its number may be another's.
        if matches!(self.child.try_wait(), Ok(None)) {
            end_tree(&mut self.child);
        }
    }
}

#[test]
fn whoever_stops_it_while_it_starts_the_relay_leaves_none_behind() -> Result<()> {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = tempfile::Builder::new().prefix("b4-run-").tempdir()?;
    let listen = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
    let mut run = Run::start(listen, folder.path())?;
    run.until_said("starting the relay", FIRST_WITHIN, folder.path())?;
    run.stop()?;
    // One that was left behind would listen by then.
    let until = Instant::now() + LISTENS_WITHIN;
    while Instant::now() < until {
        ensure!(TcpListener::bind(listen).is_ok(), "somebody listens at {listen}");
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(())
}

#[test]
fn one_command_sets_up_builds_serves_and_stops_and_is_quick_the_next_time() -> Result<()> {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = tempfile::Builder::new().prefix("b4-run-").tempdir()?;
    let listen = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
    let authority = serve_once(listen, FIRST_WITHIN, folder.path())?;
    let again = serve_once(listen, AGAIN_WITHIN, folder.path())?;
    ensure!(authority == again, "the authority's key is kept from one start to the next");
    Ok(())
}

/// One start, looked at from outside, and its end. Returns the authority's certificate.
fn serve_once(listen: SocketAddr, within: Duration, folder: &Path) -> Result<String> {
    let mut run = Run::start(listen, folder)?;
    let ready = run.until_said("ready:", within, folder)?;
    ensure!(ready == format!("ready: http://localhost:{}", listen.port()), "{ready}");
    ensure!(run.log.contains(" s] compiling the relay\n"), "it says what it does while it does it:\n{}", run.log);
    ensure!(!descendants(run.child.id()).is_empty(), "the relay is a child");
    let body = |path: &str| {
        let answer = get(listen, path)?;
        ensure!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).context("a head and a body")
    };
    ensure!(body("/")?.contains("data-build=\""), "the page is there, and built");
    body("/healthz")?;
    let authority = body("/authority.pem")?;
    ensure!(authority.starts_with("-----BEGIN CERTIFICATE-----"), "{authority}");
    run.stop()?;
    ensure!(TcpListener::bind(listen).is_ok(), "nobody listens at {listen} any more");
    Ok(authority)
}
