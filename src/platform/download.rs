//! Giving the person a file to keep.

use js_sys::Array;
use wasm_bindgen::JsCast;
use web_sys::{Blob, BlobPropertyBag, HtmlAnchorElement};

use super::files::{ObjectUrl, StoredFile};
use super::{Pause, PlatformError, js};

/// How long the object URL lives on: the browser reads it after the click has returned. Guess, generous.
const URL_LIFE_MS: u32 = 60_000;

/// Offers `text` for download under `file_name`.
///
/// # Errors
/// When the browser refuses to make the object or the link.
pub fn download(file_name: &str, text: &str) -> Result<(), PlatformError> {
    let kind = BlobPropertyBag::new();
    kind.set_type("application/json");
    let parts = Array::of1(&text.into());
    let blob = Blob::new_with_str_sequence_and_options(&parts, &kind).map_err(PlatformError::at("Blob"))?;
    offer(file_name, ObjectUrl::of(&blob)?)
}

/// Offers a file for download under `file_name`.
///
/// # Errors
/// When the browser refuses to make the object or the link.
pub fn save(file_name: &str, file: &StoredFile) -> Result<(), PlatformError> {
    offer(file_name, file.saved()?)
}

fn offer(file_name: &str, url: ObjectUrl) -> Result<(), PlatformError> {
    let document = js::window().document().ok_or(PlatformError::Missing("document"))?;
    let anchor = document.create_element("a").map_err(PlatformError::at("createElement"))?;
    let anchor: HtmlAnchorElement = anchor.unchecked_into();
    anchor.set_href(url.as_str());
    anchor.set_download(file_name);
    anchor.click();
    js::spawn(async move {
        Pause::for_ms(URL_LIFE_MS).await;
        drop(url);
    });
    Ok(())
}
