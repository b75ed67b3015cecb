//! Whole-product tests of B4: real browsers, the real relay, nothing faked.
//!
//! From below: [`process`] starts programs and ends them, [`relay`] is the relay as a child process, [`driver`] speaks to one
//! chromedriver, [`browser`] is one Chromium with a profile that outlives it, [`person`] does on the page what a person does
//! and reads what stands there, [`build`] tells builds of the page apart, and [`world`] puts a relay and its people together.
//! What is tested stands in `tests/`.
//!
//! Where the page, the relay, the browser and axe are is told by `cargo xtask test e2e` in the variables `B4_DIST`, `B4_SIGNALING`,
//! `CHROMIUM`, `CHROMEDRIVER` and `B4_AXE`.
//!
//! Deliberately absent: sleeping until something has probably happened. Whoever waits says what for, and has a deadline.

pub mod browser;
pub mod build;
pub mod driver;
pub mod person;
pub mod process;
pub mod relay;
pub mod world;

pub use browser::Browser;

/// Put into a page with [`Browser::runs_first`], it watches the channels for files; what it offers is said at its head.
pub const BULK_WATCH: &str = include_str!("bulk.js");

pub use person::{FileCard, Holding, Message, Person};
pub use relay::Relay;
pub use world::World;
