//! What can be seen or heard of a file: a picture, a sound, a video. Which of them it is says the engine, after a look at its bytes.

use std::rc::Rc;

use b4_protocol::file::FileSlot;
use b4_protocol::node::FileView;
use web_sys::HtmlDialogElement;
use yew::prelude::*;

use crate::engine::{Action, EngineHandle};
use crate::state::Preview;
use crate::ui::components::{IconName, icon};
use crate::ui::file::FileKind;
use crate::ui::words;

/// How one is looked at.
pub struct Look {
    /// Asks what can be shown.
    ask: Callback<MouseEvent>,
    /// It was shown, and had to give way to others if it is not there.
    was_shown: bool,
    /// What was to be a picture is none.
    is_broken: UseStateHandle<bool>,
    is_large: UseStateHandle<bool>,
    dialog: NodeRef,
}

/// Asks once what can be shown of what is at `slot`, unless that is known; a large picture is shown in a dialog of the browser's, which closes with Escape
/// and gives the focus back.
#[hook]
pub fn use_look(slot: Option<FileSlot>, size: u64, known: Option<&Rc<Preview>>, engine: &EngineHandle) -> Look {
    let (was_shown, is_broken, is_large, dialog) = (use_mut_ref(|| false), use_state_eq(|| false), use_state_eq(|| false), use_node_ref());
    let ask = {
        let (engine, is_broken) = (engine.clone(), is_broken.clone());
        move |slot| {
            is_broken.set(false);
            engine.send(Action::PreviewFile { slot, size });
        }
    };
    {
        let (ask, is_known) = (ask.clone(), known.is_some());
        use_effect_with(slot, move |slot| slot.filter(|_| !is_known).into_iter().for_each(ask));
    }
    let node = dialog.clone();
    use_effect_with(*is_large, move |is_large| {
        if let Some(dialog) = node.cast::<HtmlDialogElement>().filter(|_| *is_large) {
            // Refused only for one that is open already.
            let _ = dialog.show_modal();
        }
    });
    let is_shown = known.is_some_and(|known| **known != Preview::None);
    let was_shown = was_shown.replace_with(|was| *was || is_shown);
    Look { ask: Callback::from(move |_: MouseEvent| slot.into_iter().for_each(&ask)), was_shown, is_broken, is_large, dialog }
}

/// What can be shown, in a room of fixed size: nothing moves when it comes.
pub fn preview(file: &FileView, kind: FileKind, preview: Option<&Rc<Preview>>, look: &Look) -> Html {
    let name = file.name.clone();
    match (preview.map(Rc::as_ref), kind) {
        (Some(Preview::None), _) => Html::default(),
        (Some(_), _) if *look.is_broken => Html::default(),
        (Some(Preview::Image(url)), _) => picture(name, url, look),
        (Some(Preview::Audio(url)), _) => {
            html! { <audio class="file-room sound" data-testid="file-audio" controls={true} preload="metadata" aria-label={name} src={url.clone()} /> }
        }
        (Some(Preview::Video(url)), _) => {
            html! { <video class="file-room" data-testid="file-video" controls={true} playsinline={true} preload="metadata" aria-label={name} src={url.clone()} /> }
        }
        (None, _) if look.was_shown => {
            let label = words::file_button(words::FILE_SHOW, &name);
            html! { <button data-testid="file-show" aria-label={label} onclick={look.ask.clone()}>{ words::FILE_SHOW }</button> }
        }
        (None, FileKind::Picture | FileKind::Video) => html! { <div class="file-room" aria-hidden="true" /> },
        (None, FileKind::Sound) => html! { <div class="file-room sound" aria-hidden="true" /> },
        (None, _) => Html::default(),
    }
}

/// A picture that opens large.
fn picture(name: String, url: &str, look: &Look) -> Html {
    let set = |state: &UseStateHandle<bool>, value: bool| {
        let state = state.clone();
        move || state.set(value)
    };
    let (open, closed, broken, dialog) = (set(&look.is_large, true), set(&look.is_large, false), set(&look.is_broken, true), look.dialog.clone());
    let on_open = Callback::from(move |_: MouseEvent| open());
    let on_error = Callback::from(move |_: Event| broken());
    let on_close = Callback::from(move |_: Event| closed());
    let on_click = Callback::from(move |_: MouseEvent| if let Some(dialog) = dialog.cast::<HtmlDialogElement>() { dialog.close() });
    html! {
        <>
            <button class="plain file-room file-picture" data-testid="file-picture" aria-label={words::file_button(words::FILE_ENLARGE, &name)} onclick={on_open}>
                <img alt={name.clone()} src={url.to_owned()} decoding="async" onerror={on_error} />
            </button>
            if *look.is_large {
                <dialog ref={look.dialog.clone()} class="large-picture" data-testid="large-picture" aria-label={name.clone()} onclick={on_click} onclose={on_close}>
                    <img alt={name} src={url.to_owned()} />
                    <button class="round" aria-label={words::CLOSE} title={words::CLOSE}>{ icon(IconName::Close) }</button>
                </dialog>
            }
        </>
    }
}
