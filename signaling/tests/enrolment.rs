//! Enrolment, names, invites and revocation against the real program over real sockets.

mod support;

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use b4_protocol::crypto::Rng;
use b4_protocol::identity::testing::{TestAuthority, device_keys, request_of};
use b4_protocol::identity::{CertificateError, RevocationList, TrustAnchor};
use b4_signaling::clock::wall_ms;
use support::Server;

const PROGRAM: &str = env!("CARGO_BIN_EXE_b4-signaling");

fn rng(seed: u8) -> Rng {
    Rng::from_seed([seed; 32])
}

fn anchor(server: &Server) -> TrustAnchor {
    let answer = server.get("/authority.pem");
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/x-pem-file"));
    TrustAnchor::from_pem(&answer.text()).expect("an authority")
}

fn name_state(server: &Server, name: &str) -> String {
    let answer = server.get(&format!("/names/{name}"));
    let json: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!(json["id"].as_str(), Some(name));
    json["state"].as_str().expect("a state").to_owned()
}

fn operator(server: &Server, arguments: &[&str]) -> String {
    let mut command = Command::new(PROGRAM);
    command.arg(arguments[0]).arg("--data").arg(server.data()).args(&arguments[1..]);
    let output = command.output().expect("the program runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}

#[test]
fn a_name_is_enrolled_once_and_its_owner_gets_the_same_certificate_again() {
    let (server, mut rng) = (Server::start(PROGRAM, &[]), rng(1));
    let anchor = anchor(&server);
    assert_eq!(name_state(&server, "anna"), "free");
    let der = server.enrol("anna", &device_keys(0), &mut rng).expect("a free name");
    let anna = anchor.verify(&der, wall_ms(), None).expect("a good certificate");
    assert_eq!(anna.user_id().as_str(), "anna");
    assert_eq!(anna.signing_key().spki_der(), device_keys(0).signing.spki_der());
    assert_eq!(name_state(&server, "anna"), "taken");
    assert_eq!(server.enrol("anna", &device_keys(0), &mut rng).expect("the owner"), der);
    let stranger = server.enrol("anna", &device_keys(1), &mut rng).expect_err("taken");
    assert_eq!(stranger.refusal(), (409, "taken".to_owned()));
    assert_eq!(stranger.header("content-type"), "application/json");
}

#[test]
fn every_bad_call_has_its_code() {
    let (server, mut rng) = (Server::start(PROGRAM, &[]), rng(2));
    let good = request_of("anna", &device_keys(0), &mut rng);
    let mut unsigned = good.clone();
    *unsigned.last_mut().expect("bytes") ^= 1;
    let check = |answer: support::Answer, status, code: &str| assert_eq!(answer.refusal(), (status, code.to_owned()));
    check(server.post("/enrol", b"hello"), 400, "bad-request");
    check(server.post("/enrol", &unsigned), 400, "bad-signature");
    check(server.post("/enrol", &vec![0x30; 4_097]), 413, "too-large");
    check(server.post(&format!("/enrol/{}", "ab".repeat(16)), &[0; 32]), 404, "no-ticket");
    check(server.post("/enrol/nonsense", &[0; 32]), 404, "no-ticket");
    check(server.get("/names/Anna"), 400, "bad-name");
    check(server.get("/names/a%20b"), 400, "bad-name");
    assert_eq!(name_state(&server, "admin"), "reserved");
    let begun = server.post("/enrol", &good);
    let json: serde_json::Value = serde_json::from_slice(&begun.body).expect("JSON");
    let ticket = format!("/enrol/{}", json["ticket"].as_str().expect("a ticket"));
    check(server.post(&ticket, &[0; 32]), 403, "bad-answer");
    check(server.post(&ticket, &[0; 32]), 404, "no-ticket");
    assert_eq!(name_state(&server, "anna"), "free");
}

#[test]
fn too_many_questions_and_requests_are_refused_with_a_time() {
    let server = Server::start(PROGRAM, &["--names-per-hour", "2", "--enrolments-per-hour", "1"]);
    assert_eq!((server.get("/names/anna").status, server.get("/names/bert").status), (200, 200));
    let answer = server.get("/names/cleo");
    assert_eq!(answer.refusal(), (429, "too-many".to_owned()));
    assert!((1..=1_800).contains(&answer.header("retry-after").parse::<u64>().expect("seconds")));
    assert_eq!(server.post("/enrol", b"x").status, 400);
    assert_eq!(server.post("/enrol", b"x").refusal(), (429, "too-many".to_owned()));
}

#[test]
fn a_first_start_founds_an_authority_in_private_files() {
    let server = Server::start_in(PROGRAM, tempfile::tempdir().expect("a temporary directory"), &[]);
    let mode = |name: &str| {
        std::fs::metadata(server.data().join(name)).expect("there").permissions().mode() & 0o777
    };
    assert_eq!((mode("."), mode("authority.key.der")), (0o700, 0o600));
    let founded = anchor(&server);
    assert_ne!(founded.pin(), TestAuthority::new([1; 32]).anchor().pin());
    let mut server = server;
    server.signal("TERM");
    assert!(server.wait().success());
    server.restart();
    assert_eq!(anchor(&server).pin(), founded.pin());
}

#[test]
fn openssl_verifies_what_the_authority_issues() {
    if Command::new("openssl").arg("version").output().is_err() {
        // Not installed here; CI has it.
        assert!(std::env::var_os("CI").is_none(), "CI has openssl");
        return;
    }
    let (server, mut rng) = (Server::start(PROGRAM, &[]), rng(3));
    let der = server.enrol("anna", &device_keys(0), &mut rng).expect("a free name");
    let path = |name: &str| server.home.path().join(name);
    std::fs::write(path("authority"), server.get("/authority.pem").body).expect("written");
    std::fs::write(path("anna"), &der).expect("written");
    let run = |arguments: &[&str]| {
        let output = Command::new("openssl").current_dir(server.home.path()).args(arguments).output().expect("runs");
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    assert!(run(&["x509", "-inform", "DER", "-in", "anna", "-out", "anna.pem"]).0);
    // The ready-made authority is founded at a fixed day; the certificate is issued today.
    let (verified, said) = run(&["verify", "-CAfile", "authority", "anna.pem"]);
    assert!(verified && said.trim() == "anna.pem: OK", "{said}");
    let (_, text) = run(&["x509", "-in", "anna.pem", "-noout", "-text"]);
    assert!(text.contains("Subject: CN = anna") || text.contains("Subject: CN=anna"), "{text}");
    assert!(text.contains("rsassaPss"), "{text}");
}

#[test]
fn names_survive_a_kill_right_after_the_answer() {
    let mut server = Server::start(PROGRAM, &[]);
    let names: Vec<String> = (0..6).map(|number| format!("user{number}")).collect();
    for round in 0..3 {
        for (number, name) in names.iter().enumerate().skip(round * 2).take(2) {
            server.enrol(name, &device_keys(number), &mut rng(number as u8)).expect("a free name");
        }
        server.signal("KILL");
        assert!(!server.wait().success());
        server.restart();
        for name in &names[..round * 2 + 2] {
            assert_eq!(name_state(&server, name), "taken");
        }
    }
    assert_eq!(name_state(&server, "user6"), "free");
}

#[test]
fn a_kill_in_the_middle_of_enrolling_loses_no_answered_name() {
    let server = Arc::new(Server::start(PROGRAM, &[]));
    let enrolling = std::thread::spawn({
        let server = server.clone();
        move || {
            let mut answered = Vec::new();
            for number in 0..40 {
                let (name, keys) = (format!("user{number}"), device_keys(number));
                // The connection breaks under the kill: that name was not answered.
                let enrol = std::panic::AssertUnwindSafe(|| server.enrol(&name, &keys, &mut rng(number as u8)).is_ok());
                match std::panic::catch_unwind(enrol) {
                    Ok(true) => answered.push(name),
                    Ok(false) | Err(_) => break,
                }
            }
            answered
        }
    });
    std::thread::sleep(Duration::from_millis(1_500));
    server.signal("KILL");
    let answered = enrolling.join().expect("the thread ends");
    let mut server = Arc::into_inner(server).expect("the thread has ended");
    server.wait();
    server.restart();
    assert!(!answered.is_empty());
    for name in &answered {
        assert_eq!(name_state(&server, name), "taken");
    }
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
    let invite = operator(&server, &["invite"]);
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
    let anchor = anchor(&server);
    let der = server.enrol("anna", &device_keys(0), &mut rng).expect("a free name");
    let other = server.enrol("bert", &device_keys(1), &mut rng).expect("a free name");
    let list = |server: &Server, newest| {
        RevocationList::decode_verified(&server.get("/revoked").body, &anchor, newest).expect("a good list")
    };
    let first = list(&server, None);
    assert_eq!(anchor.verify(&der, wall_ms(), Some(&first)).map(|_| ()), Ok(()));
    assert!(operator(&server, &["revoke", "anna"]).contains("1 certificate"));
    assert!(operator(&server, &["revoke", "nobody"]).contains("nobody has this name"));
    server.signal("HUP");
    let begun = Instant::now();
    let second = loop {
        let list = list(&server, Some(first.sequence()));
        if list.sequence() > first.sequence() {
            break list;
        }
        assert!(begun.elapsed() < Duration::from_secs(5), "no new list within seconds");
        std::thread::sleep(Duration::from_millis(50));
    };
    assert_eq!(anchor.verify(&der, wall_ms(), Some(&second)).err(), Some(CertificateError::Revoked));
    assert_eq!(second.next_update_ms() - second.this_update_ms(), 24 * 60 * 60 * 1_000);
    let again = server.enrol("anna", &device_keys(0), &mut rng).expect_err("revoked");
    assert_eq!(again.refusal(), (403, "revoked".to_owned()));
    assert_eq!(name_state(&server, "anna"), "taken");
    server.signal("TERM");
    assert!(server.wait().success());
    assert!(operator(&server, &["revoke", "bert"]).contains("1 certificate"));
    server.restart();
    let third = list(&server, Some(second.sequence()));
    assert!(third.sequence() > second.sequence());
    assert_eq!(anchor.verify(&other, wall_ms(), Some(&third)).err(), Some(CertificateError::Revoked));
}
