//! The first visit: one field, one button, one sentence, and the way back for those who were here before.

use b4_protocol::identity::{UserId, UserIdError};
use web_sys::{HtmlInputElement, InputEvent, SubmitEvent};
use yew::prelude::*;

use crate::engine::Action;
use crate::state::{EnrolStep, NameVerdict};
use crate::ui::hooks::{use_app, use_browser, use_engine};
use crate::ui::words;

/// Silence of the keyboard after which the name is asked about.
const CHECK_AFTER_MS: u32 = 200;

/// What is known of an earlier visit.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// The name whose keys the browser has lost.
    #[prop_or_default]
    pub wiped: Option<AttrValue>,
}

/// The welcome.
#[component]
pub fn Welcome(props: &Props) -> Html {
    let (state, engine, browser) = (use_app(), use_engine(), use_browser());
    let typed = use_state(String::new);
    let local = UserId::parse(&typed).err().filter(|why| *why != UserIdError::TooShort && !typed.is_empty());
    {
        let engine = engine.clone();
        use_effect_with((*typed).clone(), move |typed| {
            let name = typed.clone();
            let guard = UserId::parse(typed)
                .is_ok()
                .then(|| (browser.after_ms)(CHECK_AFTER_MS, Box::new(move || engine.send(Action::CheckName(name)))));
            move || drop(guard)
        });
    }
    let on_input = {
        let typed = typed.clone();
        Callback::from(move |event: InputEvent| {
            let field: HtmlInputElement = event.target_unchecked_into();
            typed.set(field.value());
        })
    };
    let on_submit = {
        let (typed, engine) = (typed.clone(), engine.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            engine.send(Action::Enrol((*typed).clone()));
        })
    };
    let lower = {
        let typed = typed.clone();
        Callback::from(move |_: MouseEvent| typed.set(typed.to_ascii_lowercase()))
    };
    let verdict = state.checked.clone().filter(|(name, _)| *name == *typed).map(|(_, verdict)| verdict);
    let error = match (&local, &verdict, &state.enrol_failure) {
        (Some(why), ..) => Some(words::name_error(*why)),
        (None, Some(verdict), _) if *verdict != NameVerdict::Free => Some(words::verdict(verdict).0),
        (None, None, Some(why)) => Some(words::enrol_failure(why)),
        (None, Some(NameVerdict::Free), Some(why)) => Some(words::enrol_failure(why)),
        _ => None,
    };
    let is_free = local.is_none() && verdict == Some(NameVerdict::Free) && error.is_none();
    html! {
        <main class="welcome">
            <svg class="sign" viewBox="0 0 48 48" aria-hidden="true"><circle cx="24" cy="24" r="18" pathLength="100" /></svg>
            <h1>{ words::WELCOME_TITLE }</h1>
            if let Some(name) = &props.wiped {
                <p class="panel alarm" role="alert" data-testid="wiped">{ words::wiped(name) }</p>
            }
            <p class="lead">{ words::WELCOME_LEAD }</p>
            <form onsubmit={on_submit}>
                <label for="name">{ words::NAME_LABEL }</label>
                <input
                    id="name"
                    data-testid="onboarding-name"
                    type="text"
                    value={(*typed).clone()}
                    autocomplete="username"
                    autocapitalize="none"
                    spellcheck="false"
                    aria-describedby="name-answer"
                    aria-invalid={error.is_some().to_string()}
                    oninput={on_input}
                />
                <div id="name-answer" class="answer" aria-live="polite">
                    if let Some(error) = error {
                        <p class="problem" data-testid="onboarding-error">{ error }</p>
                    } else if is_free {
                        <p class="good" data-testid="onboarding-free">{ words::verdict(&NameVerdict::Free).0 }</p>
                    } else {
                        <p class="hint">{ words::NAME_HINT }</p>
                    }
                    if local == Some(UserIdError::Capital) {
                        <button type="button" class="link" data-testid="onboarding-lower" onclick={lower}>{ words::use_lower(&typed.to_ascii_lowercase()) }</button>
                    }
                </div>
                <button class="primary wide" data-testid="onboarding-submit" disabled={typed.is_empty()}>{ words::NAME_BUTTON }</button>
            </form>
            <Restore />
        </main>
    }
}

#[component]
fn Restore() -> Html {
    let (state, engine, browser) = (use_app(), use_engine(), use_browser());
    let on_change = Callback::from(move |event: Event| {
        let field: HtmlInputElement = event.target_unchecked_into();
        let engine = engine.clone();
        if let Some(file) = field.files().and_then(|files| files.get(0)) {
            (browser.read_file)(file, Box::new(move |bytes| engine.send(Action::Restore(bytes))));
        }
        // The same file chosen again must be a change again.
        field.set_value("");
    });
    html! {
        <div class="restore">
            <label class="link">
                { words::RESTORE }
                <input class="visually-hidden" data-testid="restore-file" type="file" accept=".json,.b4,application/json" onchange={on_change} />
            </label>
            if let Some(why) = &state.restore_failure {
                <p class="problem" role="alert" data-testid="restore-error">{ words::restore_failure(why) }</p>
            }
        </div>
    }
}

/// What enrolling is doing.
#[derive(PartialEq, Properties)]
pub struct EnrollingProps {
    /// The step.
    pub step: EnrolStep,
}

/// The progress of taking a name.
#[component]
pub fn Enrolling(props: &EnrollingProps) -> Html {
    let done = match props.step {
        EnrolStep::MakingKeys => 1,
        EnrolStep::AskingAuthority => 2,
        EnrolStep::Storing => 3,
    };
    html! {
        <main class="welcome" aria-busy="true">
            <svg class="sign turning" viewBox="0 0 48 48" aria-hidden="true"><circle cx="24" cy="24" r="18" pathLength="100" /></svg>
            <h1 role="status" data-testid="enrolling">{ words::enrol_step(props.step) }</h1>
            <progress max="4" value={done.to_string()} aria-label={words::enrol_step(props.step)} />
        </main>
    }
}
