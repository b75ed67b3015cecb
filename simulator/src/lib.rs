//! Deterministic worlds: the node and the relay of the product, under a virtual clock, with a network that can fail; and the
//! experiments on rings of many nodes, which the program of this crate runs.
//!
//! Everything follows from the seed: the same seed gives the same trace. Keys are real and ready-made;
//! only worlds of over a thousand rings, and those that are many, go without.
//! For the browser there are the rings alone: the relay and the keys are native.

pub mod chord;
mod draws;
#[cfg(not(target_arch = "wasm32"))]
mod end;
pub mod event_queue;
pub mod experiments;
#[cfg(not(target_arch = "wasm32"))]
mod machine;
pub mod overlay;
#[cfg(not(target_arch = "wasm32"))]
mod relay_host;
pub mod report;
mod store;
mod trace;
#[cfg(not(target_arch = "wasm32"))]
mod world;

pub use draws::Draws;
#[cfg(not(target_arch = "wasm32"))]
pub use machine::{Seen, ShownMessage};
pub use store::{DiskFault, MemoryStore};
pub use trace::TraceHash;
#[cfg(not(target_arch = "wasm32"))]
pub use world::{MailHeard, Mailman, NodeIndex, World, WorldConfig, honest_hello};
