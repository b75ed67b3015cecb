//! The store: four tables of rows for the core, and the device's identity beside them.
//!
//! "Stored" means that the transaction is complete with strict durability. Writes are grouped: while one transaction is under
//! way, what comes meanwhile waits and goes into the next. A failed transaction takes everything behind it along, so that
//! nothing newer is durable before something older. The contract of [`RowStore`] is a test that runs on every store there is.

mod range;

#[cfg(target_arch = "wasm32")]
mod database;
#[cfg(target_arch = "wasm32")]
mod identity;
#[cfg(target_arch = "wasm32")]
mod read;
#[cfg(target_arch = "wasm32")]
mod rows;

use b4_protocol::crypto::Ticket;
use b4_protocol::node::Write;

#[cfg(target_arch = "wasm32")]
pub use self::{
    database::Database,
    identity::{StoredIdentity, load_identity, save_identity},
    rows::Rows,
};
pub use range::RowRange;

/// What the core orders of a store. Answers are inputs, never before the call has returned to the event loop.
pub trait RowStore {
    /// Writes all or none, durably. Answered by `Input::Stored` or `Input::StoreFailed`.
    fn store(&self, ticket: Ticket, writes: Vec<Write>);

    /// Reads the rows of `range`, highest key first. Answered by `Input::Loaded`. Sees every write ordered before it that
    /// was answered.
    fn load(&self, ticket: Ticket, range: RowRange);
}
