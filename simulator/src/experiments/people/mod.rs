//! Small worlds of whole nodes, in which everything goes wrong that can: people who talk, with certificates, conversations, mail and disks,
//! and the relay of the product.
//!
//! Swarm testing as in the fuzz of rings, but of the product: each world draws which kinds of fault it has and how often. What must
//! hold at every moment the world looks at by itself ([`World::breaches`]); what must hold in the end, when everything is mended, is
//! looked at here: whatever an author's screen has shown is there, once and in order; and when the relay dies then, everybody still finds
//! somebody whom they do not know, and talks to them.

mod faults;
mod ledger;

use std::collections::BTreeSet;

use b4_protocol::node::{Command, Direction};
use b4_protocol::time::MINUTE_MS;

use super::FuzzFailure;
use crate::draws::Draws;
use crate::report::Report;
use crate::store::DiskFault;
use crate::world::{NodeIndex, World, WorldConfig};

pub use faults::Fault;

use faults::Faults;
use ledger::Ledger;

/// Who there is at most.
const NAMES: [&str; 9] = ["anna", "bela", "carla", "dora", "emil", "frida", "gustav", "hana", "ida"];
/// Fewer are no ring worth a fault.
const PEOPLE_MIN: usize = 3;
/// What every text begins with. Nobody else may read it.
const WORDS: &str = "for your eyes only: ";
/// Within this after everything is mended, everything has arrived: who failed often is tried again after ten minutes only.
const MENDED_MS: u64 = 25 * MINUTE_MS;
/// Then the ring is whole again: it was split, or everybody was asleep, and what has failed is tried again after minutes.
const WHOLE_MS: u64 = 5 * MINUTE_MS;
/// Within this a lookup has found its user, and a text its reader, when nothing is wrong but that the relay is dead.
const FOUND_MS: u64 = 30_000;

/// A small world of people, before its seed draws what happens in it.
#[derive(Clone, Copy, Debug)]
pub struct PeopleFuzz {
    /// Everything follows from it.
    pub seed: u64,
    /// People at most, 3 to 9.
    pub people: usize,
}

impl PeopleFuzz {
    /// The most people that a world can have.
    pub const PEOPLE_MAX: usize = NAMES.len();
}

/// A world of people in which everything held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeopleFuzzed {
    /// What happened, and how often.
    pub faults: Vec<(Fault, usize)>,
    /// Texts that an author's disk has: all of them arrived.
    pub texts: usize,
    /// Lookups of strangers at the end, without the relay: all found, and heard.
    pub lookups: usize,
    /// The world's own hash.
    pub trace: [u8; 32],
    /// How long it was, in milliseconds of its own clock.
    pub span_ms: u64,
}

impl PeopleFuzzed {
    /// The same in the terms of the other experiments.
    pub fn report(&self, fuzz: &PeopleFuzz) -> Report {
        let mut report = Report::new("fuzz people", fuzz.people, fuzz.seed);
        report.lookups = self.lookups as u64;
        report.correct = report.lookups;
        report.trace_hash = self.trace.iter().take(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte));
        report
    }
}

/// Somebody, and what is wrong with their machine.
struct Person {
    node: NodeIndex,
    is_up: bool,
    is_slow: bool,
    is_hidden: bool,
    is_broken: bool,
}

/// A world, what goes wrong in it, and what was said.
struct Town {
    world: World,
    draws: Draws,
    faults: Faults,
    people: Vec<Person>,
    people_max: usize,
    ledger: Ledger,
    is_relay_up: bool,
    /// Pairs without a path, while the network is whole.
    apart: BTreeSet<(NodeIndex, NodeIndex)>,
    /// One half of the network, while it is split.
    split: Option<BTreeSet<NodeIndex>>,
    enemy: Option<NodeIndex>,
}

/// One world.
///
/// # Errors
/// What did not hold at some moment, or in the end.
pub fn fuzz_people(fuzz: &PeopleFuzz) -> Result<PeopleFuzzed, FuzzFailure> {
    run(fuzz).map_err(|what| FuzzFailure { seed: fuzz.seed, what })
}

fn run(fuzz: &PeopleFuzz) -> Result<PeopleFuzzed, String> {
    let mut town = Town::grown(fuzz);
    let began_ms = town.world.now().mono;
    for _ in 0..town.draws.below(50) + 30 {
        town.step()?;
    }
    town.mend();
    town.check_texts()?;
    let lookups = town.check_finds()?;
    let breaches = town.breaches();
    if let Some(breach) = breaches.first() {
        return Err(format!("in the end: {breach}"));
    }
    Ok(PeopleFuzzed {
        faults: town.faults.happened(),
        texts: town.ledger.texts(&town.world),
        lookups,
        trace: town.world.trace(),
        span_ms: town.world.now().mono - began_ms,
    })
}

impl Town {
    /// Some people, who have met, before anything goes wrong.
    fn grown(fuzz: &PeopleFuzz) -> Self {
        let mut draws = Draws::from_seed(fuzz.seed, "people");
        let latency_ms = if draws.chance(0.3) { (50, 400) } else { (5, 60) };
        let disk_ms = (1, 5 + draws.below(60));
        let mut world = World::new(WorldConfig { seed: fuzz.seed, latency_ms, disk_ms });
        world.keep_secret(WORDS);
        let faults = Faults::drawn(&mut draws);
        let people_max = fuzz.people.clamp(PEOPLE_MIN, NAMES.len());
        let mut town = Self {
            world,
            draws,
            faults,
            people: Vec::new(),
            people_max,
            ledger: Ledger::default(),
            is_relay_up: true,
            apart: BTreeSet::new(),
            split: None,
            enemy: None,
        };
        let first = PEOPLE_MIN + town.draws.index(people_max - PEOPLE_MIN + 1);
        for _ in 0..first {
            town.come();
        }
        town.world.run_for(15_000);
        for _ in 0..3 * first {
            town.meet();
        }
        town.world.run_for(10_000);
        town
    }

    /// Somebody new, if there is a name left.
    fn come(&mut self) {
        if self.people.len() < self.people_max {
            // Clocks that are a little behind do not put a certificate's beginning off.
            let node = self.world.add_earlier(NAMES[self.people.len()], MINUTE_MS);
            self.people.push(Person { node, is_up: true, is_slow: false, is_hidden: false, is_broken: false });
        }
    }

    /// Two whose pages are open add each other.
    fn meet(&mut self) {
        let Some((one, other)) = self.draw_pair().filter(|(one, other)| self.people[*one].is_up && self.people[*other].is_up) else { return };
        for (from, to) in [(one, other), (other, one)] {
            let typed = self.world.user(self.people[to].node).to_string();
            self.world.command(self.people[from].node, Command::AddContact { typed });
        }
    }

    /// Two different people.
    fn draw_pair(&mut self) -> Option<(usize, usize)> {
        let one = self.draws.index(self.people.len());
        let other = self.draws.index(self.people.len());
        (one != other).then_some((one, other))
    }

    /// Some of those who can say something; one thing goes wrong or right; some time passes.
    fn step(&mut self) -> Result<(), String> {
        let pairs = self.acquainted();
        for _ in 0..self.draws.below(6) {
            if pairs.is_empty() {
                break;
            }
            let (author, reader) = pairs[self.draws.index(pairs.len())];
            let text = self.ledger.next_text(author, reader);
            self.world.say(author, reader, &text);
            let pause_ms = self.draws.below(40);
            self.world.run_for(pause_ms);
        }
        // What a screen shows is forgotten when its page ends.
        self.look();
        self.happen();
        let span_ms = match self.draws.below(20) {
            0..10 => self.draws.below(1_500),
            10..19 => self.draws.below(20_000),
            _ => 5 * MINUTE_MS,
        };
        self.world.run_for(span_ms);
        self.look();
        match self.breaches().first() {
            Some(breach) => Err(format!("at {} ms {breach}", self.world.now().mono)),
            None => Ok(()),
        }
    }

    /// Whose page is open, and whom they can say something to: each knows the other.
    fn acquainted(&self) -> Vec<(NodeIndex, NodeIndex)> {
        let knows = |one: NodeIndex, other: NodeIndex| self.world.seen(one).contacts.contains_key(&self.world.user(other));
        let authors = self.people.iter().filter(|person| person.is_up).map(|person| person.node);
        let readers = |author: NodeIndex| self.people.iter().map(move |person| (author, person.node));
        authors.flat_map(readers).filter(|(one, other)| one != other && knows(*one, *other) && knows(*other, *one)).collect()
    }

    fn look(&mut self) {
        for person in &self.people {
            self.ledger.look(&self.world, person.node);
        }
    }

    fn breaches(&self) -> Vec<String> {
        // All of them write, and read what is for them alone: what the disks hold of others' mail is looked at all the same.
        let writers: Vec<NodeIndex> = self.people.iter().map(|person| person.node).collect();
        self.world.breaches(&writers)
    }

    /// Everything works again, and everybody is there.
    fn mend(&mut self) {
        self.heal();
        for (one, other) in std::mem::take(&mut self.apart) {
            self.world.reunite(one, other);
        }
        if !self.is_relay_up {
            self.world.start_relay();
        }
        for person in &mut self.people {
            self.world.set_disk_fault(person.node, DiskFault::None);
            self.world.set_slow(person.node, 0);
            self.world.throttle(person.node, 1);
            if !person.is_up {
                self.world.start(person.node);
            }
            *person = Person { node: person.node, is_up: true, is_slow: false, is_hidden: false, is_broken: false };
        }
        // A contact that was not on the disk when the page ended is one that its person adds again.
        self.world.run_for(30_000);
        for (author, reader) in self.ledger.pairs() {
            for (one, other) in [(author, reader), (reader, author)] {
                if !self.world.seen(one).contacts.contains_key(&self.world.user(other)) {
                    let typed = self.world.user(other).to_string();
                    self.world.command(one, Command::AddContact { typed });
                }
            }
        }
    }

    /// Whatever an author's disk has arrives, and is what the screens have shown.
    fn check_texts(&mut self) -> Result<(), String> {
        let until_ms = self.world.now().mono + MENDED_MS;
        while !self.ledger.has_arrived(&self.world) {
            if self.world.now().mono >= until_ms {
                return Err(self.ledger.missing(&self.world));
            }
            self.world.run_for(1_000);
        }
        self.world.run_for(MINUTE_MS);
        self.look();
        self.ledger.check(&self.world)
    }

    /// The relay is dead for good. Everybody finds somebody who was not a contact, if there is such a one, and says something that arrives.
    fn check_finds(&mut self) -> Result<usize, String> {
        self.world.run_for(WHOLE_MS);
        self.world.kill_relay();
        self.world.run_for(FOUND_MS);
        let nodes: Vec<NodeIndex> = self.people.iter().map(|person| person.node).collect();
        let mut lookups = 0;
        for (at, asker) in nodes.iter().copied().enumerate() {
            let knows = |other: NodeIndex| self.world.seen(asker).contacts.contains_key(&self.world.user(other));
            let Some(other) = nodes[at + 1..].iter().chain(&nodes[..at]).copied().find(|other| !knows(*other)) else { continue };
            let (me, user) = (self.world.user(asker), self.world.user(other));
            self.world.command(asker, Command::AddContact { typed: user.to_string() });
            if !self.world.run_until(FOUND_MS, |world| world.seen(asker).contacts.contains_key(&user)) {
                return Err(format!("without the relay {me} does not find {user}"));
            }
            let text = self.ledger.next_text(asker, other);
            self.world.say(asker, other, &text);
            let is_there = |world: &World| world.seen(other).texts(&me, Direction::In).contains(&text);
            if !self.world.run_until(FOUND_MS, is_there) {
                return Err(format!("without the relay {user} does not hear {me} say '{text}'"));
            }
            lookups += 1;
        }
        Ok(lookups)
    }
}
