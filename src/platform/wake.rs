//! The one timer of the page that the core's deadlines share, and a pause for the engine's own waits.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use b4_protocol::node::Input;
use b4_protocol::time::Now;
use gloo::timers::callback::Timeout;
use js_sys::Promise;

use super::{Inputs, js};

/// Longest single wait in milliseconds: the browser's limit is 2^31 - 1, and an early wake is harmless.
const WAIT_MS_MAX: u64 = 3_600_000;

/// One timer that becomes `Input::Wake`.
pub struct Wake {
    armed: Rc<Armed>,
}

struct Armed {
    inputs: Inputs,
    at: Cell<Option<u64>>,
    timer: RefCell<Option<Timeout>>,
}

impl Wake {
    /// A timer that is not armed.
    pub fn new(inputs: Inputs) -> Self {
        Self { armed: Rc::new(Armed { inputs, at: Cell::new(None), timer: RefCell::new(None) }) }
    }

    /// Arms the timer for `deadline` on the monotonic clock.
    ///
    /// A timer that fires earlier already is left as it is: the core takes an early wake for what it is, and busy sessions
    /// move their deadlines with every frame.
    pub fn arm(&self, deadline: Option<u64>, now: Now) {
        let Some(deadline) = deadline else { return };
        if self.armed.at.get().is_some_and(|at| at <= deadline) {
            return;
        }
        let wait_ms = deadline.saturating_sub(now.mono).min(WAIT_MS_MAX);
        self.armed.at.set(Some(now.mono + wait_ms));
        let armed = Rc::clone(&self.armed);
        let timer = Timeout::new(wait_ms as u32, move || {
            armed.at.set(None);
            armed.inputs.send(Input::Wake);
        });
        // The one before, if any, is cancelled by being dropped.
        self.armed.timer.replace(Some(timer));
    }
}

impl Drop for Wake {
    fn drop(&mut self) {
        // The timer's closure holds the other end of this Rc.
        self.armed.timer.replace(None);
    }
}

/// A wait that ends by itself.
pub struct Pause;

impl Pause {
    /// Waits.
    pub async fn for_ms(wait_ms: u32) {
        let wait_ms = i32::try_from(wait_ms).unwrap_or(i32::MAX);
        let promise = Promise::new(&mut |resolve, _| {
            // A page that cannot wait goes on at once.
            if js::window().set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, wait_ms).is_err() {
                let _ = resolve.call0(&resolve);
            }
        });
        // A timer has no way to fail.
        let _ = js::settled("setTimeout", promise).await;
    }
}
