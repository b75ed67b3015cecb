//! Puts the house together: the engine below, the state that its events make, the browser as the screen sees it, and the screen.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use yew::prelude::*;

use crate::engine::Engine;
use crate::platform::{DraftStore, mount_point, origin, screen, spawn, wall_ms};
use crate::state::{AppState, Event};
use crate::ui::{App, Browser, Guard, Reach};

/// Least time between two renderings, in milliseconds: one frame. What comes alone is shown at once, with all else that the same
/// input brought; what comes in a burst is gathered, since each rendering costs as much as the conversation on the screen is long.
const FRAME_MS: u32 = 16;
/// The same in a burst that goes on. Guess: nobody sees that sixteen come at once, and most of the renderings are spared.
const BURST_FRAME_MS: u32 = 4 * FRAME_MS;

/// Mounts the app into the page.
///
/// # Panics
/// When the page is not ours: it has no element `app`.
pub fn mount() {
    screen::show_theme(screen::theme().as_deref());
    let root = mount_point().expect("index.html has the element to mount into");
    yew::Renderer::<Root>::with_root(root).render();
}

/// The state as it is, and the one that is shown.
struct Screen {
    state: RefCell<AppState>,
    shown: UseStateSetter<Rc<AppState>>,
    shown_ms: Cell<u64>,
    /// How long is gathered at present.
    frame_ms: Cell<u32>,
    is_due: Cell<bool>,
    timer: RefCell<Option<screen::Timer>>,
}

impl Screen {
    fn take(self: &Rc<Self>, event: Event) {
        self.state.borrow_mut().apply(event);
        if self.is_due.replace(true) {
            return;
        }
        let since_ms = u32::try_from(wall_ms().abs_diff(self.shown_ms.get())).unwrap_or(u32::MAX);
        let (screen, frame_ms) = (Rc::clone(self), self.frame_ms.get());
        if since_ms >= frame_ms {
            self.frame_ms.set(FRAME_MS);
            // Behind the other events of this input.
            spawn(async move { screen.show() });
        } else {
            self.frame_ms.set((2 * frame_ms).min(BURST_FRAME_MS));
            let timer = screen::after_ms(frame_ms - since_ms, move || screen.show());
            self.timer.replace(Some(timer));
        }
    }

    fn show(&self) {
        self.is_due.set(false);
        self.shown_ms.set(wall_ms());
        self.shown.set(Rc::new(self.state.borrow().clone()));
    }
}

/// The root: starts the engine once and provides the screen's two contexts.
#[component]
fn Root() -> Html {
    let state = use_state(Rc::<AppState>::default);
    let setter = state.setter();
    let reach = use_memo((), move |()| {
        let screen = Rc::new(Screen {
            state: RefCell::default(),
            shown: setter,
            shown_ms: Cell::new(0),
            frame_ms: Cell::new(FRAME_MS),
            is_due: Cell::new(false),
            timer: RefCell::default(),
        });
        Reach { engine: Engine::start(move |event| screen.take(event)), browser: Rc::new(browser()) }
    });
    html! {
        <ContextProvider<Reach> context={(*reach).clone()}>
            <ContextProvider<Rc<AppState>> context={(*state).clone()}>
                <App />
            </ContextProvider<Rc<AppState>>>
        </ContextProvider<Reach>>
    }
}

fn browser() -> Browser {
    let drafts = Rc::new(DraftStore::default());
    let keeping = Rc::clone(&drafts);
    Browser {
        path: Rc::new(screen::path),
        set_path: Rc::new(screen::set_path),
        on_path: Rc::new(|changed| Guard::new(screen::on_path(move || changed()))),
        is_visible: Rc::new(screen::is_visible),
        on_visibility: Rc::new(|changed| Guard::new(screen::on_visibility(move || changed()))),
        after_ms: Rc::new(|wait_ms, then| Guard::new(screen::after_ms(wait_ms, then))),
        read_chosen: Rc::new(screen::read_chosen),
        copy: Rc::new(screen::copy),
        origin: Rc::new(origin),
        theme: Rc::new(screen::theme),
        set_theme: Rc::new(screen::set_theme),
        draft: Rc::new(move |to| drafts.text(to)),
        keep_draft: Rc::new(move |to, text| keeping.keep(to, text)),
        set_title: Rc::new(screen::set_title),
    }
}
