//! The main screen: the list at the left, a conversation or oneself at the right; on a phone one at a time.

use std::cell::RefCell;
use std::rc::Rc;

use b4_protocol::identity::{NodeId, UserId};
use yew::prelude::*;

use super::network::NetworkPage;
use super::you::You;
use crate::ui::components::{AddContact, Conversation, IconName, back, banners, contact_list, copy_link, icon, network_badge};
use crate::ui::hooks::{use_app, use_browser, use_engine, use_route};
use crate::ui::{Drafts, Route, words};

/// Who.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// My name.
    pub me: UserId,
    /// My node.
    pub node: NodeId,
}

/// The main screen.
#[component]
pub fn ChatsPage(props: &Props) -> Html {
    let (state, engine, browser) = (use_app(), use_engine(), use_browser());
    let (route, go) = use_route();
    let (is_copied, is_recovery_seen) = (use_state(|| false), use_state(|| false));
    let drafts = use_memo((), |()| RefCell::new(Drafts::new(Rc::clone(&browser.draft), Rc::clone(&browser.keep_draft))));
    let unread: u32 = state.contacts.values().map(|contact| contact.unread).sum();
    let set_title = Rc::clone(&browser.set_title);
    use_effect_with((route.clone(), unread), move |(route, unread)| {
        let page = match route {
            Route::Chat(user) => Some(user.as_str()),
            Route::You => Some(words::YOU),
            Route::Network => Some(words::NETWORK),
            Route::Chats => None,
        };
        set_title(&words::title(page, *unread));
    });
    let selected = match &route {
        Route::Chat(user) => Some(user),
        Route::Chats | Route::You | Route::Network => None,
    };
    let on_select = go.reform(Route::Chat);
    let on_you = go.reform(|_: MouseEvent| Route::You);
    let on_network = go.reform(|_: MouseEvent| Route::Network);
    let on_back = go.reform(|()| Route::Chats);
    let invitation = html! {
        <>
            <p>{ words::NO_CONTACTS_NAME }{ " " }<bdi class="strong">{ props.me.to_string() }</bdi></p>
            { copy_link("invite-copy", &props.me, &browser, &is_copied) }
        </>
    };
    let is_pane = route != Route::Chats;
    html! {
        <main class={classes!("app", is_pane.then_some("pane-open"))}>
            <h1 class="visually-hidden">{ words::APP }</h1>
            <nav class="side" aria-label={words::CHATS}>
                <header class="side-head">
                    <button class="plain me" onclick={on_you} aria-label={format!("{}: {}", words::YOU, props.me)}>
                        { icon(IconName::Person) }
                        <bdi data-testid="my-user-id" data-node-id={props.node.to_string()}>{ props.me.to_string() }</bdi>
                    </button>
                </header>
                <AddContact on_found={on_select.clone()} />
                { banners(&state, &engine, &is_recovery_seen) }
                { contact_list(&state, selected, &on_select, invitation) }
            </nav>
            { network_badge(state.network, route == Route::Network, on_network.clone()) }
            <div class="pane">
                { match route {
                    Route::Chat(with) => {
                        let key = with.to_string();
                        html! { <Conversation {key} {with} drafts={Rc::clone(&drafts)} {on_back} /> }
                    }
                    Route::You => html! {
                        <>
                            { back(&on_back) }
                            <You me={props.me.clone()} node={props.node} {on_network} />
                        </>
                    },
                    Route::Network => html! {
                        <>
                            { back(&on_back) }
                            <NetworkPage on_chat={on_select} />
                        </>
                    },
                    Route::Chats => html! { <p class="empty">{ words::PICK_CHAT }</p> },
                } }
            </div>
        </main>
    }
}
