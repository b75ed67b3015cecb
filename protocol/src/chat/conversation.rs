//! One conversation: the contact's standing, both counters, the outbox and the inbox, and the rows that keep them.

use super::inbox::{Inbox, Verdict};
use super::outbox::{Outbox, Pending};
use super::row::{MessageRow, RowError, decode_outbox, encode_outbox, message_key, read_key, shown, view_of_row};
use super::{Direction, MessageBody, MessageId, MessageState, MessageView, Sealing, Standing};
use crate::codec::{Reader, Writer};
use crate::identity::UserId;
use crate::limits::STRANGER_MESSAGES_MAX;
use crate::message::{Said, link_hash, said_of};
use crate::ordered::OrderedMap;
use crate::store::{Row, Table, Write};
use crate::time::MINUTE_MS;

/// 1 had no lowest number seen.
const VERSION: u8 = 2;
/// Characters of the last message kept for the list.
const PREVIEW_CHARACTERS: usize = 80;
/// How far ahead of this clock an author's time may be; a later one is kept as this (PROTOCOL.md#records). Guess.
const CLOCK_AHEAD_MS: u64 = 10 * MINUTE_MS;

/// The key pinned at first contact, and another one seen since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct PinnedKey {
    /// Key hash at first contact.
    pub pinned: Option<[u8; 32]>,
    /// A different key hash that was not looked at yet.
    pub changed: Option<[u8; 32]>,
}

/// All that is known of one conversation.
#[derive(Clone, Debug)]
pub struct Conversation {
    user: UserId,
    /// How the person stands to them.
    pub standing: Standing,
    /// Their key.
    pub key: PinnedKey,
    next_order: u64,
    out_seq: u64,
    out_hash: [u8; 32],
    inbox: Inbox,
    received: u32,
    unread: u32,
    my_read: u64,
    peer_read: u64,
    last_ms: u64,
    preview: String,
    outbox: Outbox,
    /// Arrived, and not durable yet: their numbers.
    storing: OrderedMap<MessageId, u64>,
}

/// A text on its way into the store.
#[derive(Debug)]
pub struct Outgoing {
    /// Rows to write; when they are durable, call [`Conversation::stored_outgoing`].
    pub writes: Vec<Write>,
    /// As it will be shown.
    pub view: MessageView,
}

/// What an arrived message is.
#[derive(Debug)]
pub enum Arrival {
    /// New: write the rows, then show it and acknowledge it.
    New {
        /// Rows to write.
        writes: Vec<Write>,
        /// As it will be shown.
        view: MessageView,
        /// Their message with this seq has so many missing before it now.
        gap_changed: Option<(u64, u32)>,
    },
    /// Durable already: acknowledge it again.
    Known,
    /// Being stored: the acknowledgement follows by itself.
    Storing,
    /// A stranger has said enough.
    TooMany,
}

impl Conversation {
    /// Begins a conversation with somebody whose key is pinned now.
    pub fn new(user: UserId, standing: Standing, key_hash: Option<[u8; 32]>) -> Self {
        Self {
            user,
            standing,
            key: PinnedKey { pinned: key_hash, changed: None },
            next_order: 1,
            out_seq: 0,
            out_hash: [0; 32],
            inbox: Inbox::default(),
            received: 0,
            unread: 0,
            my_read: 0,
            peer_read: 0,
            last_ms: 0,
            preview: String::new(),
            outbox: Outbox::default(),
            storing: OrderedMap::new(),
        }
    }

    /// With whom.
    pub fn user(&self) -> &UserId {
        &self.user
    }

    /// Messages from them that could have been on the screen and have not been: what is not durable yet is not shown yet.
    pub fn unread(&self) -> u32 {
        self.unread.saturating_sub(self.storing_count())
    }

    /// The last message's time, 0 before the first, and its beginning.
    pub fn last(&self) -> (u64, &str) {
        (self.last_ms, &self.preview)
    }

    /// My messages up to this seq are read by them.
    pub fn peer_read(&self) -> u64 {
        self.peer_read
    }

    /// Their messages up to this seq are read here; 0 for none.
    pub fn my_read(&self) -> u64 {
        self.my_read
    }

    /// Whether anything waits to be sent.
    pub fn has_waiting(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// Whether anything is on the way in this session.
    pub fn awaits_acknowledgement(&self) -> bool {
        self.outbox.awaits_acknowledgement()
    }

    /// Whether one text more can wait.
    pub fn is_outbox_full(&self) -> bool {
        self.outbox.is_full()
    }

    /// Numbers what is said and puts it into the outbox. The caller has checked its length.
    pub fn send(&mut self, id: MessageId, said: Said, sent_ms: u64) -> Outgoing {
        let body = MessageBody { id, sent_ms, seq: self.out_seq + 1, prev: self.out_hash, said };
        let bytes = body.encode();
        self.out_seq = body.seq;
        self.out_hash = link_hash(&bytes);
        let order = self.next_order;
        self.next_order += 1;
        self.note_last(sent_ms, body.said.words());
        let pending = Pending { id, order, seq: body.seq, sent_ms, sealing: Sealing::Session, body: bytes, is_stored: false, is_expired: false };
        let writes = vec![
            self.message_write(order, &MessageRow::of_body(&body, Direction::Out, Sealing::Session, 0)),
            self.outbox_write(&pending, Some(false)),
            self.row(),
        ];
        self.outbox.push(pending);
        let view = view_of(body, order, Direction::Out, MessageState::Queued, (Sealing::Session, 0));
        Outgoing { writes, view }
    }

    /// One's own message is durable and may be sent.
    pub fn stored_outgoing(&mut self, id: MessageId) {
        self.outbox.stored(id);
    }

    /// The next body to send in this session, when there is one and the window has room.
    pub fn next_to_send(&mut self) -> Option<(MessageId, Vec<u8>)> {
        self.outbox.next_to_send().map(|pending| (pending.id, pending.body.clone()))
    }

    /// What is durable here and not at their side, in order: ids and bodies.
    pub fn waiting(&self) -> impl Iterator<Item = (MessageId, &[u8])> {
        self.outbox.stored_entries().map(|pending| (pending.id, pending.body.as_slice()))
    }

    /// Whether this message waits for them.
    pub fn is_waiting(&self, id: MessageId) -> bool {
        self.outbox.has(id)
    }

    /// A message of mine is sealed so for somebody who is away.
    pub fn sealed(&mut self, id: MessageId, sealing: Sealing) -> Vec<Write> {
        let Some(pending) = self.outbox.sealed(id, sealing) else { return Vec::new() };
        let (order, row) = (pending.order, MessageRow::of_pending(pending, MessageState::Queued).encode());
        vec![Write { table: Table::Messages, key: message_key(&self.user, order), value: Some(row) }]
    }

    /// A message of mine was kept for them until it was over. Empty when it was not waiting.
    pub fn expired(&mut self, id: MessageId) -> Vec<Write> {
        let Some(mut pending) = self.outbox.take(id) else { return Vec::new() };
        pending.is_expired = true;
        let writes = vec![
            self.message_write(pending.order, &MessageRow::of_pending(&pending, MessageState::Expired)),
            self.outbox_write(&pending, Some(true)),
        ];
        self.outbox.push_failed(pending);
        writes
    }

    /// What a message said that was over before they came, to be said anew: its time is over for good. It stands where it stood.
    pub fn say_anew(&mut self, id: MessageId) -> Option<(Said, Write)> {
        let pending = self.outbox.take_expired(id)?;
        let said = Said::decode(said_of(&pending.body)).ok()??;
        Some((said, self.outbox_write(&pending, None)))
    }

    /// Whether messages of theirs are missing between what is here and this one.
    pub fn leaves_gap(&self, body: &MessageBody) -> bool {
        self.inbox.leaves_gap(body)
    }

    /// They have stored a message of mine. Empty when it was not waiting.
    pub fn delivered(&mut self, id: MessageId) -> Vec<Write> {
        let Some(pending) = self.outbox.take(id) else { return Vec::new() };
        vec![
            self.message_write(pending.order, &MessageRow::of_pending(&pending, MessageState::Delivered)),
            self.outbox_write(&pending, None),
        ]
    }

    /// They refused a message of mine. Empty when it was not waiting.
    pub fn refused(&mut self, id: MessageId) -> Vec<Write> {
        let Some(pending) = self.outbox.take(id) else { return Vec::new() };
        let writes = vec![
            self.message_write(pending.order, &MessageRow::of_pending(&pending, MessageState::Failed)),
            self.outbox_write(&pending, Some(true)),
        ];
        self.outbox.push_failed(pending);
        writes
    }

    /// Puts a refused message back into the outbox. Empty when it had not failed. Only while no session is in use:
    /// the caller ends it first, so that the order of numbers holds.
    pub fn send_again(&mut self, id: MessageId) -> Vec<Write> {
        let Some(pending) = self.outbox.take_failed(id) else { return Vec::new() };
        let writes = vec![
            self.message_write(pending.order, &MessageRow::of_pending(&pending, MessageState::Queued)),
            self.outbox_write(&pending, Some(false)),
        ];
        self.outbox.push(pending);
        writes
    }

    /// The session is gone. Returns those of mine that were on the way and wait again.
    pub fn session_lost(&mut self) -> Vec<MessageId> {
        self.outbox.rewind()
    }

    /// They have read up to `seq`. `None` when that is nothing new.
    pub fn read_by_peer(&mut self, seq: u64) -> Option<Write> {
        // Nothing is read that is not delivered: after this identity was restored, the other end speaks of an older count.
        let seq = seq.min(self.outbox.first_seq().map_or(self.out_seq, |first| first - 1));
        if seq <= self.peer_read {
            return None;
        }
        self.peer_read = seq;
        Some(self.row())
    }

    /// Everything of theirs that is durable has been on the screen. `None` when that is nothing new. What is still being stored
    /// is not read: word of it would overtake its acknowledgement, and the author would not believe it.
    pub fn read_here(&mut self) -> Option<Write> {
        let before_storing = self.storing.values().min().map_or(u64::MAX, |first| first - 1);
        let read = self.inbox.high().min(before_storing).max(self.my_read);
        let unread = self.storing_count();
        if self.my_read == read && self.unread == unread {
            return None;
        }
        self.my_read = read;
        self.unread = unread;
        Some(self.row())
    }

    /// Takes a message of theirs, which came so sealed. `bytes` are `body`, encoded; `wall_ms` is now.
    pub fn receive(&mut self, body: MessageBody, bytes: &[u8], sealing: Sealing, wall_ms: u64) -> Arrival {
        if self.storing.contains_key(&body.id) {
            return Arrival::Storing;
        }
        // A known one is acknowledged whatever the standing: its author would take a refusal for the loss of what is here.
        let has_said_enough = self.standing != Standing::Accepted && self.received >= STRANGER_MESSAGES_MAX;
        if has_said_enough && !self.inbox.knows(&body) {
            return Arrival::TooMany;
        }
        let run = self.inbox.run();
        let (order, gap_before, gap_changed) = match self.inbox.judge(&body, link_hash(bytes), &mut self.next_order) {
            Verdict::Known => return Arrival::Known,
            Verdict::New { order, gap_before } => (order, gap_before, None),
            Verdict::Late { order, gap_before, then, then_gap } => (order, gap_before, Some((then, then_gap))),
        };
        if self.inbox.run() != run {
            self.my_read = 0;
        }
        let body = MessageBody { sent_ms: body.sent_ms.min(wall_ms + CLOCK_AHEAD_MS), ..body };
        self.received = self.received.saturating_add(1);
        self.unread = self.unread.saturating_add(1);
        if gap_changed.is_none() {
            // A late one stands further up.
            self.note_last(body.sent_ms, body.said.words());
        }
        self.storing.insert(body.id, body.seq);
        let message = self.message_write(order, &MessageRow::of_body(&body, Direction::In, sealing, self.inbox.run()));
        let writes = vec![message, self.row()];
        Arrival::New { writes, view: view_of(body, order, Direction::In, MessageState::Delivered, (sealing, gap_before)), gap_changed }
    }

    /// A message of theirs is durable.
    pub fn stored_incoming(&mut self, id: MessageId) {
        self.storing.remove(&id);
    }

    /// Lays what is known now over a row loaded from the store.
    ///
    /// # Errors
    /// `RowError` for a damaged row.
    pub fn view(&self, key: &[u8], value: &[u8]) -> Result<MessageView, RowError> {
        let (mut view, run) = view_of_row(key, value)?;
        match view.direction {
            Direction::In if run == self.inbox.run() => view.gap_before = self.inbox.gap_before(view.seq),
            Direction::In => {}
            Direction::Out => {
                view.state = self.outbox.state_of(view.id).unwrap_or(match view.state {
                    MessageState::Delivered if view.seq <= self.peer_read => MessageState::Read,
                    other => other,
                });
            }
        }
        Ok(view)
    }

    /// The conversation's own row, to be written when anything in it changed.
    pub fn row(&self) -> Write {
        let value = Writer::new()
            .u8(VERSION)
            .u8(standing_byte(self.standing))
            .lp8(self.key.pinned.as_ref().map_or(&[][..], |hash| hash))
            .lp8(self.key.changed.as_ref().map_or(&[][..], |hash| hash))
            .u64(self.next_order)
            .u64(self.out_seq)
            .raw(&self.out_hash)
            .u32(self.received)
            .u32(self.unread)
            .u64(self.my_read)
            .u64(self.peer_read)
            .u64(self.last_ms)
            .lp(self.preview.as_bytes());
        let value = self.inbox.write(value).into_bytes();
        Write { table: Table::Contacts, key: self.user.as_str().as_bytes().to_vec(), value: Some(value) }
    }

    /// Reads a conversation's own row. Its outbox is filled by [`Conversation::restore_outgoing`].
    ///
    /// # Errors
    /// `RowError` for a damaged row.
    pub fn restore(row: &Row) -> Result<Self, RowError> {
        let user = std::str::from_utf8(&row.key).ok().and_then(|user| UserId::parse(user).ok()).ok_or(RowError)?;
        let mut reader = Reader::new(&row.value);
        let version = reader.u8()?;
        if !(1..=VERSION).contains(&version) {
            return Err(RowError);
        }
        let standing = standing_from(reader.u8()?)?;
        let pinned = optional_hash(reader.lp8()?)?;
        let changed = optional_hash(reader.lp8()?)?;
        let mut conversation = Self::new(user, standing, pinned);
        conversation.key.changed = changed;
        conversation.next_order = reader.u64()?;
        conversation.out_seq = reader.u64()?;
        conversation.out_hash = reader.array()?;
        conversation.received = reader.u32()?;
        conversation.unread = reader.u32()?;
        conversation.my_read = reader.u64()?;
        conversation.peer_read = reader.u64()?;
        conversation.last_ms = reader.u64()?;
        conversation.preview = String::from_utf8(reader.lp(4 * PREVIEW_CHARACTERS)?.to_vec()).map_err(|_| RowError)?;
        conversation.inbox = Inbox::read(&mut reader, version >= 2)?;
        reader.finish()?;
        Ok(conversation)
    }

    /// Whose row of the outbox this is.
    ///
    /// # Errors
    /// `RowError` for a damaged row.
    pub fn owner_of(row: &Row) -> Result<UserId, RowError> {
        read_key(&row.key).map(|(user, _)| user)
    }

    /// Puts a row of the outbox back.
    ///
    /// # Errors
    /// `RowError` for a damaged row.
    pub fn restore_outgoing(&mut self, row: &Row) -> Result<(), RowError> {
        let (_, order) = read_key(&row.key)?;
        let (pending, is_failed) = decode_outbox(order, &row.value)?;
        if is_failed {
            self.outbox.push_failed(pending);
        } else {
            self.outbox.push(pending);
        }
        Ok(())
    }

    fn storing_count(&self) -> u32 {
        u32::try_from(self.storing.len()).unwrap_or(u32::MAX)
    }

    fn note_last(&mut self, sent_ms: u64, text: &str) {
        self.last_ms = sent_ms;
        self.preview = text.chars().take(PREVIEW_CHARACTERS).collect();
    }

    fn message_write(&self, order: u64, row: &MessageRow) -> Write {
        Write { table: Table::Messages, key: message_key(&self.user, order), value: Some(row.encode()) }
    }

    /// Writes (`Some(is_failed)`) or deletes (`None`) a row of the outbox.
    fn outbox_write(&self, pending: &Pending, keep: Option<bool>) -> Write {
        let value = keep.map(|is_failed| encode_outbox(pending, is_failed));
        Write { table: Table::Outbox, key: message_key(&self.user, pending.order), value }
    }
}

fn view_of(body: MessageBody, order: u64, direction: Direction, state: MessageState, (sealing, gap_before): (Sealing, u32)) -> MessageView {
    let MessageBody { id, sent_ms, seq, said, .. } = body;
    let (text, file) = shown(said);
    MessageView { id, order, seq, direction, sent_ms, text, file, state, gap_before, sealing, holders: Vec::new() }
}

const STANDINGS: [Standing; 4] = [Standing::Accepted, Standing::New, Standing::Ignored, Standing::Blocked];

fn standing_byte(standing: Standing) -> u8 {
    let index = STANDINGS.iter().position(|entry| *entry == standing).unwrap_or_default();
    u8::try_from(index).expect("there are four standings")
}

fn standing_from(byte: u8) -> Result<Standing, RowError> {
    STANDINGS.get(usize::from(byte)).copied().ok_or(RowError)
}

fn optional_hash(bytes: &[u8]) -> Result<Option<[u8; 32]>, RowError> {
    if bytes.is_empty() {
        return Ok(None);
    }
    bytes.try_into().map(Some).map_err(|_| RowError)
}
