//! One linked peer in the picture: its dot and its link.

use b4_protocol::node::{LinkKind, LinkView};
use yew::prelude::*;

use super::{arc, from_me, point};
use crate::ui::words;

/// What is shown.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// The link.
    pub link: LinkView,
    /// Where on the circle.
    pub shown: u32,
    /// Its details are on the screen.
    pub is_picked: bool,
    /// The one of all dots where the tabulator key stops.
    pub is_stop: bool,
}

/// What the styles call a link of this kind, and one that is used to chat.
pub(super) fn keys(link: &LinkView) -> [Option<&'static str>; 2] {
    let kind = match link.kind {
        LinkKind::Near => "near",
        LinkKind::Long => "long",
        LinkKind::Theirs => "theirs",
    };
    [Some(kind), link.is_chat.then_some("chat")]
}

/// A dot that can be pointed at and stepped to; who looks after what is picked is the picture.
#[component]
pub fn Peer(props: &Props) -> Html {
    let Props { link, shown, is_picked, is_stop } = props;
    let [kind, chat] = keys(link);
    let (x, y) = point(*shown);
    let (x, y) = (x.to_string(), y.to_string());
    html! {
        <g
            class={classes!("ring-peer", kind, chat, is_picked.then_some("picked"))}
            data-testid="ring-peer"
            data-node-id={link.node.to_string()}
            role="option"
            tabindex={if *is_stop { "0" } else { "-1" }}
            aria-selected={is_picked.to_string()}
            aria-label={format!("{}: {}", link.user, words::link(link))}
        >
            <path class="ring-link" d={from_me() + &arc(0, *shown)} />
            <circle class="ring-hit" cx={x.clone()} cy={y.clone()} r="26" />
            <circle class="ring-halo" cx={x.clone()} cy={y.clone()} r="24" />
            <circle class="ring-dot" cx={x} cy={y} r="14" />
        </g>
    }
}
