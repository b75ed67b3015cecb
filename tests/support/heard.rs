//! Inputs that a test can wait for.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use b4::platform::Inputs;
use b4_protocol::node::Input;

/// Inputs as they came.
#[derive(Clone, Default)]
pub struct Heard {
    shared: Rc<RefCell<Shared>>,
}

#[derive(Default)]
struct Shared {
    inputs: VecDeque<Input>,
    waker: Option<Waker>,
}

impl Heard {
    /// Where the platform leaves its inputs.
    pub fn inputs(&self) -> Inputs {
        let shared = Rc::clone(&self.shared);
        Inputs::new(move |input| {
            let waker = {
                let mut shared = shared.borrow_mut();
                shared.inputs.push_back(input);
                shared.waker.take()
            };
            if let Some(waker) = waker {
                waker.wake();
            }
        })
    }

    /// The next one.
    pub async fn next(&self) -> Input {
        poll_fn(|context| {
            let mut shared = self.shared.borrow_mut();
            match shared.inputs.pop_front() {
                Some(input) => Poll::Ready(input),
                None => {
                    shared.waker = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.shared.borrow().inputs.len()
    }
}
