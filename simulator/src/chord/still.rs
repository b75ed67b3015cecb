//! A Chord ring in which nothing moves: perfect tables, then perhaps a share of the nodes gone at once, and lookups before any
//! repair (figure 10 and table II of the paper). Without messages and time, which such lookups do not depend on.

use super::position::Position;
use super::tables::{BITS, Contact, Tables};
use super::tally::Tally;
use crate::draws::Draws;
use crate::report::Report;

/// A ring at rest.
pub struct StillRing {
    /// In ring order.
    nodes: Vec<Tables>,
    alive: Vec<bool>,
    draws: Draws,
    seed: u64,
    tally: Tally,
}

/// What a lookup met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trip {
    /// The node the lookup ended with; nobody, if it got stuck.
    pub answer: Option<u32>,
    /// Nodes that were asked and answered, the one that looks for the key apart.
    pub hops: u32,
    /// Attempts to ask a node that is gone.
    pub timeouts: u32,
}

impl StillRing {
    /// `nodes` (at least 2) at random positions, each with perfect tables: the next `successors` nodes and all fingers.
    pub fn new(nodes: usize, successors: usize, seed: u64) -> Self {
        let mut draws = Draws::from_seed(seed, "chord still");
        let contacts = random_contacts(nodes, &mut draws);
        let tables = (0..nodes).map(|index| perfect_tables(&contacts, index, successors)).collect();
        Self { nodes: tables, alive: vec![true; nodes], draws, seed, tally: Tally::default() }
    }

    /// Where the nodes are, in ring order, by slot.
    pub fn positions(&self) -> Vec<Position> {
        self.nodes.iter().map(|node| node.me.position).collect()
    }

    /// Has each node fail with probability `fraction`; nobody learns of it.
    pub fn fail(&mut self, fraction: f64) {
        for index in 0..self.alive.len() {
            self.alive[index] = !self.draws.chance(fraction);
            self.tally.note(u64::from(self.alive[index]));
        }
    }

    /// The first node that is alive at `key` or after it.
    pub fn owner(&self, key: Position) -> Option<u32> {
        let first = self.nodes.partition_point(|node| node.me.position < key);
        let count = self.nodes.len();
        (0..count).map(|offset| (first + offset) % count).find(|index| self.alive[*index]).map(|index| index as u32)
    }

    /// Looks `key` up from node `start`.
    ///
    /// Each node that is asked names the closest preceding node of its tables; if that one is gone (a timeout), the next
    /// closest. It does not know what others found gone on the way. The predecessor of the key ends the lookup: it names its
    /// first live successor, and that costs neither a hop nor a timeout, as the paper's formula for the path has it.
    pub fn lookup(&self, start: u32, key: Position) -> Trip {
        let mut trip = Trip { answer: None, hops: 0, timeouts: 0 };
        let mut asked = &self.nodes[start as usize];
        loop {
            let live = |known: &&Contact| self.alive[known.slot as usize];
            let Some(next) = asked.successors().iter().find(live) else {
                return trip;
            };
            if key.is_after_up_to(asked.me.position, next.position) {
                trip.answer = Some(next.slot);
                return trip;
            }
            let mut gone: Vec<u32> = Vec::new();
            asked = loop {
                let named = asked.closest_preceding(key, |known| gone.contains(&known.slot));
                match named {
                    Some(contact) if self.alive[contact.slot as usize] => {
                        break &self.nodes[contact.slot as usize];
                    }
                    Some(contact) => gone.push(contact.slot),
                    None => return trip,
                }
            };
            trip.timeouts += gone.len() as u32;
            trip.hops += 1;
        }
    }

    /// Looks random keys up from random live nodes.
    pub fn look_up_random(&mut self, lookups: u64) {
        let live: Vec<u32> = (0..self.nodes.len() as u32).filter(|slot| self.alive[*slot as usize]).collect();
        for _ in 0..if live.is_empty() { 0 } else { lookups } {
            let start = live[self.draws.index(live.len())];
            let key = Position(self.draws.any());
            let trip = self.lookup(start, key);
            self.tally.add(trip.hops, trip.timeouts, trip.answer.is_some() && trip.answer == self.owner(key));
        }
    }

    /// What the lookups met so far.
    pub fn report(&self, experiment: &str) -> Report {
        let mut report = Report::new(experiment, self.nodes.len(), self.seed);
        self.tally.report(&mut report);
        let degrees = self.nodes.iter().map(Tables::degree);
        report.degree_mean = Some(degrees.clone().sum::<usize>() as f64 / self.nodes.len() as f64);
        report.degree_max = degrees.max().map(|degree| degree as f64);
        report
    }
}

/// Contacts at random positions, in ring order; the slot is the place in that order.
pub(super) fn random_contacts(count: usize, draws: &mut Draws) -> Vec<Contact> {
    let mut positions: Vec<u64> = (0..count).map(|_| draws.any()).collect();
    positions.sort_unstable();
    positions.iter().zip(0..).map(|(position, slot)| Contact { slot, position: Position(*position) }).collect()
}

/// The tables of node `index` of the ring of `contacts`, as endless stabilisation would leave them.
pub(super) fn perfect_tables(contacts: &[Contact], index: usize, successors: usize) -> Tables {
    let count = contacts.len();
    let mut tables = Tables::new(contacts[index], successors);
    tables.predecessor = Some(contacts[(index + count - 1) % count]);
    for offset in 1..=successors.min(count - 1) {
        tables.insert_successor(contacts[(index + offset) % count]);
    }
    for bit in tables.lowest_finger()..BITS {
        let start = tables.finger_start(bit);
        tables.set_finger(bit, contacts[contacts.partition_point(|contact| contact.position < start) % count]);
    }
    tables
}
