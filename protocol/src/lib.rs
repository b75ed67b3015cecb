//! The core of B4: pure, sans-IO, no async. A house of rooms; each imports only rooms above it in this list.
//!
//! Nothing here reaches a clock, a socket, a random source or a browser: time and randomness are arguments, and what is to
//! be done leaves as a value. See ARCHITECTURE.md for the house, PROTOCOL.md for the bytes.

pub mod time;

pub mod limits;

pub mod codec;

pub mod asn1;

pub mod ordered;

pub mod store;

pub mod timers;

pub mod crypto;

pub mod identity;

pub mod signal;

pub mod handshake;

pub mod session;

pub mod ring;

pub mod directory;

pub mod file;

pub mod message;

pub mod mailbox;

pub mod chat;

pub mod node;
