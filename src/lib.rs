//! The app of B4: a screen, an engine, and the browser under it. See ARCHITECTURE.md.

pub mod engine;
pub mod platform;
pub mod state;
