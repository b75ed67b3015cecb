//! The ring: me at the top, the linked peers where they stand, their links, and lookups on their way.

use b4_protocol::identity::UserId;
use b4_protocol::node::NetworkView;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};
use yew::prelude::*;

use super::light::light;
use super::peer::{keys, peer, sample};
use crate::ui::{circle, words};

/// Lookups that are on their way at once, at most.
const LIGHTS: usize = 3;
/// A light begins to shine when its lookup is over, or with the next view, a second later. It shines for 2.1 s.
const SHINES_MS: u64 = 4_000;

/// Of which dot it is told: the ids of two nodes.
#[derive(Clone, PartialEq)]
pub struct Picked {
    /// The one that was pressed or stepped to last. It stays.
    pub held: UseStateHandle<String>,
    /// The one under the pointer, while it is there.
    pub pointed: UseStateHandle<String>,
}

/// The picture and, below it, who the dot is that is pointed at, or was pressed or stepped to. Without a view the bare ring. `on_chat`
/// opens the chat with somebody, if `is_contact` says that there is one.
pub fn picture(view: Option<&NetworkView>, picked: &Picked, is_contact: impl Fn(&UserId) -> bool, on_chat: &Callback<UserId>) -> Html {
    let links = view.map(|view| view.links.as_slice()).unwrap_or_default();
    let ids: Vec<String> = links.iter().map(|link| link.node.to_string()).collect();
    let [held_at, pointed_at] = [&picked.held, &picked.pointed].map(|picked| ids.iter().position(|id| *id == **picked));
    let occurs = |key: &str| links.iter().any(|link| keys(link).contains(&key));
    let legend = words::LEGEND.into_iter().filter(|(key, _)| occurs(key)).map(|(key, word)| sample(key, word));
    let (name, details) = match pointed_at.or(held_at) {
        Some(at) => (links[at].user.to_string(), words::link(&links[at])),
        None => (String::new(), if links.is_empty() { words::RING_EMPTY } else { words::RING_HINT }.to_owned()),
    };
    let chat = held_at.filter(|at| pointed_at.is_none_or(|pointed| pointed == *at)).map(|at| &links[at].user).filter(|user| is_contact(user));
    let chat = chat.map(|user| {
        let (on_chat, with) = (on_chat.clone(), user.clone());
        let onclick = Callback::from(move |_: MouseEvent| on_chat.emit(with.clone()));
        html! { <button data-testid="ring-chat" {onclick}>{ words::open_chat(user.as_str()) }</button> }
    });
    let [lights, peers] = view.map(|view| dots(view, &ids, held_at)).unwrap_or_default();
    let (role, label) = if links.is_empty() { (None, None) } else { (Some("listbox"), Some(words::RING_LABEL)) };
    let pointed = picked.pointed.clone();
    html! {
        <figure class="ring">
            <h3 class="visually-hidden">{ words::RING_TITLE }</h3>
            <div
                {role}
                aria-label={label}
                onmouseover={on_dot(&picked.pointed, true)}
                onmouseout={move |_: MouseEvent| pointed.set(String::new())}
                onfocusin={on_dot(&picked.held, false)}
                onclick={on_dot(&picked.held, false)}
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
            <figcaption><bdi>{ name }</bdi><span>{ details }</span>{ chat }</figcaption>
            <ul class="ring-legend" aria-hidden="true">{ for legend }</ul>
        </figure>
    }
}

/// The dot that an event is about.
fn peer_of(event: &Event) -> Option<Element> {
    event.target_dyn_into::<Element>()?.closest("[data-node-id]").ok()?
}

/// The dot that an event is about is picked; none where it is about none, if that counts.
fn on_dot<E: AsRef<Event> + 'static>(picked: &UseStateHandle<String>, none_counts: bool) -> Callback<E> {
    let picked = picked.clone();
    Callback::from(move |event: E| {
        let id = peer_of(event.as_ref()).and_then(|peer| peer.get_attribute("data-node-id"));
        if id.is_some() || none_counts {
            picked.set(id.unwrap_or_default());
        }
    })
}

/// Arrow keys go round the ring, Home and End to its first dot and to its last: what takes the focus is picked thereby. Enter goes on to
/// what can be done with it.
fn on_key(event: KeyboardEvent) {
    let Some(peer) = peer_of(&event) else { return };
    let Some(all) = peer.parent_element() else { return };
    let to = match event.key().as_str() {
        "ArrowRight" | "ArrowDown" => peer.next_element_sibling().or_else(|| all.first_element_child()),
        "ArrowLeft" | "ArrowUp" => peer.previous_element_sibling().or_else(|| all.last_element_child()),
        "Home" => all.first_element_child(),
        "End" => all.last_element_child(),
        "Enter" | " " => peer.closest("figure").ok().flatten().and_then(|figure| figure.query_selector("button").ok().flatten()),
        _ => return,
    };
    event.prevent_default();
    if let Some(to) = to {
        // An SVG element takes the focus as an HTML element does.
        let _ = to.unchecked_into::<HtmlElement>().focus();
    }
}

/// Lights, and the dots above them.
fn dots(view: &NetworkView, ids: &[String], held_at: Option<usize>) -> [Html; 2] {
    let places: Vec<u32> = view.links.iter().map(|link| circle::place(&view.me, &link.node)).collect();
    let shown = circle::spread(&places);
    let room = circle::room(&shown);
    // What was answered here went nowhere.
    let is_seen = |lookup: &&b4_protocol::node::LookupView| lookup.ago_ms < SHINES_MS && lookup.way.is_none_or(|way| way.hops > 0);
    let lights = view.lookups.iter().filter(is_seen).take(LIGHTS).map(|lookup| {
        let first = lookup.way.and_then(|way| view.links.iter().position(|link| link.node == way.first)).map(|at| shown[at]);
        let to = lookup.way.map_or(lookup.key, |way| way.by);
        light(lookup.number, lookup.way, first, circle::between(to, &places, &shown))
    });
    let peers = view.links.iter().enumerate().map(|(at, link)| {
        let (is_picked, is_stop) = (held_at == Some(at), held_at.unwrap_or(0) == at);
        peer(link, &ids[at], [shown[at], room[at]], is_picked, is_stop)
    });
    [lights.collect(), peers.collect()]
}
