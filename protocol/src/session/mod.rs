//! A session: the encrypted records between two devices after a handshake. Knows no links and no messages' meaning.
//!
//! Its life: made from [`Established`], it seals bodies into records and opens records into bodies, on each channel and in each
//! direction with a key and a counter of its own. After so many records, bytes or minutes the initiator makes new keys
//! with the responder, in between the traffic. The first record that does not open, or is not the next, ends it for good.
//! See PROTOCOL.md#records.

mod record;
mod rekey;
#[cfg(test)]
mod tests;

use record::{Lane, Plain};
use rekey::Usage;

use crate::crypto::{EphemeralSecret, Rng};
use crate::handshake::{Established, Role, SessionKeys};
use crate::identity::VerifiedCertificate;
use crate::limits::MESSAGE_BYTES_MAX;
use crate::time::Now;

/// The channel of live messages: the negotiated id of its data channel and the number in its keys.
pub const LIVE: u16 = 1;
/// The channel of the ring: the same for its messages.
pub const RING: u16 = 2;
/// The channel of deposits: what is left with a holder, and handed over between holders.
pub const DEPOSIT: u16 = 3;
/// The channel of collecting: what a holder gives to whom it is for.
pub const COLLECT: u16 = 4;
/// The channel on which files are asked for.
pub const FILE: u16 = 5;
/// The channel of files' bytes: no channel of a session, its records are sealed by keys of their own (PROTOCOL.md#bulk).
pub const BULK: u16 = 6;
/// All channels of a session. Each has a data channel of its own, so that none waits behind another.
pub const CHANNELS: [u16; 5] = [LIVE, RING, DEPOSIT, COLLECT, FILE];

/// What a record carries. The numbers are PROTOCOL.md#records'.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Content {
    /// A message body.
    Message = 1,
    /// Ids of messages that are durable.
    Delivered = 2,
    /// How far the person has read.
    Read = 3,
    /// Asks for a pong.
    Ping = 4,
    /// Answers a ping.
    Pong = 5,
    /// The initiator's new ephemeral key.
    Rekey = 6,
    /// The responder's new ephemeral key.
    Rekeyed = 7,
    /// This end closes.
    Leave = 8,
    /// A message was not taken.
    Refused = 9,
    /// A message of the ring; on the channel `RING`, and nothing else goes there but an empty `Pong`.
    Ring = 10,
    /// Which revocation list this end has, or a newer one for the other end.
    Revoked = 11,
    /// A message between depositors and holders; on the channel `DEPOSIT`.
    Deposit = 12,
    /// A message between a holder and whom the mail is for; on the channel `COLLECT`.
    Collect = 13,
    /// A message between a file's author and its receiver; on the channel `FILE`.
    File = 14,
}

impl Content {
    fn from_byte(byte: u8) -> Option<Self> {
        use Content::{Collect, Delivered, Deposit, File, Leave, Message, Ping, Pong, Read, Refused, Rekey, Rekeyed, Revoked, Ring};
        let all = [Message, Delivered, Read, Ping, Pong, Rekey, Rekeyed, Leave, Refused, Ring, Revoked, Deposit, Collect, File];
        all.into_iter().find(|content| *content as u8 == byte)
    }

    /// The channel on which it goes, and on no other: but for an empty `Pong`, which begins new keys on each.
    pub fn channel(self) -> u16 {
        match self {
            Content::Ring => RING,
            Content::Deposit => DEPOSIT,
            Content::Collect => COLLECT,
            Content::File => FILE,
            _ => LIVE,
        }
    }
}

/// The session is over: close the link. Which one it was is for the local log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// Not the form of a record, or of its plaintext.
    #[error("malformed record")]
    Malformed,
    /// Not the next record: lost, repeated, reordered, or of another epoch.
    #[error("record out of order")]
    OutOfOrder,
    /// Does not open under the key.
    #[error("record does not open")]
    Unsealed,
    /// Fragments of more than a message may have.
    #[error("message too long")]
    TooLong,
    /// Rekeying against its rules, or not in time.
    #[error("rekeying broke its rules")]
    Rekeying,
}

/// What one record brought.
#[derive(Debug, Default)]
pub struct Opened {
    /// A whole body, where this record completed one. Never `Rekey` or `Rekeyed`.
    pub body: Option<(Content, Vec<u8>)>,
    /// Records to send back at once, each with its channel.
    pub replies: Vec<(u16, Vec<u8>)>,
}

struct Channel {
    number: u16,
    send: Lane,
    receive: Lane,
    /// The start of a body whose last fragment is still to come.
    partial: Option<(Content, Vec<u8>)>,
}

/// One established session.
pub struct Session {
    peer: VerifiedCertificate,
    keys: SessionKeys,
    epoch: u16,
    channels: Vec<Channel>,
    usage: Usage,
    rekeying: Option<EphemeralSecret>,
    /// A request for new keys that sealing on another channel brought about.
    waiting: Option<Vec<u8>>,
    rng: Rng,
}

impl Session {
    /// Begins where the handshake ended. `rng` is a fork for its rekeyings.
    pub fn new(established: Established, rng: Rng, now: Now) -> Self {
        let Established { peer, keys } = established;
        let channels = CHANNELS
            .into_iter()
            .map(|number| Channel {
                number,
                send: Lane::new(&keys, keys.role(), number, 0),
                receive: Lane::new(&keys, keys.role().other(), number, 0),
                partial: None,
            })
            .collect();
        Self { peer, keys, epoch: 0, channels, usage: Usage::since(now), rekeying: None, waiting: None, rng }
    }

    /// Who is at the other end, proven.
    pub fn peer(&self) -> &VerifiedCertificate {
        &self.peer
    }

    /// Seals a body of at most 72 KiB into one or more records, in order. When new keys are due, the initiator's request for them follows;
    /// on another channel than `LIVE` it waits for [`Session::take_waiting`].
    ///
    /// # Panics
    /// When the body is longer, or the channel does not exist: a caller's bug.
    pub fn seal(&mut self, channel: u16, content: Content, body: &[u8], now: Now) -> Vec<Vec<u8>> {
        let mut records = self.seal_only(channel, content, body);
        if self.keys.role() == Role::Initiator && self.rekeying.is_none() && self.usage.is_due(now) {
            let secret = EphemeralSecret::draw(&mut self.rng);
            let request = self.seal_only(LIVE, Content::Rekey, &secret.public());
            if channel == LIVE {
                records.extend(request);
            } else {
                self.waiting = request.into_iter().next();
            }
            self.rekeying = Some(secret);
        }
        records
    }

    /// A record that must go out on `LIVE` before any other there.
    pub fn take_waiting(&mut self) -> Option<Vec<u8>> {
        self.waiting.take()
    }

    /// Opens one record.
    ///
    /// # Errors
    /// See [`SessionError`]; after any, the session must not be used again.
    pub fn open(&mut self, channel: u16, record: &[u8], now: Now) -> Result<Opened, SessionError> {
        let plain = self.open_plain(channel, record)?;
        self.usage.count(record.len());
        if self.keys.role() == Role::Responder && self.usage.is_overdue() {
            return Err(SessionError::Rekeying);
        }
        let Some((content, body)) = self.assemble(channel, plain)? else { return Ok(Opened::default()) };
        match content {
            Content::Rekey => Ok(Opened { body: None, replies: self.answer_rekey(channel, &body, now)? }),
            Content::Rekeyed => Ok(Opened { body: None, replies: self.finish_rekey(channel, &body, now)? }),
            _ => Ok(Opened { body: Some((content, body)), replies: Vec::new() }),
        }
    }

    fn seal_only(&mut self, channel: u16, content: Content, body: &[u8]) -> Vec<Vec<u8>> {
        assert!(body.len() <= MESSAGE_BYTES_MAX, "callers keep bodies within their bounds");
        let channel = self.channels.iter_mut().find(|entry| entry.number == channel).expect("callers name an existing channel");
        let records = channel.send.seal(content, body);
        records.iter().for_each(|record| self.usage.count(record.len()));
        records
    }

    fn open_plain(&mut self, channel: u16, record: &[u8]) -> Result<Plain, SessionError> {
        let channel = self.channels.iter_mut().find(|entry| entry.number == channel).ok_or(SessionError::Malformed)?;
        let epoch = record::epoch_of(record)?;
        if epoch == self.epoch && channel.receive.epoch() != epoch {
            // The first record of the new epoch: the old receiving keys go now, and the responder's sending keys of this channel.
            channel.receive = Lane::new(&self.keys, self.keys.role().other(), channel.number, epoch);
            if channel.send.epoch() != epoch {
                channel.send = Lane::new(&self.keys, self.keys.role(), channel.number, epoch);
            }
        }
        channel.receive.open(record)
    }

    fn assemble(&mut self, channel: u16, plain: Plain) -> Result<Option<(Content, Vec<u8>)>, SessionError> {
        let channel = self.channels.iter_mut().find(|entry| entry.number == channel).ok_or(SessionError::Malformed)?;
        let whole = match channel.partial.take() {
            None => plain.body,
            Some((content, mut body)) if content == plain.content => {
                body.extend_from_slice(&plain.body);
                body
            }
            Some(_) => return Err(SessionError::Malformed),
        };
        if whole.len() > MESSAGE_BYTES_MAX {
            return Err(SessionError::TooLong);
        }
        if plain.more {
            channel.partial = Some((plain.content, whole));
            return Ok(None);
        }
        Ok(Some((plain.content, whole)))
    }

    /// The responder's part of a rekeying.
    fn answer_rekey(&mut self, channel: u16, body: &[u8], now: Now) -> Result<Vec<(u16, Vec<u8>)>, SessionError> {
        let theirs: [u8; 32] = body.try_into().map_err(|_| SessionError::Rekeying)?;
        let settled = self.channels.iter().all(|entry| entry.receive.epoch() == self.epoch);
        if self.keys.role() != Role::Responder || channel != LIVE || !settled {
            return Err(SessionError::Rekeying);
        }
        let secret = EphemeralSecret::draw(&mut self.rng);
        let mine = secret.public();
        let shared = secret.agree(&theirs).ok_or(SessionError::Rekeying)?;
        let replies = self.seal_only(LIVE, Content::Rekeyed, &mine);
        self.advance(self.keys.rekeyed(&theirs, &mine, &shared), now)?;
        Ok(replies.into_iter().map(|record| (LIVE, record)).collect())
    }

    /// The initiator's part of a rekeying. On each other channel a record that says nothing goes first: there the responder takes the
    /// new keys when it comes, since channels may overtake each other.
    fn finish_rekey(&mut self, channel: u16, body: &[u8], now: Now) -> Result<Vec<(u16, Vec<u8>)>, SessionError> {
        let theirs: [u8; 32] = body.try_into().map_err(|_| SessionError::Rekeying)?;
        let secret = self.rekeying.take().ok_or(SessionError::Rekeying)?;
        if channel != LIVE {
            return Err(SessionError::Rekeying);
        }
        let mine = secret.public();
        let shared = secret.agree(&theirs).ok_or(SessionError::Rekeying)?;
        self.advance(self.keys.rekeyed(&mine, &theirs, &shared), now)?;
        let others = CHANNELS.into_iter().filter(|other| *other != LIVE);
        let mut first = Vec::new();
        for other in others {
            first.extend(self.seal_only(other, Content::Pong, &[]).into_iter().map(|record| (other, record)));
        }
        Ok(first)
    }

    fn advance(&mut self, keys: SessionKeys, now: Now) -> Result<(), SessionError> {
        let next = self.epoch.checked_add(1).ok_or(SessionError::Rekeying)?;
        // A channel on which the responder was silent for a whole epoch: it has these keys there, and may use them until the pong comes.
        for channel in self.channels.iter_mut().filter(|channel| channel.receive.epoch() != self.epoch) {
            channel.receive = Lane::new(&self.keys, self.keys.role().other(), channel.number, self.epoch);
        }
        self.epoch = next;
        self.keys = keys;
        self.rng.renew();
        self.usage = Usage::since(now);
        let is_initiator = self.keys.role() == Role::Initiator;
        for channel in self.channels.iter_mut().filter(|channel| is_initiator || channel.number == LIVE) {
            channel.send = Lane::new(&self.keys, self.keys.role(), channel.number, self.epoch);
        }
        Ok(())
    }
}
