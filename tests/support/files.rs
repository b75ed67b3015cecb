//! Files for tests of the screen: messages that offer one, and how a person chooses, drags and pastes them.

use b4_protocol::chat::MessageId;
use b4_protocol::file::{FileId, FileSlot};
use b4_protocol::node::{Direction, FileProgress, FileState, FileView, MessageState, MessageView};
use gloo::file::File;
use wasm_bindgen::JsCast;
use web_sys::{ClipboardEvent, ClipboardEventInit, DataTransfer, DragEvent, DragEventInit, Event, EventInit, HtmlInputElement};

use super::screen::{Screen, message};

/// A file of 64 MB, of which so many bytes are there.
pub fn file(name: &str, state: FileState, bytes: u64) -> FileView {
    let slot = (state == FileState::Complete).then_some(FileSlot(bytes));
    FileView { id: FileId([9; 32]), name: name.to_owned(), media_type: String::new(), size: 64_000_000, progress: FileProgress { state, bytes, rate: 0, slot } }
}

/// A message that offers it.
pub fn offer(order: u64, direction: Direction, file: FileView) -> MessageView {
    MessageView { text: String::new(), file: Some(Box::new(file)), ..message(order, direction, MessageState::Delivered) }
}

/// Of the message at a place.
pub fn id(order: u64) -> MessageId {
    message(order, Direction::Out, MessageState::Queued).id
}

/// A file with these words in it.
pub fn text_file(name: &str) -> File {
    File::new_with_options(name, "words", Some("text/plain"), None)
}

fn transfer(files: &[File], text: Option<(&str, &str)>) -> DataTransfer {
    let transfer = DataTransfer::new().expect("something to carry");
    for file in files {
        transfer.items().add_with_file(file.as_ref()).expect("added");
    }
    if let Some((kind, text)) = text {
        transfer.set_data(kind, text).expect("set");
    }
    transfer
}

impl Screen {
    /// A person chooses files with a button.
    pub async fn choose_files(&self, testid: &str, files: &[File]) {
        let field: HtmlInputElement = self.one(testid).unchecked_into();
        field.set_files(transfer(files, None).files().as_ref());
        let init = EventInit::new();
        init.set_bubbles(true);
        field.dispatch_event(&Event::new_with_event_init_dict("change", &init).expect("an event")).expect("dispatched");
        self.settle().await;
    }

    /// A person drags files, or a text, over the element or drops them there. Whether the page took it from the browser.
    pub async fn drag(&self, testid: &str, kind: &str, files: &[File], text: Option<&str>) -> bool {
        let init = DragEventInit::new();
        init.set_bubbles(true);
        init.set_cancelable(true);
        init.set_data_transfer(Some(&transfer(files, text.map(|text| ("text/plain", text)))));
        let event = DragEvent::new_with_event_init_dict(kind, &init).expect("an event");
        let is_left_to_browser = self.one(testid).dispatch_event(&event).expect("dispatched");
        self.settle().await;
        !is_left_to_browser
    }

    /// A person pastes files, and a text of some kind.
    pub async fn paste(&self, testid: &str, files: &[File], text: Option<(&str, &str)>) -> bool {
        let init = ClipboardEventInit::new();
        init.set_bubbles(true);
        init.set_cancelable(true);
        init.set_clipboard_data(Some(&transfer(files, text)));
        let event = ClipboardEvent::new_with_event_init_dict("paste", &init).expect("an event");
        let is_left_to_browser = self.one(testid).dispatch_event(&event).expect("dispatched");
        self.settle().await;
        !is_left_to_browser
    }
}
