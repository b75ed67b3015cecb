//! The ring: me at the top, the linked peers where they stand, their links, and lookups on their way.

use std::rc::Rc;

use b4_protocol::node::NetworkView;
use web_sys::{Element, HtmlElement};
use yew::prelude::*;

use super::light::Light;
use super::peer::{Peer, keys};
use crate::ui::{circle, words};

/// Lookups that are on their way at once, at most.
const LIGHTS: usize = 3;

/// What is shown.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// The network; without it the bare ring.
    pub view: Option<Rc<NetworkView>>,
}

/// The picture and, below it, who the dot is that was last pointed at or stepped to.
#[component]
pub fn Picture(props: &Props) -> Html {
    let picked = use_state_eq(String::new);
    let ring = use_node_ref();
    let links = props.view.as_ref().map(|view| view.links.as_slice()).unwrap_or_default();
    let ids: Vec<String> = links.iter().map(|link| link.node.to_string()).collect();
    let picked_at = ids.iter().position(|id| *id == *picked);
    let on_point = Callback::from(move |target: Option<Element>| {
        let peer = target.and_then(|target| target.closest("[data-node-id]").ok()?);
        if let Some(id) = peer.and_then(|peer| peer.get_attribute("data-node-id")) {
            picked.set(id);
        }
    });
    let on_key = {
        let (ids, ring) = (ids.clone(), ring.clone());
        Callback::from(move |event: KeyboardEvent| {
            let to = match (event.key().as_str(), picked_at) {
                ("ArrowRight" | "ArrowDown", Some(at)) => (at + 1) % ids.len(),
                ("ArrowLeft" | "ArrowUp", Some(at)) => (at + ids.len() - 1) % ids.len(),
                _ => return,
            };
            event.prevent_default();
            let dot = ring.cast::<Element>().and_then(|ring| ring.query_selector(&format!("[data-node-id='{}']", ids[to])).ok()?);
            // An SVG element, which takes the focus as an HTML element does. Being stepped to, it is picked.
            let _ = dot.map(|dot| wasm_bindgen::JsCast::unchecked_into::<HtmlElement>(dot).focus());
        })
    };
    let occurs = |key: &'static str| links.iter().any(|link| keys(link).contains(&Some(key)));
    html! {
        <figure class="ring">
            <div
                ref={ring}
                role={(!links.is_empty()).then_some("listbox")}
                aria-label={(!links.is_empty()).then_some(words::RING_LABEL)}
                onmouseover={on_point.reform(|event: MouseEvent| event.target_dyn_into())}
                onfocusin={on_point.reform(|event: FocusEvent| event.target_dyn_into())}
                onkeydown={on_key}
            >
                <svg viewBox="60 14 880 926" role="presentation">
                    <circle class="ring-line" cx="500" cy="500" r="410" />
                    { props.view.as_deref().map(|view| dots(view, &ids, picked_at)) }
                    <circle class="ring-me" cx="500" cy="90" r="22" />
                    <text class="ring-you" x="500" y="46" aria-hidden="true">{ words::RING_YOU }</text>
                </svg>
            </div>
            <figcaption>
                { match picked_at {
                    Some(at) => html! { <><bdi>{ links[at].user.to_string() }</bdi><span>{ words::link(&links[at]) }</span></> },
                    None if links.is_empty() => html! { words::RING_EMPTY },
                    None => html! { words::RING_HINT },
                } }
            </figcaption>
            <ul class="ring-legend" aria-hidden="true">
                { for words::LEGEND.into_iter().filter(|(key, _)| occurs(key)).map(|(key, word)| html! { <li class={key}>{ word }</li> }) }
            </ul>
        </figure>
    }
}

/// Lights below, dots above them.
fn dots(view: &NetworkView, ids: &[String], picked_at: Option<usize>) -> Html {
    let places: Vec<u32> = view.links.iter().map(|link| circle::place(&view.me, &link.node)).collect();
    let shown = circle::spread(&places);
    let lights = view.lookups.iter().take(LIGHTS).filter(|lookup| lookup.hops > 0).map(|lookup| {
        let first = view.links.iter().position(|link| link.node == lookup.first).map(|at| shown[at]);
        html! { <Light key={lookup.number} {first} by={circle::between(lookup.by, &places, &shown)} /> }
    });
    let peers = view.links.iter().enumerate().map(|(at, link)| {
        let (is_picked, is_stop) = (picked_at == Some(at), picked_at.unwrap_or(0) == at);
        html! { <Peer key={ids[at].clone()} link={link.clone()} shown={shown[at]} {is_picked} {is_stop} /> }
    });
    html! {
        <>
            <g>{ for lights }</g>
            <g>{ for peers }</g>
        </>
    }
}
