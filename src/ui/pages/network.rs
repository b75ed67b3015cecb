//! The network as seen from here: in a sentence, as a picture, in numbers.

use b4_protocol::identity::UserId;
use b4_protocol::node::Command;
use web_sys::HtmlElement;
use yew::prelude::*;

use crate::engine::Action;
use crate::ui::components::{Picked, Said, latest, link_table, numbers, picture};
use crate::ui::hooks::{use_app, use_engine};
use crate::ui::meter::Meter;
use crate::ui::{time, words};

/// Where it leads.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// The person wants to talk to somebody who is linked.
    pub on_chat: Callback<UserId>,
}

/// The page about the network. While it is there, the engine tells how the network looks.
#[component]
pub fn NetworkPage(props: &Props) -> Html {
    let (state, engine) = (use_app(), use_engine());
    let picked = Picked { held: use_state(String::new), pointed: use_state(String::new) };
    let (meter, said, heading) = (use_mut_ref(Meter::default), use_mut_ref(Said::default), use_node_ref());
    let title = heading.clone();
    use_effect_with((), move |()| {
        let watch = move |on| engine.send(Action::Node(Command::WatchNetwork { on }));
        watch(true);
        take_focus(&title);
        move || watch(false)
    });
    let view = state.network_view.as_deref();
    let below = view.map(|view| {
        let now_ms = time::now_ms();
        let rates = meter.borrow_mut().take(now_ms, view.ring_bytes);
        html! {
            <>
                <div class="beside">{ numbers(view, state.network, rates, latest(view, &mut said.borrow_mut(), now_ms)) }</div>
                { link_table(view) }
            </>
        }
    });
    html! {
        <section
            class="network-view"
            data-testid="network-view"
            data-answered={view.map(|view| view.answered.to_string())}
            aria-labelledby="network-title"
            aria-busy={view.is_none().to_string()}
        >
            <h2 id="network-title" tabindex="-1" ref={heading}>{ words::NETWORK }</h2>
            <p class="lead">{ view.map_or_else(|| words::NETWORK_WAIT.to_owned(), |view| words::standing(view, state.network)) }</p>
            { picture(view, &picked, |user| state.contacts.contains_key(user), &props.on_chat) }
            { below }
        </section>
    }
}

/// Who came here from somewhere on the page goes on reading here. Where the page was opened anew, nothing has the focus, and nothing takes it.
fn take_focus(heading: &NodeRef) {
    let Some(heading) = heading.cast::<HtmlElement>() else { return };
    let focused = heading.owner_document().and_then(|document| document.active_element());
    if focused.is_some_and(|focused| focused.tag_name() != "BODY") {
        let _ = heading.focus();
    }
}
