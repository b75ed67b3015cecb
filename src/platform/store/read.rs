//! Reading rows, highest key first.

use b4_protocol::node::{Row, Table};
use serde::Serialize;
use wasm_bindgen::prelude::*;
use web_sys::{IdbCursorDirection, IdbCursorWithValue, IdbKeyRange, IdbObjectStore, IdbRequest};

use super::database::answered;
use super::{Database, RowRange};
use crate::platform::{PlatformError, js};

// Newer than web-sys: one request for a whole page, where the browser has it.
#[wasm_bindgen]
extern "C" {
    type RecordReader;
    #[wasm_bindgen(method, catch, js_name = getAllRecords)]
    fn all_records(this: &RecordReader, options: &JsValue) -> Result<IdbRequest, JsValue>;
}

#[derive(Serialize)]
struct RecordOptions {
    #[serde(with = "serde_wasm_bindgen::preserve")]
    query: JsValue,
    count: u32,
    direction: &'static str,
}

/// The rows of `range`.
pub(super) async fn rows(database: &Database, range: &RowRange) -> Result<Vec<Row>, PlatformError> {
    let Some((lower, upper)) = range.bounds() else { return Ok(Vec::new()) };
    let keys = key_range(&lower, upper.as_deref())?;
    let table = database.reading(range.table.name())?;
    if js::field(&table, "getAllRecords").is_function() {
        by_records(&table, range, &keys).await
    } else {
        by_cursor(&table, range, &keys).await
    }
}

async fn by_records(table: &IdbObjectStore, range: &RowRange, keys: &JsValue) -> Result<Vec<Row>, PlatformError> {
    let options = js::object(&RecordOptions { query: keys.clone(), count: range.limit, direction: "prev" });
    let reader: &RecordReader = table.unchecked_ref();
    let request = reader.all_records(&options).map_err(PlatformError::at("getAllRecords"))?;
    let records = js_sys::Array::from(&answered(&request).await?);
    Ok(records.iter().map(|record| row(range.table, &js::field(&record, "key"), &js::field(&record, "value"))).collect())
}

async fn by_cursor(table: &IdbObjectStore, range: &RowRange, keys: &JsValue) -> Result<Vec<Row>, PlatformError> {
    let request = table
        .open_cursor_with_range_and_direction(keys, IdbCursorDirection::Prev)
        .map_err(PlatformError::at("openCursor"))?;
    let mut rows = Vec::new();
    loop {
        let cursor = answered(&request).await?;
        if cursor.is_null() {
            return Ok(rows);
        }
        let cursor: IdbCursorWithValue = cursor.unchecked_into();
        let key = cursor.key().map_err(PlatformError::at("cursor"))?;
        let value = cursor.value().map_err(PlatformError::at("cursor"))?;
        rows.push(row(range.table, &key, &value));
        if rows.len() as u64 >= u64::from(range.limit) {
            return Ok(rows);
        }
        cursor.continue_().map_err(PlatformError::at("cursor"))?;
    }
}

fn row(table: Table, key: &JsValue, value: &JsValue) -> Row {
    Row { table, key: js::bytes(key), value: js::bytes(value) }
}

fn key_range(lower: &[u8], upper: Option<&[u8]>) -> Result<JsValue, PlatformError> {
    let lower = js::array(lower);
    let range = match upper {
        Some(upper) => IdbKeyRange::bound_with_lower_open_and_upper_open(&lower, &js::array(upper), false, true),
        None => IdbKeyRange::lower_bound(&lower),
    };
    range.map(JsValue::from).map_err(PlatformError::at("IDBKeyRange"))
}
