//! What there is to know about a message: when it was written, where it is, who keeps it, what keeps it closed.

use b4_protocol::node::{MessageState, MessageView, Sealing};
use yew::prelude::*;

use crate::ui::{time, words};

/// Digits of a node's id that are shown: as many as tell a handful of nodes apart.
const ID_DIGITS: usize = 8;

/// The details, below the message. `sentence` is about the state of one's own; `holders` are ids of nodes.
pub fn message_details(message: &MessageView, sentence: Option<String>, holders: &[String]) -> Html {
    let id = |id: &String| html! { <><code title={id.clone()}>{ id.chars().take(ID_DIGITS).collect::<String>() }</code>{ " " }</> };
    // What waits is in no session: how it will be sealed is not known before it is.
    let is_sealed = message.sealing != Sealing::Session || !matches!(message.state, MessageState::Queued | MessageState::Held);
    html! {
        <dl class="message-more">
            <dt>{ words::MESSAGE_SENT }</dt>
            <dd>{ format!("{}, {}", time::day(message.sent_ms), time::clock(message.sent_ms)) }</dd>
            if let Some(sentence) = sentence {
                <dt>{ words::MESSAGE_STATE }</dt>
                <dd data-testid="message-state">{ sentence }</dd>
            }
            if !holders.is_empty() {
                <dt>{ words::MESSAGE_HOLDERS }</dt>
                <dd data-testid="message-holders">{ for holders.iter().map(id) }</dd>
            }
            if is_sealed {
                <dt>{ words::MESSAGE_SEALING }</dt>
                <dd data-testid="message-sealing" data-sealing={words::sealing_key(message.sealing)}>{ words::sealing(message.sealing) }</dd>
            }
        </dl>
    }
}
