//! The core's tables on IndexedDB: grouped writes, one transaction at a time.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use b4_protocol::crypto::Ticket;
use b4_protocol::node::{Input, Row, Table, Write};
use web_sys::IdbTransaction;

use super::database::committed;
use super::{Database, RowRange, RowStore, read};
use crate::platform::{Inputs, PlatformError, js};

/// The rows of one database, answering into one node's inputs.
pub struct Rows {
    writer: Rc<Writer>,
}

struct Writer {
    database: Rc<Database>,
    inputs: Inputs,
    /// What came while a transaction is under way. Bounded by the core, which keeps a bound on what is unanswered.
    waiting: RefCell<Vec<Order>>,
    under_way: Cell<bool>,
}

/// One `Effect::Store`.
struct Order {
    ticket: Ticket,
    writes: Vec<Write>,
}

impl Rows {
    /// Rows of `database`.
    pub fn new(database: Rc<Database>, inputs: Inputs) -> Self {
        let (waiting, under_way) = (RefCell::default(), Cell::new(false));
        Self { writer: Rc::new(Writer { database, inputs, waiting, under_way }) }
    }

    /// Every row of the tables that the node wants at its start.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn at_start(database: &Database) -> Result<Vec<Row>, PlatformError> {
        let mut rows = Vec::new();
        for table in Table::LOADED_AT_START {
            rows.extend(read::rows(database, &RowRange::all(table)).await?);
        }
        Ok(rows)
    }
}

impl RowStore for Rows {
    fn store(&self, ticket: Ticket, writes: Vec<Write>) {
        self.writer.waiting.borrow_mut().push(Order { ticket, writes });
        if !self.writer.under_way.get() {
            Writer::begin(&self.writer);
        }
    }

    fn load(&self, ticket: Ticket, range: RowRange) {
        let writer = Rc::clone(&self.writer);
        js::spawn(async move {
            let rows = read::rows(&writer.database, &range).await.ok();
            writer.inputs.send(Input::Loaded { ticket, rows });
        });
    }
}

impl Writer {
    /// Puts everything that waits into one transaction, at once.
    fn begin(this: &Rc<Self>) {
        let orders = this.waiting.take();
        if orders.is_empty() {
            return;
        }
        this.under_way.set(true);
        let begun = this.database.begin(orders.iter().flat_map(|order| &order.writes));
        let tickets = orders.iter().map(|order| order.ticket).collect();
        js::spawn(Self::finish(Rc::clone(this), begun, tickets));
    }

    async fn finish(this: Rc<Self>, begun: Result<IdbTransaction, PlatformError>, mut tickets: Vec<Ticket>) {
        let outcome = match &begun {
            Ok(transaction) => committed(transaction).await,
            Err(refused) => Err(refused.clone()),
        };
        this.under_way.set(false);
        match outcome {
            Ok(()) => {
                // The next one first: the disk works while the core thinks.
                Self::begin(&this);
                this.inputs.send(Input::Stored { tickets });
            }
            Err(why) => {
                // Nothing newer may be durable before this.
                tickets.extend(this.waiting.take().into_iter().map(|order| order.ticket));
                this.inputs.send(Input::StoreFailed { tickets, full: why.is_full() });
            }
        }
    }
}
