//! Pages: each composes components into one screen.

mod chats;
mod network;
mod notice;
mod welcome;
mod you;

pub use chats::ChatsPage;
pub use notice::{NoticeKind, notice};
pub use welcome::{enrolling, starting, welcome};
