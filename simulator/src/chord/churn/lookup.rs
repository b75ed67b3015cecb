//! Lookups in the churning ring: iterative, as in the paper's simulator. The node that looks asks one after the other.

use super::{ChurningRing, Event, TIMEOUT_MS};
use crate::chord::position::Position;
use crate::chord::tables::{Contact, Tables};

/// What a lookup is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    /// The experiment counts it.
    Measure,
    /// A round of stabilisation refreshes a finger, or the successor list after an entry.
    Finger {
        bit: usize,
    },
    Successor {
        before: Contact,
    },
    /// A newcomer looks for its successor.
    Join {
        newcomer: Contact,
    },
}

/// A lookup under way.
pub(super) struct Lookup {
    purpose: Purpose,
    key: Position,
    /// Who looks.
    start: u32,
    /// Nodes that answered, `start` first: who named the node that is asked now, and who is asked again if that one is gone.
    path: Vec<u32>,
    /// Who is asked now.
    asking: u32,
    /// A node that was found gone, for the one that named it to remove.
    gone: Option<u32>,
    /// What the answer under way says.
    reply: Reply,
    hops: u32,
    timeouts: u32,
}

/// What a node answers about a key.
#[derive(Clone, Copy, Debug)]
enum Reply {
    /// The key belongs to its successor.
    Owner(Contact),
    /// That one is closer.
    Closer(Contact),
    /// It knows nobody.
    Nothing,
}

fn reply(tables: &Tables, key: Position) -> Reply {
    let Some(successor) = tables.successors().first() else {
        return Reply::Nothing;
    };
    if key.is_after_up_to(tables.me.position, successor.position) {
        return Reply::Owner(*successor);
    }
    tables.closest_preceding(key, |_| false).map_or(Reply::Nothing, Reply::Closer)
}

impl ChurningRing {
    pub(super) fn look_up_random(&mut self) {
        self.schedule_poisson(super::LOOKUP_MS, Event::LookUp);
        if self.made == self.config.lookups || self.member_slots.is_empty() {
            return;
        }
        self.made += 1;
        let start = self.random_member();
        let key = Position(self.draws.any());
        self.look_up(start, key, Purpose::Measure);
    }

    pub(super) fn look_up(&mut self, start: u32, key: Position, purpose: Purpose) {
        let fresh = Lookup {
            purpose,
            key,
            start,
            path: Vec::new(),
            asking: start,
            gone: None,
            reply: Reply::Nothing,
            hops: 0,
            timeouts: 0,
        };
        let lookup = match self.free_lookups.pop() {
            Some(free) => {
                let mut path = std::mem::take(&mut self.lookups[free as usize].path);
                path.clear();
                self.lookups[free as usize] = Lookup { path, ..fresh };
                free
            }
            None => {
                self.lookups.push(fresh);
                self.lookups.len() as u32 - 1
            }
        };
        self.ask_oneself(lookup);
    }

    /// The node that looks consults its own tables, which takes no time.
    fn ask_oneself(&mut self, lookup: u32) {
        let state = &mut self.lookups[lookup as usize];
        let (start, key) = (state.start, state.key);
        state.path.clear();
        state.path.push(start);
        state.reply = reply(&self.nodes[start as usize].tables, key);
        self.follow(lookup);
    }

    /// Does what the reply says.
    fn follow(&mut self, lookup: u32) {
        match self.lookups[lookup as usize].reply {
            Reply::Owner(owner) => self.send(Event::Reached { lookup, owner }),
            Reply::Nothing => self.end(lookup, None),
            Reply::Closer(next) => self.ask(lookup, next.slot),
        }
    }

    fn ask(&mut self, lookup: u32, node: u32) {
        self.lookups[lookup as usize].asking = node;
        self.send(Event::Asked { lookup });
    }

    /// The question arrives.
    pub(super) fn asked(&mut self, lookup: u32) {
        let state = &mut self.lookups[lookup as usize];
        let gone = state.gone.take();
        let node = &mut self.nodes[state.asking as usize];
        if !node.alive {
            self.queue.schedule_in(TIMEOUT_MS, Event::TimedOut { lookup });
            return;
        }
        if let Some(gone) = gone {
            node.tables.remove(gone);
        }
        state.reply = reply(&node.tables, state.key);
        self.send(Event::Answered { lookup });
    }

    /// The answer arrives.
    pub(super) fn answered(&mut self, lookup: u32) {
        let state = &mut self.lookups[lookup as usize];
        // One that is asked a second time, because the node it named is gone, is no further hop.
        if state.path.last() != Some(&state.asking) {
            state.path.push(state.asking);
            state.hops += 1;
        }
        if self.is_alive(self.lookups[lookup as usize].start) {
            self.follow(lookup);
        } else {
            self.end(lookup, None);
        }
    }

    /// The node that looks turns to the owner that it was named. That is behind the path's end: neither hop nor timeout.
    pub(super) fn reached(&mut self, lookup: u32, owner: Contact) {
        if self.is_alive(owner.slot) {
            self.end(lookup, Some(owner));
        } else {
            self.queue.schedule_in(TIMEOUT_MS, Event::OwnerGone { lookup, owner: owner.slot });
        }
    }

    /// The owner that the key's predecessor named is gone: the predecessor is told, and asked again.
    pub(super) fn owner_gone(&mut self, lookup: u32, owner: u32) {
        self.ask_again_without(lookup, owner);
    }

    /// The node that was asked is gone. The one that looks removes it from its own tables and has the one that named it do the
    /// same, which then names the next closest.
    pub(super) fn timed_out(&mut self, lookup: u32) {
        let state = &mut self.lookups[lookup as usize];
        state.timeouts += 1;
        let gone = state.asking;
        if state.path.last() == Some(&gone) {
            state.path.pop();
        }
        self.ask_again_without(lookup, gone);
    }

    fn ask_again_without(&mut self, lookup: u32, gone: u32) {
        let state = &mut self.lookups[lookup as usize];
        let start = state.start;
        let named_by = state.path.last().copied().unwrap_or(start);
        state.gone = (named_by != start).then_some(gone);
        self.tables(start).remove(gone);
        if named_by == start {
            self.ask_oneself(lookup);
        } else {
            self.ask(lookup, named_by);
        }
    }

    fn end(&mut self, lookup: u32, owner: Option<Contact>) {
        let state = &self.lookups[lookup as usize];
        let (purpose, key, start, hops, timeouts) = (state.purpose, state.key, state.start, state.hops, state.timeouts);
        self.free_lookups.push(lookup);
        if !self.is_alive(start) {
            // Nobody is there who could be answered; a measured lookup is made again, from elsewhere.
            match purpose {
                Purpose::Measure => self.made -= 1,
                Purpose::Join { .. } => self.enter_anew(purpose),
                Purpose::Finger { .. } | Purpose::Successor { .. } => {}
            }
            return;
        }
        match (purpose, owner) {
            (Purpose::Measure, _) => {
                let correct = owner.is_some() && owner.map(|owner| owner.slot) == self.owner(key);
                self.tally.add(hops, timeouts, correct);
            }
            (Purpose::Finger { bit }, Some(owner)) => self.tables(start).set_finger(bit, owner),
            (Purpose::Successor { before }, Some(owner)) => self.tables(start).set_successor_after(before, owner),
            (Purpose::Join { newcomer }, Some(owner)) => self.enter(newcomer, owner),
            (Purpose::Join { .. }, None) => self.enter_anew(purpose),
            (Purpose::Finger { .. } | Purpose::Successor { .. }, None) => {}
        }
    }
}
