//! What every store must do. Written once; run on the fake natively and on IndexedDB in the browser.

use b4::platform::store::{RowRange, RowStore};
use b4_protocol::crypto::Ticket;
use b4_protocol::node::{Input, Row, Table, Write};

use crate::heard::Heard;

/// A store under test with everything that it answers.
pub struct Subject<'a, S> {
    /// An empty store that answers to `heard`.
    pub store: &'a S,
    /// What it answers.
    pub heard: &'a Heard,
}

/// The contract of a store that works.
pub async fn store_contract<S: RowStore>(subject: &Subject<'_, S>) {
    what_is_stored_is_loaded_highest_key_first(subject).await;
    a_prefix_and_a_bound_cut_out_a_page(subject).await;
    keys_are_ordered_as_bytes_and_tables_are_apart(subject).await;
    later_writes_win_and_deleting_removes(subject).await;
    every_ticket_of_a_burst_is_answered_once_and_in_order(subject).await;
    a_load_sees_the_writes_ordered_before_it(subject).await;
    empty_writes_are_answered(subject).await;
}

/// The contract of a store that does not take anything.
pub async fn broken_store_contract<S: RowStore>(subject: &Subject<'_, S>) {
    for ticket in 900..903 {
        subject.store.store(Ticket(ticket), vec![put(Table::Meta, b"lost", b"")]);
    }
    let mut failed = Vec::new();
    while failed.len() < 3 {
        match subject.heard.next().await {
            Input::StoreFailed { tickets, .. } => failed.extend(tickets),
            other => panic!("a broken store answered {other:?}"),
        }
    }
    assert_eq!(failed, [Ticket(900), Ticket(901), Ticket(902)]);
    subject.store.load(Ticket(903), RowRange::all(Table::Meta));
    match subject.heard.next().await {
        Input::Loaded { ticket: Ticket(903), rows: None } => {}
        other => panic!("a broken store answered {other:?}"),
    }
}

async fn what_is_stored_is_loaded_highest_key_first<S: RowStore>(subject: &Subject<'_, S>) {
    let writes = [b"a", b"c", b"b"].map(|key| put(Table::Contacts, key, &[key[0]; 3]));
    subject.stored(1, writes.to_vec()).await;
    let rows = subject.loaded(2, RowRange::all(Table::Contacts)).await;
    let expected = [b"c", b"b", b"a"].map(|key| row(Table::Contacts, key, &[key[0]; 3]));
    assert_eq!(rows, expected);
}

async fn a_prefix_and_a_bound_cut_out_a_page<S: RowStore>(subject: &Subject<'_, S>) {
    let key = |order: u8| [b"with\x00".as_slice(), &[order]].concat();
    let mut writes: Vec<_> = (0..20).map(|order| put(Table::Messages, &key(order), &[order])).collect();
    writes.push(put(Table::Messages, b"with\x01", b"other"));
    writes.push(put(Table::Messages, b"wit", b"other"));
    subject.stored(10, writes).await;
    let page = |before: Option<u8>, limit| RowRange {
        table: Table::Messages,
        prefix: b"with\x00".to_vec(),
        before: before.map(key),
        limit,
    };
    let values = |rows: Vec<Row>| rows.into_iter().map(|row| row.value[0]).collect::<Vec<_>>();
    assert_eq!(values(subject.loaded(11, page(None, 3)).await), [19, 18, 17]);
    assert_eq!(values(subject.loaded(12, page(Some(17), 3)).await), [16, 15, 14]);
    assert_eq!(values(subject.loaded(13, page(Some(2), 9)).await), [1, 0]);
    assert_eq!(subject.loaded(14, page(Some(0), 9)).await, []);
    assert_eq!(subject.loaded(15, page(None, 0)).await, []);
    assert_eq!(subject.loaded(16, page(None, u32::MAX)).await.len(), 20);
}

async fn keys_are_ordered_as_bytes_and_tables_are_apart<S: RowStore>(subject: &Subject<'_, S>) {
    let keys: [&[u8]; 5] = [b"", b"\x00", b"\x7f\xff", b"\x80", b"\xff\xff"];
    let writes = keys.iter().rev().map(|key| put(Table::Meta, key, b"")).collect();
    subject.stored(20, writes).await;
    let loaded: Vec<_> = subject.loaded(21, RowRange::all(Table::Meta)).await.into_iter().map(|row| row.key).collect();
    assert_eq!(loaded, keys.iter().rev().map(|key| key.to_vec()).collect::<Vec<_>>());
    assert_eq!(subject.loaded(22, RowRange::all(Table::Outbox)).await, []);
}

async fn later_writes_win_and_deleting_removes<S: RowStore>(subject: &Subject<'_, S>) {
    let delete = |key: &[u8]| Write { table: Table::Outbox, key: key.to_vec(), value: None };
    subject.stored(30, vec![put(Table::Outbox, b"k", b"1"), put(Table::Outbox, b"k", b"2"), delete(b"nothing")]).await;
    assert_eq!(subject.loaded(31, RowRange::all(Table::Outbox)).await, [row(Table::Outbox, b"k", b"2")]);
    subject.stored(32, vec![put(Table::Outbox, b"k", b"3"), delete(b"k")]).await;
    assert_eq!(subject.loaded(33, RowRange::all(Table::Outbox)).await, []);
}

async fn every_ticket_of_a_burst_is_answered_once_and_in_order<S: RowStore>(subject: &Subject<'_, S>) {
    let burst = 100..400;
    for ticket in burst.clone() {
        subject.store.store(Ticket(ticket), vec![put(Table::Messages, format!("burst {ticket}").as_bytes(), &[7; 600])]);
    }
    let mut answered = Vec::new();
    while answered.len() < burst.clone().count() {
        match subject.heard.next().await {
            Input::Stored { tickets } => answered.extend(tickets),
            other => panic!("a burst was answered by {other:?}"),
        }
    }
    assert_eq!(answered, burst.map(Ticket).collect::<Vec<_>>());
    assert_eq!(subject.heard.waiting(), 0);
}

async fn a_load_sees_the_writes_ordered_before_it<S: RowStore>(subject: &Subject<'_, S>) {
    subject.store.store(Ticket(40), vec![put(Table::Meta, b"seen", b"yes")]);
    subject.store.load(Ticket(41), RowRange { prefix: b"seen".to_vec(), ..RowRange::all(Table::Meta) });
    let (mut stored, mut rows) = (false, None);
    while !stored || rows.is_none() {
        match subject.heard.next().await {
            Input::Stored { tickets } => stored = tickets == [Ticket(40)],
            Input::Loaded { ticket: Ticket(41), rows: Some(loaded) } => rows = Some(loaded),
            other => panic!("answered by {other:?}"),
        }
    }
    assert_eq!(rows.expect("just loaded"), [row(Table::Meta, b"seen", b"yes")]);
}

async fn empty_writes_are_answered<S: RowStore>(subject: &Subject<'_, S>) {
    subject.stored(50, Vec::new()).await;
}

impl<S: RowStore> Subject<'_, S> {
    async fn stored(&self, ticket: u64, writes: Vec<Write>) {
        self.store.store(Ticket(ticket), writes);
        match self.heard.next().await {
            Input::Stored { tickets } => assert_eq!(tickets, [Ticket(ticket)]),
            other => panic!("a write was answered by {other:?}"),
        }
    }

    async fn loaded(&self, ticket: u64, range: RowRange) -> Vec<Row> {
        self.store.load(Ticket(ticket), range);
        match self.heard.next().await {
            Input::Loaded { ticket: answered, rows: Some(rows) } if answered == Ticket(ticket) => rows,
            other => panic!("a load was answered by {other:?}"),
        }
    }
}

fn put(table: Table, key: &[u8], value: &[u8]) -> Write {
    Write { table, key: key.to_vec(), value: Some(value.to_vec()) }
}

fn row(table: Table, key: &[u8], value: &[u8]) -> Row {
    Row { table, key: key.to_vec(), value: value.to_vec() }
}
