//! What goes wrong in a world of people, one thing at a time, and what goes right again.

use std::collections::{BTreeMap, BTreeSet};

use b4_protocol::crypto::Rng;
use b4_protocol::node::Command;
use b4_protocol::ring::{Message, RingId, Service, Side};
use b4_protocol::session::{Content, RING};
use b4_protocol::time::MINUTE_MS;

use super::{PEOPLE_MIN, Town};
use crate::draws::Draws;
use crate::store::DiskFault;
use crate::world::{NodeIndex, honest_hello};

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Somebody new comes, or two add each other.
    Meet,
    /// A page is opened that was closed.
    Start,
    /// A page ends without a word, and what is on its way to the disk with it.
    Crash,
    /// A page is closed with a goodbye.
    Leave,
    /// A page is loaded again at once.
    Reload,
    /// All links of one break.
    Cut,
    /// One end of a link is gone, the other believes in it.
    HalfOpen,
    /// Nothing that one sends over a link reaches the other.
    OneWay,
    /// A page computes, and what it sends leaves seconds late; or no more.
    Slow,
    /// A page is hidden, and its timers come once a minute; or seen again.
    Hidden,
    /// Between two there is no path; or there is again.
    NoPath,
    /// The network falls into two halves; or heals.
    Split,
    /// A disk fails or is full; or works again.
    Disk,
    /// The relay ends; or starts again.
    Relay,
    /// An enemy with a certificate: comes, makes neighbours up, says nonsense, answers wrong, takes all and answers nothing.
    Enemy,
}

impl Fault {
    /// All.
    pub const ALL: [Self; 15] = [
        Self::Meet,
        Self::Start,
        Self::Crash,
        Self::Leave,
        Self::Reload,
        Self::Cut,
        Self::HalfOpen,
        Self::OneWay,
        Self::Slow,
        Self::Hidden,
        Self::NoPath,
        Self::Split,
        Self::Disk,
        Self::Relay,
        Self::Enemy,
    ];
}

/// How often each is drawn, and how often it happened.
pub(super) struct Faults {
    weights: BTreeMap<Fault, u64>,
    happened: BTreeMap<Fault, usize>,
}

impl Faults {
    /// Each kind with one chance in two, so that the rare meet.
    pub fn drawn(draws: &mut Draws) -> Self {
        let mut rate = |fault: &Fault| {
            let weight = if draws.chance(0.5) { draws.below(4) + 1 } else { 0 };
            // Somebody has to come back.
            (*fault, weight + if matches!(fault, Fault::Meet | Fault::Start) { 2 } else { 0 })
        };
        Self { weights: Fault::ALL.iter().map(&mut rate).collect(), happened: BTreeMap::new() }
    }

    fn draw(&self, draws: &mut Draws) -> Fault {
        let mut drawn = draws.below(self.weights.values().sum());
        for (fault, weight) in &self.weights {
            if drawn < *weight {
                return *fault;
            }
            drawn -= weight;
        }
        Fault::Meet
    }

    /// What happened, and how often.
    pub fn happened(&self) -> Vec<(Fault, usize)> {
        self.happened.iter().map(|(fault, count)| (*fault, *count)).collect()
    }
}

impl Town {
    /// One thing happens, if it can.
    pub(super) fn happen(&mut self) {
        let fault = self.faults.draw(&mut self.draws);
        let at = self.draws.index(self.people.len());
        let other = (at + 1 + self.draws.index(self.people.len() - 1)) % self.people.len();
        if self.happens(fault, at, other) {
            *self.faults.happened.entry(fault).or_default() += 1;
        }
    }

    fn happens(&mut self, fault: Fault, at: usize, other: usize) -> bool {
        let (node, is_up) = (self.people[at].node, self.people[at].is_up);
        match fault {
            Fault::Meet if self.draws.chance(0.3) => self.come(),
            Fault::Meet => self.meet(),
            Fault::Start => return self.start_somebody(),
            Fault::Crash | Fault::Leave if !is_up || self.up().len() < PEOPLE_MIN => return false,
            Fault::Crash => self.end(at),
            Fault::Leave => {
                self.world.command(node, Command::Leave);
                self.end(at);
            }
            Fault::Reload if is_up => {
                self.end(at);
                self.start(at);
            }
            Fault::Cut => self.world.cut_links(node),
            Fault::HalfOpen => self.world.half_open(node, self.people[other].node),
            Fault::OneWay => self.world.silence(node, self.people[other].node),
            Fault::Slow if is_up => self.slow(at),
            Fault::Hidden if is_up => self.hidden(at),
            Fault::NoPath if self.split.is_none() => self.no_path(node, self.people[other].node),
            Fault::Split => self.split(),
            Fault::Disk => self.disk(at),
            Fault::Relay => self.relay(),
            Fault::Enemy => return self.enemy(at),
            Fault::Reload | Fault::Slow | Fault::Hidden | Fault::NoPath => return false,
        }
        true
    }

    fn up(&self) -> Vec<usize> {
        (0..self.people.len()).filter(|at| self.people[*at].is_up).collect()
    }

    fn end(&mut self, at: usize) {
        self.world.kill(self.people[at].node);
        self.people[at].is_up = false;
    }

    fn start(&mut self, at: usize) {
        self.world.start(self.people[at].node);
        self.people[at].is_up = true;
    }

    fn start_somebody(&mut self) -> bool {
        let down: Vec<usize> = (0..self.people.len()).filter(|at| !self.people[*at].is_up).collect();
        if !down.is_empty() {
            let at = down[self.draws.index(down.len())];
            self.start(at);
        }
        !down.is_empty()
    }

    fn slow(&mut self, at: usize) {
        let person = &mut self.people[at];
        person.is_slow = !person.is_slow;
        let by_ms = if person.is_slow { 500 + self.draws.below(3_000) } else { 0 };
        self.world.set_slow(person.node, by_ms);
    }

    fn hidden(&mut self, at: usize) {
        let person = &mut self.people[at];
        person.is_hidden = !person.is_hidden;
        if person.is_hidden {
            self.world.hide(person.node);
        }
        self.world.throttle(person.node, if person.is_hidden { MINUTE_MS } else { 1 });
    }

    fn no_path(&mut self, one: NodeIndex, other: NodeIndex) {
        let pair = (one.min(other), one.max(other));
        if self.apart.remove(&pair) {
            self.world.reunite(one, other);
        } else {
            self.apart.insert(pair);
            self.part(one, other);
        }
    }

    fn part(&mut self, one: NodeIndex, other: NodeIndex) {
        self.world.separate(one, other);
        self.world.cut_between(one, other);
    }

    fn split(&mut self) {
        if self.split.is_some() {
            self.heal();
            return;
        }
        let nodes: Vec<NodeIndex> = self.people.iter().map(|person| person.node).collect();
        let half: BTreeSet<NodeIndex> = nodes.into_iter().filter(|_| self.draws.chance(0.5)).collect();
        for (one, other) in self.across(&half) {
            self.part(one, other);
        }
        self.split = Some(half);
    }

    /// The halves find each other again, but for pairs that had no path before.
    pub(super) fn heal(&mut self) {
        let Some(half) = self.split.take() else { return };
        for (one, other) in self.across(&half) {
            if !self.apart.contains(&(one.min(other), one.max(other))) {
                self.world.reunite(one, other);
            }
        }
    }

    fn across(&self, half: &BTreeSet<NodeIndex>) -> Vec<(NodeIndex, NodeIndex)> {
        let nodes = || self.people.iter().map(|person| person.node);
        let there = |one: NodeIndex| nodes().filter(|other| !half.contains(other)).map(move |other| (one, other));
        nodes().filter(|one| half.contains(one)).flat_map(there).collect()
    }

    fn disk(&mut self, at: usize) {
        let person = &mut self.people[at];
        person.is_broken = !person.is_broken;
        let fault = if person.is_broken { DiskFault::Failing(self.draws.chance(0.5)) } else { DiskFault::None };
        self.world.set_disk_fault(person.node, fault);
    }

    fn relay(&mut self) {
        if self.is_relay_up {
            self.world.kill_relay();
        } else {
            self.world.start_relay();
        }
        self.is_relay_up = !self.is_relay_up;
    }

    /// What an enemy does next to somebody. One that is not there yet comes; to dial it needs the relay.
    fn enemy(&mut self, at: usize) -> bool {
        let to = self.people[at].node;
        let Some(enemy) = self.enemy else {
            if self.is_relay_up {
                self.enemy_comes();
            }
            return self.is_relay_up;
        };
        let me = RingId::of_node(self.world.device(enemy).certificate.node_id());
        match self.draws.below(4) {
            0 if self.is_relay_up && self.people[at].is_up => self.world.hostile_dials(enemy, to),
            1 => {
                let mut rng = Rng::from_seed([self.draws.below(256) as u8; 32]);
                let mut made_up: Vec<RingId> = (0..15).map(|_| RingId(u128::from_be_bytes(rng.array()))).collect();
                for side in Side::BOTH {
                    made_up.sort_by_key(|id| side.way(me, *id));
                    self.world.hostile_says(enemy, to, &Message::Near { side, list: made_up.clone() });
                }
            }
            2 => self.world.hostile_answers(enemy, Service::Lookup, vec![7; 300]),
            _ => self.world.hostile_sends(enemy, to, RING, Content::Ring, &[0x0e]),
        }
        true
    }

    fn enemy_comes(&mut self) {
        let device = self.world.insider("mallory");
        let me = RingId::of_node(device.certificate.node_id());
        let place = |node: NodeIndex| RingId::of_node(self.world.device(node).certificate.node_id());
        let others: Vec<RingId> = self.people.iter().map(|person| place(person.node)).collect();
        let enemy = self.world.hostile(device, honest_hello(me, &others));
        for at in self.up() {
            self.world.hostile_dials(enemy, self.people[at].node);
            self.world.run_for(200);
        }
        self.enemy = Some(enemy);
    }
}
