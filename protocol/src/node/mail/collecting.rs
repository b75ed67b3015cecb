//! What others keep for this node: fetched, opened, stored, shown; then its holders are told, and its author.

use super::{CollectMessage, MailKeyUse, Node};
use crate::chat::{Arrival, BodyError, MessageBody, MessageId, Sealing};
use crate::codec::{Malformed, Reader, Writer};
use crate::crypto::KeyOpResult;
use crate::handshake::Judge;
use crate::identity::{UserId, VerifiedCertificate, clock_ms};
use crate::limits::{COPIES, ENVELOPE_SEEN_MS, SEEN_MAX, TOMBSTONE_ENTRIES_MAX, WINDOW_MESSAGES};
use crate::mailbox::{Arrived, Collector, EnvelopeId, Header, KeyId, OpenError, Opened, Sealed, Tombstone, TombstoneError};
use crate::message::receipt_of;
use crate::node::directory::Why;
use crate::node::journal::{Purpose, Shown};
use crate::node::{KeyUse, Row, Table};
use crate::ordered::{OrderedMap, OrderedSet};
use crate::ring::{RingId, Standing as RingStanding};
use crate::store::Write;
use crate::time::{HOUR_MS, MINUTE_MS, Now};

const VERSION: u8 = 1;
/// How long what has come is gathered before its holders are told: one signature for many.
const GATHER_MS: u64 = 200;
/// How often in a minute one holder is told what it should know.
const REMINDERS_MAX: u8 = 8;
/// Authors whose certificates need no second look, the latest first.
pub(super) const AUTHORS_MAX: usize = 16;
/// Live messages that wait for the mail at most, as many as one contact may have under way; the next is taken as it comes.
pub(super) const HELD_BACK_MAX: usize = WINDOW_MESSAGES;

/// An envelope that is done, remembered until nobody can bring it any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    expiry_h: u32,
    /// What was in it and whose it was; `None` for one that is none: nobody is told anything of it.
    letter: Option<(KeyId, MessageId)>,
}

/// Messages of one author that have come, of which nobody has been told.
#[derive(Clone, Debug, Default)]
pub(in crate::node) struct Arrivals {
    pub(super) arrived: Vec<Arrived>,
    /// Nodes that keep them.
    sources: Vec<RingId>,
    /// The author, where they want to hear of it.
    author: Option<VerifiedCertificate>,
}

impl Seen {
    /// version | expiry(4) | kind(1): 0 none; 1 key id(16) | mid(16)
    fn row(&self, id: EnvelopeId) -> Write {
        let head = Writer::new().u8(VERSION).u32(self.expiry_h);
        let value = match self.letter {
            None => head.u8(0),
            Some((author, message)) => head.u8(1).raw(&author.0).raw(&message.0),
        };
        Write { table: Table::Seen, key: id.0.to_vec(), value: Some(value.into_bytes()) }
    }

    fn read(row: &Row) -> Result<(EnvelopeId, Self), Malformed> {
        let id = EnvelopeId(row.key.as_slice().try_into().map_err(|_| Malformed)?);
        let mut reader = Reader::new(&row.value);
        if reader.u8()? != VERSION {
            return Err(Malformed);
        }
        let expiry_h = reader.u32()?;
        let letter = match reader.u8()? {
            0 => None,
            _ => Some((KeyId(reader.array()?), MessageId(reader.array()?))),
        };
        reader.finish()?;
        Ok((id, Self { expiry_h, letter }))
    }

    fn is_over(&self, wall_ms: u64) -> bool {
        u64::from(self.expiry_h) * HOUR_MS + ENVELOPE_SEEN_MS <= wall_ms
    }
}

/// The envelopes seen, in the rows of the store. Those that nobody can bring any more go.
pub(super) fn restore(rows: &[Row], now: Now, writes: &mut Vec<Write>) -> OrderedMap<EnvelopeId, Seen> {
    let mut seen = OrderedMap::new();
    for row in rows.iter().filter(|row| row.table == Table::Seen) {
        match Seen::read(row) {
            Ok((id, entry)) if !entry.is_over(now.wall) => drop(seen.insert(id, entry)),
            _ => writes.push(Write { table: Table::Seen, key: row.key.clone(), value: None }),
        }
    }
    seen
}

impl Node {
    /// Lends the collector, and sends what it says.
    pub(super) fn collect(&mut self, now: Now, step: impl FnOnce(&mut Collector, &mut Vec<(RingId, CollectMessage)>)) {
        let mut out = Vec::new();
        step(&mut self.mail.collector, &mut out);
        for (to, message) in out {
            self.send_collect(to, &message, now);
        }
        if !self.mail.held_back.is_empty() && !self.mail.collector.is_draining(now) {
            self.let_in(now);
        }
    }

    /// What was passed over may be taken now.
    pub(in crate::node) fn mail_again(&mut self, now: Now) {
        if !self.mail.skipped.is_empty() {
            self.mail.collector.again_now(now);
        }
    }

    pub(super) fn collecting_wake(&mut self, now: Now) {
        if self.mail.collector.is_again_due(now) {
            self.mail.skipped = OrderedSet::new();
        }
        self.collect(now, |collector, out| collector.tend(now, out));
        if self.mail.clear_ms.take_if(|at| *at <= now.mono).is_some() {
            self.sign_tombstones(now);
        }
    }

    /// Membership began: who keeps mail for this node is linked to, and has the word first.
    pub(in crate::node) fn mail_standing(&mut self, standing: RingStanding, now: Now) {
        if standing != RingStanding::Member {
            return;
        }
        self.mail_may_leave(now);
        let five = self.own_holders();
        if five.is_empty() {
            // The key of this user is elsewhere in the ring. Waiting until those there hear of the presence would take longer.
            let own = self.own.user_id().clone();
            self.mail.collector.joining(now);
            return self.look_up(&own, Why::Collect, 0, now);
        }
        self.collect_from(five, now);
    }

    /// These are to keep mail for this node: it links to them, and they have the word first.
    pub(in crate::node) fn collect_from(&mut self, five: Vec<RingId>, now: Now) {
        self.look_elsewhere(&five, now);
        self.mail.collector.joined(five, now);
    }

    /// Who keeps mail for this node's user: the first five behind their key, this node left out, as far as it knows them.
    pub(in crate::node) fn own_holders(&self) -> Vec<RingId> {
        let mut arc = self.ring.arc_of(RingId::of_user(self.own.user_id()));
        arc.retain(|place| *place != self.ring.me());
        arc.truncate(COPIES);
        arc
    }

    pub(super) fn listed(&mut self, from: RingId, is_more: bool, items: &[(EnvelopeId, MessageId)], now: Now) {
        // Whoever still has what was seen does not know yet that it has come. What is not durable has not come: they hear when it is.
        let durable = |id: &EnvelopeId| self.mail.seen.get(id).filter(|_| !self.mail.collector.is_here(id)).and_then(|seen| seen.letter);
        let known: Vec<_> = items.iter().filter_map(|(id, _)| Some((*id, durable(id)?))).collect();
        if !known.is_empty() && self.may_remind(from, now) {
            for (envelope, (author, id)) in known {
                self.note_arrived(author, Arrived { id, envelope }, &[from], None, now);
            }
        }
        // Whoever has what is being stored is one more to be told.
        let is_done = |id: &EnvelopeId| (self.mail.seen.contains_key(id) && !self.mail.collector.is_here(id)) || self.mail.skipped.contains(id);
        let fresh: Vec<EnvelopeId> = items.iter().map(|(id, _)| *id).filter(|id| !is_done(id)).collect();
        let more_after = items.last().filter(|_| is_more).map(|(last, _)| *last);
        self.collect(now, |collector, out| collector.listed(from, &fresh, more_after, now, out));
    }

    /// These keep mail for this node: it links to them, and a session is asked what it has.
    pub(in crate::node) fn look_elsewhere(&mut self, places: &[RingId], now: Now) {
        for place in places.iter().filter(|place| **place != self.ring.me()).copied().collect::<Vec<_>>() {
            if self.peer_at(place).is_none() {
                self.ring_dial(place, now);
            }
        }
    }

    /// Whether a holder is told once more what has come: each time is a signature, and one that is never content is told so often only.
    fn may_remind(&mut self, holder: RingId, now: Now) -> bool {
        let (until_ms, count) = self.mail.reminded.get(&holder).copied().filter(|(until_ms, _)| *until_ms > now.mono).unwrap_or((now.mono + MINUTE_MS, 0));
        self.mail.reminded.insert(holder, (until_ms, count.saturating_add(1)));
        if count >= REMINDERS_MAX {
            self.mail.collector.again_later(now);
        }
        count < REMINDERS_MAX
    }

    /// An envelope came from a holder.
    pub(super) fn letter_came(&mut self, from: RingId, bytes: Vec<u8>, now: Now) {
        let sealed = Sealed::read(bytes).ok();
        let is_known = |id: &EnvelopeId| self.mail.seen.contains_key(id) || self.mail.skipped.contains(id) || self.mail.collector.is_here(id);
        if sealed.as_ref().is_some_and(|sealed| is_known(&sealed.id())) {
            // It was late, and another brought it.
            return;
        }
        let Some(sealed) = sealed.filter(|sealed| self.mail.collector.came(from, sealed.id(), now)) else {
            // Not what was asked for: another holder has the true one.
            self.mail.dropped += 1;
            self.collect(now, |collector, out| collector.failed(from, None, now, out));
            return;
        };
        let own = self.mail.own_of(sealed.header().to).cloned();
        match own.filter(|own| own.user_id().mailbox() == sealed.header().mailbox) {
            Some(own) => {
                let op = sealed.key_op();
                self.ask_keys(KeyUse::Mail(MailKeyUse::Open { from, sealed: Box::new(sealed), own: Box::new(own) }), op);
            }
            None => self.junk(&sealed, now),
        }
    }

    /// Something that calls itself an envelope for this node, and is none: remembered, so that it is not fetched again.
    fn junk(&mut self, sealed: &Sealed, now: Now) {
        self.mail.dropped += 1;
        let (id, seen) = (sealed.id(), Seen { expiry_h: bounded_expiry_h(sealed.header(), now), letter: None });
        let writes = self.see(id, seen);
        self.store(writes, Purpose::Quiet);
        self.collect(now, |collector, out| collector.done(id, now, out));
    }

    /// Remembers an envelope as done, in place of the one that is over first where there are too many.
    fn see(&mut self, id: EnvelopeId, seen: Seen) -> Vec<Write> {
        let mut writes = vec![seen.row(id)];
        if self.mail.seen.len() >= SEEN_MAX
            && let Some(first) = self.mail.seen.iter().min_by_key(|(_, seen)| seen.expiry_h).map(|(id, _)| *id)
        {
            self.mail.seen.remove(&first);
            writes.push(Write { table: Table::Seen, key: first.0.to_vec(), value: None });
        }
        self.mail.seen.insert(id, seen);
        writes
    }

    /// Not now: it stays where it is, and is looked at again after a while.
    fn skip(&mut self, id: EnvelopeId, now: Now) {
        if self.mail.skipped.len() < SEEN_MAX {
            self.mail.skipped.insert(id);
        }
        self.mail.collector.again_later(now);
        self.collect(now, |collector, out| collector.done(id, now, out));
    }

    pub(super) fn letter_unwrapped(&mut self, from: RingId, sealed: &Sealed, own: &VerifiedCertificate, result: &KeyOpResult, now: Now) {
        if result.is_err() && self.journal.is_troubled() {
            return self.skip(sealed.id(), now);
        }
        let judge = Judge { own, anchor: &self.anchor, revoked: self.revoked.as_ref(), now_ms: now.wall };
        let opened = sealed.open_of((result, self.directory.prekeys()), &judge, &self.mail.authors, &mut self.rng);
        if let Ok(Opened { author, .. }) = &opened
            && !self.mail.authors.contains(author)
        {
            self.mail.authors.truncate(AUTHORS_MAX - 1);
            self.mail.authors.insert(0, author.clone());
        }
        match opened {
            // By this clock; it may be this one that is wrong.
            Err(OpenError::Expired | OpenError::Time) => self.skip(sealed.id(), now),
            Err(_) => self.junk(sealed, now),
            Ok(opened) if self.blocked.contains(opened.author.user_id()) => self.junk(sealed, now),
            Ok(opened) => self.opened(from, sealed, opened, now),
        }
    }

    fn opened(&mut self, from: RingId, sealed: &Sealed, opened: Opened, now: Now) {
        let (id, header) = (sealed.id(), *sealed.header());
        let Opened { author, body, used_prekey } = opened;
        if let Some(tombstone) = receipt_of(&body) {
            return self.receipt_opened(from, sealed, &author, tombstone, now);
        }
        let body_read = match MessageBody::decode(&body) {
            Ok(body) => body,
            // A later version may know it.
            Err(BodyError::UnknownType(_)) => return self.skip(id, now),
            Err(BodyError::Malformed) => return self.junk(sealed, now),
        };
        let user = author.user_id().clone();
        // As for a session: a key that changed is looked at first.
        if self.journal.is_troubled() || !self.key_is_known(&author) || !self.make_mail_stranger(&author, now) {
            return self.skip(id, now);
        }
        let sealing = if used_prekey { Sealing::Prekey } else { Sealing::CertifiedKey };
        let message = body_read.id;
        let said = body_read.said.clone();
        let Some(chat) = self.chats.get_mut(&user) else { return self.skip(id, now) };
        let seen = Seen { expiry_h: header.expiry_h, letter: Some((KeyId::of(&author), message)) };
        let (mut writes, incoming) = match chat.receive(body_read, &body, sealing, now.wall) {
            Arrival::New { mut writes, view, gap_changed } => {
                writes.extend(self.said_by(&user, message, &said));
                (writes, Some((view, gap_changed)))
            }
            Arrival::Known | Arrival::Storing => (Vec::new(), None),
            Arrival::TooMany => return self.skip(id, now),
        };
        writes.extend(self.see(id, seen));
        let purpose = Purpose::Letter { id, user, author: Box::new(author), incoming: incoming.map(Box::new) };
        self.store(writes, purpose);
    }

    /// An opened letter is durable: it is shown; its holders and its author are to be told.
    pub(in crate::node) fn letter_stored(&mut self, id: EnvelopeId, author: VerifiedCertificate, incoming: Option<Shown>, now: Now) {
        if let Some((view, gap_changed)) = incoming {
            self.incoming_stored(author.user_id().clone(), view, gap_changed, now);
        }
        let sources = self.mail.collector.sources(&id).to_vec();
        if let Some((key, message)) = self.mail.seen.get(&id).and_then(|seen| seen.letter) {
            self.note_arrived(key, Arrived { id: message, envelope: id }, &sources, Some(author), now);
        }
        self.collect(now, |collector, out| collector.done(id, now, out));
    }

    fn receipt_opened(&mut self, from: RingId, sealed: &Sealed, author: &VerifiedCertificate, tombstone: &[u8], now: Now) {
        let (id, header) = (sealed.id(), *sealed.header());
        let said = Tombstone::verify(tombstone, &self.anchor, self.revoked.as_ref(), now.wall);
        if said == Err(TombstoneError::Time) {
            return self.skip(id, now);
        }
        let Some(said) = said.ok().filter(|said| said.mailbox == author.user_id().mailbox()) else { return self.junk(sealed, now) };
        self.delivered_by_tombstone(&said, now);
        let seen = Seen { expiry_h: header.expiry_h, letter: Some((KeyId::of(author), header.id)) };
        let writes = self.see(id, seen);
        self.store(writes, Purpose::Word { id, from });
    }

    /// What a receiver's word says is durable, and that it has come. Its holders are to forget it; whoever wrote it hears nothing: receipts
    /// are never acknowledged in turn.
    pub(in crate::node) fn word_stored(&mut self, id: EnvelopeId, from: RingId, now: Now) {
        let mut sources = self.mail.collector.sources(&id).to_vec();
        sources.push(from);
        if let Some((key, message)) = self.mail.seen.get(&id).and_then(|seen| seen.letter) {
            self.note_arrived(key, Arrived { id: message, envelope: id }, &sources, None, now);
        }
        self.collect(now, |collector, out| collector.done(id, now, out));
    }

    fn note_arrived(&mut self, key: KeyId, arrived: Arrived, sources: &[RingId], author: Option<VerifiedCertificate>, now: Now) {
        let entry = self.mail.arrived.entry(key).or_default();
        if !entry.arrived.contains(&arrived) {
            entry.arrived.push(arrived);
        }
        for source in sources.iter().filter(|source| !entry.sources.contains(source)).copied().collect::<Vec<_>>() {
            entry.sources.push(source);
        }
        entry.author = author.or(entry.author.take());
        let due_ms = now.mono + GATHER_MS;
        self.mail.clear_ms = Some(self.mail.clear_ms.map_or(due_ms, |at| at.min(due_ms)));
    }

    fn sign_tombstones(&mut self, now: Now) {
        let mailbox = self.own.user_id().mailbox();
        for (author, mut arrivals) in std::mem::take(&mut self.mail.arrived) {
            let rest = arrivals.arrived.split_off(arrivals.arrived.len().min(TOMBSTONE_ENTRIES_MAX));
            if !rest.is_empty() {
                let more = Arrivals { arrived: rest, ..arrivals.clone() };
                self.mail.arrived.insert(author, more);
                self.mail.clear_ms = Some(now.mono);
            }
            let tombstone = Tombstone { mailbox, author, arrived: arrivals.arrived.clone(), time_ms: clock_ms(now.wall, self.revoked.as_ref()) };
            let op = tombstone.key_op();
            self.ask_keys(KeyUse::Mail(MailKeyUse::Tombstone(Box::new((tombstone, arrivals)))), op);
        }
    }

    pub(super) fn tombstone_signed(&mut self, tombstone: &Tombstone, arrivals: Arrivals, result: &KeyOpResult, now: Now) {
        let Ok(signature) = result else { return };
        let bytes = tombstone.finish(&self.own, signature);
        for to in &arrivals.sources {
            self.send_collect(*to, &CollectMessage::Clear(bytes.clone()), now);
        }
        let Some(author) = arrivals.author else { return };
        if self.links.is_up(author.user_id()) {
            let ids = arrivals.arrived.iter().map(|arrived| (author.user_id().clone(), arrived.id)).collect();
            self.acknowledge(ids, now);
        } else {
            self.leave_receipt(&author, &bytes, now);
        }
    }

    /// Whether a live message is to wait until the mail is in: it would stand behind a gap that the mail may fill.
    pub(in crate::node) fn holds_back(&mut self, user: &UserId, body: &MessageBody, bytes: &[u8], now: Now) -> bool {
        let is_early = self.chats.get(user).is_some_and(|chat| chat.leaves_gap(body));
        let waits = is_early && self.mail.held_back.len() < HELD_BACK_MAX && self.mail.collector.is_draining(now);
        if waits {
            self.mail.held_back.push((user.clone(), bytes.to_vec()));
        }
        waits
    }

    /// The mail is in: what waited for it is taken.
    fn let_in(&mut self, now: Now) {
        for (user, bytes) in std::mem::take(&mut self.mail.held_back) {
            if !self.message(&user, &bytes, now) {
                // As for one that comes now: it is not acknowledged, and sent again in the next session.
                self.link_input(now, |links, _, _| links.hang_up(&user, now));
            }
        }
    }

    fn make_mail_stranger(&mut self, author: &VerifiedCertificate, now: Now) -> bool {
        let is_new = !self.chats.contains_key(author.user_id());
        if is_new && !self.make_stranger(author.user_id(), now) {
            return false;
        }
        let Some(chat) = self.chats.get_mut(author.user_id()) else { return false };
        if chat.key.pinned.is_none() {
            chat.key.pinned = Some(author.key_hash());
        }
        true
    }
}

/// When to forget something that names its own end: no later than anything may be over.
fn bounded_expiry_h(header: &Header, now: Now) -> u32 {
    let latest = u32::try_from((now.wall + crate::limits::ENVELOPE_MS) / HOUR_MS).unwrap_or(u32::MAX);
    header.expiry_h.min(latest)
}
