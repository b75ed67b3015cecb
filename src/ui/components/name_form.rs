//! Choosing a name: the field, whether the name is free, the button, and the invitation where the operator wants one.

use b4_protocol::identity::{UserId, UserIdError};
use web_sys::{HtmlInputElement, InputEvent, SubmitEvent};
use yew::prelude::*;

use crate::engine::Action;
use crate::state::{AppState, EnrolFailure, NameVerdict};
use crate::ui::hooks::{use_app, use_browser, use_engine};
use crate::ui::words;

/// Silence of the keyboard after which the name is asked about.
const CHECK_AFTER_MS: u32 = 200;

/// The form.
#[component]
pub fn NameForm() -> Html {
    let (state, engine) = (use_app(), use_engine());
    // The name of a try that came to nothing stands there again.
    let tried = use_state(|| state.checked.as_ref().map(|(name, _)| name.clone()).unwrap_or_default());
    let typed = use_state(|| (*tried).clone());
    let invite = use_state(String::new);
    use_name_check(&typed);
    let failure = state.enrol_failure.as_ref().filter(|_| *typed == *tried);
    let answer = Answer::of(&state, &typed, failure);
    let wants_invite = matches!(state.enrol_failure, Some(EnrolFailure::InviteRequired | EnrolFailure::BadInvite));
    let on_submit = {
        let (typed, tried, invite) = (typed.clone(), tried.clone(), invite.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let name = (*typed).clone();
            tried.set(name.clone());
            engine.send(if wants_invite {
                Action::EnrolInvited { name, invite: invite.trim().to_owned() }
            } else {
                Action::Enrol(name)
            });
        })
    };
    let on_lower = {
        let typed = typed.clone();
        Callback::from(move |_: MouseEvent| typed.set(typed.to_ascii_lowercase()))
    };
    let has_capital = UserId::parse(&typed) == Err(UserIdError::Capital);
    html! {
        <form class="name-form" onsubmit={on_submit}>
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
                aria-invalid={matches!(answer, Answer::Problem(_) | Answer::Never(_)).to_string()}
                oninput={into_state(&typed)}
            />
            <div id="name-answer" class="answer" aria-live="polite">
                { answer.html() }
                if has_capital {
                    <button type="button" class="link" data-testid="onboarding-lower" onclick={on_lower}>{ words::use_lower(&typed.to_ascii_lowercase()) }</button>
                }
            </div>
            if wants_invite {
                <label for="invite">{ words::INVITE_LABEL }</label>
                <input id="invite" data-testid="onboarding-invite" type="text" autocomplete="off" spellcheck="false" value={(*invite).clone()} oninput={into_state(&invite)} />
            }
            <button class="primary wide" data-testid="onboarding-submit" disabled={typed.is_empty() || matches!(answer, Answer::Never(_))}>{ words::NAME_BUTTON }</button>
        </form>
    }
}

/// Asks about the name once the keyboard is silent.
#[hook]
fn use_name_check(typed: &UseStateHandle<String>) {
    let (engine, browser) = (use_engine(), use_browser());
    use_effect_with((**typed).clone(), move |typed| {
        let name = typed.clone();
        let ask = move || engine.send(Action::CheckName(name));
        let guard = UserId::parse(typed).is_ok().then(|| (browser.after_ms)(CHECK_AFTER_MS, Box::new(ask)));
        move || drop(guard)
    });
}

/// What is typed goes into the state.
fn into_state(state: &UseStateHandle<String>) -> Callback<InputEvent> {
    let state = state.clone();
    Callback::from(move |event: InputEvent| {
        let field: HtmlInputElement = event.target_unchecked_into();
        state.set(field.value());
    })
}

/// What stands below the field.
enum Answer {
    Hint,
    Free,
    /// It may be had the next time.
    Problem(String),
    /// It cannot be had.
    Never(String),
}

impl Answer {
    fn of(state: &AppState, typed: &str, failure: Option<&EnrolFailure>) -> Self {
        let local = UserId::parse(typed).err().filter(|why| *why != UserIdError::TooShort && !typed.is_empty());
        if let Some(why) = local {
            return Self::Never(words::name_error(why));
        }
        let verdict = state.checked.as_ref().filter(|(name, _)| name == typed).map(|(_, verdict)| verdict);
        match (verdict, failure) {
            (Some(verdict @ NameVerdict::CannotTell), _) => Self::Problem(words::verdict(verdict)),
            (Some(verdict), _) if *verdict != NameVerdict::Free => Self::Never(words::verdict(verdict)),
            (_, Some(why @ (EnrolFailure::Taken | EnrolFailure::Reserved | EnrolFailure::NotAName(_)))) => Self::Never(words::enrol_failure(why)),
            (_, Some(why)) => Self::Problem(words::enrol_failure(why)),
            (Some(_), None) => Self::Free,
            (None, None) => Self::Hint,
        }
    }

    fn html(&self) -> Html {
        match self {
            Self::Hint => html! { <p class="hint">{ words::NAME_HINT }</p> },
            Self::Free => html! { <p class="good" data-testid="onboarding-free">{ words::verdict(&NameVerdict::Free) }</p> },
            Self::Problem(problem) | Self::Never(problem) => html! { <p class="problem" data-testid="onboarding-error">{ problem.clone() }</p> },
        }
    }
}
