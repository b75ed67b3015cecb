//! Files on the screen beside their messages: what was chosen and is not offered yet, what came to nothing, what can be shown.

use std::rc::Rc;

use b4_protocol::file::FileSlot;
use b4_protocol::identity::UserId;
use b4_protocol::node::FileRefusal;

use super::{PrepareFailure, Preparing, Preview};

/// Previews that are kept: as many as the engine keeps addresses of.
const PREVIEWS_MAX: usize = 64;
/// Troubles that are kept, of all conversations. Guess: more are not read.
const TROUBLES_MAX: usize = 16;

/// What was chosen to be sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outgoing {
    /// What is being copied, in the order in which it was chosen.
    pub preparing: Vec<Preparing>,
    /// What came to nothing lately.
    pub troubles: Vec<FileTrouble>,
    next_number: u32,
}

/// A file that was chosen and came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileTrouble {
    /// Tells it from others.
    pub number: u32,
    /// To whom it was to go.
    pub to: UserId,
    /// As the person has it.
    pub name: String,
    /// Why.
    pub why: FileProblem,
}

/// Why it came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileProblem {
    /// It could not be copied.
    Prepare(PrepareFailure),
    /// The node did not take it.
    Refused(FileRefusal),
}

impl Outgoing {
    /// One is being copied, or has come further.
    pub(super) fn prepare(&mut self, now: Preparing) {
        match self.preparing.iter_mut().find(|preparing| preparing.number == now.number) {
            Some(preparing) => *preparing = now,
            None => self.preparing.push(now),
        }
    }

    /// One is copied, or came to nothing. What the person took back is no trouble.
    pub(super) fn prepared(&mut self, number: u32, failure: Option<PrepareFailure>) {
        let Some(at) = self.preparing.iter().position(|preparing| preparing.number == number) else { return };
        let Preparing { to, name, .. } = self.preparing.remove(at);
        if let Some(why) = failure.filter(|why| *why != PrepareFailure::Cancelled) {
            self.trouble(to, name, FileProblem::Prepare(why));
        }
    }

    pub(super) fn trouble(&mut self, to: UserId, name: String, why: FileProblem) {
        if self.troubles.len() == TROUBLES_MAX {
            self.troubles.remove(0);
        }
        self.troubles.push(FileTrouble { number: self.next_number, to, name, why });
        self.next_number += 1;
    }
}

/// What files are that are whole on this device, as far as that was asked lately.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Previews {
    /// The oldest first: it goes first.
    all: Vec<(FileSlot, Rc<Preview>)>,
}

impl Previews {
    /// What can be shown of one.
    pub fn of(&self, slot: FileSlot) -> Option<&Rc<Preview>> {
        self.all.iter().find(|(of, _)| *of == slot).map(|(_, preview)| preview)
    }

    /// Nothing can be shown of what was shown before: it had to give way, and may be asked for again.
    pub(super) fn add(&mut self, slot: FileSlot, preview: Preview) {
        let was_shown = self.of(slot).is_some_and(|before| **before != Preview::None);
        self.all.retain(|(of, _)| *of != slot);
        if was_shown && preview == Preview::None {
            return;
        }
        if self.all.len() == PREVIEWS_MAX {
            self.all.remove(0);
        }
        self.all.push((slot, Rc::new(preview)));
    }
}
