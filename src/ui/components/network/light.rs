//! A lookup in the picture: a light that runs once over its first link and on to where it was answered.

use b4_protocol::node::WayView;
use yew::prelude::*;

use super::{arc, point};

/// The way, lit by the styles, and a ring that spreads where it ends. Where nothing may move, the way stands still. Number
/// `number` goes first to the dot at `first`, if that peer is still linked, and ends at `to`: at who answered, or where nobody did.
pub fn light(number: u64, way: Option<WayView>, first: Option<u32>, to: u32) -> Html {
    let first = first.filter(|first| *first != to);
    let drawn = arc(first.map(|first| arc(None, 0, first)), first.unwrap_or(0), to);
    let [x, y] = point(to);
    html! {
        <g key={number} class={if way.is_some() { "ring-light" } else { "ring-light failed" }}>
            <path pathLength="100" d={drawn} />
            <circle cx={x} cy={y} r="20" />
        </g>
    }
}
