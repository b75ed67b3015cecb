//! Up to which size contacts' files are received without asking.

use b4_protocol::limits::FILE_BYTES_MAX;
use b4_protocol::node::Command;
use web_sys::HtmlSelectElement;
use yew::prelude::*;

use crate::engine::{Action, EngineHandle};
use crate::ui::words;

const MIB: u64 = 1024 * 1024;
/// Sizes to choose from: none, a photo, the default, a short film, a long one, all. Guesses.
const CHOICES: [u64; 6] = [0, 5 * MIB, 25 * MIB, 100 * MIB, 1024 * MIB, FILE_BYTES_MAX];

/// The choice; nothing until it is known what was chosen. What was chosen is among the choices, whatever it is.
pub fn accepted(bytes: Option<u64>, engine: &EngineHandle) -> Html {
    let Some(bytes) = bytes.map(|bytes| bytes.min(FILE_BYTES_MAX)) else { return Html::default() };
    let mut choices = CHOICES.to_vec();
    let place = choices.partition_point(|choice| *choice < bytes);
    if choices.get(place) != Some(&bytes) {
        choices.insert(place, bytes);
    }
    let engine = engine.clone();
    let on_change = Callback::from(move |event: Event| {
        let chosen: HtmlSelectElement = event.target_unchecked_into();
        if let Ok(bytes) = chosen.value().parse() {
            engine.send(Action::Node(Command::AcceptFiles { bytes }));
        }
    });
    html! {
        <>
            <h2>{ words::FILES }</h2>
            <label class="storage">
                { words::ACCEPT_FILES }
                <select data-testid="accept-files" data-bytes={bytes.to_string()} ~value={bytes.to_string()} onchange={on_change}>
                    { for choices.into_iter().map(|choice| html! {
                        <option key={choice} value={choice.to_string()} selected={choice == bytes}>{ words::accepted(choice) }</option>
                    }) }
                </select>
            </label>
            <p class="hint">{ words::ACCEPT_FILES_HINT }</p>
        </>
    }
}
