//! The screen: Yew components that read the state and order things of the engine. No browser binding is here but event and
//! element types; what else the screen needs of the browser comes as a [`Browser`] of callbacks.

mod browser;
mod circle;
mod components;
mod drafts;
mod hooks;
mod meter;
mod pages;
mod qr;
mod route;
mod text;
mod time;
mod words;

use yew::prelude::*;

pub use browser::{Browser, Guard};
use drafts::Drafts;
pub use route::Route;

use crate::state::Phase;
use components::{Announcer, Toasts};
use pages::{ChatsPage, Enrolling, Notice, NoticeKind, Welcome};

/// The whole screen. Needs three contexts: [`crate::state::AppState`], [`crate::engine::EngineHandle`] and [`Browser`].
#[component]
pub fn App() -> Html {
    let state = hooks::use_app();
    let page = match &state.phase {
        Phase::Starting => html! { <Skeleton /> },
        Phase::Welcome => html! { <Welcome /> },
        Phase::Wiped { name } => html! { <Welcome wiped={Some(AttrValue::from(name.clone()))} /> },
        Phase::Enrolling(step) => html! { <Enrolling step={*step} /> },
        Phase::Running { me, node } => html! { <ChatsPage me={me.clone()} node={*node} /> },
        Phase::SecondTab => html! { <Notice kind={NoticeKind::SecondTab} /> },
        Phase::Superseded => html! { <Notice kind={NoticeKind::Superseded} /> },
        Phase::AuthorityChanged { pinned, shown } => {
            let detail = words::authority_detail(pinned, shown);
            html! { <Notice kind={NoticeKind::AuthorityChanged} {detail} /> }
        }
        Phase::Broken { detail } => html! { <Notice kind={NoticeKind::Broken} detail={AttrValue::from(detail.clone())} /> },
    };
    html! {
        <>
            { page }
            <Announcer />
            <Toasts />
        </>
    }
}

/// What stands there while the store opens: the shape of the chats, nothing that jumps.
#[component]
fn Skeleton() -> Html {
    html! {
        <main class="skeleton" aria-busy="true" aria-label={words::STARTING}>
            <div class="skeleton-list">{ for (0..5).map(|_| html! { <div class="skeleton-row" /> }) }</div>
            <div class="skeleton-pane" />
        </main>
    }
}
