//! `cargo xtask run`: everything that a person needs to use B4 on this machine, in the foreground until ctrl-c.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::relay::{self, Relay, ask_to_stop};
use crate::workspace::Workspace;
use crate::{page, process};

/// Set once ctrl-c or SIGTERM came.
static STOPPING: AtomicBool = AtomicBool::new(false);
/// The relay's process; 0 while there is none.
static RELAY: AtomicU32 = AtomicU32::new(0);

/// How to serve.
#[derive(Args, Debug)]
pub struct Run {
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The relay's data folder: its key, the names [default: target/run-data]
    #[arg(long)]
    data: Option<PathBuf>,
    /// A STUN or TURN server for the browsers, as the relay takes it; repeatable
    #[arg(long, value_name = "URL[,user,credential]")]
    ice: Vec<OsString>,
}

/// Builds the page and the relay, serves, says when it is ready, and stays until the relay ends.
///
/// # Errors
/// If the port is busy, something does not compile, or the relay fails.
pub fn run(workspace: &Workspace, options: &Run) -> Result<()> {
    relay::check_free(options.listen)?;
    let dist = page::build(workspace)?;
    relay::build(workspace)?;
    let data = options.data.clone().unwrap_or_else(|| workspace.target.join("run-data"));
    let ice: Vec<OsString> = options.ice.iter().flat_map(|server| ["--ice".into(), server.clone()]).collect();
    // Before there is a relay: it never outlives whoever started it.
    stop_with_us()?;
    let mut relay = Relay::spawn(workspace, options.listen, &data, &dist, &ice)?;
    RELAY.store(relay.pid(), Ordering::SeqCst);
    if STOPPING.load(Ordering::SeqCst) {
        stop_relay();
    }
    let served = relay.wait_until_up().and_then(|()| {
        println!("ready: http://{}", shown(options.listen));
        process::say("ctrl-c stops it");
        relay.wait()
    });
    if STOPPING.load(Ordering::SeqCst) || served.as_ref().is_ok_and(ExitStatus::success) {
        process::say("stopped");
        return Ok(());
    }
    bail!("the relay stopped ({}); its own words stand above", served?)
}

/// Hands ctrl-c and SIGTERM on to the relay. (A terminal's ctrl-c reaches it anyway; one that was sent to us alone does not.)
fn stop_with_us() -> Result<()> {
    ctrlc::set_handler(|| {
        if !STOPPING.swap(true, Ordering::SeqCst) {
            stop_relay();
        }
    })
    .context("listening for ctrl-c")
}

/// Asks the relay to stop, if there is one yet.
fn stop_relay() {
    let pid = RELAY.load(Ordering::SeqCst);
    if pid != 0 {
        let _ = ask_to_stop(pid);
    }
}

/// The address as a person types it: browsers keep keys only for https and for localhost.
fn shown(listen: SocketAddr) -> String {
    if listen.ip() == Ipv4Addr::LOCALHOST || listen.ip().is_unspecified() {
        return format!("localhost:{}", listen.port());
    }
    listen.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        run: Run,
    }

    #[test]
    fn without_a_word_it_is_served_to_this_machine_on_port_8080_and_no_other_server_is_named() {
        let Line { run } = Line::parse_from(["run"]);
        assert_eq!((shown(run.listen).as_str(), run.listen.ip().is_loopback()), ("localhost:8080", true));
        assert!(run.ice.is_empty() && run.data.is_none());
    }

    #[test]
    fn home_is_called_localhost() {
        let check = |listen: &str, expected: &str| assert_eq!(shown(listen.parse().expect("an address")), expected);
        check("127.0.0.1:8080", "localhost:8080");
        check("0.0.0.0:80", "localhost:80");
        check("192.0.2.1:8080", "192.0.2.1:8080");
    }
}
