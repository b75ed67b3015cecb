//! What an idle peer costs the relay: starts the server beside this program, joins many peers, each a node of its own that has
//! proven its key, keeps them for longer than a half-open socket lives, and prints one line of JSON:
//!
//! `peers` connected and idle, `bytes_per_peer` (growth of the server's resident memory), `resident_bytes` at the end,
//! `held_s` seconds of idling, `lost` connections that ended meanwhile, `join_ms` (median, from the proof to the welcome),
//! `join_cpu_ms` (the server's processor time a join) and `ping_ms` (median of a frame's round trip beside the idle ones).
//!
//! `cargo run --profile native -p b4-signaling --example idle_peers -- [PEERS] [SERVER]`; without arguments 2,000 peers and
//! the `b4-signaling` of the same profile, which has to be built before.

#[path = "../tests/support/mod.rs"]
mod support;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use b4_protocol::crypto::Rng;
use b4_protocol::identity::testing::{DEVICES_MAX, TestAuthority, device_keys};
use b4_protocol::signal::relay::{ClientFrame, RelayFrame};
use b4_signaling::clock::wall_ms;
use b4_signaling::limits::HALF_OPEN_MS;
use b4_signaling::open_files;
use futures_util::StreamExt as _;
use support::{Server, Socket};
use tokio::task::JoinHandle;

/// Peers that join before the measuring begins: they pay for what all share.
const FIRST: usize = 32;
/// How long the peers idle: past the bound of a half-open socket, so that all that are left have answered pings.
const HELD: Duration = Duration::from_millis(HALF_OPEN_MS + 10_000);
/// Round trips measured.
const PINGS: u32 = 200;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let peers: usize = arguments.next().map_or(2_000, |peers| peers.parse().expect("a number of peers"));
    let program = arguments.next().map_or_else(beside, Into::into);
    open_files::allow(peers + FIRST + 1);
    let many = (peers + FIRST + 1).to_string();
    let flags = ["--connections-per-address", &many, "--connects-per-minute", &many, "--peers-max", &many];
    let server = Server::start(program, &flags);
    let mut crowd = Crowd { authority: TestAuthority::new([1; 32]), rng: Rng::from_seed([2; 32]), joined: 0 };
    let (mut idle, mut joins) = (Vec::new(), Vec::new());
    let (mut before, mut cpu_before) = (0, 0);
    for number in 0..peers + FIRST {
        if number == FIRST {
            (before, cpu_before) = (server.resident_bytes(), server.processor_ms());
        }
        let (socket, took) = crowd.join(&server).await;
        joins.push(took);
        idle.push(stay(socket));
        if number % 250 == 0 {
            eprintln!("{number} of {peers} peers have joined");
        }
    }
    let join_cpu_ms = (server.processor_ms() - cpu_before) as f64 / peers.max(1) as f64;
    eprintln!("all have joined; they idle for {} s", HELD.as_secs());
    tokio::time::sleep(HELD).await;
    let resident = server.resident_bytes();
    let each = resident.saturating_sub(before) / peers.max(1) as u64;
    let lost = idle.iter().filter(|peer| peer.is_finished()).count();
    let metrics = server.get("/metrics").text();
    let counted = format!("\nb4_relay_peers {}\n", peers + FIRST - lost);
    assert!(metrics.contains(&counted), "the server counts otherwise: {metrics}");
    let pings = ping(crowd.join(&server).await.0).await;
    println!(
        "{{\"peers\": {peers}, \"bytes_per_peer\": {each}, \"resident_bytes\": {resident}, \"held_s\": {}, \"lost\": {lost}, \
         \"join_ms\": {:.2}, \"join_cpu_ms\": {join_cpu_ms:.2}, \"ping_ms\": {:.2}}}",
        HELD.as_secs(),
        median_ms(joins),
        median_ms(pings)
    );
}

/// The server of the same profile.
fn beside() -> PathBuf {
    let own = std::env::current_exe().expect("a path of our own");
    own.parent().and_then(|examples| examples.parent()).expect("a target directory").join("b4-signaling")
}

/// Devices over the ready-made keys; each has a node id, a name and a certificate of its own.
struct Crowd {
    authority: TestAuthority,
    rng: Rng,
    joined: usize,
}

impl Crowd {
    async fn join(&mut self, server: &Server) -> (Socket, Duration) {
        let (name, keys) = (format!("user{}", self.joined), device_keys(self.joined % DEVICES_MAX));
        self.joined += 1;
        let device = self.authority.issue_for(&name, keys, wall_ms());
        server.join_timed(device.certificate.der(), &device.keys, &mut self.rng).await
    }
}

/// Reads, which is what answers pings, until the socket ends.
fn stay(mut socket: Socket) -> JoinHandle<()> {
    tokio::spawn(async move { while let Some(Ok(_)) = socket.stream.next().await {} })
}

async fn ping(mut socket: Socket) -> Vec<Duration> {
    let mut took = Vec::new();
    for ticket in 0..PINGS {
        let begun = Instant::now();
        socket.send(&ClientFrame::Ping { ticket }).await;
        assert_eq!(socket.frame().await, RelayFrame::Pong { ticket });
        took.push(begun.elapsed());
    }
    took
}

fn median_ms(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times.get(times.len() / 2).map_or(0.0, |time| time.as_secs_f64() * 1_000.0)
}
