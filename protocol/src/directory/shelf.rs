//! What this node keeps for others, and its bound.

use super::{Presence, RecordError, UserRecord};
use crate::codec::{Malformed, Reader, Writer};
use crate::identity::{RevocationList, TrustAnchor, UserId};
use crate::limits::{ARC, RING_BODY_BYTES_MAX, SHELF_RECORDS_MAX};
use crate::ordered::OrderedMap;
use crate::ring::RingId;

/// What is kept of one user.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Their record.
    pub record: UserRecord,
    /// Where they are, as far as known.
    pub presence: Option<Presence>,
    /// Nodes that have it, as far as known: nobody is given it twice.
    pub given: Vec<RingId>,
    /// Where it belongs to others far away: it is offered to them again then, on the monotonic clock.
    pub return_ms: u64,
}

/// Why something is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShelfError {
    /// Not the form of a publication.
    #[error("malformed publication")]
    Malformed,
    /// The record is not to be believed.
    #[error("{0}")]
    Record(RecordError),
    /// A newer one is kept.
    #[error("older than what is kept")]
    Older,
    /// There is no record of them here that a presence alone could be judged by.
    #[error("no record of them is kept")]
    NoRecord,
    /// There is no room.
    #[error("no room for another record")]
    Full,
}

impl From<Malformed> for ShelfError {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

/// What a lookup brought, verified by its reader.
#[derive(Clone, Debug)]
pub struct Found {
    /// The user's record.
    pub record: UserRecord,
    /// Where they are; `None` where nobody knows.
    pub presence: Option<Presence>,
}

/// Records and presences kept for others, by key.
#[derive(Default)]
pub struct Shelf {
    kept: OrderedMap<RingId, Kept>,
}

/// lp(record) | lp(presence): an empty one is not there. The body of a publication, and of the answer to a lookup.
pub fn pair(record: &[u8], presence: &[u8]) -> Vec<u8> {
    Writer::new().lp(record).lp(presence).into_bytes()
}

/// The answer to a lookup: lp(record) | lp(presence) | count(1: 0-16) x id(16), who stands first clockwise of the key, as far as known.
pub fn found(pair: &[u8], arc: &[RingId]) -> Vec<u8> {
    let count = u8::try_from(arc.len().min(ARC)).expect("bounded above");
    let head = Writer::new().raw(pair).u8(count);
    arc.iter().take(ARC).fold(head, |writer, place| writer.raw(&place.0.to_be_bytes())).into_bytes()
}

/// Record, presence, and who stands there.
type FoundParts<'a> = (&'a [u8], &'a [u8], Vec<RingId>);

fn read_found(body: &[u8]) -> Result<FoundParts<'_>, Malformed> {
    let mut reader = Reader::new(body);
    let (record, presence) = (reader.lp(RING_BODY_BYTES_MAX)?, reader.lp(RING_BODY_BYTES_MAX)?);
    let count = usize::from(reader.u8()?);
    if count > ARC {
        return Err(Malformed);
    }
    let arc = (0..count).map(|_| reader.array().map(u128::from_be_bytes).map(RingId)).collect::<Result<_, _>>()?;
    reader.finish()?;
    Ok((record, presence, arc))
}

fn read_pair(body: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    let mut reader = Reader::new(body);
    let pair = (reader.lp(RING_BODY_BYTES_MAX)?, reader.lp(RING_BODY_BYTES_MAX)?);
    reader.finish()?;
    Ok(pair)
}

impl Shelf {
    /// Takes what somebody publishes at `key`, if it is believed and newer. True when something changed.
    ///
    /// # Errors
    /// See [`ShelfError`].
    pub fn publish(
        &mut self,
        key: RingId,
        body: &[u8],
        anchor: &TrustAnchor,
        revoked: Option<&RevocationList>,
        wall_ms: u64,
    ) -> Result<bool, ShelfError> {
        let (record, presence) = read_pair(body)?;
        let mut is_new = false;
        if !record.is_empty() && self.kept.get(&key).is_none_or(|kept| kept.record.bytes() != record) {
            let record = UserRecord::verify(record, anchor, revoked, wall_ms).map_err(ShelfError::Record)?;
            if RingId::of_user(record.user()) != key {
                return Err(ShelfError::Record(RecordError::Certificate));
            }
            self.keep(key, record)?;
            is_new = true;
        }
        if presence.is_empty() {
            return Ok(is_new);
        }
        let kept = self.kept.get_mut(&key).ok_or(ShelfError::NoRecord)?;
        if kept.presence.as_ref().is_some_and(|known| known.bytes() == presence) {
            return Ok(is_new);
        }
        let user = kept.record.user().mailbox();
        let presence = Presence::verify(presence, &kept.record, &user, wall_ms).ok_or(ShelfError::Malformed)?;
        if kept.presence.as_ref().is_some_and(|known| known.sequence() >= presence.sequence()) {
            return Err(ShelfError::Older);
        }
        kept.presence = Some(presence);
        kept.given.clear();
        Ok(true)
    }

    fn keep(&mut self, key: RingId, record: UserRecord) -> Result<(), ShelfError> {
        let is_full = self.kept.len() >= SHELF_RECORDS_MAX;
        match self.kept.get_mut(&key) {
            Some(kept) if kept.record.sequence() >= record.sequence() => Err(ShelfError::Older),
            Some(kept) => {
                kept.record = record;
                kept.given.clear();
                Ok(())
            }
            None if is_full => Err(ShelfError::Full),
            None => {
                self.kept.insert(key, Kept { record, presence: None, given: Vec::new(), return_ms: 0 });
                Ok(())
            }
        }
    }

    /// The answer to a lookup. Presence that is over is not told.
    pub fn answer(&self, key: RingId, wall_ms: u64) -> Vec<u8> {
        let Some(kept) = self.kept.get(&key) else { return pair(&[], &[]) };
        let presence = kept.presence.as_ref().filter(|presence| wall_ms < presence.until_ms());
        pair(kept.record.bytes(), presence.map_or(&[], Presence::bytes))
    }

    /// What is kept at a key.
    pub fn get(&self, key: RingId) -> Option<&Kept> {
        self.kept.get(&key)
    }

    /// What is kept at a key, to note whom it was given to.
    pub fn get_mut(&mut self, key: RingId) -> Option<&mut Kept> {
        self.kept.get_mut(&key)
    }

    /// All keys.
    pub fn keys(&self) -> impl Iterator<Item = RingId> {
        self.kept.keys().copied()
    }

    /// Forgets what is over; returns its keys.
    pub fn expire(&mut self, wall_ms: u64) -> Vec<RingId> {
        let over: Vec<RingId> =
            self.kept.iter().filter(|(_, kept)| kept.record.until_ms() <= wall_ms).map(|(key, _)| *key).collect();
        over.iter().for_each(|key| drop(self.kept.remove(key)));
        over
    }

    /// Forgets what nobody is to believe any more since this list came; returns its keys.
    pub fn revoke(&mut self, list: &RevocationList) -> Vec<RingId> {
        let is_on_it = |kept: &Kept| kept.record.devices().iter().any(|device| list.contains(&device.serial_hash()));
        let gone: Vec<RingId> = self.kept.iter().filter(|(_, kept)| is_on_it(kept)).map(|(key, _)| *key).collect();
        gone.iter().for_each(|key| drop(self.kept.remove(key)));
        gone
    }

    /// Forgets one.
    pub fn forget(&mut self, key: RingId) {
        self.kept.remove(&key);
    }
}

impl Found {
    /// Reads and verifies the answer to a lookup of `user`. `None` where they have nothing, or nothing to be believed.
    pub fn verify(body: &[u8], user: &UserId, anchor: &TrustAnchor, revoked: Option<&RevocationList>, wall_ms: u64) -> Option<Self> {
        let (record, presence, _) = read_found(body).ok()?;
        let record = UserRecord::verify(record, anchor, revoked, wall_ms).ok().filter(|record| record.user() == user)?;
        let presence = Presence::verify(presence, &record, &user.mailbox(), wall_ms);
        Some(Self { record, presence })
    }

    /// Who stands first clockwise of the key, says the answer to a lookup. `None` where it is none.
    pub fn holders(body: &[u8]) -> Option<Vec<RingId>> {
        read_found(body).ok().map(|(_, _, arc)| arc)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Rng;
    use crate::identity::testing::{NOW_MS, TestAuthority, TestDevice};
    use crate::limits::PRESENCE_MS;

    fn record(device: &TestDevice, sequence: u64) -> Vec<u8> {
        let draft = UserRecord::draft(sequence, &[&device.certificate]);
        let signature = device.keys.perform(&mut Rng::from_seed([1; 32]), &draft.key_op()).expect("a signature");
        draft.finish(&signature)
    }

    fn presence(device: &TestDevice, of: &TestDevice, sequence: u64, is_up: bool) -> Vec<u8> {
        let nodes = [*of.certificate.node_id()];
        let user = of.certificate.user_id().mailbox();
        let draft = Presence::draft(user, sequence, if is_up { &nodes } else { &[] }, NOW_MS);
        let signature = device.keys.perform(&mut Rng::from_seed([1; 32]), &draft.key_op()).expect("a signature");
        draft.finish(&signature)
    }

    struct Stage {
        authority: TestAuthority,
        anna: TestDevice,
        bela: TestDevice,
        shelf: Shelf,
    }

    impl Stage {
        fn new() -> Self {
            let mut authority = TestAuthority::new([1; 32]);
            let (anna, bela) = (authority.issue("anna", NOW_MS), authority.issue("bela", NOW_MS));
            Self { authority, anna, bela, shelf: Shelf::default() }
        }

        fn key(&self) -> RingId {
            RingId::of_user(self.anna.certificate.user_id())
        }

        fn publish(&mut self, record: &[u8], presence: &[u8]) -> Result<bool, ShelfError> {
            let key = self.key();
            self.shelf.publish(key, &pair(record, presence), self.authority.anchor(), None, NOW_MS)
        }

        fn found(&self, wall_ms: u64) -> Option<Found> {
            let user = self.anna.certificate.user_id();
            let body = found(&self.shelf.answer(self.key(), wall_ms), &[RingId(7)]);
            assert_eq!(Found::holders(&body), Some(vec![RingId(7)]));
            Found::verify(&body, user, self.authority.anchor(), None, wall_ms)
        }
    }

    #[test]
    fn a_record_and_presence_are_kept_and_found() {
        let mut stage = Stage::new();
        assert!(stage.found(NOW_MS).is_none());
        let (record, up) = (record(&stage.anna, 1), presence(&stage.anna, &stage.anna, 1, true));
        assert_eq!(stage.publish(&record, &up), Ok(true));
        assert_eq!(stage.publish(&record, &up), Ok(false), "the same again is nothing new");
        let found = stage.found(NOW_MS).expect("it is there");
        assert_eq!(found.record.devices()[0].node_id(), stage.anna.certificate.node_id());
        assert_eq!(found.presence.expect("she is up").nodes(), [*stage.anna.certificate.node_id()]);
        assert!(stage.found(NOW_MS + PRESENCE_MS).expect("the record stays").presence.is_none(), "presence ends by itself");
        let withdrawn = presence(&stage.anna, &stage.anna, 2, false);
        assert_eq!(stage.publish(&[], &withdrawn), Ok(true));
        assert_eq!(stage.found(NOW_MS).and_then(|found| found.presence).expect("a statement").nodes(), []);
        assert_eq!(stage.publish(&[], &up), Err(ShelfError::Older), "the old presence played again");
    }

    #[test]
    fn what_is_older_forged_or_somebody_elses_is_refused() {
        let mut stage = Stage::new();
        assert_eq!(stage.publish(&[], &presence(&stage.anna, &stage.anna, 1, true)), Err(ShelfError::NoRecord));
        assert_eq!(stage.publish(&record(&stage.anna, 5), &[]), Ok(true));
        assert_eq!(stage.publish(&record(&stage.anna, 4), &[]), Err(ShelfError::Older));
        assert_eq!(stage.publish(&record(&stage.bela, 9), &[]), Err(ShelfError::Record(RecordError::Certificate)), "another's key");
        let stranger = TestAuthority::stranger([2; 32]).issue("anna", NOW_MS);
        assert_eq!(stage.publish(&record(&stranger, 9), &[]), Err(ShelfError::Record(RecordError::Certificate)));
        assert_eq!(stage.publish(&[], &presence(&stage.bela, &stage.anna, 9, true)), Err(ShelfError::Malformed), "bela speaks for anna");
        let whole = record(&stage.anna, 6);
        for byte in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[byte] ^= 1 << (byte % 8);
            assert!(stage.publish(&flipped, &[]).is_err(), "byte {byte}");
        }
        assert_eq!(stage.found(NOW_MS).expect("the first").record.sequence(), 5);
    }

    #[test]
    fn a_record_ends_with_its_certificate() {
        let mut stage = Stage::new();
        assert_eq!(stage.publish(&record(&stage.anna, 1), &[]), Ok(true));
        let until_ms = stage.anna.certificate.not_after_ms();
        assert_eq!(stage.shelf.expire(until_ms - 1), []);
        assert_eq!(stage.shelf.expire(until_ms), [stage.key()]);
        assert!(stage.found(NOW_MS).is_none());
    }
}
