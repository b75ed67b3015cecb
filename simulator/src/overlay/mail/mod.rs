//! The mail of a large world: the core's holder, depositor and collector beside each ring, driven as the product's node does it, and
//! what they have in common here: who is away, what lies where, and on whose disk.
//!
//! Items travel without bytes, but count as long as they are; a write takes some milliseconds, a private-key operation too. Nobody
//! signs or seals.
//!
//! Deliberately absent: conversations, user records, receipts left for authors who are away; room that is full.

mod collecting;
mod holding;
mod ledger;
mod lent;
mod sending;

use std::collections::{BTreeMap, BTreeSet};

use b4_protocol::limits::{COPIES, MAIL_IDLE_MS, QUORUM};
use b4_protocol::mailbox::{
    CollectMessage, Collector, DepositMessage, Depositor, EnvelopeId, Holder, Mailbox, Neighbourhood, Parcel,
};
use b4_protocol::ordered::OrderedMap;
use b4_protocol::ring::{Ring, RingId, Standing};
use b4_protocol::store::{Row, Table, Write};
use b4_protocol::time::Now;

use super::traffic::sealed_len;
use super::{Due, Event, Happened, NodeIndex, Overlay};

pub use ledger::{Fate, LetterFacts};
use ledger::Ledger;

/// The wall clock of a world at its beginning, in milliseconds since 1970. Any.
const WALL_MS: u64 = 1_795_000_000_000;
/// From an order to read something of the disk to having it.
const READ_MS: u64 = 2;

/// What the mail of a world is like.
#[derive(Clone, Copy, Debug)]
pub struct MailConfig {
    /// Copies that are wanted.
    pub copies: usize,
    /// What a write takes until it is durable, in milliseconds, uniform.
    pub disk_ms: (u64, u64),
    /// What a private-key operation takes.
    pub keys_ms: u64,
    /// A receiver that does not stand near its own key looks up who keeps its mail, instead of waiting until they learn of it.
    pub asks_for_holders: bool,
    /// A link that the ring has no use for stays open for a while: mail may come over it.
    pub keeps_links: bool,
    /// What happened to the first letter of each mailbox is written down.
    pub has_history: bool,
}

impl Default for MailConfig {
    fn default() -> Self {
        Self { copies: COPIES, disk_ms: (2, 8), keys_ms: 5, asks_for_holders: true, keeps_links: true, has_history: false }
    }
}

/// What was counted of the mail.
#[derive(Clone, Copy, Debug, Default)]
pub struct MailCounted {
    /// Bytes of sealed records with items that holders gave to holders.
    pub repair_bytes: u64,
    /// Of what they said about it.
    pub repair_word_bytes: u64,
    /// What one copy for each departure of one of those that were to have it would be.
    pub oracle_bytes: u64,
}

/// What nodes say to each other about mail.
pub(super) enum MailMessage {
    /// Offers and verdicts.
    Deposit(DepositMessage),
    Item(Parcel),
    Receipt(Mailbox, EnvelopeId),
    /// Asking, lists, fetching.
    Collect(CollectMessage),
    Letter(EnvelopeId),
    Clear(Parcel),
}

/// What a node's disk or keys are done with.
pub(super) enum Done {
    Kept { mailbox: Mailbox, id: EnvelopeId, writes: Vec<Write> },
    Receipt { to: RingId, mailbox: Mailbox, id: EnvelopeId },
    Letter { from: RingId, id: EnvelopeId },
}

/// What happens to the mail.
pub(super) enum MailEvent {
    Message { from: RingId, to: NodeIndex, link: u64, message: MailMessage },
    Done { node: NodeIndex, life: u32, done: Done },
}

/// The machines of one node.
pub(super) struct MailState {
    holder: Holder,
    depositor: Depositor,
    collector: Collector,
    /// The key of its own mailbox, where mail comes for it.
    own: Option<RingId>,
    /// When the pending wake happens.
    wake_ms: u64,
    /// Links that the ring has no use for, and when something of the mail was last said over them.
    lent: BTreeMap<RingId, u64>,
    /// Since when links are open.
    since_ms: BTreeMap<RingId, u64>,
    /// What has come and of which nobody was told, and whom to tell when.
    arrived: Vec<EnvelopeId>,
    sources: BTreeSet<RingId>,
    clear_ms: Option<u64>,
    publish_ms: Option<u64>,
    sequence: u64,
    /// Presences kept for others: where the receiver at a key is.
    shelf: BTreeMap<RingId, (RingId, u64)>,
}

/// A mailbox of somebody who is away, or has returned.
struct PostBox {
    receiver: RingId,
    /// Letters by number.
    letters: std::ops::Range<usize>,
    author: Option<RingId>,
    /// What its receiver has opened: on its disk.
    seen: BTreeSet<EnvelopeId>,
    /// When its receiver became a member.
    member_ms: Option<u64>,
}

type Disk = BTreeMap<Vec<u8>, Vec<u8>>;

/// What all of it has in common.
pub(super) struct Post {
    config: MailConfig,
    /// By key.
    boxes: BTreeMap<RingId, PostBox>,
    /// Their keys, by receiver.
    receivers: BTreeMap<RingId, RingId>,
    ledger: Ledger,
    /// Of the running nodes, and of those that will return.
    disks: BTreeMap<RingId, Disk>,
    tombstones: BTreeMap<EnvelopeId, Parcel>,
    counted: MailCounted,
}

/// The mailbox behind a key: there is one for each.
fn mailbox_at(key: RingId) -> Mailbox {
    let mut mailbox = [0; 32];
    mailbox[..16].copy_from_slice(&key.0.to_be_bytes());
    mailbox
}

/// What the ring knows, for a holder.
struct Around<'a> {
    ring: &'a Ring,
    links: &'a OrderedMap<RingId, (NodeIndex, u64)>,
    own: Option<RingId>,
    boxes: &'a BTreeMap<RingId, PostBox>,
}

impl Neighbourhood for Around<'_> {
    fn arc(&self, mailbox: &Mailbox) -> Vec<RingId> {
        let key = RingId::of_bytes(mailbox);
        let mut arc = self.ring.arc_of(key);
        if let Some(receiver) = self.boxes.get(&key).map(|of| of.receiver).filter(|receiver| self.links.contains_key(receiver)) {
            arc.retain(|place| *place != receiver);
        }
        arc
    }

    fn is_in_arc(&self, mailbox: &Mailbox) -> bool {
        let key = RingId::of_bytes(mailbox);
        self.own != Some(key) && self.ring.is_in_arc(key)
    }

    fn is_linked(&self, node: RingId) -> bool {
        self.links.contains_key(&node)
    }
}

impl Overlay {
    /// From now on the nodes that start keep mail for each other.
    pub fn keep_mail(&mut self, config: MailConfig) {
        self.post = Some(Box::new(Post {
            config,
            boxes: BTreeMap::new(),
            receivers: BTreeMap::new(),
            ledger: Ledger::new(config.has_history),
            disks: BTreeMap::new(),
            tombstones: BTreeMap::new(),
            counted: MailCounted::default(),
        }));
    }

    /// Where a running node stands.
    pub fn place_of(&self, node: NodeIndex) -> RingId {
        self.nodes[node as usize].id
    }

    /// Somebody who is not there has the mailbox at this key; at this place they will be.
    pub fn add_mailbox(&mut self, key: RingId, receiver: RingId) {
        if let Some(post) = self.post.as_mut() {
            let none = post.ledger.count();
            post.boxes.insert(key, PostBox { receiver, letters: none..none, author: None, seen: BTreeSet::new(), member_ms: None });
            post.receivers.insert(receiver, key);
        }
    }

    /// A node that is gone never comes back.
    pub fn forget_disk(&mut self, place: RingId) {
        if let Some(post) = self.post.as_mut() {
            post.disks.remove(&place);
        }
    }

    /// Of those that are gone now nobody comes back.
    pub fn forget_absent(&mut self) {
        let places = &self.places;
        if let Some(post) = self.post.as_mut() {
            post.disks.retain(|place, _| places.contains_key(place));
        }
    }

    /// Nodes that are gone, and whose disk has a letter of this mailbox.
    pub fn disks_with(&self, key: RingId) -> Vec<RingId> {
        let Some(post) = self.post.as_ref() else { return Vec::new() };
        let mailbox = mailbox_at(key);
        let has = |disk: &Disk| disk.keys().any(|row| row.starts_with(&mailbox));
        post.disks.iter().filter(|(place, disk)| !self.places.contains_key(*place) && has(disk)).map(|(place, _)| *place).collect()
    }

    /// Whether no running node has any letter of this mailbox.
    pub fn is_nowhere(&self, key: RingId) -> bool {
        self.post.as_ref().is_some_and(|post| {
            post.boxes.get(&key).is_some_and(|of| of.letters.clone().all(|number| post.ledger.copies(number) == 0))
        })
    }

    /// Who wrote the letters of this mailbox.
    pub fn author_of(&self, key: RingId) -> Option<RingId> {
        self.post.as_ref()?.boxes.get(&key)?.author
    }

    /// The receiver is about to return: from now on it is not watched any more how many have its letters.
    pub fn receiver_returns(&mut self, key: RingId) {
        if let Some(post) = self.post.as_mut()
            && let Some(of) = post.boxes.get(&key)
        {
            of.letters.clone().for_each(|number| post.ledger.end(number));
        }
    }

    /// How all letters stand.
    pub fn letters(&self) -> Vec<LetterFacts> {
        let Some(post) = self.post.as_ref() else { return Vec::new() };
        let mut all = Vec::new();
        for (key, of) in &post.boxes {
            let mailbox = mailbox_at(*key);
            for number in of.letters.clone() {
                let row = b4_protocol::mailbox::row_key(&mailbox, ledger::id_of(number));
                let is_on_disk = || post.disks.values().any(|disk| disk.contains_key(&row));
                all.push(post.ledger.facts(number, of.member_ms, is_on_disk));
            }
        }
        all
    }

    /// What happened to the first letter of a mailbox, where that is written down.
    pub fn history(&self, number: usize) -> &[(u64, &'static str, RingId)] {
        self.post.as_ref().map_or(&[], |post| post.ledger.history(number))
    }

    /// What was counted since the beginning.
    pub fn mail_counted(&self) -> MailCounted {
        self.post.as_ref().map(|post| post.counted).unwrap_or_default()
    }

    pub(super) fn mail_of_newcomer(&mut self, id: RingId) -> Option<Box<MailState>> {
        let (now_ms, now) = (self.now_ms, self.mail_now());
        let post = self.post.as_mut()?;
        let disk = post.disks.entry(id).or_default();
        let rows: Vec<Row> =
            disk.iter().map(|(key, value)| Row { table: Table::Held, key: key.clone(), value: value.clone() }).collect();
        rows.iter().for_each(|row| post.ledger.kept(&row.key, id, now_ms));
        let (mut holder, mut depositor) = (Holder::restore(id, &rows, now), Depositor::new(id));
        holder.keep_copies(post.config.copies);
        depositor.keep_copies(post.config.copies);
        Some(Box::new(MailState {
            holder,
            depositor,
            collector: Collector::default(),
            own: post.receivers.get(&id).copied(),
            wake_ms: u64::MAX,
            lent: BTreeMap::new(),
            since_ms: BTreeMap::new(),
            arrived: Vec::new(),
            sources: BTreeSet::new(),
            clear_ms: None,
            publish_ms: None,
            sequence: 0,
            shelf: BTreeMap::new(),
        }))
    }

    /// A node is about to be no more. Its disk stays.
    pub(super) fn mail_ended(&mut self, id: RingId) {
        let now_ms = self.now_ms;
        let Some(post) = self.post.as_mut() else { return };
        for row in post.disks.get(&id).into_iter().flat_map(Disk::keys) {
            post.ledger.ended(row, id, now_ms);
        }
        if !self.members.contains_key(&id) {
            return;
        }
        // Of these mailboxes it was one of those that are to keep what is there.
        let before = self.members.range(..id).rev().chain(self.members.range(id..).rev());
        let Some((first, _)) = before.take(post.config.copies).last() else { return };
        let (first, is_over) = (*first, *first >= id);
        for (_, of) in post.boxes.iter().filter(|(key, _)| if is_over { **key > first || **key <= id } else { **key > first && **key <= id }) {
            post.counted.oracle_bytes += of.letters.clone().filter_map(|number| post.ledger.waiting_bytes(number)).map(sealed_len_of).sum::<u64>();
        }
    }

    pub(super) fn mail_linked(&mut self, node: NodeIndex, peer: RingId) {
        if !self.nodes[node as usize].links.contains_key(&peer) {
            // The ring has closed it at once.
            return;
        }
        let now = self.mail_now();
        self.hold(node, |holder, _, _| holder.linked(peer, now));
        self.deposit_with(node, |depositor, _| depositor.linked(peer));
        self.collect(node, |collector, out| collector.linked(peer, out));
        self.tend_deposits(node);
    }

    pub(super) fn mail_unlinked(&mut self, node: NodeIndex, peer: RingId) {
        let now = self.mail_now();
        if let Some(mail) = self.nodes[node as usize].mail.as_mut() {
            mail.lent.remove(&peer);
            mail.since_ms.remove(&peer);
        }
        self.hold(node, |holder, _, _| holder.unlinked(peer));
        self.deposit_with(node, |depositor, _| depositor.unlinked(peer));
        self.collect(node, |collector, out| collector.unlinked(peer, now, out));
    }

    pub(super) fn mail_unreachable(&mut self, node: NodeIndex, peer: RingId) {
        let now = self.mail_now();
        self.hold(node, |holder, _, _| holder.unreachable(peer, now));
        self.deposit_with(node, |depositor, _| depositor.unreachable(peer, now));
        self.tend_deposits(node);
    }

    pub(super) fn mail_near_changed(&mut self, node: NodeIndex) {
        let now = self.mail_now();
        self.hold(node, |holder, _, _| holder.neighbours_changed(now));
    }

    pub(super) fn mail_standing(&mut self, node: NodeIndex, standing: Standing) {
        if self.nodes[node as usize].mail.is_some() {
            self.receiver_stands(node, standing);
        }
    }

    /// What is due at a node.
    pub(super) fn mail_wake(&mut self, node: NodeIndex) {
        let (now, now_ms) = (self.mail_now(), self.now_ms);
        let Some(mail) = self.nodes[node as usize].mail.as_mut().filter(|mail| mail.wake_ms <= now_ms) else { return };
        mail.wake_ms = u64::MAX;
        self.hold(node, |holder, around, out| holder.look(around, now, out));
        self.tend_deposits(node);
        self.collect(node, |collector, out| collector.tend(now, out));
        self.receiver_wakes(node);
        self.close_idle(node);
        self.mail_arm(node);
    }

    pub(super) fn mail_event(&mut self, event: MailEvent) {
        match event {
            MailEvent::Message { from, to, link, message } => {
                let Some((peer, number)) = self.nodes[to as usize].links.get(&from).copied() else { return };
                if number == link && !self.is_apart(peer, to) {
                    self.note(Happened::Mail, peer, to);
                    self.mail_used(to, from);
                    self.mail_message(to, from, message);
                }
            }
            MailEvent::Done { node, life, done } if self.is_running(node, life) => match done {
                Done::Kept { mailbox, id, writes } => self.kept(node, mailbox, id, writes),
                Done::Receipt { to, mailbox, id } => self.mail_send(node, to, 0, MailMessage::Receipt(mailbox, id)),
                Done::Letter { from, id } => self.letter_opened(node, from, id),
            },
            MailEvent::Done { .. } => {}
        }
    }

    fn mail_message(&mut self, node: NodeIndex, from: RingId, message: MailMessage) {
        let now = self.mail_now();
        match message {
            MailMessage::Deposit(DepositMessage::Offer { is_first_hand, mailbox, items }) => {
                self.hold(node, |holder, around, out| holder.offered(from, (is_first_hand, mailbox, &items), around, now, out));
            }
            MailMessage::Deposit(DepositMessage::Verdicts { mailbox, items }) => {
                self.hold(node, |holder, _, out| holder.verdicts(from, mailbox, &items, now, out));
                self.deposit_with(node, |depositor, out| depositor.verdicts(from, &mailbox, &items, now, out));
            }
            MailMessage::Deposit(DepositMessage::Item(_) | DepositMessage::Receipt(_)) => {}
            MailMessage::Item(parcel) => self.hold(node, |holder, _, out| holder.came(from, parcel, Vec::new(), now, out)),
            MailMessage::Receipt(mailbox, id) => self.receipt_came(node, from, mailbox, id),
            MailMessage::Collect(message) => self.collect_message(node, from, message),
            MailMessage::Letter(id) => self.letter_came(node, from, id),
            MailMessage::Clear(parcel) => {
                self.hold(node, |holder, around, out| holder.cleared(from, parcel, Vec::new(), around, out));
            }
        }
    }

    /// Sends, after so long, over an open link.
    fn mail_send(&mut self, node: NodeIndex, to: RingId, after_ms: u64, message: MailMessage) {
        let state = &self.nodes[node as usize];
        let Some((peer, link)) = state.links.get(&to).copied() else { return };
        let from = state.id;
        self.mail_used(node, to);
        self.count_repair(from, to, &message);
        let delay = after_ms + self.latency(node, peer);
        self.schedule(delay, Event::Mail(Box::new(MailEvent::Message { from, to: peer, link, message })));
    }

    fn count_repair(&mut self, from: RingId, to: RingId, message: &MailMessage) {
        let Some(post) = self.post.as_mut() else { return };
        match message {
            MailMessage::Item(parcel) if post.author_at(&parcel.mailbox) != Some(from) => {
                post.counted.repair_bytes += sealed_len_of(parcel.bytes);
            }
            MailMessage::Deposit(DepositMessage::Offer { is_first_hand: false, items, .. }) => {
                post.counted.repair_word_bytes += sealed_len(36 + 33 * items.len());
            }
            MailMessage::Deposit(DepositMessage::Verdicts { mailbox, items }) if post.author_at(mailbox) != Some(to) => {
                post.counted.repair_word_bytes += sealed_len(35 + 33 * items.len());
            }
            _ => {}
        }
    }

    fn mail_done_in(&mut self, in_ms: u64, node: NodeIndex, done: Done) {
        let life = self.nodes[node as usize].life;
        self.schedule(in_ms, Event::Mail(Box::new(MailEvent::Done { node, life, done })));
    }

    fn mail_arm(&mut self, node: NodeIndex) {
        let now_ms = self.now_ms;
        let state = &mut self.nodes[node as usize];
        let (Some(mail), life) = (state.mail.as_mut(), state.life) else { return };
        let idle = mail.lent.values().min().map(|at| at + MAIL_IDLE_MS);
        let due = [idle, mail.holder.deadline(), mail.depositor.deadline(), mail.collector.deadline(), mail.clear_ms, mail.publish_ms];
        let Some(due_ms) = due.into_iter().flatten().min().map(|due_ms| due_ms.max(now_ms + 1)) else { return };
        if due_ms < mail.wake_ms {
            mail.wake_ms = due_ms;
            self.schedule_due(due_ms - now_ms, Due::Mail { node, life });
        }
    }

    fn mail_now(&self) -> Now {
        Now { mono: self.now_ms, wall: WALL_MS + self.now_ms }
    }

    fn draw_disk_ms(&mut self) -> u64 {
        let span = self.post.as_ref().map_or((0, 0), |post| post.config.disk_ms);
        self.draw_between(span)
    }

    fn keys_ms(&self) -> u64 {
        self.post.as_ref().map_or(0, |post| post.config.keys_ms)
    }
}

impl Post {
    fn author_at(&self, mailbox: &Mailbox) -> Option<RingId> {
        self.boxes.get(&RingId::of_bytes(mailbox))?.author
    }

    /// How many have to keep a letter before its author may go.
    fn quorum(&self) -> usize {
        QUORUM.min(self.config.copies)
    }
}

fn sealed_len_of(bytes: u32) -> u64 {
    sealed_len(bytes as usize)
}
