//! Pages that say why nothing runs here, and what can be done.

use yew::prelude::*;

use crate::engine::{Action, EngineHandle};
use crate::ui::components::sign;
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

/// A title, what happened, what was kept, what to do. `detail` is for those who want to know more.
pub fn notice(kind: NoticeKind, detail: Option<String>, engine: &EngineHandle) -> Html {
    let engine = engine.clone();
    let on_take_over = Callback::from(move |_: MouseEvent| engine.send(Action::TakeOver));
    let (title, body, testid) = words::notice(kind);
    html! {
        <main key="notice" class="welcome notice" data-testid={testid}>
            { sign(5) }
            <h1>{ title }</h1>
            <p class="lead" role="alert">{ body }</p>
            if matches!(kind, NoticeKind::SecondTab | NoticeKind::Superseded) {
                <button class="primary wide" data-testid="take-over" onclick={on_take_over}>{ words::TAKE_OVER }</button>
            }
            if let Some(detail) = detail {
                <details><summary>{ words::DETAILS }</summary><pre data-testid="notice-detail">{ detail }</pre></details>
            }
        </main>
    }
}
