//! The sign of B4: the ring of five that also marks each message.

use yew::prelude::*;

/// How much of it is filled.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// Segments that are filled, 0 to 5.
    #[prop_or(5)]
    pub done: u32,
}

/// Five segments around a dot.
#[component]
pub fn Sign(props: &Props) -> Html {
    html! {
        <svg class="sign" viewBox="0 0 48 48" aria-hidden="true" focusable="false">
            { for (0..5).map(|segment| html! {
                <circle
                    class={classes!("sign-segment", (segment < props.done).then_some("done"))}
                    cx="24" cy="24" r="19" pathLength="100"
                    transform={format!("rotate({} 24 24)", -90 + 72 * segment as i32)}
                />
            }) }
            <circle class="sign-dot" cx="24" cy="24" r="5" />
        </svg>
    }
}
