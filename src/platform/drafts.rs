//! What was begun and not sent, in this tab. It goes with the tab.
//!
//! Written behind: a text that is sent as soon as it is written never reaches the storage, whose writes hold up the page.

use std::cell::RefCell;
use std::rc::Rc;

use b4_protocol::ordered::OrderedMap;
use gloo::events::EventListener;
use gloo::timers::callback::Timeout;
use web_sys::Storage;

use super::js;

/// Key in `sessionStorage`, before the name of whom it is for.
const KEY: &str = "b4-draft-";
/// How long a text may be unwritten: what a tab that dies loses. Guess: less than a person would mind writing again.
const WAIT_MS: u32 = 300;

/// The drafts of this tab.
pub struct DraftStore {
    kept: Rc<Kept>,
    _going: [EventListener; 2],
}

#[derive(Default)]
struct Kept {
    drafts: RefCell<OrderedMap<String, Draft>>,
    timer: RefCell<Option<Timeout>>,
}

#[derive(Default)]
struct Draft {
    text: String,
    /// What the storage has; empty for nothing.
    stored: String,
}

impl Default for DraftStore {
    fn default() -> Self {
        let kept = Rc::new(Kept::default());
        // The page may not run again after either.
        let going = ["pagehide", "visibilitychange"].map(|name| {
            let kept = Rc::clone(&kept);
            EventListener::new(&js::window(), name, move |_| kept.write())
        });
        Self { kept, _going: going }
    }
}

impl DraftStore {
    /// What was begun for `to`, or nothing.
    pub fn text(&self, to: &str) -> String {
        self.kept.drafts.borrow_mut().entry(to.to_owned()).or_insert_with(|| Draft::read(to)).text.clone()
    }

    /// Keeps what was begun; an empty text is none. Where the browser keeps nothing, it lasts as long as the page.
    pub fn keep(&self, to: &str, text: &str) {
        self.kept.drafts.borrow_mut().entry(to.to_owned()).or_insert_with(|| Draft::read(to)).text = text.to_owned();
        if self.kept.timer.borrow().is_none() {
            let kept = Rc::clone(&self.kept);
            *self.kept.timer.borrow_mut() = Some(Timeout::new(WAIT_MS, move || kept.write()));
        }
    }
}

impl Kept {
    fn write(&self) {
        self.timer.take();
        let Some(storage) = storage() else { return };
        for (to, draft) in self.drafts.borrow_mut().iter_mut().filter(|(_, draft)| draft.text != draft.stored) {
            let key = format!("{KEY}{to}");
            let written = if draft.text.is_empty() { storage.remove_item(&key) } else { storage.set_item(&key, &draft.text) };
            if written.is_ok() {
                draft.stored.clone_from(&draft.text);
            }
        }
    }
}

impl Draft {
    fn read(to: &str) -> Self {
        let stored = storage().and_then(|storage| storage.get_item(&format!("{KEY}{to}")).ok().flatten()).unwrap_or_default();
        Self { text: stored.clone(), stored }
    }
}

fn storage() -> Option<Storage> {
    js::window().session_storage().ok().flatten()
}
