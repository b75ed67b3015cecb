//! Who I am, what is kept where, how it looks.

use std::rc::Rc;

use b4_protocol::identity::{NodeId, UserId};
use yew::prelude::*;

use crate::engine::Action;
use crate::state::Recovery;
use crate::ui::components::{accepted, copy_link, holding, my_link};
use crate::ui::hooks::{use_app, use_browser, use_engine};
use crate::ui::{Browser, words};

/// Who.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// My name.
    pub me: UserId,
    /// My node.
    pub node: NodeId,
    /// The person wants to see the network.
    pub on_network: Callback<MouseEvent>,
}

/// The page about oneself.
#[component]
pub fn You(props: &Props) -> Html {
    let (state, engine, browser) = (use_app(), use_engine(), use_browser());
    let (is_copied, chosen) = (use_state(|| false), use_state(|| (browser.theme)()));
    let kept = html! { <>{ accepted(state.files_accepted, &engine) }{ holding(state.holding.as_ref(), &engine) }</> };
    let save = Callback::from(move |_: MouseEvent| engine.send(Action::SaveRecovery));
    html! {
        <section class="you" aria-label={words::YOU} data-testid="you">
            <h2>{ words::IDENTITY }</h2>
            <p class="you-name"><bdi>{ props.me.to_string() }</bdi></p>
            <p class="copy-link">
                <code data-testid="my-link">{ my_link(&props.me, &browser) }</code>
                { copy_link("copy-link", &props.me, &browser, &is_copied) }
            </p>
            <details class="hint"><summary>{ words::DETAILS }</summary>{ words::NODE_ID }{ " " }<code>{ props.node.to_string() }</code></details>
            <h2>{ words::NETWORK }</h2>
            <p>{ words::network_sentence(state.network) }</p>
            <button data-testid="you-network" onclick={props.on_network.clone()}>{ words::NETWORK_SEE }</button>
            <h2>{ words::RECOVERY }</h2>
            { match state.recovery {
                Recovery::Offered | Recovery::Later => html! {
                    <>
                        <p>{ words::RECOVERY_WHY }</p>
                        <button data-testid="you-recovery-save" onclick={save}>{ words::RECOVERY_SAVE }</button>
                    </>
                },
                Recovery::Given => html! {
                    <>
                        <p data-testid="recovery-saved">{ words::RECOVERY_GIVEN }</p>
                        <button data-testid="you-recovery-save" onclick={save}>{ words::RECOVERY_AGAIN }</button>
                    </>
                },
                Recovery::Saved => html! { <p data-testid="recovery-saved">{ words::RECOVERY_SAVED }</p> },
                Recovery::Gone => html! { <p>{ words::RECOVERY_GONE }</p> },
            } }
            { kept }
            { theme(&browser, &chosen) }
            <h2>{ words::ABOUT }</h2>
            <p>{ words::ABOUT_TEXT }</p>
            <p class="hint">{ concat!("B4 ", env!("CARGO_PKG_VERSION")) }</p>
        </section>
    }
}

/// How the page looks: as the system does, or as is chosen.
fn theme(browser: &Browser, chosen: &UseStateHandle<Option<String>>) -> Html {
    let choices = [(None, words::THEME_SYSTEM), (Some("light"), words::THEME_LIGHT), (Some("dark"), words::THEME_DARK)];
    html! {
        <fieldset class="theme">
            <legend>{ words::THEME }</legend>
            { for choices.into_iter().map(|(theme, label)| {
                let (set_theme, chosen) = (Rc::clone(&browser.set_theme), chosen.clone());
                let checked = chosen.as_deref() == theme;
                let on_change = Callback::from(move |_: Event| {
                    set_theme(theme);
                    chosen.set(theme.map(str::to_owned));
                });
                html! { <label><input type="radio" name="theme" {checked} onchange={on_change} />{ label }</label> }
            }) }
        </fieldset>
    }
}
