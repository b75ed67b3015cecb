//! A lookup in the picture: a light that runs once over its first link and on to where it was answered.

use yew::prelude::*;

use super::{arc, point};

/// The way, lit by the styles, and a ring that spreads where it ends. Where nothing may move, the way stands still. Number
/// `number` goes first to the dot at `first`, if that peer is still linked, and ends at `by`.
pub fn light(number: u64, first: Option<u32>, by: u32) -> Html {
    let first = first.filter(|first| *first != by);
    let way = arc(first.map(|first| arc(None, 0, first)), first.unwrap_or(0), by);
    let [x, y] = point(by);
    html! {
        <g key={number} class="ring-light">
            <path pathLength="100" d={way} />
            <circle cx={x} cy={y} r="20" />
        </g>
    }
}
