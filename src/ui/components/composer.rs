//! Where a message is written. The text belongs to the field; what is kept across chats is its draft.

use b4_protocol::identity::UserId;
use web_sys::{HtmlTextAreaElement, InputEvent, KeyboardEvent, SubmitEvent};
use yew::prelude::*;

use super::{Icon, IconName};
use crate::ui::text::{bytes_left, cleaned, has_half_characters};
use crate::ui::words;

/// What is needed.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// To whom.
    pub to: UserId,
    /// What stood there last.
    pub draft: AttrValue,
    /// Why the last text came back, if it did.
    pub problem: Option<AttrValue>,
    /// Nothing can be sent now.
    pub is_disabled: bool,
    /// The text changed.
    pub on_draft: Callback<String>,
    /// A text is to be sent.
    pub on_send: Callback<String>,
}

/// A field that grows; Enter sends, Shift and Enter break the line.
#[component]
pub fn Composer(props: &Props) -> Html {
    let field = use_node_ref();
    let left = use_state_eq(|| bytes_left(&props.draft));
    let note = use_state_eq(|| None::<&'static str>);
    {
        let (field, left) = (field.clone(), left.clone());
        use_effect_with((props.to.clone(), props.draft.clone()), move |(_, draft)| {
            if let Some(field) = field.cast::<HtmlTextAreaElement>().filter(|field| field.value() != draft.as_str()) {
                field.set_value(draft);
                left.set(bytes_left(draft));
            }
        });
    }
    {
        let field = field.clone();
        use_effect_with(props.to.clone(), move |_| {
            if let Some(field) = field.cast::<HtmlTextAreaElement>() {
                // A field that cannot take the focus is no trouble.
                let _ = field.focus();
            }
        });
    }
    let on_input = {
        let (field, left, note, on_draft) = (field.clone(), left.clone(), note.clone(), props.on_draft.clone());
        Callback::from(move |_: InputEvent| {
            let Some(field) = field.cast::<HtmlTextAreaElement>() else { return };
            let mut text = field.value();
            let clean = cleaned(&text);
            note.set(match &clean {
                Some(_) => Some(words::CLEANED),
                None => has_half_characters(&text).then_some(words::HALVES),
            });
            if let Some(clean) = clean {
                field.set_value(&clean);
                text = clean;
            }
            left.set(bytes_left(&text));
            on_draft.emit(text);
        })
    };
    let send = {
        let (field, left, note, on_send) = (field.clone(), left.clone(), note.clone(), props.on_send.clone());
        move || {
            let Some(field) = field.cast::<HtmlTextAreaElement>() else { return };
            let text = field.value();
            if text.trim().is_empty() || bytes_left(&text).is_some_and(|left| left < 0) {
                return;
            }
            field.set_value("");
            left.set(None);
            note.set(None);
            on_send.emit(text);
        }
    };
    let on_key = {
        let send = send.clone();
        Callback::from(move |event: KeyboardEvent| {
            if event.key() == "Enter" && !event.shift_key() && !event.is_composing() {
                event.prevent_default();
                send();
            }
        })
    };
    let on_submit = Callback::from(move |event: SubmitEvent| {
        event.prevent_default();
        send();
    });
    let is_too_long = left.is_some_and(|left| left < 0);
    html! {
        <form class="composer" onsubmit={on_submit}>
            <div class="composer-notes" aria-live="assertive">
                if let Some(problem) = &props.problem {
                    <p class="problem" data-testid="composer-problem">{ problem.clone() }</p>
                }
                if let Some(note) = *note {
                    <p class="hint" data-testid="composer-note">{ note }</p>
                }
                if let Some(left) = *left {
                    <p class={if is_too_long { "problem" } else { "hint" }} data-testid="composer-counter">{ words::left(left) }</p>
                }
            </div>
            <textarea
                ref={field}
                data-testid="composer-input"
                aria-label={words::COMPOSER_LABEL}
                placeholder={words::COMPOSER_LABEL}
                rows="1"
                dir="auto"
                disabled={props.is_disabled}
                aria-invalid={is_too_long.to_string()}
                oninput={on_input}
                onkeydown={on_key}
            />
            <button class="primary round" data-testid="composer-send" aria-label={words::SEND} disabled={props.is_disabled || is_too_long}>
                <Icon name={IconName::Send} />
            </button>
        </form>
    }
}
