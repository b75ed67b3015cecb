//! What is left with others.

use super::*;
use crate::limits::{PAIR_BYTES_MAX, PAIR_ENVELOPES_MAX, RECEIPTS_PER_AUTHOR_MAX, RECIPIENTS_MAX, TOMBSTONE_ENTRIES_MAX};
use crate::mailbox::Arrived;

#[test]
fn so_many_words_wait_for_an_author_who_is_away_and_no_more() {
    let mut stage = Stage::new();
    let bela = stage.authority.issue("bela", NOW_MS);
    let leave = |stage: &mut Stage| stage.node.leave_receipt(&bela.certificate, b"a tombstone", START);
    // All that were begun at once, and then one more.
    (0..RECEIPTS_PER_AUTHOR_MAX + 3).for_each(|_| leave(&mut stage));
    assert_eq!(stage.keys(), RECEIPTS_PER_AUTHOR_MAX + 3);
    assert_eq!(stage.node.mail.outgoing.len(), RECEIPTS_PER_AUTHOR_MAX);
    leave(&mut stage);
    assert_eq!(stage.keys(), 0, "not even signed");
    let carla = stage.authority.issue("carla", NOW_MS);
    stage.node.leave_receipt(&carla.certificate, b"a tombstone", START);
    assert_eq!(stage.keys(), 1, "another author's has room");
}

#[test]
fn of_so_many_users_it_is_known_to_whom_mail_is_sealed() {
    let mut stage = Stage::new();
    let bela = stage.authority.issue("bela", NOW_MS);
    let user = |number: usize| UserId::parse(&format!("user{number}")).expect("a name");
    let chat = Conversation::new(user(0), crate::chat::Standing::Accepted, None);
    stage.node.chats.insert(user(0), chat);
    for number in 0..=RECIPIENTS_MAX {
        stage.node.mail_found_device(&user(number), &bela.certificate, START);
        assert!(stage.node.mail.recipients.len() <= RECIPIENTS_MAX);
    }
    let known: Vec<bool> = [0, 1, RECIPIENTS_MAX].map(|number| stage.node.mail_knows(&user(number))).to_vec();
    assert_eq!(known, [true, false, true], "with whom there is a conversation, and the last one");
}

#[test]
fn more_than_one_tombstone_can_say_goes_into_the_next() {
    let mut stage = Stage::new();
    let count = TOMBSTONE_ENTRIES_MAX + 44;
    let arrived = |number: usize| Arrived { id: MessageId([7; 16]), envelope: EnvelopeId(sha256(&[&number.to_be_bytes()])) };
    let mut arrivals = Arrivals::default();
    arrivals.arrived = (0..count).map(arrived).collect();
    stage.node.mail.arrived.insert(KeyId([1; 16]), arrivals);
    stage.node.mail.clear_ms = Some(START.mono);
    for left in [44, 0] {
        stage.node.effects.clear();
        assert!(stage.node.mail.deadline().is_some_and(|at| at <= START.mono), "it goes on at once");
        stage.node.collecting_wake(START);
        assert_eq!(stage.node.effects.iter().filter(|effect| matches!(effect, Effect::Key { .. })).count(), 1);
        assert_eq!(stage.node.mail.arrived.values().map(|arrivals| arrivals.arrived.len()).sum::<usize>(), left);
    }
}

#[test]
fn nothing_is_sealed_to_a_key_that_is_not_the_pinned_one() {
    let mut stage = Stage::new();
    let (bela, other) = (stage.authority.issue("bela", NOW_MS), stage.authority.issue("bela", NOW_MS));
    let user = bela.certificate.user_id().clone();
    let chat = Conversation::new(user.clone(), crate::chat::Standing::Accepted, Some(bela.certificate.key_hash()));
    stage.node.chats.insert(user.clone(), chat);
    let known = [&other, &bela].map(|device| {
        stage.node.mail_found_device(&user, &device.certificate, START);
        stage.node.mail_knows(&user)
    });
    assert_eq!(known, [false, true]);
}

/// Bela, a contact who is away, and so many texts for her that are stored here.
fn texts_for_bela(stage: &mut Stage, count: usize, bytes: usize) -> UserId {
    // Somebody who could be asked where she is.
    stage.meets("carla", START);
    let bela = stage.authority.issue("bela", NOW_MS);
    let user = bela.certificate.user_id().clone();
    let mut chat = Conversation::new(user.clone(), crate::chat::Standing::Accepted, None);
    for number in 0..count {
        let id = MessageId(std::array::from_fn(|at| number.to_be_bytes().get(at).copied().unwrap_or_default()));
        chat.send(id, "x".repeat(bytes).into(), NOW_MS);
        chat.stored_outgoing(id);
    }
    stage.node.chats.insert(user.clone(), chat);
    stage.node.mail_found_device(&user, &bela.certificate, START);
    stage.node.not_found_out(&user, START);
    user
}

/// Seals as long as more is to be sealed.
fn seal_all(stage: &mut Stage, user: &UserId) {
    stage.node.leave_mail(user, START);
    // Asked for again before the first is signed: nothing is sealed twice.
    stage.node.leave_mail(user, START);
    while stage.keys() > 0 {}
}

#[test]
fn so_many_messages_wait_for_one_receiver_with_others_each_once_and_the_next_when_one_is_delivered() {
    let mut stage = Stage::new();
    let user = texts_for_bela(&mut stage, PAIR_ENVELOPES_MAX + 3, 10);
    seal_all(&mut stage, &user);
    let sealed = |stage: &Stage| (stage.node.mail.outgoing.len(), stage.node.mail.by_message.len());
    assert_eq!(sealed(&stage), (PAIR_ENVELOPES_MAX, PAIR_ENVELOPES_MAX));
    let (delivered, _) = stage.node.chats[&user].waiting().next().map(|(id, body)| (id, body.len())).expect("the first");
    stage.node.chats.get_mut(&user).expect("bela").delivered(delivered);
    stage.node.mail_delivered(delivered);
    seal_all(&mut stage, &user);
    assert_eq!(sealed(&stage), (PAIR_ENVELOPES_MAX, PAIR_ENVELOPES_MAX));
}

#[test]
fn no_more_bytes_wait_for_one_receiver_with_others_than_a_holder_takes() {
    let mut stage = Stage::new();
    let user = texts_for_bela(&mut stage, PAIR_ENVELOPES_MAX, crate::limits::TEXT_BYTES_MAX);
    seal_all(&mut stage, &user);
    let bytes: u64 = stage.node.mail.outgoing.values().map(|outgoing| outgoing.room_bytes()).sum();
    assert!((PAIR_BYTES_MAX - 40_000..=PAIR_BYTES_MAX).contains(&bytes), "{bytes}");
}

#[test]
fn word_for_an_author_that_is_over_is_not_taken_up_again() {
    let mut stage = Stage::new();
    let bela = stage.authority.issue("bela", NOW_MS);
    stage.node.leave_receipt(&bela.certificate, b"a tombstone", START);
    assert_eq!(stage.keys(), 1);
    let mut stored = stage.node.effects.iter().filter_map(|effect| if let Effect::Store { writes, .. } = effect { Some(writes) } else { None }).flatten();
    let write = stored.rfind(|write| write.table == Table::Sealed).expect("it is on the disk").clone();
    let mut row = Row { table: Table::Sealed, key: write.key, value: write.value.expect("written") };
    assert_eq!(Stage::with_rows(vec![row.clone()]).node.mail.outgoing.len(), 1);
    row.value[3..7].copy_from_slice(&u32::try_from(NOW_MS / crate::time::HOUR_MS).expect("hours").to_be_bytes());
    assert_eq!(Stage::with_rows(vec![row]).node.mail.outgoing.len(), 0);
}
