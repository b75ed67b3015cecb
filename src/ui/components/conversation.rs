//! One conversation: its head, its messages, its composer.

use std::cell::RefCell;
use std::rc::Rc;

use b4_protocol::identity::UserId;
use b4_protocol::node::{Command, ContactView, Direction, KeyStanding, MessageView, Standing};
use b4_protocol::ordered::OrderedMap;
use web_sys::Element;
use yew::prelude::*;

use super::bubble::Bubble;
use super::composer::Composer;
use super::peer_panel::PeerPanel;
use super::{Icon, IconName};
use crate::engine::Action;
use crate::state::Chat;
use crate::ui::hooks::{use_app, use_engine, use_visibility};
use crate::ui::{time, words};

/// Rows rendered at first, and more with each look further back.
const PAGE: usize = 200;
/// Pixels from the top at which more is loaded.
const NEAR_TOP: i32 = 300;

/// What is shown.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// With whom.
    pub with: UserId,
    /// Drafts of all conversations; outlives this one.
    pub drafts: Rc<RefCell<OrderedMap<UserId, String>>>,
    /// Back to the list, on a phone.
    pub on_back: Callback<()>,
}

/// The conversation with a contact.
#[component]
pub fn Conversation(props: &Props) -> Html {
    let (state, engine, is_visible) = (use_app(), use_engine(), use_visibility());
    let with = props.with.clone();
    let contact = state.contacts.get(&with).cloned();
    let chat = state.chats.get(&with).cloned().unwrap_or_default();
    {
        let (engine, with, is_loaded) = (engine.clone(), with.clone(), chat.is_loaded);
        use_effect_with(with, move |with| {
            engine.send(Action::Node(Command::Open { user: Some(with.clone()) }));
            if !is_loaded {
                engine.send(Action::Node(Command::LoadMessages { with: with.clone(), before: None }));
            }
            move || engine.send(Action::Node(Command::Open { user: None }))
        });
    }
    let unread = contact.as_ref().map_or(0, |contact| contact.unread);
    {
        let (engine, with) = (engine.clone(), with.clone());
        use_effect_with((with, unread > 0 && is_visible, unread), move |(with, is_due, _)| {
            if *is_due {
                engine.send(Action::Node(Command::MarkRead { user: with.clone() }));
            }
        });
    }
    let Some(contact) = contact else { return html! { <p class="empty">{ words::PICK_CHAT }</p> } };
    let returned = state.returned.clone().filter(|(to, ..)| *to == with);
    let problem = returned.as_ref().map(|(_, _, why, _)| AttrValue::from(words::send_refusal(*why)));
    if let Some((_, text, ..)) = &returned {
        let mut drafts = props.drafts.borrow_mut();
        let draft = drafts.get_or_default(with.clone());
        if draft.is_empty() {
            draft.clone_from(text);
        }
    }
    let draft = AttrValue::from(props.drafts.borrow().get(&with).cloned().unwrap_or_default());
    let on_draft = {
        let (drafts, with) = (Rc::clone(&props.drafts), with.clone());
        Callback::from(move |text: String| drop(drafts.borrow_mut().insert(with.clone(), text)))
    };
    let on_send = {
        let (drafts, engine, with) = (Rc::clone(&props.drafts), engine.clone(), with.clone());
        Callback::from(move |text: String| {
            drafts.borrow_mut().remove(&with);
            engine.send(Action::Node(Command::SendText { to: with.clone(), text }));
        })
    };
    let is_disabled = contact.standing == Standing::Blocked || contact.key == KeyStanding::Changed;
    html! {
        <section class="conversation" aria-label={contact.user.to_string()}>
            <Head contact={Rc::clone(&contact)} on_back={props.on_back.clone()} />
            <PeerPanel contact={Rc::clone(&contact)} />
            <Messages key={with.to_string()} {chat} contact={Rc::clone(&contact)} />
            <Composer to={with} {draft} {problem} {is_disabled} {on_draft} {on_send} />
        </section>
    }
}

#[derive(PartialEq, Properties)]
struct HeadProps {
    contact: Rc<ContactView>,
    on_back: Callback<()>,
}

#[component]
fn Head(props: &HeadProps) -> Html {
    let on_back = props.on_back.reform(|_: MouseEvent| ());
    let presence = words::presence(props.contact.presence);
    html! {
        <header class="conversation-head">
            <button class="plain back" aria-label={words::BACK} onclick={on_back}><Icon name={IconName::Back} /></button>
            <h2><bdi>{ props.contact.user.to_string() }</bdi></h2>
            <p class="presence" data-testid="presence" aria-live="polite">{ presence }</p>
        </header>
    }
}

#[derive(PartialEq, Properties)]
struct MessagesProps {
    chat: Rc<Chat>,
    contact: Rc<ContactView>,
}

#[component]
fn Messages(props: &MessagesProps) -> Html {
    let engine = use_engine();
    let shown = use_state(|| PAGE);
    // Where the line of the unread stands is settled when the chat is opened.
    let unread_at_open = *use_state(|| props.contact.unread as usize);
    let rows: Vec<Rc<MessageView>> = props.chat.messages().rev().take(*shown).cloned().collect();
    let has_older = props.chat.len() > rows.len() || !props.chat.is_complete;
    let older = {
        let (engine, shown, chat, user) = (engine.clone(), shown.clone(), Rc::clone(&props.chat), props.contact.user.clone());
        Callback::from(move |()| {
            if chat.len() <= *shown && chat.is_loaded && !chat.is_complete {
                engine.send(Action::Node(Command::LoadMessages { with: user.clone(), before: chat.oldest() }));
            }
            shown.set(chat.len().min(*shown) + PAGE);
        })
    };
    let on_scroll = {
        let older = older.clone();
        Callback::from(move |event: Event| {
            let list: Element = event.target_unchecked_into();
            // The list is laid out from the bottom: its offset is 0 there and negative above.
            if has_older && list.scroll_height() + list.scroll_top() - list.client_height() < NEAR_TOP {
                older.emit(());
            }
        })
    };
    let on_send_again = {
        let (engine, to) = (engine, props.contact.user.clone());
        Callback::from(move |message: Rc<MessageView>| {
            engine.send(Action::Node(Command::SendAgain { to: to.clone(), id: message.id }));
        })
    };
    let unread_from = rows.iter().filter(|message| message.direction == Direction::In).nth(unread_at_open.wrapping_sub(1)).map(|message| message.order);
    html! {
        <div class="messages" onscroll={on_scroll} tabindex="0">
            <ol aria-live="polite" aria-relevant="additions">
                if has_older && props.chat.is_loaded && !rows.is_empty() {
                    <li class="older"><button class="link" data-testid="load-older" onclick={older.reform(|_: MouseEvent| ())}>{ words::OLDER }</button></li>
                }
                { rows_html(&rows, unread_from, &on_send_again) }
            </ol>
            if rows.is_empty() && props.chat.is_loaded {
                <p class="empty">{ words::NO_MESSAGES }</p>
            }
        </div>
    }
}

/// The rows, given newest first, oldest first on the screen, with the days, gaps and the line of the unread between them.
fn rows_html(rows: &[Rc<MessageView>], unread_from: Option<u64>, on_send_again: &Callback<Rc<MessageView>>) -> Html {
    let mut html = Vec::with_capacity(rows.len() + 8);
    let mut before: Option<&MessageView> = None;
    for message in rows.iter().rev() {
        let day = time::day_number(message.sent_ms);
        let is_new_day = before.is_none_or(|before| time::day_number(before.sent_ms) != day);
        if is_new_day {
            html.push(html! { <li key={format!("day-{day}-{}", message.order)} class="day"><span>{ time::day(message.sent_ms) }</span></li> });
        }
        if unread_from == Some(message.order) {
            html.push(html! { <li key="unread" class="unread-line" data-testid="unread-line"><span>{ words::UNREAD }</span></li> });
        }
        if message.gap_before > 0 {
            html.push(html! { <li key={format!("gap-{}", message.order)} class="gap" data-testid="gap">{ words::gap(message.gap_before) }</li> });
        }
        let is_grouped = !is_new_day
            && message.gap_before == 0
            && before.is_some_and(|before| before.direction == message.direction && before.sent_ms / 60_000 == message.sent_ms / 60_000);
        html.push(html! {
            <Bubble key={message.id.to_string()} message={Rc::clone(message)} {is_grouped} on_send_again={on_send_again.clone()} />
        });
        before = Some(message);
    }
    html.into_iter().collect()
}
