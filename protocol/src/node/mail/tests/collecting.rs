//! What is collected from others.

use super::*;
use crate::limits::{EARLIER_CERTIFICATES_MAX, SEEN_MAX};
use crate::mailbox::EnvelopeDraft;
use crate::message::MessageBody;
use crate::node::mail::collecting::{AUTHORS_MAX, HELD_BACK_MAX};
use crate::node::mail::holding::READINGS_MAX;

#[test]
fn a_holder_that_never_hears_is_told_so_often_in_a_minute() {
    let expiry_h = u32::try_from((NOW_MS + DAY_MS) / crate::time::HOUR_MS).expect("hours");
    let value = [&[1][..], &expiry_h.to_be_bytes(), &[1], &[5; 16], &[6; 16]].concat();
    let mut stage = Stage::with_rows(vec![Row { table: Table::Seen, key: vec![9; 32], value }]);
    let bela = stage.meets("bela", START);
    let mut told = |now: Now| {
        stage.node.mail.arrived = OrderedMap::new();
        stage.node.listed(place(&bela), false, &[(EnvelopeId([9; 32]), MessageId([6; 16]))], now);
        !stage.node.mail.arrived.is_empty()
    };
    assert_eq!((0..20).filter(|number| told(after(*number))).count(), 8);
    assert!(told(after(MINUTE_MS)), "a minute later, again");
}

#[test]
fn so_many_letters_are_read_for_receivers_at_once() {
    let bela = TestAuthority::new([2; 32]).issue("bela", NOW_MS).certificate.user_id().mailbox();
    let value = [&[1][..], &2_000_u32.to_be_bytes(), &(NOW_MS + DAY_MS).to_be_bytes(), &[0], &[0], &[6; 16]].concat();
    let id = EnvelopeId([9; 32]);
    let mut stage = Stage::with_rows(vec![Row { table: Table::Held, key: row_key(&bela, id), value }]);
    stage.node.effects.clear();
    (0..2 * READINGS_MAX).for_each(|_| stage.node.fetch_for(RingId(1), bela, id, START));
    assert_eq!(stage.node.effects.iter().filter(|effect| matches!(effect, Effect::Load { .. })).count(), READINGS_MAX);
}

/// A letter to anna, sealed and signed.
fn letter(stage: &Stage, author: &TestDevice) -> Sealed {
    let body = MessageBody { id: MessageId([3; 16]), sent_ms: NOW_MS, seq: 1, prev: [0; 32], said: "hello".into() }.encode();
    let letter = Letter { author: &author.certificate, to: &stage.anna.certificate, prekey: None, body: &body, keep_ms: ENVELOPE_MS };
    let draft = EnvelopeDraft::new(&letter, &mut Rng::from_seed([5; 32])).expect("a good letter");
    let signature = author.keys.perform(&mut Rng::from_seed([6; 32]), &draft.key_op()).expect("a signature");
    Sealed::read(draft.finish(&signature).expect("of this key")).expect("an envelope")
}

/// The letter is unwrapped, by anna's key or by somebody's who cannot.
fn unwrap(stage: &mut Stage, by: &TestDevice, sealed: &Sealed) {
    let result = by.keys.perform(&mut Rng::from_seed([2; 32]), &sealed.key_op());
    let own = stage.anna.certificate.clone();
    stage.node.letter_unwrapped(RingId(1), sealed, &own, &result, START);
}

#[test]
fn while_the_disk_fails_a_letter_is_looked_at_again_later_whether_it_was_unwrapped_or_not() {
    for can_unwrap in [false, true] {
        let mut stage = Stage::new();
        let (bela, anna) = (stage.authority.issue("bela", NOW_MS), stage.anna.clone());
        let sealed = letter(&stage, &bela);
        stage.node.journal.failed(START.mono);
        unwrap(&mut stage, if can_unwrap { &anna } else { &bela }, &sealed);
        assert!(stage.node.mail.skipped.contains(&sealed.id()), "{can_unwrap}");
        assert!(stage.node.mail.seen.is_empty() && stage.node.chats.is_empty() && stage.node.mail.dropped == 0, "{can_unwrap}");
    }
}

#[test]
fn of_the_envelopes_seen_the_one_that_is_over_first_goes_for_one_more() {
    let hours = u32::try_from((NOW_MS + DAY_MS) / crate::time::HOUR_MS).expect("hours");
    let key = |number: usize| sha256(&[&number.to_be_bytes()]);
    let value = |number: usize| [&[1][..], &(hours + u32::from(number != 500)).to_be_bytes(), &[0]].concat();
    let rows = (0..SEEN_MAX).map(|number| Row { table: Table::Seen, key: key(number).to_vec(), value: value(number) }).collect();
    let mut stage = Stage::with_rows(rows);
    let bela = stage.authority.issue("bela", NOW_MS);
    let sealed = letter(&stage, &bela);
    unwrap(&mut stage, &bela, &sealed);
    assert_eq!(stage.node.mail.seen.len(), SEEN_MAX);
    let seen = |id: EnvelopeId| stage.node.mail.seen.contains_key(&id);
    assert!(seen(sealed.id()) && !seen(EnvelopeId(key(500))));
}

#[test]
fn so_many_are_passed_over_and_so_many_authors_are_known_and_no_more() {
    let mut stage = Stage::new();
    let (bela, carla, anna) = (stage.authority.issue("bela", NOW_MS), stage.authority.issue("carla", NOW_MS), stage.anna.clone());
    stage.node.mail.skipped = (0..SEEN_MAX).map(|number| EnvelopeId(sha256(&[&number.to_be_bytes()]))).collect();
    stage.node.mail.authors = vec![bela.certificate.clone(); AUTHORS_MAX];
    stage.node.journal.failed(START.mono);
    let sealed = letter(&stage, &carla);
    unwrap(&mut stage, &anna, &sealed);
    assert_eq!((stage.node.mail.skipped.len(), stage.node.mail.authors.len()), (SEEN_MAX, AUTHORS_MAX));
    assert_eq!(stage.node.mail.authors[0].der(), carla.certificate.der(), "the latest first");
}

#[test]
fn what_is_none_is_not_remembered_for_longer_than_anything_lasts() {
    let mut stage = Stage::new();
    let bela = stage.authority.issue("bela", NOW_MS);
    let mut bytes = letter(&stage, &bela).into_bytes();
    bytes[69..73].copy_from_slice(&u32::MAX.to_be_bytes());
    let sealed = Sealed::read(bytes).expect("the form of one");
    assert_eq!(sealed.header().expiry_h, u32::MAX);
    stage.node.effects.clear();
    unwrap(&mut stage, &bela, &sealed);
    let writes = stage.node.effects.iter().filter_map(|effect| if let Effect::Store { writes, .. } = effect { Some(writes) } else { None }).flatten();
    let values: Vec<_> = writes.filter(|write| write.table == Table::Seen).filter_map(|write| write.value.clone()).collect();
    let latest = u32::try_from((NOW_MS + ENVELOPE_MS) / crate::time::HOUR_MS).expect("hours");
    assert_eq!(values, [[&[1][..], &latest.to_be_bytes(), &[0]].concat()]);
}

#[test]
fn a_letter_that_another_has_brought_costs_whoever_is_late_nothing() {
    let mut stage = Stage::new();
    let bela = stage.authority.issue("bela", NOW_MS);
    let (sealed, other, from) = (letter(&stage, &bela), EnvelopeId([4; 32]), RingId(1));
    stage.node.listed(from, false, &[(other, MessageId([4; 16]))], START);
    stage.node.mail.skipped.insert(sealed.id());
    stage.node.letter_came(from, sealed.into_bytes(), START);
    assert_eq!((stage.node.mail.dropped, stage.node.mail.collector.sources(&other)), (0, &[from][..]));
}

#[test]
fn so_many_live_messages_wait_for_the_mail_and_the_next_is_taken_as_it_comes() {
    let mut stage = Stage::new();
    let user = UserId::parse("bela").expect("a name");
    stage.node.chats.insert(user.clone(), Conversation::new(user.clone(), crate::chat::Standing::Accepted, None));
    stage.node.mail.collector.joining(START);
    let body = MessageBody { id: MessageId([3; 16]), sent_ms: NOW_MS, seq: 9, prev: [1; 32], said: "early".into() };
    let waits = (0..=HELD_BACK_MAX).filter(|_| stage.node.holds_back(&user, &body, b"bytes", START)).count();
    assert_eq!(waits, HELD_BACK_MAX);
}

#[test]
fn earlier_certificates_open_envelopes_for_31_days_after_their_end_and_so_many_of_them() {
    let mut authority = TestAuthority::new([1; 32]);
    let anna = authority.issue("anna", NOW_MS);
    let row = |device: &TestDevice| {
        let value = [&device.certificate.not_after_ms().to_be_bytes()[..], device.certificate.der()].concat();
        Row { table: Table::Meta, key: [&[CERTIFICATE_PREFIX][..], &KeyId::of(&device.certificate).0].concat(), value }
    };
    let earlier: Vec<TestDevice> = (0..=EARLIER_CERTIFICATES_MAX as u64).map(|day| authority.renew(&anna, NOW_MS + day * DAY_MS)).collect();
    let own = authority.renew(&anna, NOW_MS + 20 * DAY_MS);
    let kept = |rows: &[Row], wall: u64| certificates(&own.certificate, rows, authority.anchor(), Now { mono: 1, wall }, &mut Vec::new());
    let end_ms = earlier[0].certificate.not_after_ms();
    let counts = [31 * DAY_MS - 1, 31 * DAY_MS].map(|ms| kept(&[row(&earlier[0])], end_ms + ms).len());
    assert_eq!(counts, [2, 1], "its own, and the earlier one");
    let all = kept(&earlier.iter().map(row).collect::<Vec<_>>(), NOW_MS + 20 * DAY_MS);
    assert_eq!(all.len(), 1 + EARLIER_CERTIFICATES_MAX);
    assert!(all.iter().all(|certificate| certificate.der() != earlier[0].certificate.der()), "the one that ended first has gone");
}
