//! Leaving messages for somebody who is away: sealed once, left with five, until they are delivered or over.

use super::{Mail, MailKeyUse, Node};
use crate::chat::{Conversation, MessageId, MessageState, MessageView, Sealing};
use crate::codec::{Malformed, Reader, Writer};
use crate::crypto::{KeyOpResult, sha256};
use crate::directory::{Found, Prekey};
use crate::identity::{NodeId, UserId, VerifiedCertificate};
use crate::limits::{ENVELOPE_MS, PAIR_BYTES_MAX, PAIR_ENVELOPES_MAX, RECEIPTS_MAX, RECEIPTS_PER_AUTHOR_MAX, RECIPIENTS_MAX};
use crate::mailbox::{
    Bucket, Depositor, DepositorOrder, EnvelopeDraft, EnvelopeId, Letter, Mailbox, Receipt, Sealed, Tombstone,
};
use crate::message::receipt_body;
use crate::node::directory::Why;
use crate::node::journal::Purpose;
use crate::node::{Direction, Event, KeyUse, Row, Table};
use crate::ordered::OrderedMap;
use crate::ring::RingId;
use crate::store::Write;
use crate::time::{DAY_MS, HOUR_MS, MINUTE_MS, Now};

const VERSION: u8 = 1;
/// Messages that are being sealed at once: each is a signature.
pub(super) const SEALING_MAX: usize = 16;
/// How often it is looked what is over.
const EXPIRY_LOOK_MS: u64 = 10 * MINUTE_MS;

/// Whom it is sealed to.
#[derive(Clone, Debug)]
pub(super) struct Recipient {
    certificate: VerifiedCertificate,
    prekey: Option<Prekey>,
    /// All devices of theirs: none of them keeps mail for them.
    places: Vec<RingId>,
}

/// What an envelope of this node brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inside {
    Message(MessageId),
    /// Word that messages of theirs have come.
    Receipt,
}

/// An envelope of this node, while it is not delivered.
#[derive(Clone, Debug)]
pub(super) struct Outgoing {
    user: UserId,
    mailbox: Mailbox,
    inside: Inside,
    sealing: Sealing,
    expiry_h: u32,
    /// Who has signed that they keep it.
    holders: Vec<NodeId>,
    bytes: Vec<u8>,
}

/// An envelope that is being signed.
pub(in crate::node) struct SealJob {
    draft: EnvelopeDraft,
    user: UserId,
    inside: Inside,
    sealing: Sealing,
}

/// Puts back what the store has. What belongs to no waiting message any more, or is over, goes.
pub(super) fn restore(mail: &mut Mail, rows: &[Row], chats: &mut OrderedMap<UserId, Conversation>, now: Now, writes: &mut Vec<Write>) {
    for row in rows.iter().filter(|row| row.table == Table::Sealed) {
        let read = Outgoing::read(row).ok().and_then(|outgoing| Some((Sealed::read(outgoing.bytes.clone()).ok()?, outgoing)));
        let is_wanted = |outgoing: &Outgoing| match outgoing.inside {
            Inside::Message(id) => chats.get(&outgoing.user).is_some_and(|chat| chat.is_waiting(id)),
            Inside::Receipt => u64::from(outgoing.expiry_h) * HOUR_MS > now.wall,
        };
        let Some((sealed, outgoing)) = read.filter(|(_, outgoing)| is_wanted(outgoing)) else {
            writes.push(Write { table: Table::Sealed, key: row.key.clone(), value: None });
            continue;
        };
        if let (Inside::Message(id), Some(chat)) = (outgoing.inside, chats.get_mut(&outgoing.user)) {
            chat.sealed(id, outgoing.sealing);
        }
        mail.keep(sealed.id(), sealed.header().bucket, outgoing, now);
    }
}

impl Mail {
    fn keep(&mut self, id: EnvelopeId, bucket: Bucket, outgoing: Outgoing, now: Now) {
        let holders = outgoing.holders.iter().map(RingId::of_node);
        self.depositor.add(outgoing.mailbox, id, bucket, holders, now);
        if let Inside::Message(message) = outgoing.inside {
            self.by_message.insert(message, id);
        }
        self.outgoing.insert(id, outgoing);
    }

    /// How far a message of this node has come on its way over others. `None` where it is not on that way.
    pub(in crate::node) fn state_of(&self, message: MessageId) -> Option<(MessageState, Vec<NodeId>)> {
        let id = self.by_message.get(&message)?;
        let outgoing = self.outgoing.get(id)?;
        let is_held = self.depositor.is_held(&outgoing.mailbox, *id);
        Some((if is_held { MessageState::Held } else { MessageState::Queued }, outgoing.holders.clone()))
    }
}

impl Outgoing {
    /// Whether it brings a message; word that messages have come, otherwise.
    pub(super) fn is_message(&self) -> bool {
        matches!(self.inside, Inside::Message(_))
    }

    pub(super) fn user(&self) -> &UserId {
        &self.user
    }

    /// What a holder sets aside for it.
    pub(super) fn room_bytes(&self) -> u64 {
        room_bytes(Bucket::of_envelope(self.bytes.len()))
    }

    /// version | inside(1): 0 mid(16), 1 | sealing(1) | expiry(4) | lp8(user id) | count(1) x node id(32) | envelope
    fn row(&self, id: EnvelopeId) -> Write {
        let head = Writer::new().u8(VERSION);
        let head = match self.inside {
            Inside::Message(message) => head.u8(0).raw(&message.0),
            Inside::Receipt => head.u8(1),
        };
        let head = head.u8(u8::from(self.sealing == Sealing::Prekey)).u32(self.expiry_h).lp8(self.user.as_str().as_bytes());
        let count = u8::try_from(self.holders.len()).expect("at most as many as an arc has");
        let value = self.holders.iter().fold(head.u8(count), |writer, holder| writer.raw(&holder.0)).raw(&self.bytes).into_bytes();
        Write { table: Table::Sealed, key: id.0.to_vec(), value: Some(value) }
    }

    fn read(row: &Row) -> Result<Self, Malformed> {
        let mut reader = Reader::new(&row.value);
        if reader.u8()? != VERSION {
            return Err(Malformed);
        }
        let inside = if reader.u8()? == 0 { Inside::Message(MessageId(reader.array()?)) } else { Inside::Receipt };
        let sealing = if reader.u8()? == 1 { Sealing::Prekey } else { Sealing::CertifiedKey };
        let expiry_h = reader.u32()?;
        let user = std::str::from_utf8(reader.lp8()?).ok().and_then(|user| UserId::parse(user).ok()).ok_or(Malformed)?;
        let count = reader.u8()?;
        let holders = (0..count).map(|_| reader.array().map(NodeId)).collect::<Result<_, _>>()?;
        let bytes = reader.rest().to_vec();
        if sha256(&[&bytes]) != *row.key {
            return Err(Malformed);
        }
        Ok(Self { mailbox: user.mailbox(), user, inside, sealing, expiry_h, holders, bytes })
    }
}

impl Node {
    /// Lends the depositor, and carries out what it orders.
    pub(super) fn deposit(&mut self, now: Now, step: impl FnOnce(&mut Depositor, &mut Vec<DepositorOrder>)) {
        let mut orders = Vec::new();
        step(&mut self.mail.depositor, &mut orders);
        for order in orders {
            match order {
                DepositorOrder::Look(mailbox, way) => self.look_for_holders(&mailbox, way, now),
                DepositorOrder::Link(to) => self.ring_dial(to, now),
                DepositorOrder::Send(to, message) => self.send_deposit(to, &message, now),
                DepositorOrder::Give(to, _, id) => {
                    let bytes = self.mail.outgoing.get(&id).map(|outgoing| outgoing.bytes.clone());
                    if let Some(bytes) = bytes {
                        self.send_deposit(to, &crate::mailbox::DepositMessage::Item(bytes), now);
                    }
                }
            }
        }
    }

    pub(super) fn tend_deposits(&mut self, now: Now) {
        let linked: Vec<RingId> = self.links.peers().map(|(peer, _)| RingId::of_node(peer.node_id())).collect();
        self.deposit(now, |depositor, out| depositor.tend(|node| linked.contains(&node), now, out));
    }

    pub(super) fn sending_wake(&mut self, now: Now) {
        self.tend_deposits(now);
        if self.mail.expiry_look_ms <= now.mono {
            self.mail.expiry_look_ms = now.mono + EXPIRY_LOOK_MS;
            self.expire_outgoing(now);
        }
    }

    fn look_for_holders(&mut self, mailbox: &Mailbox, way: u8, now: Now) {
        let user = self.mail.outgoing.values().find(|outgoing| outgoing.mailbox == *mailbox).map(|outgoing| outgoing.user.clone());
        match user {
            Some(user) => self.look_up(&user, Why::Deposit, way, now),
            None => self.deposit(now, |depositor, _| depositor.candidates(mailbox, &[], now)),
        }
    }

    /// A contact is away, or cannot be reached: what waits for them is left with others.
    pub(in crate::node) fn leave_mail(&mut self, user: &UserId, now: Now) {
        self.leave_files(user, now);
        self.fetch_lying(now);
        if !self.is_absent(user) || !self.chats.get(user).is_some_and(|chat| chat.has_waiting() && chat.key.changed.is_none()) {
            return;
        }
        let is_being_sealed = |id: &MessageId| self.mail.sealing.contains(id);
        let is_new = |id: &MessageId| !self.mail.by_message.contains_key(id) && !is_being_sealed(id);
        let waiting: Vec<(MessageId, Vec<u8>)> = self.chats[user].waiting().filter(|(id, _)| is_new(id)).map(|(id, body)| (id, body.to_vec())).collect();
        if waiting.is_empty() {
            return;
        }
        let Some(recipient) = self.mail.recipients.get(user).cloned() else {
            if self.mail.looking.insert(user.clone()) {
                self.look_up(user, Why::Deposit, 0, now);
            }
            return;
        };
        let room_of = |body: &[u8]| room_bytes(Bucket::of_letter(&self.own, body));
        let theirs = self.mail.outgoing.values().filter(|outgoing| outgoing.user == *user).map(Outgoing::room_bytes);
        let sealing = self.chats[user].waiting().filter(|(id, _)| is_being_sealed(id)).map(|(_, body)| room_of(body));
        let (mut count, mut bytes) = theirs.chain(sealing).fold((0, 0), |(count, bytes), room| (count + 1, bytes + room));
        let waiting = waiting.into_iter().map(|(id, body)| (id, room_of(&body), body)).collect::<Vec<_>>();
        for (id, room, body) in waiting {
            let is_over = count >= PAIR_ENVELOPES_MAX || bytes + room > PAIR_BYTES_MAX;
            if is_over || self.mail.sealing.len() >= SEALING_MAX {
                break;
            }
            count += 1;
            bytes += room;
            self.seal(user, &recipient, Inside::Message(id), &body);
        }
    }

    /// Membership began: what could not be left with anybody before can be.
    pub(super) fn mail_may_leave(&mut self, now: Now) {
        self.mail.depositor.joined(now);
        self.files_joined(now);
        self.tend_deposits(now);
        let waiting: Vec<UserId> = self.chats.iter().filter(|(_, chat)| chat.has_waiting()).map(|(user, _)| user.clone()).collect();
        waiting.iter().for_each(|user| self.leave_mail(user, now));
    }

    fn seal(&mut self, user: &UserId, recipient: &Recipient, inside: Inside, body: &[u8]) {
        let Recipient { certificate, prekey, .. } = recipient;
        let keep_ms = match inside {
            Inside::Message(_) => u64::from(self.mail.keep_days) * DAY_MS,
            Inside::Receipt => ENVELOPE_MS,
        };
        let letter = Letter { author: &self.own, to: certificate, prekey: *prekey, body, keep_ms };
        let Ok(draft) = EnvelopeDraft::new(&letter, &mut self.rng) else { return };
        let sealing = if prekey.is_some() { Sealing::Prekey } else { Sealing::CertifiedKey };
        if let Inside::Message(id) = inside {
            self.mail.sealing.insert(id);
        }
        let op = draft.key_op();
        self.ask_keys(KeyUse::Mail(MailKeyUse::Seal(Box::new(SealJob { draft, user: user.clone(), inside, sealing }))), op);
    }

    /// An envelope is signed: onto the disk with it, then to others.
    pub(super) fn sealed(&mut self, job: SealJob, result: &KeyOpResult, now: Now) {
        let SealJob { draft, user, inside, sealing } = job;
        if let Inside::Message(id) = inside {
            self.mail.sealing.remove(&id);
        }
        let bytes = result.as_ref().ok().and_then(|signature| draft.finish(signature).ok());
        let Some(sealed) = bytes.and_then(|bytes| Sealed::read(bytes).ok()) else { return };
        // Those that were sealed at the same time were not counted before.
        if inside == Inside::Receipt && !self.may_leave_receipt(&user) {
            return;
        }
        let (id, expiry_h, bucket) = (sealed.id(), sealed.header().expiry_h, sealed.header().bucket);
        let mailbox = user.mailbox();
        let outgoing = Outgoing { user: user.clone(), mailbox, inside, sealing, expiry_h, holders: Vec::new(), bytes: sealed.into_bytes() };
        let mut writes = vec![outgoing.row(id)];
        if let Inside::Message(message) = inside {
            // Delivered in the meantime: nothing is left with anybody.
            let Some(chat) = self.chats.get_mut(&user).filter(|chat| chat.is_waiting(message)) else { return };
            writes.extend(chat.sealed(message, sealing));
            self.mail.by_message.insert(message, id);
        }
        self.mail.outgoing.insert(id, outgoing);
        self.store(writes, Purpose::Sealed { id, bucket });
        self.leave_mail(&user, now);
    }

    /// An envelope of this node is on its disk: it may go to others.
    pub(in crate::node) fn sealed_stored(&mut self, id: EnvelopeId, bucket: Bucket, now: Now) {
        let Some(outgoing) = self.mail.outgoing.get(&id).cloned() else { return };
        self.mail.keep(id, bucket, outgoing, now);
        // The screen learns how it is sealed.
        self.holders_changed(id);
        self.tend_deposits(now);
    }

    /// The devices of a contact, as far as known: they keep nothing for themselves.
    pub(in crate::node) fn mail_places_of(&self, user: &UserId) -> Vec<RingId> {
        self.mail.recipients.get(user).map(|recipient| recipient.places.clone()).unwrap_or_default()
    }

    /// Whether it is known to whom mail for a contact is sealed.
    pub(in crate::node) fn mail_knows(&self, user: &UserId) -> bool {
        self.mail.recipients.contains_key(user)
    }

    #[cfg(test)]
    pub(in crate::node) fn mail_forgets_recipients(&mut self) {
        self.mail.recipients = OrderedMap::new();
    }

    /// The ring, or the relay, says who a contact is.
    pub(in crate::node) fn mail_found(&mut self, user: &UserId, found: &Found, now: Now) {
        let Some(certificate) = found.record.devices().first().cloned() else { return };
        let prekey = found.record.prekey(certificate.node_id(), self.directory_clock_ms(now));
        let places = found.record.devices().iter().map(|device| RingId::of_node(device.node_id())).collect();
        self.know_recipient(user, Recipient { certificate, prekey, places });
    }

    /// The relay alone knows them, without a prekey: better than nothing. Whoever is alone in the ring may keep it themselves.
    pub(in crate::node) fn mail_found_device(&mut self, user: &UserId, certificate: &VerifiedCertificate, now: Now) {
        if !self.mail.recipients.contains_key(user) {
            let prekey = self.directory.kept_prekey(user, certificate.node_id(), self.directory_clock_ms(now));
            let places = vec![RingId::of_node(certificate.node_id())];
            self.know_recipient(user, Recipient { certificate: certificate.clone(), prekey, places });
        }
    }

    fn know_recipient(&mut self, user: &UserId, recipient: Recipient) {
        // Nothing is sealed to a key that the person has not looked at.
        let is_pinned = self.chats.get(user).is_none_or(|chat| chat.key.pinned.is_none_or(|pinned| pinned == recipient.certificate.key_hash()));
        if is_pinned {
            if self.mail.recipients.len() >= RECIPIENTS_MAX {
                self.mail.recipients.retain(|known, _| self.chats.contains_key(known));
            }
            self.mail.recipients.insert(user.clone(), recipient);
        }
    }

    /// The ring says who stands behind a contact's key.
    pub(in crate::node) fn holders_found(&mut self, user: &UserId, places: &[RingId], now: Now) {
        self.mail.looking.remove(user);
        let theirs: Vec<RingId> = self.mail.recipients.get(user).map(|recipient| recipient.places.clone()).unwrap_or_default();
        let others: Vec<RingId> = places.iter().filter(|place| !theirs.contains(place)).copied().collect();
        let mailbox = user.mailbox();
        let available = self.mail.depositor.available(&mailbox);
        self.deposit(now, |depositor, _| depositor.candidates(&mailbox, &others, now));
        let is_other = available != self.mail.depositor.available(&mailbox);
        let theirs = self.mail.outgoing.iter().filter(|(_, outgoing)| outgoing.mailbox == mailbox);
        let is_news = |id: &EnvelopeId, outgoing: &Outgoing| is_other || outgoing.holders.len() != self.mail.depositor.holders(&mailbox, *id).len();
        let changed: Vec<EnvelopeId> = theirs.filter(|(id, outgoing)| is_news(id, outgoing)).map(|(id, _)| *id).collect();
        changed.into_iter().for_each(|id| self.holders_changed(id));
        self.tend_deposits(now);
        if self.mail_knows(user) {
            self.leave_mail(user, now);
        }
    }

    /// A holder's word that it keeps an envelope.
    pub(super) fn receipt_came(&mut self, user: &UserId, from: RingId, bytes: &[u8], now: Now) {
        let Some(holder) = self.peer_at(from).filter(|peer| peer.user_id() == user).cloned() else { return };
        let Ok(receipt) = Receipt::verify(bytes, &holder) else { return };
        let Some(outgoing) = self.mail.outgoing.get_mut(&receipt.envelope) else { return };
        if receipt.mailbox != outgoing.mailbox || receipt.expiry_h != outgoing.expiry_h {
            return;
        }
        let (id, mailbox) = (receipt.envelope, receipt.mailbox);
        let mut is_news = false;
        self.deposit(now, |depositor, _| is_news = depositor.receipt(from, &mailbox, id, now));
        self.tend_deposits(now);
        if is_news {
            self.holders_changed(id);
        }
    }

    /// Who keeps an envelope has changed: on the disk, and on the screen.
    fn holders_changed(&mut self, id: EnvelopeId) {
        let Some(outgoing) = self.mail.outgoing.get_mut(&id) else { return };
        let places = self.mail.depositor.holders(&outgoing.mailbox, id);
        let known = std::mem::take(&mut outgoing.holders);
        let linked = self.links.peers().map(|(peer, _)| *peer.node_id());
        let mut holders: Vec<NodeId> = Vec::new();
        for node in known.iter().copied().chain(linked).filter(|node| places.contains(&RingId::of_node(node))) {
            if !holders.contains(&node) {
                holders.push(node);
            }
        }
        let is_same = holders == known;
        outgoing.holders = holders.clone();
        let (row, with, inside, mailbox) = (outgoing.row(id), outgoing.user.clone(), outgoing.inside, outgoing.mailbox);
        let sealing = outgoing.sealing;
        let is_done = inside == Inside::Receipt && holders.len() >= crate::limits::COPIES;
        if is_done {
            self.forget_outgoing(id);
            return;
        }
        if !is_same {
            self.store(vec![row], Purpose::Quiet);
        }
        if let Inside::Message(message) = inside {
            let available = self.mail.depositor.available(&mailbox);
            self.notify(Event::MessageHeld { with: with.clone(), id: message, holders, sealing, available });
            if !self.links.is_up(&with) {
                let state = self.mail.state_of(message).map_or(MessageState::Queued, |(state, _)| state);
                self.notify(Event::MessageChanged { with, id: message, state });
            }
        }
    }

    /// An envelope needs nobody's care any more.
    fn forget_outgoing(&mut self, id: EnvelopeId) {
        let Some(outgoing) = self.mail.outgoing.remove(&id) else { return };
        self.mail.depositor.remove(&outgoing.mailbox, id);
        if let Inside::Message(message) = outgoing.inside {
            self.mail.by_message.remove(&message);
        }
        self.store(vec![Write { table: Table::Sealed, key: id.0.to_vec(), value: None }], Purpose::Quiet);
    }

    /// A message is delivered, whichever way.
    pub(in crate::node) fn mail_delivered(&mut self, message: MessageId) {
        if let Some(id) = self.mail.by_message.get(&message).copied() {
            self.forget_outgoing(id);
        }
    }

    /// The receiver says, by way of others, what it has.
    pub(super) fn delivered_by_tombstone(&mut self, tombstone: &Tombstone, now: Now) {
        let mut writes = Vec::new();
        let mut users = Vec::new();
        for arrived in &tombstone.arrived {
            let Some(outgoing) = self.mail.outgoing.get(&arrived.envelope).filter(|outgoing| outgoing.mailbox == tombstone.mailbox) else {
                continue;
            };
            let (with, inside) = (outgoing.user.clone(), outgoing.inside);
            self.forget_outgoing(arrived.envelope);
            let Inside::Message(id) = inside else { continue };
            let rows = self.chats.get_mut(&with).map(|chat| chat.delivered(id)).unwrap_or_default();
            if !rows.is_empty() {
                writes.extend(rows);
                self.notify(Event::MessageChanged { with: with.clone(), id, state: MessageState::Delivered });
                users.push(with);
            }
        }
        self.store(writes, Purpose::Quiet);
        users.dedup();
        for user in users {
            // There is room for more.
            self.leave_mail(&user, now);
        }
    }

    /// Tells an author who is away that messages have come: word that is left with others, as messages are.
    pub(super) fn leave_receipt(&mut self, author: &VerifiedCertificate, tombstone: &[u8], now: Now) {
        let known = self.mail.recipients.get(author.user_id()).cloned();
        let fallback = || Recipient { certificate: author.clone(), prekey: None, places: vec![RingId::of_node(author.node_id())] };
        let recipient = known.unwrap_or_else(fallback);
        if now.wall >= recipient.certificate.not_after_ms() || !self.may_leave_receipt(author.user_id()) {
            return;
        }
        let id = MessageId(self.rng.array());
        let body = receipt_body(id, now.wall, tombstone);
        self.seal(author.user_id(), &recipient, Inside::Receipt, &body);
    }

    /// Whether there is room for one more word for this author.
    fn may_leave_receipt(&self, author: &UserId) -> bool {
        let receipts = self.mail.outgoing.values().filter(|outgoing| outgoing.inside == Inside::Receipt);
        let (all, theirs) = receipts.fold((0, 0), |(all, theirs), outgoing| (all + 1, theirs + usize::from(outgoing.user == *author)));
        all < RECEIPTS_MAX && theirs < RECEIPTS_PER_AUTHOR_MAX
    }

    /// What is over was not picked up: its author is told.
    fn expire_outgoing(&mut self, now: Now) {
        let is_over = |outgoing: &Outgoing| u64::from(outgoing.expiry_h) * HOUR_MS <= now.wall;
        let over: Vec<EnvelopeId> = self.mail.outgoing.iter().filter(|(_, outgoing)| is_over(outgoing)).map(|(id, _)| *id).collect();
        for id in over {
            let Some(outgoing) = self.mail.outgoing.get(&id) else { continue };
            let (with, inside) = (outgoing.user.clone(), outgoing.inside);
            self.forget_outgoing(id);
            let Inside::Message(message) = inside else { continue };
            let writes = self.chats.get_mut(&with).map(|chat| chat.expired(message)).unwrap_or_default();
            if !writes.is_empty() {
                self.notify(Event::MessageChanged { with, id: message, state: MessageState::Expired });
            }
            self.store(writes, Purpose::Quiet);
        }
    }

    /// Lays over a message of one's own who keeps it.
    pub(in crate::node) fn dress(&self, view: &mut MessageView) {
        if view.direction == Direction::Out
            && view.state == MessageState::Queued
            && let Some((state, holders)) = self.mail.state_of(view.id)
        {
            view.state = state;
            view.holders = holders;
        }
    }
}

/// What a holder sets aside for an envelope of this class; nothing takes one that is of none.
fn room_bytes(bucket: Option<Bucket>) -> u64 {
    bucket.map_or(PAIR_BYTES_MAX + 1, |bucket| bucket.envelope_bytes_max() as u64)
}
