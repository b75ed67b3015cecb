//! The IndexedDB database `b4`: opening it, and transactions with the durability that we want.

use std::rc::Rc;

use b4_protocol::node::{Table, Write};
use b4_protocol::ordered::OrderedMap;
use gloo::events::EventListener;
use js_sys::{Array, Promise};
use serde::Serialize;
use wasm_bindgen::prelude::*;
use web_sys::{IdbDatabase, IdbFactory, IdbObjectStore, IdbOpenDbRequest, IdbRequest, IdbTransaction};

use crate::platform::{PlatformError, js};

/// Version of the schema. A change of the tables is a new version, with the way there in `upgrade`.
///
/// 1: meta, contacts, outbox, messages, identity. 2: the tables of mail.
const VERSION: u32 = 2;
/// The table for the device's identity, which the core does not see.
pub(super) const IDENTITY: &str = "identity";

// In web-sys the options are marked unstable, which would put a compiler flag upon everybody who builds this, and `commit` is
// marked deprecated, which it is not.
#[wasm_bindgen]
extern "C" {
    type Transactions;
    #[wasm_bindgen(method, catch)]
    fn transaction(this: &Transactions, tables: &Array, mode: &str, options: &JsValue) -> Result<IdbTransaction, JsValue>;

    type Committed;
    #[wasm_bindgen(method, catch)]
    fn commit(this: &Committed) -> Result<(), JsValue>;
}

#[derive(Serialize)]
struct TransactionOptions {
    durability: &'static str,
}

/// The open database. Closed when dropped.
pub struct Database {
    database: IdbDatabase,
    _listeners: [EventListener; 2],
}

impl Database {
    /// Opens the database called `name`, making its tables if it is new. `on_lost` is called when it is taken away: by a newer
    /// version of the app in another tab, or by the browser.
    ///
    /// # Errors
    /// `Missing`, `Blocked`, or the browser's refusal (a full disk, a private window).
    pub async fn open(name: &str, on_lost: impl Fn() + 'static) -> Result<Rc<Self>, PlatformError> {
        let factory = factory()?;
        let request = factory.open_with_u32(name, VERSION).map_err(PlatformError::at("indexedDB.open"))?;
        let database = opened(&request).await?;
        let on_lost = Rc::new(on_lost);
        let (closing, lost) = (database.clone(), Rc::clone(&on_lost));
        let version_change = EventListener::new(&database, "versionchange", move |_| {
            closing.close();
            lost();
        });
        let close = EventListener::new(&database, "close", move |_| on_lost());
        Ok(Rc::new(Self { database, _listeners: [version_change, close] }))
    }

    /// Deletes the database called `name`.
    ///
    /// # Errors
    /// The browser's refusal.
    pub async fn delete(name: &str) -> Result<(), PlatformError> {
        let request = factory()?.delete_database(name).map_err(PlatformError::at("deleteDatabase"))?;
        answered(&request).await.map(drop)
    }

    /// Closes it now; everything afterwards fails.
    pub fn close(&self) {
        self.database.close();
    }

    /// Begins a transaction for `writes` and puts them all into it. Durable once [`committed`] says so. Of several writes to one
    /// row the last is made alone: nobody sees what is between, and a request costs as much as all else about a small row.
    pub(super) fn begin<'a>(&self, writes: impl Iterator<Item = &'a Write>) -> Result<IdbTransaction, PlatformError> {
        let mut rows: OrderedMap<(Table, &[u8]), &Write> = OrderedMap::new();
        for write in writes {
            rows.insert((write.table, &write.key[..]), write);
        }
        let mut touched: Vec<&str> = rows.values().map(|write| write.table.name()).collect();
        touched.dedup();
        if touched.is_empty() {
            // Nothing to write is an order too; a transaction must have some table.
            touched.push(Table::Meta.name());
        }
        let transaction = self.transaction(&js::strings(&touched), "readwrite")?;
        let put = rows.values().try_for_each(|write| put(&transaction, write));
        if put.is_err() {
            // Nothing of it may stay. What cannot be aborted has been already.
            let _ = transaction.abort();
        }
        put?;
        // Without it the browser waits whether more requests come.
        transaction.unchecked_ref::<Committed>().commit().map_err(PlatformError::at("commit"))?;
        Ok(transaction)
    }

    /// A transaction that only reads one table.
    pub(super) fn reading(&self, table: &str) -> Result<IdbObjectStore, PlatformError> {
        let transaction = self.transaction(&js::strings(&[table]), "readonly")?;
        transaction.object_store(table).map_err(PlatformError::at("objectStore"))
    }

    /// A transaction of its own on the identity's table.
    pub(super) fn identity(&self) -> Result<(IdbTransaction, IdbObjectStore), PlatformError> {
        let transaction = self.transaction(&js::strings(&[IDENTITY]), "readwrite")?;
        let table = transaction.object_store(IDENTITY).map_err(PlatformError::at("objectStore"))?;
        Ok((transaction, table))
    }

    fn transaction(&self, tables: &Array, mode: &str) -> Result<IdbTransaction, PlatformError> {
        let transactions: &Transactions = self.database.unchecked_ref();
        let options = js::object(&TransactionOptions { durability: "strict" });
        transactions.transaction(tables, mode, &options).map_err(PlatformError::at("transaction"))
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.database.close();
    }
}

/// Waits until the transaction is complete, which is durable.
pub(super) async fn committed(transaction: &IdbTransaction) -> Result<(), PlatformError> {
    let promise = Promise::new(&mut |resolve, reject| {
        transaction.set_oncomplete(Some(&resolve));
        transaction.set_onabort(Some(&reject));
    });
    match js::settled("transaction", promise).await {
        Ok(_) => Ok(()),
        // What was thrown is only the event; the transaction knows the reason.
        Err(aborted) => Err(transaction.error().map_or(aborted, |why| PlatformError::from_thrown("transaction", &why))),
    }
}

/// Waits for one request. The transaction stays active until the next await of something else.
pub(super) async fn answered(request: &IdbRequest) -> Result<JsValue, PlatformError> {
    let promise = Promise::new(&mut |resolve, reject| {
        request.set_onsuccess(Some(&resolve));
        request.set_onerror(Some(&reject));
    });
    match js::settled("request", promise).await {
        Ok(_) => request.result().map_err(PlatformError::at("request")),
        Err(failed) => {
            let why = request.error().ok().flatten();
            Err(why.map_or(failed, |why| PlatformError::from_thrown("request", &why)))
        }
    }
}

fn factory() -> Result<IdbFactory, PlatformError> {
    js::window().indexed_db().map_err(PlatformError::at("indexedDB"))?.ok_or(PlatformError::Missing("IndexedDB"))
}

async fn opened(request: &IdbOpenDbRequest) -> Result<IdbDatabase, PlatformError> {
    let upgrading = request.clone();
    // A failed upgrade aborts the opening, which then fails by itself.
    let upgrade = Closure::once(move || upgrade(&upgrading).is_ok());
    request.set_onupgradeneeded(Some(upgrade.as_ref().unchecked_ref()));
    let blocked = Promise::new(&mut |resolve, _| request.set_onblocked(Some(&resolve)));
    let answered = async { answered(request).await };
    let blocked = async { js::settled("blocked", blocked).await };
    let database = first(answered, blocked).await.ok_or(PlatformError::Blocked)??;
    Ok(database.unchecked_into())
}

/// The outcome of `work`, or `None` when `end` comes first.
async fn first<T>(work: impl Future<Output = T>, end: impl Future) -> Option<T> {
    use std::pin::pin;
    use std::task::Poll;
    let (mut work, mut end) = (pin!(work), pin!(end));
    std::future::poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
        Poll::Pending => end.as_mut().poll(context).map(|_| None),
    })
    .await
}

fn upgrade(request: &IdbOpenDbRequest) -> Result<(), JsValue> {
    let database: IdbDatabase = request.result()?.unchecked_into();
    let there = database.object_store_names();
    let tables = Table::ALL.into_iter().map(Table::name).chain([IDENTITY]);
    for table in tables.filter(|table| !there.contains(table)) {
        database.create_object_store(table)?;
    }
    Ok(())
}

fn put(transaction: &IdbTransaction, write: &Write) -> Result<(), PlatformError> {
    let table = transaction.object_store(write.table.name()).map_err(PlatformError::at("objectStore"))?;
    let key = js::array(&write.key);
    match &write.value {
        Some(value) => table.put_with_key(&js::array(value), &key).map_err(PlatformError::at("put"))?,
        None => table.delete(&key).map_err(PlatformError::at("delete"))?,
    };
    Ok(())
}
