//! What an idle peer costs the relay: starts the server beside this program, joins many peers, prints JSON
//! `{"peers": N, "bytes_per_peer": B, "resident_bytes": R}`.
//!
//! `cargo run --profile native -p b4-signaling --example idle_peers -- [PEERS] [SERVER]`; without arguments 2,000 peers and
//! the `b4-signaling` of the same profile, which has to be built before.

#[path = "../tests/support/mod.rs"]
mod support;

use b4_protocol::crypto::Rng;
use b4_protocol::identity::testing::{DEVICES_MAX, TestAuthority, device_keys};
use b4_signaling::clock::wall_ms;
use support::Server;

/// Peers that join before the measuring begins: they pay for what all share.
const FIRST: usize = 32;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let peers: usize = arguments.next().map_or(2_000, |peers| peers.parse().expect("a number of peers"));
    let beside = || {
        let own = std::env::current_exe().expect("a path of our own");
        own.parent().and_then(|examples| examples.parent()).expect("a target directory").join("b4-signaling")
    };
    let program = arguments.next().map_or_else(beside, Into::into);
    let many = (peers + FIRST + 1).to_string();
    let flags = ["--connections-per-address", &many, "--connects-per-minute", &many, "--peers-max", &many];
    let server = Server::start(program, &flags);
    let (mut authority, mut rng, now) = (TestAuthority::new([1; 32]), Rng::from_seed([2; 32]), wall_ms());
    let (mut sockets, mut before) = (Vec::new(), 0);
    for number in 0..peers + FIRST {
        if number == FIRST {
            before = server.resident_bytes();
        }
        let device = authority.issue_for(&format!("user{number}"), device_keys(number % DEVICES_MAX), now);
        sockets.push(server.join(device.certificate.der(), &device.keys, &mut rng).await);
    }
    let resident = server.resident_bytes();
    let each = resident.saturating_sub(before) / peers.max(1) as u64;
    println!("{{\"peers\": {peers}, \"bytes_per_peer\": {each}, \"resident_bytes\": {resident}}}");
}
