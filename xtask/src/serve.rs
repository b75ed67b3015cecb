//! `cargo xtask run`: everything that a person needs to use B4 on this machine, in the foreground until ctrl-c.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::relay::{self, Relay, ask_to_stop};
use crate::workspace::Workspace;
use crate::{page, process};

/// Set once ctrl-c or SIGTERM came.
static STOPPING: AtomicBool = AtomicBool::new(false);

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
    let mut relay = Relay::start(workspace, options.listen, &data, &dist, &ice)?;
    stop_with_us(&relay)?;
    println!("ready: http://{}", shown(options.listen));
    process::say("ctrl-c stops it");
    let status = relay.wait()?;
    if STOPPING.load(Ordering::SeqCst) || status.success() {
        process::say("stopped");
        return Ok(());
    }
    bail!("the relay stopped ({status}); its own words stand above")
}

/// Hands ctrl-c and SIGTERM on to the relay. (A terminal's ctrl-c reaches it anyway; one that was sent to us alone does not.)
fn stop_with_us(relay: &Relay) -> Result<()> {
    let pid = relay.pid();
    ctrlc::set_handler(move || {
        if !STOPPING.swap(true, Ordering::SeqCst) {
            let _ = ask_to_stop(pid);
        }
    })
    .context("listening for ctrl-c")
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

    #[test]
    fn home_is_called_localhost() {
        let check = |listen: &str, expected: &str| assert_eq!(shown(listen.parse().expect("an address")), expected);
        check("127.0.0.1:8080", "localhost:8080");
        check("0.0.0.0:80", "localhost:80");
        check("192.0.2.1:8080", "192.0.2.1:8080");
    }
}
