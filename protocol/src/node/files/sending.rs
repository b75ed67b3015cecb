//! One's own files: offered by a message, and given part by part to whom they were offered.

use super::super::{Effect, Event, FileRefusal, FileTrouble, LinkId, Loading, Node, Row, Table, Write};
use super::lying::Lying;
use super::transfer::Transfer;
use crate::chat::MessageId;
use crate::codec::Writer;
use crate::file::{FileId, FileMessage, FileSlot, Manifest, PAGE_BLOCKS, PART_BYTES, Page, PartKey, Will};
use crate::identity::UserId;
use crate::limits::{FILE_AWAY_BYTES_MAX, FILE_PAGES_MAX, FILE_SERVED_MAX, FILES_PER_USER_MAX};
use crate::message::Said;
use crate::node::SendRefusal;
use crate::time::Now;

/// Failures to read a file in a row at which it counts as gone.
const FAILURES_MAX: u8 = 3;

/// A file of one's own, as whoever stores it has cut it into blocks.
pub(in crate::node) struct Prepared {
    pub slot: FileSlot,
    pub name: String,
    pub media_type: String,
    pub size: u64,
    pub hashes: Vec<[u8; 32]>,
}

/// A file that is about to be offered.
pub(super) struct Offering {
    pub to: UserId,
    pub slot: FileSlot,
    pub manifest: Manifest,
    /// The pages of its hashes.
    pub pages: Vec<Vec<u8>>,
}

/// A part that somebody asks for.
pub(super) struct PartAsked {
    pub part: u32,
    pub number: u32,
    pub drawn: [u8; 32],
    /// How many parts they have.
    pub here: u32,
}

/// file id | page(4)
fn page_key(file: FileId, page: u32) -> Vec<u8> {
    Writer::new().raw(&file.0).u32(page).into_bytes()
}

/// What takes the pages of a file out of the store.
pub(super) fn page_deletions(file: FileId, pages: u32) -> Vec<Write> {
    (0..pages).map(|page| Write { table: Table::Pages, key: page_key(file, page), value: None }).collect()
}

impl Node {
    pub(in crate::node) fn send_file(&mut self, to: UserId, prepared: Prepared, now: Now) {
        let Prepared { slot, name, media_type, size, hashes } = prepared;
        let pages: Vec<Page> = hashes.chunks(PAGE_BLOCKS as usize).map(|hashes| Page::of(hashes.to_vec())).collect();
        let manifest = Manifest::new(&name, &media_type, size, pages.iter().map(Page::hash).collect());
        let open = self.files.transfers.values().filter(|transfer| transfer.user == to && !transfer.is_received() && transfer.is_open());
        let refusal = match (&manifest, self.send_refusal(&to)) {
            (Err(_), _) => Some(FileRefusal::TooLarge),
            (Ok(_), Some(why)) => Some(FileRefusal::Closed(why)),
            (Ok(_), None) if open.count() >= FILES_PER_USER_MAX => Some(FileRefusal::Closed(SendRefusal::TooManyWaiting)),
            (Ok(_), None) => None,
        };
        let (Ok(manifest), None) = (manifest, refusal) else {
            self.effects.push(Effect::FileDelete { slot });
            return self.notify(Event::FileRefused { to, name, why: refusal.unwrap_or(FileRefusal::TooLarge) });
        };
        let pages: Vec<Vec<u8>> = pages.iter().map(|page| page.bytes().to_vec()).collect();
        let offer = Offering { to, slot, manifest, pages };
        if size > 0 && size <= FILE_AWAY_BYTES_MAX {
            // Its receiver may go at any time: what lies with others then is named now, while nobody waits for it.
            return self.name_blobs(offer, hashes, now);
        }
        self.offer_file(offer, None, now);
    }

    /// A file is ready to be offered; with what names its blobs, where it may lie with others.
    pub(super) fn offer_file(&mut self, offer: Offering, lying: Option<Lying>, now: Now) {
        let Offering { to, slot, manifest, pages } = offer;
        if let Some(why) = self.send_refusal(&to) {
            self.effects.push(Effect::FileDelete { slot });
            return self.notify(Event::FileRefused { to, name: manifest.name().to_owned(), why: FileRefusal::Closed(why) });
        }
        let manifest = match &lying {
            Some(lying) => manifest.with_away(lying.away()),
            None => manifest,
        };
        let file = manifest.id();
        let same = self.files.transfers.values().find(|other| other.file == file && other.is_whole()).and_then(|other| other.slot);
        if same.is_some_and(|same| same != slot) {
            self.effects.push(Effect::FileDelete { slot });
        }
        let transfer = Transfer::sent(to.clone(), &manifest, same.unwrap_or(slot));
        let page = |(number, value): (u32, Vec<u8>)| Write { table: Table::Pages, key: page_key(file, number), value: Some(value) };
        let mut writes: Vec<Write> = (0..).zip(pages).map(page).collect();
        let id = MessageId(self.rng.array());
        writes.push(transfer.row(id));
        writes.extend(lying.map(|lying| lying.row(id)));
        self.files.transfers.insert(id, transfer);
        self.say(to, id, Said::File(Box::new(manifest)), writes, now);
    }

    /// A file whose offer was over before they came is offered anew, where it is still here.
    pub(in crate::node) fn offer_anew(&mut self, to: &UserId, before: MessageId, manifest: Manifest, now: Now) {
        let slot = self.files.transfers.get(&before).filter(|transfer| transfer.user == *to && transfer.is_open()).and_then(|transfer| transfer.slot);
        let (Some(slot), None) = (slot, self.send_refusal(to)) else {
            return self.change_will(before, Will::Gone, now);
        };
        let (id, transfer) = (MessageId(self.rng.array()), Transfer::sent(to.clone(), &manifest, slot));
        let write = transfer.row(id);
        self.files.transfers.insert(id, transfer);
        self.change_will(before, Will::Cancelled, now);
        self.say(to.clone(), id, Said::File(Box::new(manifest)), vec![write], now);
    }

    /// They ask for a page. False when they ask for too much at once.
    pub(super) fn page_asked(&mut self, user: &UserId, id: MessageId, page: u32, now: Now) -> bool {
        let Some(transfer) = self.offered_to(user, id) else {
            self.tell_end(user, id, now);
            return true;
        };
        let file = transfer.file;
        let asked = self.loads.values().filter(|loading| matches!(loading, Loading::Page(of, ..) if of == user)).count();
        if page >= transfer.pages() || asked >= FILE_PAGES_MAX {
            return false;
        }
        let ticket = self.draw_ticket();
        self.loads.insert(ticket, Loading::Page(user.clone(), id, page));
        self.effects.push(Effect::Load { ticket, table: Table::Pages, prefix: page_key(file, page), before: None, limit: 1 });
        true
    }

    pub(in crate::node) fn page_loaded(&mut self, user: &UserId, id: MessageId, page: u32, rows: Option<Vec<Row>>, now: Now) {
        let Some(rows) = rows else { return };
        match rows.into_iter().next() {
            Some(row) => {
                self.send_file_message(user, &FileMessage::Page { offer: id.0, page, hashes: row.value }, now);
            }
            None => self.change_will(id, Will::Gone, now),
        }
    }

    /// They ask for a part. False when they ask for what is not there, or too much at once.
    pub(super) fn part_asked(&mut self, user: &UserId, id: MessageId, asked: PartAsked, now: Now) -> bool {
        let PartAsked { part, number, drawn, here } = asked;
        let Some(link) = self.links.link_of(user) else { return true };
        let Some((file, size, slot, parts)) = self.offered_to(user, id).map(|transfer| (transfer.file, transfer.size, transfer.slot, transfer.parts())) else {
            self.tell_end(user, id, now);
            self.send_file_message(user, &FileMessage::NoPart { number }, now);
            return true;
        };
        let served = self.files.serving.keys().filter(|(of, _)| *of == link).count();
        if part >= parts || here > parts || served >= FILE_SERVED_MAX || self.files.serving.contains_key(&(link, number)) {
            return false;
        }
        let Some(slot) = slot else { return true };
        let start = u64::from(part) * PART_BYTES;
        let bytes = u32::try_from((size - start).min(PART_BYTES)).expect("a part is 512 KiB at most");
        self.files.serving.insert((link, number), id);
        self.effects.push(Effect::FileSend { link, number, slot, start, bytes, key: PartKey::of(&drawn, file, part) });
        self.links.touch(user, now);
        let Some(transfer) = self.files.transfers.get_mut(&id) else { return true };
        transfer.reached = (u64::from(here) * PART_BYTES).min(size);
        let is_first = std::mem::replace(&mut transfer.there, Will::Going) != Will::Going;
        if is_first {
            self.after_change(id, now);
        }
        self.show_file_moving(id, now);
        true
    }

    /// What was ordered to be sent has left, or cannot be read.
    pub(in crate::node) fn file_sent(&mut self, link: LinkId, number: u32, result: Result<(), FileTrouble>, now: Now) {
        let Some(id) = self.files.serving.remove(&(link, number)) else { return };
        let Some(transfer) = self.files.transfers.get_mut(&id) else { return };
        if result.is_ok() {
            transfer.failures = 0;
            return;
        }
        // What reads it may have stumbled once.
        transfer.failures = transfer.failures.saturating_add(1);
        let (user, is_gone) = (transfer.user.clone(), transfer.failures >= FAILURES_MAX);
        if is_gone {
            self.change_will(id, Will::Gone, now);
        }
        self.send_file_message(&user, &FileMessage::NoPart { number }, now);
    }

    /// Nothing more of this file is sent: what was asked for is not answered.
    pub(super) fn stop_serving(&mut self, id: MessageId, now: Now) {
        let Some(user) = self.files.transfers.get(&id).map(|transfer| transfer.user.clone()) else { return };
        let of_this: Vec<(LinkId, u32)> = self.files.serving.iter().filter(|(_, of)| **of == id).map(|(part, _)| *part).collect();
        for (link, number) in of_this {
            self.files.serving.remove(&(link, number));
            self.effects.push(Effect::FileUnsend { link, number });
            self.send_file_message(&user, &FileMessage::NoPart { number }, now);
        }
    }

    /// A file that may be asked for by this user under this message's id.
    fn offered_to(&self, user: &UserId, id: MessageId) -> Option<&Transfer> {
        let is_offered = |transfer: &&Transfer| transfer.user == *user && !transfer.is_received() && transfer.here == Will::Going && transfer.is_open();
        self.files.transfers.get(&id).filter(is_offered)
    }

    /// They ask for what is not to be had now: they are told how it stands.
    fn tell_end(&mut self, user: &UserId, id: MessageId, now: Now) {
        let transfer = self.files.transfers.get(&id).filter(|transfer| transfer.user == *user && !transfer.is_received());
        let will = transfer.map_or(Will::Gone, |transfer| if transfer.here == Will::Going { Will::Gone } else { transfer.here });
        self.send_file_message(user, &FileMessage::Will { offer: id.0, will }, now);
    }
}
