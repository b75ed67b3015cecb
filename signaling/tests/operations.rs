//! What an operator sees and does, against the real program: invites, revocation, release, health, metrics, logs, the end.

mod support;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use b4_protocol::crypto::Rng;
use b4_protocol::identity::testing::{TestAuthority, device_keys};
use b4_protocol::identity::{CertificateError, RevocationList, UserId};
use b4_protocol::signal::relay::{ClientFrame, RefusalCode, RelayFrame};
use b4_signaling::clock::wall_ms;
use support::Server;

const PROGRAM: &str = env!("CARGO_BIN_EXE_b4-signaling");
const SOON: Duration = Duration::from_secs(10);

fn rng(seed: u8) -> Rng {
    Rng::from_seed([seed; 32])
}

/// The list that is served, which is not older than the one of sequence `newest`.
fn revocations(server: &Server, newest: Option<u64>) -> RevocationList {
    let authority = TestAuthority::new([1; 32]);
    RevocationList::decode_verified(&server.get("/revoked").body, authority.anchor(), newest).expect("a good list")
}

/// Waits for a list newer than `known`.
fn next_revocations(server: &Server, known: u64) -> RevocationList {
    let begun = Instant::now();
    loop {
        let list = revocations(server, Some(known));
        if list.sequence() > known {
            return list;
        }
        assert!(begun.elapsed() < Duration::from_secs(5), "no new list within seconds");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn is_revoked(der: &[u8], list: &RevocationList) -> bool {
    let authority = TestAuthority::new([1; 32]);
    authority.anchor().verify(der, wall_ms(), Some(list)).err() == Some(CertificateError::Revoked)
}

#[test]
fn with_invites_a_new_name_takes_one_made_while_the_server_runs() {
    let (server, mut rng) = (Server::start(PROGRAM, &["--invites"]), rng(4));
    let refused = server.enrol("anna", &device_keys(0), &mut rng).expect_err("no invite");
    assert_eq!(refused.refusal(), (403, "invite-required".to_owned()));
    let mut enrol = |name: &str, keys, invite: &str| {
        server.enrol_with(name, &device_keys(keys), &mut rng, &[("B4-Invite", invite)])
    };
    let unknown = enrol("anna", 0, &"0".repeat(32)).expect_err("unknown");
    assert_eq!(unknown.refusal(), (403, "bad-invite".to_owned()));
    let invite = server.operator(&["invite"]);
    assert_eq!(invite.len(), 32);
    assert!(enrol("anna", 0, &invite).is_ok());
    assert_eq!(enrol("bert", 1, &invite).expect_err("used").refusal(), (403, "bad-invite".to_owned()));
    for entry in std::fs::read_dir(server.data()).expect("readable") {
        let path = entry.expect("an entry").path();
        let bytes = std::fs::read(&path).unwrap_or_default();
        assert!(!bytes.windows(32).any(|window| window == invite.as_bytes()), "{} holds the invite", path.display());
    }
}

#[test]
fn a_name_is_revoked_while_the_server_runs_and_while_it_does_not() {
    let (mut server, mut rng) = (Server::start(PROGRAM, &[]), rng(5));
    let der = server.enrol("anna", &device_keys(0), &mut rng).expect("a free name");
    let other = server.enrol("bert", &device_keys(1), &mut rng).expect("a free name");
    let first = revocations(&server, None);
    assert!(!is_revoked(&der, &first));
    assert!(server.operator(&["revoke", "anna"]).contains("1 certificate"));
    assert!(server.operator(&["revoke", "nobody"]).contains("nobody has this name"));
    server.signal("HUP");
    let second = next_revocations(&server, first.sequence());
    assert!(is_revoked(&der, &second) && !is_revoked(&other, &second));
    assert_eq!(second.next_update_ms() - second.this_update_ms(), 24 * 60 * 60 * 1_000);
    let again = server.enrol("anna", &device_keys(0), &mut rng).expect_err("revoked");
    assert_eq!(again.refusal(), (403, "revoked".to_owned()));
    assert_eq!(server.name_state("anna"), "taken");
    server.signal("TERM");
    assert!(server.wait().success());
    assert!(server.operator(&["revoke", "bert"]).contains("1 certificate"));
    server.restart();
    let third = revocations(&server, Some(second.sequence()));
    assert!(third.sequence() > second.sequence() && is_revoked(&other, &third));
}

#[tokio::test]
async fn a_released_name_is_free_for_other_keys_and_its_old_certificate_is_revoked() {
    let (mut server, mut rng) = (Server::start(PROGRAM, &[]), rng(6));
    let (old_keys, new_keys) = (device_keys(0), device_keys(1));
    let old = server.enrol("anna", &old_keys, &mut rng).expect("a free name");
    let first = revocations(&server, None);
    let mut socket = server.join(&old, &old_keys, &mut rng).await;
    assert!(server.operator(&["names", "release", "nobody"]).contains("nobody has this name"));
    assert!(server.operator(&["names", "release", "anna"]).contains("1 certificate"));
    assert_eq!(socket.end(SOON).await.1, Some(RefusalCode::Revoked.close_code()));
    assert_eq!(server.name_state("anna"), "free");
    let second = next_revocations(&server, first.sequence());
    let new = server.enrol("anna", &new_keys, &mut rng).expect("free again");
    assert_eq!((is_revoked(&old, &second), is_revoked(&new, &second)), (true, false));
    assert_eq!(server.enrol("anna", &old_keys, &mut rng).expect_err("another key").refusal(), (409, "taken".to_owned()));
    server.signal("TERM");
    assert!(server.wait().success());
    assert!(server.operator(&["names", "release", "anna"]).contains("1 certificate"));
    server.restart();
    let third = revocations(&server, Some(second.sequence()));
    assert_eq!((is_revoked(&new, &third), server.name_state("anna").as_str()), (true, "free"));
}

#[test]
fn an_order_that_cannot_be_says_why_and_fails() {
    let nowhere = tempfile::tempdir().expect("a temporary directory");
    let check = |arguments: &[&str], data: &str, remedy: &str| {
        let output = Command::new(PROGRAM).args(arguments).args(["--data", data]).output().expect("the program runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(remedy), "{arguments:?}: {said}");
    };
    let there = nowhere.path().to_str().expect("text");
    check(&["names", "release", "Anna"], there, "can be nobody's name");
    check(&["revoke", "x"], there, "can be nobody's name");
    check(&["invite"], &format!("{there}/missing"), "give the server's --data");
    check(&["invite"], there, "after its first start");
    check(&["revoke", "anna"], there, "after its first start");
    assert_eq!(std::fs::read_dir(there).expect("readable").count(), 0, "the directory is left as it was");
    let serve = ["serve", "--app", there];
    let nine = ["--ice", "stun:b4.example"].repeat(9);
    check(&[&serve[..], &nine[..]].concat(), there, "at most 8 servers");
    check(&[&serve[..], &["--ice", "http://b4.example"]].concat(), there, "starts with stun:");
    check(&[&serve[..], &["--origin", "https://b4.example/"]].concat(), there, "without anything after it");
}

#[test]
fn help_names_every_command_flag_and_default() {
    let help = |arguments: &[&str]| {
        let output = Command::new(PROGRAM).args(arguments).arg("--help").output().expect("the program runs");
        assert!(output.status.success());
        String::from_utf8(output.stdout).expect("text")
    };
    let rows: [(&[&str], &[&str]); 4] = [
        (&[], &["serve", "invite", "revoke", "names", "Examples:", "/healthz", "/metrics"]),
        (
            &["serve"],
            &[
                "--listen", "--data", "--app", "--invites", "--ice", "--origin", "--behind-proxy", "--peers-max",
                "--connections-per-address", "--connects-per-minute", "--frames-per-second", "--names-per-hour",
                "--enrolments-per-hour", "--log-format", "[default: 127.0.0.1:8080]", "B4_DATA",
            ],
        ),
        (&["names", "release"], &["key has changed", "revoked"]),
        (&["revoke"], &["The name stays taken"]),
    ];
    for (arguments, words) in rows {
        let said = help(arguments);
        for word in words {
            assert!(said.contains(word), "{arguments:?} lacks {word}: {said}");
        }
    }
}

/// Reads Prometheus text format 0.0.4 strictly: samples by name and labels.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let (mut samples, mut family) = (BTreeMap::new(), (String::new(), String::new()));
    assert!(text.ends_with('\n'));
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, said) = help.split_once(' ').expect("a name and a help");
            assert!(!said.is_empty() && family.0 != name, "{line}");
            family = (name.to_owned(), String::new());
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').expect("a name and a type");
            assert!(name == family.0 && ["counter", "gauge"].contains(&kind), "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            family.1 = kind.to_owned();
        } else {
            let (sample, value) = line.rsplit_once(' ').expect("a sample and a value");
            let name = sample.split('{').next().expect("a name");
            assert!(name == family.0 && !family.1.is_empty(), "{line} without its HELP and TYPE");
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'), "{line}");
            let labels = &sample[name.len()..];
            assert!(labels.is_empty() || (labels.starts_with("{code=\"") && labels.ends_with("\"}")), "{line}");
            let earlier = samples.insert(sample.to_owned(), value.parse().expect("a number"));
            assert_eq!(earlier, None, "{line} twice");
        }
    }
    samples
}

#[tokio::test]
async fn metrics_are_prometheus_text_that_counts_what_happened() {
    let (server, mut rng) = (Server::start(PROGRAM, &["--names-per-hour", "1"]), rng(7));
    let keys = device_keys(0);
    let anna = server.enrol("anna", &keys, &mut rng).expect("a free name");
    assert_eq!((server.get("/names/bert").status, server.get("/names/bert").status), (200, 429));
    assert!(server.enrol("anna", &device_keys(1), &mut rng).is_err());
    let mut socket = server.join(&anna, &keys, &mut rng).await;
    socket.send(&ClientFrame::Ping { ticket: 1 }).await;
    assert_eq!(socket.frame().await, RelayFrame::Pong { ticket: 1 });
    let answer = server.get("/metrics");
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4");
    let samples = samples(&answer.text());
    for (name, value) in [
        ("b4_names", 1.0),
        ("b4_certificates_total", 1.0),
        ("b4_http_refusals_total{code=\"taken\"}", 1.0),
        ("b4_http_refusals_total{code=\"too-many\"}", 1.0),
        ("b4_relay_connections", 1.0),
        ("b4_relay_peers", 1.0),
        ("b4_relay_joins_total", 1.0),
        ("b4_relay_refusals_total{code=\"10\"}", 0.0),
        ("b4_revocation_sequence", revocations(&server, None).sequence() as f64),
    ] {
        assert_eq!(samples.get(name), Some(&value), "{name}");
    }
}

#[tokio::test]
async fn logs_are_lines_of_json_without_names_nodes_or_bodies() {
    const NAME: &str = "wilhelmina";
    const BODY: &[u8] = b"a-sealed-body";
    let (mut server, mut rng) = (Server::start_logged(PROGRAM, &["--log-format", "json"], "info"), rng(8));
    let keys = device_keys(0);
    let der = server.enrol(NAME, &keys, &mut rng).expect("a free name");
    assert!(server.enrol(NAME, &device_keys(1), &mut rng).is_err());
    let node = *TestAuthority::new([1; 32]).anchor().verify(&der, wall_ms(), None).expect("good").node_id();
    let mut socket = server.join(&der, &keys, &mut rng).await;
    socket.send(&ClientFrame::Lookup { ticket: 1, watch: true, user: UserId::parse(NAME).expect("a name") }).await;
    socket.send(&ClientFrame::Forward { to: node, body: BODY.to_vec() }).await;
    let _ = (socket.frame().await, socket.frame().await);
    assert!(server.operator(&["revoke", NAME]).contains("1 certificate"));
    assert_eq!(socket.end(SOON).await.1, Some(4_004));
    server.signal("TERM");
    assert!(server.wait().success());
    let log = std::fs::read_to_string(server.home.path().join("log")).expect("readable");
    let messages: Vec<_> = log
        .lines()
        .map(|line| {
            let json: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            assert!(json["timestamp"].is_string() && json["level"].is_string() && json["target"].is_string(), "{line}");
            json["fields"]["message"].as_str().expect("a message").to_owned()
        })
        .collect();
    for message in ["listening", "orders carried out", "revocation list signed", "going down"] {
        assert!(messages.iter().any(|said| said == message), "{message} is missing: {log}");
    }
    let node: String = node.0.iter().map(|byte| format!("{byte:02x}")).collect();
    for secret in [NAME, std::str::from_utf8(BODY).expect("text"), &node] {
        assert!(!log.contains(secret), "{secret} is in the log: {log}");
    }
}

#[tokio::test]
async fn a_stop_tells_everybody_and_ends_well_within_seconds_whoever_hangs_on() {
    for signal in ["TERM", "INT"] {
        let (mut server, mut rng) = (Server::start(PROGRAM, &[]), rng(4));
        let keys = device_keys(0);
        let anna = server.enrol("anna", &keys, &mut rng).expect("a free name");
        let mut socket = server.join(&anna, &keys, &mut rng).await;
        // One that never closes its end, and a request that never ends.
        let deaf = server.join(&server.enrol("bert", &device_keys(1), &mut rng).expect("free"), &device_keys(1), &mut rng).await;
        let mut endless = TcpStream::connect(server.address).expect("the server listens");
        endless.write_all(b"POST /enrol HTTP/1.1\r\nHost: b4\r\nContent-Length: 9\r\n\r\nx").expect("sent");
        let begun = Instant::now();
        server.signal(signal);
        let refused = RelayFrame::Refused { ticket: 0, code: RefusalCode::ShuttingDown, retry_after_ms: 0 };
        assert_eq!(socket.end(SOON).await, (vec![refused], Some(4_009)));
        assert!(begun.elapsed() < Duration::from_secs(2), "told after {:?}", begun.elapsed());
        assert_eq!(server.wait().code(), Some(0));
        assert!(begun.elapsed() < Duration::from_secs(8), "ended after {:?}", begun.elapsed());
        drop((deaf, endless));
    }
}
