//! Pages that say why nothing runs here, and what can be done.

use yew::prelude::*;

use crate::engine::Action;
use crate::ui::hooks::use_engine;
use crate::ui::words;

/// Why nothing runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeKind {
    /// Another tab runs.
    SecondTab,
    /// Another machine runs.
    Superseded,
    /// Another authority.
    AuthorityChanged,
    /// The browser lacks something.
    Broken,
}

/// What is shown.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// Why.
    pub kind: NoticeKind,
    /// For those who want to know more.
    #[prop_or_default]
    pub detail: Option<AttrValue>,
}

/// A title, what happened, what was kept, what to do.
#[component]
pub fn Notice(props: &Props) -> Html {
    let engine = use_engine();
    let on_take_over = Callback::from(move |_: MouseEvent| engine.send(Action::TakeOver));
    let (title, body, testid) = words::notice(props.kind);
    html! {
        <main class="welcome notice" data-testid={testid}>
            <h1>{ title }</h1>
            <p class="lead" role="alert">{ body }</p>
            if props.kind == NoticeKind::SecondTab {
                <button class="primary wide" data-testid="take-over" onclick={on_take_over}>{ words::TAKE_OVER }</button>
            }
            if let Some(detail) = &props.detail {
                <details><summary>{ words::DETAILS }</summary><pre data-testid="notice-detail">{ detail.clone() }</pre></details>
            }
        </main>
    }
}
