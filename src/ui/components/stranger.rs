//! A chat's address with a name that is no contact: somebody followed a link.

use b4_protocol::identity::UserId;
use b4_protocol::node::Command;
use yew::prelude::*;

use super::back;
use crate::engine::{Action, EngineHandle};
use crate::state::{AppState, Phase};
use crate::ui::words;

/// The offer to add them, and why it did not work; one's own name is said to be that. `asked` is whether they were to be added;
/// `on_back` leads to the list, on a phone.
pub fn stranger(user: &UserId, state: &AppState, engine: EngineHandle, asked: &UseStateHandle<bool>, on_back: &Callback<()>) -> Html {
    let name = user.to_string();
    let is_me = matches!(&state.phase, Phase::Running { me, .. } if me == user);
    html! {
        <>
            { back(on_back) }
            <section class="empty" aria-label={name.clone()} data-testid="not-a-contact">
                <h2><bdi>{ name }</bdi></h2>
                if is_me {
                    <p data-testid="that-is-you">{ words::THAT_IS_YOU }</p>
                } else {
                    <p>{ words::NOT_IN_LIST }</p>
                    { offer(user.to_string(), state, engine, asked) }
                }
            </section>
        </>
    }
}

fn offer(name: String, state: &AppState, engine: EngineHandle, asked: &UseStateHandle<bool>) -> Html {
    let refusal = state.contact_refusal.as_ref().filter(|(typed, _)| **asked && *typed == name);
    let is_pending = **asked && refusal.is_none();
    let word = words::add(&name);
    let asked = asked.clone();
    let on_add = Callback::from(move |_: MouseEvent| {
        asked.set(true);
        engine.send(Action::Node(Command::AddContact { typed: name.clone() }));
    });
    html! {
        <>
            <button class="primary" data-testid="add-this" aria-busy={is_pending.to_string()} disabled={is_pending} onclick={on_add}>{ word }</button>
            if let Some((typed, why)) = refusal {
                <p class="problem" role="alert" data-testid="add-this-error">{ words::contact_refusal(typed, why) }</p>
            }
        </>
    }
}
