//! Joins and leaves. Both are orderly: who leaves tells its neighbours (section IV-E of the paper, voluntary departures).

use super::lookup::Purpose;
use super::{ChurningRing, Event, Node, STABILIZE_MS};
use crate::chord::position::Position;
use crate::chord::tables::{BITS, Contact, Tables};

impl ChurningRing {
    /// Somebody new asks a random member for its successor.
    pub(super) fn join(&mut self) {
        self.schedule_poisson(self.change_ms(), Event::Join);
        let newcomer = Contact { slot: self.nodes.len() as u32, position: Position(self.draws.any()) };
        self.nodes.push(Node { tables: Tables::new(newcomer, self.config.successors), alive: false, turn: 0, filled: false });
        self.enter_anew(Purpose::Join { newcomer });
    }

    /// A newcomer's first or next attempt.
    pub(super) fn enter_anew(&mut self, purpose: Purpose) {
        if let (Purpose::Join { newcomer }, false) = (purpose, self.member_slots.is_empty()) {
            let through = self.random_member();
            self.look_up(through, newcomer.position, purpose);
        }
    }

    /// A newcomer found its successor: it takes that one's tables for a start, tells it, and is a member.
    pub(super) fn enter(&mut self, newcomer: Contact, successor: Contact) {
        if !self.is_alive(successor.slot) {
            self.enter_anew(Purpose::Join { newcomer });
            return;
        }
        let hints = self.nodes[successor.slot as usize].tables.clone();
        let node = &mut self.nodes[newcomer.slot as usize];
        node.alive = true;
        node.tables.insert_successor(successor);
        hints.successors().iter().for_each(|known| node.tables.insert_successor(*known));
        for bit in node.tables.lowest_finger()..BITS {
            if let Some(known) = hints.finger(bit) {
                node.tables.set_finger(bit, known);
            }
        }
        self.members.insert(newcomer.position, newcomer.slot);
        self.member_slots.push(newcomer.slot);
        self.tally.note(u64::from(newcomer.slot));
        self.send(Event::Notified { node: successor.slot, by: newcomer });
        let first_ms = self.draws.uniform_ms(STABILIZE_MS.0, STABILIZE_MS.1);
        self.queue.schedule_in(first_ms, Event::Stabilize { node: newcomer.slot });
    }

    /// A random member leaves: its predecessor is told the last of its successor list, its successor its predecessor.
    pub(super) fn leave(&mut self) {
        self.schedule_poisson(self.change_ms(), Event::Leave);
        // A ring of two is the least that the experiments mean anything for.
        if self.member_slots.len() <= 2 {
            return;
        }
        let index = self.draws.index(self.member_slots.len());
        let slot = self.member_slots.swap_remove(index);
        let node = &mut self.nodes[slot as usize];
        node.alive = false;
        let position = node.tables.me.position;
        let (predecessor, list) = (node.tables.predecessor, node.tables.successors());
        let (first, last) = (list.first().copied(), list.last().copied());
        self.members.remove(&position);
        self.tally.note(u64::from(slot));
        if let Some(before) = predecessor {
            self.send(Event::SuccessorLeft { node: before.slot, successor: slot, last });
        }
        if let Some(first) = first {
            self.send(Event::PredecessorLeft { node: first.slot, predecessor: slot, before: predecessor });
        }
    }

    pub(super) fn successor_left(&mut self, node: u32, successor: u32, last: Option<Contact>) {
        let tables = self.tables(node);
        tables.remove(successor);
        if let Some(last) = last {
            tables.insert_successor(last);
        }
    }

    pub(super) fn predecessor_left(&mut self, node: u32, predecessor: u32, before: Option<Contact>) {
        let tables = self.tables(node);
        if tables.predecessor.is_some_and(|known| known.slot == predecessor) {
            tables.predecessor = before;
        }
    }

    pub(super) fn random_member(&mut self) -> u32 {
        self.member_slots[self.draws.index(self.member_slots.len())]
    }
}
