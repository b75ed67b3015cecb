//! A Chord ring that nodes join and leave all the time, with stabilisation (section VI-E and table III of the paper).
//!
//! Packets take exponential times of 50 ms mean. What somebody asks and is told is one event where it is asked and one where
//! the answer arrives; a node that is gone answers nothing, and 500 ms after the question the other concludes that it is gone.
//! A slow answer of a live node is waited for: of two packets of 50 ms, one pair in 2,000 takes longer than 500 ms, and the
//! paper's runs without a single failure cannot have had those.

mod lookup;
mod membership;
mod stabilize;

use std::collections::BTreeMap;

use super::position::Position;
use super::still::{perfect_tables, random_contacts};
use super::tables::{Contact, Tables};
use super::tally::Tally;
use crate::draws::Draws;
use crate::event_queue::EventQueue;
use crate::report::Report;
use lookup::Lookup;

/// Mean time of a packet (section VI-A of the paper).
const PACKET_MS: u64 = 50;
/// After which a node that does not answer is taken to be gone (section VI-A).
const TIMEOUT_MS: u64 = 500;
/// Least and most time between two rounds of a node's stabilisation (section VI-E).
const STABILIZE_MS: (u64, u64) = (15_000, 45_000);
/// Lookups come at one a second in the whole ring (section VI-E).
const LOOKUP_MS: u64 = 1_000;
/// Before the first lookup, so that the tables are as old as the churn makes them: a node refreshes its 30 entries in 15 min.
/// The paper does not say when its lookups start.
const WARM_UP_MS: u64 = 1_000_000;

/// What a ring that changes is like.
#[derive(Clone, Copy, Debug)]
pub struct Churn {
    /// Nodes at the start, at least 2.
    pub nodes: usize,
    /// Length of the successor list.
    pub successors: usize,
    /// Joins a second, and as many leaves.
    pub rate: f64,
    /// Lookups that are made, at one a second.
    pub lookups: u64,
    /// What everything follows from.
    pub seed: u64,
}

/// Runs a ring and reports on the lookups in it.
pub fn churn(config: &Churn, experiment: &str) -> Report {
    let start = std::time::Instant::now();
    let mut world = ChurningRing::new(config);
    world.run();
    let mut report = world.report(experiment);
    let node_hours = world.queue.now_ms() as f64 / 3_600_000.0 * config.nodes as f64;
    report.node_hours_per_wall_s = Some(node_hours / start.elapsed().as_secs_f64());
    report
}

/// What is to happen. Events for a node that has left are dropped where they arrive.
enum Event {
    /// Somebody looks a random key up.
    LookUp,
    Join,
    Leave,
    /// A node's next round of stabilisation.
    Stabilize {
        node: u32,
    },
    /// The question of a lookup reaches the node that is asked.
    Asked {
        lookup: u32,
    },
    /// Its answer reaches the node that looks; or the time for that is over.
    Answered {
        lookup: u32,
    },
    TimedOut {
        lookup: u32,
    },
    /// The node that looks turns to the owner it was named; and finds it gone.
    Reached {
        lookup: u32,
        owner: Contact,
    },
    OwnerGone {
        lookup: u32,
        owner: u32,
    },
    /// A node is asked for its predecessor by one that believes to be that; and what follows.
    PredecessorAsked {
        node: u32,
        by: u32,
    },
    PredecessorTold {
        node: u32,
        by: u32,
        predecessor: Option<Contact>,
    },
    PredecessorChecked {
        node: u32,
        predecessor: u32,
    },
    SuccessorGone {
        node: u32,
        successor: u32,
    },
    /// Somebody believes to be the node's predecessor.
    Notified {
        node: u32,
        by: Contact,
    },
    /// The node that had this one as its predecessor has another one now.
    Superseded {
        node: u32,
        by: Contact,
    },
    /// The predecessor or the successor of a node leaves.
    SuccessorLeft {
        node: u32,
        successor: u32,
        last: Option<Contact>,
    },
    PredecessorLeft {
        node: u32,
        predecessor: u32,
        before: Option<Contact>,
    },
}

/// The world.
struct ChurningRing {
    config: Churn,
    queue: EventQueue<Event>,
    draws: Draws,
    /// By slot, those that left too.
    nodes: Vec<Node>,
    /// The members, for the truth about who owns a key.
    members: BTreeMap<Position, u32>,
    /// The members again, for drawing one of them.
    member_slots: Vec<u32>,
    lookups: Vec<Lookup>,
    free_lookups: Vec<u32>,
    made: u64,
    tally: Tally,
}

struct Node {
    tables: Tables,
    alive: bool,
    /// Which entry its next round of stabilisation looks up, see [`stabilize`].
    turn: usize,
    /// Whether its last round filled an empty finger, so that this one may not.
    filled: bool,
}

impl ChurningRing {
    fn new(config: &Churn) -> Self {
        let mut draws = Draws::from_seed(config.seed, "chord churn");
        let contacts = random_contacts(config.nodes, &mut draws);
        let tables = (0..config.nodes).map(|index| perfect_tables(&contacts, index, config.successors));
        let mut world = Self {
            config: *config,
            queue: EventQueue::new(),
            nodes: tables.map(|tables| Node { tables, alive: true, turn: 0, filled: false }).collect(),
            members: contacts.iter().map(|contact| (contact.position, contact.slot)).collect(),
            member_slots: contacts.iter().map(|contact| contact.slot).collect(),
            lookups: Vec::new(),
            free_lookups: Vec::new(),
            made: 0,
            tally: Tally::default(),
            draws,
        };
        for node in 0..config.nodes as u32 {
            // As if it had been running for ever: anywhere in its round, and in its turns.
            world.nodes[node as usize].turn = world.draws.index(64);
            let first_ms = world.draws.below(STABILIZE_MS.1);
            world.queue.schedule(first_ms, Event::Stabilize { node });
        }
        world.queue.schedule(WARM_UP_MS, Event::LookUp);
        if config.rate > 0.0 {
            world.schedule_poisson(world.change_ms(), Event::Join);
            world.schedule_poisson(world.change_ms(), Event::Leave);
        }
        world
    }

    /// Until all lookups were made and answered.
    fn run(&mut self) {
        while self.tally.lookups() < self.config.lookups {
            let Some((_, event)) = self.queue.pop() else {
                return;
            };
            self.handle(event);
        }
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::LookUp => self.look_up_random(),
            Event::Join => self.join(),
            Event::Leave => self.leave(),
            Event::Stabilize { node } => self.stabilize(node),
            Event::Asked { lookup } => self.asked(lookup),
            Event::Answered { lookup } => self.answered(lookup),
            Event::TimedOut { lookup } => self.timed_out(lookup),
            Event::Reached { lookup, owner } => self.reached(lookup, owner),
            Event::OwnerGone { lookup, owner } => self.owner_gone(lookup, owner),
            Event::PredecessorAsked { node, by } => self.predecessor_asked(node, by),
            Event::PredecessorTold { node, by, predecessor } => self.predecessor_told(node, by, predecessor),
            Event::PredecessorChecked { node, predecessor } => self.predecessor_checked(node, predecessor),
            Event::SuccessorGone { node, successor } => self.successor_gone(node, successor),
            Event::Notified { node, by } => self.notified(node, by),
            Event::Superseded { node, by } => self.superseded(node, by),
            Event::SuccessorLeft { node, successor, last } => self.successor_left(node, successor, last),
            Event::PredecessorLeft { node, predecessor, before } => self.predecessor_left(node, predecessor, before),
        }
    }

    /// Mean time between two joins, and between two leaves.
    fn change_ms(&self) -> u64 {
        (1_000.0 / self.config.rate) as u64
    }

    fn schedule_poisson(&mut self, mean_ms: u64, event: Event) {
        let delay_ms = self.draws.exponential_ms(mean_ms);
        self.queue.schedule_in(delay_ms, event);
    }

    /// A packet is under way.
    fn send(&mut self, event: Event) {
        self.schedule_poisson(PACKET_MS, event);
    }

    fn contact(&self, node: u32) -> Contact {
        self.nodes[node as usize].tables.me
    }

    fn is_alive(&self, node: u32) -> bool {
        self.nodes[node as usize].alive
    }

    fn tables(&mut self, node: u32) -> &mut Tables {
        &mut self.nodes[node as usize].tables
    }

    /// The member that a key belongs to.
    fn owner(&self, key: Position) -> Option<u32> {
        self.members.range(key..).next().or_else(|| self.members.first_key_value()).map(|(_, slot)| *slot)
    }

    fn report(&self, experiment: &str) -> Report {
        let mut report = Report::new(experiment, self.config.nodes, self.config.seed);
        self.tally.report(&mut report);
        let degrees = self.member_slots.iter().map(|slot| self.nodes[*slot as usize].tables.degree());
        report.degree_mean = Some(degrees.clone().sum::<usize>() as f64 / self.member_slots.len().max(1) as f64);
        report.degree_max = degrees.max().map(|degree| degree as f64);
        report
    }
}
