//! The first visit: one field, one button, one sentence, and the way back for those who were here before.

use yew::prelude::*;

use crate::engine::EngineHandle;
use crate::state::{AppState, EnrolStep};
use crate::ui::components::{NameForm, restore, sign};
use crate::ui::{Browser, Route, words};

/// The welcome. `wiped` is a name whose keys the browser has lost.
pub fn welcome(wiped: Option<&str>, state: &AppState, engine: &EngineHandle, browser: &Browser) -> Html {
    html! {
        <main key="welcome" class="welcome">
            <header class="brand">{ sign(5) }<p><strong>{ words::APP }</strong>{ words::WELCOME_WHAT }</p></header>
            <h1>{ words::WELCOME_TITLE }</h1>
            if let Route::Chat(by) = Route::of_path(&(browser.path)()) {
                <p class="panel" data-testid="invited-by">{ words::invited(by.as_str()) }</p>
            }
            <p class="lead">{ words::WELCOME_LEAD }</p>
            if let Some(name) = wiped {
                <p class="panel alarm" role="alert" data-testid="wiped">{ words::wiped(name) }</p>
            }
            <NameForm />
            { restore(state, engine, browser) }
        </main>
    }
}

/// The progress of taking a name.
pub fn enrolling(step: EnrolStep) -> Html {
    let done = match step {
        EnrolStep::MakingKeys => 1,
        EnrolStep::AskingAuthority => 2,
        EnrolStep::Storing => 3,
    };
    html! {
        <main key="enrolling" class="welcome" aria-busy="true">
            { sign(done) }
            <h1 role="status" data-testid="enrolling">{ words::enrol_step(step) }</h1>
            <progress max="4" value={done.to_string()} aria-label={words::enrol_step(step)} />
            <p class="lead">{ words::WELCOME_LEAD_BUSY }</p>
        </main>
    }
}
