//! The node's prekeys: drawn once it is a member, named when they are on disk, erased in time.

use super::SETTLE_MS;
use crate::directory::Prekey;
use crate::identity::clock_ms;
use crate::limits::PREKEY_LOOK_MS;
use crate::node::Node;
use crate::node::journal::Purpose;
use crate::ring::Standing;
use crate::time::Now;

impl Node {
    /// Erases prekeys that are over; draws a new one where it is time and somebody could read of it.
    pub(in crate::node) fn tend_prekeys(&mut self, now: Now) {
        self.directory.prekeys_ms = now.mono + PREKEY_LOOK_MS;
        let wall_ms = self.directory_clock_ms(now);
        let is_member = self.ring.standing() == Standing::Member;
        let tended = self.directory.prekeys.tend(wall_ms, is_member.then_some(&mut self.rng));
        self.store(tended.writes, tended.made.map_or(Purpose::Quiet, |prekey| Purpose::Prekey { prekey }));
    }

    /// A clock that was wound back keeps no prekey for longer: the time is never earlier than the newest that the authority signed.
    pub(in crate::node) fn directory_clock_ms(&self, now: Now) -> u64 {
        clock_ms(now.wall, self.revoked.as_ref())
    }

    /// A prekey is on disk: the record names it from now on.
    pub(in crate::node) fn prekey_stored(&mut self, prekey: &Prekey, now: Now) {
        self.directory.prekeys.stored(prekey);
        if let Some(at) = &mut self.directory.publish_ms {
            *at = (*at).min(now.mono + SETTLE_MS);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Rng;
    use crate::directory::UserRecord;
    use crate::identity::RevocationList;
    use crate::identity::testing::{NOW_MS, TestAuthority, TestDevice};
    use crate::limits::PRESENCE_AGAIN_MS;
    use crate::node::{Effect, Input, NodeConfig, Row};
    use crate::ring::{Message, RingId};
    use crate::store::Write;
    use crate::time::DAY_MS;

    /// Anna's node, her keys and her disk. A member of the ring as far as the directory knows.
    struct Stage {
        authority: TestAuthority,
        anna: TestDevice,
        node: Node,
        rows: Vec<Row>,
    }

    impl Stage {
        fn new() -> Self {
            let mut authority = TestAuthority::new([1; 32]);
            let anna = authority.issue("anna", NOW_MS);
            let node = Self::started(&authority, &anna, Vec::new(), at(0));
            Self { authority, anna, node, rows: Vec::new() }
        }

        fn started(authority: &TestAuthority, anna: &TestDevice, rows: Vec<Row>, now: Now) -> Node {
            let config = NodeConfig::of(&anna.certificate, authority.anchor(), rows);
            let (mut node, effects) = Node::new(config, now);
            node.effects = effects;
            node
        }

        /// A page that is loaded again, with what is on disk.
        fn restart(&mut self, now: Now) {
            self.node = Self::started(&self.authority, &self.anna, self.rows.clone(), now);
        }

        /// Lets the node make what a member makes.
        fn tend(&mut self, now: Now) {
            let tended = self.node.directory.prekeys.tend(now.wall, Some(&mut self.node.rng));
            self.node.store(tended.writes, tended.made.map_or(Purpose::Quiet, |prekey| Purpose::Prekey { prekey }));
        }

        /// Carries out what the node orders of its disk and keys, until it orders nothing.
        fn settle(&mut self, now: Now) {
            while !self.node.effects.is_empty() {
                for order in std::mem::take(&mut self.node.effects) {
                    let input = match order {
                        Effect::Key { ticket, op } => {
                            Input::KeyDone { ticket, result: self.anna.keys.perform(&mut Rng::from_seed([2; 32]), &op) }
                        }
                        Effect::Store { ticket, writes } => {
                            self.write(writes);
                            Input::Stored { tickets: vec![ticket] }
                        }
                        _ => continue,
                    };
                    let effects = self.node.handle(input, now);
                    self.node.effects.extend(effects);
                }
            }
        }

        fn write(&mut self, writes: Vec<Write>) {
            for Write { table, key, value } in writes {
                self.rows.retain(|row| row.key != key);
                self.rows.extend(value.map(|value| Row { table, key, value }));
            }
        }

        /// The prekey that the record names when it is signed now, if it is.
        fn named(&mut self, now: Now) -> Option<Prekey> {
            self.node.sign_statements(now);
            self.settle(now);
            let record = UserRecord::verify(&self.node.directory.record, self.authority.anchor(), None, now.wall).expect("her own");
            record.prekey(self.anna.certificate.node_id(), now.wall)
        }

        fn is_on_disk(&self, prekey: &Prekey) -> bool {
            self.rows.iter().any(|row| row.key[1..] == prekey.public)
        }
    }

    fn at(ms: u64) -> Now {
        Now { mono: 1_000 + ms, wall: NOW_MS + ms }
    }

    #[test]
    fn a_record_names_a_prekey_once_it_is_on_disk_and_another_from_then_on() {
        let mut stage = Stage::new();
        stage.settle(at(0));
        stage.tend(at(0));
        let orders = std::mem::take(&mut stage.node.effects);
        assert_eq!(stage.named(at(1)), None, "the disk is slow: the record does not wait for it, nor names what may be lost");
        stage.node.directory.publish_ms = Some(at(PRESENCE_AGAIN_MS).mono);
        stage.node.effects = orders;
        stage.settle(at(2));
        assert_eq!(stage.node.directory.publish_ms, Some(at(2 + SETTLE_MS).mono), "others hear of it soon");
        let first = stage.named(at(3)).expect("it is on disk");
        assert!(stage.is_on_disk(&first));
        let sequence = |stage: &Stage| UserRecord::verify(&stage.node.directory.record, stage.authority.anchor(), None, NOW_MS).expect("her own").sequence();
        let before = sequence(&stage);
        assert_eq!(stage.named(at(4)), Some(first));
        assert_eq!(sequence(&stage), before, "nothing to sign anew");
        let later = at(14 * DAY_MS);
        stage.tend(later);
        stage.settle(later);
        let second = stage.named(later).expect("a new one");
        assert!(second != first && stage.is_on_disk(&first) && stage.is_on_disk(&second));
        stage.restart(later);
        assert_eq!(stage.named(later), Some(second), "after a restart as before");
        // Who is never a member again erases all the same.
        let over = at(45 * DAY_MS);
        let effects = stage.node.handle(Input::Wake, over);
        stage.node.effects.extend(effects);
        stage.settle(over);
        assert!(!stage.is_on_disk(&first) && stage.is_on_disk(&second));
        let over = at(14 * DAY_MS + 45 * DAY_MS);
        stage.restart(over);
        stage.settle(over);
        assert!(!stage.is_on_disk(&second));
    }

    #[test]
    fn who_becomes_a_member_names_a_prekey_in_its_first_record() {
        let mut stage = Stage::new();
        let bela = *stage.authority.issue("bela", NOW_MS).certificate.node_id();
        stage.settle(at(0));
        stage.node.ring_linked(&bela, at(0));
        // Bela says that there is nobody else, and does not know this node's place either.
        let (me, place) = (stage.node.ring.me(), RingId::of_node(&bela));
        let hello = Message::Hello { links: vec![me], near: [vec![me], vec![me]] };
        stage.node.ring_input(at(1), |ring, out| ring.message(place, hello, at(1).mono, out));
        assert!(stage.rows.iter().all(|row| row.key.first() != Some(&b'p')), "who is no member needs none");
        let mut ms = 1;
        while stage.node.directory.record.is_empty() && ms < 60_000 {
            ms += 250;
            let effects = stage.node.handle(Input::Wake, at(ms));
            stage.node.effects.extend(effects);
            stage.settle(at(ms));
        }
        let record = UserRecord::verify(&stage.node.directory.record, stage.authority.anchor(), None, NOW_MS).expect("her own");
        let named = record.prekey(stage.anna.certificate.node_id(), NOW_MS + ms).expect("a prekey");
        assert!(stage.is_on_disk(&named));
    }

    #[test]
    fn a_disk_that_fails_costs_the_prekey_and_not_the_record() {
        let mut stage = Stage::new();
        stage.settle(at(0));
        stage.tend(at(0));
        let Some(Effect::Store { ticket, .. }) = stage.node.effects.pop() else { panic!("an order to the disk") };
        let _ = stage.node.handle(Input::StoreFailed { tickets: vec![ticket], full: true }, at(1));
        assert_eq!(stage.named(at(2)), None);
        // It is ordered again, and named when it is there.
        let effects = stage.node.handle(Input::Wake, at(2_000));
        stage.node.effects.extend(effects);
        stage.settle(at(2_000));
        let named = stage.named(at(2_001)).expect("the disk works again");
        assert!(stage.is_on_disk(&named));
    }

    #[test]
    fn a_clock_that_was_wound_back_keeps_no_prekey_past_the_time_that_the_authority_signed() {
        let mut stage = Stage::new();
        stage.tend(at(0));
        stage.settle(at(0));
        let named = stage.named(at(0)).expect("a prekey");
        let signed_ms = NOW_MS + 45 * DAY_MS;
        let list = stage.authority.issuer().sign_revocations(&mut Rng::from_seed([4; 32]), 7, signed_ms, &std::collections::BTreeSet::new());
        let list = RevocationList::decode_verified(&list, stage.authority.anchor(), None).expect("a list");
        let _ = stage.node.handle(Input::Revocations(list), at(1));
        let effects = stage.node.handle(Input::Wake, at(PREKEY_LOOK_MS));
        stage.node.effects.extend(effects);
        stage.settle(at(PREKEY_LOOK_MS));
        assert!(!stage.is_on_disk(&named));
        // One that is made by the authority's time is named, though it is ahead of this device's clock: others' clocks are right.
        stage.tend(Now { mono: at(PREKEY_LOOK_MS).mono, wall: signed_ms });
        stage.settle(at(PREKEY_LOOK_MS));
        stage.node.sign_statements(at(PREKEY_LOOK_MS));
        stage.settle(at(PREKEY_LOOK_MS));
        assert!(stage.node.directory.record_prekey.is_some_and(|named| named.serves(signed_ms)));
    }
}
