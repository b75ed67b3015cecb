//! Conversations through their own door: counters, gaps, duplicates, rows.

use std::collections::BTreeMap;

use super::*;
use crate::identity::UserId;
use crate::limits::{GAPS_MAX, OUTBOX_PER_CONTACT_MAX, STRANGER_MESSAGES_MAX, TEXT_BYTES_MAX, WINDOW_MESSAGES};
use crate::store::{Row, Table, Write};
use proptest::prelude::*;

const NOW_MS: u64 = 1_000_000;

fn conversation(user: &str) -> Conversation {
    Conversation::new(UserId::parse(user).expect("a name"), Standing::Accepted, Some([7; 32]))
}

fn id(number: u64) -> MessageId {
    MessageId(u128::from(number).to_be_bytes())
}

/// Bodies as an author makes them.
fn authored(count: u64) -> Vec<Vec<u8>> {
    let mut author = conversation("bela");
    (1..=count)
        .map(|number| {
            author.send(id(number), format!("text {number}").into(), NOW_MS);
            author.stored_outgoing(id(number));
            let (_, body) = author.next_to_send().expect("the newest waits");
            author.delivered(id(number));
            body
        })
        .collect()
}

fn receive(reader: &mut Conversation, body: &[u8]) -> Arrival {
    let arrival = reader.receive(MessageBody::decode(body).expect("a body"), body, Sealing::Session, NOW_MS);
    if let Arrival::New { view, .. } = &arrival {
        reader.stored_incoming(view.id);
    }
    arrival
}

fn new_view(arrival: Arrival) -> MessageView {
    match arrival {
        Arrival::New { view, .. } => view,
        other => panic!("not new: {other:?}"),
    }
}

#[test]
fn a_gap_is_counted_keeps_its_place_and_closes() {
    let bodies = authored(5);
    let mut reader = conversation("anna");
    let first = new_view(receive(&mut reader, &bodies[0]));
    let fifth = new_view(receive(&mut reader, &bodies[4]));
    assert_eq!((first.gap_before, fifth.gap_before), (0, 3));
    let Arrival::New { view: third, gap_changed, .. } = receive(&mut reader, &bodies[2]) else { panic!("late, but new") };
    assert_eq!((third.gap_before, gap_changed), (1, Some((5, 1))));
    let second = new_view(receive(&mut reader, &bodies[1]));
    assert_eq!(reader.last(), (NOW_MS, "text 5"), "a late one is not the last");
    let fourth = new_view(receive(&mut reader, &bodies[3]));
    let orders = [first.order, second.order, third.order, fourth.order, fifth.order];
    assert!(orders.is_sorted(), "{orders:?}");
    for body in &bodies {
        assert!(matches!(receive(&mut reader, body), Arrival::Known));
    }
}

#[test]
fn a_body_that_does_not_follow_its_predecessor_is_marked() {
    let bodies = authored(2);
    let mut reader = conversation("anna");
    receive(&mut reader, &bodies[0]);
    let mut torn = MessageBody::decode(&bodies[1]).expect("a body");
    torn.prev = [9; 32];
    assert_eq!(new_view(receive(&mut reader, &torn.encode())).gap_before, 1);
}

#[test]
fn a_message_on_its_way_into_the_store_is_neither_new_nor_acknowledged() {
    let bodies = authored(1);
    let mut reader = conversation("anna");
    let body = MessageBody::decode(&bodies[0]).expect("a body");
    assert!(matches!(reader.receive(body.clone(), &bodies[0], Sealing::Session, NOW_MS), Arrival::New { .. }));
    assert!(matches!(reader.receive(body.clone(), &bodies[0], Sealing::Session, NOW_MS), Arrival::Storing));
    reader.stored_incoming(body.id);
    assert!(matches!(reader.receive(body, &bodies[0], Sealing::Session, NOW_MS), Arrival::Known));
}

#[test]
fn an_author_who_starts_anew_is_heard_from_the_first_message_on() {
    let mut reader = conversation("anna");
    authored(3).iter().for_each(|body| {
        receive(&mut reader, body);
    });
    let mut anew = conversation("bela");
    anew.send(id(100), "again".into(), NOW_MS);
    anew.stored_outgoing(id(100));
    let (_, body) = anew.next_to_send().expect("waits");
    assert_eq!(new_view(receive(&mut reader, &body)).order, 4);
    assert!(matches!(receive(&mut reader, &body), Arrival::Known));
}

#[test]
fn the_first_message_seen_sets_the_count() {
    let bodies = authored(9);
    let mut reader = conversation("anna");
    assert_eq!(new_view(receive(&mut reader, &bodies[6])).gap_before, 0);
    assert_eq!(new_view(receive(&mut reader, &bodies[7])).gap_before, 0);
}

#[test]
fn an_author_who_skips_a_billion_gets_no_billion_entries() {
    let mut reader = conversation("anna");
    receive(&mut reader, &authored(1)[0]);
    let far = MessageBody { id: id(9), sent_ms: 0, seq: 1 << 40, prev: [0; 32], said: "far".into() };
    let view = new_view(receive(&mut reader, &far.encode()));
    assert_eq!(view.gap_before, u32::MAX);
    assert!(view.order <= 2 + GAPS_MAX as u64);
}

#[test]
fn a_stranger_has_said_enough_at_some_point() {
    let bodies = authored(u64::from(STRANGER_MESSAGES_MAX) + 1);
    let mut reader = conversation("anna");
    reader.standing = Standing::New;
    let (last, before) = bodies.split_last().expect("many");
    assert!(before.iter().all(|body| matches!(receive(&mut reader, body), Arrival::New { .. })));
    assert!(matches!(receive(&mut reader, last), Arrival::TooMany));
    assert!(before.iter().all(|body| matches!(receive(&mut reader, body), Arrival::Known)), "what is here is acknowledged again");
    reader.standing = Standing::Accepted;
    assert!(matches!(receive(&mut reader, last), Arrival::New { .. }));
}

#[test]
fn the_outbox_sends_in_order_what_is_durable_and_within_its_window() {
    let mut author = conversation("bela");
    let count = WINDOW_MESSAGES as u64 + 5;
    (1..=count).for_each(|number| drop(author.send(id(number), "text".into(), NOW_MS)));
    assert!(author.next_to_send().is_none(), "nothing is durable yet");
    author.stored_outgoing(id(2));
    assert!(author.next_to_send().is_none(), "the second waits for the first");
    (1..=count).for_each(|number| author.stored_outgoing(id(number)));
    let sent: Vec<MessageId> = std::iter::from_fn(|| author.next_to_send().map(|(id, _)| id)).collect();
    assert_eq!(sent, (1..=WINDOW_MESSAGES as u64).map(id).collect::<Vec<_>>());
    assert_eq!(author.delivered(id(3)).len(), 2);
    assert_eq!(author.next_to_send().map(|(id, _)| id), Some(id(WINDOW_MESSAGES as u64 + 1)));
    assert!(author.delivered(id(3)).is_empty(), "an acknowledgement counts once");
    assert_eq!(author.session_lost().len(), WINDOW_MESSAGES);
    assert_eq!(author.next_to_send().map(|(id, _)| id), Some(id(1)));
}

#[test]
fn nothing_is_taken_for_read_that_is_not_known_to_be_delivered() {
    let mut author = conversation("bela");
    (1..=2).for_each(|number| drop(author.send(id(number), "text".into(), NOW_MS)));
    assert!(author.read_by_peer(1).is_none());
    assert!(!author.delivered(id(1)).is_empty());
    assert!(author.read_by_peer(2).is_some());
    assert_eq!(author.peer_read(), 1);
}

#[test]
fn what_is_still_being_stored_is_neither_unread_nor_read() {
    let bodies = authored(3);
    let mut reader = conversation("anna");
    for body in &bodies {
        assert!(matches!(reader.receive(MessageBody::decode(body).expect("a body"), body, Sealing::Session, NOW_MS), Arrival::New { .. }));
    }
    assert_eq!(reader.unread(), 0);
    assert!(reader.read_here().is_none());
    reader.stored_incoming(id(1));
    assert_eq!(reader.unread(), 1);
    assert!(reader.read_here().is_some());
    assert_eq!((reader.my_read(), reader.unread()), (1, 0));
    (2..=3).for_each(|number| reader.stored_incoming(id(number)));
    assert_eq!(reader.unread(), 2);
    assert!(reader.read_here().is_some() && reader.read_here().is_none());
    assert_eq!((reader.my_read(), reader.unread()), (3, 0));
}

#[test]
fn the_outbox_is_full_at_its_bound() {
    let mut author = conversation("bela");
    for number in 0..OUTBOX_PER_CONTACT_MAX as u64 {
        assert!(!author.is_outbox_full());
        author.send(id(number), "x".into(), NOW_MS);
    }
    assert!(author.is_outbox_full());
}

#[test]
fn a_refused_message_waits_apart_and_goes_again_in_its_place() {
    let mut author = conversation("bela");
    for number in 1..=3 {
        author.send(id(number), format!("text {number}").into(), NOW_MS);
        author.stored_outgoing(id(number));
        author.next_to_send().expect("waits");
    }
    assert_eq!(author.refused(id(2)).len(), 2);
    author.delivered(id(1));
    author.session_lost();
    assert_eq!(author.send_again(id(2)).len(), 2);
    assert!(author.send_again(id(2)).is_empty());
    let sent: Vec<MessageId> = std::iter::from_fn(|| author.next_to_send().map(|(id, _)| id)).collect();
    assert_eq!(sent, [id(2), id(3)]);
}

/// The rows as a store would have them after these writes.
fn stored(writes: impl IntoIterator<Item = Write>) -> Vec<Row> {
    let mut rows = BTreeMap::new();
    for write in writes {
        match write.value {
            Some(value) => drop(rows.insert((write.table, write.key), value)),
            None => drop(rows.remove(&(write.table, write.key))),
        }
    }
    rows.into_iter().map(|((table, key), value)| Row { table, key, value }).collect()
}

#[test]
fn a_conversation_comes_back_from_its_rows() {
    let mut chat = conversation("anna");
    let mut writes = Vec::new();
    for number in 1..=3 {
        writes.extend(chat.send(id(number), format!("mine {number}").into(), NOW_MS).writes);
        chat.stored_outgoing(id(number));
        chat.next_to_send();
    }
    writes.extend(chat.delivered(id(1)));
    writes.extend(chat.refused(id(2)));
    let bodies = authored(4);
    for at in [0, 3] {
        if let Arrival::New { writes: rows, .. } = receive(&mut chat, &bodies[at]) {
            writes.extend(rows);
        }
    }
    writes.extend(chat.read_here());
    let rows = stored(writes);
    let of = |table: Table| rows.iter().filter(move |row| row.table == table);
    let mut back = Conversation::restore(of(Table::Contacts).next().expect("one contact")).expect("a good row");
    of(Table::Outbox).for_each(|row| back.restore_outgoing(row).expect("a good row"));
    assert_eq!(back.row(), chat.row());
    let shown: Vec<MessageView> = of(Table::Messages).map(|row| back.view(&row.key, &row.value).expect("a good row")).collect();
    let states: Vec<(u64, MessageState, u32)> = shown.iter().map(|view| (view.order, view.state, view.gap_before)).collect();
    use MessageState::{Delivered, Failed, Queued};
    assert_eq!(states, [(1, Delivered, 0), (2, Failed, 0), (3, Queued, 0), (4, Delivered, 0), (7, Delivered, 2)]);
    assert!(matches!(receive(&mut back, &bodies[3]), Arrival::Known));
    assert_eq!(back.next_to_send().map(|(id, _)| id), Some(id(3)));
}

#[test]
fn a_clock_far_ahead_is_taken_for_ten_minutes_ahead() {
    let mut reader = conversation("anna");
    let mut body = MessageBody::decode(&authored(1)[0]).expect("a body");
    body.sent_ms = u64::MAX;
    assert_eq!(new_view(receive(&mut reader, &body.encode())).sent_ms, NOW_MS + 600_000);
}

#[test]
fn bodies_out_of_form_are_refused() {
    let good = MessageBody { id: id(1), sent_ms: 1, seq: 1, prev: [0; 32], said: "x".into() };
    let bytes = good.encode();
    assert_eq!(MessageBody::decode(&bytes), Ok(good.clone()));
    let text = |text: &[u8]| [&bytes[..bytes.len() - 1], text].concat();
    for bad in [text(b""), text(b"\xed\xa0\x80"), text(&vec![b'x'; TEXT_BYTES_MAX + 1]), bytes[..40].to_vec()] {
        assert_eq!(MessageBody::decode(&bad), Err(BodyError::Malformed));
    }
    assert!(MessageBody::decode(&text(&vec![b'x'; TEXT_BYTES_MAX])).is_ok());
    assert_eq!(MessageBody::decode(&MessageBody { seq: 0, ..good }.encode()), Err(BodyError::Malformed));
    let mut unknown = bytes;
    unknown[64] = 9;
    assert_eq!(MessageBody::decode(&unknown), Err(BodyError::UnknownType(id(1))));
}

proptest! {
    #[test]
    fn every_order_of_arrival_shows_everything_once_and_in_order(order in Just((0..12_usize).collect::<Vec<_>>()).prop_shuffle(), again in 0..12_usize) {
        let bodies = authored(12);
        let mut reader = conversation("anna");
        // The first message sets the count: it comes first.
        receive(&mut reader, &bodies[0]);
        let mut shown = BTreeMap::new();
        for at in order.into_iter().filter(|at| *at != 0) {
            let view = new_view(receive(&mut reader, &bodies[at]));
            prop_assert!(shown.insert(view.order, view.text).is_none());
        }
        prop_assert!(matches!(receive(&mut reader, &bodies[again]), Arrival::Known));
        let texts: Vec<String> = shown.into_values().collect();
        prop_assert_eq!(texts, (2..=12).map(|number| format!("text {number}")).collect::<Vec<_>>());
    }

    #[test]
    fn no_bytes_make_reading_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = MessageBody::decode(&bytes);
        let _ = view_of_row(&bytes, &bytes);
        let row = Row { table: Table::Contacts, key: b"anna".to_vec(), value: bytes };
        let _ = Conversation::restore(&row);
        let _ = conversation("anna").restore_outgoing(&row);
    }
}
