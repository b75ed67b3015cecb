//! What this device keeps for others, and the space it lends for that.

use b4_protocol::node::{Command, HoldingView};
use web_sys::HtmlSelectElement;
use yew::prelude::*;

use crate::engine::{Action, EngineHandle};
use crate::ui::words;

const MIB: u64 = 1024 * 1024;
/// Spaces to choose from, in MiB: nothing, a quarter of the default, the default, and what fits a phone and a desk. Guesses.
const CHOICES_MIB: [u64; 5] = [0, 64, 256, 1024, 4096];
/// Days to choose from: the last is the most that a message lies with others.
const CHOICES_DAYS: [u8; 4] = [1, 3, 7, 30];

/// Counts, the choice of space, and the way to withdraw; without the counts while they are not known yet.
pub fn holding(view: Option<&HoldingView>, engine: &EngineHandle) -> Html {
    html! {
        <>
            <h2>{ words::HOLDING }</h2>
            <p>{ words::HOLDING_WHY }</p>
            { view.map(|view| known(view, engine)) }
        </>
    }
}

fn known(view: &HoldingView, engine: &EngineHandle) -> Html {
    let on_lend = {
        let engine = engine.clone();
        Callback::from(move |bytes| engine.send(Action::Node(Command::LendStorage { bytes })))
    };
    html! {
        <>
            <dl class="numbers">
                <div><dt>{ words::HOLDING_COUNT }</dt><dd data-testid="holding-count">{ view.envelopes }</dd></div>
                <div><dt>{ words::HOLDING_PEOPLE }</dt><dd data-testid="holding-people">{ view.people }</dd></div>
                <div><dt>{ words::HOLDING_BYTES }</dt><dd data-testid="holding-bytes" data-bytes={view.bytes.to_string()}>{ words::space(view.bytes) }</dd></div>
            </dl>
            <p class="hint" data-testid="holding-state" aria-live="polite">{ words::holding(view) }</p>
            <label class="storage">{ words::STORAGE_LIMIT }{ limit(view.limit_bytes, &on_lend) }</label>
            if view.limit_bytes > 0 {
                <button data-testid="holding-withdraw" onclick={on_lend.reform(|_: MouseEvent| 0)}>{ words::WITHDRAW }</button>
                <p class="hint">{ words::WITHDRAW_HINT }</p>
            }
            <label class="storage">{ words::MAIL_EXPIRY }{ days(view.keep_days, engine) }</label>
        </>
    }
}

/// The choice of days.
fn days(keep_days: u8, engine: &EngineHandle) -> Html {
    let engine = engine.clone();
    let on_change = Callback::from(move |event: Event| {
        let chosen: HtmlSelectElement = event.target_unchecked_into();
        if let Ok(days) = chosen.value().parse() {
            engine.send(Action::Node(Command::KeepFor { days }));
        }
    });
    html! {
        <select data-testid="mail-expiry" ~value={keep_days.to_string()} onchange={on_change}>
            { for CHOICES_DAYS.into_iter().map(|days| html! {
                <option key={days} value={days.to_string()} selected={days == keep_days}>{ words::days(days) }</option>
            }) }
        </select>
    }
}

/// The choice of space, in MiB. What is lent now is among the choices, whatever it is.
fn limit(limit_bytes: u64, on_lend: &Callback<u64>) -> Html {
    let mut choices: Vec<u64> = CHOICES_MIB.map(|mib| mib * MIB).into();
    let place = choices.partition_point(|choice| *choice < limit_bytes);
    if choices.get(place) != Some(&limit_bytes) {
        choices.insert(place, limit_bytes);
    }
    let on_change = on_lend.reform(|event: Event| {
        let chosen: HtmlSelectElement = event.target_unchecked_into();
        chosen.value().parse().unwrap_or(0) * MIB
    });
    html! {
        // Its value is set as a property, too: attributes of options change nothing any more once a person has chosen.
        <select data-testid="storage-limit" data-bytes={limit_bytes.to_string()} ~value={in_mib(limit_bytes)} onchange={on_change}>
            { for choices.into_iter().map(|bytes| html! {
                <option key={bytes} value={in_mib(bytes)} selected={bytes == limit_bytes}>{ words::lent(bytes) }</option>
            }) }
        </select>
    }
}

fn in_mib(bytes: u64) -> String {
    (bytes / MIB).to_string()
}
