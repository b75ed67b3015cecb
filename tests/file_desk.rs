//! What the engine does with files that a person chose or wants to see: real copies on the disk, a node that writes orders down.
#![cfg(target_arch = "wasm32")]

#[allow(dead_code, reason = "shared with the tests of the worker, which use the rest")]
#[path = "support/file_worker.rs"]
mod file_worker;
#[allow(dead_code, reason = "shared with other suites, which use the rest")]
#[path = "support/heard.rs"]
mod heard;

use std::cell::RefCell;
use std::rc::Rc;

use b4::engine::{DeskReach, FileDesk};
use b4::platform::files::Files;
use b4::platform::rtc::Links;
use b4::state::{Event, PrepareFailure, Preparing, Preview};
use b4_protocol::file::FileSlot;
use b4_protocol::identity::UserId;
use b4_protocol::limits::FILE_BYTES_MAX;
use b4_protocol::node::{Command, Input};
use file_worker::{SCRIPT, hashes_of, some_bytes};
use gloo::file::File;
use heard::Heard;
use js_sys::{Array, Function, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

const MIB: usize = 1024 * 1024;

/// A desk and what it said.
struct Desk {
    desk: Rc<FileDesk>,
    said: Rc<Said>,
    _links: Links,
}

struct Said {
    events: RefCell<Vec<Event>>,
    pushed: Heard,
    files: Files,
}

struct Reach(Rc<Said>);

impl DeskReach for Reach {
    fn tell(&self, event: Event) {
        self.0.events.borrow_mut().push(event);
    }

    fn push(&self, input: Input) {
        self.0.pushed.inputs().send(input);
    }

    fn files(&self) -> Option<Files> {
        Some(self.0.files.clone())
    }
}

impl Desk {
    fn new() -> Self {
        run("const url = URL.createObjectURL(new Blob([what], { type: 'text/javascript' })); globalThis.b4FileWorker = () => new Worker(url);", SCRIPT);
        let pushed = Heard::default();
        let links = Links::new(pushed.inputs());
        let files = Files::new(pushed.inputs(), links.bulk());
        let said = Rc::new(Said { events: RefCell::default(), pushed, files });
        Self { desk: FileDesk::new(Reach(Rc::clone(&said))), said, _links: links }
    }

    fn send(&self, files: Vec<File>) {
        self.desk.send(&bela(), files);
    }

    /// What the node was ordered to send next.
    async fn sent(&self) -> Command {
        loop {
            match self.said.pushed.next().await {
                Input::Command(command) => return command,
                Input::RoomLeft(_) => {}
                other => panic!("instead of an order came {other:?}"),
            }
        }
    }

    /// Waits until so many are prepared or failed: their numbers and failures.
    async fn prepared(&self, count: usize) -> Vec<(u32, Option<PrepareFailure>)> {
        loop {
            let prepared: Vec<_> = self.said.events.borrow().iter().filter_map(of_prepared).collect();
            if prepared.len() >= count {
                return prepared;
            }
            b4::platform::Pause::for_ms(5).await;
        }
    }

    async fn look(&self, slot: FileSlot, size: usize) -> Preview {
        Rc::clone(&self.desk).look(slot, size as u64).await;
        match self.said.events.borrow().last() {
            Some(Event::FilePreview { slot: of, preview }) if *of == slot => preview.clone(),
            other => panic!("instead of a preview came {other:?}"),
        }
    }

    /// Puts these bytes into a slot.
    async fn keep(&self, slot: u64, bytes: &[u8]) -> FileSlot {
        let (files, slot) = (&self.said.files, FileSlot(slot));
        files.copy(files.draw_ticket(), &file("x", "", bytes), slot, |_| {}).await.expect("it is copied");
        slot
    }
}

#[wasm_bindgen_test]
async fn what_is_chosen_is_copied_and_then_offered() {
    let desk = Desk::new();
    let bytes = some_bytes(1, 100_000);
    desk.send(vec![file("a cat.png", "image/png", &bytes)]);
    let Command::SendFile { to, slot, name, media_type, size, hashes } = desk.sent().await else { panic!("not a file") };
    assert_eq!((to, name.as_str(), media_type.as_str(), size), (bela(), "a cat.png", "image/png", 100_000));
    assert_eq!(hashes, hashes_of(&bytes));
    assert_eq!(desk.said.files.find(slot).await.expect("it is there").size(), 100_000);
    assert_eq!(desk.prepared(1).await, [(1, None)]);
    let first = Preparing { number: 1, to: bela(), name: "a cat.png".to_owned(), size: 100_000, done: 0 };
    assert_eq!(desk.said.events.borrow().first(), Some(&Event::FilePreparing(first)));
}

#[wasm_bindgen_test]
async fn many_are_copied_two_at_once_in_their_order_and_an_empty_one_too() {
    let desk = Desk::new();
    let sizes = [3 * MIB, 0, 1, 2 * MIB, 5];
    desk.send(sizes.iter().map(|size| file(&size.to_string(), "", &vec![1; *size])).collect());
    let mut sent = Vec::new();
    for _ in sizes {
        let Command::SendFile { name, size, hashes, .. } = desk.sent().await else { panic!("not a file") };
        assert_eq!((name, hashes.len() as u64), (size.to_string(), size.div_ceil(65_536)));
        sent.push(size as usize);
    }
    sent.sort_unstable();
    assert_eq!(sent, [0, 1, 5, 2 * MIB, 3 * MIB]);
    assert!(desk.prepared(5).await.iter().all(|(_, failure)| failure.is_none()));
}

#[wasm_bindgen_test]
async fn one_that_is_too_large_or_finds_no_room_is_told_before_a_byte_is_copied() {
    let desk = Desk::new();
    let huge = file("huge", "", &[1; 10]);
    run("Object.defineProperty(what, 'size', { value: 2 ** 32 + 1 });", AsRef::<web_sys::File>::as_ref(&huge));
    assert_eq!(huge.size(), FILE_BYTES_MAX + 1);
    desk.send(vec![huge]);
    assert_eq!(desk.prepared(1).await, [(1, Some(PrepareFailure::TooLarge))]);
    let room = Room::of(1_000);
    desk.send(vec![file("a", "", &[1; 1_000]), file("b", "", &[1; 1_007])]);
    // Both are begun at once, and both must have room.
    assert_eq!(desk.prepared(3).await[1..], [(2, Some(PrepareFailure::NoRoom(1_007))), (3, Some(PrepareFailure::NoRoom(1_007)))]);
    desk.send(vec![file("c", "", &[1; 1_000])]);
    assert_eq!(desk.prepared(4).await[3], (4, None));
    desk.send(vec![file("d", "", &[1; 1_001])]);
    assert_eq!(desk.prepared(5).await[4], (5, Some(PrepareFailure::NoRoom(1))));
    drop(room);
}

#[wasm_bindgen_test]
async fn one_that_is_cancelled_is_not_offered_whether_it_was_begun_or_waits() {
    let desk = Desk::new();
    desk.send((0..4).map(|_| file("x", "", &vec![1; 4 * MIB])).collect());
    for number in [1, 4] {
        desk.desk.cancel(number);
    }
    desk.desk.cancel(77);
    let mut prepared = desk.prepared(4).await;
    prepared.sort_unstable_by_key(|(number, _)| *number);
    let cancelled = Some(PrepareFailure::Cancelled);
    assert_eq!(prepared, [(1, cancelled), (2, None), (3, None), (4, cancelled)]);
    desk.sent().await;
    desk.sent().await;
    desk.send(vec![file("y", "", &vec![1; 8 * MIB])]);
    // While it is copied.
    b4::platform::Pause::for_ms(5).await;
    desk.desk.cancel(5);
    assert_eq!(desk.prepared(5).await[4], (5, cancelled));
}

#[wasm_bindgen_test]
async fn one_that_cannot_be_read_is_told() {
    let desk = Desk::new();
    desk.said.files.close();
    desk.send(vec![file("x", "", &[1; 10])]);
    assert_eq!(desk.prepared(1).await, [(1, Some(PrepareFailure::Unreadable))]);
}

#[wasm_bindgen_test]
async fn only_what_cannot_run_is_shown_and_at_sixty_four_addresses() {
    let desk = Desk::new();
    let page = desk.keep(1_000, b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>").await;
    assert_eq!(desk.look(page, 59).await, Preview::None);
    assert_eq!(desk.look(FileSlot(999), 59).await, Preview::None, "not there");
    let picture = desk.keep(1_001, b"GIF89a.....").await;
    assert_eq!(desk.look(picture, 12).await, Preview::None, "of another size");
    let shown = desk.look(picture, 11).await;
    assert!(matches!(&shown, Preview::Image(url) if url.starts_with("blob:")));
    assert_eq!(desk.look(picture, 11).await, shown, "the same again");
    for number in 0..64 {
        let slot = desk.keep(2_000 + number, b"fLaC").await;
        assert!(matches!(desk.look(slot, 4).await, Preview::Audio(_)));
    }
    let oldest_gone = Event::FilePreview { slot: picture, preview: Preview::None };
    assert_eq!(desk.said.events.borrow().iter().filter(|event| **event == oldest_gone).count(), 2, "the wrong size, and one too many");
    // One that is deleted is shown no more.
    desk.desk.deleted(FileSlot(2_000));
    let gone = Event::FilePreview { slot: FileSlot(2_000), preview: Preview::None };
    assert_eq!(desk.said.events.borrow().last(), Some(&gone));
}

#[wasm_bindgen_test]
async fn a_file_is_saved_under_its_name_as_bytes_and_an_empty_one_too() {
    let desk = Desk::new();
    run(
        "globalThis.saved = [];
         HTMLAnchorElement.prototype.click = function () { globalThis.saved.push(this.download); globalThis.savedUrl = this.href; };",
        "",
    );
    let slot = desk.keep(3_000, b"<html>").await;
    Rc::clone(&desk.desk).save(slot, "a page.html".to_owned(), 6).await;
    let fetched = run("return fetch(globalThis.savedUrl).then(async (r) => `${(await r.clone().blob()).type} ${await r.text()}`);", "");
    let fetched = wasm_bindgen_futures::JsFuture::from(fetched.unchecked_into::<js_sys::Promise>()).await.expect("it is there");
    assert_eq!(fetched.as_string().as_deref(), Some("application/octet-stream <html>"));
    Rc::clone(&desk.desk).save(FileSlot(999), "nothing".to_owned(), 0).await;
    Rc::clone(&desk.desk).save(FileSlot(999), "not there".to_owned(), 1).await;
    let saved = run("const saved = globalThis.saved.join('|'); delete HTMLAnchorElement.prototype.click; return saved;", "");
    assert_eq!(saved.as_string().as_deref(), Some("a page.html|nothing"));
}

fn bela() -> UserId {
    UserId::parse("bela").expect("a name")
}

fn of_prepared(event: &Event) -> Option<(u32, Option<PrepareFailure>)> {
    match event {
        Event::FilePrepared { number, failure } => Some((*number, *failure)),
        _ => None,
    }
}

fn file(name: &str, media_type: &str, bytes: &[u8]) -> File {
    let made = run("const [name, type, bytes] = what; return new File([bytes], name, { type });", Array::of3(&name.into(), &media_type.into(), &Uint8Array::from(bytes)));
    File::from(made.unchecked_into::<web_sys::File>())
}

fn run(script: &str, what: impl Into<JsValue>) -> JsValue {
    Function::new_with_args("what", script).call1(&JsValue::UNDEFINED, &what.into()).expect("the page does it")
}

/// A browser that lets no more than this be stored, while it lives.
struct Room;

impl Room {
    fn of(bytes: u32) -> Self {
        run("StorageManager.prototype.estimateBefore = StorageManager.prototype.estimate; StorageManager.prototype.estimate = async () => ({ quota: 10 + what, usage: 10 });", bytes);
        Self
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        run("StorageManager.prototype.estimate = StorageManager.prototype.estimateBefore;", "");
    }
}
