//! The contract of a store, on IndexedDB, in a real browser; and what only IndexedDB can show.
#![cfg(target_arch = "wasm32")]

#[path = "support/heard.rs"]
mod heard;
#[path = "support/store_contract.rs"]
mod store_contract;

use std::cell::Cell;
use std::rc::Rc;

use b4::platform::keys::{DeviceKeys, KeyMaterial};
use b4::platform::store::{Database, RowRange, RowStore, Rows, StoredIdentity, load_identity, save_identity};
use b4_protocol::crypto::{Ticket, VerifyKey};
use b4_protocol::node::{Input, Table, Write};
use heard::Heard;
use store_contract::{Subject, broken_store_contract, store_contract};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen_test]
async fn indexeddb_keeps_the_contract_of_a_store() {
    let database = fresh("contract").await;
    let heard = Heard::default();
    let rows = Rows::new(Rc::clone(&database), heard.inputs());
    store_contract(&Subject { store: &rows, heard: &heard }).await;
    database.close();
    broken_store_contract(&Subject { store: &rows, heard: &heard }).await;
}

#[wasm_bindgen_test]
async fn writes_that_come_while_one_is_under_way_share_the_next_transaction() {
    let database = fresh("groups").await;
    let heard = Heard::default();
    let rows = Rows::new(database, heard.inputs());
    for ticket in 0..100 {
        let write = Write { table: Table::Messages, key: vec![ticket as u8], value: Some(vec![1; 100]) };
        rows.store(Ticket(ticket), vec![write]);
    }
    let mut groups = Vec::new();
    while groups.iter().sum::<usize>() < 100 {
        if let Input::Stored { tickets } = heard.next().await {
            groups.push(tickets.len());
        }
    }
    assert_eq!(groups, [1, 99]);
}

#[wasm_bindgen_test]
async fn rows_and_identity_are_there_after_opening_again() {
    let database = fresh("again").await;
    let heard = Heard::default();
    let rows = Rows::new(Rc::clone(&database), heard.inputs());
    assert!(load_identity(&database).await.expect("an empty store can be read").is_none());
    let material = KeyMaterial::generate().await.expect("WebCrypto makes keys");
    let identity = StoredIdentity {
        keys: DeviceKeys::import(&material).await.expect("its own keys can be imported"),
        certificate: vec![1, 2, 3],
        certified_ms: 1_700_000_000_123,
        authority: "pem".to_owned(),
        revoked: Some(vec![4]),
    };
    save_identity(&database, &identity).await.expect("the store takes an identity");
    rows.store(Ticket(1), vec![Write { table: Table::Contacts, key: vec![1], value: Some(vec![2]) }]);
    assert!(matches!(heard.next().await, Input::Stored { .. }));
    drop((rows, database));

    let database = Database::open("test-again", || ()).await.expect("it opens again");
    let found = load_identity(&database).await.expect("it can be read").expect("there is one");
    assert_eq!((found.certificate, found.certified_ms), (vec![1, 2, 3], 1_700_000_000_123));
    assert_eq!((found.authority.as_str(), found.revoked), ("pem", Some(vec![4])));
    assert!(found.keys.export_is_refused().await);
    let signature = found.keys.sign(b"B4/v1/test".to_vec()).await.expect("the stored key signs");
    let key = VerifyKey::from_spki_der(&material.signing_spki).expect("the exported key is one");
    key.verify(b"B4/v1/test", &signature).expect("the stored key is the same");
    let rows = Rows::new(database, heard.inputs());
    rows.load(Ticket(2), RowRange::all(Table::Contacts));
    match heard.next().await {
        Input::Loaded { rows: Some(rows), .. } => assert_eq!(rows.len(), 1),
        other => panic!("loading was answered by {other:?}"),
    }
}

#[wasm_bindgen_test]
async fn a_newer_version_in_another_tab_takes_the_store_away() {
    let lost = Rc::new(Cell::new(false));
    Database::delete("test-lost").await.expect("what is not there can be deleted");
    let lost_here = Rc::clone(&lost);
    let _database = Database::open("test-lost", move || lost_here.set(true)).await.expect("it opens");
    // Deleting asks like a newer version does.
    Database::delete("test-lost").await.expect("it gives way");
    assert!(lost.get());
}

/// A store as the first version of the schema made it, with one row.
const FIRST_VERSION: &str = "new Promise((done, failed) => {
    const opening = indexedDB.open('test-first', 1);
    opening.onerror = () => failed(opening.error);
    opening.onupgradeneeded = () => {
        for (const table of ['meta', 'contacts', 'outbox', 'messages', 'identity']) opening.result.createObjectStore(table);
        opening.transaction.objectStore('contacts').put(new Uint8Array([2]), new Uint8Array([1]));
    };
    opening.onsuccess = () => { opening.result.close(); done(); };
})";

#[wasm_bindgen_test]
async fn a_store_of_the_first_version_keeps_its_rows_and_takes_mail() {
    Database::delete("test-first").await.expect("what is not there can be deleted");
    let making: js_sys::Promise = js_sys::eval(FIRST_VERSION).expect("a promise").into();
    wasm_bindgen_futures::JsFuture::from(making).await.expect("made");
    let database = Database::open("test-first", || ()).await.expect("it opens");
    let heard = Heard::default();
    let rows = Rows::new(database, heard.inputs());
    let mail = [Table::Sealed, Table::Held, Table::Envelopes, Table::Seen];
    rows.store(Ticket(1), mail.map(|table| Write { table, key: vec![3], value: Some(vec![4]) }).to_vec());
    assert!(matches!(heard.next().await, Input::Stored { .. }));
    for (ticket, table) in (2..).zip(mail.into_iter().chain([Table::Contacts])) {
        rows.load(Ticket(ticket), RowRange::all(table));
        match heard.next().await {
            Input::Loaded { rows: Some(rows), .. } => assert_eq!(rows.len(), 1, "{table:?}"),
            other => panic!("loading was answered by {other:?}"),
        }
    }
}

async fn fresh(name: &str) -> Rc<Database> {
    let name = format!("test-{name}");
    Database::delete(&name).await.expect("what is not there can be deleted");
    Database::open(&name, || ()).await.expect("a new database opens")
}
