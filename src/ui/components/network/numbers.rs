//! The network in numbers.

use std::rc::Rc;

use b4_protocol::node::NetworkView;
use yew::prelude::*;

use crate::ui::meter::Meter;
use crate::ui::{time, words};

/// What is shown.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// The network.
    pub view: Rc<NetworkView>,
}

/// Counts, times and bytes, each with its word; then the relay.
#[component]
pub fn Numbers(props: &Props) -> Html {
    let view = &props.view;
    let meter = use_mut_ref(Meter::default);
    let (sent, received) = view.ring_bytes;
    // Rendered once for each view: nothing else is read here.
    let (sent_rate, received_rate) = meter.borrow_mut().take(time::now_ms(), view.ring_bytes).unzip();
    let rtt = middle(view);
    let asked = view.lookups.len() as u64;
    let hops: u64 = view.lookups.iter().map(|lookup| u64::from(lookup.hops)).sum();
    let took_ms: u64 = view.lookups.iter().map(|lookup| lookup.took_ms).sum();
    let number = |word: &'static str, testid: Option<&'static str>, value: String, hint: String| {
        html! { <div><dt>{ word }</dt><dd data-testid={testid}>{ value }</dd><dd class="hint">{ hint }</dd></div> }
    };
    let or_unknown = |value: Option<String>| value.unwrap_or_else(|| words::UNKNOWN.to_owned());
    let now = |rate: Option<u64>| rate.map(words::rate).unwrap_or_default();
    html! {
        <>
            <p class="relay" data-testid="relay-status" data-state={if view.is_relay_up { "up" } else { "down" }}>{ words::relay(view) }</p>
            <dl class="numbers">
                { number(words::LINKS, Some("links-count"), view.links.len().to_string(), String::new()) }
                { number(words::IN_RING, None, words::in_ring(view), words::known(view)) }
                { number(words::ROUND_TRIP, None, or_unknown(rtt.map(words::ms)), rtt.map_or("", |_| words::ROUND_TRIP_HINT).to_owned()) }
                { number(
                    words::QUESTIONS,
                    None,
                    or_unknown((asked > 0).then(|| words::steps(hops, asked))),
                    if asked > 0 { words::questions(took_ms, asked) } else { String::new() },
                ) }
                { number(words::SENT, None, words::bytes(sent), now(sent_rate)) }
                { number(words::RECEIVED, None, words::bytes(received), now(received_rate)) }
                { number(words::CONNECTIONS, None, view.connections_made.to_string(), words::CONNECTIONS_HINT.to_owned()) }
            </dl>
        </>
    }
}

/// The round trip in the middle of all that were measured, the lower one of two.
fn middle(view: &NetworkView) -> Option<u32> {
    let all = || view.links.iter().filter_map(|link| link.rtt_ms);
    let count = all().count();
    // Few as they are, counting is smaller than the library's sort.
    all().find(|one| {
        let less = all().filter(|other| other < one).count();
        let equal = all().filter(|other| other == one).count();
        2 * less < count && count <= 2 * (less + equal)
    })
}
