//! People in a ring: real nodes, real keys, and a relay that dies.

mod people;

use b4_protocol::node::{Command, ContactRefusal, Direction, Event, MessageState, NetworkState, Presence, Table};
use b4_protocol::ring::RingId;
use b4_simulator::{NodeIndex, World, WorldConfig};
use people::{NAMES, add, arrives, arrives_between_strangers, befriend, responsible, without_relay};

#[test]
fn two_who_never_met_find_each_other_without_the_relay() {
    for seed in 1..=5 {
        let (mut world, people) = without_relay(seed);
        assert_eq!(world.seen(people[0]).network, NetworkState::Online, "they have each other");
        assert!(add(&mut world, people[0], people[7], 5_000), "seed {seed}");
        arrives(&mut world, people[0], people[7], "hello hana", 5_000);
        arrives(&mut world, people[7], people[0], "hello anna", 5_000);
    }
}

#[test]
fn somebody_away_is_found_by_their_record_and_a_name_nobody_took_cannot_be_told() {
    let (mut world, people) = without_relay(6);
    world.command(people[3], Command::Leave);
    world.run_for(2_000);
    assert!(add(&mut world, people[0], people[3], 15_000), "the record outlives the absence");
    world.say(people[0], people[3], "when you are back");
    world.run_for(30_000);
    let dora = world.user(people[3]);
    assert_eq!(world.seen(people[0]).states(&dora), [MessageState::Held]);
    assert_eq!(world.seen(people[0]).contacts[&dora].presence, Presence::Away, "leaving withdraws presence");
    world.command(people[0], Command::AddContact { typed: "nobody".to_owned() });
    world.run_for(20_000);
    let refused = Event::ContactRefused { typed: "nobody".to_owned(), why: ContactRefusal::CannotTell };
    assert!(world.seen(people[0]).events.contains(&refused));
}

/// The newcomer may be the one responsible for the key of whoever leaves, and have no record of them yet.
#[test]
fn whoever_leaves_is_away_though_the_newcomer_has_only_just_come() {
    for seed in 1..=24 {
        let mut world = World::new(WorldConfig { seed, ..WorldConfig::default() });
        let (anna, bela) = (world.add("anna"), world.add("bela"));
        world.run_for(10_000);
        befriend(&mut world, anna, bela);
        arrives(&mut world, anna, bela, "hello", 5_000);
        let carla = world.add("carla");
        assert!(world.run_until(10_000, |world| world.links_of(carla).len() == 2), "seed {seed}");
        world.run_for(seed * 100);
        world.kill_relay();
        world.command(bela, Command::Leave);
        world.command(anna, Command::Open { user: Some(world.user(bela)) });
        let user = world.user(bela);
        // From the goodbye on, with no dial in vain between.
        for _ in 0..50 {
            world.run_for(100);
            assert_eq!(world.seen(anna).contacts[&user].presence, Presence::Away, "seed {seed}");
        }
    }
}

#[test]
fn a_record_is_found_though_all_who_kept_it_at_first_are_gone() {
    let mut world = World::new(WorldConfig { seed: 21, ..WorldConfig::default() });
    let people: Vec<NodeIndex> = NAMES.iter().map(|name| world.add(name)).collect();
    world.run_for(15_000);
    world.command(people[0], Command::Leave);
    let mut newcomers = Vec::new();
    for (number, gone) in people[1..].iter().enumerate() {
        newcomers.push(world.add(&format!("newcomer{number}")));
        world.run_for(10_000);
        world.kill(*gone);
        world.run_for(40_000);
    }
    world.kill_relay();
    world.run_for(2_000);
    for newcomer in newcomers {
        assert!(add(&mut world, newcomer, people[0], 15_000), "{}", world.user(newcomer));
        assert_eq!(world.seen(newcomer).contacts.len(), 1);
    }
}

#[test]
fn where_not_everybody_is_linked_to_everybody_strangers_reach_each_other_without_the_relay() {
    let mut world = World::new(WorldConfig { seed: 22, ..WorldConfig::default() });
    let people: Vec<NodeIndex> = (0..32).map(|number| world.add(&format!("person{number}"))).collect();
    world.run_for(120_000);
    world.kill_relay();
    world.run_for(5_000);
    let pairs = people.iter().flat_map(|one| people.iter().map(move |other| (*one, *other))).filter(|(one, other)| one < other);
    let strangers: Vec<_> = pairs.filter(|(one, other)| world.links_between(*one, *other).is_empty()).collect();
    assert!(strangers.len() > 40, "{} pairs without a link", strangers.len());
    for (one, other) in strangers.into_iter().step_by(7).take(12) {
        arrives_between_strangers(&mut world, one, other);
        assert_eq!(world.links_between(one, other).len(), 1, "signalled over the ring");
    }
}

#[test]
fn who_dies_is_missed_and_who_comes_back_with_the_relay_gets_what_waited() {
    let (mut world, people) = without_relay(7);
    assert!(add(&mut world, people[0], people[4], 5_000));
    world.kill(people[4]);
    world.say(people[0], people[4], "are you there?");
    let is_closed = |world: &World| (0..8).filter(|node| *node != 4).all(|node| world.links_of(node).len() == 6);
    assert!(world.run_until(60_000, is_closed), "the ring closes over the dead");
    arrives_between_strangers(&mut world, people[1], people[6]);
    world.start_relay();
    world.start(people[4]);
    let author = world.user(people[0]);
    let has_it = |world: &World| world.seen(people[4]).texts(&author, Direction::In) == ["are you there?"];
    assert!(world.run_until(120_000, has_it), "what waited arrives");
}

#[test]
fn a_pair_without_a_path_is_routed_around() {
    let mut world = World::new(WorldConfig { seed: 8, ..WorldConfig::default() });
    let people: Vec<NodeIndex> = NAMES.iter().map(|name| world.add(name)).collect();
    world.separate(people[0], people[1]);
    world.run_for(40_000);
    assert!(world.links_of(people[0]).len() >= 6 && world.links_of(people[1]).len() >= 6);
    world.kill_relay();
    world.run_for(5_000);
    // Others are found over everybody but that one.
    assert!(add(&mut world, people[0], people[5], 10_000));
    arrives(&mut world, people[0], people[5], "round about", 10_000);
    assert!(add(&mut world, people[1], people[6], 10_000));
    arrives(&mut world, people[1], people[6], "round about", 10_000);
}

#[test]
fn a_revocation_reaches_everybody_over_one_who_heard_of_it() {
    let (mut world, people) = without_relay(11);
    assert!(add(&mut world, people[0], people[5], 5_000));
    arrives(&mut world, people[0], people[5], "before", 5_000);
    world.revoke(people[5]);
    world.fetch_revocations(people[2]);
    world.run_for(5_000);
    for node in [0, 1, 3, 4, 6, 7] {
        assert_eq!(world.links_of(people[node]).len(), 6, "{} has cut frida off", NAMES[node]);
    }
    assert!(!add(&mut world, people[3], people[5], 15_000), "nobody believes the certificate any more");
}

#[test]
fn after_pages_came_and_went_everybody_still_reaches_everybody() {
    for seed in 20..23 {
        let mut world = World::new(WorldConfig { seed, ..WorldConfig::default() });
        let people: Vec<NodeIndex> = NAMES.iter().map(|name| world.add(name)).collect();
        world.run_for(10_000);
        // In turn: killed and started again, reloaded, cut off, put to the other end's patience.
        for round in 0..8_usize {
            let node = people[(round * 3 + seed as usize) % 8];
            match round % 3 {
                0 => world.kill(node),
                1 => world.command(node, Command::Leave),
                _ => world.cut_links(node),
            }
            world.run_for(7_000);
            if round % 3 != 2 {
                world.start(node);
            }
            world.run_for(5_000);
        }
        let is_whole = |world: &World| (0..8).all(|node| world.links_of(node).len() == 7);
        assert!(world.run_until(120_000, is_whole), "one ring again, seed {seed}");
        world.run_for(5_000);
        world.kill_relay();
        for (at, one) in people.iter().enumerate() {
            let other = people[(at + 3) % 8];
            assert!(add(&mut world, *one, other, 15_000), "{} finds {}, seed {seed}", NAMES[at], NAMES[(at + 3) % 8]);
            arrives(&mut world, *one, other, &format!("from {}", NAMES[at]), 15_000);
        }
    }
}

#[test]
fn every_record_is_with_all_five_whatever_the_order_in_which_people_came() {
    // In 2, 4, 10 and 11 two came at once before the one who had a record, and each waited for the other to be given it.
    for seed in [2, 4, 10, 11, 12] {
        let (world, people) = without_relay(seed);
        for owner in &people {
            let key = RingId::of_user(&world.user(*owner));
            let row = [&b"u"[..], &key.0.to_be_bytes()].concat();
            for holder in &responsible(&world, &people, key)[..5] {
                let rows = world.disk(*holder).load(Table::Meta, &row, None, 1);
                assert_eq!(rows.len(), 1, "{} has {}, seed {seed}", NAMES[*holder], NAMES[*owner]);
            }
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_ring() {
    let trace = |seed| without_relay(seed).0.trace();
    assert_eq!(trace(9), trace(9));
    assert_ne!(trace(9), trace(10));
}
