//! Deterministic worlds: the node and the relay of the product, under a virtual clock, with a network that can fail.
//!
//! Everything follows from the seed: the same seed gives the same trace. Keys are real and ready-made.

pub mod overlay;
mod end;
mod machine;
mod relay_host;
mod store;
mod world;

pub use machine::{Seen, ShownMessage};
pub use store::{DiskFault, MemoryStore};
pub use world::{NodeIndex, World, WorldConfig};
