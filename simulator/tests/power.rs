//! Power that fails at any moment, links and relay that come and go: whatever was shown as queued arrives, once, in order, and
//! nothing is called delivered that is not on the other disk.

use std::collections::BTreeMap;

use b4_protocol::chat::{Direction, MessageState, view_of_row};
use b4_protocol::crypto::{Rng, sha256};
use b4_protocol::node::{Command, Table};
use b4_simulator::{NodeIndex, World, WorldConfig};

/// What a person remembers of what their screen has shown, over all reloads.
#[derive(Default)]
struct Memory {
    /// Own texts that were shown, in the order of the conversation.
    queued: BTreeMap<u64, String>,
    /// Those once shown as delivered.
    delivered: Vec<String>,
}

/// Two people, whose machines fail.
struct Trial {
    seed: u64,
    world: World,
    nodes: [NodeIndex; 2],
    memories: [Memory; 2],
    typed: u64,
}

impl Trial {
    fn new(seed: u64) -> Self {
        let latency_ms = if seed.is_multiple_of(3) { (50, 400) } else { (1, 40) };
        let mut world = World::new(WorldConfig { seed, latency_ms, disk_ms: (1, 5 + seed % 60) });
        let nodes = [world.add("anna"), world.add("bela")];
        world.run_for(3_000);
        for (from, to) in [(0, 1), (1, 0)] {
            let typed = world.user(nodes[to]).to_string();
            world.command(nodes[from], Command::AddContact { typed });
            world.run_for(3_000);
        }
        Self { seed, world, nodes, memories: Default::default(), typed: 0 }
    }

    fn say(&mut self, at: usize) {
        self.typed += 1;
        let text = format!("{at}: {}", self.typed);
        self.world.say(self.nodes[at], self.nodes[1 - at], &text);
    }

    /// Takes down what the screens show, and checks what may never be.
    fn look(&mut self) {
        for at in [0, 1] {
            let (me, them) = (self.nodes[at], self.nodes[1 - at]);
            let other = self.world.user(them);
            assert_eq!(self.world.seen(me).shown_twice, Vec::<String>::new(), "seed {}", self.seed);
            let stored = stored(&self.world, them, Direction::In);
            let shown = self.world.seen(me).messages.get(&other);
            for message in shown.into_iter().flat_map(BTreeMap::values).filter(|message| message.direction == Direction::Out) {
                self.memories[at].queued.insert(message.order, message.text.clone());
                if matches!(message.state, MessageState::Delivered | MessageState::Read) {
                    assert!(stored.contains(&message.text), "{} is delivered and not durable (seed {})", message.text, self.seed);
                    self.memories[at].delivered.push(message.text.clone());
                }
            }
        }
    }

    fn run(&mut self, span_ms: u64) {
        // In steps, so that what is shown only for a moment is seen.
        for _ in 0..span_ms.div_ceil(5) {
            self.world.run_for(5);
            self.look();
        }
    }

    /// Mends everything, waits, and checks that nothing is missing.
    fn settle(&mut self) {
        self.world.start_relay();
        self.world.run_for(1_000);
        let nodes = self.nodes;
        let is_settled = |world: &World| nodes.iter().all(|node| world.disk(*node).count(Table::Outbox) == 0);
        assert!(self.world.run_until(180_000, is_settled), "everything arrives in the end (seed {})", self.seed);
        self.world.run_for(1_000);
        for at in [0, 1] {
            let (me, them) = (self.nodes[at], self.nodes[1 - at]);
            let queued: Vec<String> = self.memories[at].queued.values().cloned().collect();
            let arrived = stored(&self.world, them, Direction::In);
            let (mine, seed) = (stored(&self.world, me, Direction::Out), self.seed);
            assert_eq!(arrived, mine, "there and here are alike, in order, once (seed {seed})");
            let lost: Vec<&String> = queued.iter().filter(|text| !arrived.contains(text)).collect();
            assert!(lost.is_empty(), "shown and lost: {lost:?} (seed {seed})");
            let kept: Vec<&String> = arrived.iter().filter(|text| queued.contains(text)).collect();
            assert_eq!(kept, queued.iter().collect::<Vec<_>>(), "in the order in which they were shown (seed {seed})");
        }
    }
}

/// The texts of one direction on a machine's disk, in the order of the conversation.
fn stored(world: &World, at: NodeIndex, direction: Direction) -> Vec<String> {
    let rows = world.disk(at).load(Table::Messages, &[], None, usize::MAX);
    let views = rows.iter().rev().map(|row| view_of_row(&row.key, &row.value).expect("a good row").0);
    views.filter(|view| view.direction == direction).map(|view| view.text).collect()
}

/// One life of two machines under failures that follow from the seed.
fn trial(seed: u64) {
    let mut trial = Trial::new(seed);
    let mut rng = Rng::from_seed(sha256(&[b"power", &seed.to_be_bytes()]));
    let mut is_relay_up = true;
    for _ in 0..12 {
        for _ in 0..rng.below(8) {
            let at = rng.below(2) as usize;
            trial.say(at);
            let pause = rng.below(30);
            trial.run(pause);
        }
        match rng.below(10) {
            0..=4 => {
                let at = trial.nodes[rng.below(2) as usize];
                trial.world.kill(at);
                let pause = rng.below(3) * 700;
                trial.run(pause);
                trial.world.start(at);
            }
            5 => trial.nodes.into_iter().for_each(|node| {
                trial.world.kill(node);
                trial.world.start(node);
            }),
            6 => trial.world.cut_links(trial.nodes[0]),
            7 if is_relay_up => {
                trial.world.kill_relay();
                is_relay_up = false;
            }
            7 => {
                trial.world.start_relay();
                is_relay_up = true;
            }
            8 => {
                // A reload as browsers do it: with a goodbye.
                let at = trial.nodes[rng.below(2) as usize];
                trial.world.command(at, Command::Leave);
                trial.world.kill(at);
                trial.world.start(at);
            }
            _ => {}
        }
        let pause = rng.below(1_500);
        trial.run(pause);
    }
    trial.settle();
}

// Two hundred seeds, on as many cores as there are.

#[test]
fn power_that_fails_at_random_loses_nothing_and_doubles_nothing() {
    (1..=50).for_each(trial);
}

#[test]
fn power_that_fails_at_random_loses_nothing_and_doubles_nothing_2() {
    (51..=100).for_each(trial);
}

#[test]
fn power_that_fails_at_random_loses_nothing_and_doubles_nothing_3() {
    (101..=150).for_each(trial);
}

#[test]
fn power_that_fails_at_random_loses_nothing_and_doubles_nothing_4() {
    (151..=200).for_each(trial);
}
