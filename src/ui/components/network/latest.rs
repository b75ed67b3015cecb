//! The latest lookup in words: what the lights of the picture show, for those who cannot see them, and for longer than those shine.

use b4_protocol::node::{LookupView, NetworkView, Sought};
use yew::prelude::*;

use crate::ui::words;

/// Least time between two that are said to those who listen. Guess: longer than one takes to be said.
const SAY_AGAIN_MS: u64 = 10_000;

/// What was said last.
#[derive(Debug, Default)]
pub struct Said {
    number: u64,
    text: String,
    at_ms: u64,
}

impl Said {
    /// Takes what was looked for as it is at `now_ms`. Only that a person was looked for is said: the rest goes on by itself.
    fn take(&mut self, lookups: &[LookupView], now_ms: u64) {
        let is_of_now = |lookup: &&LookupView| matches!(lookup.sought, Sought::Person(_)) && lookup.ago_ms < SAY_AGAIN_MS;
        let Some(newest) = lookups.iter().find(is_of_now) else { return };
        if newest.number != self.number && now_ms.abs_diff(self.at_ms) >= SAY_AGAIN_MS {
            *self = Self { number: newest.number, text: words::lookup(newest), at_ms: now_ms };
        }
    }
}

/// The latest, whatever it was for and however long ago; and, where nobody sees it, what is said.
pub fn latest(view: &NetworkView, said: &mut Said, now_ms: u64) -> Html {
    said.take(&view.lookups, now_ms);
    let newest = view.lookups.first();
    let state = newest.map(|lookup| if lookup.way.is_some() { "answered" } else { "failed" });
    let text = newest.map_or_else(|| words::NO_LOOKUP.to_owned(), |lookup| format!("{}, {}.", words::lookup(lookup), words::ago(lookup.ago_ms)));
    html! {
        <>
            <p class="hint" data-testid="lookup-latest" data-state={state}>{ text }</p>
            <p class="visually-hidden" role="status" data-testid="lookup-said"><span key={said.number}>{ said.text.clone() }</span></p>
        </>
    }
}
