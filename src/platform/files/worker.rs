//! The worker for the bytes of files: `www/files.js`.

use std::rc::Rc;

use gloo::events::EventListener;
use js_sys::Array;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use web_sys::{MessageEvent, Worker};

use super::Inner;

#[wasm_bindgen]
extern "C" {
    // boot.js alone may make a worker of a URL, and does nothing else with the name. Without it there is none.
    #[wasm_bindgen(catch, js_name = b4FileWorker)]
    fn new_worker() -> Result<Worker, JsValue>;
}

/// A worker that runs until dropped.
pub(super) struct Running {
    worker: Worker,
    _listeners: [EventListener; 3],
}

impl Running {
    /// Begins one; what it says goes to `to`.
    pub(super) fn begin(to: &Rc<Inner>) -> Result<Self, JsValue> {
        let worker = new_worker()?;
        let inner = Rc::downgrade(to);
        let says = EventListener::new(&worker, "message", move |event| {
            if let (Some(inner), Some(event)) = (inner.upgrade(), event.dyn_ref::<MessageEvent>()) {
                inner.said(&event.data().unchecked_into());
            }
        });
        // It could not be loaded, threw, or said what cannot be read.
        let [error, unreadable] = ["error", "messageerror"].map(|name| {
            let inner = Rc::downgrade(to);
            EventListener::new(&worker, name, move |_| {
                if let Some(inner) = inner.upgrade() {
                    inner.broken();
                }
            })
        });
        Ok(Self { worker, _listeners: [says, error, unreadable] })
    }

    /// Hands on an order. False where it cannot be.
    pub(super) fn post(&self, order: &Array, transfer: Option<&Array>) -> bool {
        let posted = match transfer {
            Some(transfer) => self.worker.post_message_with_transfer(order, transfer),
            None => self.worker.post_message(order),
        };
        posted.is_ok()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.worker.terminate();
    }
}
