//! What fails in a ring of people after the relay has died: links that are not what they seem, slow and sleepy pages, disks.

mod people;

use std::collections::BTreeSet;

use b4_protocol::node::{Command, MessageState, NetworkState, Table};
use b4_protocol::time::MINUTE_MS;
use b4_simulator::{DiskFault, NodeIndex, World, WorldConfig};
use people::{NAMES, add, arrives, befriend, received, without_relay};

fn made(world: &World, node: NodeIndex) -> usize {
    world.connections_made().get(&node).copied().unwrap_or_default()
}

/// There is one link between the two, and both know it.
fn has_one_link(world: &World, one: NodeIndex, other: NodeIndex) -> bool {
    world.links_between(one, other).len() == 1 && world.links_between(other, one).len() == 1
}

#[test]
fn when_both_dial_in_the_same_moment_over_the_ring_one_link_remains_and_both_chats_go_on() {
    let mut glares = 0;
    for seed in 1..=8 {
        let (mut world, people) = without_relay(seed);
        let (anna, hana) = (people[0], people[7]);
        befriend(&mut world, anna, hana);
        let before = made(&world, anna) + made(&world, hana);
        world.cut_between(anna, hana);
        let texts: Vec<String> = (0..10).map(|number| format!("text {number}")).collect();
        for text in &texts {
            world.say(anna, hana, text);
            world.say(hana, anna, text);
            world.run_for(300);
        }
        world.run_for(30_000);
        assert!(has_one_link(&world, anna, hana), "seed {seed}");
        assert_eq!(received(&world, hana, anna), texts, "seed {seed}");
        assert_eq!(received(&world, anna, hana), texts, "seed {seed}");
        // One dial makes two ends; a glare leaves the end of the one who gave way.
        glares += usize::from(made(&world, anna) + made(&world, hana) - before > 2);
    }
    assert!(glares >= 1, "{glares} of 8 were glares");
}

#[test]
fn a_link_that_only_one_end_believes_in_is_replaced_and_loses_nothing() {
    for seed in 1..=4 {
        let (mut world, people) = without_relay(seed);
        let (anna, hana) = (people[0], people[7]);
        befriend(&mut world, anna, hana);
        let before = world.links_between(anna, hana);
        world.half_open(hana, anna);
        arrives(&mut world, anna, hana, "into nothing", 20_000);
        arrives(&mut world, hana, anna, "back", 10_000);
        world.run_for(10_000);
        assert!(has_one_link(&world, anna, hana), "seed {seed}");
        assert_ne!(world.links_between(anna, hana), before, "seed {seed}");
        assert_eq!(received(&world, hana, anna), ["into nothing"], "seed {seed}");
    }
}

#[test]
fn a_link_over_which_nothing_comes_one_way_is_noticed_and_replaced() {
    for seed in 1..=4 {
        let (mut world, people) = without_relay(seed);
        let (anna, hana) = (people[0], people[7]);
        befriend(&mut world, anna, hana);
        world.silence(anna, hana);
        arrives(&mut world, anna, hana, "into nothing", 20_000);
        arrives(&mut world, hana, anna, "back", 10_000);
        assert_eq!(received(&world, hana, anna), ["into nothing"], "seed {seed}");
        // And when nobody says anything: by the ring's and the session's own signs of life.
        let before = world.links_between(anna, hana);
        world.silence(hana, anna);
        let is_new = |world: &World| has_one_link(world, anna, hana) && world.links_between(anna, hana) != before;
        assert!(world.run_until(3 * MINUTE_MS, is_new), "seed {seed}");
    }
}

#[test]
fn a_pair_that_can_never_connect_is_left_alone_and_finds_each_other_over_others() {
    let mut world = World::new(WorldConfig { seed: 12, ..WorldConfig::default() });
    let people: Vec<NodeIndex> = NAMES.iter().map(|name| world.add(name)).collect();
    let (anna, bela) = (people[0], people[1]);
    world.separate(anna, bela);
    world.run_for(60_000);
    world.kill_relay();
    world.run_for(60_000);
    let before: Vec<usize> = people.iter().map(|node| made(&world, *node)).collect();
    world.run_for(60 * MINUTE_MS);
    let after: Vec<usize> = people.iter().map(|node| made(&world, *node)).collect();
    assert_eq!(before[2..], after[2..], "nobody else dials");
    // Each may try every ten minutes, which makes an end at both.
    let dials = (after[0] - before[0]) + (after[1] - before[1]);
    assert!(dials <= 4 * 6, "{dials} ends in an hour");
    assert!(world.links_of(anna).len() == 6 && world.links_of(bela).len() == 6);
    // The lookup goes round, and so does the sealed offer: what fails is the connection.
    assert!(add(&mut world, anna, bela, 10_000) && add(&mut world, bela, anna, 10_000));
    world.say(anna, bela, "some day");
    world.run_for(5 * MINUTE_MS);
    let user = world.user(bela);
    assert_eq!(world.seen(anna).states(&user), [MessageState::Delivered], "over those who keep mail");
    let dials = made(&world, anna) - after[0];
    assert!((1..=30).contains(&dials), "{dials} ends in five minutes with a message waiting");
    // Nor does an hour with the conversation on the screen use up what a page has: five hundred in its life.
    let before = made(&world, anna);
    world.command(anna, Command::Open { user: Some(user.clone()) });
    world.run_for(60 * MINUTE_MS);
    let dials = made(&world, anna) - before;
    assert!((6..=40).contains(&dials), "{dials} ends in an hour of looking at the conversation");
    world.command(anna, Command::Open { user: None });
    assert!(world.links_of(anna).len() == 6 && world.links_of(bela).len() == 6);
}

#[test]
fn a_peer_that_answers_seconds_late_is_passed_over_and_not_cut_off() {
    for seed in 1..=3 {
        let (mut world, people) = without_relay(seed);
        let dora = people[3];
        let before: BTreeSet<_> = world.links_of(dora).into_iter().collect();
        world.set_slow(dora, 3_000);
        for round in 0..12 {
            let (from, to) = (people[[0, 1, 2, 4, 5, 6, 7][round % 7]], people[[1, 2, 4, 5, 6, 7, 0][round * 3 % 7]]);
            assert!(from == to || add(&mut world, from, to, 5_000), "{} finds {} in time, seed {seed}", NAMES[from], NAMES[to]);
            world.run_for(20_000);
        }
        assert_eq!(world.links_of(dora).into_iter().collect::<BTreeSet<_>>(), before, "seed {seed}");
        assert!(add(&mut world, dora, people[0], 20_000), "seed {seed}");
        arrives(&mut world, dora, people[0], "sorry, I am slow", 10_000);
    }
}

#[test]
fn what_a_holder_could_not_write_is_found_at_others() {
    let mut world = World::new(WorldConfig { seed: 14, ..WorldConfig::default() });
    let people: Vec<NodeIndex> = NAMES.iter().map(|name| world.add(name)).collect();
    let broken = [people[2], people[5]];
    broken.iter().for_each(|node| world.set_disk_fault(*node, DiskFault::Failing(true)));
    world.run_for(40_000);
    world.kill_relay();
    world.run_for(5_000);
    for node in &people {
        let records = world.disk(*node).load(Table::Meta, b"u", None, 10);
        assert_eq!(records.is_empty(), broken.contains(node), "{}", NAMES[*node]);
    }
    // Their memory goes with their pages, and nothing is on their disks.
    broken.iter().for_each(|node| world.kill(*node));
    world.run_for(30_000);
    for to in people.iter().copied().filter(|to| *to != people[0]) {
        assert!(add(&mut world, people[0], to, 20_000), "anna finds {}", NAMES[to]);
    }
}

#[test]
fn a_page_that_wakes_once_a_minute_stays_in_its_place_and_loses_nothing() {
    for seed in 1..=3 {
        let (mut world, people) = without_relay(seed);
        let (anna, dora) = (people[0], people[3]);
        befriend(&mut world, anna, dora);
        world.throttle(dora, MINUTE_MS);
        let mut texts = Vec::new();
        for round in 0..40 {
            let text = format!("round {round}");
            world.say(anna, dora, &text);
            world.say(dora, anna, &text);
            texts.push(text);
            world.run_for(15_000);
            let expected = if round > 20 { 6 } else { 7 };
            assert!(world.links_of(dora).len() >= expected, "{} links in round {round}, seed {seed}", world.links_of(dora).len());
            assert_eq!(world.seen(dora).network, NetworkState::Online);
            if round == 20 {
                world.kill(people[5]);
            }
        }
        assert_eq!(received(&world, dora, anna), texts, "seed {seed}");
        assert_eq!(received(&world, anna, dora), texts, "seed {seed}");
        for (from, to) in [(dora, people[6]), (people[7], dora), (people[1], people[2])] {
            assert!(add(&mut world, from, to, 15_000), "{} finds {}, seed {seed}", NAMES[from], NAMES[to]);
        }
    }
}
