//! What counts against a holder's bounds. The figures are in `limits`.

use crate::limits::{
    BLOBS_PER_DEPOSITOR_MAX, BLOB_BYTES_PER_DEPOSITOR_MAX, DEPOSITOR_BYTES_MAX, DEPOSITOR_ENVELOPES_MAX, PAIR_BYTES_MAX, PAIR_ENVELOPES_MAX, RECEIVER_BYTES_MAX, RECEIVER_ENVELOPES_MAX,
};

/// What an item takes beside its bytes: its row, in the store and here. Guess.
pub(super) const ROW_BYTES: u64 = 256;

/// The part of what is lent that one node may fill with what it hands over: it is charged for nothing else of that.
const GIVER_PART: u64 = 4;

/// How much somebody has here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Load {
    count: usize,
    bytes: u64,
}

impl Load {
    fn add(&mut self, bytes: u64) {
        self.count += 1;
        self.bytes += bytes;
    }

    fn take_out(&mut self, bytes: u64) {
        self.count -= 1;
        self.bytes -= bytes;
    }

    /// Whether one more of this size is within both bounds.
    fn takes(self, more: u64, count: usize, bytes: u64) -> bool {
        self.count < count && self.bytes + more <= bytes
    }
}

/// What counts against each bound when somebody offers something for a receiver. What is wanted and has not come counts as if it had.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    all_bytes: u64,
    /// For the receiver, or on the shelf, each class apart.
    receiver: [Load; 3],
    /// Of the depositor, for the receiver and for everybody.
    pair: Load,
    depositor: Load,
    /// Of the depositor, on all shelves.
    blobs: Load,
    /// Handed over by them.
    given_bytes: u64,
}

/// What is counted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Envelope,
    Tombstone,
    Blob,
}

/// Whose something is, as far as it counts against whoever offers now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Charge {
    Depositor,
    Giver,
    Nobody,
}

impl Tally {
    pub fn add(&mut self, bytes: u64, class: Class, is_for_receiver: bool, charge: Charge) {
        self.all_bytes += bytes + ROW_BYTES;
        if is_for_receiver {
            self.receiver[class as usize].add(bytes);
        }
        match charge {
            Charge::Depositor if class == Class::Blob => self.blobs.add(bytes),
            Charge::Depositor => {
                self.depositor.add(bytes);
                if is_for_receiver {
                    self.pair.add(bytes);
                }
            }
            Charge::Giver => self.given_bytes += bytes,
            Charge::Nobody => {}
        }
    }

    /// The opposite of [`Tally::add`], for what was added so.
    pub fn take_out(&mut self, bytes: u64, class: Class, is_for_receiver: bool, charge: Charge) {
        self.all_bytes -= bytes + ROW_BYTES;
        if is_for_receiver {
            self.receiver[class as usize].take_out(bytes);
        }
        match charge {
            Charge::Depositor if class == Class::Blob => self.blobs.take_out(bytes),
            Charge::Depositor => {
                self.depositor.take_out(bytes);
                if is_for_receiver {
                    self.pair.take_out(bytes);
                }
            }
            Charge::Giver => self.given_bytes -= bytes,
            Charge::Nobody => {}
        }
    }

    pub fn takes(&self, bytes: u64, class: Class, charge: Charge, limit_bytes: u64) -> bool {
        let is_within_depositors = match class {
            Class::Blob => self.blobs.takes(bytes, BLOBS_PER_DEPOSITOR_MAX, BLOB_BYTES_PER_DEPOSITOR_MAX),
            _ => self.pair.takes(bytes, PAIR_ENVELOPES_MAX, PAIR_BYTES_MAX) && self.depositor.takes(bytes, DEPOSITOR_ENVELOPES_MAX, DEPOSITOR_BYTES_MAX),
        };
        let receiver = self.receiver[class as usize];
        self.all_bytes + bytes + ROW_BYTES <= limit_bytes
            && receiver.takes(bytes, RECEIVER_ENVELOPES_MAX, RECEIVER_BYTES_MAX)
            && match charge {
                Charge::Depositor => is_within_depositors,
                Charge::Giver => self.given_bytes + bytes <= limit_bytes / GIVER_PART,
                Charge::Nobody => true,
            }
    }
}
