//! A chat's address with a name that is no contact: somebody followed a link.

use b4_protocol::identity::UserId;
use b4_protocol::node::Command;
use yew::prelude::*;

use super::{IconName, icon};
use crate::engine::{Action, EngineHandle};
use crate::state::AppState;
use crate::ui::words;

/// The offer to add them, and why it did not work. `asked` is whether they were to be added; `on_back` leads to the list, on a phone.
pub fn stranger(user: &UserId, state: &AppState, engine: EngineHandle, asked: &UseStateHandle<bool>, on_back: &Callback<()>) -> Html {
    let name = user.to_string();
    let refusal = state.contact_refusal.as_ref().filter(|(typed, _)| **asked && *typed == name);
    let is_pending = **asked && refusal.is_none();
    let on_add = {
        let (name, asked) = (name.clone(), asked.clone());
        Callback::from(move |_: MouseEvent| {
            asked.set(true);
            engine.send(Action::Node(Command::AddContact { typed: name.clone() }));
        })
    };
    let on_back = on_back.reform(|_: MouseEvent| ());
    html! {
        <section class="notice" aria-label={name.clone()} data-testid="not-a-contact">
            <button class="plain back" aria-label={words::BACK} onclick={on_back}>{ icon(IconName::Back) }</button>
            <h2><bdi>{ name.clone() }</bdi></h2>
            <p>{ words::NOT_IN_LIST }</p>
            <button class="primary" data-testid="add-this" aria-busy={is_pending.to_string()} disabled={is_pending} onclick={on_add}>{ words::add(&name) }</button>
            if let Some((typed, why)) = refusal {
                <p class="problem" role="alert" data-testid="add-this-error">{ words::contact_refusal(typed, why) }</p>
            }
        </section>
    }
}
