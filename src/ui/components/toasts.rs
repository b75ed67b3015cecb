//! What can wait in a corner: a new version.

use yew::prelude::*;

use crate::engine::{Action, EngineHandle};
use crate::state::AppState;
use crate::ui::words;

/// The corner.
pub fn toasts(state: &AppState, engine: &EngineHandle) -> Html {
    let engine = engine.clone();
    let on_update = Callback::from(move |_: MouseEvent| engine.send(Action::ApplyUpdate));
    html! {
        <div class="toasts" role="status">
            if state.is_update_ready {
                <div class="toast" data-testid="update-ready">
                    <span>{ words::UPDATE }</span>
                    <button class="primary" data-testid="update-apply" onclick={on_update}>{ words::UPDATE_NOW }</button>
                </div>
            }
        </div>
    }
}
