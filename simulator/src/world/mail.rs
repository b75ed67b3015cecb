//! What must hold of the mail at every moment, looked at whenever a screen is told something and whenever a frame leaves: nothing is
//! claimed that the disks of the others do not bear out, and no word of a message is readable by anybody on the way.

use std::collections::BTreeSet;

use b4_protocol::identity::UserId;
use b4_protocol::limits::{QUORUM, RECEIVER_ENVELOPES_MAX};
use b4_protocol::node::{Direction, Event, MessageState};
use b4_protocol::store::Table;

use super::{NodeIndex, World};

/// Where the message id stands in an envelope (PROTOCOL.md#envelope).
const MESSAGE_ID_AT: usize = 53;

/// What is looked at.
#[derive(Default)]
pub(super) struct Watch {
    /// Nothing with these words in it may leave a machine, or lie on a disk of somebody whom they are not for.
    secret: Vec<u8>,
    /// Messages that each screen was ever told to add, over all starts.
    shown: BTreeSet<(NodeIndex, [u8; 16])>,
    /// What did not hold.
    breaches: Vec<String>,
}

impl World {
    /// From now on nobody may read these words but who writes them and whom they are for.
    pub fn keep_secret(&mut self, words: &str) {
        self.watch.secret = words.as_bytes().to_vec();
    }

    /// All that did not hold since the world began, and what does not hold now on the disks of those who keep mail for others.
    pub fn breaches(&self, writers: &[NodeIndex]) -> Vec<String> {
        let mut breaches = self.watch.breaches.clone();
        for (node, machine) in self.machines.iter().enumerate() {
            let user = machine.device.certificate.user_id();
            let readable = |(_, value): (&[u8], &[u8])| contains(value, &self.watch.secret);
            if !writers.contains(&node) && Table::ALL.into_iter().any(|table| machine.disk.rows(table).any(readable)) {
                breaches.push(format!("{user} can read on their disk what is not for them"));
            }
            if machine.disk.rows(Table::Envelopes).any(readable) {
                breaches.push(format!("what {user} keeps is readable"));
            }
            if machine.seen.shown_twice != Vec::<String>::new() {
                breaches.push(format!("{user} was shown twice: {:?}", machine.seen.shown_twice));
            }
            let boxes: BTreeSet<&[u8]> = machine.disk.rows(Table::Held).map(|(key, _)| &key[..32]).collect();
            let count = |mailbox: &[u8]| machine.disk.rows(Table::Held).filter(|(key, _)| key.starts_with(mailbox)).count();
            if boxes.into_iter().any(|mailbox| count(mailbox) > 2 * RECEIVER_ENVELOPES_MAX) {
                breaches.push(format!("{user} keeps more than anybody should"));
            }
        }
        breaches
    }

    /// Whether a message is on the disk of a machine of the user whom it is for.
    pub fn has_on_disk(&self, user: &UserId, message: &[u8; 16]) -> bool {
        let mut theirs = self.machines.iter().filter(|machine| machine.device.certificate.user_id() == user);
        theirs.any(|machine| machine.disk.rows(Table::Messages).any(|(_, value)| contains(value, message)))
    }

    /// Whether a machine keeps the envelope of this message, on its disk, for this user.
    pub fn keeps_on_disk(&self, node: NodeIndex, user: &UserId, message: &[u8; 16]) -> bool {
        let is_it = |(key, value): (&[u8], &[u8])| key.starts_with(&user.mailbox()) && value[MESSAGE_ID_AT..].starts_with(message);
        self.machines[node].disk.rows(Table::Envelopes).any(is_it)
    }

    pub(super) fn watch_event(&mut self, node: NodeIndex, event: &Event) {
        let me = self.user(node);
        match event {
            Event::MessageHeld { with, id, holders, .. } => {
                let known = self.machines[node].seen.messages.get(with).and_then(|all| all.get(&id.0)).map(|message| message.holders.clone());
                for holder in holders.iter().filter(|holder| !known.iter().flatten().any(|known| known == *holder)) {
                    let is_it = |machine: &NodeIndex| self.machines[*machine].device.certificate.node_id() == holder && self.machines[*machine].hostile.is_none();
                    let Some(machine) = (0..self.machines.len()).find(is_it) else { continue };
                    if !self.keeps_on_disk(machine, with, &id.0) && !self.has_on_disk(with, &id.0) {
                        self.watch.breaches.push(format!("{me} counts on {} who has nothing on the disk", self.user(machine)));
                    }
                    if self.user(machine) == *with || self.user(machine) == me {
                        self.watch.breaches.push(format!("{me} counts on {}", self.user(machine)));
                    }
                }
                let mut distinct = holders.clone();
                distinct.sort();
                distinct.dedup();
                if distinct.len() < holders.len() {
                    self.watch.breaches.push(format!("{me} counts a holder twice"));
                }
            }
            Event::MessageChanged { with, id, state: MessageState::Held } => {
                let held = self.machines[node].seen.messages.get(with).and_then(|all| all.get(&id.0)).map(|message| message.holders.len());
                if held.is_some_and(|held| held < QUORUM) {
                    self.watch.breaches.push(format!("{me} was told that {held:?} are enough"));
                }
            }
            Event::MessageChanged { with, id, state: MessageState::Delivered } if !self.has_on_disk(with, &id.0) => {
                self.watch.breaches.push(format!("{me} was told that {with} has what is not on their disk"));
            }
            Event::MessageAdded { with, message } if message.direction == Direction::In => {
                if !self.watch.shown.insert((node, message.id.0)) {
                    self.watch.breaches.push(format!("{me} was shown again: {}", message.text));
                }
                let is_author = |machine: &&crate::machine::Machine| machine.device.certificate.user_id() == with && machine.hostile.is_none();
                let said = |value: &[u8]| contains(value, &message.id.0) && (message.file.is_some() || contains(value, message.text.as_bytes()));
                let mut authors = self.machines.iter().filter(is_author).peekable();
                if authors.peek().is_some() && !authors.any(|machine| machine.disk.rows(Table::Messages).any(|(_, value)| said(value))) {
                    self.watch.breaches.push(format!("{me} was shown what {with} never said: {}", message.text));
                }
            }
            _ => {}
        }
    }

    /// No queue of the mail is longer than its bound.
    pub(super) fn watch_queues(&mut self, node: NodeIndex) {
        let Some(running) = self.machines[node].node.as_ref() else { return };
        for (name, length, bound) in running.mail_queues() {
            let breach = || format!("{} has more in the queue '{name}' than {bound}", self.user(node));
            if length > bound && !self.watch.breaches.contains(&breach()) {
                self.watch.breaches.push(breach());
            }
        }
    }

    pub(super) fn watch_frame(&mut self, frame: &[u8]) {
        if contains(frame, &self.watch.secret) {
            self.watch.breaches.push("words on a link that anybody can read".to_owned());
        }
    }
}

/// Whether `needle`, which is not empty, is in `hay`.
fn contains(hay: &[u8], needle: &[u8]) -> bool {
    !needle.is_empty() && hay.windows(needle.len()).any(|window| window == needle)
}
