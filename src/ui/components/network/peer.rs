//! One linked peer in the picture: its dot and its link.

use b4_protocol::node::{LinkKind, LinkView};
use yew::prelude::*;

use super::{arc, point};
use crate::ui::words;

/// What the styles call a link of this kind, one that is used to chat, and one to whoever keeps mail for this person.
pub fn keys(link: &LinkView) -> [&'static str; 3] {
    let kind = match link.kind {
        LinkKind::Near => "near",
        LinkKind::Long => "long",
        LinkKind::Theirs => "theirs",
    };
    [kind, if link.is_chat { "chat" } else { "" }, if link.is_holder { "holder" } else { "" }]
}

/// A dot that can be pointed at and stepped to; who looks after what is picked is the picture. The tabulator key stops at one of
/// all dots.
pub fn peer(link: &LinkView, id: &str, shown: u32, is_picked: bool, is_stop: bool) -> Html {
    let [x, y] = point(shown);
    let [kind, chat, holder] = keys(link);
    html! {
        <g
            key={id}
            class={format!("ring-peer {kind} {chat} {holder}")}
            data-testid="ring-peer"
            data-node-id={id.to_owned()}
            role="option"
            tabindex={if is_stop { "0" } else { "-1" }}
            aria-selected={if is_picked { "true" } else { "false" }}
            aria-label={format!("{}: {}", link.user, words::link(link))}
        >
            <path class="ring-link" d={arc(None, 0, shown)} />
            <circle class="ring-hit" cx={x.clone()} cy={y.clone()} r="26" />
            <circle class="ring-dot" cx={x} cy={y} r="14" />
        </g>
    }
}
