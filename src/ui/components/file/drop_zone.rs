//! Where files can be dropped, and what becomes of those that are dropped elsewhere.

use gloo::file::File;
use wasm_bindgen::JsCast;
use web_sys::{ClipboardEvent, DragEvent};
use yew::prelude::*;

use super::choose::{drags_files, dropped, emit, pasted};
use crate::ui::words;

/// A conversation that takes files, dropped anywhere in it or pasted. While they are dragged over it (`is_over`) a sign lies over
/// all: to leave the zone is to leave that sign. Where `on_files` is missing, none are taken.
pub fn drop_zone(label: String, on_files: Option<&Callback<Vec<File>>>, is_over: &UseStateHandle<bool>, inside: Html) -> Html {
    let set_over = |over: bool| {
        let is_over = is_over.clone();
        move || is_over.set(over)
    };
    let Some(on_files) = on_files.cloned() else {
        return html! { <section class="conversation" aria-label={label}>{ inside }</section> };
    };
    let on_over = {
        let enter = set_over(true);
        Callback::from(move |event: DragEvent| {
            if drags_files(&event) {
                take(&event, "copy");
                enter();
            }
        })
    };
    let on_drop = {
        let (leave, on_files) = (set_over(false), on_files.clone());
        Callback::from(move |event: DragEvent| {
            leave();
            if drags_files(&event) {
                event.prevent_default();
                emit(&on_files, dropped(&event));
            }
        })
    };
    let on_paste = Callback::from(move |event: Event| {
        let files = event.dyn_ref::<ClipboardEvent>().map(pasted).unwrap_or_default();
        if !files.is_empty() {
            event.prevent_default();
        }
        emit(&on_files, files);
    });
    let (leave, end) = (set_over(false), set_over(false));
    let on_leave = Callback::from(move |_: DragEvent| leave());
    // A pointer that moves drags nothing any more.
    let on_move = Callback::from(move |_: MouseEvent| end());
    html! {
        <section class="conversation" aria-label={label} ondragenter={on_over.clone()} ondragover={on_over} ondrop={on_drop} onpaste={on_paste}>
            { inside }
            if **is_over {
                <div class="drop-zone" data-testid="drop-zone" ondragleave={on_leave} onmousemove={on_move}><p>{ words::DROP_HERE }</p></div>
            }
        </section>
    }
}

/// Files that are dragged over anything but a zone cannot be dropped there: the browser would leave the page for them.
pub fn refuse_drop() -> Callback<DragEvent> {
    Callback::from(|event: DragEvent| {
        if !event.default_prevented() && drags_files(&event) {
            take(&event, "none");
        }
    })
}

/// Takes the event from the browser, and says what a drop would do.
fn take(event: &DragEvent, effect: &str) {
    event.prevent_default();
    if let Some(dragged) = event.data_transfer() {
        dragged.set_drop_effect(effect);
    }
}
