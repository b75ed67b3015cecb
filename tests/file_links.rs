//! Files between two ends of this page over real WebRTC, and what becomes of them when a link or the worker goes.
#![cfg(target_arch = "wasm32")]

#[allow(dead_code, reason = "shared with the tests of the worker, which use the rest")]
#[path = "support/file_worker.rs"]
mod file_worker;
#[path = "support/heard.rs"]
mod heard;
#[path = "support/link_pair.rs"]
mod link_pair;

use b4::platform::Pause;
use b4::platform::files::{BUFFERED_BYTES_MAX, CopyError, Part};
use b4_protocol::file::{BLOCK_BYTES, BulkRecord, FileId, FileSlot, Layout, PART_BYTES, PREVIEW_HEAD_BYTES, PartKey, parts};
use b4_protocol::node::{FileTrouble, Input, LinkEnd};
use b4_protocol::session::LIVE;
use file_worker::{SCRIPT, chosen, hashes_of, some_bytes};
use gloo::file::File;
use js_sys::{Function, Object, Reflect, Uint8Array, global};
use link_pair::{End, ID, linked};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::RtcDataChannel;

wasm_bindgen_test_configure!(run_in_browser);

const PART: usize = PART_BYTES as usize;
/// Parts that are fetched ahead.
const AHEAD: usize = 4;

/// A slot that no other test uses.
fn slot() -> FileSlot {
    FileSlot((js_sys::Math::random() * 2_f64.powi(53)) as u64)
}

fn part(number: u32, slot: FileSlot, size: usize) -> Part {
    let start = number as usize * PART;
    let key = PartKey::of(&[3; 32], FileId([7; 32]), number);
    Part { link: ID, number, slot, start: start as u64, bytes: (size - start).min(PART) as u32, key }
}

async fn copied(end: &End, bytes: &[u8], slot: FileSlot) -> Result<Vec<[u8; 32]>, CopyError> {
    end.files.copy(end.files.draw_ticket(), &File::from(chosen(bytes)), slot, |_| {}).await
}

async fn stored(end: &End, slot: FileSlot) -> Option<Vec<u8>> {
    let url = end.files.find(slot).await?.shown("image/png").expect("an address");
    let response = JsFuture::from(web_sys::window().expect("a page").fetch_with_str(url.as_str())).await.expect("it is there");
    let buffer = response.unchecked_into::<web_sys::Response>().array_buffer().expect("bytes");
    Some(Uint8Array::new(&JsFuture::from(buffer).await.expect("all of them")).to_vec())
}

/// Has `to` fetch the file in `from_slot` of `from` as the core would.
async fn fetch(from: &End, from_slot: FileSlot, to: &End, to_slot: FileSlot, hashes: &[[u8; 32]], size: usize) {
    let count = parts(Layout::of(size as u64)) as usize;
    let ask = |number: usize| {
        let first = number * (PART / BLOCK_BYTES as usize);
        let of_part = &hashes[first..(first + PART / BLOCK_BYTES as usize).min(hashes.len())];
        to.files.expect(&part(number as u32, to_slot, size), of_part);
        from.files.send(&part(number as u32, from_slot, size));
    };
    (0..AHEAD.min(count)).for_each(ask);
    for came in 0..count {
        match to.next().await {
            Input::FileCame { result: Ok(()), .. } => {}
            other => panic!("instead of a part came {other:?}"),
        }
        if came + AHEAD < count {
            ask(came + AHEAD);
        }
    }
    for number in 0..count as u32 {
        match from.next().await {
            Input::FileSent { link: ID, number: sent, result: Ok(()) } if sent == number => {}
            other => panic!("instead of what was sent came {other:?}"),
        }
    }
}

/// The worker has the channels, and watches what they have buffered.
#[wasm_bindgen_test]
async fn a_file_goes_over_a_link_with_little_buffered() {
    let _workers = Workers::of(&[WATCH, SCRIPT].concat());
    let (in_worker, in_page) = most_buffered().await;
    assert_eq!(in_page, 0.0, "the page sends nothing");
    assert_little_but_some(in_worker);
}

#[wasm_bindgen_test]
async fn a_file_goes_over_a_link_whose_channel_cannot_be_handed_over() {
    let _workers = Workers::of(&[WATCH, SCRIPT].concat());
    let _unable = Unable::new();
    let (in_worker, in_page) = most_buffered().await;
    assert_eq!(in_worker, 0.0, "the worker has no channel");
    assert_little_but_some(in_page);
}

/// The most that the author's channel has buffered while a file goes over it: in the worker and in the page.
async fn most_buffered() -> (f64, f64) {
    let watch = Function::new_no_args(&format!("globalThis.bufferedInWorkers = 0; globalThis.bufferedInPage = 0; {WATCH}"));
    watch.call0(&JsValue::UNDEFINED).expect("it is watched");
    let (author, receiver) = linked().await;
    let size = 8 * 1024 * 1024 + 12_345;
    let (there, here, bytes) = (slot(), slot(), some_bytes(1, size));
    let hashes = copied(&author, &bytes, there).await.expect("it is copied");
    assert_eq!(hashes, hashes_of(&bytes));
    fetch(&author, there, &receiver, here, &hashes, size).await;
    assert!(stored(&receiver, here).await.expect("it is there") == bytes);
    let unwatch: Function = Reflect::get(&global(), &"unwatch".into()).expect("it was watched").unchecked_into();
    unwatch.call0(&JsValue::UNDEFINED).expect("it is as before");
    (number("bufferedInWorkers"), number("bufferedInPage"))
}

fn assert_little_but_some(most: f64) {
    assert!(most > f64::from(BUFFERED_BYTES_MAX / 4), "{most} is little for a busy channel");
    assert!(most <= f64::from(BUFFERED_BYTES_MAX), "{most} bytes were buffered");
}

#[wasm_bindgen_test]
async fn a_link_that_goes_ends_what_was_under_way_without_a_word() {
    let _workers = Workers::of(SCRIPT);
    let (author, receiver) = linked().await;
    let size = 4 * PART;
    let (there, here, bytes) = (slot(), slot(), some_bytes(2, size));
    let hashes = copied(&author, &bytes, there).await.expect("it is copied");
    for number in 0..4 {
        receiver.files.expect(&part(number, here, size), &hashes[number as usize * 8..][..8]);
        author.files.send(&part(number, there, size));
    }
    author.links.close(ID);
    match receiver.next().await {
        Input::LinkClosed { link: ID, end: LinkEnd::Closed } => {}
        Input::FileCame { .. } => panic!("nothing was sent by then"),
        other => panic!("a closed link said {other:?}"),
    }
    // On a link that is gone nothing begins, and nobody waits for it.
    author.files.send(&part(0, there, size));
    Pause::for_ms(200).await;
    assert_eq!(author.heard.waiting(), 0);
    assert_eq!(receiver.heard.waiting(), 0);
}

/// There is no channel for them yet.
#[wasm_bindgen_test]
async fn records_that_nobody_asked_for_go_nowhere_and_begin_no_worker() {
    let workers = Workers::of(SCRIPT);
    let (stranger, end) = linked().await;
    stranger.bulk().await.send_with_u8_array(&record()).expect("it goes");
    Pause::for_ms(200).await;
    stranger.links.send(ID, LIVE, b"still there");
    match end.next().await {
        Input::LinkFrame { channel: LIVE, frame, .. } if frame == b"still there" => {}
        other => panic!("instead of a frame came {other:?}"),
    }
    assert_eq!(workers.count(), 0);
}

/// What a page does with the channel, in words, and how.
type Act = (&'static str, fn(&RtcDataChannel));

/// What one does that keeps no rules.
const UNRULY: [Act; 4] = [
    ("a record of another number than is expected", |channel| channel.send_with_u8_array(&record()).expect("it goes")),
    ("one that is too short", |channel| channel.send_with_u8_array(&[0x11; 25]).expect("it goes")),
    ("text", |channel| channel.send_with_str("and this is longer than a record's head").expect("it goes")),
    ("the end of it alone", RtcDataChannel::close),
];

#[wasm_bindgen_test]
async fn whoever_keeps_no_rules_on_the_channel_ends_the_link() {
    let _workers = Workers::of(SCRIPT);
    for unable in [false, true] {
        let _unable = unable.then(Unable::new);
        for (what, act) in UNRULY {
            let (stranger, end) = linked().await;
            end.files.expect(&part(0, slot(), 100), &hashes_of(&[1; 100]));
            act(&stranger.bulk().await);
            match end.next().await {
                Input::LinkClosed { link: ID, end: LinkEnd::Closed } => {}
                other => panic!("{what}, handed over: {}: {other:?}", !unable),
            }
        }
    }
}

/// Links whose channels it had end then, and others are dialled.
#[wasm_bindgen_test]
async fn where_the_worker_breaks_all_has_failed_and_the_next_order_tries_another() {
    let (there, here, bytes) = (slot(), slot(), some_bytes(3, 2 * PART));
    for unable in [false, true] {
        let _unable = unable.then(Unable::new);
        let (mut author, mut receiver) = linked().await;
        for script in ["this is no script", "onmessage = () => { throw new Error('broken'); }"] {
            let workers = Workers::of(script);
            assert_eq!(copied(&author, &bytes, there).await, Err(CopyError::Failed));
            author.files.send(&part(0, there, bytes.len()));
            assert!(matches!(author.next().await, Input::FileSent { link: ID, number: 0, result: Err(FileTrouble::Failed) }));
            if !unable {
                assert!(matches!(author.next().await, Input::LinkClosed { link: ID, end: LinkEnd::Closed }));
                (author, receiver) = linked().await;
            }
            receiver.files.expect(&part(1, here, bytes.len()), &hashes_of(&bytes)[8..]);
            assert!(matches!(receiver.next().await, Input::FileCame { number: 1, result: Err(FileTrouble::Failed) }));
            if !unable {
                assert!(matches!(receiver.next().await, Input::LinkClosed { link: ID, end: LinkEnd::Closed }));
                (author, receiver) = linked().await;
            }
            assert_eq!(workers.count(), 3);
        }
        // None can be made.
        assert_eq!(copied(&author, &bytes, there).await, Err(CopyError::Failed));
        assert!(author.files.find(there).await.is_none());
        let _workers = Workers::of(SCRIPT);
        let hashes = copied(&author, &bytes, there).await.expect("it is copied");
        fetch(&author, there, &receiver, here, &hashes, bytes.len()).await;
        assert!(stored(&receiver, here).await.expect("it is there") == bytes);
    }
}

#[wasm_bindgen_test]
async fn without_files_there_is_no_worker_and_the_sweep_waits_for_the_first() {
    let workers = Workers::of(SCRIPT);
    let (end, _other) = linked().await;
    let bytes = some_bytes(4, 100);
    let (remains, wanted) = (slot(), slot());
    copied(&end, &bytes, remains).await.expect("it is copied");
    copied(&end, &bytes, wanted).await.expect("it is copied");
    let storage = web_sys::window().expect("a page").local_storage().expect("allowed").expect("there");
    storage.remove_item("b4-files-kept").expect("it may go");
    let (fresh, _other) = linked().await;
    fresh.files.sweep(&[wanted]);
    assert_eq!(workers.count(), 1, "for the one before");
    let later = slot();
    copied(&fresh, &bytes, later).await.expect("it is copied");
    assert_eq!((stored(&fresh, remains).await, stored(&fresh, wanted).await.is_some(), stored(&fresh, later).await.is_some()), (None, true, true));
    // From now on it is known that there are files.
    let (again, _other) = linked().await;
    again.files.sweep(&[]);
    assert_eq!(workers.count(), 3);
    copied(&again, &bytes, slot()).await.expect("it is copied");
    assert!(stored(&again, later).await.is_none());
}

#[wasm_bindgen_test]
async fn what_is_stored_tells_its_size_and_its_first_bytes() {
    let _workers = Workers::of(SCRIPT);
    let (end, _other) = linked().await;
    let (slot, bytes) = (slot(), some_bytes(5, 100_000));
    copied(&end, &bytes, slot).await.expect("it is copied");
    let file = end.files.find(slot).await.expect("it is there");
    assert_eq!((file.size(), file.head().await.expect("it can be read")), (100_000, bytes[..PREVIEW_HEAD_BYTES as usize].to_vec()));
    end.files.close();
    assert!(end.files.find(slot).await.is_none(), "closed");
}

fn number(name: &str) -> f64 {
    Reflect::get(&global(), &name.into()).ok().and_then(|number| number.as_f64()).unwrap_or_default()
}

/// A record that nobody asked for.
fn record() -> Vec<u8> {
    PartKey::of(&[3; 32], FileId([7; 32]), 1).seal(BulkRecord { number: 1, offset: 0 }, &[1; 100])
}

/// Comes before the script, and runs in the page: the most that a channel for files has buffered after a `send`.
const WATCH: &str = "{
    const { send } = RTCDataChannel.prototype;
    let most = 0;
    RTCDataChannel.prototype.send = function (data) {
      send.call(this, data);
      if (this.label === 'bulk' && this.bufferedAmount > most) {
        most = this.bufferedAmount;
        if (globalThis.window) { globalThis.bufferedInPage = most; } else { postMessage(['buffered', most]); }
      }
    };
    globalThis.unwatch = () => { RTCDataChannel.prototype.send = send; };
  }\n";

/// While it lives, a channel cannot be handed over, as in older browsers.
struct Unable;

impl Unable {
    fn new() -> Self {
        let deny = "const { postMessage } = Worker.prototype;
            globalThis.able = () => { Worker.prototype.postMessage = postMessage; };
            Worker.prototype.postMessage = function (order, transfer = []) {
              if (transfer.some((one) => one instanceof RTCDataChannel)) throw new DOMException('it stays', 'DataCloneError');
              postMessage.call(this, order, transfer);
            };";
        Function::new_no_args(deny).call0(&JsValue::UNDEFINED).expect("the page takes it");
        Self
    }
}

impl Drop for Unable {
    fn drop(&mut self) {
        let able: Function = Reflect::get(&global(), &"able".into()).expect("it was denied").unchecked_into();
        able.call0(&JsValue::UNDEFINED).expect("it is as before");
    }
}

/// Stands in for boot.js while it lives: it alone may make workers, of this script here.
struct Workers;

impl Workers {
    fn of(script: &str) -> Self {
        let maker = "globalThis.fileWorkersMade = 0;
            const url = URL.createObjectURL(new Blob([script], { type: 'text/javascript' }));
            globalThis.b4FileWorker = () => {
              const worker = new Worker(url);
              worker.addEventListener('message', ({ data: [what, most] }) => {
                if (what === 'buffered') globalThis.bufferedInWorkers = Math.max(globalThis.bufferedInWorkers, most);
              });
              globalThis.fileWorkersMade += 1;
              return worker;
            };";
        Function::new_with_args("script", maker).call1(&global(), &script.into()).expect("the page takes it");
        Self
    }

    fn count(&self) -> u32 {
        number("fileWorkersMade") as u32
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        Reflect::delete_property(global().unchecked_ref::<Object>(), &"b4FileWorker".into()).expect("it was there");
    }
}
