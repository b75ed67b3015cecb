//! What the screen needs of the browser, as callbacks: the app fills them from the platform, a gallery or a test with its own.

use std::rc::Rc;

use web_sys::HtmlInputElement;

use crate::engine::EngineHandle;

/// Keeps a listener alive; dropping it removes the listener.
pub struct Guard {
    _inner: Box<dyn std::any::Any>,
}

impl Guard {
    /// Keeps `inner` until it is dropped.
    pub fn new(inner: impl std::any::Any) -> Self {
        Self { _inner: Box::new(inner) }
    }
}

/// Calls back until its guard is dropped.
pub type Subscribe = Rc<dyn Fn(Rc<dyn Fn()>) -> Guard>;

/// Goes to a path; with a step in the history, or without.
pub type SetPath = Rc<dyn Fn(&str, bool)>;

/// Does something once.
pub type Once<T> = Box<dyn FnOnce(T)>;
/// Calls back once after so many milliseconds, unless the guard is dropped before.
pub type AfterMs = Rc<dyn Fn(u32, Box<dyn FnOnce()>) -> Guard>;
/// Reads the file chosen in a field.
pub type ReadChosen = Rc<dyn Fn(HtmlInputElement, Once<Vec<u8>>)>;
/// Puts a text into the clipboard.
pub type Copy = Rc<dyn Fn(&str, Once<()>)>;
/// Chooses the colours.
pub type SetTheme = Rc<dyn Fn(Option<&str>)>;

/// Looks up what is kept under a name.
pub type Recall = Rc<dyn Fn(&str) -> String>;
/// Keeps a text under a name; nothing for an empty one.
pub type Keep = Rc<dyn Fn(&str, &str)>;

/// What the screen acts upon. It stays the same for as long as the screen is there.
#[derive(Clone)]
pub struct Reach {
    /// The engine.
    pub engine: EngineHandle,
    /// The browser.
    pub browser: Rc<Browser>,
}

impl PartialEq for Reach {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.browser, &other.browser)
    }
}

/// The browser as the screen sees it.
pub struct Browser {
    /// The path of the page's address.
    pub path: Rc<dyn Fn() -> String>,
    /// Goes to a path of this app, with a step in the history or in the place of the path that is there.
    pub set_path: SetPath,
    /// The person went back or forth.
    pub on_path: Subscribe,
    /// The page can be seen.
    pub is_visible: Rc<dyn Fn() -> bool>,
    /// The page came into sight or went out of it.
    pub on_visibility: Subscribe,
    /// Calls back once after so many milliseconds, unless the guard is dropped before.
    pub after_ms: AfterMs,
    /// Reads the file chosen in a field and empties the field; a file over 1 MiB or unreadable comes as nothing at all, empty.
    pub read_chosen: ReadChosen,
    /// Puts a text into the clipboard, and calls back once it is there.
    pub copy: Copy,
    /// The origin of the page, as the beginning of addresses that others can open.
    pub origin: Rc<dyn Fn() -> String>,
    /// `light`, `dark` or nothing for the system's: what was chosen.
    pub theme: Rc<dyn Fn() -> Option<String>>,
    /// Chooses one.
    pub set_theme: SetTheme,
    /// What was begun and not sent to somebody, or nothing.
    pub draft: Recall,
    /// Keeps that, while the tab is open.
    pub keep_draft: Keep,
    /// Sets the title of the page.
    pub set_title: Rc<dyn Fn(&str)>,
}
