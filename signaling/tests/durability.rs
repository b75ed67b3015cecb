//! What the registry keeps when the real program is killed or the disk fails.

mod support;

use std::process::Command;
use std::time::{Duration, Instant};

use b4_protocol::crypto::Rng;
use b4_protocol::identity::UserId;
use b4_protocol::identity::testing::device_keys;
use b4_protocol::signal::relay::{ClientFrame, Presence, RelayFrame};
use support::Server;

const PROGRAM: &str = env!("CARGO_BIN_EXE_b4-signaling");
/// Tests enrol faster than people.
const UNHURRIED: [&str; 2] = ["--enrolments-per-hour", "1000000"];

fn rng(seed: usize) -> Rng {
    Rng::from_seed([seed as u8; 32])
}

#[test]
fn names_survive_a_kill_right_after_the_answer() {
    let mut server = Server::start(PROGRAM, &[]);
    let names: Vec<String> = (0..6).map(|number| format!("user{number}")).collect();
    for round in 0..3 {
        for (number, name) in names.iter().enumerate().skip(round * 2).take(2) {
            server.enrol(name, &device_keys(number), &mut rng(number)).expect("a free name");
        }
        server.signal("KILL");
        assert!(!server.wait().success());
        server.restart();
        for name in &names[..round * 2 + 2] {
            assert_eq!(server.name_state(name), "taken");
        }
    }
    assert_eq!(server.name_state("user6"), "free");
}

/// Enrols name after name with the same keys until the server is gone; the certificates that were answered, by name.
fn race(server: &Server, round: usize, keys: usize) -> Vec<(String, Vec<u8>)> {
    let (mut rng, mut won) = (rng(keys), Vec::new());
    for number in 0.. {
        let name = format!("round{round}.{number}");
        match server.try_enrol(&name, &device_keys(keys), &mut rng, &[]) {
            Some(Ok(der)) => won.push((name, der)),
            Some(Err(answer)) => assert_eq!(answer.refusal().1, "taken"),
            None => break,
        }
    }
    won
}

#[test]
fn a_kill_in_the_middle_of_a_race_loses_no_answered_name_and_gives_none_to_two_keys() {
    let mut server = Server::start(PROGRAM, &UNHURRIED);
    let mut kept = Vec::new();
    for round in 0..3 {
        let [first, second] = std::thread::scope(|scope| {
            let racers = [round * 2, round * 2 + 1].map(|keys| scope.spawn({
                let server = &server;
                move || race(server, round, keys)
            }));
            std::thread::sleep(Duration::from_millis(1_500 + 137 * round as u64));
            server.signal("KILL");
            racers.map(|racer| racer.join().expect("the thread ends"))
        });
        assert!(!server.wait().success());
        server.restart();
        let names: Vec<_> = first.iter().chain(&second).map(|(name, _)| name.clone()).collect();
        assert!(!names.is_empty(), "nothing was answered before the kill");
        assert!(first.iter().all(|(name, _)| second.iter().all(|(other, _)| other != name)), "a name was given twice");
        for (keys, won) in [(round * 2, first), (round * 2 + 1, second)] {
            kept.extend(won.into_iter().map(|(name, der)| (name, keys, der)));
        }
        // What was under way under the kill is one's or nobody's.
        let next = format!("round{round}.{}", names.len());
        let both = [0, 1].map(|side| server.enrol(&next, &device_keys(round * 2 + side), &mut rng(9)).is_ok());
        assert_ne!(both[0], both[1], "{next}");
    }
    for (name, keys, der) in &kept {
        assert_eq!(server.enrol(name, &device_keys(*keys), &mut rng(8)).expect("the owner"), *der, "{name}");
        let other = server.enrol(name, &device_keys(keys ^ 1), &mut rng(8)).expect_err("another key");
        assert_eq!(other.refusal(), (409, "taken".to_owned()), "{name}");
    }
}

/// Lets the process write only the first bytes of each file, as a full disk would, or everything again.
fn limit_writes(server: &Server, limit: &str) {
    let mut prlimit = Command::new("prlimit");
    prlimit.arg(format!("--pid={}", server.child.id())).arg(format!("--fsize={limit}"));
    assert!(prlimit.status().expect("prlimit, of util-linux, is there").success());
}

/// Waits until `GET /healthz` is 200.
fn until_well(server: &Server) {
    let begun = Instant::now();
    while server.get("/healthz").status != 200 {
        assert!(begun.elapsed() < Duration::from_secs(10), "the server does not recover");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[tokio::test]
async fn a_disk_that_takes_no_more_is_a_typed_failure_that_loses_nothing_and_passes() {
    let home = support::prepared();
    // A write over the limit is to fail instead of ending the process.
    let wrapper = home.path().join("unkilled.sh");
    std::fs::write(&wrapper, format!("trap '' XFSZ\nexec '{PROGRAM}' \"$@\"\n")).expect("written");
    // The log is on the same disk.
    std::fs::write(home.path().join("log"), vec![b'\n'; 8_192]).expect("written");
    let mut server = Server::start_logged_in(wrapper, home, &UNHURRIED, "info");
    let (mut rng, anna, bert) = (rng(1), device_keys(0), device_keys(1));
    let der = server.enrol("anna", &anna, &mut rng).expect("a free name");
    limit_writes(&server, "4096:");
    for _ in 0..3 {
        let answer = server.enrol("bert", &bert, &mut rng).expect_err("the disk is full");
        assert_eq!(answer.refusal(), (503, "unavailable".to_owned()));
        assert!(answer.header("retry-after").parse::<u64>().expect("seconds") >= 1);
    }
    limit_writes(&server, "unlimited:unlimited");
    until_well(&server);
    assert_eq!((server.name_state("anna").as_str(), server.name_state("bert").as_str()), ("taken", "free"));
    assert_eq!(server.enrol("anna", &anna, &mut rng).expect("the owner"), der);
    let theirs = server.enrol("bert", &bert, &mut rng).expect("a free name");
    let mut socket = server.join(&der, &anna, &mut rng).await;
    let user = UserId::parse("bert").expect("a name");
    socket.send(&ClientFrame::Lookup { ticket: 1, watch: false, user }).await;
    let found = socket.frame().await;
    assert!(matches!(&found, RelayFrame::Found { presence: Presence::Away, devices, .. } if devices[0].certificate == theirs));
    server.signal("KILL");
    server.wait();
    server.restart();
    assert_eq!((server.name_state("anna").as_str(), server.name_state("bert").as_str()), ("taken", "taken"));
}
