//! Commands and bodies that concern conversations.

use super::directory::Why;
use super::journal::Purpose;
use super::relay::Asked;
use super::seek::Seeking;
use super::{ContactRefusal, ContactView, Effect, Event, KeyStanding, Loading, MessageState, Node, Row, SendRefusal, Standing, Table};
use crate::chat::{Arrival, BodyError, Conversation, MessageBody, MessageId, MessageView, Sealing, message_key, message_prefix};
use crate::codec::{Reader, Writer};
use crate::crypto::Ticket;
use crate::handshake::safety_number;
use crate::identity::{ListAge, UserId, VerifiedCertificate};
use crate::limits::{CONTACTS_MAX, HISTORY_PAGE, STRANGERS_MAX, TEXT_BYTES_MAX};
use crate::ordered::OrderedMap;
use crate::ring::Standing as RingStanding;
use crate::message::Said;
use crate::session::Content;
use crate::store::Write;
use crate::signal::relay::{FoundDevice, Presence};
use crate::time::Now;

/// Ids in one acknowledgement.
const DELIVERED_MAX: usize = 512;
/// Reason of a refusal: a stranger has said enough.
const REFUSED_STRANGER: u8 = 1;
/// Reason of a refusal: a type of message that this version does not know.
const REFUSED_TYPE: u8 = 3;

/// The conversations in the rows of the store, with their outboxes. Damaged rows are passed over.
pub(super) fn restore(rows: &[Row]) -> OrderedMap<UserId, Conversation> {
    let mut chats = OrderedMap::new();
    for row in rows.iter().filter(|row| row.table == Table::Contacts) {
        if let Ok(chat) = Conversation::restore(row) {
            chats.insert(chat.user().clone(), chat);
        }
    }
    for row in rows.iter().filter(|row| row.table == Table::Outbox) {
        if let Some(chat) = Conversation::owner_of(row).ok().and_then(|user| chats.get_mut(&user)) {
            // A damaged row of the outbox is the one message; the others go on.
            let _ = chat.restore_outgoing(row);
        }
    }
    chats
}

impl Node {
    pub(super) fn contact_view(&self, user: &UserId, now: Now) -> Option<ContactView> {
        let chat = self.chats.get(user)?;
        let key = match (chat.key.pinned, chat.key.changed) {
            (_, Some(_)) => KeyStanding::Changed,
            (Some(_), None) => KeyStanding::Pinned,
            (None, None) => KeyStanding::Unseen,
        };
        let shown = chat.key.changed.or(chat.key.pinned);
        let (last_ms, preview) = chat.last();
        Some(ContactView {
            user: user.clone(),
            standing: chat.standing,
            presence: self.seeking.get(user).map_or_else(Default::default, |seeking: &Seeking| seeking.presence(now.mono)),
            key,
            safety_number: shown.map(|hash| safety_number(&self.own.key_hash(), &hash)),
            unread: chat.unread(),
            preview: preview.to_owned(),
            last_ms,
            read_up_to_seq: chat.peer_read(),
        })
    }

    pub(super) fn add_contact(&mut self, typed: String, now: Now) {
        let user = match UserId::parse(typed.trim()) {
            Ok(user) => user,
            Err(why) => return self.refuse_contact(typed, ContactRefusal::NotAName(why)),
        };
        if user == *self.own.user_id() {
            return self.refuse_contact(typed, ContactRefusal::Myself);
        }
        match self.chats.get(&user).map(|chat| chat.standing) {
            Some(Standing::New | Standing::Ignored) => return self.set_standing(&user, Standing::Accepted, now),
            Some(Standing::Accepted | Standing::Blocked) => return self.refuse_contact(typed, ContactRefusal::Known),
            None => {}
        }
        if self.chats.len() >= CONTACTS_MAX {
            return self.refuse_contact(typed, ContactRefusal::Full);
        }
        if self.adding.insert(user.clone(), typed).is_none() {
            // The authority's directory alone can say that nobody has a name; who is in the ring is found without it.
            self.relay_input(now, |relay| relay.lookup(user, Asked::Add, now.mono));
        }
    }

    pub(super) fn found_to_add(&mut self, user: UserId, presence: Presence, devices: &[FoundDevice], now: Now) {
        if presence == Presence::NoSuchName {
            if let Some(typed) = self.adding.remove(&user) {
                self.refuse_contact(typed, ContactRefusal::Nobody);
            }
            return;
        }
        let devices: Vec<VerifiedCertificate> =
            devices.iter().filter_map(|device| self.verified(&user, &device.certificate, now)).collect();
        self.record_to_add(&user, &devices, now);
    }

    /// Who it is that is to be added: their devices, verified and theirs.
    pub(super) fn record_to_add(&mut self, user: &UserId, devices: &[VerifiedCertificate], now: Now) {
        let Some(typed) = self.adding.remove(user) else { return };
        let Some(peer) = devices.first() else {
            return self.refuse_contact(typed, ContactRefusal::BadCertificate);
        };
        let user = user.clone();
        if self.chats.contains_key(&user) {
            // They wrote first, in the meantime.
            return self.set_standing(&user, Standing::Accepted, now);
        }
        if self.list_age() == ListAge::Old {
            return self.refuse_contact(typed, ContactRefusal::CannotTell);
        }
        self.links.familiar(*peer.node_id());
        self.insert_chat(Conversation::new(user.clone(), Standing::Accepted, Some(peer.key_hash())), now);
        self.seek(&user, now);
    }

    /// The directory was not reached. Who has published a record is found over the ring.
    pub(super) fn directory_silent(&mut self, user: &UserId, now: Now) {
        if self.ring.standing() == RingStanding::Alone {
            self.cannot_add(user);
        } else {
            self.look_up(user, Why::Add, 0, now);
        }
    }

    pub(super) fn cannot_add(&mut self, user: &UserId) {
        if let Some(typed) = self.adding.remove(user) {
            self.refuse_contact(typed, ContactRefusal::CannotTell);
        }
    }

    pub(super) fn send_text(&mut self, to: UserId, text: String, now: Now) {
        let refusal = match self.send_refusal(&to) {
            _ if text.trim().is_empty() => Some(SendRefusal::Empty),
            _ if text.len() > TEXT_BYTES_MAX => Some(SendRefusal::TooLong),
            other => other,
        };
        if let Some(why) = refusal {
            return self.notify(Event::SendRefused { to, text, why });
        }
        let id = MessageId(self.rng.array());
        self.say(to, id, Said::Text(text), Vec::new(), now);
    }

    /// Why nothing can be said to this user, if so.
    pub(super) fn send_refusal(&self, to: &UserId) -> Option<SendRefusal> {
        match self.chats.get(to) {
            None => Some(SendRefusal::NoContact),
            Some(chat) if chat.standing == Standing::Blocked => Some(SendRefusal::Blocked),
            Some(chat) if chat.key.changed.is_some() => Some(SendRefusal::KeyChanged),
            Some(chat) if chat.is_outbox_full() => Some(SendRefusal::TooManyWaiting),
            Some(_) if self.journal.is_troubled() => Some(SendRefusal::NotStored),
            Some(_) => None,
        }
    }

    /// Says something for which nothing speaks against it; `writes` become durable with it.
    pub(super) fn say(&mut self, to: UserId, id: MessageId, said: Said, mut writes: Vec<Write>, now: Now) {
        let Some(chat) = self.chats.get_mut(&to) else { return };
        if matches!(chat.standing, Standing::New | Standing::Ignored) {
            // Whoever answers has accepted.
            chat.standing = Standing::Accepted;
        }
        let outgoing = chat.send(id, said, now.wall);
        self.changed.insert(to.clone());
        writes.extend(outgoing.writes);
        self.store(writes, Purpose::Outgoing { user: to, view: outgoing.view });
    }

    /// What is to be written with a message of theirs beside it.
    pub(super) fn said_by(&mut self, user: &UserId, id: MessageId, said: &Said) -> Option<Write> {
        match said {
            Said::Text(_) => None,
            Said::File(manifest) => self.file_offered(user, id, manifest),
        }
    }

    pub(super) fn outgoing_stored(&mut self, user: &UserId, mut message: MessageView) {
        if let Some(chat) = self.chats.get_mut(user) {
            chat.stored_outgoing(message.id);
        }
        self.dress_file(user, &mut message);
        self.notify(Event::MessageAdded { with: user.clone(), message });
    }

    /// Sends what waits, as far as the session and the window let it.
    pub(super) fn flush(&mut self, user: &UserId, now: Now) {
        while self.links.is_up(user) {
            let Some((id, body)) = self.chats.get_mut(user).filter(|chat| chat.key.changed.is_none()).and_then(Conversation::next_to_send)
            else {
                return;
            };
            self.send_body(user, Content::Message, &body, now);
            self.notify(Event::MessageChanged { with: user.clone(), id, state: MessageState::Sent });
        }
    }

    /// A body came in the session with `user`. One out of form ends the session.
    pub(super) fn body(&mut self, user: &UserId, content: Content, body: &[u8], now: Now) {
        let is_well_formed = match content {
            Content::Message => self.message(user, body, now),
            Content::Delivered => self.delivered(user, body, now),
            Content::Read => body.try_into().map(|seq| self.read_by_peer(user, u64::from_be_bytes(seq))).is_ok(),
            Content::Ping => body.len() == 8 && self.send_body(user, Content::Pong, body, now),
            Content::Pong => body.len() == 8,
            Content::Refused => self.refused_by_peer(user, body, now),
            Content::Ring => self.ring_message(user, body, now),
            Content::Revoked => self.revoked_by_peer(user, body, now),
            Content::Deposit => self.deposit_message(user, body, now),
            Content::Collect => self.collect_message(user, body, now),
            Content::File => self.file_message(user, body, now),
            Content::Leave | Content::Rekey | Content::Rekeyed => false,
        };
        if !is_well_formed {
            self.link_input(now, |links, _, _| links.hang_up(user, now));
        }
    }

    pub(super) fn message(&mut self, user: &UserId, bytes: &[u8], now: Now) -> bool {
        let body = match MessageBody::decode(bytes) {
            Ok(body) => body,
            Err(BodyError::UnknownType(id)) => return self.refuse(user, id, REFUSED_TYPE, now),
            Err(BodyError::Malformed) => return false,
        };
        if self.holds_back(user, &body, bytes, now) {
            return true;
        }
        let (id, seq) = (body.id, body.seq);
        if self.journal.is_troubled() || !self.make_stranger(user, now) {
            // Not acknowledged, so not lost: they send it again in the next session.
            return false;
        }
        let Some(chat) = self.chats.get_mut(user) else { return false };
        let is_read = seq <= chat.my_read();
        let said = body.said.clone();
        match chat.receive(body, bytes, Sealing::Session, now.wall) {
            Arrival::New { mut writes, view, gap_changed } => {
                self.session_useful(user);
                writes.extend(self.said_by(user, id, &said));
                self.store(writes, Purpose::Incoming { user: user.clone(), view, gap_changed });
            }
            Arrival::Known => {
                self.acknowledge(vec![(user.clone(), id)], now);
                // They took no reading for true of what they did not know to be here.
                if is_read {
                    self.send_read(user, now);
                }
            }
            Arrival::Storing => {}
            Arrival::TooMany => return self.refuse(user, id, REFUSED_STRANGER, now),
        }
        self.links.touch(user, now);
        true
    }

    pub(super) fn incoming_stored(&mut self, user: UserId, mut message: MessageView, gap_changed: Option<(u64, u32)>, now: Now) {
        if let Some(chat) = self.chats.get_mut(&user) {
            chat.stored_incoming(message.id);
        }
        // Only now is it unread: a person cannot have read what is not on the screen.
        self.changed.insert(user.clone());
        let id = message.id;
        self.dress_file(&user, &mut message);
        let is_file = message.file.is_some();
        self.notify(Event::MessageAdded { with: user.clone(), message });
        if let Some((seq, gap_before)) = gap_changed {
            self.notify(Event::GapChanged { with: user.clone(), seq, gap_before });
        }
        if is_file {
            self.file_offer_stored(&user, id, now);
        }
    }

    /// Tells authors that their messages are durable here. A lost acknowledgement is no loss: they send again.
    pub(super) fn acknowledge(&mut self, durable: Vec<(UserId, MessageId)>, now: Now) {
        let mut by_author: OrderedMap<UserId, Vec<MessageId>> = OrderedMap::new();
        for (user, id) in durable {
            by_author.entry(user).or_default().push(id);
        }
        for (user, ids) in by_author {
            for some in ids.chunks(DELIVERED_MAX) {
                let body = some.iter().fold(Writer::new(), |writer, id| writer.raw(&id.0)).into_bytes();
                self.send_body(&user, Content::Delivered, &body, now);
            }
        }
    }

    fn delivered(&mut self, user: &UserId, body: &[u8], now: Now) -> bool {
        if body.is_empty() || !body.len().is_multiple_of(16) || body.len() > 16 * 1_024 {
            return false;
        }
        let mut writes = Vec::new();
        for id in body.as_chunks::<16>().0 {
            let id = MessageId(*id);
            let rows = self.chats.get_mut(user).map(|chat| chat.delivered(id)).unwrap_or_default();
            if !rows.is_empty() {
                writes.extend(rows);
                self.mail_delivered(id);
                self.notify(Event::MessageChanged { with: user.clone(), id, state: MessageState::Delivered });
            }
        }
        if !writes.is_empty() {
            self.session_useful(user);
        }
        self.store(writes, Purpose::Quiet);
        self.flush(user, now);
        self.make_room(user, now);
        true
    }

    fn refuse(&mut self, user: &UserId, id: MessageId, reason: u8, now: Now) -> bool {
        let body = Writer::new().raw(&id.0).u8(reason).into_bytes();
        self.send_body(user, Content::Refused, &body, now)
    }

    fn refused_by_peer(&mut self, user: &UserId, body: &[u8], now: Now) -> bool {
        let mut reader = Reader::new(body);
        let (Ok(id), Ok(_reason), 0) = (reader.array(), reader.u8(), reader.left()) else { return false };
        let id = MessageId(id);
        let writes = self.chats.get_mut(user).map(|chat| chat.refused(id)).unwrap_or_default();
        if !writes.is_empty() {
            self.notify(Event::MessageChanged { with: user.clone(), id, state: MessageState::Failed });
        }
        self.store(writes, Purpose::Quiet);
        self.flush(user, now);
        true
    }

    /// Makes a contact, marked new, of somebody who writes first. False when there is no room for one more, or when nobody can
    /// tell any more whether their certificate is revoked.
    pub(super) fn make_stranger(&mut self, user: &UserId, now: Now) -> bool {
        if self.chats.contains_key(user) {
            return true;
        }
        let strangers = self.chats.values().filter(|chat| matches!(chat.standing, Standing::New | Standing::Ignored)).count();
        if strangers >= STRANGERS_MAX || self.chats.len() >= CONTACTS_MAX || self.list_age() == ListAge::Old {
            return false;
        }
        let key_hash = self.links.key_hash(user);
        self.insert_chat(Conversation::new(user.clone(), Standing::New, key_hash), now);
        self.links.touch(user, now);
        true
    }

    fn insert_chat(&mut self, chat: Conversation, now: Now) {
        let user = chat.user().clone();
        let row = chat.row();
        self.chats.insert(user.clone(), chat);
        self.changed.insert(user.clone());
        if self.links.is_up(&user) {
            self.seeking_up(&user, now);
        }
        self.store(vec![row], Purpose::Quiet);
    }

    pub(super) fn set_standing(&mut self, user: &UserId, standing: Standing, now: Now) {
        let Some(chat) = self.chats.get_mut(user) else { return };
        chat.standing = standing;
        let row = chat.row();
        self.blocked.remove(user);
        self.changed.insert(user.clone());
        self.store(vec![row], Purpose::Quiet);
        self.send_read(user, now);
        self.seek(user, now);
        self.mail_again(now);
    }

    pub(super) fn block(&mut self, user: &UserId, now: Now) {
        if !self.chats.contains_key(user) {
            return;
        }
        self.set_standing(user, Standing::Blocked, now);
        self.blocked.insert(user.clone());
        self.link_input(now, |links, _, _| links.hang_up(user, now));
        self.stop_seeking(user);
    }

    pub(super) fn confirm_key(&mut self, user: &UserId, now: Now) {
        let Some(chat) = self.chats.get_mut(user) else { return };
        let Some(seen) = chat.key.changed.take() else { return };
        chat.key.pinned = Some(seen);
        let row = chat.row();
        self.changed.insert(user.clone());
        self.store(vec![row], Purpose::Quiet);
        self.seek(user, now);
        self.mail_again(now);
    }

    pub(super) fn mark_read(&mut self, user: &UserId, now: Now) {
        let Some(row) = self.chats.get_mut(user).and_then(Conversation::read_here) else { return };
        self.changed.insert(user.clone());
        self.store(vec![row], Purpose::Quiet);
        self.send_read(user, now);
    }

    pub(super) fn open_chat(&mut self, user: Option<UserId>, now: Now) {
        self.on_screen = user;
        if let Some(user) = self.on_screen.clone() {
            self.links.touch(&user, now);
            self.seek(&user, now);
        }
    }

    /// One page at a time: who scrolls on asks again and again until it is there.
    pub(super) fn load_messages(&mut self, with: UserId, before: Option<u64>) {
        if self.loads.values().any(|loading| matches!(loading, Loading::History(of) if *of == with)) {
            return;
        }
        let ticket = self.draw_ticket();
        let prefix = message_prefix(&with);
        let before = before.map(|order| message_key(&with, order));
        self.loads.insert(ticket, Loading::History(with));
        self.effects.push(Effect::Load { ticket, table: Table::Messages, prefix, before, limit: HISTORY_PAGE });
    }

    pub(super) fn loaded(&mut self, ticket: Ticket, rows: Option<Vec<Row>>, now: Now) {
        let with = match self.loads.remove(&ticket) {
            Some(Loading::History(with)) => with,
            Some(Loading::Item(reading)) => return self.mail_read(reading, rows, now),
            Some(Loading::Lying(id)) => return self.lying_loaded(id, rows, now),
            Some(Loading::Page(user, id, page)) => return self.page_loaded(&user, id, page, rows, now),
            None => return,
        };
        let Some(rows) = rows else { return self.notify(Event::MessagesLoaded { with, messages: Vec::new(), complete: false }) };
        let complete = rows.len() < HISTORY_PAGE as usize;
        let Some(chat) = self.chats.get(&with) else { return };
        let mut messages: Vec<MessageView> = rows.iter().rev().filter_map(|row| chat.view(&row.key, &row.value).ok()).collect();
        for message in &mut messages {
            self.dress(message);
            self.dress_file(&with, message);
        }
        self.notify(Event::MessagesLoaded { with, messages, complete });
    }

    /// A refused message goes out again. The session is begun anew, so that numbers keep their order on the way.
    pub(super) fn send_again(&mut self, to: &UserId, id: MessageId, now: Now) {
        if let Some((said, write)) = self.chats.get_mut(to).and_then(|chat| chat.say_anew(id)) {
            self.store(vec![write], Purpose::Quiet);
            return match said {
                Said::Text(text) => self.send_text(to.clone(), text, now),
                Said::File(manifest) => self.offer_anew(to, id, *manifest, now),
            };
        }
        if self.links.is_up(to) {
            self.link_input(now, |links, _, _| links.hang_up(to, now));
        }
        let writes = self.chats.get_mut(to).map(|chat| chat.send_again(id)).unwrap_or_default();
        if !writes.is_empty() {
            self.notify(Event::MessageChanged { with: to.clone(), id, state: MessageState::Queued });
        }
        self.store(writes, Purpose::Quiet);
        self.stop_waiting(to);
        self.seek(to, now);
    }

    fn refuse_contact(&mut self, typed: String, why: ContactRefusal) {
        self.notify(Event::ContactRefused { typed, why });
    }
}
