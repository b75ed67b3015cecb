//! The contract of a store, on the disk of simulated worlds, natively: what makes it trustworthy is that IndexedDB passes the same.
#![cfg(not(target_arch = "wasm32"))]

#[path = "support/fake_store.rs"]
mod fake_store;
#[path = "support/heard.rs"]
mod heard;
#[path = "support/store_contract.rs"]
mod store_contract;

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use heard::Heard;
use fake_store::FakeStore;
use store_contract::{Subject, broken_store_contract, store_contract};

#[test]
fn the_disk_of_simulated_worlds_keeps_the_contract_of_a_store() {
    let heard = Heard::default();
    let store = FakeStore::new(heard.inputs());
    finish(store_contract(&Subject { store: &store, heard: &heard }));
    store.break_down();
    finish(broken_store_contract(&Subject { store: &store, heard: &heard }));
}

/// Runs what never really waits: the fake has answered before it is asked.
fn finish(work: impl Future<Output = ()>) {
    let done = pin!(work).poll(&mut Context::from_waker(Waker::noop()));
    assert_eq!(done, Poll::Ready(()), "the fake left a question unanswered");
}
