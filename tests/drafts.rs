//! What was begun is kept by the browser, behind what is written.
#![cfg(target_arch = "wasm32")]

use b4::platform::{DraftStore, Pause};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::Event;

wasm_bindgen_test_configure!(run_in_browser);

/// Longer than a text may be unwritten.
const WRITTEN_MS: u32 = 500;

fn stored(to: &str) -> Option<String> {
    let storage = web_sys::window().and_then(|window| window.session_storage().ok().flatten()).expect("a tab has a storage");
    storage.get_item(&format!("b4-draft-{to}")).expect("it can be read")
}

#[wasm_bindgen_test]
async fn what_was_begun_is_written_soon_and_read_by_the_next_page() {
    let drafts = DraftStore::default();
    drafts.keep("soon", "Dear");
    drafts.keep("soon", "Dear Bela");
    assert_eq!((drafts.text("soon").as_str(), stored("soon")), ("Dear Bela", None));
    Pause::for_ms(WRITTEN_MS).await;
    assert_eq!(stored("soon").as_deref(), Some("Dear Bela"));
    assert_eq!((DraftStore::default().text("soon").as_str(), DraftStore::default().text("another").as_str()), ("Dear Bela", ""));
    drafts.keep("soon", "");
    assert_eq!(drafts.text("soon"), "");
    Pause::for_ms(WRITTEN_MS).await;
    assert_eq!(stored("soon"), None);
}

#[wasm_bindgen_test]
async fn what_is_begun_when_the_page_goes_or_hides_is_written_at_once() {
    let window = web_sys::window().expect("a page");
    for (event, to) in [("pagehide", "goes"), ("visibilitychange", "hides")] {
        let drafts = DraftStore::default();
        drafts.keep(to, "Dear Bela");
        assert_eq!(stored(to), None);
        window.dispatch_event(&Event::new(event).expect("an event")).expect("it is heard");
        assert_eq!(stored(to).as_deref(), Some("Dear Bela"), "{event}");
    }
}

#[wasm_bindgen_test]
async fn what_is_sent_as_soon_as_it_is_written_never_reaches_the_storage() {
    let drafts = DraftStore::default();
    drafts.keep("sent", "hello");
    drafts.keep("sent", "");
    Pause::for_ms(WRITTEN_MS).await;
    assert_eq!((drafts.text("sent").as_str(), stored("sent")), ("", None));
}
