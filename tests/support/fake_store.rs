//! A store in memory: what the contract is for. It answers at once and can be told to fail.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use b4::platform::Inputs;
use b4::platform::store::{RowRange, RowStore};
use b4_protocol::crypto::Ticket;
use b4_protocol::node::{Input, Row, Table, Write};

type Rows = BTreeMap<(Table, Vec<u8>), Vec<u8>>;

/// Rows in memory.
pub struct FakeStore {
    inputs: Inputs,
    rows: RefCell<Rows>,
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
        for Write { table, key, value } in writes {
            match value {
                Some(value) => self.rows.borrow_mut().insert((table, key), value),
                None => self.rows.borrow_mut().remove(&(table, key)),
            };
        }
        self.inputs.send(Input::Stored { tickets: vec![ticket] });
    }

    fn load(&self, ticket: Ticket, range: RowRange) {
        if self.broken.get() {
            return self.inputs.send(Input::Loaded { ticket, rows: None });
        }
        let rows = match range.bounds() {
            Some((lower, upper)) => self
                .rows
                .borrow()
                .iter()
                .rev()
                .filter(|((table, key), _)| {
                    *table == range.table && *key >= lower && upper.as_ref().is_none_or(|upper| key < upper)
                })
                .take(range.limit as usize)
                .map(|((table, key), value)| Row { table: *table, key: key.clone(), value: value.clone() })
                .collect(),
            None => Vec::new(),
        };
        self.inputs.send(Input::Loaded { ticket, rows: Some(rows) });
    }
}
