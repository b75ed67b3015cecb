//! Files out of what a person does: chosen with a button, dropped, pasted.

use gloo::file::{Blob, File, FileList};
use web_sys::{ClipboardEvent, DragEvent, HtmlInputElement};
use yew::prelude::*;

use crate::ui::components::{IconName, icon};
use crate::ui::file::name_of_pasted;
use crate::ui::words;

/// What browsers call files among the kinds of things that are dragged.
const FILES: &str = "Files";
/// The kind of text that office programs put into the clipboard beside a picture of it.
const RICH_TEXT: &str = "text/rtf";

/// A button that opens the file chooser.
pub fn attach(is_closed: bool, on_files: &Callback<Vec<File>>) -> Html {
    let on_files = on_files.clone();
    let on_change = Callback::from(move |event: Event| {
        let field: HtmlInputElement = event.target_unchecked_into();
        let chosen = field.files().map(FileList::from);
        // The same chosen again is a change again.
        field.set_value("");
        emit(&on_files, chosen.map(|list| list.to_vec()).unwrap_or_default());
    });
    html! {
        <label class={classes!("attach", is_closed.then_some("closed"))} title={words::ATTACH}>
            { icon(IconName::Attach) }
            <input
                class="visually-hidden"
                data-testid="attach-file"
                type="file"
                multiple={true}
                aria-label={words::ATTACH}
                disabled={is_closed}
                onchange={on_change}
            />
        </label>
    }
}

/// Hands files on, if there are any.
pub fn emit(on_files: &Callback<Vec<File>>, files: Vec<File>) {
    if !files.is_empty() {
        on_files.emit(files);
    }
}

/// Whether files are dragged, and not a text or a link.
pub fn drags_files(event: &DragEvent) -> bool {
    event.data_transfer().is_some_and(|dragged| dragged.types().includes(&FILES.into(), 0))
}

/// What was dropped.
pub fn dropped(event: &DragEvent) -> Vec<File> {
    let list = event.data_transfer().and_then(|dragged| dragged.files());
    list.map(|list| FileList::from(list).to_vec()).unwrap_or_default()
}

/// Files of the clipboard; none where it has a text of which they are but a picture.
pub fn pasted(event: &ClipboardEvent) -> Vec<File> {
    let Some(clipboard) = event.clipboard_data().filter(|clipboard| !clipboard.types().includes(&RICH_TEXT.into(), 0)) else { return Vec::new() };
    clipboard.files().map(|list| FileList::from(list).iter().map(named).collect()).unwrap_or_default()
}

/// The same file, under a name if it has none.
fn named(file: &File) -> File {
    if !file.name().is_empty() {
        return file.clone();
    }
    let media_type = file.raw_mime_type();
    File::new_with_options(&name_of_pasted(&media_type), Blob::from(file.clone()), Some(&media_type), None)
}
