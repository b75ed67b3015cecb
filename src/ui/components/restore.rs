//! The way back for those who were here before: choosing a recovery file.

use std::rc::Rc;

use web_sys::HtmlInputElement;
use yew::prelude::*;

use crate::engine::{Action, EngineHandle};
use crate::state::AppState;
use crate::ui::{Browser, words};

/// A link that opens the file chooser, and why the last file was no good.
pub fn restore(state: &AppState, engine: &EngineHandle, browser: &Browser) -> Html {
    let (engine, read_chosen) = (engine.clone(), Rc::clone(&browser.read_chosen));
    let on_change = Callback::from(move |event: Event| {
        let field: HtmlInputElement = event.target_unchecked_into();
        let engine = engine.clone();
        read_chosen(field, Box::new(move |bytes| engine.send(Action::Restore(bytes))));
    });
    html! {
        <div class="restore">
            <label class="file">
                { words::RESTORE }
                <input class="visually-hidden" data-testid="restore-file" type="file" accept=".json,application/json" onchange={on_change} />
            </label>
            <p class="hint">{ words::RESTORE_HINT }</p>
            if let Some(why) = &state.restore_failure {
                <p class="problem" role="alert" data-testid="restore-error">{ words::restore_failure(why) }</p>
            }
        </div>
    }
}
