//! Files of others: whether they are wanted, and fetching them part by part.

use super::super::{Effect, FileTrouble, LinkId, Node, Standing, Write};
use super::lying::Read;
use super::transfer::Transfer;
use super::{Fetch, Purpose};
use crate::chat::MessageId;
use crate::crypto::sha256;
use crate::file::{BLOCK_BYTES, FileMessage, FileSlot, IncomingOrder, Layout, Manifest, PART_BLOCKS, PART_BYTES, PartKey, Will};
use crate::identity::UserId;
use crate::limits::{FILE_FETCHES_MAX, FILE_PARTS_AHEAD, FILES_MAX, FILES_PER_USER_MAX};
use crate::time::Now;

/// Parts after which it is written down how far a file has come: each time costs the browser more than a part does. What came since is found on
/// the disk.
const ROW_PARTS: u32 = 16;

impl Node {
    /// A message of theirs offers a file: what is to be written with it. Nothing of one too many, or one that has the id of another.
    pub(in crate::node) fn file_offered(&mut self, user: &UserId, id: MessageId, manifest: &Manifest) -> Option<Write> {
        let open = || self.files.transfers.values().filter(|transfer| transfer.is_received() && transfer.is_open());
        let of_theirs = open().filter(|transfer| transfer.user == *user).count();
        if of_theirs >= FILES_PER_USER_MAX || open().count() >= FILES_MAX || self.files.transfers.contains_key(&id) {
            return None;
        }
        let slot = FileSlot(u64::from_be_bytes(self.rng.array()));
        let mut transfer = Transfer::received(user.clone(), manifest.clone(), slot, Will::Waiting);
        let same = self.files.transfers.values().find(|other| other.file == transfer.file && other.is_whole());
        let is_trusted = self.chats.get(user).is_some_and(|chat| chat.standing == Standing::Accepted);
        if let Some(same) = same {
            transfer.slot = same.slot;
            transfer.here = Will::Complete;
        } else if transfer.size == 0 {
            transfer.here = Will::Complete;
        } else if is_trusted && transfer.size <= self.files.accepted {
            transfer.here = if self.has_room(&transfer) { Will::Going } else { Will::NoRoom };
        }
        if transfer.here.is_end() {
            transfer.incoming = None;
        }
        let row = transfer.row(id);
        self.files.transfers.insert(id, transfer);
        Some(row)
    }

    /// The message that offers a file is durable: it begins.
    pub(in crate::node) fn file_offer_stored(&mut self, user: &UserId, id: MessageId, now: Now) {
        if self.files.transfers.get(&id).is_some_and(|transfer| transfer.user == *user) {
            self.tell_will(id, now);
            self.receive_more(user, now);
            // Where its author is not there, others may have it.
            self.seek(user, now);
            self.fetch_lying(now);
        } else {
            self.send_file_message(user, &FileMessage::Will { offer: id.0, will: Will::TooMany }, now);
        }
    }

    /// Asks for what is missing of this user's files, as far as may be under way.
    pub(super) fn receive_more(&mut self, user: &UserId, now: Now) {
        if !self.links.is_up(user) {
            return;
        }
        for id in self.files.of_user(user) {
            let under_way = self.files.fetches.values().filter(|fetch| fetch.user == *user);
            let (all, of_this) = under_way.fold((0, 0), |(all, this), fetch| (all + 1, this + usize::from(fetch.id == id)));
            let may_begin = of_this > 0 || all + FILE_PARTS_AHEAD <= FILE_FETCHES_MAX;
            let Some(transfer) = self.files.transfers.get_mut(&id).filter(|transfer| transfer.wants_session() && may_begin) else { continue };
            let mut orders = Vec::new();
            if let Some(incoming) = &mut transfer.incoming {
                incoming.go_on(&mut orders);
            }
            self.fetch(id, orders, now);
        }
    }

    /// Carries out what a file that is received orders.
    fn fetch(&mut self, id: MessageId, orders: Vec<IncomingOrder>, now: Now) {
        let Some(transfer) = self.files.transfers.get(&id) else { return };
        let (user, file, size, slot) = (transfer.user.clone(), transfer.file, transfer.size, transfer.slot);
        let (Some(slot), Some(link)) = (slot, self.links.link_of(&user)) else { return };
        for order in orders {
            match order {
                IncomingOrder::Look(part) => self.look_for(id, part),
                IncomingOrder::AskPage(page) => {
                    self.send_file_message(&user, &FileMessage::Ask { offer: id.0, page }, now);
                }
                IncomingOrder::Fetch { part, hashes } => {
                    let number = self.files.next_number;
                    self.files.next_number += 1;
                    let drawn = self.rng.array();
                    let start = u64::from(part) * PART_BYTES;
                    let bytes = u32::try_from((size - start).min(hashes.len() as u64 * BLOCK_BYTES)).expect("a part is 512 KiB at most");
                    let here = self.files.transfers[&id].incoming.as_ref().map_or(0, |incoming| incoming.parts_here());
                    self.files.fetches.insert(number, Fetch { user: user.clone(), link, id, part });
                    self.effects.push(Effect::FileExpect { link, number, slot, start, bytes, key: PartKey::of(&drawn, file, part), hashes });
                    self.send_file_message(&user, &FileMessage::Fetch { offer: id.0, part, number, drawn, here }, now);
                }
            }
        }
    }

    /// Reads a part that may lie on the disk already.
    pub(super) fn look_for(&mut self, id: MessageId, part: u32) {
        let Some((slot, size)) = self.files.transfers.get(&id).and_then(|transfer| Some((transfer.slot?, transfer.size))) else { return };
        self.read_blocks(slot, Layout::of(size), part * PART_BLOCKS..(part + 1) * PART_BLOCKS, None, Read::Look { id, part });
    }

    /// What lies there was read. It is fetched where it is something else.
    pub(super) fn part_looked(&mut self, id: MessageId, part: u32, bytes: Option<&[u8]>, now: Now) {
        let Some(transfer) = self.files.transfers.get_mut(&id) else { return };
        let Some(incoming) = transfer.incoming.as_mut().filter(|incoming| incoming.looks()) else { return };
        let blocks = bytes.map(|bytes| bytes.chunks(BLOCK_BYTES as usize).map(|block| sha256(&[block])).collect::<Vec<_>>());
        incoming.looked(part, blocks.is_some() && blocks == incoming.hashes(part));
        let (user, is_complete) = (transfer.user.clone(), incoming.is_complete());
        if is_complete {
            if self.is_fetched(id) {
                self.clear_behind(now);
            }
            return self.store_file(id, Purpose::File { id });
        }
        self.fetch_part_of(id, now);
        self.receive_more(&user, now);
    }

    /// A page came. False when it is not what was announced.
    pub(super) fn page_came(&mut self, user: &UserId, id: MessageId, page: u32, hashes: &[u8], now: Now) -> bool {
        let Some(transfer) = self.files.transfers.get_mut(&id).filter(|transfer| transfer.user == *user) else { return true };
        let Some(incoming) = &mut transfer.incoming else { return true };
        // What it orders is asked for below, as far as may be under way.
        if incoming.page(page, hashes).is_err() {
            self.change_will(id, Will::Differs, now);
            return false;
        }
        self.receive_more(user, now);
        true
    }

    /// A part has come, or not.
    pub(in crate::node) fn file_came(&mut self, number: u32, result: Result<(), FileTrouble>, now: Now) {
        let Some(Fetch { user, id, part, .. }) = self.files.fetches.remove(&number) else { return };
        let Some(incoming) = self.files.transfers.get_mut(&id).and_then(|transfer| transfer.incoming.as_mut()) else { return };
        self.links.touch(&user, now);
        match result {
            Ok(()) => {
                incoming.stored(part);
                if incoming.is_complete() {
                    // Told when it is written down: its author may then forget it.
                    self.store_file(id, Purpose::File { id });
                } else if incoming.parts_here().is_multiple_of(ROW_PARTS) {
                    self.store_file(id, Purpose::Quiet);
                }
                self.show_file_moving(id, now);
                self.receive_more(&user, now);
            }
            Err(FileTrouble::Differs) => {
                incoming.missing(part);
                self.change_will(id, Will::Differs, now);
                self.link_input(now, |links, _, _| links.hang_up(&user, now));
            }
            Err(FileTrouble::Full | FileTrouble::Failed) => {
                incoming.missing(part);
                self.change_will(id, Will::NoRoom, now);
            }
        }
    }

    /// All parts of a file are written down.
    pub(in crate::node) fn file_stored(&mut self, id: MessageId, now: Now) {
        let Some(transfer) = self.files.transfers.get(&id).filter(|transfer| transfer.is_open()) else { return };
        let (user, file, slot) = (transfer.user.clone(), transfer.file, transfer.slot);
        self.change_will(id, Will::Complete, now);
        // The same file was offered by others, too.
        let is_same = |transfer: &Transfer| transfer.is_received() && transfer.is_open() && transfer.file == file;
        let same: Vec<MessageId> = self.files.transfers.iter().filter(|(_, transfer)| is_same(transfer)).map(|(id, _)| *id).collect();
        for id in same {
            self.stop_fetching(id);
            if let Some(transfer) = self.files.transfers.get_mut(&id)
                && let Some(own) = std::mem::replace(&mut transfer.slot, slot)
            {
                self.effects.push(Effect::FileDelete { slot: own });
            }
            self.change_will(id, Will::Complete, now);
        }
        self.receive_more(&user, now);
    }

    /// Their end does not answer this one. Where it has not said why, it is asked again.
    pub(super) fn part_refused(&mut self, user: &UserId, number: u32, now: Now) {
        let Some(fetch) = self.files.fetches.get(&number).filter(|fetch| fetch.user == *user) else { return };
        let (link, id, part) = (fetch.link, fetch.id, fetch.part);
        self.files.fetches.remove(&number);
        self.effects.push(Effect::FileUnexpect { link, number });
        if let Some(incoming) = self.files.transfers.get_mut(&id).and_then(|transfer| transfer.incoming.as_mut()) {
            incoming.missing(part);
        }
        self.receive_more(user, now);
    }

    /// Nothing more of this file is expected.
    pub(super) fn stop_fetching(&mut self, id: MessageId) {
        let of_this: Vec<(u32, LinkId)> = self.files.fetches.iter().filter(|(_, fetch)| fetch.id == id).map(|(number, fetch)| (*number, fetch.link)).collect();
        for (number, link) in of_this {
            self.files.fetches.remove(&number);
            self.effects.push(Effect::FileUnexpect { link, number });
        }
        if let Some(transfer) = self.files.transfers.get_mut(&id) {
            transfer.interrupted();
        }
    }
}

