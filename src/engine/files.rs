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

use crate::platform::files::{CopyError, FileTicket, Files, ObjectUrl, StoredFile};
use crate::platform::{self, free_storage, random, spawn};
use crate::state::{Event, PrepareFailure, Preparing, Preview};

/// Files that are copied at once: one is read while another is written.
const COPIES_MAX: usize = 2;
/// Files that have an address to be shown at; that of the oldest is taken back for one more. Guess.
const SHOWN_MAX: usize = 64;

/// What is under way between the person and the disk.
pub struct FileDesk {
    reach: Box<dyn DeskReach>,
    drawn: Cell<u32>,
    waiting: RefCell<VecDeque<Chosen>>,
    copies: RefCell<Vec<Copy>>,
    /// The oldest first.
    shown: RefCell<VecDeque<(FileSlot, Preview, ObjectUrl)>>,
}

/// What the desk needs of the engine.
pub trait DeskReach {
    /// Changes the screen.
    fn tell(&self, event: Event);
    /// Hands something to the node, if one runs.
    fn push(&self, input: Input);
    /// The bytes of files, while a node runs.
    fn files(&self) -> Option<Files>;
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

impl FileDesk {
    /// A desk where nothing lies.
    pub fn new(reach: impl DeskReach + 'static) -> Rc<Self> {
        Rc::new(Self {
            reach: Box::new(reach),
            drawn: Cell::default(),
            waiting: RefCell::default(),
            copies: RefCell::default(),
            shown: RefCell::default(),
        })
    }

    /// Takes files to be sent: they are copied one after the other.
    pub fn send(self: &Rc<Self>, to: &UserId, files: Vec<File>) {
        for file in files {
            let number = self.drawn.get() + 1;
            self.drawn.set(number);
            let preparing = Preparing { number, to: to.clone(), name: file.name(), size: file.size(), done: 0 };
            self.reach.tell(Event::FilePreparing(preparing.clone()));
            if preparing.size > FILE_BYTES_MAX {
                self.prepared(number, Some(PrepareFailure::TooLarge));
            } else {
                self.waiting.borrow_mut().push_back(Chosen { preparing, file });
            }
        }
        self.begin_more();
    }

    /// Stops copying one, or does not begin.
    pub fn cancel(&self, number: u32) {
        let place = self.waiting.borrow().iter().position(|chosen| chosen.preparing.number == number);
        if let Some(place) = place {
            self.waiting.borrow_mut().remove(place);
            return self.prepared(number, Some(PrepareFailure::Cancelled));
        }
        let copying = self.copy_of(number, |copy| {
            copy.is_cancelled = true;
            copy.copying.clone()
        });
        if let Some((files, ticket)) = copying.flatten() {
            files.cancel(ticket);
        }
    }

    /// Gives a file to the browser to be saved.
    pub async fn save(self: Rc<Self>, slot: FileSlot, name: String, size: u64) {
        let file = match self.reach.files() {
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
    pub async fn look(self: Rc<Self>, slot: FileSlot, size: u64) {
        let known = self.shown.borrow().iter().find(|(of, ..)| *of == slot).map(|(_, preview, _)| preview.clone());
        let preview = match known {
            Some(preview) => preview,
            None => self.looked(slot, size).await.unwrap_or(Preview::None),
        };
        self.reach.tell(Event::FilePreview { slot, preview });
    }

    /// A file was deleted: it cannot be shown any more.
    pub fn deleted(&self, slot: FileSlot) {
        let place = self.shown.borrow().iter().position(|(of, ..)| *of == slot);
        if place.and_then(|place| self.shown.borrow_mut().remove(place)).is_some() {
            self.reach.tell(Event::FilePreview { slot, preview: Preview::None });
        }
    }

    fn begin_more(self: &Rc<Self>) {
        while self.copies.borrow().len() < COPIES_MAX {
            let Some(chosen) = self.waiting.borrow_mut().pop_front() else { return };
            let Preparing { number, size, .. } = chosen.preparing;
            self.copies.borrow_mut().push(Copy { number, left: size, is_cancelled: false, copying: None });
            let desk = Rc::clone(self);
            spawn(async move {
                let failure = desk.copy(chosen).await.err();
                desk.copies.borrow_mut().retain(|copy| copy.number != number);
                desk.prepared(number, failure);
                desk.begin_more();
            });
        }
    }

    /// Copies one and has the node offer it.
    async fn copy(self: &Rc<Self>, chosen: Chosen) -> Result<(), PrepareFailure> {
        let Preparing { number, size, .. } = chosen.preparing;
        let files = self.reach.files().ok_or(PrepareFailure::Unreadable)?;
        let left: u64 = self.copies.borrow().iter().map(|copy| copy.left).sum();
        if let Some(free) = free_storage().await.filter(|free| *free < left) {
            return Err(PrepareFailure::NoRoom(left - free));
        }
        let ticket = files.draw_ticket();
        let is_cancelled = self.copy_of(number, |copy| {
            copy.copying = Some((files.clone(), ticket));
            copy.is_cancelled
        });
        if is_cancelled != Some(false) {
            return Err(PrepareFailure::Cancelled);
        }
        let slot = FileSlot(u64::from_be_bytes(*random().map_err(|_| PrepareFailure::Unreadable)?));
        let hashes = match files.copy(ticket, &chosen.file, slot, self.progress(&chosen.preparing)).await {
            Ok(hashes) => hashes,
            Err(CopyError::Cancelled) => return Err(PrepareFailure::Cancelled),
            Err(CopyError::Failed) => return Err(PrepareFailure::Unreadable),
            Err(CopyError::Full) => return Err(PrepareFailure::NoRoom(size.saturating_sub(free_storage().await.unwrap_or_default()).max(1))),
        };
        let Preparing { to, name, .. } = chosen.preparing;
        self.reach.push(Input::Command(Command::SendFile { to, slot, name, media_type: chosen.file.raw_mime_type(), size, hashes }));
        if let Some(bytes) = free_storage().await {
            self.reach.push(Input::RoomLeft(bytes));
        }
        Ok(())
    }

    fn progress(self: &Rc<Self>, preparing: &Preparing) -> impl Fn(u64) + 'static {
        let (desk, preparing) = (Rc::downgrade(self), preparing.clone());
        move |done| {
            let Some(desk) = desk.upgrade() else { return };
            desk.copy_of(preparing.number, |copy| copy.left = preparing.size.saturating_sub(done));
            desk.reach.tell(Event::FilePreparing(Preparing { done, ..preparing.clone() }));
        }
    }

    fn prepared(&self, number: u32, failure: Option<PrepareFailure>) {
        self.reach.tell(Event::FilePrepared { number, failure });
    }

    fn copy_of<T>(&self, number: u32, with: impl FnOnce(&mut Copy) -> T) -> Option<T> {
        self.copies.borrow_mut().iter_mut().find(|copy| copy.number == number).map(with)
    }

    async fn looked(&self, slot: FileSlot, size: u64) -> Option<Preview> {
        let file = self.reach.files()?.find(slot).await.filter(|file| file.size() == size)?;
        let (kind, media_type) = preview(&file.head().await.ok()?, size)?;
        let url = file.shown(media_type).ok()?;
        let address = url.as_str().to_owned();
        let preview = match kind {
            PreviewKind::Image => Preview::Image(address),
            PreviewKind::Audio => Preview::Audio(address),
            PreviewKind::Video => Preview::Video(address),
        };
        // It may have been asked for twice: the second address takes the place of the first.
        self.shown.borrow_mut().retain(|(of, ..)| *of != slot);
        self.shown.borrow_mut().push_back((slot, preview.clone(), url));
        let oldest = if self.shown.borrow().len() > SHOWN_MAX { self.shown.borrow_mut().pop_front() } else { None };
        if let Some((slot, ..)) = oldest {
            self.reach.tell(Event::FilePreview { slot, preview: Preview::None });
        }
        Some(preview)
    }
}
