//! Where a message is written. The text belongs to the field; what is kept across chats is its draft.

use b4_protocol::identity::UserId;
use gloo::file::File;
use web_sys::{HtmlTextAreaElement, InputEvent, KeyboardEvent, SubmitEvent};
use yew::prelude::*;

use super::file::attach;
use super::{IconName, icon};
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
    /// Why nothing can be sent now, if nothing can.
    pub closed: Option<&'static str>,
    /// The text changed.
    pub on_draft: Callback<String>,
    /// A text is to be sent.
    pub on_send: Callback<String>,
    /// Files are to be sent.
    pub on_files: Callback<Vec<File>>,
}

/// A field that grows; Enter sends, Shift and Enter break the line.
#[component]
pub fn Composer(props: &Props) -> Html {
    let field = use_node_ref();
    let about = About { left: use_state_eq(|| bytes_left(&props.draft)), note: use_state_eq(|| None) };
    use_draft(&field, &about, props);
    let on_input = {
        let (field, about, on_draft) = (field.clone(), about.clone(), props.on_draft.clone());
        Callback::from(move |_: InputEvent| {
            if let Some(field) = field.cast::<HtmlTextAreaElement>() {
                on_draft.emit(about.look_at(&field));
            }
        })
    };
    let send = {
        let (field, about, on_send) = (field.clone(), about.clone(), props.on_send.clone());
        move || {
            if let Some(text) = field.cast::<HtmlTextAreaElement>().and_then(|field| about.take(&field)) {
                on_send.emit(text);
            }
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
    let is_too_long = about.is_too_long();
    html! {
        <form class="composer" onsubmit={on_submit}>
            { notes(props.problem.as_ref(), *about.note, *about.left) }
            { attach(props.closed.is_some(), &props.on_files) }
            <textarea
                ref={field}
                data-testid="composer-input"
                aria-label={words::COMPOSER_LABEL}
                placeholder={props.closed.unwrap_or(words::COMPOSER_LABEL)}
                rows="1"
                dir="auto"
                disabled={props.closed.is_some()}
                aria-invalid={is_too_long.to_string()}
                aria-describedby="composer-notes"
                oninput={on_input}
                onkeydown={on_key}
            />
            <button class="primary round" data-testid="composer-send" aria-label={words::SEND} disabled={props.closed.is_some() || is_too_long}>
                { icon(IconName::Send) }
            </button>
        </form>
    }
}

/// What is said about the text in the field.
#[derive(Clone)]
struct About {
    /// Bytes left, near the bound.
    left: UseStateHandle<Option<i64>>,
    /// What was done to it.
    note: UseStateHandle<Option<&'static str>>,
}

impl About {
    /// Looks at the text after a change, takes out what cannot be sent, and returns the rest.
    fn look_at(&self, field: &HtmlTextAreaElement) -> String {
        let text = field.value();
        let clean = cleaned(&text);
        self.note.set(match &clean {
            Some(_) => Some(words::CLEANED),
            None => has_half_characters(&text).then_some(words::HALVES),
        });
        if let Some(clean) = &clean {
            field.set_value(clean);
        }
        let text = clean.unwrap_or(text);
        self.left.set(bytes_left(&text));
        text
    }

    /// Takes the text out of the field, if it can be sent.
    fn take(&self, field: &HtmlTextAreaElement) -> Option<String> {
        let text = field.value();
        if text.trim().is_empty() || bytes_left(&text).is_some_and(|left| left < 0) {
            return None;
        }
        field.set_value("");
        self.left.set(None);
        self.note.set(None);
        Some(text)
    }

    fn is_too_long(&self) -> bool {
        self.left.is_some_and(|left| left < 0)
    }
}

/// Puts the draft into the field when the chat changes or a text comes back, and the focus with it.
#[hook]
fn use_draft(field: &NodeRef, about: &About, props: &Props) {
    let (node, about) = (field.clone(), about.clone());
    use_effect_with((props.to.clone(), props.draft.clone()), move |(_, draft)| {
        if let Some(field) = node.cast::<HtmlTextAreaElement>().filter(|field| field.value() != draft.as_str()) {
            field.set_value(draft);
            about.left.set(bytes_left(draft));
        }
    });
    let node = field.clone();
    use_effect_with(props.to.clone(), move |_| {
        if let Some(field) = node.cast::<HtmlTextAreaElement>() {
            // A field that cannot take the focus is no trouble.
            let _ = field.focus();
        }
    });
}

/// What is said above the field.
fn notes(problem: Option<&AttrValue>, note: Option<&'static str>, left: Option<i64>) -> Html {
    let counter = |left: i64| if left < 0 { "problem" } else { "hint" };
    html! {
        <div id="composer-notes" class="composer-notes" aria-live="assertive">
            if let Some(problem) = problem {
                <p class="problem" data-testid="composer-problem">{ problem.clone() }</p>
            }
            if let Some(note) = note {
                <p class="hint" data-testid="composer-note">{ note }</p>
            }
            if let Some(left) = left {
                <p class={counter(left)} data-testid="composer-counter">{ words::left(left) }</p>
            }
        </div>
    }
}
