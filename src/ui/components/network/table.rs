//! The links as a table: what the picture shows, for those who cannot see it.

use b4_protocol::node::{LinkView, NetworkView};
use yew::prelude::*;

use crate::ui::words;

/// A row a link, clockwise round the ring; nothing where there is none.
pub fn link_table(view: &NetworkView) -> Html {
    let row = |link: &LinkView| {
        let [trip, age, why] = words::link_cells(link);
        html! { <tr><th scope="row"><bdi>{ link.user.to_string() }</bdi></th><td>{ trip }</td><td>{ age }</td><td>{ why }</td></tr> }
    };
    html! {
        if !view.links.is_empty() {
            <>
                <h3>{ words::LINK_TABLE_TITLE }</h3>
                <table class="links" data-testid="link-table" aria-label={words::LINK_TABLE_TITLE}>
                    <thead><tr>{ for words::LINK_TABLE.map(|title| html! { <th scope="col">{ title }</th> }) }</tr></thead>
                    <tbody>{ for view.links.iter().map(row) }</tbody>
                </table>
            </>
        }
    }
}
