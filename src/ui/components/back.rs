//! Back to the list, on a phone.

use yew::prelude::*;

use super::{IconName, icon};
use crate::ui::words;

/// A bar with the button alone, above what a pane shows.
pub fn back(on_back: &Callback<()>) -> Html {
    let on_back = on_back.reform(|_: MouseEvent| ());
    html! {
        <div class="pane-bar">
            <button class="plain back" aria-label={words::BACK} onclick={on_back}>{ icon(IconName::Back) }</button>
        </div>
    }
}
