//! Mail for the absent: real nodes, real keys, no relay.

mod people;

use b4_protocol::node::{Command, Direction, MessageState, Table};
use b4_simulator::{NodeIndex, World};
use people::{add, received, without_relay};

/// Anna and bela know each other, and bela goes.
fn bela_is_away(seed: u64) -> (World, Vec<NodeIndex>) {
    let (mut world, people) = without_relay(seed);
    assert!(add(&mut world, people[0], people[1], 10_000));
    world.command(people[1], Command::Leave);
    world.kill(people[1]);
    world.run_for(2_000);
    (world, people)
}

fn say_all(world: &mut World, from: NodeIndex, to: NodeIndex, count: usize) -> Vec<String> {
    let texts: Vec<String> = (1..=count).map(|number| format!("text {number}")).collect();
    texts.iter().for_each(|text| world.say(from, to, text));
    texts
}

#[test]
fn a_message_reaches_somebody_who_was_away_although_its_author_is_gone() {
    for seed in 1..=3 {
        let (mut world, people) = bela_is_away(seed);
        let (anna, bela) = (people[0], people[1]);
        let user = world.user(bela);
        let texts = say_all(&mut world, anna, bela, 50);
        let is_held = |world: &World| world.seen(anna).holders(&user) == [5; 50];
        assert!(world.run_until(60_000, is_held), "seed {seed}: {:?}", world.seen(anna).holders(&user));
        assert_eq!(world.seen(anna).states(&user), [MessageState::Held; 50]);
        world.command(anna, Command::Leave);
        world.kill(anna);
        world.run_for(60_000);
        world.start_relay();
        world.start(bela);
        let has_all = |world: &World| received(world, bela, anna).len() == 50;
        assert!(world.run_until(30_000, has_all), "seed {seed}: {}", received(&world, bela, anna).len());
        assert_eq!(received(&world, bela, anna), texts, "in order");
        world.run_for(10_000);
        let left: usize = people[2..].iter().map(|holder| world.disk(*holder).count(Table::Envelopes)).sum();
        println!("seen {} messages {}", world.disk(bela).count(Table::Seen), world.disk(bela).count(Table::Messages));
        world.kill(bela);
        world.start(anna);
        let is_delivered = |world: &World| world.seen(anna).states(&user) == [MessageState::Delivered; 50];
        world.command(anna, Command::LoadMessages { with: user.clone(), before: None });
        assert!(world.run_until(30_000, is_delivered), "seed {seed}: {:?}", world.seen(anna).states(&user));
        println!("seed {seed}: {left} rows left with holders");
        // A second start shows nothing again.
        world.start(bela);
        world.run_for(20_000);
        assert_eq!(world.seen(bela).texts(&world.user(anna), Direction::In), Vec::<String>::new());
    }
}
