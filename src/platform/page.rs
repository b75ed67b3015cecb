//! What the page knows of itself: its origin, a new build, what it remembers outside the store. That the browser has what the app needs,
//! boot.js has seen to.

use gloo::events::EventListener;
use wasm_bindgen::JsCast;
use web_sys::{CustomEvent, Storage, StorageEstimate};

use super::js;

/// Key in `localStorage` of the name that was taken here; it outlives a wiped store.
const NAME_KEY: &str = "b4-name";
/// Key in `localStorage` that says for which name the recovery file was saved.
const RECOVERY_KEY: &str = "b4-recovery-saved";

/// Key in `localStorage` that says that files were kept here.
const FILES_KEY: &str = "b4-files-kept";

/// Listens for a new build until dropped.
pub struct UpdateListener {
    _listener: EventListener,
}

/// The page's origin as the browser writes it.
pub fn origin() -> String {
    js::window().location().origin().unwrap_or_default()
}

/// Whether this is a phone or the like.
pub fn is_handheld() -> bool {
    js::window().navigator().user_agent().is_ok_and(|agent| names_handheld(&agent))
}

/// Whether a browser that says this about itself runs on a phone or the like: all of those have this word.
pub fn names_handheld(user_agent: &str) -> bool {
    user_agent.contains("Mobi")
}

/// Loads the page anew.
pub fn reload() {
    // Nothing can be wrong with the address that is there already.
    let _ = js::window().location().reload();
}

/// Remembers the name that was taken here.
pub fn remember_name(name: &str) {
    remember(NAME_KEY, name);
}

/// The name that was taken here, if any was.
pub fn remembered_name() -> Option<String> {
    local_storage()?.get_item(NAME_KEY).ok().flatten()
}

/// Remembers that the recovery file of `name` was saved.
pub fn remember_recovery_saved(name: &str) {
    remember(RECOVERY_KEY, name);
}

/// Whether the recovery file of `name` was saved here.
pub fn recovery_was_saved(name: &str) -> bool {
    local_storage().and_then(|storage| storage.get_item(RECOVERY_KEY).ok().flatten()).is_some_and(|saved| saved == name)
}

/// Remembers that files are kept here.
pub(super) fn remember_files() {
    remember(FILES_KEY, "1");
}

/// Whether files were ever kept here.
pub(super) fn files_were_kept() -> bool {
    local_storage().is_some_and(|storage| storage.get_item(FILES_KEY).ok().flatten().is_some())
}

/// Asks the browser not to evict the store. Some browsers ask the person, some decide alone; a no changes nothing here.
pub async fn persist_storage() {
    if let Ok(promise) = js::window().navigator().storage().persist() {
        let _ = js::settled("persist", promise).await;
    }
}

/// How many bytes more the browser lets this page keep, as it says. `None` where it does not say.
pub async fn free_storage() -> Option<u64> {
    let promise = js::window().navigator().storage().estimate().ok()?;
    let estimate: StorageEstimate = js::settled("estimate", promise).await.ok()?.unchecked_into();
    let (quota, usage) = (estimate.get_quota()?, estimate.get_usage()?);
    // Bytes, as a double: whole, and far below what one holds exactly.
    Some((quota - usage).max(0.0) as u64)
}

/// Sets a mark on the page's performance timeline.
pub fn mark(name: &str) {
    if let Some(performance) = js::window().performance() {
        // A mark is for those who measure; the page goes on without.
        let _ = performance.mark(name);
    }
}

/// Tells `on_ready` when a new build waits, at once if it does already. Listens until dropped.
pub fn listen_for_update(on_ready: impl Fn() + 'static) -> UpdateListener {
    let waits = js::window()
        .document()
        .and_then(|document| document.document_element())
        .is_some_and(|root| root.get_attribute("data-update-ready").as_deref() == Some("true"));
    if waits {
        on_ready();
    }
    UpdateListener { _listener: EventListener::new(&js::window(), "b4-update-ready", move |_| on_ready()) }
}

/// Tells the boot script to start the new build.
pub fn dispatch_update() {
    if let Ok(event) = CustomEvent::new("b4-update-apply") {
        // The answer says only whether somebody prevented the default, and there is none.
        let _ = js::window().dispatch_event(&event);
    }
}

fn remember(key: &str, value: &str) {
    if let Some(storage) = local_storage() {
        // Full or forbidden: then a wiped store looks like a new one, and nothing else is lost.
        let _ = storage.set_item(key, value);
    }
}

fn local_storage() -> Option<Storage> {
    js::window().local_storage().ok().flatten()
}
