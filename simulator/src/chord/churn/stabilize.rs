//! Stabilisation (figure 6 of the paper, as section VI-A changes it). A round asks the immediate successor for its predecessor
//! and refreshes one other entry, of successor list or fingers in turn: k entries are all refreshed once in k rounds. k is 30 at
//! 1,000 nodes, the "3 log N" of the paper: a finger that is in the list, too, takes its turn as well.
//!
//! The paper removes an entry that was found gone and does not say when its place is filled. Here every second round may fill
//! an empty finger before its turn; waiting for the turn makes paths 2 to 4 % longer than the published ones.

use super::lookup::Purpose;
use super::{ChurningRing, Event, STABILIZE_MS, TIMEOUT_MS};
use crate::chord::tables::{BITS, Contact};

impl ChurningRing {
    /// A node's round.
    pub(super) fn stabilize(&mut self, node: u32) {
        if !self.is_alive(node) {
            return;
        }
        let next_ms = self.draws.uniform_ms(STABILIZE_MS.0, STABILIZE_MS.1);
        self.queue.schedule_in(next_ms, Event::Stabilize { node });
        self.ask_successor(node);
        if let Some(predecessor) = self.nodes[node as usize].tables.predecessor {
            self.send(Event::PredecessorChecked { node, predecessor: predecessor.slot });
        }
        self.refresh_next_entry(node);
    }

    /// The question whether the predecessor is there reaches its place. That it is, changes nothing.
    pub(super) fn predecessor_checked(&mut self, node: u32, predecessor: u32) {
        if !self.is_alive(predecessor) {
            self.queue.schedule_in(TIMEOUT_MS, Event::PredecessorLeft { node, predecessor, before: None });
        }
    }

    fn ask_successor(&mut self, node: u32) {
        if let Some(successor) = self.nodes[node as usize].tables.successors().first().copied() {
            self.send(Event::PredecessorAsked { node: successor.slot, by: node });
        }
    }

    /// Looks up the entry whose turn it is: successor list entries from the second on, then fingers beyond the list.
    fn refresh_next_entry(&mut self, node: u32) {
        let state = &mut self.nodes[node as usize];
        let listed = self.config.successors - 1;
        let lowest = state.tables.lowest_finger();
        // Every second round at most: a node of a very small ring has fingers that stay empty.
        let empty = (lowest..BITS).rev().find(|bit| state.tables.finger(*bit).is_none()).filter(|_| !state.filled);
        state.filled = empty.is_some();
        if let Some(bit) = empty {
            let key = state.tables.finger_start(bit);
            self.look_up(node, key, Purpose::Finger { bit });
            return;
        }
        let turn = state.turn % (listed + BITS - lowest).max(1);
        state.turn = turn + 1;
        if turn >= listed {
            let bit = lowest + (turn - listed);
            if bit < BITS {
                let key = state.tables.finger_start(bit);
                self.look_up(node, key, Purpose::Finger { bit });
            }
            return;
        }
        let list = state.tables.successors();
        if let Some(before) = list.get(turn).or(list.last()).copied() {
            self.look_up(node, before.position.advanced(1), Purpose::Successor { before });
        }
    }

    pub(super) fn predecessor_asked(&mut self, node: u32, by: u32) {
        let state = &self.nodes[node as usize];
        if state.alive {
            let predecessor = state.tables.predecessor;
            self.send(Event::PredecessorTold { node: by, by: node, predecessor });
        } else {
            self.queue.schedule_in(TIMEOUT_MS, Event::SuccessorGone { node: by, successor: node });
        }
    }

    /// The successor answers. If somebody has come between, that one is the successor from now on.
    pub(super) fn predecessor_told(&mut self, node: u32, by: u32, predecessor: Option<Contact>) {
        if !self.is_alive(node) {
            return;
        }
        if let Some(between) = predecessor {
            let (me, teller) = (self.contact(node).position, self.contact(by).position);
            if between.position.is_between(me, teller) {
                self.tables(node).insert_successor(between);
            }
        }
        self.notify_successor(node);
    }

    fn notify_successor(&mut self, node: u32) {
        let tables = &self.nodes[node as usize].tables;
        let (me, successor) = (tables.me, tables.successors().first().copied());
        if let Some(successor) = successor {
            self.send(Event::Notified { node: successor.slot, by: me });
        }
    }

    /// The next of the list is the successor now, and asked at once (section IV-E.3).
    pub(super) fn successor_gone(&mut self, node: u32, successor: u32) {
        self.tables(node).remove(successor);
        self.ask_successor(node);
    }

    /// Somebody believes to be the node's predecessor. If so, the one before is told, so that it need not wait for its round.
    pub(super) fn notified(&mut self, node: u32, by: Contact) {
        if !self.is_alive(node) {
            return;
        }
        let me = self.contact(node).position;
        let old = self.tables(node).predecessor;
        if old.is_some_and(|old| !by.position.is_between(old.position, me)) {
            return;
        }
        self.tables(node).predecessor = Some(by);
        if let Some(old) = old {
            self.send(Event::Superseded { node: old.slot, by });
        }
    }

    /// The node's successor has a new predecessor, which is thus the node's new successor.
    pub(super) fn superseded(&mut self, node: u32, by: Contact) {
        if !self.is_alive(node) {
            return;
        }
        self.tables(node).insert_successor(by);
        self.notify_successor(node);
    }
}
