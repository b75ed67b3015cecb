//! The store as the core sees it: tables of byte strings. What keeps them is the platform's business.

/// A table of the store. Keys are byte strings, ordered as bytes; values are the core's own encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Small facts about this node. Loaded whole at start.
    Meta,
    /// One row a conversation: contact, counters. Loaded whole at start.
    Contacts,
    /// Messages that the other side has not stored yet. Loaded whole at start.
    Outbox,
    /// All messages of all conversations. Loaded by pages.
    Messages,
    /// One's own messages as they were sealed for somebody who is away, and who keeps them. Loaded whole at start.
    Sealed,
    /// Mail kept for others: what is known of each envelope, and tombstones. Loaded whole at start.
    Held,
    /// The envelopes themselves. Loaded one by one.
    Envelopes,
    /// Messages that came in envelopes, until these are over. Loaded whole at start.
    Seen,
    /// Files on their way, and those that are here. Loaded whole at start.
    Files,
    /// Hashes of the blocks of one's own files, by pages. Loaded one by one.
    Pages,
}

impl Table {
    /// All tables, in the order in which they are loaded.
    pub const ALL: [Table; 10] = [
        Table::Meta,
        Table::Contacts,
        Table::Outbox,
        Table::Messages,
        Table::Sealed,
        Table::Held,
        Table::Envelopes,
        Table::Seen,
        Table::Files,
        Table::Pages,
    ];
    /// The tables whose every row is handed to `Node::new`.
    pub const LOADED_AT_START: [Table; 7] = [Table::Meta, Table::Contacts, Table::Outbox, Table::Sealed, Table::Held, Table::Seen, Table::Files];

    /// Its name on disk.
    pub fn name(self) -> &'static str {
        match self {
            Table::Meta => "meta",
            Table::Contacts => "contacts",
            Table::Outbox => "outbox",
            Table::Messages => "messages",
            Table::Sealed => "sealed",
            Table::Held => "held",
            Table::Envelopes => "envelopes",
            Table::Seen => "seen",
            Table::Files => "files",
            Table::Pages => "pages",
        }
    }
}

/// One change of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Which table.
    pub table: Table,
    /// Ordered as bytes.
    pub key: Vec<u8>,
    /// `None` deletes the row.
    pub value: Option<Vec<u8>>,
}

/// One row of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which table.
    pub table: Table,
    /// Ordered as bytes.
    pub key: Vec<u8>,
    /// The core's own encoding.
    pub value: Vec<u8>,
}
