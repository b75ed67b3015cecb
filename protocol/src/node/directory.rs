//! The node's part of the directory: its own record and presence published at its user's key, those of others kept and handed
//! over, and users looked up over the ring.
//!
//! Once a member, the node signs its record, its presence and, beforehand, the presence's withdrawal, and with the last of them publishes
//! the first two; the presence again every few minutes. When the keys fail, all of it is tried again soon. Whoever is responsible gives copies to the four behind. When who is responsible changes, the
//! first of the five that has it gives to those who have come. On leaving, the withdrawal goes out: it needs no signature any more.
//!
//! The record names a prekey once its private half is durable. Where the disk fails, it names the one before, or none.

mod latest;
mod prekeys;

use super::journal::Purpose;
use super::{KeyUse, Node, Row, Table};
use crate::codec::{Reader, Writer};
use crate::crypto::KeyOpResult;
use crate::directory::{DeviceEntry, Draft, Found, Prekey, Prekeys, Presence, Shelf, ShelfError, UserRecord, found, pair, sequence_at};
use crate::identity::{NodeId, RevocationList, UserId, VerifiedCertificate};
use crate::limits::{COPIES, HANDOVER_LOOK_MS, HANDOVERS_MAX, PRESENCE_AGAIN_MS, RING_BODY_BYTES_MAX};
use crate::ordered::OrderedSet;
use crate::ring::{Aim, PathId, Request, RingId, Service, Standing};
use crate::store::Write;
use crate::time::{HOUR_MS, MINUTE_MS, Now, SECOND_MS};

use latest::Latest;

/// First byte of the keys of records kept for others, in `Table::Meta`.
const ROW_PREFIX: u8 = b'u';
/// A publication that the responsible node gives copies of.
const FIRST: u8 = 0;
/// A copy.
const COPY: u8 = 1;
/// The answer to a publication that is on disk.
pub(super) const TAKEN: u8 = 0;
/// The answer to one that is not taken.
const REFUSED: u8 = 1;
/// The answer to one that is older than what is kept.
pub(super) const OLDER: u8 = 2;
/// Wait from becoming a member to publishing, and from a change of neighbours to handing over.
const SETTLE_MS: u64 = SECOND_MS;
/// Wait before publishing is tried again; after keys that failed it doubles each time, up to [`RETRY_MS_MAX`].
const RETRY_MS: u64 = 5 * SECOND_MS;
/// Longest wait before keys that failed are asked again. Guess.
const RETRY_MS_MAX: u64 = MINUTE_MS;
/// Doublings until that is reached.
const DOUBLINGS_MAX: u32 = 4;
/// Wait before what belongs to somebody far away is offered to them again. Guess.
const RETURN_AGAIN_MS: u64 = 5 * MINUTE_MS;
/// How long one's own record is good before it is signed anew.
const RECORD_MS: u64 = 12 * HOUR_MS;

/// One of one's own statements that wants a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Statement {
    /// With the prekey that it names.
    Record(Option<Prekey>),
    Presence,
    Withdrawal,
}

/// What a lookup over the ring is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    Reach,
    Add,
    /// To leave mail for them.
    Deposit,
    /// To fetch one's own mail: who keeps it.
    Collect,
}

/// What this node publishes, and what it keeps for others.
#[derive(Default)]
pub(super) struct Directory {
    shelf: Shelf,
    record: Vec<u8>,
    record_until_ms: u64,
    /// The prekey that the record names.
    record_prekey: Option<Prekey>,
    presence: Vec<u8>,
    withdrawal: Vec<u8>,
    last_sequence: u64,
    /// What the keys have still to answer for: nothing is published before.
    unsigned: OrderedSet<Statement>,
    /// A statement of this round could not be signed.
    has_failed: bool,
    /// Rounds in a row in which one could not.
    failures: u32,
    /// When to publish; `None` while not a member, or while statements are being signed.
    publish_ms: Option<u64>,
    handover_ms: Option<u64>,
    prekeys: Prekeys,
    latest: Latest,
    /// When to look at the prekeys.
    prekeys_ms: u64,
}

impl Directory {
    /// What the store has, and what is to be deleted there. What is no longer to be believed is passed over. What is secret is erased
    /// from the rows.
    pub fn restore(rows: &mut [Row], node: &super::NodeConfigView<'_>, now: Now) -> (Self, Vec<Write>) {
        let (prekeys, mut writes) = Prekeys::restore(rows);
        let (latest, over) = Latest::restore(rows, now);
        writes.extend(over);
        let mut directory = Self { prekeys, latest, prekeys_ms: now.mono, ..Self::default() };
        for row in rows.iter().filter(|row| row.table == Table::Meta && row.key.first() == Some(&ROW_PREFIX)) {
            let Some(key) = row.key.get(1..17).and_then(|key| key.try_into().ok()).map(u128::from_be_bytes) else { continue };
            let body = pair(&row.value, &[]);
            // A damaged or expired row is one record that others have as well.
            let _ = directory.shelf.publish(RingId(key), &body, node.anchor, node.revoked, now.wall);
        }
        (directory, writes)
    }

    pub fn deadline(&self) -> Option<u64> {
        self.publish_ms.into_iter().chain(self.handover_ms).chain([self.prekeys_ms]).min()
    }
}

impl Node {
    /// Membership began or ended.
    pub(super) fn directory_standing(&mut self, standing: Standing, now: Now) {
        self.directory.publish_ms = (standing == Standing::Member).then_some(now.mono + SETTLE_MS);
        self.tend_prekeys(now);
    }

    /// Who stands beside this node changed: so may have who is responsible.
    pub(super) fn directory_near_changed(&mut self, now: Now) {
        let due_ms = now.mono + SETTLE_MS;
        self.directory.handover_ms = Some(self.directory.handover_ms.map_or(due_ms, |at| at.min(due_ms)));
    }

    pub(super) fn directory_wake(&mut self, now: Now) {
        if self.directory.publish_ms.take_if(|at| *at <= now.mono).is_some() {
            self.sign_statements(now);
        }
        if self.directory.handover_ms.take_if(|at| *at <= now.mono).is_some() {
            self.hand_over(now);
        }
        if self.directory.prekeys_ms <= now.mono {
            self.tend_prekeys(now);
        }
    }

    fn sign_statements(&mut self, now: Now) {
        self.directory.has_failed = false;
        let user = self.own.user_id().mailbox();
        let prekey = self.directory.prekeys.offered(self.directory_clock_ms(now));
        let is_due = self.directory.record.is_empty() || self.directory.record_until_ms <= now.wall;
        if is_due || self.directory.record_prekey != prekey {
            let sequence = self.next_sequence(now);
            let own = DeviceEntry { certificate: &self.own, prekey: prekey.map(|prekey| (prekey, &[][..])) };
            let draft = UserRecord::draft_with_prekeys(sequence, &[own]);
            self.sign(Statement::Record(prekey), draft);
        }
        let up = Presence::draft(user, self.next_sequence(now), &[*self.own.node_id()], now.wall);
        self.sign(Statement::Presence, up);
        let down = Presence::draft(user, self.next_sequence(now), &[], now.wall);
        self.sign(Statement::Withdrawal, down);
    }

    /// The draft waits with the keys' ticket: a signature that comes late never meets a newer draft.
    fn sign(&mut self, statement: Statement, draft: Draft) {
        self.directory.unsigned.insert(statement);
        let op = draft.key_op();
        self.ask_keys(KeyUse::Statement(statement, draft), op);
    }

    fn next_sequence(&mut self, now: Now) -> u64 {
        self.directory.last_sequence = sequence_at(now.wall, self.directory.last_sequence, &mut self.rng);
        self.directory.last_sequence
    }

    /// A statement is signed, or could not be. With the last of a round all is published, or signed once more, soon.
    pub(super) fn statement_signed(&mut self, statement: Statement, draft: Draft, result: &KeyOpResult, now: Now) {
        match result {
            Err(_) => self.directory.has_failed = true,
            Ok(signature) => self.keep_statement(statement, draft.finish(signature), now),
        }
        let is_last = self.directory.unsigned.remove(&statement) && self.directory.unsigned.is_empty();
        if !is_last || self.ring.standing() != Standing::Member {
            return;
        }
        if self.directory.has_failed {
            let doublings = self.directory.failures.min(DOUBLINGS_MAX);
            self.directory.failures += 1;
            self.directory.publish_ms = Some(now.mono + (RETRY_MS << doublings).min(RETRY_MS_MAX));
            return;
        }
        self.directory.failures = 0;
        self.directory.publish_ms = Some(now.mono + PRESENCE_AGAIN_MS + self.rng.below(PRESENCE_AGAIN_MS / 4));
        let (record, presence) = (self.directory.record.clone(), self.directory.presence.clone());
        self.publish(&record, &presence, now);
    }

    fn keep_statement(&mut self, statement: Statement, signed: Vec<u8>, now: Now) {
        match statement {
            Statement::Record(prekey) => {
                self.directory.record = signed;
                self.directory.record_prekey = prekey;
                self.directory.record_until_ms = now.wall + RECORD_MS;
            }
            Statement::Presence => self.directory.presence = signed,
            Statement::Withdrawal => self.directory.withdrawal = signed,
        }
    }

    fn publish(&mut self, record: &[u8], presence: &[u8], now: Now) {
        let key = RingId::of_user(self.own.user_id());
        let body = Writer::new().u8(FIRST).raw(&pair(record, presence)).into_bytes();
        self.ask_ring(Request { service: Service::Publish, aim: Aim::Key { rank: 0 }, key, body }, super::overlay::Asked::Publish, now);
    }

    /// A publication did not arrive: once more, soon.
    pub(super) fn publish_failed(&mut self, now: Now) {
        if self.directory.publish_ms.is_some() {
            self.directory.publish_ms = Some(now.mono + RETRY_MS);
        }
    }

    /// Says that this device is gone, with what was signed before. Nobody is there to say it again: the record goes along for a holder that
    /// has only just come and has none yet.
    pub(super) fn withdraw(&mut self, now: Now) {
        if !self.directory.withdrawal.is_empty() {
            let (record, withdrawal) = (self.directory.record.clone(), std::mem::take(&mut self.directory.withdrawal));
            self.publish(&record, &withdrawal, now);
        }
    }

    /// Somebody publishes here.
    pub(super) fn publication(&mut self, path: PathId, key: RingId, body: &[u8], now: Now) {
        let verdict = match self.take(key, body, now) {
            // Nothing is said to be kept before it is; where the disk fails, the publisher hears nothing and asks another.
            Ok(true) => return self.keep_on_disk(key, Purpose::Publication { path }),
            Ok(false) => TAKEN,
            Err(verdict) => verdict,
        };
        self.ring_input(now, |ring, out| ring.answer(path, vec![verdict], now.mono, out));
    }

    /// Whether a publication is news; the verdict where it is not taken.
    fn take(&mut self, key: RingId, body: &[u8], now: Now) -> Result<bool, u8> {
        let (kind, publication) = body.split_first().ok_or(REFUSED)?;
        if *kind > COPY || !self.ring.is_in_arc(key) || self.journal.is_troubled() {
            return Err(REFUSED);
        }
        let changed = self.directory.shelf.publish(key, publication, &self.anchor, self.revoked.as_ref(), now.wall);
        if changed == Ok(true) {
            self.presence_changed(key, now);
            if *kind == FIRST {
                self.hand_over(now);
            } else {
                // Whoever gives a copy gives to all who are responsible now.
                let five = self.ring.responsible_for(key);
                if let Some(kept) = self.directory.shelf.get_mut(key) {
                    kept.given = five;
                }
                self.directory_near_changed(now);
            }
        }
        changed.map_err(|error| if error == ShelfError::Older { OLDER } else { REFUSED })
    }

    /// Whoever has come gets what is kept for them.
    fn presence_changed(&mut self, key: RingId, now: Now) {
        let kept = self.directory.shelf.get(key).and_then(|kept| Some((kept.record.user().mailbox(), kept.presence.as_ref()?.nodes().to_vec())));
        if let Some((mailbox, nodes)) = kept {
            self.mail_presence(&mailbox, &nodes, now);
        }
    }

    fn keep_on_disk(&mut self, key: RingId, purpose: Purpose) {
        let value = self.directory.shelf.get(key).map(|kept| kept.record.bytes().to_vec());
        let row = Write { table: Table::Meta, key: row_key(key), value };
        self.store(vec![row], purpose);
    }

    /// A list of the revoked came: what it forbids is kept for nobody any more.
    pub(super) fn directory_revoked(&mut self, list: &RevocationList) {
        for key in self.directory.shelf.revoke(list) {
            self.keep_on_disk(key, Purpose::Quiet);
        }
    }

    /// Gives what is kept to those who have become responsible; forgets what is over.
    fn hand_over(&mut self, now: Now) {
        let me = self.ring.me();
        let mut gifts: Vec<(RingId, RingId)> = Vec::new();
        let mut far: Vec<RingId> = Vec::new();
        for key in self.directory.shelf.expire(now.wall) {
            self.keep_on_disk(key, Purpose::Quiet);
        }
        for key in self.directory.shelf.keys().collect::<Vec<_>>() {
            let five = self.ring.responsible_for(key);
            let Some(kept) = self.directory.shelf.get(key) else { continue };
            if !self.ring.is_in_arc(key) {
                far.extend((kept.return_ms <= now.mono).then_some(key));
                continue;
            }
            // The first of those who have it gives to those who are new: several may be, and before all who have it.
            let giver = five.iter().find(|id| **id == me || kept.given.contains(id));
            if giver == Some(&me) || !five.contains(&me) {
                gifts.extend(five.iter().filter(|to| **to != me && !kept.given.contains(to)).map(|to| (key, *to)));
            }
        }
        let is_more = gifts.len() > HANDOVERS_MAX || far.len() > HANDOVERS_MAX;
        for key in far.into_iter().take(HANDOVERS_MAX) {
            self.give_back(key, now);
        }
        for (key, to) in gifts.into_iter().take(HANDOVERS_MAX) {
            self.give(key, to, now);
        }
        self.directory.handover_ms = Some(now.mono + if is_more { SECOND_MS } else { HANDOVER_LOOK_MS });
    }

    fn give(&mut self, key: RingId, to: RingId, now: Now) {
        let publication = self.directory.shelf.answer(key, now.wall);
        let Some(kept) = self.directory.shelf.get_mut(key) else { return };
        kept.given.retain(|id| *id != to);
        kept.given.push(to);
        kept.given.truncate(16);
        // Addressed to the node, about the key.
        let body = Writer::new().raw(&key.0.to_be_bytes()).u8(COPY).raw(&publication).into_bytes();
        debug_assert!(body.len() <= RING_BODY_BYTES_MAX, "a record and a presence are far below");
        self.ask_ring(Request { service: Service::Copy, aim: Aim::Node, key: to, body }, super::overlay::Asked::Copy { key, to }, now);
    }

    /// What is not this node's any more goes to whoever is responsible now, wherever that is. It is kept until they say that they have it.
    fn give_back(&mut self, key: RingId, now: Now) {
        let publication = self.directory.shelf.answer(key, now.wall);
        let Some(kept) = self.directory.shelf.get_mut(key) else { return };
        kept.return_ms = now.mono + RETURN_AGAIN_MS;
        let body = Writer::new().u8(FIRST).raw(&publication).into_bytes();
        self.ask_ring(Request { service: Service::Publish, aim: Aim::Key { rank: 0 }, key, body }, super::overlay::Asked::Return { key }, now);
    }

    /// Whoever is responsible has what this node kept, or something newer.
    pub(super) fn returned(&mut self, key: RingId) {
        // It may be this node's again by now.
        if !self.ring.is_in_arc(key) {
            self.directory.shelf.forget(key);
            self.keep_on_disk(key, Purpose::Quiet);
        }
    }

    /// A copy of what is kept elsewhere came.
    pub(super) fn copy(&mut self, path: PathId, body: &[u8], now: Now) {
        let mut reader = Reader::new(body);
        let Ok(key) = reader.array().map(u128::from_be_bytes).map(RingId) else { return };
        let publication = reader.rest().to_vec();
        self.publication(path, key, &publication, now);
    }

    /// A copy did not arrive: it is given again at the next look.
    pub(super) fn copy_failed(&mut self, key: RingId, to: RingId) {
        if let Some(kept) = self.directory.shelf.get_mut(key) {
            kept.given.retain(|id| *id != to);
        }
    }

    /// Somebody asks for a user.
    pub(super) fn asked_for(&mut self, path: PathId, key: RingId, now: Now) {
        let arc = self.ring.arc_of(key);
        let answer = found(&self.directory.shelf.answer(key, now.wall), &arc);
        self.ring_input(now, |ring, out| ring.answer(path, answer, now.mono, out));
    }

    /// Looks a user up over the ring: first at any of the five, then at the first and third of them.
    pub(super) fn look_up(&mut self, user: &UserId, why: Why, attempt: u8, now: Now) {
        let aim = match attempt {
            0 => Aim::Any,
            1 => Aim::Key { rank: 0 },
            _ => Aim::Key { rank: 2 },
        };
        let key = RingId::of_user(user);
        let asked = super::overlay::Asked::Lookup { why, attempt, key };
        self.overlay_names(key, user);
        self.ask_ring(Request { service: Service::Lookup, aim, key, body: Vec::new() }, asked, now);
    }

    /// What a lookup brought; nothing where nobody answered. Whoever answers with what is not to be believed is not the last to be asked.
    pub(super) fn looked_up(&mut self, user: &UserId, why: Why, attempt: u8, answer: Option<&[u8]>, now: Now) {
        let found = answer.and_then(|body| Found::verify(body, user, &self.anchor, self.revoked.as_ref(), now.wall));
        let found = found.filter(|found| self.is_latest(found, now));
        let places = answer.and_then(Found::holders).unwrap_or_default();
        if let Some(found) = found.as_ref().filter(|_| why != Why::Collect) {
            self.mail_found(user, found, now);
        }
        // Whoever knows of no record may know who stands there; one that knows neither is not the last to be asked.
        let is_enough = match why {
            Why::Collect => !places.is_empty(),
            Why::Deposit if self.mail_knows(user) && !places.is_empty() => true,
            _ => found.is_some(),
        };
        match (found, why) {
            (_, _) if !is_enough && attempt < 2 && answer.is_some() => self.look_up(user, why, attempt + 1, now),
            (_, Why::Deposit) => self.holders_found(user, &places, now),
            (_, Why::Collect) => self.collect_from(places.into_iter().take(COPIES).collect(), now),
            (None, Why::Reach) => self.ask_relay_to_reach(user, now),
            (None, Why::Add) => self.cannot_add(user),
            (Some(found), Why::Add) => self.record_to_add(user, found.record.devices(), now),
            (Some(found), Why::Reach) => {
                let up = found.presence.as_ref().map_or(&[][..], |presence| presence.nodes());
                let is_up = |device: &&VerifiedCertificate| up.contains(device.node_id()) && device.node_id() != self.own.node_id();
                match found.record.devices().iter().find(is_up).cloned() {
                    Some(device) => self.reach(device, now),
                    None => self.ask_relay_to_reach(user, now),
                }
            }
        }
    }
}

impl Directory {
    /// This device's prekeys.
    pub fn prekeys(&self) -> &Prekeys {
        &self.prekeys
    }

    /// The prekey of a device in the record that is kept here for its user, where one is.
    pub fn kept_prekey(&self, user: &UserId, node: &NodeId, wall_ms: u64) -> Option<Prekey> {
        self.shelf.get(RingId::of_user(user)).and_then(|kept| kept.record.prekey(node, wall_ms))
    }
}

fn row_key(key: RingId) -> Vec<u8> {
    Writer::new().u8(ROW_PREFIX).raw(&key.0.to_be_bytes()).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{KeyOp, KeyOpError, Rng, Ticket};
    use crate::identity::testing::{NOW_MS, TestAuthority, TestDevice};
    use crate::node::{Effect, Input, NodeConfig};
    use crate::ring::{Answer, Message, Outcome, Verdict};

    const START: Now = Now { mono: 1_000, wall: NOW_MS };

    fn node(authority: &TestAuthority, device: &TestDevice) -> Node {
        let config = NodeConfig::of(&device.certificate, authority.anchor(), Vec::new());
        Node::new(config, START).0
    }

    /// Makes the node a member of a ring of two.
    fn join(node: &mut Node, other: &TestDevice) {
        let (by, mut asked) = (RingId::of_node(other.certificate.node_id()), None);
        node.ring_input(START, |ring, out| {
            ring.linked(by, START.mono, out);
            asked = out.iter().find_map(|outcome| match outcome {
                Outcome::Send { message: Message::Route(route), .. } => Some(route.path),
                _ => None,
            });
        });
        let path = asked.expect("it asks for its place");
        let answer = Answer { hops: 1, by, verdict: Verdict::Answered, body: vec![0, 0] };
        node.ring_input(START, |ring, out| ring.message(by, Message::Reply { path, answer }, START.mono, out));
        assert_eq!(node.ring.standing(), Standing::Member);
    }

    /// What the keys are to sign.
    fn orders(node: &mut Node) -> Vec<(Ticket, KeyOp)> {
        let orders = std::mem::take(&mut node.effects).into_iter().filter_map(|effect| match effect {
            Effect::Key { ticket, op } => Some((ticket, op)),
            _ => None,
        });
        orders.collect()
    }

    #[test]
    fn a_signature_that_comes_late_belongs_to_what_was_signed() {
        let mut authority = TestAuthority::new([1; 32]);
        let anna = authority.issue("anna", NOW_MS);
        let mut node = node(&authority, &anna);
        // Membership that ends and begins again, while the keys are busy.
        node.sign_statements(START);
        node.sign_statements(Now { mono: 2_000, wall: NOW_MS + 1_000 });
        let orders = orders(&mut node);
        assert_eq!(orders.len(), 6);
        for (ticket, op) in orders.into_iter().take(3) {
            let result = anna.keys.perform(&mut Rng::from_seed([2; 32]), &op);
            let _ = node.handle(Input::KeyDone { ticket, result }, START);
        }
        let record = UserRecord::verify(&node.directory.record, authority.anchor(), None, NOW_MS).expect("anna's own");
        let user = anna.certificate.user_id().mailbox();
        for statement in [&node.directory.presence, &node.directory.withdrawal] {
            assert!(Presence::verify(statement, &record, &user, NOW_MS).is_some());
        }
    }

    #[test]
    fn a_record_that_could_not_be_signed_is_tried_again_soon_and_nothing_goes_out_before() {
        let mut authority = TestAuthority::new([1; 32]);
        let (anna, bela) = (authority.issue("anna", NOW_MS), authority.issue("bela", NOW_MS));
        let mut node = node(&authority, &anna);
        join(&mut node, &bela);
        let mut waits_s = Vec::new();
        for round in 0..8 {
            let mono = node.directory.publish_ms.expect("something is due");
            let now = Now { mono, wall: NOW_MS + mono };
            node.directory_wake(now);
            let mut orders = orders(&mut node);
            assert_eq!(orders.len(), 3);
            if round % 2 == 1 {
                // Keys may answer in any order.
                orders.reverse();
            }
            for (ticket, op) in orders {
                let KeyOp::Sign { message } = &op else { panic!("a signature") };
                let is_broken = round < 7 && message.starts_with(b"B4/v1/user");
                let result = if is_broken { Err(KeyOpError) } else { anna.keys.perform(&mut Rng::from_seed([2; 32]), &op) };
                let _ = node.handle(Input::KeyDone { ticket, result }, now);
            }
            assert_eq!(node.directory.record.is_empty(), round < 7);
            waits_s.push((node.directory.publish_ms.expect("something is due") - mono) / SECOND_MS);
        }
        assert_eq!(waits_s[..7], [5, 10, 20, 40, 60, 60, 60]);
        assert!(waits_s[7] >= PRESENCE_AGAIN_MS / SECOND_MS);
    }

    #[test]
    fn a_record_whose_certificate_is_revoked_is_kept_for_nobody_any_more() {
        let mut authority = TestAuthority::new([1; 32]);
        let (anna, bela, carl) = (authority.issue("anna", NOW_MS), authority.issue("bela", NOW_MS), authority.issue("carl", NOW_MS));
        let mut node = node(&authority, &anna);
        let keys: Vec<RingId> = [&bela, &carl].map(|device| RingId::of_user(device.certificate.user_id())).to_vec();
        for (device, key) in [&bela, &carl].into_iter().zip(&keys) {
            let draft = UserRecord::draft(1, &[&device.certificate]);
            let signature = device.keys.perform(&mut Rng::from_seed([2; 32]), &draft.key_op()).expect("a signature");
            let publication = Writer::new().u8(COPY).raw(&pair(&draft.finish(&signature), &[])).into_bytes();
            assert_eq!(node.take(*key, &publication, START), Ok(true));
        }
        let revoked = std::collections::BTreeSet::from([bela.certificate.serial_hash()]);
        let list = authority.issuer().sign_revocations(&mut Rng::from_seed([4; 32]), 7, NOW_MS, &revoked);
        let list = RevocationList::decode_verified(&list, authority.anchor(), None).expect("a list");
        node.effects.clear();
        let effects = node.handle(crate::node::Input::Revocations(list), START);
        assert!(node.directory.shelf.get(keys[0]).is_none() && node.directory.shelf.get(keys[1]).is_some());
        let deleted = |write: &Write| write.key == row_key(keys[0]) && write.value.is_none();
        assert!(effects.iter().any(|effect| matches!(effect, Effect::Store { writes, .. } if writes.iter().any(deleted))), "on the disk, too");
    }

    #[test]
    fn a_record_that_belongs_to_others_by_now_is_kept_until_they_say_that_they_have_it() {
        let mut authority = TestAuthority::new([1; 32]);
        let (anna, bela) = (authority.issue("anna", NOW_MS), authority.issue("bela", NOW_MS));
        let mut node = node(&authority, &anna);
        let key = RingId::of_user(bela.certificate.user_id());
        let draft = UserRecord::draft(1, &[&bela.certificate]);
        let signature = bela.keys.perform(&mut Rng::from_seed([2; 32]), &draft.key_op()).expect("a signature");
        let publication = Writer::new().u8(COPY).raw(&pair(&draft.finish(&signature), &[])).into_bytes();
        assert_eq!(node.take(key, &publication, START), Ok(true));
        // Sixteen come to stand between the key and this node.
        let me = node.ring.me();
        node.ring_input(START, |ring, out| (1..=17).for_each(|step| ring.linked(RingId(me.0.wrapping_sub(step)), START.mono, out)));
        assert!(!node.ring.is_in_arc(key));
        assert_eq!(node.take(key, &publication, START), Err(REFUSED), "nor is it taken any more");
        node.hand_over(START);
        node.hand_over(START);
        assert_eq!(node.overlay.returning(), [key], "offered once in a while");
        assert!(node.directory.shelf.get(key).is_some(), "nobody has said that they have it");
        node.effects.clear();
        node.returned(key);
        let deleted = |write: &Write| write.key == row_key(key) && write.value.is_none();
        assert!(node.directory.shelf.get(key).is_none());
        assert!(node.effects.iter().any(|effect| matches!(effect, Effect::Store { writes, .. } if writes.iter().any(deleted))), "on the disk, too");
    }
}
