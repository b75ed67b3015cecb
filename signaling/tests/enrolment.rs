//! Names and certificates against the real program over real sockets: first come, renewal, every refusal, openssl's word.

mod support;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use b4_protocol::crypto::Rng;
use b4_protocol::identity::testing::{TestAuthority, device_keys, request_of};
use b4_protocol::identity::{EnrolmentRequest, TrustAnchor};
use b4_protocol::time::DAY_MS;
use b4_signaling::authority::{NameRecord, issue};
use b4_signaling::clock::wall_ms;
use b4_signaling::data_dir::DataDir;
use b4_signaling::registry::Registry;
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

#[test]
fn a_name_is_enrolled_once_and_its_owner_gets_the_same_certificate_again() {
    let (server, mut rng) = (Server::start(PROGRAM, &[]), rng(1));
    let anchor = anchor(&server);
    assert_eq!(server.name_state("anna"), "free");
    let der = server.enrol("anna", &device_keys(0), &mut rng).expect("a free name");
    let anna = anchor.verify(&der, wall_ms(), None).expect("a good certificate");
    assert_eq!(anna.user_id().as_str(), "anna");
    assert_eq!(anna.signing_key().spki_der(), device_keys(0).signing.spki_der());
    assert_eq!(server.name_state("anna"), "taken");
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
    // The name is judged before the signature: what is put in its place need not be signed.
    let named = |name: &str, put: &str| {
        let csr = request_of(name, &device_keys(0), &mut Rng::from_seed([9; 32]));
        let at = csr.windows(name.len()).position(|window| window == name.as_bytes()).expect("the name is in it");
        [&csr[..at], put.as_bytes(), &csr[at + name.len()..]].concat()
    };
    check(server.post("/enrol", &named("admix", "admin")), 409, "reserved");
    for bad in ["Annas", "1nnas", "an\0as", "ann s", ".nnas"] {
        check(server.post("/enrol", &named("annas", bad)), 400, "bad-name");
    }
    check(server.get("/names/Anna"), 400, "bad-name");
    check(server.get("/names/a%20b"), 400, "bad-name");
    check(server.get("/names/%ff%fe%fd"), 400, "bad-name");
    check(server.get(&format!("/names/{}", "a".repeat(33))), 400, "bad-name");
    assert_eq!(server.name_state("admin"), "reserved");
    let begun = server.post("/enrol", &good);
    let json: serde_json::Value = serde_json::from_slice(&begun.body).expect("JSON");
    let ticket = format!("/enrol/{}", json["ticket"].as_str().expect("a ticket"));
    check(server.post(&ticket, &[0; 32]), 403, "bad-answer");
    check(server.post(&ticket, &[0; 32]), 404, "no-ticket");
    assert_eq!(server.name_state("anna"), "free");
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
    let home = tempfile::tempdir().expect("a temporary directory");
    // What a first start leaves that is killed while it makes its key.
    drop(Registry::open(&DataDir::open(&home.path().join("data")).expect("made").registry()).expect("made"));
    let server = Server::start_in(PROGRAM, home, &[]);
    let mode = |name: &str| {
        std::fs::metadata(server.data().join(name)).expect("there").permissions().mode() & 0o777
    };
    assert_eq!((mode("."), mode("authority.key.der"), mode("registry.redb")), (0o700, 0o600, 0o600));
    let founded = anchor(&server);
    assert_ne!(founded.pin(), TestAuthority::new([1; 32]).anchor().pin());
    let mut server = server;
    server.signal("TERM");
    assert!(server.wait().success());
    server.restart();
    assert_eq!(anchor(&server).pin(), founded.pin());
    server.signal("TERM");
    assert!(server.wait().success());
    std::fs::remove_file(server.data().join("authority.key.der")).expect("removed");
    let app = server.home.path().join("dist");
    let again = support::serve_command(Path::new(PROGRAM), &server.data(), &app, "127.0.0.1:0").output();
    let output = again.expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("authority.key.der is missing"), "{said}");
}

#[test]
fn whoever_stops_a_server_as_soon_as_it_listens_is_heard() {
    let mut server = Server::start(PROGRAM, &[]);
    for _ in 0..10 {
        server.signal("TERM");
        assert!(server.wait().success(), "it went down in order");
        server.restart();
    }
}

#[test]
fn a_certificate_is_renewed_from_day_60_by_its_own_keys_and_never_for_others() {
    const HELD: [(&str, u64, bool); 4] = [("young", 59, false), ("old", 61, true), ("last", 89, true), ("expired", 120, true)];
    let home = support::prepared();
    let (authority, mut rng, now) = (TestAuthority::new([1; 32]), rng(6), wall_ms());
    let enrolled: Vec<_> = {
        let registry = Registry::open(&DataDir::open(&home.path().join("data")).expect("made").registry()).expect("made");
        let mut enrol = |keys: usize, name: &str, days: u64| {
            let csr = request_of(name, &device_keys(keys), &mut rng);
            let request = EnrolmentRequest::parse(&csr).expect("a good request");
            let then = now - days * DAY_MS;
            let decide = |known: Option<&NameRecord>| issue(authority.issuer(), &mut rng, &request, known, then);
            registry.claim(request.user_id(), None, decide).expect("a free name")
        };
        HELD.iter().enumerate().map(|(keys, (name, days, _))| enrol(keys, name, *days)).collect()
    };
    let server = Server::start_in(PROGRAM, home, &[]);
    let read = |der: &[u8], at| authority.anchor().verify(der, at, None).expect("a good certificate");
    for (keys, ((name, days, renews), der)) in HELD.iter().zip(&enrolled).enumerate() {
        let stranger = server.enrol(name, &device_keys(keys + 4), &mut rng).expect_err("another key");
        assert_eq!(stranger.refusal(), (409, "taken".to_owned()), "{name}");
        let answer = server.enrol(name, &device_keys(keys), &mut rng).expect("the owner");
        assert_eq!(&answer != der, *renews, "{name}");
        let (before, after) = (read(der, now - days * DAY_MS), read(&answer, now));
        assert_eq!(before.node_id(), after.node_id(), "{name}");
        assert_eq!(after.not_after_ms() > before.not_after_ms(), *renews, "{name}");
        assert_eq!(server.enrol(name, &device_keys(keys), &mut rng).expect("the owner"), answer, "{name}");
    }
}

/// Runs openssl in a directory; what it prints.
fn openssl(home: &Path, arguments: &[&str]) -> Vec<u8> {
    let ran = Command::new("openssl").current_dir(home).args(arguments).output();
    let output = ran.expect("this test needs the program openssl. Remedy: as root, `apt-get install openssl`");
    assert!(output.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Has openssl verify a certificate against the authority's, and read it.
fn check_with_openssl(server: &Server, der: &[u8], name: &str) {
    let home = server.home.path();
    std::fs::write(home.join("authority.pem"), server.get("/authority.pem").body).expect("written");
    std::fs::write(home.join("issued.der"), der).expect("written");
    openssl(home, &["x509", "-inform", "DER", "-in", "issued.der", "-out", "issued.pem"]);
    let said = openssl(home, &["verify", "-CAfile", "authority.pem", "issued.pem"]);
    assert_eq!(String::from_utf8_lossy(&said).trim(), "issued.pem: OK");
    let text = String::from_utf8(openssl(home, &["x509", "-in", "issued.pem", "-noout", "-text"])).expect("text");
    assert!(text.contains(&format!("Subject: CN = {name}")) || text.contains(&format!("Subject: CN={name}")), "{text}");
    assert!(text.contains("rsassaPss") && text.contains("Salt Length: 0x20"), "{text}");
}

#[test]
fn openssl_verifies_what_the_authority_issues() {
    let (server, mut rng) = (Server::start(PROGRAM, &[]), rng(3));
    let der = server.enrol("anna", &device_keys(0), &mut rng).expect("a free name");
    check_with_openssl(&server, &der, "anna");
}

/// PROTOCOL.md is enough: this client shares no code with the server.
#[test]
fn a_client_made_of_openssl_alone_enrols() {
    const KEYS: [(&str, &[u8]); 2] = [
        ("sign.key", include_bytes!("../../protocol/tests/keys/sign-03.der")),
        ("unwrap.key", include_bytes!("../../protocol/tests/keys/unwrap-03.der")),
    ];
    let server = Server::start(PROGRAM, &[]);
    let home = server.home.path();
    KEYS.iter().for_each(|(name, der)| std::fs::write(home.join(name), der).expect("written"));
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let enc_spki = hex(&openssl(home, &["pkey", "-inform", "DER", "-in", "unwrap.key", "-pubout", "-outform", "DER"]));
    let config = format!(
        "[req]\nprompt = no\nutf8 = yes\nstring_mask = utf8only\ndistinguished_name = name\nreq_extensions = wanted\n\
         [name]\nCN = carla\n[wanted]\n1.3.6.1.3.2017.4.2 = DER:{enc_spki}\n"
    );
    std::fs::write(home.join("request.cnf"), config).expect("written");
    let pss = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32", "-sigopt", "rsa_mgf1_md:sha256", "-sha256"];
    let request = ["req", "-new", "-config", "request.cnf", "-key", "sign.key", "-keyform", "DER", "-outform", "DER"];
    let csr = openssl(home, &[&request[..], &pss[..]].concat());
    let begun = server.post("/enrol", &csr);
    assert_eq!(begun.status, 200, "{}", begun.text());
    let json: serde_json::Value = serde_json::from_slice(&begun.body).expect("JSON");
    std::fs::write(home.join("challenge.txt"), json["challenge"].as_str().expect("a challenge")).expect("written");
    std::fs::write(home.join("challenge"), openssl(home, &["base64", "-d", "-A", "-in", "challenge.txt"])).expect("written");
    let label = format!("rsa_oaep_label:{}", hex(b"B4/v1/enrol"));
    let mut decrypt = vec!["pkeyutl", "-decrypt", "-inkey", "unwrap.key", "-keyform", "DER", "-in", "challenge"];
    for option in ["rsa_padding_mode:oaep", "rsa_oaep_md:sha256", "rsa_mgf1_md:sha256", &label] {
        decrypt.extend(["-pkeyopt", option]);
    }
    let opened = openssl(home, &decrypt);
    std::fs::write(home.join("request.der"), &csr).expect("written");
    let hash = openssl(home, &["dgst", "-sha256", "-binary", "request.der"]);
    assert_eq!((opened.len(), &opened[32..]), (64, &hash[..]));
    std::fs::write(home.join("hash"), hash).expect("written");
    let key = format!("hexkey:{}", hex(&opened[..32]));
    let answer = openssl(home, &["dgst", "-sha256", "-mac", "HMAC", "-macopt", &key, "-binary", "hash"]);
    let done = server.post(&format!("/enrol/{}", json["ticket"].as_str().expect("a ticket")), &answer);
    assert_eq!((done.status, done.header("content-type")), (200, "application/pkix-cert"), "{}", done.text());
    check_with_openssl(&server, &done.body, "carla");
}
