//! The node: the one door of the core. Commands and facts go in by [`Node::handle`], effects come out.

mod command;
mod effect;
mod event;
mod input;

pub use crate::chat::{Direction, MessageState, MessageView, Standing};
pub use crate::store::{Row, Table, Write};
pub use command::Command;
pub use effect::{Effect, LinkId};
pub use event::{ContactRefusal, ContactView, Event, KeyStanding, NetworkState, Presence, SendRefusal};
pub use input::{Input, LinkEnd};
