//! The screen: Yew components that read the state and order things of the engine. No browser binding is here but event and
//! element types; what else the screen needs of the browser comes as a [`Browser`] of callbacks.

mod browser;
mod circle;
mod components;
mod drafts;
mod file;
mod hooks;
mod meter;
mod pages;
mod qr;
mod route;
mod text;
mod time;
mod words;

use yew::prelude::*;

pub use browser::{Browser, Guard, Keep, Reach, Recall};
use drafts::Drafts;
pub use route::Route;

use crate::state::Phase;
use components::{announcer, refuse_drop, toasts};
use pages::{ChatsPage, NoticeKind, enrolling, notice, starting, welcome};

/// The whole screen. Needs two contexts: the [`crate::state::AppState`] to read, in an `Rc`, and the [`Reach`] to act.
#[component]
pub fn App() -> Html {
    let (state, engine, browser) = (hooks::use_app(), hooks::use_engine(), hooks::use_browser());
    let page = match &state.phase {
        Phase::Starting => starting(),
        Phase::Welcome => welcome(None, &state, &engine, &browser),
        Phase::Wiped { name } => welcome(Some(name), &state, &engine, &browser),
        Phase::Enrolling(step) => enrolling(*step),
        Phase::Running { me, node } => html! { <ChatsPage me={me.clone()} node={*node} /> },
        Phase::SecondTab => notice(NoticeKind::SecondTab, None, &engine),
        Phase::Superseded => notice(NoticeKind::Superseded, None, &engine),
        Phase::AuthorityChanged { pinned, shown } => {
            notice(NoticeKind::AuthorityChanged, Some(words::authority_detail(pinned, shown)), &engine)
        }
        Phase::Broken { detail } => notice(NoticeKind::Broken, Some(detail.clone()), &engine),
    };
    let on_drag = refuse_drop();
    html! {
        <div class="ground" ondragover={on_drag.clone()} ondrop={on_drag}>
            { page }
            { announcer(state.news.clone().filter(|_| matches!(state.phase, Phase::Running { .. }))) }
            { toasts(&state, &engine) }
        </div>
    }
}
