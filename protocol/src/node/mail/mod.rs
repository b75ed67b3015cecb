//! The node's part of the mail: the machines of `mailbox` get links, keys and the disk here.
//!
//! Leaving a message for somebody who is away: `sending`. Keeping it for others, and giving it to whom it is for: `holding`. Fetching
//! what others keep for this node, opening it, saying that it has come: `collecting`. This module lends the machines what they need and
//! carries out their orders.

mod collecting;
mod holding;
mod lent;
mod queues;
mod sending;
#[cfg(test)]
mod tests;

use super::journal::Purpose;
use super::links::Links;
use super::{Effect, Event, HoldingView, Node, Row, Table};
use crate::chat::{Conversation, MessageId};
use crate::codec::Reader;
use crate::crypto::sha256;
use crate::identity::{TrustAnchor, UserId, VerifiedCertificate};
use crate::limits::{EARLIER_CERTIFICATES_MAX, ENVELOPE_MS, LENT_BYTES, MAIL_IDLE_MS};
use crate::mailbox::{
    CollectMessage, Collector, DepositMessage, Depositor, EnvelopeId, Holder, KeyId, Mailbox, Neighbourhood, Sealed, Tombstone, row_key,
};
use crate::ordered::{OrderedMap, OrderedSet};
use crate::ring::{Ring, RingId};
use crate::session::Content;
use crate::store::Write;
use crate::time::{DAY_MS, Now, SECOND_MS};

use collecting::{Arrivals, Seen};
use sending::{Outgoing, Recipient, SealJob};

/// Key of the row in `Table::Meta` that says how much is lent.
const LENT_KEY: &[u8] = b"lent";
/// Key of the row in `Table::Meta` that says for how many days one's own messages are left with others.
const DAYS_KEY: &[u8] = b"days";
/// The most, and what it is until the person says otherwise.
const DAYS_MAX: u8 = (ENVELOPE_MS / DAY_MS) as u8;
/// First byte of the keys of this device's earlier certificates, in `Table::Meta`.
const CERTIFICATE_PREFIX: u8 = b'c';
/// How long after its end a certificate's envelopes are still opened: longer than one lies.
const SUPERSEDED_MS: u64 = crate::limits::TOMBSTONE_MS;
/// Least time between two words on what is kept here.
const VIEW_MS: u64 = SECOND_MS;

/// A private-key operation of the mail.
pub(super) enum MailKeyUse {
    /// Sign this envelope as its author.
    Seal(Box<SealJob>),
    /// Unwrap what came from there.
    Open { from: RingId, sealed: Box<Sealed>, own: Box<VerifiedCertificate> },
    /// Sign a receipt for this depositor.
    Receipt { to: RingId, receipt: crate::mailbox::Receipt },
    /// Sign what has come.
    Tombstone(Box<(Tombstone, Arrivals)>),
}

impl std::fmt::Debug for MailKeyUse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MailKeyUse")
    }
}

/// An item read from the store, for whom.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    to: RingId,
    mailbox: Mailbox,
    id: EnvelopeId,
    what: ReadingOf,
}

/// What an item is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReadingOf {
    /// A letter, for its receiver.
    Letter,
    /// A blob, for whoever asks for it.
    Blob,
    /// Another holder is to keep it, too.
    Handover,
}

/// All that the node keeps of the mail.
pub(super) struct Mail {
    holder: Holder,
    depositor: Depositor,
    collector: Collector,
    /// Envelopes of this node that are not delivered.
    outgoing: OrderedMap<EnvelopeId, Outgoing>,
    /// Sessions that the ring has no use for, and when something about mail was last said over them.
    lent: OrderedMap<RingId, u64>,
    by_message: OrderedMap<MessageId, EnvelopeId>,
    /// Messages that are being sealed.
    sealing: OrderedSet<MessageId>,
    recipients: OrderedMap<UserId, Recipient>,
    looking: OrderedSet<UserId>,
    seen: OrderedMap<EnvelopeId, Seen>,
    /// Not to be shown now, perhaps later: passed over until all are asked again.
    skipped: OrderedSet<EnvelopeId>,
    /// This device's certificate, and those before it.
    own: Vec<VerifiedCertificate>,
    /// Whose certificates were verified lately.
    authors: Vec<VerifiedCertificate>,
    arrived: OrderedMap<KeyId, Arrivals>,
    /// Linked holders that were told again what has come: how often, in the minute that ends then.
    reminded: OrderedMap<RingId, (u64, u8)>,
    clear_ms: Option<u64>,
    /// Live messages that wait for what others keep.
    held_back: Vec<(UserId, Vec<u8>)>,
    /// Envelopes that were none: tampered with, or not for this node.
    dropped: u64,
    /// For how many days one's own messages are left with others.
    keep_days: u8,
    told: Option<HoldingView>,
    view_ms: u64,
    expiry_look_ms: u64,
}

impl Mail {
    /// What the store has, and what is to be written.
    pub fn restore(own: &VerifiedCertificate, rows: &[Row], anchor: &TrustAnchor, chats: &mut OrderedMap<UserId, Conversation>, now: Now) -> (Self, Vec<Write>) {
        let me = RingId::of_node(own.node_id());
        let mut writes = Vec::new();
        let mut mail = Self {
            holder: Holder::restore(me, rows, now),
            depositor: Depositor::new(me),
            collector: Collector::default(),
            outgoing: OrderedMap::new(),
            lent: OrderedMap::new(),
            by_message: OrderedMap::new(),
            sealing: OrderedSet::new(),
            recipients: OrderedMap::new(),
            looking: OrderedSet::new(),
            seen: collecting::restore(rows, now, &mut writes),
            skipped: OrderedSet::new(),
            own: certificates(own, rows, anchor, now, &mut writes),
            authors: Vec::new(),
            arrived: OrderedMap::new(),
            reminded: OrderedMap::new(),
            clear_ms: None,
            held_back: Vec::new(),
            dropped: 0,
            keep_days: DAYS_MAX,
            told: None,
            view_ms: now.mono,
            expiry_look_ms: now.mono,
        };
        let lent = rows.iter().find(|row| row.table == Table::Meta && row.key == LENT_KEY);
        let lent = lent.and_then(|row| row.value.as_slice().try_into().ok()).map_or(LENT_BYTES, u64::from_be_bytes);
        mail.holder.lend(lent, now);
        let days = rows.iter().find(|row| row.table == Table::Meta && row.key == DAYS_KEY).and_then(|row| row.value.first().copied());
        mail.keep_days = days.unwrap_or(DAYS_MAX).clamp(1, DAYS_MAX);
        sending::restore(&mut mail, rows, chats, now, &mut writes);
        (mail, writes)
    }

    pub fn deadline(&self) -> Option<u64> {
        let due = [self.holder.deadline(), self.depositor.deadline(), self.collector.deadline(), self.clear_ms];
        let view = self.told.is_none().then_some(self.view_ms);
        let expiry = (!self.outgoing.is_empty()).then_some(self.expiry_look_ms);
        let idle = self.lent.values().min().map(|at| at + MAIL_IDLE_MS);
        due.into_iter().flatten().chain(view).chain(expiry).chain(idle).min()
    }

    fn own_of(&self, key: KeyId) -> Option<&VerifiedCertificate> {
        self.own.iter().find(|certificate| KeyId::of(certificate) == key)
    }
}

/// This device's certificate, and the earlier ones whose envelopes may still lie somewhere: all are of the same decryption key.
fn certificates(own: &VerifiedCertificate, rows: &[Row], anchor: &TrustAnchor, now: Now, writes: &mut Vec<Write>) -> Vec<VerifiedCertificate> {
    let mut kept = Vec::new();
    let is_one = |row: &&Row| row.table == Table::Meta && row.key.first() == Some(&CERTIFICATE_PREFIX);
    for row in rows.iter().filter(is_one) {
        let earlier = not_after(&row.value).and_then(|(end_ms, der)| Some((end_ms, anchor.verify_at(der, end_ms.checked_sub(1)?, None).ok()?)));
        match earlier {
            Some((end_ms, earlier)) if now.wall < end_ms + SUPERSEDED_MS && earlier.user_id() == own.user_id() && earlier.node_id() == own.node_id() => {
                if earlier.hash() != own.hash() {
                    kept.push((end_ms, earlier, row.key.clone()));
                }
            }
            _ => writes.push(Write { table: Table::Meta, key: row.key.clone(), value: None }),
        }
    }
    while kept.len() > EARLIER_CERTIFICATES_MAX
        && let Some(first) = (0..kept.len()).min_by_key(|at| kept[*at].0)
    {
        let (.., key) = kept.swap_remove(first);
        writes.push(Write { table: Table::Meta, key, value: None });
    }
    let key = [&[CERTIFICATE_PREFIX][..], &KeyId::of(own).0].concat();
    if !rows.iter().any(|row| row.table == Table::Meta && row.key == key) {
        let value = [&own.not_after_ms().to_be_bytes()[..], own.der()].concat();
        writes.push(Write { table: Table::Meta, key, value: Some(value) });
    }
    std::iter::once(own.clone()).chain(kept.into_iter().map(|(_, earlier, _)| earlier)).collect()
}

fn not_after(value: &[u8]) -> Option<(u64, &[u8])> {
    let mut reader = Reader::new(value);
    Some((reader.u64().ok()?, reader.rest()))
}

/// What the ring knows, for a holder.
struct Around<'a> {
    ring: &'a Ring,
    links: &'a Links,
    own: Mailbox,
}

impl Neighbourhood for Around<'_> {
    fn arc(&self, mailbox: &Mailbox) -> Vec<RingId> {
        let mut arc = self.ring.arc_of(RingId::of_bytes(mailbox));
        // Whoever it is for collects it, and is no holder of it.
        for (peer, _) in self.links.peers().filter(|(peer, _)| peer.user_id().mailbox() == *mailbox) {
            arc.retain(|place| *place != RingId::of_node(peer.node_id()));
        }
        arc
    }

    fn is_in_arc(&self, mailbox: &Mailbox) -> bool {
        *mailbox != self.own && self.ring.is_in_arc(RingId::of_bytes(mailbox))
    }

    fn is_linked(&self, node: RingId) -> bool {
        self.links.peers().any(|(peer, _)| RingId::of_node(peer.node_id()) == node)
    }
}

impl Node {
    /// What is due.
    pub(super) fn mail_wake(&mut self, now: Now) {
        self.holding_wake(now);
        self.sending_wake(now);
        self.collecting_wake(now);
        self.lent_wake(now);
        self.tell_holding(now);
    }

    /// A session is up.
    pub(super) fn mail_linked(&mut self, peer: &VerifiedCertificate, now: Now) {
        let place = RingId::of_node(peer.node_id());
        self.mail.holder.linked(place, now);
        self.mail.depositor.linked(place);
        self.collect(now, |collector, out| collector.linked(place, out));
        self.tend_deposits(now);
    }

    /// A session is over.
    pub(super) fn mail_unlinked(&mut self, node: &crate::identity::NodeId, now: Now) {
        let place = RingId::of_node(node);
        self.mail.holder.unlinked(place);
        self.mail.depositor.unlinked(place);
        self.mail.lent.remove(&place);
        self.mail.reminded.remove(&place);
        self.collect(now, |collector, out| collector.unlinked(place, now, out));
    }

    /// No session with this node comes about.
    pub(super) fn mail_unreachable(&mut self, place: RingId, now: Now) {
        self.mail.holder.unreachable(place, now);
        self.mail.depositor.unreachable(place, now);
        self.tend_deposits(now);
    }

    /// A message on the channel `deposit`. False when it breaks the rules.
    pub(super) fn deposit_message(&mut self, user: &UserId, body: &[u8], now: Now) -> bool {
        let (Ok(message), Some(from)) = (DepositMessage::decode(body), self.place_of(user)) else { return false };
        self.mail_used(from, now);
        match message {
            DepositMessage::Offer { is_first_hand, mailbox, items } => self.offered(from, is_first_hand, mailbox, &items, now),
            DepositMessage::Verdicts { mailbox, items } => {
                self.hold(now, |holder, _, out| holder.verdicts(from, mailbox, &items, now, out));
                self.deposit(now, |depositor, out| depositor.verdicts(from, &mailbox, &items, now, out));
                self.shelf_verdicts(from, &mailbox, &items, now);
            }
            DepositMessage::Item(bytes) => return self.item_came(from, bytes, now),
            DepositMessage::Receipt(bytes) => self.receipt_came(user, from, &bytes, now),
        }
        true
    }

    /// A message on the channel `collect`. False when it breaks the rules.
    pub(super) fn collect_message(&mut self, user: &UserId, body: &[u8], now: Now) -> bool {
        let (Ok(message), Some(from)) = (CollectMessage::decode(body), self.place_of(user)) else { return false };
        self.mail_used(from, now);
        // Whoever asks gets what is for them, by what they are certified as: there is no way to ask for another's.
        let theirs = user.mailbox();
        match message {
            CollectMessage::Ask { after } => self.tell_list(from, &theirs, after, now),
            CollectMessage::Fetch(ids) => ids.into_iter().for_each(|id| self.fetch_for(from, theirs, id, now)),
            CollectMessage::Clear(bytes) => return self.cleared_by_receiver(from, &theirs, bytes, now),
            CollectMessage::List { is_more, items, elsewhere } => {
                self.listed(from, is_more, &items, now);
                self.look_elsewhere(&elsewhere, now);
            }
            CollectMessage::Letter(bytes) => self.letter_came(from, bytes, now),
            CollectMessage::Gone(id) => {
                self.collect(now, |collector, out| collector.failed(from, Some(id), now, out));
                self.blob_gone(from, id, now);
            }
            CollectMessage::FetchBlobs { shelf, ids } => ids.into_iter().for_each(|id| self.fetch_blob_for(from, shelf, id, now)),
            CollectMessage::Blob(bytes) => self.blob_came(&bytes, now),
            CollectMessage::ClearShelf(token) => self.hold(now, |holder, _, out| holder.clear_shelf(&sha256(&[&token]), out)),
        }
        true
    }

    /// A private-key operation of the mail is done.
    pub(super) fn mail_key_done(&mut self, use_: MailKeyUse, result: &crate::crypto::KeyOpResult, now: Now) {
        match use_ {
            MailKeyUse::Seal(job) => self.sealed(*job, result, now),
            MailKeyUse::Open { from, sealed, own } => self.letter_unwrapped(from, &sealed, &own, result, now),
            MailKeyUse::Receipt { to, receipt } => {
                if let Ok(signature) = result {
                    self.send_deposit(to, &DepositMessage::Receipt(receipt.finish(signature)), now);
                }
            }
            MailKeyUse::Tombstone(job) => {
                let (tombstone, arrivals) = *job;
                self.tombstone_signed(&tombstone, arrivals, result, now);
            }
        }
    }

    /// What was read of the store for somebody.
    pub(super) fn mail_read(&mut self, reading: Reading, rows: Option<Vec<Row>>, now: Now) {
        let Reading { to, mailbox, id, what } = reading;
        let bytes = rows.and_then(|rows| rows.into_iter().next()).map(|row| row.value);
        // What is not what it is called was damaged on the disk.
        match bytes.filter(|bytes| sha256(&[bytes]) == id.0) {
            Some(bytes) if what == ReadingOf::Blob && to == self.ring.me() => self.blob_came(&bytes, now),
            Some(bytes) if what == ReadingOf::Blob => self.send_collect(to, &CollectMessage::Blob(bytes), now),
            Some(bytes) if what == ReadingOf::Letter => self.send_collect(to, &CollectMessage::Letter(bytes), now),
            Some(bytes) => self.send_deposit(to, &DepositMessage::Item(bytes), now),
            None => {
                self.hold(now, |holder, _, out| holder.missing(&mailbox, id, out));
                if what != ReadingOf::Handover {
                    self.send_collect(to, &CollectMessage::Gone(id), now);
                }
            }
        }
    }

    fn read_item(&mut self, reading: Reading) {
        let ticket = self.draw_ticket();
        self.loads.insert(ticket, super::Loading::Item(reading));
        let prefix = row_key(&reading.mailbox, reading.id);
        self.effects.push(Effect::Load { ticket, table: Table::Envelopes, prefix, before: None, limit: 1 });
    }

    pub(super) fn send_deposit(&mut self, to: RingId, message: &DepositMessage, now: Now) {
        self.mail_used(to, now);
        let Some(user) = self.peer_at(to).map(|peer| peer.user_id().clone()) else { return };
        self.send_body(&user, Content::Deposit, &message.encode(), now);
    }

    pub(super) fn send_collect(&mut self, to: RingId, message: &CollectMessage, now: Now) {
        self.mail_used(to, now);
        let Some(user) = self.peer_at(to).map(|peer| peer.user_id().clone()) else { return };
        self.send_body(&user, Content::Collect, &message.encode(), now);
    }

    fn place_of(&self, user: &UserId) -> Option<RingId> {
        self.node_of(user).map(|node| RingId::of_node(&node))
    }

    /// The person lends so much.
    pub(super) fn lend_storage(&mut self, bytes: u64, now: Now) {
        self.mail.holder.lend(bytes, now);
        let row = Write { table: Table::Meta, key: LENT_KEY.to_vec(), value: Some(bytes.to_be_bytes().to_vec()) };
        self.store(vec![row], Purpose::Quiet);
        self.holding_changed();
    }

    /// For how many days the person's messages are left with others, from now on.
    pub(super) fn keep_for(&mut self, days: u8) {
        self.mail.keep_days = days.clamp(1, DAYS_MAX);
        let row = Write { table: Table::Meta, key: DAYS_KEY.to_vec(), value: Some(vec![self.mail.keep_days]) };
        self.store(vec![row], Purpose::Quiet);
        self.holding_changed();
    }

    /// The browser lets so much more be stored: half of it is left to this person's own messages.
    pub(super) fn room_left(&mut self, bytes: u64) {
        self.mail.holder.room_left(bytes / 2);
        self.file_room_left(bytes);
    }

    /// What is kept here is to be told anew.
    fn holding_changed(&mut self) {
        self.mail.told = None;
    }

    fn tell_holding(&mut self, now: Now) {
        if self.mail.told.is_some() || self.mail.view_ms > now.mono {
            return;
        }
        let holding = self.mail.holder.holding();
        let view = HoldingView {
            envelopes: holding.envelopes,
            people: holding.receivers,
            bytes: holding.bytes,
            limit_bytes: self.mail.holder.limit_bytes(),
            keep_days: self.mail.keep_days,
        };
        self.mail.told = Some(view);
        self.mail.view_ms = now.mono + VIEW_MS;
        self.notify(Event::HoldingChanged(view));
    }
}
