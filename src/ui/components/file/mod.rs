//! Files: choosing and dropping them, what is made ready to send, the card in a message, which are received without asking.

mod accepted;
mod card;
mod choose;
mod drop_zone;
mod large;
mod name;
mod outgoing;
mod preview;

pub use accepted::accepted;
pub use card::FileCard;
pub use choose::attach;
pub use drop_zone::{drop_zone, refuse_drop};
pub use large::use_sending;
pub use outgoing::outgoing;
