//! One message.

use std::rc::Rc;

use b4_protocol::chat::MessageId;
use b4_protocol::limits::HOLDERS;
use b4_protocol::node::{Direction, FileOrder, MessageState, MessageView};
use yew::prelude::*;

use super::file::FileCard;
use super::mark::mark;
use super::message_details::message_details;
use crate::state::Preview;
use crate::ui::text::{Piece, pieces};
use crate::ui::{time, words};

/// What is shown.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// The message.
    pub message: Rc<MessageView>,
    /// Follows another of the same author and minute.
    pub is_grouped: bool,
    /// The Tab key stops at its details; the arrow keys lead to those of the others.
    pub is_stop: bool,
    /// How many peers could keep it, where it waits for more than there are.
    pub shortage: Option<u8>,
    /// With whom.
    pub with: AttrValue,
    /// What can be shown of its file.
    pub preview: Option<Rc<Preview>>,
    /// The person wants something with its file.
    pub on_file: Callback<(MessageId, FileOrder)>,
    /// The person wants a message sent again that came to nothing.
    pub on_send_again: Callback<Rc<MessageView>>,
}

/// A bubble with its text or its file, its time and, for one's own, its mark. Time and mark unfold the details.
#[component]
pub fn Bubble(props: &Props) -> Html {
    let message = &props.message;
    let is_open = use_state(|| false);
    let is_own = message.direction == Direction::Out;
    let direction = if is_own { "out" } else { "in" };
    let sentence = is_own.then(|| words::message_state(message, props.shortage));
    let holders = is_own.then(|| message.holders.iter().map(ToString::to_string).collect::<Vec<_>>());
    let again = {
        let (message, on_send_again) = (Rc::clone(message), props.on_send_again.clone());
        Callback::from(move |_: MouseEvent| on_send_again.emit(Rc::clone(&message)))
    };
    let on_details = {
        let is_open = is_open.clone();
        Callback::from(move |_: MouseEvent| is_open.set(!*is_open))
    };
    html! {
        <li
            class={classes!("message", direction, props.is_grouped.then_some("grouped"), message.file.is_some().then_some("has-file"))}
            data-testid="message"
            data-message-id={message.id.to_string()}
            data-direction={direction}
            data-state={words::message_key(message.state)}
            data-holders={holders.as_ref().map(|holders| holders.len().to_string())}
            data-holders-wanted={is_own.then(|| HOLDERS.to_string())}
            data-holder-ids={holders.as_ref().map(|holders| holders.join(" "))}
        >
            if let Some(file) = &message.file {
                <FileCard
                    id={message.id}
                    file={(**file).clone()}
                    direction={message.direction}
                    with={props.with.clone()}
                    preview={props.preview.clone()}
                    on_order={props.on_file.clone()}
                />
            } else {
                <bdi class="message-text" data-testid="message-text" dir="auto">{ for pieces(&message.text).into_iter().map(piece) }</bdi>
            }
            <span class="message-foot">
                <button
                    class="plain message-about"
                    data-testid="message-details"
                    title={words::MESSAGE_DETAILS}
                    aria-expanded={is_open.to_string()}
                    tabindex={if props.is_stop { "0" } else { "-1" }}
                    onclick={on_details}
                >
                    <time datetime={time::iso(message.sent_ms)}>{ time::clock(message.sent_ms) }</time>
                    if let Some(sentence) = sentence.clone() {
                        { mark(message, sentence) }
                    }
                </button>
                if matches!(message.state, MessageState::Failed | MessageState::Expired) {
                    <button class="link" data-testid="send-again" onclick={again}>{ words::SEND_AGAIN }</button>
                }
            </span>
            if *is_open {
                { message_details(message, sentence, &holders.unwrap_or_default()) }
            }
        </li>
    }
}

fn piece(piece: Piece<'_>) -> Html {
    match piece {
        Piece::Plain(text) => html! { text.to_owned() },
        Piece::Link(link) => {
            html! { <a href={link.to_owned()} target="_blank" rel="noopener noreferrer nofollow">{ link.to_owned() }</a> }
        }
    }
}
