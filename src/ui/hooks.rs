//! What components share: the contexts, the place in the app, whether the page is seen.

use std::rc::Rc;

use yew::prelude::*;

use super::{Browser, Reach, Route};
use crate::engine::EngineHandle;
use crate::state::AppState;

/// The state to read.
#[hook]
pub fn use_app() -> Rc<AppState> {
    use_context::<Rc<AppState>>().expect("the app provides its state")
}

/// What the screen acts upon.
#[hook]
fn use_reach() -> Reach {
    use_context::<Reach>().expect("the app provides what to act upon")
}

/// The engine to order things of.
#[hook]
pub fn use_engine() -> EngineHandle {
    use_reach().engine
}

/// The browser.
#[hook]
pub fn use_browser() -> Rc<Browser> {
    use_reach().browser
}

/// The place in the app, and how to go to another.
#[hook]
pub fn use_route() -> (Route, Callback<Route>) {
    let browser = use_browser();
    let route = use_state(|| Route::of_path(&(browser.path)()));
    {
        let (browser, route) = (browser.clone(), route.clone());
        use_effect_with((), move |()| {
            let path = Rc::clone(&browser.path);
            let guard = (browser.on_path)(Rc::new(move || route.set(Route::of_path(&path()))));
            move || drop(guard)
        });
    }
    {
        // An address that names nothing does not stay.
        let browser = browser.clone();
        use_effect_with((*route).clone(), move |route| {
            let path = route.path();
            if (browser.path)() != path {
                (browser.set_path)(&path, false);
            }
        });
    }
    let go = {
        let route = route.clone();
        Callback::from(move |to: Route| {
            let path = to.path();
            if (browser.path)() != path {
                (browser.set_path)(&path, true);
            }
            route.set(to);
        })
    };
    ((*route).clone(), go)
}

/// Whether the page can be seen.
#[hook]
pub fn use_visibility() -> bool {
    let browser = use_browser();
    let is_visible = use_state(|| (browser.is_visible)());
    {
        let is_visible = is_visible.clone();
        use_effect_with((), move |()| {
            let ask = Rc::clone(&browser.is_visible);
            let guard = (browser.on_visibility)(Rc::new(move || is_visible.set(ask())));
            move || drop(guard)
        });
    }
    *is_visible
}
