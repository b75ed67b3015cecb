//! The node: the one door of the core. Commands and facts go in by [`Node::handle`], effects come out.

mod command;
mod effect;
mod event;
mod input;

pub use command::Command;
pub use effect::{Effect, LinkId, Table, Write};
pub use event::{
    ContactRefusal, ContactView, Direction, Event, KeyStanding, MessageState, MessageView, NetworkState, Presence,
    SendRefusal, Standing,
};
pub use input::{Input, LinkEnd, Row};
