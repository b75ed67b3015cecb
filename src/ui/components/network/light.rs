//! A lookup in the picture: a light that runs once over its first link and on to where it was answered.

use yew::prelude::*;

use super::{arc, from_me, point};

/// What is shown.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// Where the dot of the first hop is shown, if that peer is still linked.
    pub first: Option<u32>,
    /// Where it was answered.
    pub by: u32,
}

/// The way, lit by the styles, and a ring that spreads where it ends. Where nothing may move, the way stands still.
#[component]
pub fn Light(props: &Props) -> Html {
    let by = props.by;
    let way = match props.first {
        Some(first) if first != by => from_me() + &arc(0, first) + &arc(first, by),
        _ => from_me() + &arc(0, by),
    };
    let (x, y) = point(by);
    html! {
        <g class="ring-light">
            <path class="glow" pathLength="100" d={way.clone()} />
            <path pathLength="100" d={way} />
            <circle cx={x.to_string()} cy={y.to_string()} r="20" />
        </g>
    }
}
