//! The relay through its door: a world of real certificates, no sockets.

use b4_protocol::identity::testing::{NOW_MS, TestAuthority, TestDevice, device_keys};
use b4_protocol::signal::relay::{FoundDevice, Presence, UndeliveredReason, proof_message};
use b4_protocol::time::{DAY_MS, HOUR_MS};

use super::*;
use crate::limits::{
    CHALLENGE_MS, FRAMES_BURST, HALF_OPEN_MS, INTRODUCE_PACE, LOOKUP_PACE, PING_AFTER_MS, QUEUE_FORWARD_BYTES,
    WATCHES_PER_CLIENT,
};

const ORIGIN: &str = "https://b4.example";

#[derive(Default)]
struct Names {
    devices: BTreeMap<UserId, Vec<KnownDevice>>,
    broken: bool,
}

impl Directory for Names {
    fn devices(&self, user: &UserId, _: u64) -> Result<Option<Vec<KnownDevice>>, DirectoryError> {
        if self.broken { Err(DirectoryError) } else { Ok(self.devices.get(user).cloned()) }
    }
}

struct World {
    authority: TestAuthority,
    relay: Relay,
    names: Names,
    now: Now,
    next: u64,
    rng: Rng,
}

fn user(name: &str) -> UserId {
    UserId::parse(name).expect("a test's user has a name")
}

impl World {
    fn new(limits: Limits) -> Self {
        let authority = TestAuthority::new([1; 32]);
        let mut rng = Rng::from_seed([2; 32]);
        let list = revocations(&authority, 1, &[]);
        let relay = Relay::new(list, Vec::new(), limits, rng.fork("relay"));
        let now = Now { mono: 1_000_000, wall: NOW_MS };
        Self { authority, relay, names: Names::default(), now, next: 0, rng }
    }

    fn enrol(&mut self, name: &str) -> TestDevice {
        let device = self.authority.issue(name, NOW_MS);
        let (node, certificate) = (*device.certificate.node_id(), device.certificate.der().to_vec());
        self.names.devices.entry(user(name)).or_default().push(KnownDevice { node, certificate });
        device
    }

    /// What the relay does; proofs are verified at once.
    fn give(&mut self, input: Input) -> Vec<Command> {
        let mut commands = self.give_alone(input);
        if let Some(Command::Verify { connection, proof }) = commands.first().cloned() {
            commands.remove(0);
            commands.extend(self.give_alone(Input::Verified { connection, verdict: proof.verify(self.authority.anchor()) }));
        }
        commands
    }

    fn give_alone(&mut self, input: Input) -> Vec<Command> {
        self.relay.handle(input, self.now, &self.names)
    }

    fn after(&mut self, ms: u64) -> Vec<Command> {
        self.now.mono += ms;
        self.now.wall += ms;
        self.give(Input::Tick)
    }

    fn connect_from(&mut self, address: &str) -> (ConnectionId, Vec<Command>) {
        self.next += 1;
        let connection = ConnectionId(self.next);
        let address = address.parse().expect("an address");
        (connection, self.give(Input::Connected { connection, address, origin: ORIGIN.into() }))
    }

    fn challenged(&mut self) -> (ConnectionId, [u8; 32]) {
        let (connection, commands) = self.connect_from("10.0.0.1");
        match &frames(&commands)[..] {
            [(to, RelayFrame::Challenge { nonce })] if *to == connection => (connection, *nonce),
            other => panic!("{other:?}"),
        }
    }

    fn prove(&mut self, connection: ConnectionId, device: &TestDevice, message: &[u8]) -> Vec<Command> {
        let signature = device.keys.signing.sign(&mut self.rng, message);
        let certificate = device.certificate.der().to_vec();
        self.send(connection, &ClientFrame::Prove { certificate, signature })
    }

    fn join_with(&mut self, device: &TestDevice) -> (ConnectionId, Vec<Command>) {
        let (connection, nonce) = self.challenged();
        let message = proof_message(ORIGIN, &nonce, &device.certificate.hash());
        (connection, self.prove(connection, device, &message))
    }

    fn join(&mut self, device: &TestDevice) -> ConnectionId {
        let (connection, commands) = self.join_with(device);
        assert!(matches!(frames(&commands)[0].1, RelayFrame::Welcome { now_ms: NOW_MS.., .. }), "{commands:?}");
        connection
    }

    fn send(&mut self, connection: ConnectionId, frame: &ClientFrame) -> Vec<Command> {
        self.give(Input::Frame { connection, bytes: frame.encode() })
    }

    fn lookup(&mut self, connection: ConnectionId, ticket: u32, watch: bool, name: &str) -> Vec<Command> {
        self.send(connection, &ClientFrame::Lookup { ticket, watch, user: user(name) })
    }
}

fn revocations(authority: &TestAuthority, sequence: u64, serials: &[[u8; 32]]) -> RevocationList {
    let serials = serials.iter().copied().collect();
    let bytes = authority.issuer().sign_revocations(&mut Rng::from_seed([3; 32]), sequence, NOW_MS, &serials);
    RevocationList::decode_verified(&bytes, authority.anchor(), None).expect("a good list")
}

fn frames(commands: &[Command]) -> Vec<(ConnectionId, RelayFrame)> {
    let sent = commands.iter().filter_map(|command| match command {
        Command::Send { connection, bytes } => Some((*connection, RelayFrame::decode(bytes).expect("a good frame"))),
        _ => None,
    });
    sent.collect()
}

fn refused(connection: ConnectionId, ticket: u32, code: RefusalCode) -> impl Fn(&[Command]) -> bool {
    move |commands| {
        let told = frames(commands).iter().any(|(to, frame)| {
            *to == connection
                && matches!(frame, RelayFrame::Refused { ticket: t, code: c, .. } if *t == ticket && *c == code)
        });
        let closed = commands.contains(&Command::Close { connection, code: code.close_code() });
        told && closed == code.ends_connection()
    }
}

fn found(presence: Presence, device: &TestDevice) -> impl Fn(u32) -> RelayFrame {
    let certificate = device.certificate.der().to_vec();
    let devices = vec![FoundDevice { online: presence == Presence::Online, certificate }];
    move |ticket| RelayFrame::Found { ticket, presence, devices: devices.clone() }
}

#[test]
fn a_proof_over_something_else_is_refused() {
    let mut world = World::new(Limits::default());
    let (anna, bert) = (world.enrol("anna"), world.enrol("bert"));
    let hash = anna.certificate.hash();
    type Message = Box<dyn Fn(&[u8; 32]) -> Vec<u8>>;
    let rows: Vec<Message> = vec![
        Box::new(|nonce| nonce.to_vec()),
        Box::new(move |nonce| [nonce.as_slice(), &hash].concat()),
        Box::new(move |nonce| proof_message("https://evil.example", nonce, &hash)),
        Box::new(move |_| proof_message(ORIGIN, &[0; 32], &hash)),
        Box::new(move |nonce| proof_message(ORIGIN, nonce, &[0; 32])),
    ];
    for (number, message) in rows.iter().enumerate() {
        let (connection, nonce) = world.challenged();
        let commands = world.prove(connection, &anna, &message(&nonce));
        assert!(refused(connection, 0, RefusalCode::NotProven)(&commands), "row {number}: {commands:?}");
    }
    let (connection, nonce) = world.challenged();
    let by_bert = TestDevice { certificate: anna.certificate.clone(), keys: bert.keys };
    let commands = world.prove(connection, &by_bert, &proof_message(ORIGIN, &nonce, &hash));
    assert!(refused(connection, 0, RefusalCode::NotProven)(&commands));
    assert_eq!((world.relay.connections(), world.relay.peers()), (0, 0));
}

#[test]
fn a_certificate_that_is_not_good_now_does_not_join() {
    let mut world = World::new(Limits::default());
    let (anna, bert) = (world.enrol("anna"), world.enrol("bert"));
    let stranger = TestAuthority::stranger([1; 32]).issue_for("anna", device_keys(0), NOW_MS);
    let (connection, commands) = world.join_with(&stranger);
    assert!(refused(connection, 0, RefusalCode::CertificateRefused)(&commands));
    let list = revocations(&world.authority, 2, &[bert.certificate.serial_hash()]);
    let _ = world.give(Input::Revocations(list));
    let (connection, commands) = world.join_with(&bert);
    assert!(refused(connection, 0, RefusalCode::Revoked)(&commands));
    world.now.wall += 90 * DAY_MS;
    let (connection, commands) = world.join_with(&anna);
    assert!(refused(connection, 0, RefusalCode::CertificateRefused)(&commands));
}

#[test]
fn nothing_but_a_proof_is_accepted_before_it_and_it_has_ten_seconds() {
    let mut world = World::new(Limits::default());
    let (connection, _) = world.challenged();
    let commands = world.lookup(connection, 7, false, "anna");
    assert!(refused(connection, 7, RefusalCode::NotProven)(&commands));
    let (connection, _) = world.challenged();
    assert_eq!(world.after(CHALLENGE_MS - 1), vec![]);
    assert!(refused(connection, 0, RefusalCode::NotProven)(&world.after(1)));
    assert_eq!(world.relay.next_wake_ms(), None);
}

#[test]
fn while_a_proof_is_verified_its_client_has_all_the_time_and_may_say_nothing_more() {
    let mut world = World::new(Limits::default());
    let (anna, bert) = (world.enrol("anna"), world.enrol("bert"));
    let prove = |world: &mut World, device: &TestDevice| {
        let (connection, nonce) = world.challenged();
        let message = proof_message(ORIGIN, &nonce, &device.certificate.hash());
        let signature = device.keys.signing.sign(&mut world.rng, &message);
        let frame = ClientFrame::Prove { certificate: device.certificate.der().to_vec(), signature };
        let commands = world.give_alone(Input::Frame { connection, bytes: frame.encode() });
        let [Command::Verify { connection: of, proof }] = &commands[..] else { panic!("{commands:?}") };
        assert_eq!(*of, connection);
        (connection, frame, proof.verify(world.authority.anchor()))
    };
    let (a, _, verdict) = prove(&mut world, &anna);
    assert_eq!(world.after(CHALLENGE_MS), vec![]);
    let commands = world.give(Input::Verified { connection: a, verdict: verdict.clone() });
    assert!(matches!(frames(&commands)[..], [(_, RelayFrame::Welcome { .. })]));
    assert_eq!(world.give(Input::Verified { connection: a, verdict }), vec![], "a verdict serves once");
    let (again, frame, _) = prove(&mut world, &bert);
    assert!(refused(again, 0, RefusalCode::Malformed)(&world.send(again, &frame)));
    let (early, _, verdict) = prove(&mut world, &bert);
    assert!(refused(early, 7, RefusalCode::NotProven)(&world.lookup(early, 7, false, "anna")));
    assert_eq!(world.give(Input::Verified { connection: early, verdict }), vec![], "the connection is gone");
    let (late, _, verdict) = prove(&mut world, &bert);
    let list = revocations(&world.authority, 2, &[bert.certificate.serial_hash()]);
    let _ = world.give(Input::Revocations(list));
    let commands = world.give(Input::Verified { connection: late, verdict });
    assert!(refused(late, 0, RefusalCode::Revoked)(&commands));
    assert_eq!((world.relay.connections(), world.relay.peers()), (1, 1));
}

#[test]
fn what_is_not_a_frame_ends_the_connection() {
    let mut world = World::new(Limits::default());
    let anna = world.enrol("anna");
    type Broken = fn(ConnectionId) -> Input;
    let rows: [(Broken, RefusalCode); 4] = [
        (|connection| Input::Frame { connection, bytes: vec![] }, RefusalCode::Malformed),
        (|connection| Input::Frame { connection, bytes: vec![9] }, RefusalCode::Malformed),
        (|connection| Input::Text { connection }, RefusalCode::Malformed),
        (|connection| Input::TooLarge { connection }, RefusalCode::TooLarge),
    ];
    for (input, code) in rows {
        let connection = world.join(&anna);
        let commands = world.give(input(connection));
        assert!(refused(connection, 0, code)(&commands), "{commands:?}");
    }
    let connection = world.join(&anna);
    let again = ClientFrame::Prove { certificate: vec![], signature: vec![] };
    assert!(refused(connection, 0, RefusalCode::Malformed)(&world.send(connection, &again)));
    assert_eq!(world.relay.counters().refusals[..2], [4, 0]);
}

#[test]
fn a_lookup_tells_nobody_away_and_online_apart() {
    let mut world = World::new(Limits::default());
    let (anna, bert) = (world.enrol("anna"), world.enrol("bert"));
    let a = world.join(&anna);
    let nobody = RelayFrame::Found { ticket: 1, presence: Presence::NoSuchName, devices: vec![] };
    assert_eq!(frames(&world.lookup(a, 1, true, "nobody")), [(a, nobody)]);
    assert_eq!(frames(&world.lookup(a, 2, false, "bert")), [(a, found(Presence::Away, &bert)(2))]);
    world.join(&bert);
    assert_eq!(frames(&world.lookup(a, 3, true, "bert")), [(a, found(Presence::Online, &bert)(3))]);
    assert_eq!(world.relay.watches(), 0);
    world.names.broken = true;
    assert!(refused(a, 4, RefusalCode::TooFast)(&world.lookup(a, 4, false, "bert")));
}

#[test]
fn a_watch_fires_once() {
    let mut world = World::new(Limits::default());
    let (anna, bert) = (world.enrol("anna"), world.enrol("bert"));
    let a = world.join(&anna);
    let _ = world.lookup(a, 5, true, "bert");
    let _ = world.lookup(a, 6, true, "bert");
    assert_eq!(world.relay.watches(), 1);
    let (b, commands) = world.join_with(&bert);
    assert_eq!(frames(&commands)[1..], [(a, found(Presence::Online, &bert)(6))]);
    assert_eq!(world.relay.watches(), 0);
    let _ = world.give(Input::Closed { connection: b });
    let (_, commands) = world.join_with(&bert);
    assert_eq!(frames(&commands).len(), 1);
}

#[test]
fn a_watch_ends_with_its_connection_and_after_an_hour() {
    let mut world = World::new(Limits::default());
    let (anna, bert) = (world.enrol("anna"), world.enrol("bert"));
    let a = world.join(&anna);
    let _ = world.lookup(a, 5, true, "bert");
    let _ = world.give(Input::Closed { connection: a });
    assert_eq!(world.relay.watches(), 0);
    let a = world.join(&anna);
    let _ = world.lookup(a, 5, true, "bert");
    for _ in 0..HOUR_MS / PING_AFTER_MS {
        let _ = world.after(PING_AFTER_MS);
        let _ = world.give(Input::Heard { connection: a });
    }
    assert_eq!(frames(&world.join_with(&bert).1).len(), 1);
    let _ = world.after(PING_AFTER_MS);
    assert_eq!(world.relay.watches(), 0);
}

#[test]
fn one_watch_too_many_is_refused_and_the_lookup_answered() {
    let mut world = World::new(Limits::default());
    let anna = world.enrol("anna");
    let a = world.join(&anna);
    let mut last = vec![];
    for number in 0..=WATCHES_PER_CLIENT {
        let name = format!("user{number}");
        world.names.devices.insert(user(&name), vec![]);
        let _ = world.after(20);
        let _ = world.give(Input::Flushed { connection: a, bytes: usize::MAX });
        last = world.lookup(a, 9, true, &name);
    }
    assert_eq!(world.relay.watches(), WATCHES_PER_CLIENT);
    assert_eq!(frames(&last)[0].1, RelayFrame::Found { ticket: 9, presence: Presence::Away, devices: vec![] });
    assert!(refused(a, 9, RefusalCode::TooManyWatches)(&last));
}

#[test]
fn a_body_is_handed_on_under_the_senders_proven_node_id() {
    let mut world = World::new(Limits::default());
    let (anna, bert) = (world.enrol("anna"), world.enrol("bert"));
    let (a, b) = (world.join(&anna), world.join(&bert));
    let (from, to) = (*anna.certificate.node_id(), *bert.certificate.node_id());
    // The body claims another sender in every byte; the relay's word is the connection's own.
    let body = [to.0; 4].concat();
    let commands = world.send(a, &ClientFrame::Forward { to, body: body.clone() });
    assert_eq!(frames(&commands), [(b, RelayFrame::Forwarded { from, body })]);
    let nobody = NodeId([9; 32]);
    let commands = world.send(a, &ClientFrame::Forward { to: nobody, body: vec![] });
    let reason = UndeliveredReason::NotConnected;
    assert_eq!(frames(&commands), [(a, RelayFrame::Undelivered { to: nobody, reason })]);
}

#[test]
fn a_slow_reader_gets_no_more_forwards_and_is_closed_when_its_own_answers_pile_up() {
    let mut world = World::new(Limits::default());
    let (anna, bert) = (world.enrol("anna"), world.enrol("bert"));
    let (a, b) = (world.join(&anna), world.join(&bert));
    let to = *bert.certificate.node_id();
    let body = vec![0; 4_096];
    let mut delivered = 0;
    let last = loop {
        let commands = world.send(a, &ClientFrame::Forward { to, body: body.clone() });
        let _ = world.give(Input::Flushed { connection: a, bytes: usize::MAX });
        match &frames(&commands)[0] {
            (connection, RelayFrame::Forwarded { .. }) if *connection == b => delivered += 1,
            (_, frame) => break frame.clone(),
        }
    };
    assert_eq!(last, RelayFrame::Undelivered { to, reason: UndeliveredReason::QueueFull });
    assert!((1..=1 + QUEUE_FORWARD_BYTES / 4_096).contains(&delivered));
    let _ = world.give(Input::Flushed { connection: b, bytes: usize::MAX });
    let commands = world.send(a, &ClientFrame::Forward { to, body });
    assert!(matches!(frames(&commands)[..], [(_, RelayFrame::Forwarded { .. })]));
    let closed = Command::Close { connection: b, code: CLOSE_POLICY };
    let closed = (0..250).any(|ticket| world.lookup(b, ticket, false, "anna").contains(&closed));
    assert!(closed && world.relay.counters().slow_consumers == 1);
}

#[test]
fn too_many_frames_are_refused_and_the_reader_paused() {
    let mut world = World::new(Limits::default());
    let anna = world.enrol("anna");
    let a = world.join(&anna);
    let interval_ms = Limits::default().frame_pace().interval_ms;
    let mut answers = vec![];
    for ticket in 0..FRAMES_BURST as u32 {
        answers = world.send(a, &ClientFrame::Ping { ticket });
        let _ = world.give(Input::Flushed { connection: a, bytes: usize::MAX });
    }
    // The proof was a frame too, so the last of the burst is one too many.
    let ticket = FRAMES_BURST as u32 - 1;
    assert!(refused(a, ticket, RefusalCode::TooFast)(&answers));
    assert!(answers.contains(&Command::Pause { connection: a, for_ms: interval_ms }));
    let _ = world.after(interval_ms);
    assert_eq!(frames(&world.send(a, &ClientFrame::Ping { ticket: 1 })), [(a, RelayFrame::Pong { ticket: 1 })]);
    let commands = world.give(Input::Heard { connection: a });
    assert_eq!(commands, [Command::Pause { connection: a, for_ms: interval_ms }]);
}

#[test]
fn lookups_and_introductions_have_paces_of_their_own() {
    let mut world = World::new(Limits::default());
    let anna = world.enrol("anna");
    let a = world.join(&anna);
    let turns = |world: &mut World, a: ConnectionId, frame: &ClientFrame| {
        let mut turns = 0;
        loop {
            world.now.mono += 20;
            let _ = world.give(Input::Flushed { connection: a, bytes: usize::MAX });
            let commands = world.send(a, frame);
            if refused(a, 3, RefusalCode::TooFast)(&commands) {
                return turns;
            }
            turns += 1;
        }
    };
    let lookup = ClientFrame::Lookup { ticket: 3, watch: false, user: user("anna") };
    let introduce = ClientFrame::Introduce { ticket: 3, count: 1 };
    let lookups = turns(&mut world, a, &lookup);
    assert!((LOOKUP_PACE.burst..LOOKUP_PACE.burst + 30).contains(&lookups), "{lookups}");
    assert_eq!(turns(&mut world, a, &introduce), INTRODUCE_PACE.burst);
    // Connecting again is no rest.
    let (again, _) = world.join_with(&anna);
    assert!(turns(&mut world, again, &lookup) <= 1);
    assert_eq!(turns(&mut world, again, &introduce), 0);
}

#[test]
fn introductions_are_of_others_each_once_and_of_everybody_in_the_long_run() {
    let mut world = World::new(Limits::default());
    let devices: Vec<_> = (0..6).map(|number| world.enrol(&format!("user{number}"))).collect();
    let connections: Vec<_> = devices.iter().map(|device| world.join(device)).collect();
    let mut seen = BTreeSet::new();
    for round in 0..60 {
        let asker = round % 6;
        let _ = world.after(6_000);
        let _ = world.give(Input::Heard { connection: connections[asker] });
        let _ = world.give(Input::Flushed { connection: connections[asker], bytes: usize::MAX });
        for other in &connections {
            let _ = world.give(Input::Heard { connection: *other });
        }
        let commands = world.send(connections[asker], &ClientFrame::Introduce { ticket: 1, count: 3 });
        let [(_, RelayFrame::Peers { ticket: 1, certificates })] = &frames(&commands)[..] else { panic!("{commands:?}") };
        let distinct: BTreeSet<_> = certificates.iter().cloned().collect();
        assert_eq!((certificates.len(), distinct.len()), (3, 3));
        assert!(!distinct.contains(devices[asker].certificate.der()));
        seen.extend(distinct);
    }
    assert_eq!(seen.len(), 6);
    let commands = world.send(connections[0], &ClientFrame::Introduce { ticket: 2, count: 16 });
    assert!(matches!(&frames(&commands)[..], [(_, RelayFrame::Peers { certificates, .. })] if certificates.len() == 5));
}

#[test]
fn the_newer_connection_of_a_node_wins() {
    let mut world = World::new(Limits::default());
    let (anna, bert) = (world.enrol("anna"), world.enrol("bert"));
    let (older, b) = (world.join(&anna), world.join(&bert));
    let (newer, commands) = world.join_with(&anna);
    assert!(refused(older, 0, RefusalCode::Superseded)(&commands));
    assert_eq!(world.give(Input::Closed { connection: older }), vec![]);
    let to = *anna.certificate.node_id();
    let commands = world.send(b, &ClientFrame::Forward { to, body: vec![1] });
    assert!(matches!(frames(&commands)[..], [(connection, RelayFrame::Forwarded { .. })] if connection == newer));
    assert_eq!(world.relay.peers(), 2);
}

#[test]
fn a_silent_client_is_pinged_then_closed_and_one_that_answers_stays() {
    let mut world = World::new(Limits::default());
    let (anna, bert) = (world.enrol("anna"), world.enrol("bert"));
    let (a, b) = (world.join(&anna), world.join(&bert));
    let pinged = world.after(PING_AFTER_MS);
    assert_eq!(pinged, [Command::Ping { connection: a }, Command::Ping { connection: b }]);
    let _ = world.give(Input::Heard { connection: b });
    let closed = world.after(HALF_OPEN_MS - PING_AFTER_MS);
    assert!(closed.contains(&Command::Close { connection: a, code: CLOSE_AWAY }));
    assert_eq!((world.relay.peers(), world.relay.counters().half_open), (1, 1));
}

#[test]
fn a_certificate_that_ends_or_is_revoked_ends_its_connection() {
    let mut world = World::new(Limits::default());
    let (anna, bert) = (world.enrol("anna"), world.enrol("bert"));
    let (a, b) = (world.join(&anna), world.join(&bert));
    let list = revocations(&world.authority, 2, &[anna.certificate.serial_hash()]);
    assert!(refused(a, 0, RefusalCode::Revoked)(&world.give(Input::Revocations(list))));
    let older = revocations(&world.authority, 1, &[bert.certificate.serial_hash()]);
    assert_eq!(world.give(Input::Revocations(older)), vec![]);
    world.now.wall += 90 * DAY_MS;
    let _ = world.give(Input::Heard { connection: b });
    assert!(refused(b, 0, RefusalCode::CertificateRefused)(&world.after(PING_AFTER_MS)));
}

#[test]
fn connections_are_bounded_in_all_for_one_address_and_in_a_minute() {
    let code = RefusalCode::TooManyConnections;
    let mut world = World::new(Limits { peers_max: 3, connections_per_address: 2, ..Limits::default() });
    let (first, _) = world.connect_from("10.0.0.1");
    let _ = world.connect_from("10.0.0.1");
    let (third, commands) = world.connect_from("10.0.0.1");
    assert!(refused(third, 0, code)(&commands));
    let _ = world.connect_from("10.0.0.2");
    let (fifth, commands) = world.connect_from("10.0.0.3");
    assert!(refused(fifth, 0, code)(&commands));
    let _ = world.give(Input::Closed { connection: first });
    assert!(matches!(frames(&world.connect_from("10.0.0.1").1)[0].1, RelayFrame::Challenge { .. }));
    let mut world = World::new(Limits { connects_per_minute: 2, ..Limits::default() });
    for _ in 0..2 {
        let (connection, _) = world.connect_from("2001:db8::1");
        let _ = world.give(Input::Closed { connection });
    }
    let (connection, commands) = world.connect_from("2001:db8::2");
    assert!(refused(connection, 0, code)(&commands));
    assert_eq!(world.relay.connections(), 0);
}

#[test]
fn a_shutdown_tells_everybody() {
    let mut world = World::new(Limits::default());
    let anna = world.enrol("anna");
    let (a, (b, _)) = (world.join(&anna), world.challenged());
    let commands = world.give(Input::ShutDown);
    assert!(refused(a, 0, RefusalCode::ShuttingDown)(&commands));
    assert!(refused(b, 0, RefusalCode::ShuttingDown)(&commands));
    assert_eq!((world.relay.connections(), world.relay.next_wake_ms()), (0, None));
}

#[test]
fn the_welcome_names_the_ice_servers_and_the_list() {
    let mut world = World::new(Limits::default());
    let ice = vec![IceServer { url: "stun:b4.example".into(), user_name: String::new(), credential: String::new() }];
    world.relay.ice.clone_from(&ice);
    let anna = world.enrol("anna");
    let (connection, commands) = world.join_with(&anna);
    let welcome = RelayFrame::Welcome { now_ms: NOW_MS, revocation_sequence: 1, ice };
    assert_eq!(frames(&commands), [(connection, welcome)]);
}
