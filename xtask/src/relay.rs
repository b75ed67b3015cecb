//! The relay as a child process: built, started, asked whether it is up, stopped.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::process::{run, say};
use crate::workspace::Workspace;

/// How long a relay may take to answer. A guess, generous for a loaded machine; normal is a tenth of a second.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How long a relay may take to stop when asked, before it is ended. A guess.
const STOP_LIMIT: Duration = Duration::from_secs(10);
/// Between two looks at a process or a port.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// A running relay. It is stopped when this is dropped.
#[derive(Debug)]
pub struct Relay {
    child: Child,
    listen: SocketAddr,
}

/// Builds the relay and returns the program.
///
/// # Errors
/// If it does not compile.
pub fn build(workspace: &Workspace) -> Result<PathBuf> {
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--profile", "native", "--package", "b4-signaling"]);
    run("compiling the relay", &mut cargo)?;
    Ok(workspace.relay())
}

/// Sees to it that nobody listens at `listen`.
///
/// # Errors
/// If somebody does, or it is no address of this machine; the message says what to do.
pub fn check_free(listen: SocketAddr) -> Result<()> {
    match TcpListener::bind(listen) {
        Ok(_) => Ok(()),
        Err(error) => Err(error).with_context(|| {
            let port = listen.port();
            format!(
                "cannot listen on {listen}. Remedy: if another program holds port {port}, stop it (`ss -ltnp` names it), or \
                 take another port: cargo xtask run --listen 127.0.0.1:{}",
                port.checked_add(1).unwrap_or(8080)
            )
        }),
    }
}

/// An address on this machine that nobody listens on.
///
/// # Errors
/// If there is none.
pub fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

impl Relay {
    /// Starts the relay with its data in `data`, serving the page in `dist`, and waits until it answers.
    ///
    /// # Errors
    /// If it cannot be started, stops, or does not answer in time.
    pub fn start(workspace: &Workspace, listen: SocketAddr, data: &Path, dist: &Path, more: &[OsString]) -> Result<Relay> {
        let mut relay = Self::spawn(workspace, listen, data, dist, more)?;
        relay.wait_until_up()?;
        Ok(relay)
    }

    /// The same, without waiting.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn spawn(workspace: &Workspace, listen: SocketAddr, data: &Path, dist: &Path, more: &[OsString]) -> Result<Relay> {
        say(&format!("starting the relay on {listen}, its data in {}", data.display()));
        let mut command = std::process::Command::new(workspace.relay());
        command.arg("serve");
        command.args(["--listen", &listen.to_string()]).arg("--data").arg(data).arg("--app").arg(dist).args(more);
        let child = command.spawn().context("the relay cannot be started")?;
        Ok(Relay { child, listen })
    }

    /// The process, for signals.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it ends.
    ///
    /// # Errors
    /// If the process cannot be waited for.
    pub fn wait(&mut self) -> Result<ExitStatus> {
        self.child.wait().context("waiting for the relay")
    }

    /// Waits until it answers.
    ///
    /// # Errors
    /// If it stops, or does not answer in time.
    pub fn wait_until_up(&mut self) -> Result<()> {
        let until = Instant::now() + START_LIMIT;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait()? {
                bail!("the relay stopped at once ({status}); its own words stand above");
            }
            if is_up(reachable(self.listen)) {
                return Ok(());
            }
            std::thread::sleep(LOOK_INTERVAL);
        }
        bail!("the relay did not answer on {} within {} s", self.listen, START_LIMIT.as_secs())
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = ask_to_stop(self.child.id());
        let until = Instant::now() + STOP_LIMIT;
        while Instant::now() < until {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(LOOK_INTERVAL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks the process to stop (SIGTERM).
///
/// # Errors
/// If there is no such process.
pub fn ask_to_stop(pid: u32) -> Result<()> {
    Ok(kill(Pid::from_raw(i32::try_from(pid)?), Signal::SIGTERM)?)
}

/// An address that reaches a server listening on `listen`, which may be "all addresses".
fn reachable(listen: SocketAddr) -> SocketAddr {
    let mut address = listen;
    match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(IpAddr::V6(Ipv6Addr::LOCALHOST)),
        _ => {}
    }
    address
}

/// Whether `GET /healthz` is answered with 200.
fn is_up(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<Vec<u8>> {
        let mut socket = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
        socket.set_read_timeout(Some(Duration::from_secs(1)))?;
        // At once: whoever answers after the first piece and closes would reset the connection under the others.
        let request = format!("GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        socket.write_all(request.as_bytes())?;
        let mut start = [0; 12];
        socket.read_exact(&mut start)?;
        Ok(start.to_vec())
    };
    ask().is_ok_and(|start| start == b"HTTP/1.1 200")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_port_is_named_with_a_remedy() {
        let held = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = held.local_addr().expect("an address");
        let error = check_free(address).expect_err("it is held").to_string();
        assert!(error.contains(&address.to_string()) && error.contains("--listen"), "{error}");
        // Not the one just freed: a process that another test is starting may still hold it.
        assert!(check_free((Ipv4Addr::LOCALHOST, 0).into()).is_ok());
    }

    #[test]
    fn a_relay_that_stops_at_once_is_told_of_and_its_data_folder_is_its_own_business() {
        let folder = tempfile::tempdir().expect("a folder");
        let workspace = Workspace { root: folder.path().into(), target: folder.path().join("target") };
        std::fs::create_dir_all(workspace.target.join("native")).expect("made");
        std::os::unix::fs::symlink("/bin/false", workspace.relay()).expect("made");
        let (listen, data) = (free_address().expect("an address"), folder.path().join("data"));
        let error = Relay::start(&workspace, listen, &data, folder.path(), &[]).expect_err("it stops");
        assert!(error.to_string().contains("stopped at once"), "{error}");
        assert!(!data.exists(), "the relay makes it, closed to others");
    }

    #[test]
    fn a_server_on_all_addresses_is_reached_at_home() {
        let check = |listen: &str, reached: &str| {
            let listen: SocketAddr = listen.parse().expect("an address");
            assert_eq!(reachable(listen).to_string(), reached);
        };
        check("0.0.0.0:1", "127.0.0.1:1");
        check("[::]:1", "[::1]:1");
        check("192.0.2.1:1", "192.0.2.1:1");
    }

    #[test]
    fn only_a_200_counts_as_up() {
        let check = |answer: &'static str| {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
            let address = listener.local_addr().expect("an address");
            let server = std::thread::spawn(move || {
                let (mut socket, _) = listener.accept().expect("a caller");
                let mut request = [0; 512];
                let _ = socket.read(&mut request).expect("a request");
                socket.write_all(answer.as_bytes()).expect("answered");
            });
            let up = is_up(address);
            server.join().expect("served");
            up
        };
        assert!(check("HTTP/1.1 200 OK\r\n\r\n"));
        assert!(!check("HTTP/1.1 503 Busy\r\n\r\n"));
        assert!(!check(""));
    }
}
