//! The node's part of files: who offers which to whom, how far each has come, and the machines of `file` get links and the disk here.
//!
//! A file's life: its author's bytes are cut into blocks and lie on the disk before it is offered, by a message. Its receiver wants it, at
//! once or when the person says so, and asks for it part by part (`receiving`); the author answers as long as it wants to (`sending`). Each
//! end tells the other what it wants, and again at each session's start, so that both know how it stands. It ends at both when it is
//! whole at its receiver, or when one of them does not want it any more.
//!
//! Somebody who is away has it from others, with whom it was left (`lying`, `fetching`).
//!
//! Deliberately absent: the bytes of what goes from one to the other; those of what lies with others pass through.

mod fetching;
mod lying;
mod receiving;
mod sending;
#[cfg(test)]
mod tests;
mod transfer;

pub(super) use sending::Prepared;
use fetching::Fetching;
use lying::{Left, Naming, Read};
use transfer::Transfer;

use std::collections::VecDeque;

use super::journal::Purpose;
use super::{Effect, Event, FileOrder, LinkId, Node, Row, Table};
use crate::chat::{FileProgress, FileState, MessageId, MessageView};
use crate::crypto::Ticket;
use crate::file::{FileMessage, FileSlot, Will};
use crate::identity::UserId;
use crate::limits::{FILE_ACCEPTED_BYTES, FILE_KEPT_BYTES_MAX, FILE_VIEW_MS};
use crate::mailbox::{Depositor, Mailbox};
use crate::ordered::{OrderedMap, OrderedSet};
use crate::ring::RingId;
use crate::session::Content;
use crate::store::Write;
use crate::time::Now;

/// Key of the row in `Table::Meta` that says which files are received without asking.
const ACCEPTED_KEY: &[u8] = b"accepted";

/// A part that was asked for.
#[derive(Clone, Debug)]
struct Fetch {
    user: UserId,
    link: LinkId,
    id: MessageId,
    part: u32,
}

/// All that the node keeps of files.
pub(super) struct Files {
    transfers: OrderedMap<MessageId, Transfer>,
    /// Parts that were asked for and have not come, by number.
    fetches: OrderedMap<u32, Fetch>,
    next_number: u32,
    /// Parts that are on their way to others.
    serving: OrderedMap<(LinkId, u32), MessageId>,
    /// Files whose blobs are being named before they are offered.
    naming: VecDeque<Naming>,
    reads: OrderedMap<Ticket, Read>,
    /// What is left with others, and on which shelves.
    left: OrderedMap<MessageId, Left>,
    shelves: OrderedMap<Mailbox, (MessageId, u32)>,
    depositor: Depositor,
    /// Shelves to be cleared at nodes without a session, until then.
    clearing: OrderedMap<(RingId, [u8; 32]), u64>,
    fetching: Option<Fetching>,
    /// Files that nobody had when they were looked for; and when they are again.
    in_vain: OrderedSet<MessageId>,
    fetch_ms: Option<u64>,
    /// Up to which size a contact's file is received without asking.
    accepted: u64,
    /// Bytes that may be stored, as far as is known.
    room: Option<u64>,
}

impl Files {
    /// What the store has. Damaged rows are passed over.
    pub fn restore(rows: &[Row], me: RingId) -> Self {
        let files = rows.iter().filter(|row| row.table == Table::Files);
        let accepted = rows.iter().find(|row| row.table == Table::Meta && row.key == ACCEPTED_KEY);
        let accepted = accepted.and_then(|row| row.value.as_slice().try_into().ok()).map_or(FILE_ACCEPTED_BYTES, u64::from_be_bytes);
        Self {
            transfers: files.filter_map(|row| Transfer::restore(row).ok()).collect(),
            fetches: OrderedMap::new(),
            next_number: 1,
            serving: OrderedMap::new(),
            naming: VecDeque::new(),
            reads: OrderedMap::new(),
            left: OrderedMap::new(),
            shelves: OrderedMap::new(),
            depositor: Depositor::new(me),
            clearing: OrderedMap::new(),
            fetching: None,
            in_vain: OrderedSet::new(),
            fetch_ms: None,
            accepted,
            room: None,
        }
    }

    /// Whether a session with this user would bring something about.
    pub fn wants(&self, user: &UserId) -> bool {
        self.transfers.values().any(|transfer| transfer.user == *user && transfer.wants_session())
    }

    /// Whether there is a reason to look where this user is.
    pub fn awaits(&self, user: &UserId) -> bool {
        self.transfers.values().any(|transfer| transfer.user == *user && transfer.awaits())
    }

    /// Whether anything needs the bytes there, but for `except`.
    fn is_slot_wanted(&self, slot: FileSlot, except: MessageId) -> bool {
        self.transfers.iter().any(|(id, transfer)| *id != except && transfer.slot == Some(slot))
    }

    fn of_user(&self, user: &UserId) -> Vec<MessageId> {
        self.transfers.iter().filter(|(_, transfer)| transfer.user == *user).map(|(id, _)| *id).collect()
    }
}

impl Node {
    /// Remains of files that came to nothing go; the setting is told.
    pub(super) fn sweep_files(&mut self) {
        let keep = self.files.transfers.values().filter_map(|transfer| transfer.slot).collect();
        self.effects.push(Effect::FileSweep { keep });
        self.notify(Event::FilesAccepted { bytes: self.files.accepted });
    }

    pub(super) fn accept_files(&mut self, bytes: u64) {
        self.files.accepted = bytes;
        let write = Write { table: Table::Meta, key: ACCEPTED_KEY.to_vec(), value: Some(bytes.to_be_bytes().to_vec()) };
        self.store(vec![write], Purpose::Quiet);
        self.notify(Event::FilesAccepted { bytes });
    }

    /// So much more may be stored.
    pub(super) fn file_room_left(&mut self, bytes: u64) {
        self.files.room = Some(bytes);
    }

    /// How far the file that a message offers has come. `None` where that is not known any more.
    fn file_progress(&self, with: &UserId, id: MessageId) -> Option<FileProgress> {
        let transfer = self.files.transfers.get(&id).filter(|transfer| transfer.user == *with)?;
        let is_linked = self.links.is_up(&transfer.user);
        let mut progress = transfer.progress(is_linked || self.is_fetched(id));
        // What lies with others, or is on its way there, is said where nothing else is.
        if !is_linked && transfer.is_open() && transfer.here == Will::Going && !transfer.is_received()
            && let Some((bytes, is_all)) = self.file_held(id)
        {
            progress.bytes = bytes;
            progress.state = if is_all { FileState::Held } else { FileState::Moving };
        }
        Some(progress)
    }

    /// Lays over a message how far its file has come.
    pub(super) fn dress_file(&self, with: &UserId, view: &mut MessageView) {
        if let (Some(file), Some(progress)) = (view.file.as_mut(), self.file_progress(with, view.id)) {
            file.progress = progress;
        }
    }

    fn show_file(&mut self, id: MessageId) {
        let Some(with) = self.files.transfers.get(&id).map(|transfer| transfer.user.clone()) else { return };
        if let Some(progress) = self.file_progress(&with, id) {
            self.notify(Event::FileChanged { with, id, progress });
        }
    }

    /// Bytes have come or gone: told now and then.
    fn show_file_moving(&mut self, id: MessageId, now: Now) {
        let is_due = self.files.transfers.get_mut(&id).is_some_and(|transfer| transfer.moved(now.mono, FILE_VIEW_MS));
        if is_due {
            self.show_file(id);
        }
    }

    fn store_file(&mut self, id: MessageId, purpose: Purpose) {
        if let Some(transfer) = self.files.transfers.get(&id) {
            let row = transfer.row(id);
            self.store(vec![row], purpose);
        }
    }

    /// Tells the other end what this one wants with a file.
    fn tell_will(&mut self, id: MessageId, now: Now) {
        let Some(transfer) = self.files.transfers.get(&id) else { return };
        let (user, will) = (transfer.user.clone(), transfer.here);
        self.send_file_message(&user, &FileMessage::Will { offer: id.0, will }, now);
    }

    fn send_file_message(&mut self, user: &UserId, message: &FileMessage, now: Now) -> bool {
        self.send_body(user, Content::File, &message.encode(), now)
    }

    /// A session is up: both ends say how it stands, and what was under way goes on.
    pub(super) fn files_linked(&mut self, user: &UserId, now: Now) {
        for id in self.files.of_user(user) {
            self.stop_fetching_lying(id);
            if self.files.transfers[&id].is_open() {
                self.tell_will(id, now);
                self.show_file(id);
            }
        }
        self.receive_more(user, now);
    }

    /// A session is over.
    pub(super) fn files_unlinked(&mut self, user: &UserId) {
        self.files.fetches.retain(|_, fetch| fetch.user != *user);
        let transfers = &self.files.transfers;
        self.files.serving.retain(|_, id| transfers.get(id).is_some_and(|transfer| transfer.user != *user));
        for id in self.files.of_user(user) {
            let Some(transfer) = self.files.transfers.get_mut(&id).filter(|transfer| transfer.is_open()) else { continue };
            transfer.interrupted();
            self.show_file(id);
        }
    }

    /// A session with this node is up, whoever it is of.
    pub(super) fn files_node_linked(&mut self, node: RingId, now: Now) {
        self.files.depositor.linked(node);
        self.clear_linked(node, now);
        self.fetching_linked(node, now);
        self.tend_left(now);
    }

    pub(super) fn files_node_unlinked(&mut self, node: RingId, now: Now) {
        self.files.depositor.unlinked(node);
        self.fetching_unlinked(node, now);
    }

    /// No session with this node comes about.
    pub(super) fn files_node_unreachable(&mut self, node: RingId, now: Now) {
        self.files.depositor.unreachable(node, now);
        self.fetching_unlinked(node, now);
        self.tend_left(now);
    }

    /// When something is due.
    pub(super) fn files_deadline(&self) -> Option<u64> {
        let clearing = self.files.clearing.values().min().copied();
        [self.fetching_deadline(), self.files.depositor.deadline(), clearing].into_iter().flatten().min()
    }

    pub(super) fn files_wake(&mut self, now: Now) {
        self.files.clearing.retain(|_, until_ms| *until_ms > now.mono);
        self.fetching_wake(now);
        self.tend_left(now);
    }

    /// This node has its place in the ring: what could not be done before can be.
    pub(super) fn files_joined(&mut self, now: Now) {
        self.files.depositor.joined(now);
        let users: OrderedSet<UserId> = self.files.transfers.values().filter(|transfer| transfer.is_open()).map(|transfer| transfer.user.clone()).collect();
        for user in users {
            self.leave_files(&user, now);
        }
        self.fetch_lying(now);
    }

    /// A person wants something with a file.
    pub(super) fn file_order(&mut self, with: &UserId, id: MessageId, order: FileOrder, now: Now) {
        let Some(transfer) = self.files.transfers.get(&id).filter(|transfer| transfer.user == *with && transfer.is_open()) else { return };
        let will = match order {
            FileOrder::Accept | FileOrder::Resume if !self.has_room(transfer) => Will::NoRoom,
            FileOrder::Accept | FileOrder::Resume => Will::Going,
            FileOrder::Pause => Will::Paused,
            FileOrder::Cancel => Will::Cancelled,
        };
        if order == FileOrder::Pause && transfer.here == Will::Waiting {
            return;
        }
        self.change_will(id, will, now);
        self.seek(with, now);
        self.receive_more(with, now);
        self.fetch_lying(now);
    }

    fn has_room(&self, transfer: &Transfer) -> bool {
        self.files.room.is_none_or(|room| transfer.missing_bytes() <= room)
    }

    /// This end wants something else with a file from now on.
    fn change_will(&mut self, id: MessageId, will: Will, now: Now) {
        let Some(transfer) = self.files.transfers.get_mut(&id).filter(|transfer| transfer.here != will) else { return };
        transfer.here = will;
        if will != Will::Going {
            self.stop_fetching(id);
        }
        // Before it is said that parts do not come, or they would be asked for again.
        self.tell_will(id, now);
        if will != Will::Going {
            self.stop_serving(id, now);
        }
        self.after_change(id, now);
    }

    /// Writes down and shows what has changed; what is wanted no more goes.
    fn after_change(&mut self, id: MessageId, now: Now) {
        let Some(transfer) = self.files.transfers.get(&id) else { return };
        if !transfer.is_open() {
            self.stop_fetching(id);
            self.stop_fetching_lying(id);
            self.take_back(id, now);
            self.let_go(id);
        }
        self.store_file(id, Purpose::Quiet);
        self.show_file(id);
    }

    /// A file is on its way no more: its bytes go unless it is whole here, and small or received.
    fn let_go(&mut self, id: MessageId) {
        let Some(transfer) = self.files.transfers.get_mut(&id) else { return };
        transfer.incoming = None;
        let is_kept = transfer.is_complete() && (transfer.is_received() || transfer.size <= FILE_KEPT_BYTES_MAX);
        if !is_kept && let Some(slot) = transfer.slot.take() {
            let (file, pages, is_received) = (transfer.file, transfer.pages(), transfer.is_received());
            if !self.files.is_slot_wanted(slot, id) {
                self.effects.push(Effect::FileDelete { slot });
                self.store(sending::page_deletions(file, pages), Purpose::Quiet);
            }
            if !is_received {
                self.store(vec![Write { table: Table::Pages, key: id.0.to_vec(), value: None }], Purpose::Quiet);
            }
        }
    }

    /// A message came on the channel `file`. False for one out of form.
    pub(super) fn file_message(&mut self, user: &UserId, body: &[u8], now: Now) -> bool {
        let Ok(message) = FileMessage::decode(body) else { return false };
        match message {
            FileMessage::Ask { offer, page } => self.page_asked(user, MessageId(offer), page, now),
            FileMessage::Page { offer, page, hashes } => self.page_came(user, MessageId(offer), page, &hashes, now),
            FileMessage::Fetch { offer, part, number, drawn, here } => {
                self.part_asked(user, MessageId(offer), sending::PartAsked { part, number, drawn, here }, now)
            }
            FileMessage::NoPart { number } => {
                self.part_refused(user, number, now);
                true
            }
            FileMessage::Will { offer, will } => {
                self.will_told(user, MessageId(offer), will, now);
                true
            }
        }
    }

    /// The other end says what it wants with a file.
    fn will_told(&mut self, user: &UserId, id: MessageId, will: Will, now: Now) {
        let Some(transfer) = self.files.transfers.get_mut(&id).filter(|transfer| transfer.user == *user) else { return };
        if !transfer.is_open() {
            if !will.is_end() && transfer.here.is_end() {
                self.tell_will(id, now);
            }
            return;
        }
        if !transfer.may_be_told(will) || transfer.there == will {
            return;
        }
        transfer.there = will;
        if will != Will::Going {
            self.stop_serving(id, now);
        }
        self.after_change(id, now);
        self.receive_more(user, now);
    }
}
