//! The first visit: one field, one button, one sentence, and the way back for those who were here before.

use yew::prelude::*;

use crate::engine::EngineHandle;
use crate::state::{AppState, EnrolStep};
use crate::ui::components::{NameForm, restore, sign};
use crate::ui::{Browser, Route, words};

/// What stands there while the store opens: the same that index.html shows before the module is there, so that nothing jumps.
pub fn starting() -> Html {
    html! {
        <main key="starting" class="welcome" aria-busy="true">
            { brand() }
            <h1>{ words::WELCOME_TITLE }</h1>
            <p class="lead" role="status">{ words::STARTING }</p>
            <div class="shell-line" aria-hidden="true" />
            <div class="shell-line" aria-hidden="true" />
        </main>
    }
}

fn brand() -> Html {
    html! { <header class="brand">{ sign(5) }<p><strong>{ words::APP }</strong>{ words::WELCOME_WHAT }</p></header> }
}

/// The welcome. `wiped` is a name whose keys the browser has lost.
pub fn welcome(wiped: Option<&str>, state: &AppState, engine: &EngineHandle, browser: &Browser) -> Html {
    html! {
        <main key="welcome" class="welcome">
            { brand() }
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

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn the_page_says_before_the_module_is_there_what_the_app_says_when_it_starts() {
        let page = include_str!("../../../index.html");
        for text in [words::APP, words::WELCOME_WHAT, words::WELCOME_TITLE, words::STARTING] {
            assert!(page.contains(&format!(">{text}<")), "{text}");
        }
    }
}
