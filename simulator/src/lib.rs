//! Deterministic worlds: the node and the relay of the product, under a virtual clock, with a network that can fail; and the
//! experiments on rings of many nodes, which the program of this crate runs.
//!
//! Everything follows from the seed: the same seed gives the same trace. Keys are real and ready-made.

pub mod chord;
mod draws;
mod end;
pub mod event_queue;
pub mod experiments;
mod machine;
pub mod overlay;
mod relay_host;
pub mod report;
mod store;
mod trace;
mod world;

pub use draws::Draws;
pub use machine::{Seen, ShownMessage};
pub use store::{DiskFault, MemoryStore};
pub use trace::TraceHash;
pub use world::{NodeIndex, World, WorldConfig};
