//! A store in memory with the platform's contract: all or nothing, in order, and nothing newer durable before something older.

use std::collections::BTreeMap;

use b4_protocol::store::{Row, Table, Write};

/// What is wrong with a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskFault {
    /// Nothing.
    None,
    /// Every write fails; true when for want of room.
    Failing(bool),
}

/// Tables of byte strings; outlives the node that writes them, as a disk does.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    rows: BTreeMap<(Table, Vec<u8>), Vec<u8>>,
}

impl MemoryStore {
    /// Carries out all of these.
    pub fn commit(&mut self, writes: Vec<Write>) {
        for write in writes {
            match write.value {
                Some(value) => self.rows.insert((write.table, write.key), value),
                None => self.rows.remove(&(write.table, write.key)),
            };
        }
    }

    /// All rows that a node is handed at its start.
    pub fn rows_at_start(&self) -> Vec<Row> {
        let loaded = |table: &Table| Table::LOADED_AT_START.contains(table);
        self.rows
            .iter()
            .filter(|((table, _), _)| loaded(table))
            .map(|((table, key), value)| Row { table: *table, key: key.clone(), value: value.clone() })
            .collect()
    }

    /// The rows with the highest keys that start with `prefix` and are below `before`, highest first.
    pub fn load(&self, table: Table, prefix: &[u8], before: Option<&[u8]>, limit: usize) -> Vec<Row> {
        self.rows
            .iter()
            .rev()
            .filter(|((of, key), _)| *of == table && key.starts_with(prefix) && before.is_none_or(|end| key.as_slice() < end))
            .take(limit)
            .map(|((table, key), value)| Row { table: *table, key: key.clone(), value: value.clone() })
            .collect()
    }

    /// The rows of a table, by key.
    pub fn rows(&self, table: Table) -> impl Iterator<Item = (&[u8], &[u8])> {
        let of_table = self.rows.iter().filter(move |((of, _), _)| *of == table);
        of_table.map(|((_, key), value)| (key.as_slice(), value.as_slice()))
    }

    /// How many rows a table has.
    pub fn count(&self, table: Table) -> usize {
        self.rows.keys().filter(|(of, _)| *of == table).count()
    }
}
