//! The engine: takes orders from the screen and facts from the platform, drives the node, runs its effects.
//!
//! Its life (`life`): it opens the store, takes the lock of the browser profile, looks for an identity, and runs a node for it
//! (`driver`, and `files` between the person and the disk); without one it waits until the person enrols or restores (`newcomer`). Beside the running node the authority
//! is looked after (`upkeep`). It ends when another tab or machine takes over, or when the authority is not the pinned one.

mod action;

#[cfg(target_arch = "wasm32")]
mod driver;
#[cfg(target_arch = "wasm32")]
mod effects;
#[cfg(target_arch = "wasm32")]
mod files;
#[cfg(target_arch = "wasm32")]
mod life;
#[cfg(target_arch = "wasm32")]
mod newcomer;
#[cfg(target_arch = "wasm32")]
mod upkeep;

use std::rc::Rc;

pub use action::Action;
#[cfg(target_arch = "wasm32")]
pub use files::{DeskReach, FileDesk};
#[cfg(target_arch = "wasm32")]
pub use life::Engine;

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
