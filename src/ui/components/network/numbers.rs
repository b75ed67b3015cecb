//! The network in numbers.

use b4_protocol::node::{NetworkState, NetworkView};
use yew::prelude::*;

use crate::ui::words;

/// Whether the relay is there; then counts, times and bytes, each with its word. `rates` are bytes sent and received a
/// second, `latest` is what was looked for last.
pub fn numbers(view: &NetworkView, network: NetworkState, rates: Option<(u64, u64)>, latest: Html) -> Html {
    let (sent, received) = view.ring_bytes;
    let (sent_rate, received_rate) = rates.map(|(sent, received)| (words::rate(sent), words::rate(received))).unwrap_or_default();
    let (trip, trip_hint) = middle(view).map_or_else(unknown, |ms| (words::ms(ms), words::ROUND_TRIP_HINT.to_owned()));
    let (steps, steps_hint) = words::requests(&view.lookups).unwrap_or_else(unknown);
    let rows = [
        (words::LINKS, view.links.len().to_string(), String::new()),
        (words::IN_RING, words::in_ring(view), words::known(view)),
        (words::ROUND_TRIP, trip, trip_hint),
        (words::REQUESTS, steps, steps_hint),
        (words::SENT, words::bytes(sent), sent_rate),
        (words::RECEIVED, words::bytes(received), received_rate),
        (words::CONNECTIONS, view.connections_made.to_string(), words::CONNECTIONS_HINT.to_owned()),
    ];
    let row = |(word, value, hint)| {
        let testid = (word == words::LINKS).then_some("links-count");
        html! { <div><dt>{ word }</dt><dd data-testid={testid}>{ value }</dd><dd class="hint">{ hint }</dd></div> }
    };
    html! {
        <>
            <h3 class="visually-hidden">{ words::NUMBERS_TITLE }</h3>
            <p class="relay" role="status" data-testid="relay-status" data-state={if view.is_relay_up { "up" } else { "down" }}>
                { words::relay(view, network) }
            </p>
            { latest }
            <dl class="numbers">{ for rows.into_iter().map(row) }</dl>
            <p class="hint">{ words::BYTES_HINT }</p>
        </>
    }
}

fn unknown() -> (String, String) {
    (words::UNKNOWN.to_owned(), String::new())
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
