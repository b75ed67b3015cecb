//! The whole server: puts the parts together, listens, and goes down in an orderly way.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use b4_protocol::identity::TrustAnchor;
use b4_protocol::signal::relay::IceServer;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::{JoinHandle, JoinSet};
use tower::ServiceExt as _;

use crate::app_host::AppHost;
use crate::authority::Policy;
use crate::clock::{Clock, system_rng, wall_ms};
use crate::data_dir::{DataDir, DataDirError};
use crate::enrolment::Enrolment;
use crate::http::{Server, router};
use crate::limits::{
    HEAD_BYTES_MAX, HEADERS_MS, HTTP_CONNECTIONS, HTTP_CONNECTIONS_PER_ADDRESS, Limits, REQUESTS_EVERY_MS, SHUTDOWN_MS,
};
use crate::metrics::Tally;
use crate::open_files;
use crate::operator::take_up;
use crate::pace::network;
use crate::patience::Patience;
use crate::registry::{Registry, RegistryError};
use crate::relay::{Input, Relay};
use crate::revocation::CurrentList;
use crate::socket::RelayHost;

/// What an operator decides.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The server's directory; made if it is not there.
    pub data: PathBuf,
    /// The built app: a directory with an `index.html`.
    pub app: PathBuf,
    /// How names are given.
    pub policy: Policy,
    /// Servers for ICE, at most 8.
    pub ice: Vec<IceServer>,
    /// Origins whose pages may open the relay's socket; none: this server's own.
    pub origins: Vec<String>,
    /// Whether a proxy of ours is in front, whose X-Forwarded-For can be believed.
    pub behind_proxy: bool,
    /// Bounds.
    pub limits: Limits,
}

/// Why the server cannot start; each names its remedy.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory.
    #[error("{0}")]
    Data(#[from] DataDirError),
    /// The registry is open elsewhere.
    #[error("{path} is in use: another server runs on this --data directory; stop it first")]
    InUse {
        /// The registry's file.
        path: PathBuf,
    },
    /// The registry failed.
    #[error("{path} cannot be used ({error}): check the disk, or restore it from a backup")]
    Registry {
        /// The registry's file.
        path: PathBuf,
        /// What failed.
        error: RegistryError,
    },
    /// No app.
    #[error("{path} has no index.html: build the app first, then give its directory as --app")]
    NoApp {
        /// What was given.
        path: PathBuf,
    },
    /// The address is taken.
    #[error("{address} is taken: stop what listens there, or give another --listen")]
    AddressTaken {
        /// What was given.
        address: SocketAddr,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address} ({error}): give a --listen address of this machine (ports under 1024 need a privilege)")]
    Listen {
        /// What was given.
        address: SocketAddr,
        /// What the system says.
        error: io::Error,
    },
}

/// A running server.
///
/// Dropping the handle stops it too, without waiting.
pub struct Handle {
    address: SocketAddr,
    anchor: TrustAnchor,
    stop: watch::Sender<bool>,
    look: Arc<Notify>,
    done: JoinHandle<()>,
}

impl Handle {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its authority.
    pub fn anchor(&self) -> &TrustAnchor {
        &self.anchor
    }

    /// Looks for the operator's orders at once.
    pub fn look_for_orders(&self) {
        self.look.notify_one();
    }

    /// Goes down: tells every client, ends every connection, returns when all is done (at most five seconds).
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        let _ = self.done.await;
    }
}

/// Starts a server. It runs until [`Handle::stop`].
///
/// # Errors
/// See [`StartError`].
pub async fn serve(config: Config) -> Result<Handle, StartError> {
    if !config.app.join("index.html").is_file() {
        return Err(StartError::NoApp { path: config.app });
    }
    let dir = DataDir::open(&config.data)?;
    let listener = TcpListener::bind(config.listen).await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => StartError::AddressTaken { address: config.listen },
        _ => StartError::Listen { address: config.listen, error },
    })?;
    let address = listener.local_addr().map_err(|error| StartError::Listen { address: config.listen, error })?;
    open_files::allow(config.limits.peers_max + HTTP_CONNECTIONS);
    let (limits, app, requests) = (config.limits, AppHost::new(&config.app), dir.requests());
    let server = Arc::new(assemble(config, &dir)?);
    let anchor = server.issuer.anchor().clone();
    let (stop, stopping) = watch::channel(false);
    let look = Arc::new(Notify::new());
    let routes = router(server.clone(), app);
    let upkeep = tokio::spawn(keep_up(server.clone(), requests, look.clone()));
    let ticking = tokio::spawn({
        let server = server.clone();
        async move { server.relay.tick_forever().await }
    });
    let done = tokio::spawn(async move {
        accept(listener, routes, server, limits, stopping).await;
        upkeep.abort();
        ticking.abort();
    });
    Ok(Handle { address, anchor, stop, look, done })
}

fn assemble(config: Config, dir: &DataDir) -> Result<Server, StartError> {
    let (mut rng, clock) = (system_rng(), Clock::start());
    let path = dir.registry();
    let failed = |error| match error {
        RegistryError::InUse => StartError::InUse { path: path.clone() },
        error => StartError::Registry { path: path.clone(), error },
    };
    // First, because it keeps a second server out: two that found an authority at once would overwrite each other's key.
    let registry = Arc::new(Registry::open(&path).map_err(failed)?);
    let issuer = dir.issuer(&mut rng, wall_ms(), registry.is_used().map_err(failed)?)?;
    let revocations = CurrentList::open(&registry, &issuer, &mut rng, wall_ms()).map_err(failed)?;
    let relay = Relay::new(revocations.list(), config.ice, config.limits, rng.fork("relay"));
    Ok(Server {
        relay: RelayHost::new(relay, issuer.anchor().clone(), registry.clone(), clock),
        enrolment: Enrolment::new(config.policy, &config.limits, rng.fork("enrolment")),
        issuer,
        registry,
        revocations,
        clock,
        origins: config.origins.into(),
        behind_proxy: config.behind_proxy,
        tally: Tally::default(),
    })
}

/// Takes up the operator's orders and keeps the revocation list fresh.
async fn keep_up(server: Arc<Server>, requests: PathBuf, look: Arc<Notify>) {
    loop {
        let _ = tokio::time::timeout(Duration::from_millis(REQUESTS_EVERY_MS), look.notified()).await;
        let (server, requests) = (server.clone(), requests.clone());
        let turn = tokio::task::spawn_blocking(move || keep_up_once(&server, &requests));
        if let Err(error) = turn.await {
            tracing::error!(%error, "upkeep failed");
        }
    }
}

fn keep_up_once(server: &Server, requests: &Path) {
    match take_up(requests, &server.registry, server.clock.now().wall) {
        Ok(0) => {}
        Ok(count) => tracing::info!(count, "orders carried out"),
        Err(error) => tracing::error!(%error, "orders cannot be carried out"),
    }
    let now_ms = server.clock.now().wall;
    match server.revocations.refresh(&server.registry, &server.issuer, &mut system_rng(), now_ms) {
        Ok(None) => {}
        Ok(Some(list)) => {
            tracing::info!(sequence = list.sequence(), "revocation list signed");
            server.relay.feed(Input::Revocations(list));
        }
        Err(error) => tracing::error!(%error, "the revocation list cannot be signed"),
    }
}

/// Accepts connections until told to stop, then ends them.
async fn accept(
    listener: TcpListener,
    routes: Router,
    server: Arc<Server>,
    limits: Limits,
    mut stopping: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    let open = Arc::new(OpenConnections::default());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopped(&mut stopping) => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
        };
        match accepted {
            Ok((stream, peer)) => {
                // Behind a proxy all connections come from one address: then only the sum is bounded here.
                let per_address = limits.connections_per_address + HTTP_CONNECTIONS_PER_ADDRESS;
                let per_address = if server.behind_proxy { usize::MAX } else { per_address };
                if let Some(place) = open.take(peer.ip(), limits.peers_max + HTTP_CONNECTIONS, per_address) {
                    connections.spawn(connection(stream, peer, routes.clone(), place, stopping.clone()));
                }
            }
            Err(error) => {
                tracing::warn!(%error, "accepting failed");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    drop(listener);
    server.relay.feed(Input::ShutDown);
    let ended = async {
        while connections.join_next().await.is_some() {}
        while server.relay.sockets() > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    if tokio::time::timeout(Duration::from_millis(SHUTDOWN_MS), ended).await.is_err() {
        tracing::warn!("some connections did not end in time");
    }
}

/// Waits for the order to stop, or for the handle to be gone.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stop| *stop).await;
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    routes: Router,
    place: Place,
    mut stopping: watch::Receiver<bool>,
) {
    let _ = stream.set_nodelay(true);
    let place = Arc::new(place);
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer);
        // An upgraded socket outlives this connection and keeps its place.
        request.extensions_mut().insert(place.clone());
        routes.clone().oneshot(request)
    });
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(Duration::from_millis(HEADERS_MS));
    builder.max_buf_size(HEAD_BYTES_MAX);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(Patience::with(stream)), service).with_upgrades());
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopped(&mut stopping) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended");
    }
}

/// How many TCP connections are open, in all and by network.
#[derive(Default)]
struct OpenConnections {
    counts: Mutex<(usize, BTreeMap<IpAddr, usize>)>,
}

/// One open connection; gives its place back when dropped.
pub(crate) struct Place {
    open: Arc<OpenConnections>,
    network: IpAddr,
}

impl OpenConnections {
    fn take(self: &Arc<Self>, address: IpAddr, max: usize, per_address: usize) -> Option<Place> {
        let network = network(address);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, by_network) = &mut *counts;
        let from_there = by_network.get(&network).copied().unwrap_or(0);
        if from_there >= per_address || *all >= max {
            return None;
        }
        *all += 1;
        by_network.insert(network, from_there + 1);
        Some(Place { open: self.clone(), network })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.open.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, by_network) = &mut *counts;
        *all -= 1;
        if let Some(count) = by_network.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                by_network.remove(&self.network);
            }
        }
    }
}
