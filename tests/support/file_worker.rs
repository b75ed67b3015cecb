//! The worker of files as the page orders it, and what it says.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use b4_protocol::file::{BLOCK_BYTES, FileId, FileSlot, PartKey};
use b4_protocol::mailbox::{BlobKey, BlobSeal};
use gloo::events::EventListener;
use js_sys::{Array, ArrayBuffer, Function, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, MessageEvent, Worker};

/// The script that the page's worker runs.
pub const SCRIPT: &str = include_str!("../../www/files.js");
/// Comes before the script: it keeps files in place, as most browsers let it.
pub const ON_DISK: &str = "";
/// Comes before the script: it keeps files in a database.
pub const IN_DATABASE: &str = "delete FileSystemFileHandle.prototype.createSyncAccessHandle;";
/// The link that all is about.
pub const LINK: u64 = u64::MAX - 6;
/// More than a part takes.
pub const MUCH: u32 = 1 << 20;

/// A worker, until dropped.
pub struct FileWorker {
    worker: Worker,
    said: Rc<RefCell<Said>>,
    tickets: Cell<u32>,
    /// How often it refused the link while an answer was waited for.
    pub refusals: Cell<u32>,
    _listeners: [EventListener; 2],
}

#[derive(Default)]
struct Said {
    messages: VecDeque<Array>,
    waker: Option<Waker>,
}

/// One part as both ends know it.
#[derive(Clone)]
pub struct TestPart {
    pub number: u32,
    pub slot: FileSlot,
    pub start: u64,
    pub bytes: u32,
    pub key: PartKey,
}

impl TestPart {
    pub fn new(number: u32, slot: FileSlot, start: u64, bytes: usize) -> Self {
        Self { number, slot, start, bytes: bytes as u32, key: PartKey::of(&[number as u8; 32], FileId([7; 32]), number) }
    }

    fn order(&self, what: &str, last: &JsValue) -> Array {
        let key = JsValue::from(Uint8Array::from(self.key.0.as_slice()));
        let slot = self.slot.to_string().into();
        let items = [&what.into(), &LINK.into(), &self.number.into(), &slot, &(self.start as f64).into(), &self.bytes.into(), &key, last];
        items.into_iter().collect()
    }
}

/// The address of a worker whose script is `before` and the page's.
pub fn new_worker(script: &str) -> Worker {
    let make = "return new Worker(URL.createObjectURL(new Blob([script], { type: 'text/javascript' })));";
    Function::new_with_args("script", make).call1(&JsValue::UNDEFINED, &script.into()).expect("the page takes it").unchecked_into()
}

/// Bytes that differ from place to place.
pub fn some_bytes(seed: u32, count: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761) | 1;
    let mut bytes = Vec::with_capacity(count);
    while bytes.len() < count {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(count);
    bytes
}

/// SHA-256 of each block.
pub fn hashes_of(bytes: &[u8]) -> Vec<[u8; 32]> {
    bytes.chunks(BLOCK_BYTES as usize).map(|block| b4_protocol::crypto::sha256(&[block])).collect()
}

/// A file as a person chooses one.
pub fn chosen(bytes: &[u8]) -> web_sys::File {
    let parts = Array::of1(&Uint8Array::from(bytes));
    web_sys::File::new_with_u8_array_sequence(&parts, "chosen.bin").expect("a file")
}

/// All that is in it.
pub async fn bytes_of(blob: &Blob) -> Vec<u8> {
    Uint8Array::new(&JsFuture::from(blob.array_buffer()).await.expect("it can be read")).to_vec()
}

impl FileWorker {
    pub fn start(before: &str) -> Self {
        let worker = new_worker(&format!("{before}\n{SCRIPT}"));
        let said: Rc<RefCell<Said>> = Rc::default();
        let hears = Rc::clone(&said);
        let message = EventListener::new(&worker, "message", move |event| {
            let message = event.dyn_ref::<MessageEvent>().expect("a message").data().unchecked_into();
            let waker = {
                let mut said = hears.borrow_mut();
                said.messages.push_back(message);
                said.waker.take()
            };
            waker.into_iter().for_each(Waker::wake);
        });
        let error = EventListener::new(&worker, "error", |_| panic!("the worker threw"));
        Self { worker, said, tickets: Cell::new(0), refusals: Cell::new(0), _listeners: [message, error] }
    }

    pub async fn next(&self) -> Array {
        poll_fn(|context| {
            let mut said = self.said.borrow_mut();
            match said.messages.pop_front() {
                Some(message) => Poll::Ready(message),
                None => {
                    said.waker = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// What it said so far and nobody heard.
    pub fn heard(&self) -> Vec<Array> {
        self.said.borrow_mut().messages.drain(..).collect()
    }

    pub fn post(&self, order: &Array) {
        self.worker.post_message(order).expect("it can be posted");
    }

    pub fn ticket(&self) -> u32 {
        self.tickets.set(self.tickets.get() + 1);
        self.tickets.get()
    }

    /// The answer to an order with a ticket; what comes meanwhile must be progress or a refusal.
    pub async fn answer(&self, order: &Array) -> Array {
        self.post(order);
        loop {
            let said = self.next().await;
            match said.get(0).as_string().expect("a name").as_str() {
                "answer" => return said,
                "progress" => {}
                "refuse" => self.refusals.set(self.refusals.get() + 1),
                other => panic!("instead of an answer came {other}"),
            }
        }
    }

    /// Has it copy these bytes; the hashes, or why not.
    pub async fn prepare(&self, file: &web_sys::File, slot: FileSlot) -> Result<Vec<[u8; 32]>, String> {
        let order = Array::of4(&"prepare".into(), &self.ticket().into(), file, &slot.to_string().into());
        let answer = self.answer(&order).await;
        match answer.get(2).dyn_into::<ArrayBuffer>() {
            Ok(hashes) => Ok(Uint8Array::new(&hashes).to_vec().as_chunks().0.to_vec()),
            Err(_) => Err(answer.get(3).as_string().expect("why")),
        }
    }

    /// What a slot has, to be read.
    pub async fn blob(&self, slot: FileSlot) -> Option<Blob> {
        self.answer(&Array::of3(&"file".into(), &self.ticket().into(), &slot.to_string().into())).await.get(2).dyn_into().ok()
    }

    /// The bytes in a slot.
    pub async fn stored(&self, slot: FileSlot) -> Option<Vec<u8>> {
        Some(bytes_of(&self.blob(slot).await?).await)
    }

    /// Bytes of a slot.
    pub async fn load(&self, slot: FileSlot, start: usize, bytes: usize) -> Option<Vec<u8>> {
        let (start, bytes) = (JsValue::from(start as f64), JsValue::from(bytes as u32));
        let answer = self.answer(&Array::of5(&"load".into(), &self.ticket().into(), &slot.to_string().into(), &start, &bytes)).await;
        answer.get(2).dyn_into::<ArrayBuffer>().ok().map(|loaded| Uint8Array::new(&loaded).to_vec())
    }

    /// Reads a block as the blob that it is.
    pub async fn load_sealed(&self, slot: FileSlot, start: usize, bytes: usize, seal: &BlobSeal) -> Option<Vec<u8>> {
        let (start, bytes) = (JsValue::from(start as f64), JsValue::from(bytes as u32));
        let order = Array::of5(&"load".into(), &self.ticket().into(), &slot.to_string().into(), &start, &bytes);
        order.push(&Uint8Array::from(seal.key.0.as_slice()));
        order.push(&seal.number.into());
        order.push(&Uint8Array::from(seal.head.as_slice()));
        let answer = self.answer(&order).await;
        answer.get(2).dyn_into::<ArrayBuffer>().ok().map(|loaded| Uint8Array::new(&loaded).to_vec())
    }

    /// Opens blobs of blocks from this one on and keeps the blocks; what came of it.
    pub async fn save(&self, slot: FileSlot, first: u32, key: &BlobKey, blobs: &[Vec<u8>], hashes: &[[u8; 32]]) -> String {
        let blobs: Array = blobs.iter().map(|blob| Uint8Array::from(blob.as_slice())).collect();
        let items: [JsValue; 8] = [
            "save".into(),
            self.ticket().into(),
            slot.to_string().into(),
            (f64::from(first) * BLOCK_BYTES as f64).into(),
            Uint8Array::from(key.0.as_slice()).into(),
            BlobKey::number(first).into(),
            blobs.into(),
            Uint8Array::from(hashes.as_flattened()).into(),
        ];
        self.answer(&items.into_iter().collect()).await.get(2).as_string().expect("a result")
    }

    pub fn seal(&self, part: &TestPart, piece: u32) {
        self.post(&part.order("seal", &piece.into()));
    }

    pub fn unseal(&self, number: u32) {
        self.post(&Array::of3(&"unseal".into(), &LINK.into(), &number.into()));
    }

    pub fn grant(&self, bytes: u32) {
        self.post(&Array::of4(&"credit".into(), &LINK.into(), &bytes.into(), &Array::new()));
    }

    pub fn expect(&self, part: &TestPart, hashes: &[[u8; 32]]) {
        self.post(&part.order("expect", &Uint8Array::from(hashes.as_flattened())));
    }

    pub fn unexpect(&self, number: u32) {
        self.post(&Array::of3(&"unexpect".into(), &LINK.into(), &number.into()));
    }

    pub fn frame(&self, record: &[u8]) {
        self.post(&Array::of3(&"frame".into(), &LINK.into(), &Uint8Array::from(record).buffer()));
    }

    /// The records up to the next `sent`, which is of this part.
    pub async fn records(&self, number: u32) -> Vec<Vec<u8>> {
        let mut records = Vec::new();
        loop {
            let said = self.next().await;
            match said.get(0).as_string().expect("a name").as_str() {
                "record" => records.push(Uint8Array::new(&said.get(2)).to_vec()),
                "sent" => {
                    assert_eq!((said.get(2).as_f64(), said.get(3).as_string().as_deref()), (Some(f64::from(number)), Some("ok")));
                    return records;
                }
                other => panic!("instead of records came {other}"),
            }
        }
    }

    /// The next that it says of a part or a link, as text.
    pub async fn verdict(&self) -> String {
        let said = self.next().await;
        let link = u64::try_from(said.get(1)).expect("a link");
        assert_eq!(link, LINK);
        match said.get(0).as_string().as_deref() {
            Some("refuse") => "refuse".to_owned(),
            Some(what) => format!("{what} {} {}", said.get(2).as_f64().expect("a number"), said.get(3).as_string().expect("a result")),
            None => panic!("a message without a name"),
        }
    }

    pub fn remove(&self, slot: FileSlot) {
        self.post(&Array::of2(&"remove".into(), &slot.to_string().into()));
    }

    pub fn sweep(&self, keep: &[FileSlot]) {
        let keep: Array = keep.iter().map(|slot| JsValue::from(slot.to_string())).collect();
        self.post(&Array::of2(&"sweep".into(), &keep));
    }
}

impl Drop for FileWorker {
    fn drop(&mut self) {
        self.worker.terminate();
    }
}
