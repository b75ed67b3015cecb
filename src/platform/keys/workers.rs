//! Threads for the private keys. Browsers may carry out an operation of WebCrypto on the thread that asks for it (Chromium 156 does:
//! 2 ms for each letter that is unwrapped), so the page asks others: `www/keys.js`.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use b4_protocol::ordered::OrderedMap;
use gloo::events::EventListener;
use js_sys::{Array, Function, Object, Promise, Uint8Array};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{CryptoKey, MessageEvent, Worker};

use crate::platform::js;

/// Threads at most: more would gain little, and each is a script engine of its own. Guess.
const WORKERS_MAX: usize = 3;

#[wasm_bindgen]
extern "C" {
    // boot.js alone may make a worker of a URL, and does nothing else with the name. Without it there are no workers.
    #[wasm_bindgen(catch, js_name = b4KeyWorker)]
    fn new_worker() -> Result<Worker, JsValue>;
}

/// The page's key workers, begun when there is more to do than those that are there can do at once.
pub(super) struct Workers {
    running: RefCell<Vec<Rc<Running>>>,
    max: usize,
    is_broken: Rc<Cell<bool>>,
}

struct Running {
    worker: Worker,
    waiting: Rc<Waiting>,
    _listeners: [EventListener; 3],
}

/// What is under way: its number, and what becomes of its answer.
#[derive(Default)]
struct Waiting {
    answers: RefCell<OrderedMap<u32, Function>>,
    next: Cell<u32>,
}

impl Workers {
    /// One worker, where the browser has a core for it beside the page's own.
    pub(super) fn new() -> Self {
        let cores = js::window().navigator().hardware_concurrency() as usize;
        let workers = Self { running: RefCell::default(), max: cores.saturating_sub(1).min(WORKERS_MAX), is_broken: Rc::default() };
        workers.least_busy();
        workers
    }

    /// Has a worker carry out `method` of WebCrypto. `None` where there is no worker: the page is to do it itself. Else the bytes that came
    /// of it, or nothing where WebCrypto refused.
    pub(super) async fn perform(&self, method: &str, how: &Object, key: &CryptoKey, data: &[u8]) -> Option<Option<Vec<u8>>> {
        let running = self.least_busy()?;
        let number = running.waiting.next.get();
        running.waiting.next.set(number.wrapping_add(1));
        let message = Array::of5(&number.into(), &method.into(), how, key, &Uint8Array::from(data));
        let answer = Promise::new(&mut |resolve, _| drop(running.waiting.answers.borrow_mut().insert(number, resolve)));
        if running.worker.post_message(&message).is_err() {
            self.is_broken.set(true);
            running.waiting.give_back();
        }
        let answer = js::settled("key worker", answer).await.ok()?;
        // `null` for one that broke before it answered, `undefined` for a refusal.
        (!answer.is_null()).then(|| (!answer.is_undefined()).then(|| js::bytes(&answer)))
    }

    fn least_busy(&self) -> Option<Rc<Running>> {
        if self.is_broken.get() {
            return None;
        }
        let mut running = self.running.borrow_mut();
        let least = running.iter().min_by_key(|running| running.load()).cloned();
        if running.len() < self.max && least.as_ref().is_none_or(|least| least.load() > 0) {
            if let Ok(worker) = new_worker() {
                running.push(Rc::new(Running::listening(worker, &self.is_broken)));
                return running.last().cloned();
            }
            self.is_broken.set(true);
            return None;
        }
        least
    }
}

impl Running {
    fn listening(worker: Worker, is_broken: &Rc<Cell<bool>>) -> Self {
        let waiting = Rc::new(Waiting::default());
        let answered = Rc::clone(&waiting);
        let answers = EventListener::new(&worker, "message", move |event| {
            if let Some(event) = event.dyn_ref::<MessageEvent>() {
                answered.answered(&event.data().into());
            }
        });
        // It could not be loaded, or said what cannot be read.
        let breaks = ["error", "messageerror"].map(|name| {
            let (is_broken, waiting) = (Rc::clone(is_broken), Rc::clone(&waiting));
            EventListener::new(&worker, name, move |_| {
                is_broken.set(true);
                waiting.give_back();
            })
        });
        let [error, unreadable] = breaks;
        Self { worker, waiting, _listeners: [answers, error, unreadable] }
    }

    fn load(&self) -> usize {
        self.waiting.answers.borrow().len()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.worker.terminate();
        self.waiting.give_back();
    }
}

impl Waiting {
    /// A number, and what came of it where it was not refused.
    fn answered(&self, said: &Array) {
        let answer = said.get(0).as_f64().and_then(|number| self.answers.borrow_mut().remove(&(number as u32)));
        if let Some(answer) = answer {
            // A promise's own function does not throw.
            let _ = answer.call1(&JsValue::UNDEFINED, &said.get(1));
        }
    }

    /// All that is under way is to be done elsewhere.
    fn give_back(&self) {
        for (_, answer) in self.answers.take() {
            let _ = answer.call1(&JsValue::UNDEFINED, &JsValue::NULL);
        }
    }
}
