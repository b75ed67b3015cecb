//! One message.

use std::rc::Rc;

use b4_protocol::node::{Direction, MessageState, MessageView};
use yew::prelude::*;

use super::mark::mark;
use crate::ui::text::{Piece, pieces};
use crate::ui::{time, words};

/// What is shown.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// The message.
    pub message: Rc<MessageView>,
    /// Follows another of the same author and minute.
    pub is_grouped: bool,
    /// The person wants a failed message sent again.
    pub on_send_again: Callback<Rc<MessageView>>,
}

/// A bubble with its text, its time and, for one's own, its mark.
#[component]
pub fn Bubble(props: &Props) -> Html {
    let message = &props.message;
    let direction = if message.direction == Direction::In { "in" } else { "out" };
    let again = {
        let (message, on_send_again) = (Rc::clone(message), props.on_send_again.clone());
        Callback::from(move |_: MouseEvent| on_send_again.emit(Rc::clone(&message)))
    };
    html! {
        <li
            class={classes!("message", direction, props.is_grouped.then_some("grouped"))}
            data-testid="message"
            data-message-id={message.id.to_string()}
            data-direction={direction}
            data-state={words::message_key(message.state)}
        >
            <bdi class="message-text" data-testid="message-text" dir="auto">{ for pieces(&message.text).into_iter().map(piece) }</bdi>
            <span class="message-foot">
                <time datetime={time::iso(message.sent_ms)}>{ time::clock(message.sent_ms) }</time>
                if message.direction == Direction::Out {
                    { mark(message.state) }
                }
                if message.state == MessageState::Failed {
                    <button class="link" data-testid="send-again" onclick={again}>{ words::SEND_AGAIN }</button>
                }
            </span>
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
