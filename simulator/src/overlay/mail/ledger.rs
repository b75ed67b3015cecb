//! Who has which letter, and what became of it: known here alone, no node sees it.

use std::collections::BTreeMap;
use std::ops::Range;

use b4_protocol::limits::ENVELOPE_MS;
use b4_protocol::mailbox::{EnvelopeId, Mailbox, Parcel, ParcelKind};
use b4_protocol::message::MessageId;
use b4_protocol::ring::RingId;
use b4_protocol::time::{HOUR_MS, Now};

use crate::overlay::mix;

/// A short text, sealed for a key of 3,072 bits: 138 | 2 + 384 | 32 | 2,048 | 16 (PROTOCOL.md#envelope).
const LETTER_BYTES: u32 = 2_620;
/// Collected within so long after the receiver is in its place: the goal.
const SOON_MS: u64 = 2_000;

/// What became of a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Its author went, or is still there, with too few receipts: it is in their outbox.
    NotLeft,
    /// Collected within two seconds after its receiver was in its place.
    Delivered,
    /// Collected after that.
    Late,
    /// Not collected, but somebody who runs, or will return, has it.
    Unavailable,
    /// Nobody has it.
    Lost,
}

/// How a letter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LetterFacts {
    /// Its number.
    pub number: usize,
    /// What became of it.
    pub fate: Fate,
    /// From its receiver's place in the ring to when it was open and stored there.
    pub took_ms: Option<u64>,
    /// From when it was left to the receipt of the last holder that was wanted, where that came.
    pub left_ms: Option<u64>,
    /// How often it was opened.
    pub opened: u32,
    /// How often a departure left so many running nodes with it, by their number, none to four; from its author's going to its receiver's
    /// return.
    pub falls: [u32; 5],
}

struct Letter {
    expiry_ms: u64,
    written_ms: u64,
    receipts: usize,
    /// When the last receipt came that was wanted.
    left_ms: Option<u64>,
    /// Enough have signed, and the author is gone.
    is_left: bool,
    /// Its receiver has returned.
    is_over: bool,
    /// Running nodes that have it.
    holders: Vec<RingId>,
    falls: [u32; 5],
    opened: u32,
    opened_ms: Option<u64>,
}

pub(super) struct Ledger {
    letters: Vec<Letter>,
    has_history: bool,
    history: BTreeMap<usize, Vec<(u64, &'static str, RingId)>>,
}

/// The name of a letter: in no order, and its number in it.
pub(super) fn id_of(number: usize) -> EnvelopeId {
    let mut id = [0; 32];
    id[..8].copy_from_slice(&mix(number as u64, 1).to_be_bytes());
    id[24..].copy_from_slice(&(number as u64 + 1).to_be_bytes());
    EnvelopeId(id)
}

/// The number of a letter; tombstones have none.
pub(super) fn number_of(id: EnvelopeId) -> Option<usize> {
    let last: [u8; 8] = *id.0.last_chunk()?;
    (u64::from_be_bytes(last) as usize).checked_sub(1)
}

fn number_in(row: &[u8]) -> Option<usize> {
    number_of(EnvelopeId(*row.last_chunk()?))
}

impl Ledger {
    pub fn new(has_history: bool) -> Self {
        Self { letters: Vec::new(), has_history, history: BTreeMap::new() }
    }

    pub fn count(&self) -> usize {
        self.letters.len()
    }

    /// So many are written now.
    pub fn add(&mut self, count: usize, now: Now) -> Range<usize> {
        let first = self.letters.len();
        for _ in 0..count {
            let expiry_ms = (now.wall + ENVELOPE_MS) / HOUR_MS * HOUR_MS;
            self.letters.push(Letter {
                expiry_ms,
                written_ms: now.mono,
                receipts: 0,
                left_ms: None,
                is_left: false,
                is_over: false,
                holders: Vec::new(),
                falls: [0; 5],
                opened: 0,
                opened_ms: None,
            });
        }
        if self.has_history {
            self.history.insert(first, Vec::new());
        }
        first..self.letters.len()
    }

    /// As a holder sees it.
    pub fn parcel(&self, mailbox: &Mailbox, id: EnvelopeId) -> Option<Parcel> {
        let letter = self.letters.get(number_of(id)?)?;
        let kind = ParcelKind::Envelope(MessageId(*id.0.last_chunk()?));
        Some(Parcel { id, mailbox: *mailbox, bytes: LETTER_BYTES, expiry_ms: letter.expiry_ms, kind })
    }

    /// A running node has it on its disk.
    pub fn kept(&mut self, row: &[u8], place: RingId, now_ms: u64) {
        let Some(number) = number_in(row) else { return };
        let holders = &mut self.letters[number].holders;
        if !holders.contains(&place) {
            holders.push(place);
            self.note(number, now_ms, "kept", place);
        }
    }

    /// It was deleted.
    pub fn dropped(&mut self, row: &[u8], place: RingId, now_ms: u64) {
        self.taken(row, place, now_ms, "deleted");
    }

    /// Whoever has it is gone.
    pub fn ended(&mut self, row: &[u8], place: RingId, now_ms: u64) {
        self.taken(row, place, now_ms, "gone");
    }

    fn taken(&mut self, row: &[u8], place: RingId, now_ms: u64, what: &'static str) {
        let Some(number) = number_in(row) else { return };
        let letter = &mut self.letters[number];
        let before = letter.holders.len();
        letter.holders.retain(|holder| *holder != place);
        if letter.is_left
            && !letter.is_over
            && letter.holders.len() < before
            && let Some(falls) = letter.falls.get_mut(letter.holders.len())
        {
            *falls += 1;
        }
        self.note(number, now_ms, what, place);
    }

    fn note(&mut self, number: usize, now_ms: u64, what: &'static str, place: RingId) {
        if let Some(history) = self.history.get_mut(&number) {
            history.push((now_ms, what, place));
        }
    }

    pub fn history(&self, number: usize) -> &[(u64, &'static str, RingId)] {
        self.history.get(&number).map_or(&[], Vec::as_slice)
    }

    pub fn copies(&self, number: usize) -> usize {
        self.letters[number].holders.len()
    }

    /// A holder has signed for it: one of so many.
    pub fn receipt(&mut self, number: usize, copies: usize, now_ms: u64) {
        let letter = &mut self.letters[number];
        letter.receipts += 1;
        if letter.receipts == copies {
            letter.left_ms = Some(now_ms - letter.written_ms);
        }
    }

    /// From now on it is left, where enough have signed.
    pub fn author_goes(&mut self, number: usize, quorum: usize) {
        let letter = &mut self.letters[number];
        if letter.receipts >= quorum && !letter.is_left {
            letter.is_left = true;
        }
    }

    /// Its receiver returns.
    pub fn end(&mut self, number: usize) {
        self.letters[number].is_over = true;
    }

    /// How long it is, where it waits for its receiver.
    pub fn waiting_bytes(&self, number: usize) -> Option<u32> {
        let letter = &self.letters[number];
        (letter.is_left && !letter.is_over).then_some(LETTER_BYTES)
    }

    /// Its receiver has opened and stored it.
    pub fn opened(&mut self, number: usize, now_ms: u64) {
        let letter = &mut self.letters[number];
        letter.opened += 1;
        letter.opened_ms.get_or_insert(now_ms);
    }

    pub fn facts(&self, number: usize, member_ms: Option<u64>, is_on_disk: impl Fn() -> bool) -> LetterFacts {
        let letter = &self.letters[number];
        let took_ms = letter.opened_ms.zip(member_ms).map(|(opened_ms, member_ms)| opened_ms.saturating_sub(member_ms));
        let fate = match (letter.opened_ms, took_ms) {
            _ if !letter.is_left => Fate::NotLeft,
            // Whoever is collected before it has its place is early enough.
            (Some(_), took_ms) if took_ms.unwrap_or(0) <= SOON_MS => Fate::Delivered,
            (Some(_), _) => Fate::Late,
            (None, _) if !letter.holders.is_empty() || is_on_disk() => Fate::Unavailable,
            (None, _) => Fate::Lost,
        };
        LetterFacts { number, fate, took_ms, left_ms: letter.left_ms, opened: letter.opened, falls: letter.falls }
    }
}
