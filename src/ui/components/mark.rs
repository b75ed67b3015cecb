//! The delivery mark: a ring of five segments that carries the life of a message.

use b4_protocol::limits::HOLDERS;
use b4_protocol::node::{MessageState, MessageView};
use yew::prelude::*;

use crate::ui::words;

/// An open ring while it waits, of which a segment fills with each peer that keeps it; their number in it once they are enough;
/// closed on its way, a check when they have it, filled when they read it, broken when it failed, with a clock in it when it was
/// too late. `sentence` says the same. No state is wider than another: nothing moves when it changes.
pub fn mark(message: &MessageView, sentence: String) -> Html {
    let holders = message.holders.len();
    let sign = if message.state == MessageState::Expired { "M10 6v4.3l2.8 1.7" } else { "M6.5 10.3l2.4 2.4 4.6-5.2" };
    let segment = |segment: usize| html! {
        <circle
            class={classes!("mark-segment", (segment < holders).then_some("kept"))}
            cx="10" cy="10" r="7.5" pathLength="100"
            transform={format!("rotate({} 10 10)", 72 * segment as i32 - 90)}
        />
    };
    html! {
        <span class={classes!("mark", format!("mark-{}", words::message_key(message.state)))} role="img" aria-label={sentence.clone()} title={sentence}>
            <svg viewBox="0 0 20 20" aria-hidden="true" focusable="false">
                <circle class="mark-disc" cx="10" cy="10" r="7.5" />
                { for (0..HOLDERS).map(segment) }
                if message.state == MessageState::Held {
                    <text class="mark-count" x="10" y="13.4">{ holders.min(HOLDERS) }</text>
                } else {
                    <path class="mark-sign" d={sign} />
                }
            </svg>
        </span>
    }
}
