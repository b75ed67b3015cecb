//! The sign of B4: the ring of five that also marks each message.

use yew::prelude::*;

/// Five segments around a dot, of which the first `done` are filled.
pub fn sign(done: u32) -> Html {
    html! {
        <svg class="sign" viewBox="0 0 48 48" aria-hidden="true" focusable="false">
            { for (0..5).map(|segment| html! {
                <circle
                    class={classes!("sign-segment", (segment < done).then_some("done"))}
                    cx="24" cy="24" r="19" pathLength="100"
                    transform={format!("rotate({} 24 24)", -90 + 72 * segment as i32)}
                />
            }) }
            <circle class="sign-dot" cx="24" cy="24" r="5" />
        </svg>
    }
}
