//! One conversation: its head, what has to be settled, its messages, its composer.

use std::cell::RefCell;
use std::rc::Rc;

use b4_protocol::identity::UserId;
use b4_protocol::node::{Command, ContactView, KeyStanding, NetworkState, Presence, SendRefusal, Standing};
use yew::prelude::*;

use super::composer::Composer;
use super::file::{drop_zone, outgoing, use_sending};
use super::messages::Messages;
use super::peer_panel::PeerPanel;
use super::{IconName, icon, stranger};
use crate::engine::Action;
use crate::ui::hooks::{use_app, use_engine, use_visibility};
use crate::ui::{Drafts, words};

/// What is shown.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// With whom.
    pub with: UserId,
    /// Drafts of all conversations.
    pub drafts: Rc<RefCell<Drafts>>,
    /// Back to the list, on a phone.
    pub on_back: Callback<()>,
}

/// The conversation with a contact; with somebody who is none, the way to make them one.
#[component]
pub fn Conversation(props: &Props) -> Html {
    let (state, engine) = (use_app(), use_engine());
    let with = props.with.clone();
    let contact = state.contacts.get(&with).cloned();
    let chat = state.chats.get(&with).cloned().unwrap_or_default();
    use_opened(&with, contact.is_some(), chat.is_loaded);
    let is_at_end = use_state_eq(|| true);
    use_read(&with, contact.as_ref().map_or(0, |contact| contact.unread), chat.len(), *is_at_end);
    let on_end = use_callback((), move |at_end, ()| is_at_end.set(at_end));
    let problem = use_returned(&with, &props.drafts);
    let (is_open, is_asked, is_over) = (use_state(|| false), use_state(|| false), use_state_eq(|| false));
    let on_dismiss = use_dismiss(&props.drafts);
    let is_away = contact.as_ref().is_some_and(|contact| matches!(contact.presence, Presence::Away | Presence::Unreachable { .. }));
    let (on_files, asked) = use_sending(&with, is_away);
    let Some(contact) = contact else {
        return stranger(&with, &state, engine, &is_asked, &props.on_back);
    };
    let draft = AttrValue::from(props.drafts.borrow().text(&with));
    let on_draft = {
        let (drafts, with, problem) = (Rc::clone(&props.drafts), with.clone(), problem.clone());
        Callback::from(move |text: String| {
            drafts.borrow().keep(&with, &text);
            problem.set(None);
        })
    };
    let on_send = {
        let (engine, drafts, with, problem) = (engine.clone(), Rc::clone(&props.drafts), with.clone(), problem.clone());
        Callback::from(move |text: String| {
            drafts.borrow().keep(&with, "");
            problem.set(None);
            engine.send(Action::Node(Command::SendText { to: with.clone(), text }));
        })
    };
    let closed = match (contact.standing, contact.key) {
        (Standing::Blocked, _) => Some(SendRefusal::Blocked),
        (_, KeyStanding::Changed) => Some(SendRefusal::KeyChanged),
        _ => None,
    };
    let problem = problem.map(|why| AttrValue::Static(words::send_refusal(why)));
    let inside = html! {
        <>
            { head(&contact, state.network, chat.kept_too_little(), &is_open, &props.on_back) }
            <PeerPanel contact={Rc::clone(&contact)} is_open={*is_open} />
            <Messages {chat} contact={Rc::clone(&contact)} previews={Rc::clone(&state.previews)} {on_end} />
            { outgoing(&with, &state.outgoing, asked, &props.drafts.borrow(), &engine, &on_dismiss) }
            <Composer to={with} {draft} {problem} closed={closed.map(words::send_refusal)} {on_draft} {on_send} on_files={on_files.clone()} />
        </>
    };
    drop_zone(contact.user.to_string(), Some(&on_files).filter(|_| closed.is_none()), &is_over, inside)
}

/// Tells the engine which chat is on the screen, and loads its newest page once.
#[hook]
fn use_opened(with: &UserId, is_contact: bool, is_loaded: bool) {
    let engine = use_engine();
    use_effect_with((with.clone(), is_contact), move |(with, is_contact)| {
        if *is_contact {
            engine.send(Action::Node(Command::Open { user: Some(with.clone()) }));
            if !is_loaded {
                engine.send(Action::Node(Command::LoadMessages { with: with.clone(), before: None }));
            }
        }
        move || engine.send(Action::Node(Command::Open { user: None }))
    });
}

/// What is on the screen of a page that is seen has been read; whoever looks further back does not see what comes meanwhile. How
/// many are unread may be the same in two renderings although others are: so the number of messages counts, too.
#[hook]
fn use_read(with: &UserId, unread: u32, messages: usize, is_at_end: bool) {
    let (engine, is_visible) = (use_engine(), use_visibility());
    use_effect_with((with.clone(), is_visible && is_at_end, unread, messages), move |(with, is_seen, unread, _)| {
        if *is_seen && *unread > 0 {
            engine.send(Action::Node(Command::MarkRead { user: with.clone() }));
        }
    });
}

/// Puts a text that was not taken back into the draft, once, and says why.
#[hook]
fn use_returned(with: &UserId, drafts: &Rc<RefCell<Drafts>>) -> UseStateHandle<Option<SendRefusal>> {
    let returned = use_app().returned.clone().filter(|(to, ..)| to == with);
    let problem = use_state_eq(|| None);
    let (drafts, shown) = (Rc::clone(drafts), problem.clone());
    use_effect_with(returned, move |returned| {
        if let Some((to, text, why, number)) = returned
            && drafts.borrow_mut().put_back(*number, to, text)
        {
            shown.set(Some(*why));
        }
    });
    problem
}

/// What came to nothing and was read is not shown again.
#[hook]
fn use_dismiss(drafts: &Rc<RefCell<Drafts>>) -> Callback<u32> {
    let (drafts, update) = (Rc::clone(drafts), use_force_update());
    Callback::from(move |number| {
        drafts.borrow_mut().dismiss(number);
        update.force_update();
    })
}

/// Who it is, how they can be reached, and the way to the details.
fn head(contact: &ContactView, network: NetworkState, kept_too_little: Option<usize>, is_open: &UseStateHandle<bool>, on_back: &Callback<()>) -> Html {
    let on_back = on_back.reform(|_: MouseEvent| ());
    let presence = words::presence(network, contact.presence, kept_too_little);
    let on_details = {
        let is_open = is_open.clone();
        Callback::from(move |_: MouseEvent| is_open.set(!*is_open))
    };
    html! {
        <header class="conversation-head">
            <button class="plain back" data-testid="back" aria-label={words::BACK} onclick={on_back}>{ icon(IconName::Back) }</button>
            <div class="conversation-who">
                <h2><bdi>{ contact.user.to_string() }</bdi></h2>
                <p class="presence" data-testid="presence" aria-live="polite">{ presence }</p>
            </div>
            <button
                class="plain square"
                data-testid="contact-details"
                aria-label={words::CONTACT_DETAILS}
                title={words::CONTACT_DETAILS}
                aria-expanded={is_open.to_string()}
                aria-controls="contact-details"
                onclick={on_details}
            >
                { icon(IconName::Shield) }
            </button>
        </header>
    }
}
