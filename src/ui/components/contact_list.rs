//! The list of contacts.

use std::rc::Rc;

use b4_protocol::identity::UserId;
use b4_protocol::node::ContactView;
use yew::prelude::*;

use crate::state::AppState;
use crate::ui::{time, words};

/// All contacts, strangers first; when there are none, `invitation` and a sentence. `selected` is the chat that is open.
pub fn contact_list(state: &AppState, selected: Option<&UserId>, on_select: &Callback<UserId>, invitation: Html) -> Html {
    let contacts = state.contacts_in_order();
    if contacts.is_empty() {
        return html! { <div class="empty">{ invitation }<p data-testid="no-contacts">{ words::NO_CONTACTS }</p></div> };
    }
    let now_ms = time::now_ms();
    html! {
        <ul class="contacts">
            { for contacts.into_iter().map(|contact| {
                let is_selected = selected == Some(&contact.user);
                let key = contact.user.to_string();
                html! { <ContactRow {key} {contact} {is_selected} {now_ms} on_select={on_select.clone()} /> }
            }) }
        </ul>
    }
}

#[derive(Properties)]
struct RowProps {
    contact: Rc<ContactView>,
    is_selected: bool,
    now_ms: u64,
    on_select: Callback<UserId>,
}

impl PartialEq for RowProps {
    /// The time of day changes a row only through its day.
    fn eq(&self, other: &Self) -> bool {
        let same_day = time::day_number(self.now_ms) == time::day_number(other.now_ms);
        self.contact == other.contact && self.is_selected == other.is_selected && same_day && self.on_select == other.on_select
    }
}

#[component]
fn ContactRow(props: &RowProps) -> Html {
    let contact = &props.contact;
    let on_click = {
        let (user, on_select) = (contact.user.clone(), props.on_select.clone());
        Callback::from(move |_: MouseEvent| on_select.emit(user.clone()))
    };
    let tag = words::tag(contact);
    let has_more = tag.is_some() || contact.unread > 0 || !contact.preview.is_empty();
    let presence = words::presence_key(contact.presence);
    html! {
        <li>
            <button
                class={classes!("contact", props.is_selected.then_some("selected"))}
                data-testid="contact"
                data-user-id={contact.user.to_string()}
                data-presence={presence}
                aria-current={props.is_selected.then_some("true")}
                onclick={on_click}
            >
                <span class={classes!("avatar", format!("presence-{presence}"))} aria-hidden="true">
                    { contact.user.as_str().chars().next().map(|first| first.to_ascii_uppercase()) }
                </span>
                <span class="contact-lines">
                    <span class="contact-line">
                        <bdi class="contact-name">{ contact.user.to_string() }</bdi>
                        <span class="contact-time">{ time::short(contact.last_ms, props.now_ms) }</span>
                    </span>
                    if has_more {
                        <span class="contact-line">
                            <bdi class="contact-preview" dir="auto">{ contact.preview.clone() }</bdi>
                            if let Some(tag) = tag { <em class="tag">{ tag }</em> }
                            if contact.unread > 0 {
                                <span class="badge" aria-label={format!("{} unread", contact.unread)}>{ contact.unread }</span>
                            }
                        </span>
                    }
                </span>
            </button>
        </li>
    }
}
