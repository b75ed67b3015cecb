//! Golden vectors: every message of PROTOCOL.md is made anew from fixed keys and seeds and compared with `tests/vectors/*.txt`,
//! decoded from there, and its hashes, keys and MACs are computed a second time from the formulas of the text.
//!
//! These are also what notices a handshake that leaves something out (attack T8): fingerprints, transcript, identities,
//! labels and the ephemeral exchange each stand in a formula below.

#[path = "vectors/deposits.rs"]
mod deposits;
#[path = "vectors/directory.rs"]
mod directory;
#[path = "vectors/file.rs"]
mod file;
#[path = "vectors/files.rs"]
mod files;
#[path = "vectors/handshake.rs"]
mod handshake;
#[path = "vectors/identity.rs"]
mod identity;
#[path = "vectors/mailbox.rs"]
mod mailbox;
#[path = "vectors/records.rs"]
mod records;
#[path = "vectors/recovery.rs"]
mod recovery;
#[path = "vectors/relay.rs"]
mod relay;
#[path = "vectors/ring.rs"]
mod ring;
#[path = "vectors/signalling.rs"]
mod signalling;

use b4_protocol::crypto::{KeyOp, Prk, Rng, sha256};
use b4_protocol::identity::testing::{NOW_MS, TestAuthority, TestDevice};
use b4_protocol::signal::description::Description;

/// Two devices certified by one authority; the same in every file.
struct Cast {
    authority: TestAuthority,
    anna: TestDevice,
    bela: TestDevice,
}

fn cast() -> Cast {
    let mut authority = TestAuthority::new([1; 32]);
    let (anna, bela) = (authority.issue("anna", NOW_MS), authority.issue("bela", NOW_MS));
    Cast { authority, anna, bela }
}

fn lp(bytes: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).expect("short").to_be_bytes(), bytes].concat()
}

fn length(bytes: &[u8]) -> [u8; 2] {
    u16::try_from(bytes.len()).expect("short").to_be_bytes()
}

fn unwrapped(device: &TestDevice, label: &'static str, ciphertext: &[u8]) -> Vec<u8> {
    let op = KeyOp::Unwrap { label, ciphertext: ciphertext.to_vec() };
    device.keys.perform(&mut Rng::from_seed([9; 32]), &op).expect("the device's own").to_vec()
}

fn extract(salt: &[u8], material: &[&[u8]]) -> Prk {
    Prk::extract(salt, material)
}

fn description(fingerprint: u8) -> Description {
    let pairs: Vec<String> = std::iter::repeat_n(format!("{fingerprint:02X}"), 32).collect();
    let sdp = format!(
        "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n\
         a=ice-ufrag:Wg5r\r\na=ice-pwd:dLHWsjPPpCWlSKrbYYuVRPjk\r\na=fingerprint:sha-256 {}\r\n\
         a=candidate:1 1 udp 2113937151 6c2d1bd0-1f55-4a41-9b5c-0a1d9f0c8a11.local 50123 typ host\r\n\
         a=candidate:2 1 udp 1677729535 192.0.2.7 40001 typ srflx raddr 0.0.0.0 rport 0\r\n",
        pairs.join(":")
    );
    Description::from_sdp(&sdp).expect("SDP as browsers write it")
}

/// The fields of [`description`], as PROTOCOL.md#signalling lays them out.
fn description_bytes(fingerprint: u8) -> Vec<u8> {
    let host = b"6c2d1bd0-1f55-4a41-9b5c-0a1d9f0c8a11.local";
    let candidates = [
        candidate_bytes(0, 2_113_937_151, 50_123, host),
        candidate_bytes(1, 1_677_729_535, 40_001, b"192.0.2.7"),
    ];
    let head = [&[4][..], b"Wg5r", &[24], b"dLHWsjPPpCWlSKrbYYuVRPjk", &[fingerprint; 32], &[2]].concat();
    [head, candidates.concat()].concat()
}

fn candidate_bytes(kind: u8, priority: u32, port: u16, address: &[u8]) -> Vec<u8> {
    let length = u8::try_from(address.len()).expect("short");
    [&[kind][..], &priority.to_be_bytes(), &port.to_be_bytes(), &[length], address].concat()
}

/// H(x), for reading formulas.
fn h(parts: &[&[u8]]) -> [u8; 32] {
    sha256(parts)
}
