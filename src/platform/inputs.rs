//! Where every part of the platform leaves the facts it learned.

use std::rc::Rc;

use b4_protocol::node::Input;

/// Takes inputs to the node. Cheap to clone; never blocks; may be called from within an effect.
#[derive(Clone)]
pub struct Inputs {
    send: Rc<dyn Fn(Input)>,
}

impl Inputs {
    /// Hands every input to `send`.
    pub fn new(send: impl Fn(Input) + 'static) -> Self {
        Self { send: Rc::new(send) }
    }

    /// Hands on one input.
    pub fn send(&self, input: Input) {
        (self.send)(input);
    }
}
