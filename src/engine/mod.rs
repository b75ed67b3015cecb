//! The engine: takes orders from the screen and facts from the platform, drives the node, runs its effects.

mod action;

use std::rc::Rc;

pub use action::Action;

/// How the screen reaches the engine. Cheap to clone; two handles are equal when they reach the same engine.
#[derive(Clone)]
pub struct EngineHandle {
    send: Rc<dyn Fn(Action)>,
}

impl EngineHandle {
    /// A handle that hands every action to `send`.
    pub fn new(send: impl Fn(Action) + 'static) -> Self {
        Self { send: Rc::new(send) }
    }

    /// Orders something; returns at once.
    pub fn send(&self, action: Action) {
        (self.send)(action);
    }
}

impl PartialEq for EngineHandle {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.send, &other.send)
    }
}
