//! Finding somebody by name.

use b4_protocol::identity::{UserId, UserIdError};
use b4_protocol::node::{Command, ContactRefusal};
use web_sys::{HtmlInputElement, InputEvent, SubmitEvent};
use yew::prelude::*;

use super::{Icon, IconName};
use crate::engine::Action;
use crate::ui::hooks::{use_app, use_engine};
use crate::ui::words;

/// What is said.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// A contact was asked for and is there, or was there before.
    pub on_found: Callback<UserId>,
}

/// A field, a button and the answer.
#[component]
pub fn AddContact(props: &Props) -> Html {
    let (state, engine) = (use_app(), use_engine());
    let typed = use_state(String::new);
    // What was asked last: the answer comes later, as a contact or a refusal.
    let asked = use_state(|| None::<String>);
    let found = asked.as_ref().and_then(|asked| UserId::parse(asked).ok()).filter(|user| state.contacts.contains_key(user));
    {
        let (typed, asked, on_found) = (typed.clone(), asked.clone(), props.on_found.clone());
        use_effect_with(found, move |found| {
            if let Some(user) = found {
                typed.set(String::new());
                asked.set(None);
                on_found.emit(user.clone());
            }
        });
    }
    let refusal = state.contact_refusal.clone().filter(|(name, _)| asked.as_ref() == Some(name));
    let is_pending = asked.is_some() && refusal.is_none();
    let on_input = {
        let (typed, asked) = (typed.clone(), asked.clone());
        Callback::from(move |event: InputEvent| {
            let field: HtmlInputElement = event.target_unchecked_into();
            typed.set(field.value());
            asked.set(None);
        })
    };
    let ask = {
        let (asked, engine) = (asked.clone(), engine.clone());
        Callback::from(move |name: String| {
            asked.set(Some(name.clone()));
            engine.send(Action::Node(Command::AddContact { typed: name }));
        })
    };
    let on_submit = {
        let (typed, ask) = (typed.clone(), ask.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            if !typed.trim().is_empty() {
                ask.emit(typed.trim().to_owned());
            }
        })
    };
    let lower = refusal.as_ref().filter(|(_, why)| *why == ContactRefusal::NotAName(UserIdError::Capital)).map(|(name, _)| name.to_ascii_lowercase());
    let on_lower = {
        let (typed, ask, lower) = (typed.clone(), ask.clone(), lower.clone().unwrap_or_default());
        Callback::from(move |_: MouseEvent| {
            typed.set(lower.clone());
            ask.emit(lower.clone());
        })
    };
    html! {
        <form class="add-contact" onsubmit={on_submit}>
            <input
                data-testid="add-contact-input"
                type="text"
                aria-label={words::ADD_LABEL}
                placeholder={words::ADD_LABEL}
                autocomplete="off"
                autocapitalize="none"
                spellcheck="false"
                value={(*typed).clone()}
                aria-invalid={refusal.is_some().to_string()}
                oninput={on_input}
            />
            <button data-testid="add-contact-submit" aria-label={words::ADD_BUTTON} aria-busy={is_pending.to_string()} disabled={is_pending}>
                <Icon name={IconName::Add} />
            </button>
            <div class="add-contact-answer" aria-live="assertive">
                if let Some((name, why)) = &refusal {
                    <p class="problem" data-testid="contact-error">{ words::contact_refusal(name, why) }</p>
                }
                if let Some(lower) = lower {
                    <button type="button" class="link" data-testid="contact-lower" onclick={on_lower}>{ words::use_lower(&lower) }</button>
                }
            </div>
        </form>
    }
}
