//! What has to be settled about a contact: a stranger, a changed key, a block; and the safety number.

use std::rc::Rc;

use b4_protocol::node::{Command, ContactView, KeyStanding, Standing};
use yew::prelude::*;

use crate::engine::Action;
use crate::ui::hooks::use_engine;
use crate::ui::{qr, words};

/// What is shown.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// The contact.
    pub contact: Rc<ContactView>,
    /// The person wants to see the details.
    pub is_open: bool,
}

/// What is to be settled, above the messages, and the details when they are asked for.
#[component]
pub fn PeerPanel(props: &Props) -> Html {
    let engine = use_engine();
    let contact = &props.contact;
    let order = |command: Command| {
        let engine = engine.clone();
        Callback::from(move |_: MouseEvent| engine.send(Action::Node(command.clone())))
    };
    let user = contact.user.clone();
    let accept = order(Command::Accept { user: user.clone() });
    let ignore = order(Command::Ignore { user: user.clone() });
    let block = order(Command::Block { user: user.clone() });
    let unblock = order(Command::Unblock { user: user.clone() });
    let confirm = order(Command::ConfirmKey { user });
    let is_stranger = matches!(contact.standing, Standing::New | Standing::Ignored);
    html! {
        <>
            if contact.key == KeyStanding::Changed {
                <div class="panel alarm" role="alert" data-testid="key-changed">
                    <p>{ words::KEY_CHANGED }</p>
                    { safety_number(contact, true) }
                    <button data-testid="key-confirm" onclick={confirm}>{ words::KEY_CONFIRM }</button>
                </div>
            }
            if is_stranger {
                <div class="panel" data-testid="stranger">
                    <p>{ if contact.standing == Standing::Ignored { words::IGNORED } else { words::STRANGER } }</p>
                    <div class="panel-buttons">
                        <button class="primary" data-testid="contact-accept" onclick={accept}>{ words::ACCEPT }</button>
                        if contact.standing == Standing::New {
                            <button data-testid="contact-ignore" onclick={ignore}>{ words::IGNORE }</button>
                        }
                        <button data-testid="contact-block" onclick={block.clone()}>{ words::BLOCK }</button>
                    </div>
                </div>
            }
            if contact.standing == Standing::Blocked {
                <div class="panel" data-testid="blocked">
                    <p>{ words::BLOCKED }</p>
                    <button data-testid="contact-unblock" onclick={unblock}>{ words::UNBLOCK }</button>
                </div>
            }
            <div id="contact-details" class={if props.is_open { "panel" } else { "visually-hidden" }} aria-hidden={(!props.is_open).to_string()}>
                if contact.key != KeyStanding::Changed {
                    { safety_number(contact, props.is_open) }
                }
                if contact.standing == Standing::Accepted && props.is_open {
                    <div class="panel-buttons"><button data-testid="contact-block" onclick={block}>{ words::BLOCK }</button></div>
                }
            </div>
        </>
    }
}

/// The number as text and, where it is in sight, as a code.
fn safety_number(contact: &ContactView, is_shown: bool) -> Html {
    let number = &contact.safety_number;
    let code = number.as_ref().filter(|_| is_shown).and_then(|number| qr::drawing(number));
    html! {
        if let Some(number) = number {
            <div class="safety">
                <h3>{ words::SAFETY }</h3>
                <code data-testid="safety-number">{ number.clone() }</code>
                if let Some(code) = code {
                    <svg class="safety-code" data-testid="safety-code" viewBox={code.view_box} role="img" aria-label={words::SAFETY_CODE}>
                        <path d={code.path} />
                    </svg>
                }
                <p class="hint">{ words::SAFETY_HOW }</p>
            </div>
        }
    }
}
