//! One node a browser profile. Two lock objects in one page stand for two tabs.
#![cfg(target_arch = "wasm32")]

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use b4::platform::{GiveUp, TabLock, TabLocks};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen_test]
async fn only_one_holds_the_lock_and_the_next_gets_it_when_it_is_let_go() {
    let (first, second) = tabs("test-queue");
    let held = take(&first, || ()).await.expect("nobody holds it");
    assert!(take(&second, || ()).await.is_none());
    let give_up = GiveUp::new().expect("there is an abort");
    b4::platform::spawn(async move { drop(held) });
    let queued = second.wait(&give_up, || ()).await.expect("the wait ends");
    assert!(queued.is_some());
    assert!(take(&first, || ()).await.is_none());
}

#[wasm_bindgen_test]
async fn who_is_asked_hears_it_and_lets_go() {
    let (first, second) = tabs("test-ask");
    let holding: Rc<RefCell<Option<TabLock>>> = Rc::default();
    let asked = Rc::new(Cell::new(0));
    let (letting_go, counting) = (Rc::clone(&holding), Rc::clone(&asked));
    let held = take(&first, move || {
        counting.set(counting.get() + 1);
        letting_go.replace(None);
    });
    holding.replace(held.await);
    second.ask_for_it().await;
    assert_eq!(asked.get(), 1);
    assert!(take(&second, || ()).await.is_some());
}

#[wasm_bindgen_test]
async fn who_does_not_answer_is_robbed_and_told_once() {
    let (first, second) = tabs("test-rob");
    let told = Rc::new(Cell::new(0));
    let counting = Rc::clone(&told);
    let _held = take(&first, move || counting.set(counting.get() + 1)).await.expect("nobody holds it");
    let robbed = second.rob(|| ()).await.expect("robbing is possible");
    assert!(robbed.is_some());
    assert_eq!(told.get(), 1);
}

#[wasm_bindgen_test]
async fn a_wait_can_be_given_up() {
    let (first, second) = tabs("test-give-up");
    let _held = take(&first, || ()).await.expect("nobody holds it");
    let give_up = GiveUp::new().expect("there is an abort");
    let ending = give_up.clone();
    b4::platform::spawn(async move { ending.give_up() });
    let end = second.wait(&give_up, || ()).await;
    assert!(end.is_err_and(|why| why.is_abort()));
}

fn tabs(name: &str) -> (TabLocks, TabLocks) {
    let tab = || TabLocks::new(name).expect("there are broadcast channels");
    (tab(), tab())
}

async fn take(tab: &TabLocks, on_lost: impl Fn() + 'static) -> Option<TabLock> {
    tab.try_take(on_lost).await.expect("asking is possible")
}
