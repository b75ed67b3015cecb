//! The newest record that this device has seen of each contact: holders keep older ones out, and whoever answers a lookup cannot bring one
//! back, not even to a device that has been started again since.
//!
//! Deliberately absent: presences. They last minutes, and one that comes from a holder who was told late leads to the same node.

use super::super::{Node, Row, Table};
use crate::codec::{Reader, Writer};
use crate::directory::{Found, UserRecord};
use crate::identity::UserId;
use crate::limits::CONTACTS_MAX;
use crate::node::journal::Purpose;
use crate::ordered::OrderedMap;
use crate::store::Write;
use crate::time::Now;

/// First byte of the keys of these rows in `Table::Meta`; the user's name follows. The value: sequence(8) | until(8, milliseconds since 1970).
const ROW_PREFIX: u8 = b'n';

/// What was seen of one contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    sequence: u64,
    /// The record's end: nobody believes it, or an older one, from then on.
    until_ms: u64,
}

/// By contact; at the bound no more are remembered.
#[derive(Debug, Default)]
pub(super) struct Latest(OrderedMap<UserId, Seen>);

impl Latest {
    /// What the store has; rows that are over, or damaged, are to be deleted there.
    pub fn restore(rows: &[Row], now: Now) -> (Self, Vec<Write>) {
        let mut latest = Self::default();
        let mut writes = Vec::new();
        for row in rows.iter().filter(|row| row.table == Table::Meta && row.key.first() == Some(&ROW_PREFIX)) {
            match read(row).filter(|(_, seen)| now.wall < seen.until_ms) {
                Some((user, seen)) => drop(latest.0.insert(user, seen)),
                None => writes.push(Write { table: Table::Meta, key: row.key.clone(), value: None }),
            }
        }
        (latest, writes)
    }

    /// Whether a record is not older than what was seen before; and what is to be written of it.
    fn take(&mut self, record: &UserRecord, now: Now) -> (bool, Option<Write>) {
        let known = self.0.get(record.user()).filter(|seen| now.wall < seen.until_ms);
        let seen = Seen { sequence: record.sequence(), until_ms: record.until_ms() };
        match known {
            Some(known) if seen.sequence <= known.sequence => return (seen.sequence == known.sequence, None),
            None if self.0.len() >= CONTACTS_MAX => return (true, None),
            _ => {}
        }
        self.0.insert(record.user().clone(), seen);
        (true, Some(row(record.user(), seen)))
    }
}

impl Node {
    /// Whether what a lookup found is not older than what this device has seen of the same contact.
    pub(super) fn is_latest(&mut self, found: &Found, now: Now) -> bool {
        if !self.chats.contains_key(found.record.user()) {
            return true;
        }
        let (is_latest, write) = self.directory.latest.take(&found.record, now);
        if let Some(write) = write {
            self.store(vec![write], Purpose::Quiet);
        }
        is_latest
    }
}

fn row(user: &UserId, seen: Seen) -> Write {
    let key = Writer::new().u8(ROW_PREFIX).raw(user.as_str().as_bytes()).into_bytes();
    Write { table: Table::Meta, key, value: Some(Writer::new().u64(seen.sequence).u64(seen.until_ms).into_bytes()) }
}

fn read(row: &Row) -> Option<(UserId, Seen)> {
    let user = UserId::parse(std::str::from_utf8(row.key.get(1..)?).ok()?).ok()?;
    let mut reader = Reader::new(&row.value);
    let seen = Seen { sequence: reader.u64().ok()?, until_ms: reader.u64().ok()? };
    reader.finish().ok()?;
    Some((user, seen))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::Conversation;
    use crate::crypto::{KeyOpResult, Rng};
    use crate::directory::{found, pair};
    use crate::identity::testing::{NOW_MS, TestAuthority, TestDevice};
    use crate::node::directory::Why;
    use crate::node::{Effect, NodeConfig, Standing};

    const START: Now = Now { mono: 1_000, wall: NOW_MS };

    /// Anna's node, with bela among her contacts.
    fn started(authority: &TestAuthority, anna: &TestDevice, bela: &UserId, rows: Vec<Row>) -> (Node, Vec<Effect>) {
        let config = NodeConfig::of(&anna.certificate, authority.anchor(), rows);
        let (mut node, effects) = Node::new(config, START);
        node.chats.insert(bela.clone(), Conversation::new(bela.clone(), Standing::Accepted, None));
        (node, effects)
    }

    /// The answer to a lookup: this device's record, with this sequence number.
    fn answer(device: &TestDevice, sequence: u64) -> Vec<u8> {
        let draft = UserRecord::draft(sequence, &[&device.certificate]);
        let signed: KeyOpResult = device.keys.perform(&mut Rng::from_seed([1; 32]), &draft.key_op());
        found(&pair(&draft.finish(&signed.expect("a signature")), &[]), &[])
    }

    /// Whether an answer is believed: mail for bela is sealed to the device that it names.
    fn believes(node: &mut Node, bela: &UserId, named: &TestDevice, sequence: u64) -> bool {
        node.mail_forgets_recipients();
        node.looked_up(bela, Why::Deposit, 2, Some(&answer(named, sequence)), START);
        node.mail_knows(bela)
    }

    fn kept(effects: &[Effect]) -> Vec<Row> {
        let writes = effects.iter().filter_map(|effect| match effect {
            Effect::Store { writes, .. } => Some(writes.clone()),
            _ => None,
        });
        let mine = writes.flatten().filter(|write| write.table == Table::Meta && write.key.first() == Some(&ROW_PREFIX));
        mine.filter_map(|write| Some(Row { table: write.table, key: write.key, value: write.value? })).collect()
    }

    #[test]
    fn an_answer_with_an_older_record_than_was_seen_is_not_believed_not_even_after_a_new_start() {
        let mut authority = TestAuthority::new([1; 32]);
        let (anna, bela) = (authority.issue("anna", NOW_MS), authority.issue("bela", NOW_MS));
        let user = bela.certificate.user_id().clone();
        let (mut node, _) = started(&authority, &anna, &user, Vec::new());
        for (sequence, is_believed) in [(7, true), (6, false), (7, true), (9, true), (8, false)] {
            assert_eq!(believes(&mut node, &user, &bela, sequence), is_believed, "number {sequence}");
        }
        let rows = kept(&std::mem::take(&mut node.effects));
        assert_eq!(rows.len(), 2, "written when it was news, not each time");
        let (mut node, effects) = started(&authority, &anna, &user, rows[1..].to_vec());
        assert!(!believes(&mut node, &user, &bela, 8));
        assert!(believes(&mut node, &user, &bela, 9));
        let deletes = |effect: &Effect| matches!(effect, Effect::Store { writes, .. } if writes.iter().any(|write| write.value.is_none()));
        assert!(!effects.iter().any(deletes));
    }

    #[test]
    fn nothing_is_remembered_beyond_the_end_of_the_record_and_a_damaged_row_is_deleted() {
        let mut authority = TestAuthority::new([1; 32]);
        let (anna, bela) = (authority.issue("anna", NOW_MS), authority.issue("bela", NOW_MS));
        let user = bela.certificate.user_id().clone();
        let over = row(&user, Seen { sequence: 9, until_ms: NOW_MS });
        let damaged = Row { table: Table::Meta, key: vec![ROW_PREFIX, b'?'], value: vec![1; 16] };
        let rows = vec![Row { table: over.table, key: over.key.clone(), value: over.value.expect("a row") }, damaged.clone()];
        let (mut node, effects) = started(&authority, &anna, &user, rows);
        let deleted = effects.iter().find_map(|effect| match effect {
            Effect::Store { writes, .. } => Some(writes.iter().map(|write| (write.key.clone(), write.value.clone())).collect::<Vec<_>>()),
            _ => None,
        });
        assert_eq!(deleted, Some(vec![(over.key, None), (damaged.key, None)]));
        assert!(believes(&mut node, &user, &bela, 8));
    }

    #[test]
    fn of_somebody_who_is_no_contact_nothing_is_kept() {
        let mut authority = TestAuthority::new([1; 32]);
        let (anna, bela, carl) = (authority.issue("anna", NOW_MS), authority.issue("bela", NOW_MS), authority.issue("carl", NOW_MS));
        let (mut node, _) = started(&authority, &anna, bela.certificate.user_id(), Vec::new());
        node.effects.clear();
        let user = carl.certificate.user_id().clone();
        assert!(believes(&mut node, &user, &carl, 7) && believes(&mut node, &user, &carl, 6));
        assert!(kept(&node.effects).is_empty());
    }
}
