//! How many round trips mail takes, on links of 80 ms there and back.

mod people;

use b4_protocol::node::{Command, Direction, MessageState};
use b4_simulator::{NodeIndex, World, WorldConfig};
use people::{NAMES, add, received};

const ROUND_TRIP_MS: u64 = 80;

/// Everybody, linked to all; anna and bela know each other, and bela goes.
fn bela_is_away(seed: u64) -> (World, Vec<NodeIndex>) {
    let half = ROUND_TRIP_MS / 2;
    let mut world = World::new(WorldConfig { seed, latency_ms: (half, half), disk_ms: (3, 10) });
    let people: Vec<NodeIndex> = NAMES.iter().map(|name| world.add(name)).collect();
    world.run_for(40_000);
    assert!(add(&mut world, people[0], people[1], 10_000) && add(&mut world, people[1], people[0], 10_000));
    world.command(people[1], Command::Leave);
    world.kill(people[1]);
    world.say(people[0], people[1], "the first finds out that bela is away");
    world.run_for(40_000);
    (world, people)
}

#[test]
fn a_text_is_with_five_within_four_round_trips_when_links_are_open() {
    for seed in 1..=3 {
        let (mut world, people) = bela_is_away(seed);
        let user = world.user(people[1]);
        let began = world.now().mono;
        world.say(people[0], people[1], "the second");
        let is_with_five = |world: &World| world.seen(people[0]).holders(&user) == [5, 5];
        assert!(world.run_until(4 * ROUND_TRIP_MS, is_with_five), "seed {seed}: {:?}", world.seen(people[0]).holders(&user));
        println!("seed {seed}: {:.1} round trips", (world.now().mono - began) as f64 / ROUND_TRIP_MS as f64);
    }
}

#[test]
fn what_waited_is_there_two_seconds_after_its_reader_has_joined() {
    for seed in 1..=3 {
        let (mut world, people) = bela_is_away(seed);
        for number in 0..30 {
            world.say(people[0], people[1], &format!("text {number}"));
        }
        world.run_for(20_000);
        world.command(people[0], Command::Leave);
        world.kill(people[0]);
        world.start(people[1]);
        assert!(world.run_until(30_000, |world| !world.links_of(people[1]).is_empty()), "seed {seed}: joined");
        let has_all = |world: &World| received(world, people[1], people[0]).len() == 31;
        assert!(world.run_until(2_000, has_all), "seed {seed}: {}", received(&world, people[1], people[0]).len());
        assert_eq!(world.seen(people[1]).texts(&world.user(people[0]), Direction::In).len(), 31);
    }
}

#[test]
fn who_wants_it_shorter_has_messages_that_are_over_sooner() {
    let (mut world, people) = bela_is_away(4);
    let (anna, user) = (people[0], world.user(people[1]));
    world.command(anna, Command::KeepFor { days: 1 });
    world.say(anna, people[1], "today or never");
    world.run_for(20_000);
    assert_eq!(world.seen(anna).holding.keep_days, 1);
    assert_eq!(world.seen(anna).states(&user), [MessageState::Held; 2]);
    for node in &people {
        world.set_clock(*node, 25 * 60 * 60 * 1_000);
    }
    world.run_for(15 * 60 * 1_000);
    assert_eq!(world.seen(anna).states(&user), [MessageState::Held, MessageState::Expired]);
}

#[test]
fn what_is_written_before_the_page_has_a_link_is_with_five_soon_after_it_has_joined() {
    for seed in 5..=7 {
        let (mut world, people) = bela_is_away(seed);
        let (anna, user) = (people[0], world.user(people[1]));
        world.kill(anna);
        world.run_for(60_000);
        world.start(anna);
        let began = world.now().mono;
        world.say(anna, people[1], "as soon as it can be said");
        let is_with_five = |world: &World| world.seen(anna).holders(&user).last() == Some(&5);
        assert!(world.run_until(6_000, is_with_five), "seed {seed}: {:?}", world.seen(anna).holders(&user));
        println!("seed {seed}: {} ms", world.now().mono - began);
    }
}
