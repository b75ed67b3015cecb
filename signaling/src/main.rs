//! The command line: `serve`, `invite`, `revoke`, `names release`. Nothing is decided here.

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use b4_protocol::identity::UserId;
use b4_protocol::signal::relay::{ICE_SERVERS_MAX, IceServer};
use b4_signaling::authority::Policy;
use b4_signaling::clock::{system_rng, wall_ms};
use b4_signaling::data_dir::DataDir;
use b4_signaling::limits::Limits;
use b4_signaling::operator::{Order, carry_out, hex, invite_hash, new_invite};
use b4_signaling::origin::is_origin;
use b4_signaling::server::{Config, Handle, serve};
use clap::{Args, Parser, Subcommand, ValueEnum};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// The relay and certificate authority of B4.
///
/// One process gives out names, introduces peers to each other and serves the app. It never sees a message.
#[derive(Parser)]
#[command(version, about, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  b4-signaling serve --data /var/lib/b4 --app /usr/share/b4
  b4-signaling serve --data /var/lib/b4 --app /usr/share/b4 --origin https://b4.example --behind-proxy \\
      --ice stun:stun.b4.example:3478 --log-format json
  b4-signaling invite --data /var/lib/b4

While it serves: GET /healthz says whether it is well, GET /metrics how it goes (Prometheus text).
SIGTERM ends it in an orderly way within five seconds.";

#[derive(Subcommand)]
enum Command {
    /// Run the authority, the relay and the app's host.
    Serve(Box<Serve>),
    /// Make a single-use invite and print it. Works while the server runs.
    Invite {
        /// The server's directory.
        #[arg(long, env = "B4_DATA")]
        data: PathBuf,
    },
    /// Take a name's certificates back. Works while the server runs.
    ///
    /// They are on the list at /revoked within seconds, the name's devices are put out of the relay, and its keys get no
    /// certificate any more. The name stays taken: see `names release`.
    Revoke {
        /// The server's directory.
        #[arg(long, env = "B4_DATA")]
        data: PathBuf,
        /// The name.
        name: String,
    },
    /// Deal with names.
    Names {
        #[command(subcommand)]
        order: Names,
    },
}

#[derive(Subcommand)]
enum Names {
    /// Let anybody have a name again. Works while the server runs.
    ///
    /// For somebody who has lost keys and recovery file. The name's certificates are revoked as by `revoke`; whoever asks
    /// first has the name then. Everybody who has it as a contact is warned that the key has changed, and sends nothing
    /// more until they have looked at it.
    Release {
        /// The server's directory.
        #[arg(long, env = "B4_DATA")]
        data: PathBuf,
        /// The name.
        name: String,
    },
}

#[derive(Args)]
struct Serve {
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, env = "B4_LISTEN", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The server's directory (keys, names); made with mode 0700. Back it up.
    #[arg(long, env = "B4_DATA")]
    data: PathBuf,
    /// The built app: a directory with an index.html.
    #[arg(long, env = "B4_APP")]
    app: PathBuf,
    /// A new name takes an invite.
    #[arg(long)]
    invites: bool,
    /// A STUN or TURN server for the browsers; repeatable, at most 8.
    #[arg(long, value_name = "URL[,user,credential]", value_parser = ice_server)]
    ice: Vec<IceServer>,
    /// An origin whose pages may open the relay's socket; repeatable. Default: the origin of the Host header.
    #[arg(long, value_name = "https://HOST", value_parser = origin)]
    origin: Vec<String>,
    /// Take clients' addresses from the last hop of X-Forwarded-For. Only behind a proxy of your own that always sets it:
    /// anybody else's word would undo every bound by address. The proxy passes Host on, or --origin is given.
    #[arg(long)]
    behind_proxy: bool,
    /// Connections to the relay in all.
    #[arg(long, default_value_t = Limits::default().peers_max)]
    peers_max: usize,
    /// Connections to the relay from one address (IPv6: one /64).
    #[arg(long, default_value_t = Limits::default().connections_per_address)]
    connections_per_address: usize,
    /// New connections to the relay from one address in a minute.
    #[arg(long, default_value_t = Limits::default().connects_per_minute)]
    connects_per_minute: u64,
    /// Frames of one connection a second, in the long run; at most 1,000.
    #[arg(long, default_value_t = Limits::default().frames_per_second)]
    frames_per_second: u64,
    /// Questions whether a name is free, from one address in an hour.
    #[arg(long, default_value_t = Limits::default().names_per_hour)]
    names_per_hour: u64,
    /// Enrolments begun from one address in an hour.
    #[arg(long, default_value_t = Limits::default().enrolments_per_hour)]
    enrolments_per_hour: u64,
    /// Form of the log on standard error. RUST_LOG sets what is in it.
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

#[derive(Clone, Copy, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Serve(options) => run(*options),
        Command::Invite { data } => {
            let invite = new_invite(&mut system_rng());
            let hash = invite_hash(&invite).context("an invite of our own is one")?;
            order(&data, &Order::Invite(hash))?;
            println!("{invite}");
            Ok(())
        }
        Command::Revoke { data, name } => {
            println!("{}", order(&data, &Order::Revoke(user(&name)?))?);
            Ok(())
        }
        Command::Names { order: Names::Release { data, name } } => {
            println!("{}", order(&data, &Order::Release(user(&name)?))?);
            Ok(())
        }
    }
}

fn user(name: &str) -> anyhow::Result<UserId> {
    UserId::parse(name).with_context(|| format!("{name:?} can be nobody's name"))
}

fn order(data: &std::path::Path, order: &Order) -> anyhow::Result<String> {
    // In a directory that no server has used, a mistyped one for instance, the order would be done and mean nothing.
    let Some(dir) = DataDir::in_use(data)? else {
        bail!("{} holds no registry: give the server's --data, after its first start", data.display());
    };
    Ok(carry_out(&dir, order, &mut system_rng(), wall_ms())?)
}

fn run(options: Serve) -> anyhow::Result<()> {
    start_log(options.log_format);
    if options.ice.len() > ICE_SERVERS_MAX {
        bail!("--ice was given {} times: at most {ICE_SERVERS_MAX} servers fit", options.ice.len());
    }
    let limits = Limits {
        peers_max: options.peers_max,
        connections_per_address: options.connections_per_address,
        connects_per_minute: options.connects_per_minute,
        frames_per_second: options.frames_per_second,
        names_per_hour: options.names_per_hour,
        enrolments_per_hour: options.enrolments_per_hour,
    };
    let config = Config {
        listen: options.listen,
        data: options.data,
        app: options.app,
        policy: if options.invites { Policy::Invites } else { Policy::FirstCome },
        ice: options.ice,
        origins: options.origin,
        behind_proxy: options.behind_proxy,
        limits,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        // Before anybody can know that it runs: whoever stops it at once is heard, too.
        let signals = Signals::listen()?;
        let server = serve(config).await?;
        tracing::info!(address = %server.address(), pin = %hex(&server.anchor().pin()), "listening");
        println!("listening on http://{}", server.address());
        until_stopped(server, signals).await
    })
}

/// What the process is told.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }
}

/// Serves until SIGTERM or ctrl-c; SIGHUP looks for orders at once.
async fn until_stopped(server: Handle, mut signals: Signals) -> anyhow::Result<()> {
    loop {
        tokio::select! {
            _ = signals.hang_up.recv() => server.look_for_orders(),
            _ = signals.terminate.recv() => break,
            _ = signals.interrupt.recv() => break,
        }
    }
    tracing::info!("going down");
    server.stop().await;
    Ok(())
}

fn start_log(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    // A log that cannot be written, on a full disk for one, is not a reason to fail: saying so on standard error would panic.
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).log_internal_errors(false);
    match format {
        LogFormat::Text => log.with_ansi(std::io::stderr().is_terminal()).init(),
        LogFormat::Json => log.json().init(),
    }
}

fn origin(text: &str) -> Result<String, String> {
    if !is_origin(text) {
        return Err("an origin is https://HOST or https://HOST:PORT, in small letters, without anything after it".to_owned());
    }
    Ok(text.to_owned())
}

fn ice_server(text: &str) -> Result<IceServer, String> {
    let mut parts = text.splitn(3, ',').map(str::to_owned);
    let url = parts.next().unwrap_or_default();
    let (user_name, credential) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    if !["stun:", "stuns:", "turn:", "turns:"].iter().any(|scheme| url.starts_with(scheme)) {
        return Err("the URL of an ICE server starts with stun:, stuns:, turn: or turns:".to_owned());
    }
    if [&url, &user_name, &credential].iter().any(|part| part.len() > 255) {
        return Err("at most 255 bytes each".to_owned());
    }
    if url.starts_with("turn") && credential.is_empty() {
        return Err("a TURN server takes URL,user,credential".to_owned());
    }
    Ok(IceServer { url, user_name, credential })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn without_a_word_no_server_for_ice_is_named_and_names_are_for_whoever_comes_first() {
        let Command::Serve(serve) = Cli::parse_from(["b4-signaling", "serve", "--data", "data", "--app", "app"]).command else {
            panic!("serve")
        };
        assert!(serve.ice.is_empty() && !serve.invites && !serve.behind_proxy && serve.origin.is_empty());
    }

    #[test]
    fn an_ice_server_is_what_a_browser_takes() {
        let server = |url: &str, user_name: &str, credential: &str| IceServer {
            url: url.to_owned(),
            user_name: user_name.to_owned(),
            credential: credential.to_owned(),
        };
        assert_eq!(ice_server("stun:b4.example:3478"), Ok(server("stun:b4.example:3478", "", "")));
        assert_eq!(ice_server("turn:b4.example,anna,a,b"), Ok(server("turn:b4.example", "anna", "a,b")));
        for bad in ["", "b4.example", "http://b4.example", "turn:b4.example", "turns:b4.example,anna", &format!("stun:{}", "a".repeat(251))] {
            assert!(ice_server(bad).is_err(), "{bad}");
        }
    }
}
