//! Enemies with a certificate among people in a ring, after the relay has died: what they forge is not believed, and what has not the
//! form of a message costs them the link.

mod people;

use b4_protocol::crypto::{KeyOp, Rng, sha256};
use b4_protocol::directory::{Presence, UserRecord, pair, sequence_at};
use b4_protocol::identity::testing::TestDevice;
use b4_protocol::node::{Command, Direction};
use b4_protocol::ring::{Aim, Message, PathId, RingId, Route, Service, Side};
use b4_protocol::session::{Content, LIVE, RING};
use b4_protocol::time::DAY_MS;
use b4_simulator::{DiskFault, NodeIndex, World, WorldConfig, honest_hello};
use people::{NAMES, add, arrives, place, responsible};

/// People linked to all, and one enemy linked to all of them; no relay any more.
struct Stage {
    world: World,
    people: Vec<NodeIndex>,
    enemy: NodeIndex,
    device: TestDevice,
}

/// `first_of`: the enemy is the first whom the key of this person belongs to.
fn stage(seed: u64, names: &[&str], first_of: Option<usize>) -> Stage {
    let mut world = World::new(WorldConfig { seed, ..WorldConfig::default() });
    let people: Vec<NodeIndex> = names.iter().map(|name| world.add(name)).collect();
    world.run_for(15_000);
    let places: Vec<RingId> = people.iter().map(|node| place(&world, *node)).collect();
    let key = first_of.map(|owner| RingId::of_user(&world.user(people[owner])));
    let is_first = |me: RingId| key.is_none_or(|key| places.iter().all(|other| key.clockwise_to(me) < key.clockwise_to(*other)));
    // Nobody can choose a place; a test can have another certificate.
    let device = (0..100).map(|number| world.insider(&format!("mallory{number}"))).find(|device| is_first(RingId::of_node(device.certificate.node_id())));
    let device = device.expect("one of a hundred stands there");
    let enemy = world.hostile(device.clone(), honest_hello(RingId::of_node(device.certificate.node_id()), &places));
    for node in &people {
        world.hostile_dials(enemy, *node);
        world.run_for(1_000);
    }
    world.run_for(5_000);
    assert!(people.iter().all(|node| world.is_hostile_up(enemy, *node)), "taken for one of them");
    world.kill_relay();
    world.run_for(2_000);
    Stage { world, people, enemy, device }
}

impl Stage {
    fn asks(&mut self, of: NodeIndex, service: Service, aim: Aim, key: RingId, body: Vec<u8>) -> Option<Vec<u8>> {
        let path = PathId(self.world.hostile_heard(self.enemy).len() as u64 + 1_000);
        let route = Route { number: 1, path, service, aim, ttl: 31, hops: 1, key, suspects: Vec::new(), avoid: Vec::new(), body };
        self.world.hostile_says(self.enemy, of, &Message::Route(Box::new(route)));
        self.world.run_for(1_000);
        let mut heard = self.world.hostile_heard(self.enemy).iter();
        heard.find_map(|(_, message)| match message {
            Message::Reply { path: of, answer } if *of == path => Some(answer.body.clone()),
            _ => None,
        })
    }

    fn sign(device: &TestDevice, op: &KeyOp) -> Vec<u8> {
        device.keys.perform(&mut Rng::from_seed([3; 32]), op).expect("keys sign").to_vec()
    }

    /// A record of `of`'s certificate, signed by `by`.
    fn record(of: &TestDevice, by: &TestDevice, sequence: u64) -> Vec<u8> {
        let draft = UserRecord::draft(sequence, &[&of.certificate]);
        let signature = Self::sign(by, &draft.key_op());
        draft.finish(&signature)
    }

    /// A presence of the user of `of` at `at`, signed by `by`.
    fn presence(of: &TestDevice, at: &TestDevice, by: &TestDevice, sequence: u64, wall_ms: u64) -> Vec<u8> {
        let user = sha256(&[of.certificate.user_id().as_str().as_bytes()]);
        let draft = Presence::draft(user, sequence, &[*at.certificate.node_id()], wall_ms);
        let signature = Self::sign(by, &draft.key_op());
        draft.finish(&signature)
    }
}

#[test]
fn no_holder_keeps_what_is_forged_expired_older_or_of_somebody_else() {
    let mut stage = stage(1, &NAMES, None);
    let bela = stage.world.device(stage.people[1]).clone();
    let mallory = stage.device.clone();
    let (key, wall_ms) = (RingId::of_user(bela.certificate.user_id()), stage.world.now().wall);
    let holder = responsible(&stage.world, &stage.people, key)[0];
    let kept = stage.asks(holder, Service::Lookup, Aim::Any, key, Vec::new()).expect("the holder answers");
    assert!(kept.len() > 2_000, "record and presence");
    let (newer, older) = (sequence_at(wall_ms + DAY_MS, 0, &mut Rng::from_seed([1; 32])), 5);
    let expired = stage.world.expired("bela");
    let at_mallory = Stage::presence(&bela, &mallory, &mallory, newer, wall_ms);
    let of_mallory = Stage::presence(&mallory, &mallory, &mallory, newer, wall_ms);
    let forgeries = [
        ("a record with another's signature", pair(&Stage::record(&bela, &mallory, newer), &[])),
        ("another's record at this key", pair(&Stage::record(&mallory, &mallory, newer), &of_mallory)),
        ("a record of a certificate that has ended", pair(&Stage::record(&expired, &expired, newer), &[])),
        ("an older record", pair(&Stage::record(&bela, &bela, older), &[])),
        ("a presence with another's signature", pair(&[], &at_mallory)),
        ("a presence of another", pair(&[], &of_mallory)),
        ("an older presence", pair(&[], &Stage::presence(&bela, &bela, &bela, older, wall_ms))),
        ("a presence of another day", pair(&[], &Stage::presence(&bela, &bela, &bela, newer, wall_ms + DAY_MS))),
        ("nothing of the form", vec![1, 2, 3]),
    ];
    for (what, forgery) in forgeries {
        let verdict = Some(vec![if what.starts_with("an older") { 2 } else { 1 }]);
        let published = [&[0], forgery.as_slice()].concat();
        assert_eq!(stage.asks(holder, Service::Publish, Aim::Any, key, published), verdict, "{what} is not taken");
        let copy = [&key.0.to_be_bytes()[..], &[1], &forgery].concat();
        let to = place(&stage.world, holder);
        assert_eq!(stage.asks(holder, Service::Copy, Aim::Node, to, copy), verdict, "{what} is not taken as a copy");
        assert_eq!(stage.asks(holder, Service::Lookup, Aim::Any, key, Vec::new()).as_ref(), Some(&kept), "{what} changes nothing");
    }
    assert!(add(&mut stage.world, stage.people[4], stage.people[1], 15_000));
    assert!(stage.world.is_hostile_up(stage.enemy, holder), "a body that is refused is no breach of the ring's form");
}

#[test]
fn a_wrong_answer_to_a_lookup_is_not_believed_and_others_are_asked() {
    let mut stage = stage(2, &NAMES, Some(7));
    let hana = stage.world.device(stage.people[7]).clone();
    let mallory = stage.device.clone();
    let wall_ms = stage.world.now().wall;
    let sequence = sequence_at(wall_ms, 0, &mut Rng::from_seed([1; 32]));
    let own = pair(&Stage::record(&mallory, &mallory, sequence), &Stage::presence(&mallory, &mallory, &mallory, sequence, wall_ms));
    let forged = pair(&Stage::record(&hana, &mallory, sequence), &Stage::presence(&hana, &mallory, &mallory, sequence, wall_ms));
    let lies = [("its own record", own), ("a forged one", forged), ("no record", pair(&[], &[])), ("noise", vec![7; 300]), ("nothing", Vec::new())];
    // Those of the first three would answer themselves.
    let key = RingId::of_user(hana.certificate.user_id());
    let askers = responsible(&stage.world, &stage.people[..7], key).split_off(2);
    for (asker, (what, lie)) in askers.into_iter().zip(lies) {
        stage.world.hostile_answers(stage.enemy, Service::Lookup, lie);
        assert!(add(&mut stage.world, asker, stage.people[7], 15_000), "found in spite of {what}");
        arrives(&mut stage.world, asker, stage.people[7], what, 10_000);
        assert_eq!(stage.world.seen(asker).contacts.len(), 1, "{what}: and nobody else");
    }
    let asked = stage.world.hostile_heard(stage.enemy).iter();
    let lookups = asked.filter(|(_, message)| matches!(message, Message::Route(route) if route.service == Service::Lookup)).count();
    assert!(lookups >= 5, "it was asked, {lookups} times");
}

/// What an enemy names beside itself, new ones each time.
fn made_up(rng: &mut Rng, me: RingId) -> [Vec<RingId>; 2] {
    let mut named: Vec<RingId> = (0..15).map(|_| RingId(u128::from_be_bytes(rng.array()))).collect();
    Side::BOTH.map(|side| {
        named.sort_by_key(|id| side.way(me, *id));
        named.clone()
    })
}

#[test]
fn while_one_neighbour_makes_others_up_everybody_is_found_and_nobody_loses_a_link() {
    for seed in 3..9 {
        let mut stage = stage(seed, &NAMES, None);
        let me = RingId::of_node(stage.device.certificate.node_id());
        let before: usize = stage.world.connections_made().values().sum();
        let mut rng = Rng::from_seed([seed as u8; 32]);
        let mut links = stage.people.iter().map(|node| place(&stage.world, *node)).collect::<Vec<_>>();
        links.sort();
        for round in 0..6 {
            let near = made_up(&mut rng, me);
            for node in stage.people.clone() {
                for side in Side::BOTH {
                    stage.world.hostile_says(stage.enemy, node, &Message::Near { side, list: near[side as usize].clone() });
                }
            }
            // In odd worlds it says that it is linked to them, too.
            if seed % 2 == 1 && round < 2 {
                let mut come = near[0].clone();
                come.sort();
                for node in stage.people.clone() {
                    stage.world.hostile_says(stage.enemy, node, &Message::Links { gone: Vec::new(), come: come.clone() });
                }
            }
            stage.world.run_for(1_000);
            for (at, one) in stage.people.clone().into_iter().enumerate() {
                let other = stage.people[(at + round + 1) % 8];
                assert!(add(&mut stage.world, one, other, 15_000), "{} finds {}, seed {seed}, round {round}", NAMES[at], NAMES[(at + round + 1) % 8]);
            }
            stage.world.run_for(20_000);
        }
        let dialled = stage.world.connections_made().values().sum::<usize>() - before;
        assert_eq!(dialled, 0, "nobody dials whose certificate nobody has, seed {seed}");
        for (at, one) in stage.people.iter().copied().enumerate() {
            let linked = stage.people.iter().filter(|other| stage.world.links_between(one, **other).len() == 1).count();
            assert_eq!(linked, 7, "{} keeps its links, seed {seed}", NAMES[at]);
        }
        arrives(&mut stage.world, stage.people[0], stage.people[3], "still here", 5_000);
    }
}

#[test]
fn what_has_not_the_form_of_a_message_of_the_ring_costs_the_link_and_nothing_else() {
    let id = |number: u8| [number; 16];
    let ids = |count: u8| [&[count][..], &(1..=count).flat_map(id).collect::<Vec<u8>>()].concat();
    let route = |body: usize, suspects: u8, avoid: u8| {
        let head = [&[6][..], &[0, 0, 0, 1], &[9; 8], &[3, 0xfe, 31, 1], &id(5)].concat();
        [head, ids(suspects), vec![avoid], vec![0; 4 * usize::from(avoid) + body]].concat()
    };
    let ring = |bytes: Vec<u8>| (RING, Content::Ring, bytes);
    let rows = [
        ("nothing", ring(Vec::new())),
        ("an unknown type", ring(vec![0x0e])),
        ("half a ping", ring(vec![4, 0, 0])),
        ("a ping and more", ring(vec![4, 0, 0, 0, 1, 0])),
        ("more links than anybody has", ring([&[1][..], &ids(41), &[0, 0]].concat())),
        ("links out of order", ring([&[1, 2][..], &id(2), &id(1), &[0, 0]].concat())),
        ("a longer list than is told", ring([&[3, 0][..], &ids(16)].concat())),
        ("a third side", ring([&[3, 2][..], &ids(1)].concat())),
        ("a link gone that there never was", ring([&[2, 1, 39][..], &ids(0)].concat())),
        ("too many suspects", ring(route(0, 17, 0))),
        ("too many to avoid", ring(route(0, 0, 49))),
        ("too large a body", ring(route(4_097, 0, 0))),
        ("a rank beyond the five", ring([&[6][..], &[0, 0, 0, 1], &[9; 8], &[3, 5, 31, 1], &id(5), &[0, 0]].concat())),
        ("more hops than a request has", ring([&[6][..], &[0, 0, 0, 1], &[9; 8], &[3, 0xfe, 33, 1], &id(5), &[0, 0]].concat())),
        ("the ring on the wrong channel", (LIVE, Content::Ring, vec![4, 0, 0, 0, 1])),
        ("something else on the ring's channel", (RING, Content::Ping, vec![0; 8])),
    ];
    for (seed, (what, (channel, content, bytes))) in (10..).zip(rows) {
        let mut stage = stage(seed, &NAMES[..3], None);
        let anna = stage.people[0];
        stage.world.hostile_sends(stage.enemy, anna, channel, content, &bytes);
        stage.world.run_for(2_000);
        assert!(!stage.world.is_hostile_up(stage.enemy, anna), "{what} ends the session");
        assert!(stage.people[1..].iter().all(|node| stage.world.is_hostile_up(stage.enemy, *node)), "{what}: of nobody else");
        assert_eq!(stage.world.links_between(anna, stage.people[1]).len(), 1, "{what}");
        assert!(add(&mut stage.world, anna, stage.people[2], 10_000), "{what}");
        arrives(&mut stage.world, anna, stage.people[2], "unmoved", 5_000);
    }
}

#[test]
fn an_enemy_that_takes_everything_and_answers_nothing_is_passed_over() {
    let mut stage = stage(30, &NAMES, Some(7));
    let hana = stage.world.user(stage.people[7]);
    for at in 0..7 {
        stage.world.command(stage.people[at], Command::AddContact { typed: hana.to_string() });
    }
    let people = stage.people.clone();
    let has_hana = |world: &World| people[..7].iter().all(|node| world.seen(*node).contacts.contains_key(&hana));
    assert!(stage.world.run_until(30_000, has_hana));
    arrives(&mut stage.world, people[2], people[7], "found you", 10_000);
    assert_eq!(stage.world.seen(people[7]).texts(&stage.world.user(people[2]), Direction::In), ["found you"]);
}

#[test]
fn a_holder_whose_disk_refuses_does_not_say_that_it_has_taken_a_record() {
    let mut stage = stage(1, &NAMES, None);
    let bela = stage.world.device(stage.people[1]).clone();
    let (key, wall_ms) = (RingId::of_user(bela.certificate.user_id()), stage.world.now().wall);
    let holder = responsible(&stage.world, &stage.people, key)[0];
    stage.world.set_disk_fault(holder, DiskFault::Failing(true));
    let newer = sequence_at(wall_ms, 0, &mut Rng::from_seed([1; 32]));
    let published = [&[0], pair(&Stage::record(&bela, &bela, newer), &[]).as_slice()].concat();
    assert_ne!(stage.asks(holder, Service::Publish, Aim::Any, key, published), Some(vec![0]));
}

/// One with a certificate that speaks for itself, linked to these, and whose word on itself is true.
fn speaker(world: &mut World, name: &str, linked: &[NodeIndex]) -> NodeIndex {
    let device = world.insider(name);
    let places: Vec<RingId> = linked.iter().map(|node| place(world, *node)).collect();
    let speaker = world.hostile(device.clone(), honest_hello(RingId::of_node(device.certificate.node_id()), &places));
    for node in linked {
        world.hostile_dials(speaker, *node);
    }
    world.run_for(3_000);
    assert!(linked.iter().all(|node| world.is_hostile_up(speaker, *node)), "{name} is linked");
    speaker
}

/// Who answers when a speaker asks a neighbour for the certificate of the node at a position, and with the hash of what.
fn certificate_of(world: &mut World, speaker: NodeIndex, over: NodeIndex, of: RingId, path: u64) -> Option<(RingId, [u8; 32])> {
    let (service, aim, path) = (Service::Certificate, Aim::Node, PathId(path));
    let route = Route { number: 1, path, service, aim, ttl: 31, hops: 1, key: of, suspects: Vec::new(), avoid: Vec::new(), body: Vec::new() };
    world.hostile_says(speaker, over, &Message::Route(Box::new(route)));
    world.run_for(2_000);
    world.hostile_heard(speaker).iter().find_map(|(_, message)| match message {
        Message::Reply { path: of, answer } if *of == path => Some((answer.by, sha256(&[&answer.body]))),
        _ => None,
    })
}

#[test]
fn a_certificate_that_went_by_is_told_to_the_next_who_asks_though_nobody_else_is_left_who_knows_it() {
    let mut world = World::new(WorldConfig { seed: 31, ..WorldConfig::default() });
    let (anna, bela) = (world.add("anna"), world.add("bela"));
    world.run_for(15_000);
    // Linked to bela alone, and deaf to all dials.
    let owner = speaker(&mut world, "olga", &[bela]);
    let certificate = world.device(owner).certificate.clone();
    let of = RingId::of_node(certificate.node_id());
    let (first, second) = (speaker(&mut world, "first", &[anna]), speaker(&mut world, "second", &[anna]));
    world.run_for(20_000);
    let told = |by: NodeIndex, world: &World| Some((place(world, by), sha256(&[certificate.der()])));
    assert_eq!(certificate_of(&mut world, first, anna, of, 1), told(bela, &world), "from beside the owner");
    world.kill(bela);
    assert_eq!(certificate_of(&mut world, second, anna, of, 2), told(anna, &world), "from the hop in between");
}
