//! The messages of a conversation, with the days, gaps and the line of the unread between them.

use std::rc::Rc;

use b4_protocol::chat::MessageId;
use b4_protocol::node::{Command, ContactView, Direction, FileOrder, MessageView};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};
use yew::prelude::*;

use super::bubble::Bubble;
use crate::engine::Action;
use crate::state::{Chat, Previews};
use crate::ui::hooks::use_engine;
use crate::ui::{time, words};

/// Rows rendered at first, and more with each look further back.
const PAGE: usize = 250;
/// Pixels from the top at which more is loaded.
const NEAR_TOP: i32 = 300;
/// Pixels from the end within which the newest message is in sight: less than the smallest bubble.
const NEAR_END: i32 = 40;
/// Unfolds the details of a message.
const DETAILS: &str = ".message-about";

/// What is shown.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// The messages.
    pub chat: Rc<Chat>,
    /// With whom.
    pub contact: Rc<ContactView>,
    /// What can be shown of files.
    pub previews: Rc<Previews>,
    /// The newest message came into sight (true) or went out of it.
    pub on_end: Callback<bool>,
}

/// The list, its end in sight; further back it loads by itself.
#[component]
pub fn Messages(props: &Props) -> Html {
    let engine = use_engine();
    let shown = use_state(|| PAGE);
    let list = use_own_in_sight(&props.chat);
    let unread_from = use_unread_line(&props.chat, props.contact.unread);
    let rows: Vec<Rc<MessageView>> = props.chat.messages().rev().take(*shown).cloned().collect();
    let has_older = props.chat.len() > rows.len() || !props.chat.is_complete;
    let older = {
        let (engine, chat, user) = (engine.clone(), Rc::clone(&props.chat), props.contact.user.clone());
        Callback::from(move |()| {
            if chat.len() <= *shown && chat.is_loaded && !chat.is_complete {
                engine.send(Action::Node(Command::LoadMessages { with: user.clone(), before: chat.oldest() }));
            }
            shown.set(chat.len().min(*shown) + PAGE);
        })
    };
    let on_scroll = {
        let (older, on_end) = (older.clone(), props.on_end.clone());
        Callback::from(move |event: Event| {
            let list: Element = event.target_unchecked_into();
            on_end.emit(list.scroll_top() > -NEAR_END);
            // The list is laid out from the bottom: its offset is 0 there and negative above.
            if has_older && list.scroll_height() + list.scroll_top() - list.client_height() < NEAR_TOP {
                older.emit(());
            }
        })
    };
    // The same from one rendering to the next: bubbles that did not change are not rendered again.
    let on_send_again = use_callback((engine.clone(), props.contact.user.clone()), |message: Rc<MessageView>, (engine, to)| {
        engine.send(Action::Node(Command::SendAgain { to: to.clone(), id: message.id }));
    });
    let on_file = use_callback((engine, props.contact.user.clone()), |(id, order): (MessageId, FileOrder), (engine, with)| {
        engine.send(Action::Node(Command::File { with: with.clone(), id, order }));
    });
    html! {
        <div ref={list} class="messages" role="region" aria-label={words::MESSAGES} onscroll={on_scroll} onkeydown={on_key} tabindex="0" data-testid="messages">
            if !props.chat.is_loaded && rows.is_empty() {
                <div class="messages-loading" aria-busy="true">{ for (0..3).map(|_| html! { <div class="skeleton-bubble" /> }) }</div>
            } else if rows.is_empty() {
                <p class="empty">{ words::NO_MESSAGES }</p>
            } else {
                <ol>
                    if has_older && props.chat.is_loaded {
                        <li class="older"><button class="link" data-testid="load-older" onclick={older.reform(|_: MouseEvent| ())}>{ words::OLDER }</button></li>
                    }
                    { rows_html(props, &rows, unread_from, &on_send_again, &on_file) }
                </ol>
            }
        </div>
    }
}

/// Arrow keys lead from the details of one message to those of the next. The Tab key stops at the newest alone: there may be
/// hundreds between it and the composer.
fn on_key(event: KeyboardEvent) {
    let Some(message) = event.target_dyn_into::<Element>().filter(|at| at.matches(DETAILS).is_ok_and(|is| is)).and_then(|at| at.closest("li").ok()?) else { return };
    let step = match event.key().as_str() {
        "ArrowUp" => Element::previous_element_sibling,
        "ArrowDown" => Element::next_element_sibling,
        _ => return,
    };
    event.prevent_default();
    // Days and gaps stand between messages.
    let mut rows = std::iter::successors(step(&message), step);
    if let Some(details) = rows.find_map(|row| row.query_selector(DETAILS).ok()?)
        && let Some(details) = details.dyn_ref::<HtmlElement>()
    {
        // What cannot take the focus leaves it where it is.
        let _ = details.focus();
    }
}

/// Whoever writes something sees it, even if they were looking further back. To be set upon the list.
#[hook]
fn use_own_in_sight(chat: &Rc<Chat>) -> NodeRef {
    let list = use_node_ref();
    let newest = chat.messages().next_back().filter(|message| message.direction == Direction::Out).map(|message| message.order);
    let node = list.clone();
    use_effect_with(newest, move |newest| {
        if let Some(list) = newest.and_then(|_| node.cast::<Element>()) {
            list.set_scroll_top(0);
        }
    });
    list
}

/// The place of the first message that was unread when the chat was opened. It stays there while the chat is open.
#[hook]
fn use_unread_line(chat: &Rc<Chat>, unread: u32) -> Option<u64> {
    let unread_at_open = *use_state(|| unread as usize);
    let chat = Rc::clone(chat);
    *use_memo(chat.is_loaded, move |is_loaded| {
        let of_theirs = chat.messages().rev().filter(|message| message.direction == Direction::In);
        of_theirs.take(unread_at_open).last().filter(|_| *is_loaded).map(|message| message.order)
    })
}

/// The rows, given newest first, oldest first on the screen.
fn rows_html(
    props: &Props,
    rows: &[Rc<MessageView>],
    unread_from: Option<u64>,
    on_send_again: &Callback<Rc<MessageView>>,
    on_file: &Callback<(MessageId, FileOrder)>,
) -> Html {
    let with = AttrValue::from(props.contact.user.to_string());
    let mut html = Vec::with_capacity(rows.len() + 8);
    let mut before: Option<&MessageView> = None;
    for message in rows.iter().rev() {
        let day = time::day_number(message.sent_ms);
        let is_new_day = before.is_none_or(|before| time::day_number(before.sent_ms) != day);
        if is_new_day {
            let key = format!("day-{day}-{}", message.order);
            html.push(html! { <li {key} class="day"><span>{ time::day(message.sent_ms) }</span></li> });
        }
        if unread_from == Some(message.order) {
            html.push(html! { <li key="unread" class="unread-line" data-testid="unread-line"><span>{ words::UNREAD }</span></li> });
        }
        if message.gap_before > 0 {
            let key = format!("gap-{}", message.order);
            html.push(html! { <li {key} class="gap" data-testid="gap"><span>{ words::gap(message.gap_before) }</span></li> });
        }
        let follows = |before: &MessageView| {
            before.direction == message.direction && before.sent_ms / 60_000 == message.sent_ms / 60_000
        };
        let is_grouped = !is_new_day && message.gap_before == 0 && before.is_some_and(follows);
        html.push(html! {
            <Bubble
                key={message.id.to_string()}
                message={Rc::clone(message)}
                {is_grouped}
                is_stop={rows.first().is_some_and(|newest| Rc::ptr_eq(newest, message))}
                shortage={props.chat.shortage(message)}
                with={with.clone()}
                preview={message.file.as_ref().and_then(|file| props.previews.of(file.progress.slot?)).cloned()}
                on_file={on_file.clone()}
                on_send_again={on_send_again.clone()}
            />
        });
        before = Some(message);
    }
    html.into_iter().collect()
}
