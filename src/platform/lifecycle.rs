//! What happens to the page as a whole: shown, woken, connected, about to go.

use gloo::events::{EventListener, EventListenerOptions};
use wasm_bindgen::JsCast;
use web_sys::{Document, Event, PageTransitionEvent, VisibilityState};

use super::{PlatformError, js};

/// One fact about the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageFact {
    /// It came to the front, took the focus, was thawed, or the network is there again.
    Resumed,
    /// It went to the back, or is about to be frozen: it may not run again.
    Hiding,
    /// It came back from the browser's cache after it had been left.
    Restored,
    /// It goes away now. Whatever is to be done must be done before the listener returns.
    Leaving,
}

/// Listens until it is dropped.
pub struct Lifecycle {
    _listeners: [EventListener; 7],
}

impl Lifecycle {
    /// Tells `on_fact` every fact from now on.
    ///
    /// # Errors
    /// `Missing` without a document.
    pub fn listen(on_fact: impl Fn(PageFact) + Clone + 'static) -> Result<Self, PlatformError> {
        let window = js::window();
        let document = window.document().ok_or(PlatformError::Missing("document"))?;
        let telling = |fact: PageFact| {
            let on_fact = on_fact.clone();
            move |_: &Event| on_fact(fact)
        };
        let shown = on_fact.clone();
        let shown_document: Document = document.clone();
        let visible = move |_: &Event| {
            let is_shown = shown_document.visibility_state() == VisibilityState::Visible;
            shown(if is_shown { PageFact::Resumed } else { PageFact::Hiding });
        };
        let back = on_fact.clone();
        let from_cache = move |event: &Event| {
            if event.dyn_ref::<PageTransitionEvent>().is_some_and(PageTransitionEvent::persisted) {
                back(PageFact::Restored);
            }
        };
        Ok(Self {
            _listeners: [
                EventListener::new(&document, "visibilitychange", visible),
                EventListener::new(&document, "freeze", telling(PageFact::Hiding)),
                EventListener::new(&document, "resume", telling(PageFact::Resumed)),
                EventListener::new(&window, "online", telling(PageFact::Resumed)),
                EventListener::new(&window, "focus", telling(PageFact::Resumed)),
                EventListener::new(&window, "pageshow", from_cache),
                EventListener::new(&window, "pagehide", telling(PageFact::Leaving)),
            ],
        })
    }
}

/// While it is there, the browser asks the person before it closes or reloads the page. Most ask only where something was pressed
/// or typed.
pub struct CloseGuard {
    _listener: EventListener,
}

impl CloseGuard {
    /// Asks from now on.
    pub fn listen() -> Self {
        let options = EventListenerOptions::enable_prevent_default();
        Self { _listener: EventListener::new_with_options(&js::window(), "beforeunload", options, Event::prevent_default) }
    }
}
