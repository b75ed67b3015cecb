//! Files between the person and the disk: what was chosen is copied before the node hears of it, what is kept is saved and shown.
//!
//! Deliberately absent: what is on its way, which the node knows, and how it looks.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use b4_protocol::file::{FileSlot, PreviewKind, preview};
use b4_protocol::identity::UserId;
use b4_protocol::limits::FILE_BYTES_MAX;
use b4_protocol::node::{Command, Input};
use gloo::file::File;

use super::life::Engine;
use crate::platform::files::{CopyError, FileTicket, Files, ObjectUrl, StoredFile};
use crate::platform::{self, free_storage, random, spawn};
use crate::state::{Event, PrepareFailure, Preparing, Preview};

/// Files that are copied at once: one is read while another is written.
const COPIES_MAX: usize = 2;
/// Files that have an address to be shown at; that of the oldest is taken back for one more. Guess.
const SHOWN_MAX: usize = 64;

/// What is under way between the person and the disk.
#[derive(Default)]
pub(super) struct Desk {
    drawn: Cell<u32>,
    waiting: RefCell<VecDeque<Chosen>>,
    copies: RefCell<Vec<Copy>>,
    /// The oldest first.
    shown: RefCell<VecDeque<(FileSlot, Preview, ObjectUrl)>>,
}

/// A file that was chosen.
struct Chosen {
    preparing: Preparing,
    file: File,
}

/// One that is being copied.
struct Copy {
    number: u32,
    /// Bytes that are not copied yet.
    left: u64,
    is_cancelled: bool,
    copying: Option<(Files, FileTicket)>,
}

/// Takes files to be sent: they are copied one after the other.
pub(super) fn send(engine: &Rc<Engine>, to: &UserId, files: Vec<File>) {
    for file in files {
        let desk = engine.desk();
        let number = desk.drawn.get() + 1;
        desk.drawn.set(number);
        let preparing = Preparing { number, to: to.clone(), name: file.name(), size: file.size(), done: 0 };
        engine.tell(Event::FilePreparing(preparing.clone()));
        if preparing.size > FILE_BYTES_MAX {
            engine.tell(Event::FilePrepared { number, failure: Some(PrepareFailure::TooLarge) });
        } else {
            desk.waiting.borrow_mut().push_back(Chosen { preparing, file });
        }
    }
    begin_more(engine);
}

/// Stops copying one, or does not begin.
pub(super) fn cancel(engine: &Rc<Engine>, number: u32) {
    let desk = engine.desk();
    let place = desk.waiting.borrow().iter().position(|chosen| chosen.preparing.number == number);
    if let Some(place) = place {
        desk.waiting.borrow_mut().remove(place);
        return engine.tell(Event::FilePrepared { number, failure: Some(PrepareFailure::Cancelled) });
    }
    if let Some(copy) = desk.copies.borrow_mut().iter_mut().find(|copy| copy.number == number) {
        copy.is_cancelled = true;
        if let Some((files, ticket)) = &copy.copying {
            files.cancel(*ticket);
        }
    }
}

/// Gives a file to the browser to be saved.
pub(super) async fn save(engine: Rc<Engine>, slot: FileSlot, name: String, size: u64) {
    let file = match engine.files() {
        _ if size == 0 => StoredFile::empty().ok(),
        Some(files) => files.find(slot).await,
        None => None,
    };
    if let Some(file) = file {
        // What the browser refuses it has told the person itself.
        let _ = platform::save(&name, &file);
    }
}

/// Looks at what a file is.
pub(super) async fn look(engine: Rc<Engine>, slot: FileSlot, size: u64) {
    let known = engine.desk().known(slot);
    let preview = match known {
        Some(preview) => preview,
        None => looked(&engine, slot, size).await.unwrap_or(Preview::None),
    };
    engine.tell(Event::FilePreview { slot, preview });
}

/// A file was deleted: it cannot be shown any more.
pub(super) fn deleted(engine: &Engine, slot: FileSlot) {
    let shown = &engine.desk().shown;
    let place = shown.borrow().iter().position(|(of, ..)| *of == slot);
    if place.and_then(|place| shown.borrow_mut().remove(place)).is_some() {
        engine.tell(Event::FilePreview { slot, preview: Preview::None });
    }
}

impl Desk {
    fn known(&self, slot: FileSlot) -> Option<Preview> {
        self.shown.borrow().iter().find(|(of, ..)| *of == slot).map(|(_, preview, _)| preview.clone())
    }

    fn end(&self, number: u32) {
        self.copies.borrow_mut().retain(|copy| copy.number != number);
    }

    fn copy<T>(&self, number: u32, with: impl FnOnce(&mut Copy) -> T) -> Option<T> {
        self.copies.borrow_mut().iter_mut().find(|copy| copy.number == number).map(with)
    }
}

fn begin_more(engine: &Rc<Engine>) {
    let desk = engine.desk();
    while desk.copies.borrow().len() < COPIES_MAX {
        let Some(chosen) = desk.waiting.borrow_mut().pop_front() else { return };
        let Preparing { number, size, .. } = chosen.preparing;
        desk.copies.borrow_mut().push(Copy { number, left: size, is_cancelled: false, copying: None });
        let engine = Rc::clone(engine);
        spawn(async move {
            let failure = copy(&engine, chosen).await.err();
            engine.desk().end(number);
            engine.tell(Event::FilePrepared { number, failure });
            begin_more(&engine);
        });
    }
}

/// Copies one and has the node offer it.
async fn copy(engine: &Rc<Engine>, chosen: Chosen) -> Result<(), PrepareFailure> {
    let Preparing { number, size, .. } = chosen.preparing;
    let files = engine.files().ok_or(PrepareFailure::Unreadable)?;
    let left: u64 = engine.desk().copies.borrow().iter().map(|copy| copy.left).sum();
    if let Some(free) = free_storage().await.filter(|free| *free < left) {
        return Err(PrepareFailure::NoRoom(left - free));
    }
    let ticket = files.draw_ticket();
    let is_cancelled = engine.desk().copy(number, |copy| {
        copy.copying = Some((files.clone(), ticket));
        copy.is_cancelled
    });
    if is_cancelled != Some(false) {
        return Err(PrepareFailure::Cancelled);
    }
    let slot = FileSlot(u64::from_be_bytes(*random().map_err(|_| PrepareFailure::Unreadable)?));
    let progress = progress(engine, chosen.preparing.clone());
    let hashes = match files.copy(ticket, &chosen.file, slot, progress).await {
        Ok(hashes) => hashes,
        Err(CopyError::Cancelled) => return Err(PrepareFailure::Cancelled),
        Err(CopyError::Failed) => return Err(PrepareFailure::Unreadable),
        Err(CopyError::Full) => return Err(PrepareFailure::NoRoom(size.saturating_sub(free_storage().await.unwrap_or_default()).max(1))),
    };
    let Preparing { to, name, .. } = chosen.preparing;
    engine.push(Input::Command(Command::SendFile { to, slot, name, media_type: chosen.file.raw_mime_type(), size, hashes }));
    if let Some(bytes) = free_storage().await {
        engine.push(Input::RoomLeft(bytes));
    }
    Ok(())
}

fn progress(engine: &Rc<Engine>, preparing: Preparing) -> impl Fn(u64) + 'static {
    let engine = Rc::downgrade(engine);
    move |done| {
        let Some(engine) = engine.upgrade() else { return };
        engine.desk().copy(preparing.number, |copy| copy.left = preparing.size.saturating_sub(done));
        engine.tell(Event::FilePreparing(Preparing { done, ..preparing.clone() }));
    }
}

async fn looked(engine: &Engine, slot: FileSlot, size: u64) -> Option<Preview> {
    let file = engine.files()?.find(slot).await.filter(|file| file.size() == size)?;
    let (kind, media_type) = preview(&file.head().await.ok()?, size)?;
    let url = file.shown(media_type).ok()?;
    let address = url.as_str().to_owned();
    let preview = match kind {
        PreviewKind::Image => Preview::Image(address),
        PreviewKind::Audio => Preview::Audio(address),
        PreviewKind::Video => Preview::Video(address),
    };
    // It may have been asked for twice: the second address takes the place of the first.
    deleted(engine, slot);
    let shown = &engine.desk().shown;
    shown.borrow_mut().push_back((slot, preview.clone(), url));
    let oldest = if shown.borrow().len() > SHOWN_MAX { shown.borrow_mut().pop_front() } else { None };
    if let Some((slot, ..)) = oldest {
        engine.tell(Event::FilePreview { slot, preview: Preview::None });
    }
    Some(preview)
}
