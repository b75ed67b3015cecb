//! The network as seen from here: in a sentence, as a picture, in numbers.

use b4_protocol::node::Command;
use yew::prelude::*;

use crate::engine::Action;
use crate::ui::components::{link_table, numbers, picture};
use crate::ui::hooks::{use_app, use_engine};
use crate::ui::meter::Meter;
use crate::ui::{time, words};

/// The page about the network. While it is there, the engine tells how the network looks.
#[component]
pub fn NetworkPage() -> Html {
    let (state, engine) = (use_app(), use_engine());
    let (picked, meter) = (use_state(String::new), use_mut_ref(Meter::default));
    use_effect_with((), move |()| {
        let watch = move |on| engine.send(Action::Node(Command::WatchNetwork { on }));
        watch(true);
        move || watch(false)
    });
    let view = state.network_view.as_deref();
    let below = view.map(|view| {
        let rates = meter.borrow_mut().take(time::now_ms(), view.ring_bytes);
        html! { <>{ numbers(view, state.network, rates) }{ link_table(view) }</> }
    });
    html! {
        <section class="network-view" data-testid="network-view" aria-label={words::NETWORK} aria-busy={view.is_none().to_string()}>
            <h2>{ words::NETWORK }</h2>
            <p class="lead">{ view.map_or_else(|| words::NETWORK_WAIT.to_owned(), |view| words::standing(view, state.network)) }</p>
            { picture(view, &picked) }
            { below }
        </section>
    }
}
