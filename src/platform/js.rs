//! Small steps between Rust values and the browser's.

use std::future::Future;

use js_sys::{Array, Object, Promise, Reflect, Uint8Array};
use serde::Serialize;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use super::PlatformError;

/// Runs `task` on the page's event loop. It starts in the next microtask.
pub fn spawn(task: impl Future<Output = ()> + 'static) {
    wasm_bindgen_futures::spawn_local(task);
}

/// Waits for a promise.
pub(super) async fn settled(api: &'static str, promise: Promise) -> Result<JsValue, PlatformError> {
    JsFuture::from(promise).await.map_err(PlatformError::at(api))
}

/// A plain object of the fields of `value`.
pub(super) fn object(value: &impl Serialize) -> Object {
    serde_wasm_bindgen::to_value(value).expect("our parameter structs have a JavaScript form").unchecked_into()
}

/// The value of a JSON text; `None` when it is none.
pub(super) fn json(bytes: &[u8]) -> Option<JsValue> {
    js_sys::JSON::parse(std::str::from_utf8(bytes).ok()?).ok()
}

/// A copy of `bytes` in an array of its own.
pub(super) fn array(bytes: &[u8]) -> Uint8Array {
    Uint8Array::from(bytes)
}

/// A copy of the bytes of an `ArrayBuffer` or `Uint8Array`.
pub(super) fn bytes(value: &JsValue) -> Vec<u8> {
    Uint8Array::new(value).to_vec()
}

/// An array of strings.
pub(super) fn strings(texts: &[&str]) -> Array {
    texts.iter().map(|text| JsValue::from_str(text)).collect()
}

/// A property of any object; `undefined` where there is none.
pub(super) fn field(of: &JsValue, name: &str) -> JsValue {
    Reflect::get(of, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED)
}

/// A property that is a string.
pub(super) fn text_field(of: &JsValue, name: &str) -> Option<String> {
    field(of, name).as_string()
}

/// Sets a property of a plain object.
pub(super) fn set_field(of: &Object, name: &str, value: &JsValue) {
    Reflect::set(of, &JsValue::from_str(name), value).expect("a plain object takes every property");
}

pub(super) fn window() -> web_sys::Window {
    web_sys::window().expect("the app runs in a page")
}
