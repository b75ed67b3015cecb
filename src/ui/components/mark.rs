//! The delivery mark: a ring of five segments that carries the life of a message.

use b4_protocol::node::MessageState;
use yew::prelude::*;

use crate::ui::words;

/// An open ring while it waits, closed on its way, a check when they have it, filled when they read it, broken when it failed.
pub fn mark(state: MessageState) -> Html {
    let key = words::message_key(state);
    let sentence = words::message_state(state);
    html! {
        <span class={classes!("mark", format!("mark-{key}"))} role="img" aria-label={sentence} title={sentence}>
            <svg viewBox="0 0 20 20" aria-hidden="true" focusable="false">
                <circle class="mark-disc" cx="10" cy="10" r="7.5" />
                { for (0..5).map(|segment| html! {
                    <circle class="mark-segment" cx="10" cy="10" r="7.5" pathLength="100" transform={format!("rotate({} 10 10)", -90 + 72 * segment)} />
                }) }
                <path class="mark-check" d="M6.5 10.3l2.4 2.4 4.6-5.2" />
            </svg>
        </span>
    }
}
