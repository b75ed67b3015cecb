//! The relay against the real program over real sockets.

mod support;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use b4_protocol::crypto::Rng;
use b4_protocol::identity::testing::{DEVICES_MAX, TestAuthority, device_keys};
use b4_protocol::identity::{NodeId, UserId};
use b4_protocol::signal::relay::{ClientFrame, Presence, RefusalCode, RelayFrame, UndeliveredReason};
use b4_signaling::clock::wall_ms;
use b4_signaling::limits::{FRAMES_BURST, HEAD_BYTES_MAX, HTTP_CONNECTIONS_PER_ADDRESS, REQUEST_MS};
use futures_util::StreamExt as _;
use support::Server;
use tokio_tungstenite::tungstenite::Message;

const PROGRAM: &str = env!("CARGO_BIN_EXE_b4-signaling");
const SOON: Duration = Duration::from_secs(10);

fn user(name: &str) -> UserId {
    UserId::parse(name).expect("a name")
}

fn node(certificate: &[u8]) -> NodeId {
    let anchor = TestAuthority::new([1; 32]).anchor().clone();
    *anchor.verify(certificate, wall_ms(), None).expect("a good certificate").node_id()
}

#[tokio::test]
async fn two_who_enrolled_find_each_other_and_hand_bodies_over() {
    let ice = ["--ice", "stun:127.0.0.1:3478", "--ice", "turns:127.0.0.1:5349,anna,secret"];
    let (server, mut rng) = (Server::start(PROGRAM, &ice), Rng::from_seed([1; 32]));
    let (keys_a, keys_b) = (device_keys(0), device_keys(1));
    let anna = server.enrol("anna", &keys_a, &mut rng).expect("a free name");
    let bert = server.enrol("bert", &keys_b, &mut rng).expect("a free name");
    let mut a = server.join(&anna, &keys_a, &mut rng).await;
    let Some(RelayFrame::Welcome { now_ms, revocation_sequence, ice }) = &a.welcome else { panic!("{:?}", a.welcome) };
    assert!(now_ms.abs_diff(wall_ms()) < 60_000 && revocation_sequence.abs_diff(wall_ms() / 1_000) < 60);
    let told = ice.iter().map(|server| (server.url.as_str(), server.user_name.as_str(), server.credential.as_str()));
    assert!(told.eq([("stun:127.0.0.1:3478", "", ""), ("turns:127.0.0.1:5349", "anna", "secret")]), "{ice:?}");
    a.send(&ClientFrame::Lookup { ticket: 1, watch: true, user: user("bert") }).await;
    let away = a.frame().await;
    assert!(matches!(&away, RelayFrame::Found { ticket: 1, presence: Presence::Away, devices } if devices[0].certificate == bert));
    let mut b = server.join(&bert, &keys_b, &mut rng).await;
    let here = a.frame().await;
    assert!(matches!(&here, RelayFrame::Found { ticket: 1, presence: Presence::Online, devices } if devices[0].online));
    a.send(&ClientFrame::Forward { to: node(&bert), body: b"sealed".to_vec() }).await;
    assert_eq!(b.frame().await, RelayFrame::Forwarded { from: node(&anna), body: b"sealed".to_vec() });
    b.send(&ClientFrame::Forward { to: node(&anna), body: vec![7; 4_096] }).await;
    assert_eq!(a.frame().await, RelayFrame::Forwarded { from: node(&bert), body: vec![7; 4_096] });
    a.send(&ClientFrame::Introduce { ticket: 2, count: 16 }).await;
    assert_eq!(a.frame().await, RelayFrame::Peers { ticket: 2, certificates: vec![bert] });
    a.send(&ClientFrame::Ping { ticket: 3 }).await;
    assert_eq!(a.frame().await, RelayFrame::Pong { ticket: 3 });
    let metrics = server.get("/metrics").text();
    assert!(metrics.contains("\nb4_relay_peers 2\n") && metrics.contains("\nb4_relay_forwards_total 2\n"), "{metrics}");
    assert_eq!(server.get("/healthz").text(), "ok\n");
}

#[tokio::test]
async fn a_page_of_another_origin_is_not_let_in() {
    let server = Server::start(PROGRAM, &[]);
    assert_eq!(server.socket("https://evil.example").await.err(), Some(403));
    assert_eq!(server.socket("null").await.err(), Some(403));
    assert_eq!(server.socket("").await.err(), Some(403));
    let refused = server.get_as("/relay", &[("Origin", "https://evil.example")]).refusal();
    assert_eq!(refused, (403, "wrong-origin".to_owned()));
    assert!(server.socket(&server.origin()).await.is_ok());
    let listed = Server::start(PROGRAM, &["--origin", "https://b4.example"]);
    assert!(listed.socket("https://b4.example").await.is_ok());
    assert_eq!(listed.socket(&listed.origin()).await.err(), Some(403));
}

#[tokio::test]
async fn what_breaks_the_rules_is_refused_with_its_code_and_closed() {
    let (server, mut rng) = (Server::start(PROGRAM, &[]), Rng::from_seed([2; 32]));
    let keys = device_keys(0);
    let anna = server.enrol("anna", &keys, &mut rng).expect("a free name");
    let rows = [
        (Message::Binary(vec![0xff].into()), RefusalCode::Malformed),
        (Message::Text("hello".into()), RefusalCode::Malformed),
        (Message::Binary(vec![3; 6_145].into()), RefusalCode::TooLarge),
    ];
    for (message, code) in rows {
        let mut socket = server.join(&anna, &keys, &mut rng).await;
        socket.raw(message).await;
        let refused = RelayFrame::Refused { ticket: 0, code, retry_after_ms: 0 };
        assert_eq!(socket.end(SOON).await, (vec![refused], Some(code.close_code())));
    }
    let mut older = server.join(&anna, &keys, &mut rng).await;
    let mut newer = server.join(&anna, &keys, &mut rng).await;
    assert_eq!(older.end(SOON).await.1, Some(4_008));
    newer.send(&ClientFrame::Ping { ticket: 1 }).await;
    assert_eq!(newer.frame().await, RelayFrame::Pong { ticket: 1 });
    // A signature over the bare challenge proves nothing.
    let mut socket = server.socket(&server.origin()).await.expect("our own origin");
    let RelayFrame::Challenge { nonce } = socket.frame().await else { panic!("a challenge comes first") };
    let signature = keys.signing.sign(&mut rng, &nonce);
    socket.send(&ClientFrame::Prove { certificate: anna.clone(), signature }).await;
    assert_eq!(socket.end(SOON).await.1, Some(4_002));
    // A message far over the bound is not read at all; the server lives on.
    let mut socket = server.join(&anna, &keys, &mut rng).await;
    let _ = futures_util::SinkExt::send(&mut socket.stream, Message::Binary(vec![3; 1 << 20].into())).await;
    let (frames, _) = socket.end(SOON).await;
    assert!(frames.is_empty());
    assert_eq!(server.get("/healthz").status, 200);
}

#[tokio::test]
async fn a_client_that_is_too_fast_is_told_so_with_a_time_and_stays() {
    let (server, mut rng) = (Server::start(PROGRAM, &["--frames-per-second", "20"]), Rng::from_seed([7; 32]));
    let keys = device_keys(0);
    let anna = server.enrol("anna", &keys, &mut rng).expect("a free name");
    let mut socket = server.join(&anna, &keys, &mut rng).await;
    let sent = u32::try_from(FRAMES_BURST).expect("small") + 40;
    for ticket in 1..=sent {
        socket.send(&ClientFrame::Ping { ticket }).await;
    }
    let (mut answered, mut refused) = (0, 0);
    while answered + refused < sent {
        match socket.frame().await {
            RelayFrame::Pong { .. } => answered += 1,
            RelayFrame::Refused { ticket: 1.., code: RefusalCode::TooFast, retry_after_ms: 1..=50 } => refused += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(refused >= 1 && u64::from(answered) >= FRAMES_BURST - 1, "{answered} answered, {refused} refused");
    tokio::time::sleep(Duration::from_millis(200)).await;
    socket.send(&ClientFrame::Ping { ticket: 0 }).await;
    assert_eq!(socket.frame().await, RelayFrame::Pong { ticket: 0 });
}

#[tokio::test]
async fn a_peer_that_does_not_read_costs_bounded_memory_and_the_sender_is_told() {
    let (server, mut rng) = (Server::start(PROGRAM, &["--frames-per-second", "1000"]), Rng::from_seed([8; 32]));
    let (keys_a, keys_b) = (device_keys(0), device_keys(1));
    let anna = server.enrol("anna", &keys_a, &mut rng).expect("a free name");
    let bert = server.enrol("bert", &keys_b, &mut rng).expect("a free name");
    let mut a = server.join(&anna, &keys_a, &mut rng).await;
    let _b = server.join(&bert, &keys_b, &mut rng).await;
    let (to, before) = (node(&bert), server.resident_bytes());
    let (begun, mut undelivered) = (Instant::now(), None);
    while undelivered.is_none() {
        assert!(begun.elapsed() < Duration::from_secs(60), "the queue never filled");
        for _ in 0..16 {
            a.send(&ClientFrame::Forward { to, body: vec![7; 4_096] }).await;
        }
        while let Ok(Some(message)) = tokio::time::timeout(Duration::from_millis(17), a.stream.next()).await {
            if let Message::Binary(bytes) = message.expect("the sender's socket stays") {
                match RelayFrame::decode(&bytes).expect("a good frame") {
                    RelayFrame::Undelivered { reason, .. } => undelivered = Some(reason),
                    RelayFrame::Refused { code: RefusalCode::TooFast, .. } => {}
                    other => panic!("{other:?}"),
                }
            }
        }
    }
    assert_eq!(undelivered, Some(UndeliveredReason::QueueFull));
    let grown = server.resident_bytes().saturating_sub(before);
    assert!(grown < 4 * 1_024 * 1_024, "the server grew by {grown} bytes");
    assert_eq!(server.get("/healthz").status, 200);
}

#[tokio::test]
async fn one_address_has_so_many_connections() {
    let server = Server::start(PROGRAM, &["--connections-per-address", "2"]);
    let mut held = vec![];
    for _ in 0..2 {
        let mut socket = server.socket(&server.origin()).await.expect("our own origin");
        assert!(matches!(socket.frame().await, RelayFrame::Challenge { .. }));
        held.push(socket);
    }
    let mut third = server.socket(&server.origin()).await.expect("a socket, to be told why");
    let (frames, code) = third.end(SOON).await;
    assert!(matches!(frames[..], [RelayFrame::Refused { code: RefusalCode::TooManyConnections, .. }]));
    assert_eq!(code, Some(4_007));
}

#[tokio::test]
async fn behind_a_proxy_its_word_is_the_address() {
    let server = Server::start(PROGRAM, &["--behind-proxy", "--names-per-hour", "1"]);
    let ask = |hops: &str| server.get_as("/names/anna", &[("X-Forwarded-For", hops)]).status;
    assert_eq!((ask("10.0.0.1"), ask("6.6.6.6, 10.0.0.1"), ask("10.0.0.1, 10.0.0.2")), (200, 429, 200));
    let server = Server::start(PROGRAM, &["--names-per-hour", "1"]);
    let ask = |hops: &str| server.get_as("/names/anna", &[("X-Forwarded-For", hops)]).status;
    assert_eq!((ask("10.0.0.1"), ask("10.0.0.2")), (200, 429));
}

#[tokio::test]
async fn a_revoked_client_is_put_out_while_connected() {
    let (server, mut rng) = (Server::start(PROGRAM, &[]), Rng::from_seed([3; 32]));
    let keys = device_keys(0);
    let anna = server.enrol("anna", &keys, &mut rng).expect("a free name");
    let mut socket = server.join(&anna, &keys, &mut rng).await;
    let revoke = std::process::Command::new(PROGRAM).args(["revoke", "anna", "--data"]).arg(server.data()).status();
    assert!(revoke.expect("the program runs").success());
    assert_eq!(socket.end(SOON).await.1, Some(4_004));
}

/// Opens the relay's socket by hand: nothing answers the server's pings.
fn silent_socket(server: &Server) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).expect("the server listens");
    let head = format!(
        "GET /relay HTTP/1.1\r\nHost: {0}\r\nOrigin: http://{0}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        server.address
    );
    stream.write_all(head.as_bytes()).expect("sent");
    stream
}

/// Reads until the server closes; how long that took.
fn until_closed(mut stream: TcpStream, at_most: Duration) -> Duration {
    let begun = Instant::now();
    stream.set_read_timeout(Some(at_most)).expect("set");
    let mut bytes = Vec::new();
    if let Err(error) = stream.read_to_end(&mut bytes) {
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}");
    }
    begun.elapsed()
}

/// That the server closes a connection ten seconds after it has fallen behind, give or take.
fn closed_in_time(stream: TcpStream) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let took = until_closed(stream, Duration::from_secs(30));
        assert!((Duration::from_secs(8)..Duration::from_secs(22)).contains(&took), "{took:?}");
    })
}

#[test]
fn a_client_that_never_proves_itself_and_ones_with_slow_or_no_headers_are_closed() {
    let server = Server::start(PROGRAM, &[]);
    let connect = |sent: &[u8]| {
        let mut stream = TcpStream::connect(server.address).expect("the server listens");
        stream.write_all(sent).expect("sent");
        stream
    };
    let slow = connect(b"GET / HTTP/1.1\r\nHost: ");
    let mut dripping = slow.try_clone().expect("a second handle");
    let drip = std::thread::spawn(move || {
        while dripping.write_all(b"a").is_ok() {
            std::thread::sleep(Duration::from_millis(500));
        }
    });
    let kept_alive = connect(b"GET /healthz HTTP/1.1\r\nHost: b4\r\n\r\n");
    for closed in [silent_socket(&server), slow, connect(b""), kept_alive].map(closed_in_time) {
        closed.join().expect("closed in time");
    }
    drip.join().expect("the thread ends");
}

#[test]
fn a_request_that_does_not_end_or_whose_head_is_too_large_is_answered() {
    let server = Server::start(PROGRAM, &[]);
    let status = |sent: &[u8], wait: u64| {
        let mut stream = TcpStream::connect(server.address).expect("the server listens");
        stream.write_all(sent).expect("sent");
        stream.set_read_timeout(Some(Duration::from_secs(wait))).expect("set");
        let mut status = [0; 12];
        stream.read_exact(&mut status).expect("an answer");
        String::from_utf8_lossy(&status).into_owned()
    };
    let large = format!("GET / HTTP/1.1\r\nHost: b4\r\nCookie: {}\r\n\r\n", "a".repeat(HEAD_BYTES_MAX));
    assert_eq!(status(large.as_bytes(), 5), "HTTP/1.1 431");
    let endless = b"POST /enrol HTTP/1.1\r\nHost: b4\r\nContent-Length: 9\r\n\r\nx";
    assert_eq!(status(endless, REQUEST_MS / 1_000 + 5), "HTTP/1.1 408");
}

#[test]
fn a_client_that_stops_in_the_middle_of_its_request_is_no_failure_of_ours() {
    let server = Server::start_logged(PROGRAM, &[], "error");
    let mut cut = TcpStream::connect(server.address).expect("the server listens");
    cut.write_all(b"POST /enrol HTTP/1.1\r\nHost: b4\r\nContent-Length: 9\r\n\r\nx").expect("sent");
    cut.shutdown(std::net::Shutdown::Write).expect("shut");
    let mut said = String::new();
    cut.read_to_string(&mut said).expect("an answer");
    assert!(said.starts_with("HTTP/1.1 400"), "{said}");
    assert_eq!(std::fs::read_to_string(server.home.path().join("log")).expect("readable"), "");
}

#[test]
fn one_address_has_so_many_open_sockets_whatever_is_said_on_them() {
    let server = Server::start(PROGRAM, &["--connections-per-address", "2"]);
    let connect = || TcpStream::connect(server.address).expect("the system accepts");
    let held: Vec<_> = (0..HTTP_CONNECTIONS_PER_ADDRESS + 2).map(|_| connect()).collect();
    assert!(until_closed(connect(), Duration::from_secs(5)) < Duration::from_secs(2));
    drop(held);
    let begun = Instant::now();
    while TcpStream::connect(server.address).is_ok_and(|mut stream| {
        let _ = stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: b4\r\n\r\n");
        stream.read_exact(&mut [0; 12]).is_err()
    }) {
        assert!(begun.elapsed() < SOON, "places are not given back");
    }
}

#[tokio::test]
async fn a_half_open_socket_is_closed_and_one_that_answers_pings_stays() {
    let (server, mut rng) = (Server::start(PROGRAM, &[]), Rng::from_seed([5; 32]));
    let (keys_a, keys_b) = (device_keys(0), device_keys(1));
    let mut authority = TestAuthority::new([1; 32]);
    let now = wall_ms();
    let anna = authority.issue_for("anna", keys_a.clone(), now).certificate.der().to_vec();
    let bert = authority.issue_for("bert", keys_b.clone(), now).certificate.der().to_vec();
    let mut silent = server.join(&anna, &keys_a, &mut rng).await;
    let mut alive = server.join(&bert, &keys_b, &mut rng).await;
    // Reading is what answers pings: one reads, the other does not.
    let reading = tokio::spawn(async move {
        let end = tokio::time::timeout(Duration::from_secs(34), alive.end(Duration::from_secs(40))).await;
        assert!(end.is_err(), "the one that answers was closed: {end:?}");
        alive
    });
    tokio::time::sleep(Duration::from_secs(33)).await;
    let metrics = server.get("/metrics").text();
    assert!(metrics.contains("\nb4_relay_half_open_total 1\n") && metrics.contains("\nb4_relay_peers 1\n"), "{metrics}");
    assert_eq!(silent.end(SOON).await.1, Some(1_001));
    let mut alive = reading.await.expect("the task ends");
    alive.send(&ClientFrame::Ping { ticket: 9 }).await;
    assert_eq!(alive.frame().await, RelayFrame::Pong { ticket: 9 });
}

#[tokio::test]
async fn an_idle_peer_costs_under_32_kilobytes() {
    const PEERS: usize = 150;
    let flags = ["--connects-per-minute", "1000"];
    let (server, mut rng) = (Server::start(PROGRAM, &flags), Rng::from_seed([6; 32]));
    let mut authority = TestAuthority::new([1; 32]);
    let now = wall_ms();
    let mut peers = vec![];
    let mut resident = 0;
    for number in 0..PEERS + 8 {
        let device = authority.issue_for(&format!("user{number}"), device_keys(number % DEVICES_MAX), now);
        let mut socket = server.join(device.certificate.der(), &device.keys, &mut rng).await;
        // Reading is what answers pings.
        peers.push(tokio::spawn(async move { while let Some(Ok(_)) = socket.stream.next().await {} }));
        if number == 7 {
            // The first few pay for what all share.
            resident = server.resident_bytes();
        }
    }
    let each = server.resident_bytes().saturating_sub(resident) / PEERS as u64;
    assert!(each < 32 * 1_024, "{each} bytes a peer");
    assert!(server.get("/metrics").text().contains(&format!("\nb4_relay_peers {}\n", PEERS + 8)));
}
