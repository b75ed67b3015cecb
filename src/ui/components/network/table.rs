//! The links as a table: what the picture shows, for those who cannot see it.

use std::rc::Rc;

use b4_protocol::node::NetworkView;
use yew::prelude::*;

use crate::ui::words;

/// What is shown.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// The network.
    pub view: Rc<NetworkView>,
}

/// A row a link, clockwise round the ring.
#[component]
pub fn LinkTable(props: &Props) -> Html {
    html! {
        <table class="links" data-testid="link-table" aria-label={words::RING_LABEL}>
            <thead><tr>{ for words::LINK_TABLE.map(|title| html! { <th scope="col">{ title }</th> }) }</tr></thead>
            <tbody>
                { for props.view.links.iter().map(|link| html! {
                    <tr key={link.node.to_string()}>
                        <th scope="row"><bdi>{ link.user.to_string() }</bdi></th>
                        <td>{ link.rtt_ms.map_or_else(|| words::UNKNOWN.to_owned(), words::ms) }</td>
                        <td>{ words::age(link.age_ms) }</td>
                        <td>{ words::link_kind(link) }</td>
                    </tr>
                }) }
            </tbody>
        </table>
    }
}
