//! Finding somebody by name.

use b4_protocol::identity::{UserId, UserIdError};
use b4_protocol::node::{Command, ContactRefusal};
use web_sys::{HtmlInputElement, InputEvent, SubmitEvent};
use yew::prelude::*;

use super::{IconName, icon};
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
    let typed = use_state(String::new);
    // What was asked last: the answer comes later, as a contact or a refusal.
    let asked = use_state(|| None::<String>);
    let is_found = use_found(&typed, &asked, &props.on_found);
    let refusal = use_app().contact_refusal.clone().filter(|(name, _)| asked.as_ref() == Some(name));
    let is_pending = asked.is_some() && !is_found && refusal.is_none();
    let on_input = {
        let (typed, asked) = (typed.clone(), asked.clone());
        Callback::from(move |event: InputEvent| {
            let field: HtmlInputElement = event.target_unchecked_into();
            typed.set(field.value());
            asked.set(None);
        })
    };
    let engine = use_engine();
    let ask = {
        let (typed, asked) = (typed.clone(), asked.clone());
        Callback::from(move |name: String| {
            typed.set(name.clone());
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
                enterkeyhint="search"
                value={(*typed).clone()}
                aria-invalid={refusal.is_some().to_string()}
                oninput={on_input}
            />
            <button class="square" data-testid="add-contact-submit" aria-label={words::ADD_BUTTON} aria-busy={is_pending.to_string()} disabled={is_pending}>
                { icon(IconName::Add) }
            </button>
            { answer(refusal.as_ref(), &ask) }
        </form>
    }
}

/// Leads to the contact once what was asked for is there, and says whether it is. Somebody who was there before is led to as well,
/// and the answer says so.
#[hook]
fn use_found(typed: &UseStateHandle<String>, asked: &UseStateHandle<Option<String>>, on_found: &Callback<UserId>) -> bool {
    let state = use_app();
    let asked_for = asked.as_ref().and_then(|asked| UserId::parse(asked).ok());
    let found = asked_for.filter(|user| state.contacts.contains_key(user));
    let is_found = found.is_some();
    let (typed, on_found) = (typed.clone(), on_found.clone());
    use_effect_with(found, move |found| {
        if let Some(user) = found {
            typed.set(String::new());
            on_found.emit(user.clone());
        }
    });
    is_found
}

/// Why what was asked for made no contact, and the name that was probably meant.
fn answer(refusal: Option<&(String, ContactRefusal)>, ask: &Callback<String>) -> Html {
    let meant = refusal.filter(|(_, why)| *why == ContactRefusal::NotAName(UserIdError::Capital));
    let meant = meant.map(|(name, _)| name.to_ascii_lowercase());
    html! {
        <div class="add-contact-answer" aria-live="assertive">
            if let Some((name, why)) = refusal {
                <p class="problem" data-testid="contact-error">{ words::contact_refusal(name, why) }</p>
            }
            if let Some(meant) = meant {
                <button type="button" class="link" data-testid="contact-lower" onclick={
                    let meant = meant.clone();
                    ask.reform(move |_: MouseEvent| meant.clone())
                }>{ words::use_lower(&meant) }</button>
            }
        </div>
    }
}
