//! The state of the network in a word, and the way to its picture.

use b4_protocol::node::NetworkState;
use yew::prelude::*;

use crate::ui::hooks::use_app;
use crate::ui::words;

/// What is needed.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// The picture is on the screen.
    pub is_open: bool,
    /// The person wants to see it.
    pub on_open: Callback<MouseEvent>,
}

/// A button with the word; the sentence on hover.
#[component]
pub fn NetworkBadge(props: &Props) -> Html {
    let network = use_app().network;
    let key = match network {
        NetworkState::Offline => "offline",
        NetworkState::Joining => "joining",
        NetworkState::Online => "online",
    };
    html! {
        <div class="network-place" role="status">
            <button
                class={classes!("plain", "network", format!("network-{key}"))}
                data-testid="network-status"
                data-state={key}
                title={words::network_sentence(network)}
                aria-current={props.is_open.then_some("page")}
                onclick={props.on_open.clone()}
            >
                { words::network(network) }
            </button>
        </div>
    }
}
