//! Worlds of people that tests of the ring begin with, and what people do in them. Each test file uses a part.
#![allow(dead_code)]

use b4_protocol::node::{Command, Direction};
use b4_protocol::ring::RingId;
use b4_simulator::{NodeIndex, World, WorldConfig};

/// Everybody.
pub const NAMES: [&str; 8] = ["anna", "bela", "carla", "dora", "emil", "frida", "gustav", "hana"];

/// Eight people, all linked to all, and no relay any more.
pub fn without_relay(seed: u64) -> (World, Vec<NodeIndex>) {
    let mut world = World::new(WorldConfig { seed, ..WorldConfig::default() });
    let people: Vec<NodeIndex> = NAMES.iter().map(|name| world.add(name)).collect();
    let is_whole = |world: &World| (0..8).all(|node| world.links_of(node).len() == 7);
    assert!(world.run_until(30_000, is_whole), "everybody links to everybody, seed {seed}");
    // Records and presence are published a moment after that.
    world.run_for(5_000);
    world.kill_relay();
    world.run_for(5_000);
    (world, people)
}

/// Adds a contact; whether it was found in time.
pub fn add(world: &mut World, from: NodeIndex, to: NodeIndex, within_ms: u64) -> bool {
    let user = world.user(to);
    world.command(from, Command::AddContact { typed: user.to_string() });
    world.run_until(within_ms, |world| world.seen(from).contacts.contains_key(&user))
}

/// Says something, which is there in time.
pub fn arrives(world: &mut World, from: NodeIndex, to: NodeIndex, text: &str, within_ms: u64) {
    world.say(from, to, text);
    let author = world.user(from);
    let is_there = |world: &World| world.seen(to).texts(&author, Direction::In).iter().any(|shown| shown == text);
    assert!(world.run_until(within_ms, is_there), "{text}");
}

/// Two who never met find each other, and one says something.
pub fn arrives_between_strangers(world: &mut World, one: NodeIndex, other: NodeIndex) {
    assert!(add(world, one, other, 20_000));
    arrives(world, one, other, "we never met", 20_000);
}

/// Adds a contact at both, so that each may talk to the other.
pub fn befriend(world: &mut World, one: NodeIndex, other: NodeIndex) {
    assert!(add(world, one, other, 10_000) && add(world, other, one, 10_000), "they find each other");
}

/// Everything that `to` has of `from`, in order, and nothing of it shown twice.
pub fn received(world: &World, to: NodeIndex, from: NodeIndex) -> Vec<String> {
    assert_eq!(world.seen(to).shown_twice, Vec::<String>::new());
    world.seen(to).texts(&world.user(from), Direction::In)
}

/// The place of a machine on the ring.
pub fn place(world: &World, node: NodeIndex) -> RingId {
    RingId::of_node(world.device(node).certificate.node_id())
}

/// These machines in the order in which they are responsible for a key.
pub fn responsible(world: &World, nodes: &[NodeIndex], key: RingId) -> Vec<NodeIndex> {
    let mut nodes = nodes.to_vec();
    nodes.sort_by_key(|node| key.clockwise_to(place(world, *node)));
    nodes
}
