//! One linked peer in the picture: its dot and its link.

use b4_protocol::node::{LinkKind, LinkView};
use yew::prelude::*;

use super::{arc, point};
use crate::ui::words;

/// What the styles call a link of this kind, one that is used to chat, and one to whoever keeps mail for this person.
pub fn keys(link: &LinkView) -> [&'static str; 3] {
    let kind = match link.kind {
        LinkKind::Near(_) => "near",
        LinkKind::Long => "long",
        LinkKind::Small => "small",
        LinkKind::Once => "once",
        LinkKind::Theirs => "theirs",
    };
    [kind, if link.is_chat { "chat" } else { "" }, if link.is_holder { "holder" } else { "" }]
}

/// The largest reach of a dot in units of the picture: 44 pixels across where the whole is 350 wide, as on a phone.
const REACH_MAX: u64 = 56;

/// A dot that can be pointed at and stepped to; who looks after what is picked is the picture. The tabulator key stops at one of
/// all dots. `room` is the way to the next dot: half of it belongs to this one, so that whoever misses a dot hits the nearest.
pub fn peer(link: &LinkView, id: &str, [shown, room]: [u32; 2], is_picked: bool, is_stop: bool) -> Html {
    let [x, y] = point(shown);
    let [kind, chat, holder] = keys(link);
    // Half of the arc, which is hardly longer than its chord: the circumference is 2,576 units.
    let reach = ((u64::from(room) * 1_288) >> 32).min(REACH_MAX);
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
            <circle class="ring-reach" cx={x.clone()} cy={y.clone()} r={reach.to_string()} />
            <circle class="ring-mark" cx={x.clone()} cy={y.clone()} r="26" />
            <circle class="ring-dot" cx={x} cy={y} r="14" />
        </g>
    }
}

/// What the lines and dots of this kind look like.
pub fn sample(key: &'static str, word: &'static str) -> Html {
    html! {
        <li class={key}>
            <svg class="ring-sample" viewBox="0 0 100 60">
                <path class="ring-link" d="M0 30H70" />
                <circle class="ring-mark" cx="70" cy="30" r="26" />
                <circle class="ring-dot" cx="70" cy="30" r="14" />
            </svg>
            { word }
        </li>
    }
}
