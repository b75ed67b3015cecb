//! What has arrived from one author: which numbers are known and which are missing.

use super::{MessageBody, MessageId};
use crate::codec::{Malformed, Reader, Writer};
use crate::limits::{GAPS_MAX, PAIR_ENVELOPES_MAX};
use crate::ordered::OrderedMap;

/// Places kept before the first message of a run: as many envelopes of one author as may lie with others.
const FIRST_GAPS_MAX: u64 = PAIR_ENVELOPES_MAX as u64;

/// The numbers seen of one direction of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Inbox {
    /// Rises when the author starts a new count.
    run: u32,
    /// The message of this run with number 1; before that has come, the one seen first.
    first: MessageId,
    /// The highest number seen; 0 before the first.
    high: u64,
    /// Hash of the body with the highest number.
    last_hash: [u8; 32],
    /// The lowest number seen in this run: what is missing before it is no gap to show. Perhaps it was never meant for this device; perhaps
    /// it comes by way of others, in any order.
    base: u64,
    /// Numbers below `high` not seen, each with the place kept for it.
    missing: OrderedMap<u64, u64>,
}

/// What a number means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Seen before.
    Known,
    /// New, at this place. So many before it are missing.
    New { order: u64, gap_before: u32 },
    /// Was missing. The message with number `then` has so many missing before it now.
    Late { order: u64, gap_before: u32, then: u64, then_gap: u32 },
}

impl Default for Inbox {
    fn default() -> Self {
        Self { run: 0, first: MessageId([0; 16]), high: 0, last_hash: [0; 32], base: 0, missing: OrderedMap::new() }
    }
}

impl Inbox {
    pub fn run(&self) -> u32 {
        self.run
    }

    pub fn high(&self) -> u64 {
        self.high
    }

    /// Judges a message and remembers it as seen. Places are taken from `next_order`.
    pub fn judge(&mut self, body: &MessageBody, hash: [u8; 32], next_order: &mut u64) -> Verdict {
        if self.knows(body) {
            return Verdict::Known;
        }
        if self.high == 0 || self.is_restart(body) {
            self.run = self.run.saturating_add(1);
            self.first = body.id;
            self.missing.clear();
            self.base = body.seq;
            self.keep_places((body.seq - 1).min(FIRST_GAPS_MAX), body.seq, next_order);
            self.advance(body.seq, hash);
            return Verdict::New { order: take(next_order), gap_before: 0 };
        }
        if let Some(order) = self.missing.remove(&body.seq) {
            self.base = self.base.min(body.seq);
            if body.seq == 1 {
                self.first = body.id;
            }
            let then = (body.seq + 1..).find(|seq| !self.missing.contains_key(seq)).unwrap_or(self.high);
            return Verdict::Late { order, gap_before: self.gap_before(body.seq), then, then_gap: self.gap_before(then) };
        }
        let skipped = body.seq - self.high - 1;
        // Places only for the newest missing ones: an author who skips a billion numbers gets no billion entries.
        self.keep_places(skipped.min(GAPS_MAX as u64), body.seq, next_order);
        while let Some(oldest) = self.missing.first().map(|(seq, _)| *seq).filter(|_| self.missing.len() > GAPS_MAX) {
            self.missing.remove(&oldest);
        }
        let is_torn = skipped == 0 && body.prev != self.last_hash;
        let gap_before = if is_torn { 1 } else { u32::try_from(skipped).unwrap_or(u32::MAX) };
        self.advance(body.seq, hash);
        Verdict::New { order: take(next_order), gap_before }
    }

    /// Whether a message was seen before, or its number given up.
    pub fn knows(&self, body: &MessageBody) -> bool {
        body.seq <= self.high && !self.missing.contains_key(&body.seq) && !self.is_restart(body)
    }

    /// Whether numbers between the highest seen and this one's are missing.
    pub fn leaves_gap(&self, body: &MessageBody) -> bool {
        body.seq > self.high + 1
    }

    /// Keeps places for so many numbers just below `seq`.
    fn keep_places(&mut self, count: u64, seq: u64, next_order: &mut u64) {
        for missing in seq - count..seq {
            self.missing.insert(missing, take(next_order));
        }
    }

    /// Whether the author counts anew. A first message that is awaited is that one, late.
    fn is_restart(&self, body: &MessageBody) -> bool {
        body.seq == 1 && body.prev == [0; 32] && self.high > 0 && body.id != self.first && !self.missing.contains_key(&1)
    }

    /// How many numbers just below `seq` are missing, as far back as anything was seen.
    pub fn gap_before(&self, seq: u64) -> u32 {
        let run = (self.base..seq).rev().take_while(|below| self.missing.contains_key(below)).count();
        u32::try_from(run).unwrap_or(u32::MAX)
    }

    fn advance(&mut self, seq: u64, hash: [u8; 32]) {
        self.high = seq;
        self.last_hash = hash;
    }

    pub fn write(&self, writer: Writer) -> Writer {
        let count = u16::try_from(self.missing.len()).expect("at most GAPS_MAX are kept");
        let head = writer.u32(self.run).raw(&self.first.0).u64(self.high).raw(&self.last_hash).u64(self.base).u16(count);
        self.missing.iter().fold(head, |writer, (seq, order)| writer.u64(*seq).u64(*order))
    }

    /// `has_base`: a row of the first version has none, and began with the first number.
    pub fn read(reader: &mut Reader<'_>, has_base: bool) -> Result<Self, Malformed> {
        let run = reader.u32()?;
        let first = MessageId(reader.array()?);
        let high = reader.u64()?;
        let last_hash = reader.array()?;
        let base = if has_base { reader.u64()? } else { 1 };
        let mut missing = OrderedMap::new();
        // One by one: the map's own way of collecting brings a sort along.
        for _ in 0..reader.u16()? {
            missing.insert(reader.u64()?, reader.u64()?);
        }
        Ok(Self { run, first, high, last_hash, base, missing })
    }
}

fn take(next_order: &mut u64) -> u64 {
    let order = *next_order;
    *next_order += 1;
    order
}
