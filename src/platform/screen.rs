//! What the screen needs of the browser beside its events: the address, a chosen file, the chosen colours, the title.

use gloo::events::EventListener;
use gloo::timers::callback::Timeout;
use wasm_bindgen::JsValue;
use web_sys::{Document, HtmlInputElement, VisibilityState};

use super::{PlatformError, js};

/// Key in `localStorage` of the chosen colours.
const THEME_KEY: &str = "b4-theme";
/// The largest file that is read, in bytes: what a person chooses here is a recovery file of some 12 KiB.
const FILE_BYTES_MAX: f64 = 1024.0 * 1024.0;
/// Attribute of the root element that the styles look at.
const THEME_ATTRIBUTE: &str = "data-theme";

/// Calls back until dropped.
pub struct Listener {
    _listener: EventListener,
}

/// Calls back once, unless dropped before.
pub struct Timer {
    _timer: Timeout,
}

/// The path of the page's address.
pub fn path() -> String {
    js::window().location().pathname().unwrap_or_else(|_| "/".to_owned())
}

/// Goes to `path` of this app, with a step in the history or in the place of the path that is there.
pub fn set_path(path: &str, is_step: bool) {
    if let Ok(history) = js::window().history() {
        // Refused only when there are too many in a second; then the address stays behind, the screen does not.
        let _ = if is_step {
            history.push_state_with_url(&JsValue::NULL, "", Some(path))
        } else {
            history.replace_state_with_url(&JsValue::NULL, "", Some(path))
        };
    }
}

/// Calls `changed` when the person goes back or forth.
pub fn on_path(changed: impl Fn() + 'static) -> Listener {
    Listener { _listener: EventListener::new(&js::window(), "popstate", move |_| changed()) }
}

/// Whether the page can be seen.
pub fn is_visible() -> bool {
    document().is_none_or(|document| document.visibility_state() == VisibilityState::Visible)
}

/// Calls `changed` when the page came into sight or went out of it.
///
/// # Errors
/// `Missing` without a document.
pub fn on_visibility(changed: impl Fn() + 'static) -> Result<Listener, PlatformError> {
    let document = document().ok_or(PlatformError::Missing("document"))?;
    Ok(Listener { _listener: EventListener::new(&document, "visibilitychange", move |_| changed()) })
}

/// Calls `then` once after so many milliseconds.
pub fn after_ms(wait_ms: u32, then: impl FnOnce() + 'static) -> Timer {
    Timer { _timer: Timeout::new(wait_ms, then) }
}

/// Reads the file chosen in `field` and hands its bytes on: none where it is too large or cannot be read. The field is emptied,
/// so that the same file chosen again is a change again.
pub fn read_chosen(field: HtmlInputElement, then: Box<dyn FnOnce(Vec<u8>)>) {
    let chosen = field.files().and_then(|files| files.get(0));
    field.set_value("");
    let Some(file) = chosen else { return };
    js::spawn(async move {
        if file.size() > FILE_BYTES_MAX {
            return then(Vec::new());
        }
        then(js::settled("file", file.array_buffer()).await.map(|buffer| js::bytes(&buffer)).unwrap_or_default());
    });
}

/// Puts `text` into the clipboard and calls `then` once it is there. Where the browser does not let it, the text is on the screen
/// to be copied by hand.
pub fn copy(text: &str, then: Box<dyn FnOnce(())>) {
    let written = js::window().navigator().clipboard().write_text(text);
    js::spawn(async move {
        if js::settled("clipboard", written).await.is_ok() {
            then(());
        }
    });
}

/// The chosen colours; `None` for the system's.
pub fn theme() -> Option<String> {
    let storage = js::window().local_storage().ok().flatten()?;
    storage.get_item(THEME_KEY).ok().flatten().filter(|theme| matches!(theme.as_str(), "light" | "dark"))
}

/// Chooses `light` or `dark`, or with `None` the system's colours, now and for later.
pub fn set_theme(theme: Option<&str>) {
    if let Some(storage) = js::window().local_storage().ok().flatten() {
        // Where nothing can be kept, the choice lasts as long as the page.
        let _ = match theme {
            Some(theme) => storage.set_item(THEME_KEY, theme),
            None => storage.remove_item(THEME_KEY),
        };
    }
    show_theme(theme);
}

/// Shows the colours without choosing them for later.
pub fn show_theme(theme: Option<&str>) {
    if let Some(root) = document().and_then(|document| document.document_element()) {
        // The attribute's name is a valid one, which is all that could be wrong.
        let _ = match theme {
            Some(theme) => root.set_attribute(THEME_ATTRIBUTE, theme),
            None => root.remove_attribute(THEME_ATTRIBUTE),
        };
    }
}

/// Sets the title of the page.
pub fn set_title(title: &str) {
    if let Some(document) = document() {
        document.set_title(title);
    }
}

/// The element that the app is mounted into.
pub fn mount_point() -> Option<web_sys::Element> {
    document()?.get_element_by_id("app")
}

fn document() -> Option<Document> {
    js::window().document()
}
