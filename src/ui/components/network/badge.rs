//! The state of the network in a word, and the way to its picture.

use b4_protocol::node::NetworkState;
use yew::prelude::*;

use crate::ui::words;

/// A button with the word; the sentence on hover. `is_open` when the picture is on the screen, `on_open` leads there.
pub fn network_badge(network: NetworkState, is_open: bool, on_open: Callback<MouseEvent>) -> Html {
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
                aria-label={words::badge(network)}
                aria-current={is_open.then_some("page")}
                onclick={on_open}
            >
                { words::network(network) }
            </button>
        </div>
    }
}
