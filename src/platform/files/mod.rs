//! Files: their bytes between the disk, the person and the channels `bulk`.
//!
//! A worker does all that concerns bytes (`www/files.js`, [`worker`]); here its orders are written and its answers become inputs. A link's
//! channel is its, too, from the first part on; where the browser cannot hand a channel over, records pass between the worker and
//! the channel without entering the app's module ([`traffic`]). The worker is begun by the first order that needs one. Where it cannot be
//! had or breaks, all that is under way has failed, its links end with it, and the next order tries another.
//!
//! Deliberately absent: which files there are, what of them is sent to whom, and what is believed: the core says so.

mod stored;
mod traffic;
mod worker;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use b4_protocol::file::{BLOCK_BYTES, FileSlot, PartKey};
use b4_protocol::mailbox::{BlobKey, BlobSeal};
use b4_protocol::node::{FileTrouble, Input, LinkId};
use b4_protocol::ordered::OrderedMap;
use gloo::file::File;
use js_sys::{Array, ArrayBuffer, Function, Promise, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};

pub use self::stored::{ObjectUrl, StoredFile};
pub use self::traffic::BUFFERED_BYTES_MAX;
use self::traffic::Traffic;
use self::worker::Running;
use super::rtc::Bulk;
use super::{Inputs, js, page};

/// A part that is to be sent or received.
pub struct Part {
    /// Over which link.
    pub link: LinkId,
    /// What its records are named by.
    pub number: u32,
    /// Which file.
    pub slot: FileSlot,
    /// From where in it.
    pub start: u64,
    /// How many bytes.
    pub bytes: u32,
    /// Seals or opens it.
    pub key: PartKey,
}

/// Blobs of some blocks of a file.
pub struct KeptBlobs {
    /// The first block.
    pub first: u32,
    /// Opens them.
    pub key: BlobKey,
    /// Each block's, in order.
    pub blobs: Vec<Vec<u8>>,
    /// SHA-256 of each block.
    pub hashes: Vec<[u8; 32]>,
}

/// Why a file was not copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyError {
    /// There is no room for it.
    Full,
    /// It cannot be read, or not be kept.
    Failed,
    /// It was cancelled.
    Cancelled,
}

/// A question to the worker that is answered once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileTicket(u32);

/// All files of this page. Cheap to clone.
#[derive(Clone)]
pub struct Files {
    inner: Rc<Inner>,
}

struct Inner {
    inputs: Inputs,
    bulk: Bulk,
    worker: RefCell<Option<Running>>,
    /// What a new worker is told first: the slots whose files are wanted. `None` once it was told.
    keep: RefCell<Option<Array>>,
    traffic: RefCell<OrderedMap<LinkId, Traffic>>,
    /// Buffers of records that were sent since the last grant.
    spent: RefCell<Vec<ArrayBuffer>>,
    questions: RefCell<OrderedMap<FileTicket, Question>>,
    tickets: Cell<u32>,
    is_closed: Cell<bool>,
    on_delete: RefCell<Option<Rc<OnDelete>>>,
}

type OnDelete = dyn Fn(FileSlot);

struct Question {
    answer: Function,
    on_progress: Option<Rc<dyn Fn(u64)>>,
}

impl Files {
    /// Files whose facts go to `inputs`, and their records over `bulk`.
    pub fn new(inputs: Inputs, bulk: Bulk) -> Self {
        let inner = Rc::new(Inner {
            inputs,
            bulk: bulk.clone(),
            worker: RefCell::default(),
            keep: RefCell::default(),
            traffic: RefCell::new(OrderedMap::new()),
            spent: RefCell::default(),
            questions: RefCell::new(OrderedMap::new()),
            tickets: Cell::new(0),
            is_closed: Cell::new(false),
            on_delete: RefCell::default(),
        });
        let heard = Rc::downgrade(&inner);
        bulk.listen(move |link, fact| {
            if let Some(inner) = heard.upgrade() {
                inner.bulk_fact(link, fact);
            }
        });
        Self { inner }
    }

    /// Hears of files that are deleted.
    pub fn on_delete(&self, deleted: impl Fn(FileSlot) + 'static) {
        self.inner.on_delete.replace(Some(Rc::new(deleted)));
    }

    /// Ends everything, whoever still holds this: what is under way has failed, and nothing is begun any more.
    pub fn close(&self) {
        self.inner.is_closed.set(true);
        self.inner.broken();
    }

    /// Sends a part. Answered by `Input::FileSent`, unless the link is gone.
    pub fn send(&self, part: &Part) {
        let Some(piece) = self.inner.bulk.piece_bytes(part.link).filter(|_| self.inner.carry(part.link)) else { return };
        self.inner.traffic(part.link, |traffic| traffic.sending.push(part.number));
        self.inner.post(&order("seal", part, &piece.into()), None);
        self.inner.grant(part.link);
    }

    /// Sends nothing more of a part.
    pub fn unsend(&self, link: LinkId, number: u32) {
        let is_known = self.inner.traffic.borrow_mut().get_mut(&link).is_some_and(|traffic| traffic.end_sending(number));
        if is_known {
            self.inner.post(&Array::of3(&"unseal".into(), &link.0.into(), &number.into()), None);
        }
    }

    /// Expects a part whose blocks have these hashes. Answered by `Input::FileCame`, unless the link is gone, or it is expected no more.
    pub fn expect(&self, part: &Part, hashes: &[[u8; 32]]) {
        if !self.inner.carry(part.link) {
            return;
        }
        self.inner.traffic(part.link, |traffic| traffic.expected.push(part.number));
        self.inner.post(&order("expect", part, &js::array(hashes.as_flattened())), None);
    }

    /// Throws away what comes under this number from now on.
    pub fn unexpect(&self, link: LinkId, number: u32) {
        let is_known = self.inner.traffic.borrow_mut().get_mut(&link).is_some_and(|traffic| traffic.end_expected(number));
        if is_known {
            self.inner.post(&Array::of3(&"unexpect".into(), &link.0.into(), &number.into()), None);
        }
    }

    /// Deletes the bytes of a file.
    pub fn delete(&self, slot: FileSlot) {
        self.inner.post(&Array::of2(&"remove".into(), &name(slot)), None);
        let deleted = self.inner.on_delete.borrow().clone();
        if let Some(deleted) = deleted {
            deleted(slot);
        }
    }

    /// Deletes all files but these: now, where there ever were any, else before anything else is done.
    pub fn sweep(&self, keep: &[FileSlot]) {
        self.inner.keep.replace(Some(keep.iter().map(|slot| name(*slot)).collect()));
        if page::files_were_kept() {
            self.inner.begin();
        }
    }

    /// Draws what a question is asked under.
    pub fn draw_ticket(&self) -> FileTicket {
        self.inner.tickets.set(self.inner.tickets.get() + 1);
        FileTicket(self.inner.tickets.get())
    }

    /// Copies a file into a slot and returns SHA-256 of each of its blocks. `on_progress` hears now and then how many bytes are copied.
    ///
    /// # Errors
    /// `CopyError`; then nothing is left in the slot.
    pub async fn copy(&self, ticket: FileTicket, file: &File, slot: FileSlot, on_progress: impl Fn(u64) + 'static) -> Result<Vec<[u8; 32]>, CopyError> {
        let file: &web_sys::File = file.as_ref();
        let order = Array::of4(&"prepare".into(), &ticket.0.into(), file, &name(slot));
        let answer = self.ask(ticket, Some(Rc::new(on_progress)), &order).await.ok_or(CopyError::Failed)?;
        match answer.get(2).dyn_into::<ArrayBuffer>() {
            Ok(hashes) => Ok(js::bytes(&hashes).as_chunks().0.to_vec()),
            Err(_) => Err(match answer.get(3).as_string().as_deref() {
                Some("full") => CopyError::Full,
                Some("cancelled") => CopyError::Cancelled,
                _ => CopyError::Failed,
            }),
        }
    }

    /// Stops copying.
    pub fn cancel(&self, ticket: FileTicket) {
        if self.inner.questions.borrow().contains_key(&ticket) {
            self.inner.post(&Array::of2(&"cancel".into(), &ticket.0.into()), None);
        }
    }

    /// Reads bytes of a file, or the blob that they are; `None` where they are not all there.
    pub async fn load(&self, slot: FileSlot, start: u64, bytes: u32, seal: Option<&BlobSeal>) -> Option<Vec<u8>> {
        let ticket = self.draw_ticket();
        let order = Array::of5(&"load".into(), &ticket.0.into(), &name(slot), &(start as f64).into(), &bytes.into());
        if let Some(seal) = seal {
            [js::array(seal.key.0.as_slice()).into(), seal.number.into(), js::array(&seal.head).into()].iter().for_each(|item: &JsValue| {
                order.push(item);
            });
        }
        let answer = self.ask(ticket, None, &order).await?;
        answer.get(2).dyn_into::<ArrayBuffer>().ok().map(|loaded| js::bytes(&loaded))
    }

    /// Opens blobs, checks the blocks in them, and writes them durably.
    ///
    /// # Errors
    /// `FileTrouble`; `Differs` when one is not what was announced.
    pub async fn save(&self, slot: FileSlot, kept: &KeptBlobs) -> Result<(), FileTrouble> {
        let ticket = self.draw_ticket();
        let blobs: Array = kept.blobs.iter().map(|blob| js::array(blob)).collect();
        let number = BlobKey::number(kept.first).into();
        let items: [JsValue; 8] = [
            "save".into(),
            ticket.0.into(),
            name(slot),
            (f64::from(kept.first) * BLOCK_BYTES as f64).into(),
            js::array(kept.key.0.as_slice()).into(),
            number,
            blobs.into(),
            js::array(kept.hashes.as_flattened()).into(),
        ];
        let order: Array = items.into_iter().collect();
        let answer = self.ask(ticket, None, &order).await.ok_or(FileTrouble::Failed)?;
        result(&answer.get(2))
    }

    /// The bytes in a slot, if there are any.
    pub async fn find(&self, slot: FileSlot) -> Option<StoredFile> {
        let ticket = self.draw_ticket();
        let answer = self.ask(ticket, None, &Array::of3(&"file".into(), &ticket.0.into(), &name(slot))).await?;
        answer.get(2).dyn_into().ok().map(StoredFile::new)
    }

    /// `None` where the worker broke before it answered.
    async fn ask(&self, ticket: FileTicket, on_progress: Option<Rc<dyn Fn(u64)>>, order: &Array) -> Option<Array> {
        let asked = Promise::new(&mut |answer, _| {
            self.inner.questions.borrow_mut().insert(ticket, Question { answer, on_progress: on_progress.clone() });
        });
        self.inner.post(order, None);
        js::settled("file worker", asked).await.ok()?.dyn_into().ok()
    }
}

impl Inner {
    /// Makes a worker if there is none. False where none can be had.
    fn begin(self: &Rc<Self>) -> bool {
        if self.worker.borrow().is_some() {
            return true;
        }
        if self.is_closed.get() {
            return false;
        }
        let Ok(worker) = Running::begin(self) else { return false };
        page::remember_files();
        let keep = self.keep.take();
        let is_well = keep.is_none_or(|keep| worker.post(&Array::of2(&"sweep".into(), &keep), None));
        self.worker.replace(is_well.then_some(worker));
        is_well
    }

    /// Hands an order to the worker; what stands in `transfer` is its then, not copied.
    fn post(self: &Rc<Self>, order: &Array, transfer: Option<&Array>) {
        let is_posted = self.begin() && self.worker.borrow().as_ref().is_some_and(|worker| worker.post(order, transfer));
        if !is_posted {
            self.broken();
        }
    }

    /// The worker said something.
    fn said(self: &Rc<Self>, said: &Array) {
        let number = |at| said.get(at).as_f64().unwrap_or_default();
        let link = || u64::try_from(said.get(1)).ok().map(LinkId);
        match (said.get(0).as_string().as_deref(), link()) {
            (Some("record"), Some(link)) => self.record(link, &said.get(2).unchecked_into()),
            (Some("sent"), Some(link)) => self.sent(link, number(2) as u32, result(&said.get(3))),
            (Some("came"), Some(link)) => self.came(link, number(2) as u32, result(&said.get(3))),
            (Some("refuse"), Some(link)) => self.bulk.end(link),
            (Some("progress"), None) => {
                let on_progress = self.questions.borrow().get(&FileTicket(number(1) as u32)).and_then(|question| question.on_progress.clone());
                if let Some(on_progress) = on_progress {
                    on_progress(number(2) as u64);
                }
            }
            (Some("answer"), None) => {
                let question = self.questions.borrow_mut().remove(&FileTicket(number(1) as u32));
                if let Some(question) = question {
                    answer(&question, said);
                }
            }
            _ => {}
        }
    }

    /// There is no worker, or it broke: all that is under way has failed.
    fn broken(&self) {
        self.worker.replace(None);
        let (traffic, questions) = (self.traffic.take(), self.questions.take());
        questions.values().for_each(|question| answer(question, &JsValue::NULL));
        for (link, traffic) in traffic {
            for number in traffic.sending {
                self.inputs.send(Input::FileSent { link, number, result: Err(FileTrouble::Failed) });
            }
            for number in traffic.expected {
                self.inputs.send(Input::FileCame { number, result: Err(FileTrouble::Failed) });
            }
            // Its channel is gone with the worker.
            if traffic.is_carried {
                self.bulk.end(link);
            }
        }
    }
}

fn answer(question: &Question, answer: &JsValue) {
    // A promise's own function does not throw.
    let _ = question.answer.call1(&JsValue::UNDEFINED, answer);
}

fn result(said: &JsValue) -> Result<(), FileTrouble> {
    match said.as_string().as_deref() {
        Some("ok") => Ok(()),
        Some("differs") => Err(FileTrouble::Differs),
        Some("full") => Err(FileTrouble::Full),
        _ => Err(FileTrouble::Failed),
    }
}

/// An order that concerns a part.
fn order(what: &str, part: &Part, last: &JsValue) -> Array {
    let key = JsValue::from(Uint8Array::from(part.key.0.as_slice()));
    let items = [&what.into(), &part.link.0.into(), &part.number.into(), &name(part.slot), &(part.start as f64).into(), &part.bytes.into(), &key, last];
    items.into_iter().collect()
}

fn name(slot: FileSlot) -> JsValue {
    slot.to_string().into()
}
