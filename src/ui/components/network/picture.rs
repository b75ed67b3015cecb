//! The ring: me at the top, the linked peers where they stand, their links, and lookups on their way.

use b4_protocol::node::NetworkView;
use web_sys::{Element, HtmlElement};
use yew::prelude::*;

use super::light::light;
use super::peer::{keys, peer};
use crate::ui::{circle, words};

/// Lookups that are on their way at once, at most.
const LIGHTS: usize = 3;

/// The picture and, below it, who the dot is that was last pointed at or stepped to: `picked` has its node's id. Without a view
/// the bare ring.
pub fn picture(view: Option<&NetworkView>, picked: &UseStateHandle<String>) -> Html {
    let links = view.map(|view| view.links.as_slice()).unwrap_or_default();
    let ids: Vec<String> = links.iter().map(|link| link.node.to_string()).collect();
    let picked_at = ids.iter().position(|id| *id == **picked);
    let occurs = |key: &str| links.iter().any(|link| keys(link).contains(&key));
    let legend = words::LEGEND.into_iter().filter(|(key, _)| occurs(key)).map(|(key, word)| html! { <li class={key}>{ word }</li> });
    let (name, details) = match picked_at {
        Some(at) => (links[at].user.to_string(), words::link(&links[at])),
        None => (String::new(), if links.is_empty() { words::RING_EMPTY } else { words::RING_HINT }.to_owned()),
    };
    let [lights, peers] = view.map(|view| dots(view, &ids, picked_at)).unwrap_or_default();
    let (role, label) = if links.is_empty() { (None, None) } else { (Some("listbox"), Some(words::RING_LABEL)) };
    html! {
        <figure class="ring">
            <div
                {role}
                aria-label={label}
                onmouseover={on_point(picked)}
                onfocusin={on_point(picked)}
                onkeydown={on_key}
            >
                <svg viewBox="60 14 880 926" role="presentation">
                    <circle class="ring-line" cx="500" cy="500" r="410" />
                    <g>{ lights }</g>
                    <g>{ peers }</g>
                    <circle class="ring-me" cx="500" cy="90" r="22" />
                    <text x="500" y="46" aria-hidden="true">{ words::RING_YOU }</text>
                </svg>
            </div>
            <figcaption><bdi>{ name }</bdi><span>{ details }</span></figcaption>
            <ul class="ring-legend" aria-hidden="true">{ for legend }</ul>
        </figure>
    }
}

/// The dot that an event is about.
fn peer_of(event: &Event) -> Option<Element> {
    event.target_dyn_into::<Element>()?.closest("[data-node-id]").ok()?
}

/// What is pointed at or has the focus is picked, if it is a dot.
fn on_point<E: AsRef<Event> + 'static>(picked: &UseStateHandle<String>) -> Callback<E> {
    let picked = picked.clone();
    Callback::from(move |event: E| {
        if let Some(id) = peer_of(event.as_ref()).and_then(|peer| peer.get_attribute("data-node-id")) {
            picked.set(id);
        }
    })
}

/// Arrow keys go round the ring. What takes the focus is picked thereby.
fn on_key(event: KeyboardEvent) {
    let Some(peer) = peer_of(&event) else { return };
    let all = peer.parent_element();
    let to = match event.key().as_str() {
        "ArrowRight" | "ArrowDown" => peer.next_element_sibling().or_else(|| all?.first_element_child()),
        "ArrowLeft" | "ArrowUp" => peer.previous_element_sibling().or_else(|| all?.last_element_child()),
        _ => return,
    };
    event.prevent_default();
    if let Some(to) = to {
        // An SVG element, which takes the focus as an HTML element does.
        let _ = wasm_bindgen::JsCast::unchecked_into::<HtmlElement>(to).focus();
    }
}

/// Lights, and the dots above them.
fn dots(view: &NetworkView, ids: &[String], picked_at: Option<usize>) -> [Html; 2] {
    let places: Vec<u32> = view.links.iter().map(|link| circle::place(&view.me, &link.node)).collect();
    let shown = circle::spread(&places);
    let lights = view.lookups.iter().take(LIGHTS).filter(|lookup| lookup.hops > 0).map(|lookup| {
        let first = view.links.iter().position(|link| link.node == lookup.first).map(|at| shown[at]);
        light(lookup.number, first, circle::between(lookup.by, &places, &shown))
    });
    let peers = view.links.iter().enumerate().map(|(at, link)| {
        let (is_picked, is_stop) = (picked_at == Some(at), picked_at.unwrap_or(0) == at);
        peer(link, &ids[at], shown[at], is_picked, is_stop)
    });
    [lights.collect(), peers.collect()]
}
