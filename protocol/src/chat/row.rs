//! The rows of messages and of the outbox: their keys and bytes.

use super::outbox::Pending;
use super::view::{Direction, FileView, MessageState, MessageView, Sealing};
use super::{MessageBody, MessageId};
use crate::codec::{Malformed, Reader, Writer};
use crate::identity::UserId;
use crate::message::{Said, said_of};

/// Of the rows of the outbox.
const VERSION: u8 = 1;
/// Of the rows of messages. The first had no sealing: all went through sessions. The second had texts alone.
const MESSAGE_VERSION: u8 = 3;
const TEXTS_ONLY: u8 = 2;
const SESSIONS_ONLY: u8 = 1;

/// A row of the store is not one of ours: damaged, or of a later version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a row of the store is damaged or of a later version")]
pub struct RowError;

impl From<Malformed> for RowError {
    fn from(_: Malformed) -> Self {
        Self
    }
}

/// The beginning of the keys of all messages with `user`. No user id has a zero byte, so none is the beginning of another's.
pub fn message_prefix(user: &UserId) -> Vec<u8> {
    Writer::new().raw(user.as_str().as_bytes()).u8(0).into_bytes()
}

/// user | 0 | order(8)
pub fn message_key(user: &UserId, order: u64) -> Vec<u8> {
    Writer::new().raw(&message_prefix(user)).u64(order).into_bytes()
}

/// The user and order of a key.
pub(super) fn read_key(key: &[u8]) -> Result<(UserId, u64), RowError> {
    let (user, order) = key.split_last_chunk::<8>().ok_or(RowError)?;
    let user = user.strip_suffix(&[0]).and_then(|user| std::str::from_utf8(user).ok()).ok_or(RowError)?;
    Ok((UserId::parse(user).map_err(|_| RowError)?, u64::from_be_bytes(*order)))
}

/// version | direction(1) | state(1) | sealing(1) | run(4) | mid(16) | sent(8) | seq(8) | type(1) | content
pub(super) struct MessageRow {
    pub direction: Direction,
    pub state: MessageState,
    pub sealing: Sealing,
    pub run: u32,
    pub id: MessageId,
    pub sent_ms: u64,
    pub seq: u64,
    pub said: Said,
}

impl MessageRow {
    pub fn of_body(body: &MessageBody, direction: Direction, sealing: Sealing, run: u32) -> Self {
        let state = match direction {
            Direction::In => MessageState::Delivered,
            Direction::Out => MessageState::Queued,
        };
        Self { direction, state, sealing, run, id: body.id, sent_ms: body.sent_ms, seq: body.seq, said: body.said.clone() }
    }

    /// # Panics
    /// When the body is none: a caller's bug, only whole ones wait.
    pub fn of_pending(pending: &Pending, state: MessageState) -> Self {
        let Pending { id, sent_ms, seq, sealing, body, .. } = pending;
        let said = Said::decode(said_of(body)).ok().flatten().expect("only whole bodies wait");
        Self { direction: Direction::Out, state, sealing: *sealing, run: 0, id: *id, sent_ms: *sent_ms, seq: *seq, said }
    }

    pub fn encode(&self) -> Vec<u8> {
        let direction = u8::from(self.direction == Direction::Out);
        Writer::new()
            .u8(MESSAGE_VERSION)
            .u8(direction)
            .u8(state_byte(self.state))
            .u8(sealing_byte(self.sealing))
            .u32(self.run)
            .raw(&self.id.0)
            .u64(self.sent_ms)
            .u64(self.seq)
            .raw(&self.said.encode())
            .into_bytes()
    }

    pub fn decode(value: &[u8]) -> Result<Self, RowError> {
        let mut reader = Reader::new(value);
        let version = reader.u8()?;
        if !(SESSIONS_ONLY..=MESSAGE_VERSION).contains(&version) {
            return Err(RowError);
        }
        let direction = if reader.u8()? == 1 { Direction::Out } else { Direction::In };
        let state = state_from(reader.u8()?)?;
        let sealing = if version == SESSIONS_ONLY { Sealing::Session } else { sealing_from(reader.u8()?)? };
        let (run, id) = (reader.u32()?, MessageId(reader.array()?));
        let (sent_ms, seq) = (reader.u64()?, reader.u64()?);
        let said = if version <= TEXTS_ONLY {
            Said::Text(std::str::from_utf8(reader.rest()).map_err(|_| RowError)?.to_owned())
        } else {
            Said::decode(reader.rest())?.ok_or(RowError)?
        };
        Ok(Self { direction, state, sealing, run, id, sent_ms, seq, said })
    }
}

/// A stored message as the screen shows it, before what the conversation knows is laid over it; and its author's run.
///
/// # Errors
/// `RowError` for a damaged row.
pub fn view_of_row(key: &[u8], value: &[u8]) -> Result<(MessageView, u32), RowError> {
    let (_, order) = read_key(key)?;
    let row = MessageRow::decode(value)?;
    let MessageRow { direction, state, sealing, run, id, sent_ms, seq, said } = row;
    let (text, file) = shown(said);
    Ok((MessageView { id, order, seq, direction, sent_ms, text, file, state, gap_before: 0, sealing, holders: Vec::new() }, run))
}

/// The text, empty for a file; and the file.
pub(super) fn shown(said: Said) -> (String, Option<Box<FileView>>) {
    match said {
        Said::Text(text) => (text, None),
        Said::File(manifest) => (String::new(), Some(Box::new(FileView::of(&manifest)))),
    }
}

/// version | failed(1: 0 waits, 1 refused, 2 over) | body
pub(super) fn encode_outbox(pending: &Pending, is_failed: bool) -> Vec<u8> {
    let failed = if pending.is_expired { 2 } else { u8::from(is_failed) };
    Writer::new().u8(VERSION).u8(failed).raw(&pending.body).into_bytes()
}

/// What waits, and whether it was refused.
pub(super) fn decode_outbox(order: u64, value: &[u8]) -> Result<(Pending, bool), RowError> {
    let mut reader = Reader::new(value);
    if reader.u8()? != VERSION {
        return Err(RowError);
    }
    let failed = reader.u8()?;
    let bytes = reader.rest().to_vec();
    let body = MessageBody::decode(&bytes).map_err(|_| RowError)?;
    Ok((Pending { id: body.id, order, seq: body.seq, sent_ms: body.sent_ms, sealing: Sealing::Session, body: bytes, is_stored: true, is_expired: failed == 2 }, failed > 0))
}

const STATES: [MessageState; 7] = [
    MessageState::Queued,
    MessageState::Sent,
    MessageState::Delivered,
    MessageState::Read,
    MessageState::Expired,
    MessageState::Failed,
    MessageState::Held,
];

fn state_byte(state: MessageState) -> u8 {
    let index = STATES.iter().position(|entry| *entry == state).unwrap_or_default();
    u8::try_from(index).expect("there are seven states")
}

fn state_from(byte: u8) -> Result<MessageState, RowError> {
    STATES.get(usize::from(byte)).copied().ok_or(RowError)
}

const SEALINGS: [Sealing; 3] = [Sealing::Session, Sealing::Prekey, Sealing::CertifiedKey];

fn sealing_byte(sealing: Sealing) -> u8 {
    let index = SEALINGS.iter().position(|entry| *entry == sealing).unwrap_or_default();
    u8::try_from(index).expect("there are three ways")
}

fn sealing_from(byte: u8) -> Result<Sealing, RowError> {
    SEALINGS.get(usize::from(byte)).copied().ok_or(RowError)
}
