//! The simulator's disk behind the platform's door, so that it can be held to the contract. It answers at once and can be told to fail.

use std::cell::{Cell, RefCell};

use b4::platform::Inputs;
use b4::platform::store::{RowRange, RowStore};
use b4_protocol::crypto::Ticket;
use b4_protocol::node::{Input, Write};
use b4_simulator::MemoryStore;

/// Rows in memory.
pub struct FakeStore {
    inputs: Inputs,
    rows: RefCell<MemoryStore>,
    broken: Cell<bool>,
}

impl FakeStore {
    /// An empty store that answers to `inputs`.
    pub fn new(inputs: Inputs) -> Self {
        Self { inputs, rows: RefCell::default(), broken: Cell::new(false) }
    }

    /// Everything fails from now on.
    pub fn break_down(&self) {
        self.broken.set(true);
    }
}

impl RowStore for FakeStore {
    fn store(&self, ticket: Ticket, writes: Vec<Write>) {
        if self.broken.get() {
            return self.inputs.send(Input::StoreFailed { tickets: vec![ticket], full: false });
        }
        self.rows.borrow_mut().commit(writes);
        self.inputs.send(Input::Stored { tickets: vec![ticket] });
    }

    fn load(&self, ticket: Ticket, range: RowRange) {
        let RowRange { table, prefix, before, limit } = range;
        let rows = || self.rows.borrow().load(table, &prefix, before.as_deref(), limit as usize);
        let rows = (!self.broken.get()).then(rows);
        self.inputs.send(Input::Loaded { ticket, rows });
    }
}
