//! The app of B4: a screen, an engine, and the browser under it. See ARCHITECTURE.md.

#[cfg(target_arch = "wasm32")]
mod app;
pub mod engine;
pub mod platform;
pub mod state;
pub mod ui;

#[cfg(target_arch = "wasm32")]
pub use app::mount;
