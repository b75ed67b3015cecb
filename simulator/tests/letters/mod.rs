//! What tests of mail begin with, and what all of them look at in the end. Each test file uses a part.
#![allow(dead_code)]

use b4_protocol::limits::COPIES;
use b4_protocol::node::{Command, Direction, MessageState, Table};
use b4_protocol::ring::RingId;
use b4_simulator::{NodeIndex, World, WorldConfig};

use crate::people::{NAMES, add, received, responsible};

/// What every text begins with. Nobody else may read it.
const WORDS: &str = "for your eyes only: ";

/// Anna, who writes; bela, who is away and for whom it is; and the others, in the order in which they are to keep it.
pub struct Stage {
    pub world: World,
    pub anna: NodeIndex,
    pub bela: NodeIndex,
    pub others: Vec<NodeIndex>,
}

pub fn texts(count: usize) -> Vec<String> {
    (1..=count).map(|number| format!("{WORDS}number {number}")).collect()
}

/// Eight people linked to all, whose certificates are this old; the relay runs, and bela is there still.
pub fn all_there(seed: u64, age_ms: u64) -> Stage {
    of_names(seed, &NAMES, age_ms)
}

pub fn of_names(seed: u64, names: &[&str], age_ms: u64) -> Stage {
    let mut world = World::new(WorldConfig { seed, ..WorldConfig::default() });
    world.keep_secret(WORDS);
    let people: Vec<NodeIndex> = names.iter().map(|name| world.add_earlier(name, age_ms)).collect();
    let is_whole = |world: &World| people.iter().all(|node| world.links_of(*node).len() == people.len() - 1);
    assert!(world.run_until(30_000, is_whole), "everybody links to everybody, seed {seed}");
    // Records and presence are published a moment after that.
    world.run_for(5_000);
    let (anna, bela) = (people[0], people[1]);
    assert!(add(&mut world, anna, bela, 10_000));
    let key = RingId::of_user(&world.user(bela));
    let others = responsible(&world, &people[2..], key);
    Stage { world, anna, bela, others }
}

/// The same, and bela has left.
pub fn away(seed: u64) -> Stage {
    let mut stage = all_there(seed, 0);
    stage.leaves(stage.bela);
    stage.world.run_for(2_000);
    stage
}

impl Stage {
    /// Anna says so much.
    pub fn says(&mut self, count: usize) {
        let (anna, bela) = (self.anna, self.bela);
        texts(count).iter().for_each(|text| self.world.say(anna, bela, text));
    }

    /// Anna says so much, and five keep each of it.
    pub fn says_and_it_is_held(&mut self, count: usize) {
        self.says(count);
        self.is_held(count, COPIES, 60_000);
    }

    /// So many keep each of so many.
    pub fn is_held(&mut self, count: usize, by: usize, within_ms: u64) {
        let (anna, user) = (self.anna, self.world.user(self.bela));
        let is_held = |world: &World| world.seen(anna).holders(&user) == vec![by; count];
        assert!(self.world.run_until(within_ms, is_held), "{:?}", self.world.seen(anna).holders(&user));
        if by >= 3 {
            assert_eq!(self.states(), vec![MessageState::Held; count]);
        }
    }

    pub fn states(&self) -> Vec<MessageState> {
        self.world.seen(self.anna).states(&self.world.user(self.bela))
    }

    pub fn leaves(&mut self, node: NodeIndex) {
        self.world.command(node, Command::Leave);
        self.world.kill(node);
    }

    /// Bela comes, and has it all, once and in order.
    pub fn bela_comes_and_has(&mut self, count: usize, within_ms: u64) {
        self.world.start(self.bela);
        self.bela_has(count, within_ms);
    }

    pub fn bela_has(&mut self, count: usize, within_ms: u64) {
        let (anna, bela) = (self.anna, self.bela);
        let has_all = |world: &World| received(world, bela, anna).len() >= count;
        let is_there = self.world.run_until(within_ms, has_all);
        assert_eq!(received(&self.world, bela, anna), texts(count));
        assert!(is_there);
    }

    /// Anna hears that all of it is there.
    pub fn anna_knows(&mut self, within_ms: u64) {
        let (anna, user) = (self.anna, self.world.user(self.bela));
        let is_delivered = |world: &World| {
            let states = world.seen(anna).states(&user);
            !states.is_empty() && states.iter().all(|state| matches!(state, MessageState::Delivered | MessageState::Read))
        };
        assert!(self.world.run_until(within_ms, is_delivered), "{:?}", self.states());
    }

    /// Anna's page is loaded again and shows the conversation.
    pub fn anna_comes(&mut self) {
        self.world.start(self.anna);
        let with = self.world.user(self.bela);
        self.world.command(self.anna, Command::LoadMessages { with, before: None });
    }

    /// Mail for bela that honest people keep.
    pub fn kept(&self) -> usize {
        let mailbox = self.world.user(self.bela).mailbox();
        let of = |node: &NodeIndex| self.world.disk(*node).rows(Table::Envelopes).filter(|(key, value)| key.starts_with(&mailbox) && value.starts_with(b"B4E1")).count();
        self.others.iter().map(of).sum()
    }

    /// Nothing was claimed that was not so, and nobody read what is not for them.
    pub fn check(&self) {
        assert_eq!(self.world.breaches(&[self.anna, self.bela]), Vec::<String>::new());
    }

    /// The same where a page of the conversation was loaded, which shows what was shown.
    pub fn check_but_for_pages(&self) {
        let breaches = self.world.breaches(&[self.anna, self.bela]);
        assert!(breaches.iter().all(|breach| breach.contains("was shown twice")), "{breaches:?}");
    }

    pub fn shown(&self) -> Vec<String> {
        self.world.seen(self.bela).texts(&self.world.user(self.anna), Direction::In)
    }
}
