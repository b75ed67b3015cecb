//! Conversations: what is sent, what has arrived, in which order. Knows nothing of links, sessions or relays.
//!
//! Its life: a text becomes a message body with the next number of its direction and waits in the outbox until the other side
//! acknowledges that it is durable there; every new session sends what waits, in order. What arrives is judged by its
//! number: new, late (it fills a gap) or known. Nothing is acknowledged before it is durable here, nothing is shown
//! twice. Every change comes with the rows to write.

mod conversation;
mod inbox;
mod outbox;
mod row;
#[cfg(test)]
mod tests;
mod view;

pub use crate::message::{BodyError, MessageBody, MessageId};
pub use conversation::{Arrival, Conversation, Outgoing, PinnedKey};
pub use row::{RowError, message_key, message_prefix, view_of_row};
pub use view::{Direction, FileFailure, FilePause, FileProgress, FileState, FileView, MessageState, MessageView, Sealing, Standing};
