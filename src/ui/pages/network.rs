//! The network as seen from here: in a sentence, as a picture, in numbers.

use b4_protocol::node::Command;
use yew::prelude::*;

use crate::engine::Action;
use crate::ui::components::{LinkTable, Numbers, Picture};
use crate::ui::hooks::{use_app, use_engine};
use crate::ui::words;

/// The page about the network. While it is there, the engine tells how the network looks.
#[component]
pub fn NetworkPage() -> Html {
    let (view, engine) = (use_app().network_view, use_engine());
    use_effect_with((), move |()| {
        let watch = move |on| engine.send(Action::Node(Command::WatchNetwork { on }));
        watch(true);
        move || watch(false)
    });
    let standing = view.as_deref().map_or_else(|| words::NETWORK_WAIT.to_owned(), words::standing);
    html! {
        <section class="network-view" data-testid="network-view" aria-label={words::NETWORK} aria-busy={view.is_none().to_string()}>
            <h2>{ words::NETWORK }</h2>
            <p class="lead" data-testid="network-standing">{ standing }</p>
            <Picture view={view.clone()} />
            if let Some(view) = view {
                <Numbers view={view.clone()} />
                if !view.links.is_empty() {
                    <LinkTable {view} />
                }
            }
        </section>
    }
}
