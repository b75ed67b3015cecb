//! A holder: what this node keeps for others, within which bounds, and whom it gives it to when others are to keep it.
//!
//! The life of an item, an envelope or a tombstone: it is offered; room is kept for it, or it is refused; it comes, is written, and only
//! when it is durable does anybody hear that it is kept. The first of the five who are to keep it that has it offers it to those of them who
//! have not. It goes when it is over, when its receiver's tombstone clears it, or when this node is far from the mailbox and five others
//! have it. Honest mail is never pushed out by a newcomer: who comes to a full holder is refused.
//!
//! Deliberately absent: keys, links and the disk. Positions stand for nodes, so that simulated worlds run thousands of these.

mod bounds;
mod elsewhere;
mod handover;
mod parcel;
mod shelves;
mod tally;
#[cfg(test)]
mod tests;

use parcel::Item;
pub use parcel::{Parcel, ParcelKind, row_key};
use tally::{Charge, Class, ROW_BYTES, Tally};

use super::{Bucket, DepositMessage, EnvelopeId, Mailbox, Offered, Verdict};
use crate::limits::{COPIES, LENT_BYTES, LIST_MAX, WANTED_MAX, WANTED_MS};
use crate::message::MessageId;
use crate::ordered::{OrderedMap, OrderedSet};
use crate::ring::RingId;
use crate::store::{Row, Table, Write};
use crate::time::{HOUR_MS, Now, SECOND_MS};

/// What a tombstone counts as where room is kept for it.
const TOMBSTONE_BYTES_MAX: u64 = 16 * 1024;
/// How long after it was left here an item is first offered to others, by the first of the five; the next waits two more for each place.
const SETTLE_MS: u64 = 5 * SECOND_MS;
/// How long what others have is relied upon; then they are asked again. Guess: it costs 34 bytes an item.
const KNOWN_MS: u64 = HOUR_MS;
/// Least time between two receipts for one item: each is a signature.
const RECEIPT_AGAIN_MS: u64 = 30 * SECOND_MS;
/// Nodes that are known to have one item; the first are forgotten.
const KEEPERS_MAX: usize = 16;

/// Who stands around this node, as the ring knows it.
pub trait Neighbourhood {
    /// The first nodes clockwise of this mailbox's key that may keep mail for it, at most sixteen, this node perhaps among them: without
    /// its receiver's own. Empty where the key is not near.
    fn arc(&self, mailbox: &Mailbox) -> Vec<RingId>;
    /// Whether this node may be among the first sixteen.
    fn is_in_arc(&self, mailbox: &Mailbox) -> bool;
    /// Whether there is a session with this node.
    fn is_linked(&self, node: RingId) -> bool;
}

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub enum HolderOrder {
    /// Send this to a linked node.
    Send(RingId, DepositMessage),
    /// Read this item from the store and send it as [`DepositMessage::Item`]; where it is not there, call [`Holder::missing`].
    Give(RingId, Mailbox, EnvelopeId),
    /// A session with this node is wanted.
    Link(RingId),
    /// Write this; when it is durable, call [`Holder::stored`].
    Keep(Mailbox, EnvelopeId, Vec<Write>),
    /// It is durable, and this node, which left it here at first hand, is owed a signed receipt: until so many hours since 1970.
    Receipt(RingId, Mailbox, EnvelopeId, u32),
    /// Write this; nothing waits for it.
    Write(Vec<Write>),
}

/// Room that is kept for something that was said to be wanted.
#[derive(Clone, Debug)]
struct Wanted {
    mailbox: Mailbox,
    bytes: u64,
    class: Class,
    is_first_hand: bool,
    until_ms: u64,
    /// Others who offered it, and were told nothing.
    others: Vec<RingId>,
}

/// What is known of something that is offered.
enum Known {
    New,
    Said(Verdict),
    /// It comes from another, or is being written: nothing is said until it is durable, so that it is not sent twice.
    Awaited,
    /// This tombstone clears it.
    Cleared(EnvelopeId),
}

/// What is under way to one node, and until when its word is awaited.
#[derive(Clone, Debug, Default)]
struct Giving {
    items: Vec<EnvelopeId>,
    until_ms: u64,
}

/// What is kept for others here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    /// Envelopes.
    pub envelopes: u32,
    /// For how many receivers.
    pub receivers: u32,
    /// What all of it takes.
    pub bytes: u64,
}

/// What this node keeps for others.
pub struct Holder {
    me: RingId,
    copies: usize,
    limit_bytes: u64,
    /// How much more the disk takes, where that is known.
    room_bytes: Option<u64>,
    /// Who keeps mail because this node had no room for it, until when that is relied upon.
    elsewhere: OrderedMap<(Mailbox, RingId), u64>,
    boxes: OrderedMap<Mailbox, OrderedMap<EnvelopeId, Item>>,
    wanted: OrderedMap<(RingId, EnvelopeId), Wanted>,
    /// What was offered to others: until when their word is awaited.
    asked: OrderedMap<(RingId, Mailbox), u64>,
    /// Those who are passed over for a mailbox: full, or not of those who keep it.
    passed: OrderedMap<(RingId, Mailbox), u64>,
    /// Those who are passed over for every mailbox: out of reach.
    out_of_reach: OrderedMap<RingId, u64>,
    /// Items under way to others, by node.
    giving: OrderedMap<RingId, Giving>,
    look_ms: u64,
}

impl Holder {
    /// A holder with what the store has. Damaged rows are passed over: others have what they spoke of.
    pub fn restore(me: RingId, rows: &[Row], now: Now) -> Self {
        let mut holder = Self {
            me,
            copies: COPIES,
            limit_bytes: LENT_BYTES,
            room_bytes: None,
            elsewhere: OrderedMap::new(),
            boxes: OrderedMap::new(),
            wanted: OrderedMap::new(),
            asked: OrderedMap::new(),
            passed: OrderedMap::new(),
            out_of_reach: OrderedMap::new(),
            giving: OrderedMap::new(),
            look_ms: now.mono + SECOND_MS,
        };
        for row in rows.iter().filter(|row| row.table == Table::Held) {
            if let Ok((mailbox, id, item)) = Item::read(row) {
                holder.boxes.entry(mailbox).or_default().insert(id, item);
            }
        }
        holder
    }

    /// Has so many nodes keep everything, instead of five: for experiments.
    pub fn keep_copies(&mut self, copies: usize) {
        self.copies = copies;
    }

    /// How much may be kept at most. With less than there is nothing goes but what [`Holder::look`] has handed over: with 0, all of it.
    pub fn lend(&mut self, bytes: u64, now: Now) {
        self.limit_bytes = bytes;
        self.look_ms = self.look_ms.min(now.mono);
    }

    /// How much more the disk takes: nothing past it is taken, whatever is lent.
    pub fn room_left(&mut self, bytes: u64) {
        self.room_bytes = Some(bytes);
    }

    /// What may be kept now at most.
    fn bound_bytes(&self) -> u64 {
        self.room_bytes.map_or(self.limit_bytes, |room| self.limit_bytes.min(self.holding().bytes + room))
    }

    /// See [`Holder::lend`].
    pub fn limit_bytes(&self) -> u64 {
        self.limit_bytes
    }

    /// What is kept, of which the receivers' own word is no mail.
    pub fn holding(&self) -> Holding {
        let mut holding = Holding::default();
        for items in self.boxes.values() {
            let envelopes = items.values().filter(|item| matches!(item.kind, ParcelKind::Envelope(_))).count();
            holding.envelopes += u32::try_from(envelopes).unwrap_or(u32::MAX);
            holding.receivers += u32::from(envelopes > 0);
            holding.bytes += items.values().map(|item| u64::from(item.bytes) + ROW_BYTES).sum::<u64>();
        }
        holding
    }

    /// When [`Holder::look`] is due.
    pub fn deadline(&self) -> Option<u64> {
        (!self.boxes.is_empty()).then_some(self.look_ms)
    }

    /// This node may be gone soon: what it keeps is offered at the next look, though it has not settled.
    pub fn hurry(&mut self, now: Now) {
        for (_, items) in self.boxes.iter_mut() {
            items.iter_mut().filter(|(_, item)| item.stored_ms.is_some()).for_each(|(_, item)| item.stored_ms = Some(0));
        }
        self.look_ms = now.mono;
    }

    /// Something that stands around this node changed: what is kept may belong to others.
    pub fn neighbours_changed(&mut self, now: Now) {
        self.look_ms = self.look_ms.min(now.mono + SECOND_MS);
    }

    /// Somebody offers something: what of it is wanted.
    pub fn offered(&mut self, from: RingId, offer: (bool, Mailbox, &[Offered]), around: &impl Neighbourhood, now: Now, out: &mut Vec<HolderOrder>) {
        let (is_first_hand, mailbox, items) = offer;
        self.wanted.retain(|_, wanted| wanted.until_ms > now.mono);
        // Who hands over is of those who keep: nobody else fills a mailbox without being charged for it.
        let arc = around.arc(&mailbox);
        let is_mine = around.is_in_arc(&mailbox) && (is_first_hand || arc.is_empty() || arc.contains(&from));
        let mut tally = self.tally(from, &mailbox);
        let mut verdicts = Vec::with_capacity(items.len());
        let mut tombstones = OrderedSet::new();
        for offered in items {
            let verdict = match self.known(from, is_first_hand, mailbox, offered.id, now, out) {
                Known::Said(verdict) => verdict,
                Known::Awaited => continue,
                Known::Cleared(by) => {
                    tombstones.insert(by);
                    Verdict::Cleared
                }
                Known::New if is_mine => self.reserve(from, is_first_hand, mailbox, *offered, &mut tally, now),
                Known::New => Verdict::NotMine,
            };
            verdicts.push((offered.id, verdict));
        }
        if !is_first_hand && verdicts.iter().any(|(_, verdict)| *verdict == Verdict::Full) {
            self.note_elsewhere(mailbox, from, now);
        }
        // Whoever offers what is cleared does not know yet.
        out.extend(tombstones.into_iter().map(|by| HolderOrder::Give(from, mailbox, by)));
        if !verdicts.is_empty() {
            out.push(HolderOrder::Send(from, DepositMessage::Verdicts { mailbox, items: verdicts }));
        }
    }

    /// What is to be said of something that is here already, or was, or is about to be.
    fn known(&mut self, from: RingId, is_first_hand: bool, mailbox: Mailbox, id: EnvelopeId, now: Now, out: &mut Vec<HolderOrder>) -> Known {
        if let Some(item) = self.boxes.get_mut(&mailbox).and_then(|items| items.get_mut(&id)) {
            if !is_first_hand {
                note(&mut item.keepers, from);
            }
            if item.stored_ms.is_none() {
                item.awaited_by(from, is_first_hand);
                return Known::Awaited;
            }
            if is_first_hand && item.owes_receipt(from, now) {
                out.push(HolderOrder::Receipt(from, mailbox, id, item.expiry_h()));
            }
            return Known::Said(Verdict::Kept);
        }
        if let Some(tombstone) = self.tombstone_of(&mailbox, id) {
            return Known::Cleared(tombstone);
        }
        let mut others = self.wanted.iter_mut().filter(|((by, of), wanted)| *by != from && *of == id && wanted.mailbox == mailbox);
        match others.next() {
            // Once: whoever was to send it may never do so.
            Some((_, wanted)) if !is_first_hand && !wanted.others.contains(&from) => {
                note(&mut wanted.others, from);
                Known::Awaited
            }
            _ => Known::New,
        }
    }

    fn reserve(&mut self, from: RingId, is_first_hand: bool, mailbox: Mailbox, offered: Offered, tally: &mut Tally, now: Now) -> Verdict {
        let bytes = offered.bucket.map_or(TOMBSTONE_BYTES_MAX, |bucket| bucket.envelope_bytes_max() as u64);
        let class = match offered.bucket {
            None => Class::Tombstone,
            Some(Bucket::BLOB) => Class::Blob,
            Some(_) => Class::Envelope,
        };
        let mut others = Vec::new();
        // What is offered once more is counted once.
        if let Some(earlier) = self.wanted.remove(&(from, offered.id)) {
            tally.take_out(earlier.bytes, earlier.class, earlier.mailbox == mailbox, charge(earlier.is_first_hand));
            others = earlier.others;
        }
        if self.wanted.len() >= WANTED_MAX || !tally.takes(bytes, class, charge(is_first_hand), self.bound_bytes()) {
            return Verdict::Full;
        }
        tally.add(bytes, class, true, charge(is_first_hand));
        self.wanted.insert((from, offered.id), Wanted { mailbox, bytes, class, is_first_hand, until_ms: now.mono + WANTED_MS, others });
        Verdict::Want
    }

    /// How full it is for what `from` offers at first hand for this mailbox.
    fn tally(&self, from: RingId, mailbox: &Mailbox) -> Tally {
        let mut tally = Tally::default();
        for (of, items) in self.boxes.iter() {
            for item in items.values() {
                let charge = match item {
                    _ if item.depositor == Some(from) => Charge::Depositor,
                    _ if item.giver == Some(from) => Charge::Giver,
                    _ => Charge::Nobody,
                };
                tally.add(u64::from(item.bytes), item.class(), of == mailbox, charge);
            }
        }
        for ((by, _), wanted) in self.wanted.iter() {
            let charge = if *by == from { charge(wanted.is_first_hand) } else { Charge::Nobody };
            tally.add(wanted.bytes, wanted.class, wanted.mailbox == *mailbox, charge);
        }
        tally
    }

    /// An item came, as `bytes`. One that was not wanted is not taken, but for a tombstone of something that is kept.
    pub fn came(&mut self, from: RingId, parcel: Parcel, bytes: Vec<u8>, now: Now, out: &mut Vec<HolderOrder>) {
        let (id, mailbox) = (parcel.id, parcel.mailbox);
        let wanted = self.wanted.remove(&(from, id)).filter(|wanted| wanted.mailbox == mailbox && u64::from(parcel.bytes) <= wanted.bytes);
        let wanted = wanted.map(|wanted| wanted.is_first_hand);
        let verdict = match (&parcel.kind, wanted) {
            _ if self.has(&mailbox, id) => return self.again(from, wanted == Some(true), (mailbox, id), now, out),
            (ParcelKind::Envelope(_), _) if self.tombstone_of(&mailbox, id).is_some() => Verdict::Cleared,
            (ParcelKind::Envelope(_) | ParcelKind::Blob, Some(_)) if parcel.is_over(now.wall) => Verdict::Refused,
            (ParcelKind::Envelope(_) | ParcelKind::Blob, Some(is_first_hand)) => {
                self.take(from, parcel, bytes, is_first_hand, out);
                return;
            }
            (ParcelKind::Tombstone(cleared), _) if wanted.is_some() || cleared.iter().any(|id| self.has(&mailbox, *id)) => {
                self.take(from, parcel, bytes, false, out);
                return;
            }
            _ => Verdict::Refused,
        };
        out.push(HolderOrder::Send(from, DepositMessage::Verdicts { mailbox, items: vec![(id, verdict)] }));
    }

    /// Something that is here came once more: whoever leaves it had offered it before another handed it over, and waits for a receipt.
    fn again(&mut self, from: RingId, is_first_hand: bool, (mailbox, id): (Mailbox, EnvelopeId), now: Now, out: &mut Vec<HolderOrder>) {
        let Some(item) = self.boxes.get_mut(&mailbox).and_then(|items| items.get_mut(&id)) else { return };
        if item.stored_ms.is_none() {
            item.awaited_by(from, is_first_hand);
            return;
        }
        out.push(HolderOrder::Send(from, DepositMessage::Verdicts { mailbox, items: vec![(id, Verdict::Kept)] }));
        if is_first_hand && item.owes_receipt(from, now) {
            out.push(HolderOrder::Receipt(from, mailbox, id, item.expiry_h()));
        }
    }

    fn take(&mut self, from: RingId, parcel: Parcel, bytes: Vec<u8>, is_first_hand: bool, out: &mut Vec<HolderOrder>) {
        let Parcel { id, mailbox, bytes: length, expiry_ms, kind } = parcel;
        let mut writes = Vec::new();
        if let ParcelKind::Tombstone(cleared) = &kind {
            writes = self.clear(&mailbox, cleared);
        }
        let item = Item {
            bytes: length,
            expiry_ms,
            depositor: is_first_hand.then_some(from),
            giver: (!is_first_hand).then_some(from),
            kind,
            stored_ms: None,
            keepers: if is_first_hand { Vec::new() } else { vec![from] },
            known_until_ms: 0,
            receipt_ms: 0,
            waiting: vec![from],
        };
        let key = row_key(&mailbox, id);
        writes.push(Write { table: Table::Held, key: key.clone(), value: Some(item.row_value()) });
        writes.push(Write { table: Table::Envelopes, key, value: Some(bytes) });
        self.boxes.entry(mailbox).or_default().insert(id, item);
        out.push(HolderOrder::Keep(mailbox, id, writes));
    }

    /// Takes out what a tombstone clears.
    fn clear(&mut self, mailbox: &Mailbox, cleared: &[EnvelopeId]) -> Vec<Write> {
        let Some(items) = self.boxes.get_mut(mailbox) else { return Vec::new() };
        let gone: Vec<EnvelopeId> = cleared.iter().filter(|id| items.remove(*id).is_some()).copied().collect();
        gone.into_iter().flat_map(|id| deletions(mailbox, id)).collect()
    }

    /// An item is durable: those who wait hear it.
    pub fn stored(&mut self, mailbox: &Mailbox, id: EnvelopeId, now: Now, out: &mut Vec<HolderOrder>) {
        let Some(item) = self.boxes.get_mut(mailbox).and_then(|items| items.get_mut(&id)) else { return };
        item.stored_ms = Some(now.mono);
        item.known_until_ms = now.mono + KNOWN_MS;
        for to in std::mem::take(&mut item.waiting) {
            out.push(HolderOrder::Send(to, DepositMessage::Verdicts { mailbox: *mailbox, items: vec![(id, Verdict::Kept)] }));
            // Of a blob its holder's word is enough: there are hundreds of them, and a signature each would cost more than they are worth.
            if item.depositor == Some(to) && item.class() == Class::Envelope {
                item.receipt_ms = now.mono + RECEIPT_AGAIN_MS;
                out.push(HolderOrder::Receipt(to, *mailbox, id, item.expiry_h()));
            }
        }
        self.look_ms = self.look_ms.min(now.mono + SETTLE_MS);
    }

    /// There is no room on the disk for an item.
    pub fn not_stored(&mut self, mailbox: &Mailbox, id: EnvelopeId, out: &mut Vec<HolderOrder>) {
        let item = self.boxes.get_mut(mailbox).and_then(|items| items.remove(&id));
        for to in item.into_iter().flat_map(|item| item.waiting) {
            out.push(HolderOrder::Send(to, DepositMessage::Verdicts { mailbox: *mailbox, items: vec![(id, Verdict::Full)] }));
        }
    }

    /// An item that was to be given is not on the disk any more: the browser took it. Others have it.
    pub fn missing(&mut self, mailbox: &Mailbox, id: EnvelopeId, out: &mut Vec<HolderOrder>) {
        if let Some(items) = self.boxes.get_mut(mailbox) {
            items.remove(&id);
        }
        out.push(HolderOrder::Write(deletions(mailbox, id).into()));
    }

    /// A session with a node began: what it should have can be offered, and receipts that did not reach it are signed again.
    pub fn linked(&mut self, node: RingId, now: Now) {
        self.passed.retain(|(of, _), _| *of != node);
        self.out_of_reach.remove(&node);
        for (_, items) in self.boxes.iter_mut() {
            items.iter_mut().filter(|(_, item)| item.depositor == Some(node)).for_each(|(_, item)| item.receipt_ms = 0);
        }
        self.look_ms = self.look_ms.min(now.mono + SECOND_MS);
    }

    /// A session is over: what was under way is offered again. What the node has on its disk it still has.
    pub fn unlinked(&mut self, node: RingId) {
        self.giving.remove(&node);
        self.asked.retain(|(of, _), _| *of != node);
        self.wanted.retain(|(of, _), _| *of != node);
        for (_, items) in self.boxes.iter_mut() {
            items.iter_mut().for_each(|(_, item)| item.waiting.retain(|waiting| *waiting != node));
        }
    }

    /// What there is for a receiver, with ids above `after`; and whether there is more. Without what is not durable yet.
    pub fn list(&self, mailbox: &Mailbox, after: EnvelopeId) -> (Vec<(EnvelopeId, MessageId)>, bool) {
        let mut there: Vec<(EnvelopeId, MessageId)> = Vec::new();
        let items = self.boxes.get(mailbox).into_iter().flat_map(|items| items.iter());
        for (id, item) in items.filter(|(id, item)| **id > after && item.stored_ms.is_some()) {
            if let ParcelKind::Envelope(message) = item.kind {
                if there.len() == LIST_MAX {
                    return (there, true);
                }
                there.push((*id, message));
            }
        }
        (there, false)
    }

    /// Whether an item is kept here, durable or not.
    pub fn has(&self, mailbox: &Mailbox, id: EnvelopeId) -> bool {
        self.boxes.get(mailbox).is_some_and(|items| items.contains_key(&id))
    }

    /// The receiver itself says what it has. Past its bound of tombstones it is heeded, and not kept; nor far from the mailbox, where
    /// nothing is kept for it: whoever has a certificate could fill everybody's room with them.
    pub fn cleared(&mut self, from: RingId, parcel: Parcel, bytes: Vec<u8>, around: &impl Neighbourhood, out: &mut Vec<HolderOrder>) {
        let ParcelKind::Tombstone(cleared) = &parcel.kind else { return };
        let is_wanted = around.is_in_arc(&parcel.mailbox) || cleared.iter().any(|id| self.has(&parcel.mailbox, *id));
        if !is_wanted || self.has(&parcel.mailbox, parcel.id) {
            return;
        }
        if self.tally(from, &parcel.mailbox).takes(u64::from(parcel.bytes), Class::Tombstone, Charge::Nobody, self.bound_bytes()) {
            self.take(from, parcel, bytes, false, out);
        } else {
            out.push(HolderOrder::Write(self.clear(&parcel.mailbox, cleared)));
        }
    }

    /// The tombstone that clears an envelope.
    fn tombstone_of(&self, mailbox: &Mailbox, envelope: EnvelopeId) -> Option<EnvelopeId> {
        let items = self.boxes.get(mailbox)?;
        let clears = |item: &Item| matches!(&item.kind, ParcelKind::Tombstone(cleared) if cleared.contains(&envelope));
        items.iter().find(|(_, item)| clears(item)).map(|(id, _)| *id)
    }
}

fn charge(is_first_hand: bool) -> Charge {
    if is_first_hand { Charge::Depositor } else { Charge::Giver }
}

fn note(nodes: &mut Vec<RingId>, node: RingId) {
    if !nodes.contains(&node) {
        nodes.push(node);
        if nodes.len() > KEEPERS_MAX {
            nodes.remove(0);
        }
    }
}

fn deletions(mailbox: &Mailbox, id: EnvelopeId) -> [Write; 2] {
    [Table::Held, Table::Envelopes].map(|table| Write { table, key: row_key(mailbox, id), value: None })
}
