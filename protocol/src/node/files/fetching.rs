//! Files that lie with others: the receiver's side. One at a time, a part at a time, from whoever of those who stand behind its shelf has it.
//!
//! Begins when the author is away, or cannot be reached; goes on at the first part that is missing; ends when nothing is missing, when the author
//! is there again and sends it by themselves, or when nobody has what is missing: then it is tried again after a while.

use super::lying::{READ_BLOCKS, Read};
use super::transfer::Transfer;
use super::{Effect, MessageId, Node, Purpose};
use crate::crypto::{Ticket, sha256};
use crate::file::{BLOCK_BYTES, FileSlot, Layout, PAGE_BLOCKS, PART_BLOCKS, PART_BYTES, Page, Will};
use crate::limits::{COPIES, HOLDER_WAIT_MS};
use crate::mailbox::{BlobIndex, BlobKey, CollectMessage, EnvelopeId, Mailbox, SHELF_BLOCKS, blob_id};
use crate::node::FileTrouble;
use crate::ordered::OrderedMap;
use crate::ring::{RingId, Standing};
use crate::time::{Now, SECOND_MS};

/// Wait before a file is looked for again of which nobody had what is missing. Guess: as long as a contact's absence is relied upon.
const AGAIN_MS: u64 = 20 * SECOND_MS;
/// Wait for a session with one of those who may have it; then the next is asked, where there is one. Guess: most are there in two seconds or never.
const LINK_PATIENCE_MS: u64 = 3 * SECOND_MS;
/// How often in one go a disk may give back what was not written: then it is to be looked after before more is tried.
const SPOILED_MAX: u32 = 3;
/// Ways to look for those who stand behind a shelf: whoever answers one may know of few.
const WAYS: u8 = 3;

/// Blobs that are missing, with their blocks; the index has none.
type Missing = Vec<(Option<u32>, EnvelopeId)>;

/// What is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The ring is asked who stands behind the shelf.
    Looking,
    /// A session with the first of those who may have it.
    Linking,
    /// It is asked for what is missing.
    Asked,
    /// The disk is looked at for a part that may be there.
    Reading,
    /// A part is being written.
    Writing(Ticket),
    /// All parts are written: they are read again from here on, and compared.
    Checking(u32),
}

/// A file that is fetched from those who keep it.
pub(super) struct Fetching {
    id: MessageId,
    slot: FileSlot,
    key: BlobKey,
    index_id: EnvelopeId,
    index: Option<BlobIndex>,
    shelf: u32,
    /// The way of the last look at it.
    way: u8,
    /// Who may have what is on the shelf, and was not asked in vain for this part.
    sources: Vec<RingId>,
    /// All who stand behind each shelf that was taken from.
    behind: OrderedMap<u32, Vec<RingId>>,
    part: u32,
    /// Blobs of the part that have come, by their blocks.
    blobs: OrderedMap<u32, Vec<u8>>,
    step: Step,
    until_ms: u64,
    /// How often what was read again was not what had been written.
    spoiled: u32,
}

impl Fetching {
    /// What is missing of this file. `None` for one that does not lie with others, or is not to be received.
    fn begin(id: MessageId, transfer: &Transfer) -> Option<Self> {
        let incoming = transfer.incoming.as_ref()?;
        let away = incoming.manifest().away()?;
        Some(Self {
            id,
            slot: transfer.slot?,
            key: BlobKey::new(away.key),
            index_id: EnvelopeId(away.index),
            index: None,
            shelf: 0,
            way: 0,
            sources: Vec::new(),
            behind: OrderedMap::new(),
            part: incoming.first_missing()?,
            blobs: OrderedMap::new(),
            step: Step::Looking,
            until_ms: 0,
            spoiled: 0,
        })
    }

    /// The same for a test, and that this node is asked.
    #[cfg(test)]
    pub fn begun(id: MessageId, transfer: &Transfer, source: RingId) -> Self {
        Self { step: Step::Asked, sources: vec![source], until_ms: u64::MAX, ..Self::begin(id, transfer).expect("it lies with others") }
    }

    /// Blobs of the part that have not come, with their blocks; the index alone, while it is not here.
    fn wanted(&self, blocks: u32) -> Missing {
        // What comes twice, the second time while the part is being written, is of no part any more.
        if self.is_on_the_disk() {
            return Missing::new();
        }
        let Some(index) = &self.index else { return vec![(None, self.index_id)] };
        let first = self.part * PART_BLOCKS;
        let of_part = first..blocks.min(first + PART_BLOCKS);
        of_part.filter(|block| !self.blobs.contains_key(block)).filter_map(|block| Some((Some(block), *index.blobs.get(block as usize)?))).collect()
    }

    /// Whether it is the disk's turn.
    fn is_on_the_disk(&self) -> bool {
        matches!(self.step, Step::Reading | Step::Writing(_) | Step::Checking(_))
    }

    fn place(&self) -> Mailbox {
        self.key.shelf(self.shelf)
    }
}

impl Node {
    /// When something about fetching is due.
    pub(super) fn fetching_deadline(&self) -> Option<u64> {
        self.files.fetching.as_ref().map(|fetching| fetching.until_ms).or(self.files.fetch_ms)
    }

    /// Begins to fetch a file that lies with others, if there is one and none is being fetched.
    pub(in crate::node) fn fetch_lying(&mut self, now: Now) {
        if self.files.fetching.is_some() || self.ring.standing() != Standing::Member {
            return;
        }
        let is_wanted = |id: &&MessageId| {
            let transfer = &self.files.transfers[*id];
            transfer.incoming.is_some() && transfer.wants_session() && transfer.can_lie && !self.files.in_vain.contains(*id) && self.is_absent(&transfer.user)
        };
        let Some(id) = self.files.transfers.keys().find(is_wanted).copied() else { return };
        let Some(mut fetching) = self.files.transfers.get(&id).and_then(|transfer| Fetching::begin(id, transfer)) else { return };
        fetching.until_ms = now.mono + HOLDER_WAIT_MS;
        let shelf = fetching.place();
        self.files.fetching = Some(fetching);
        self.look_for_shelf(shelf, 0, now);
        self.show_file(id);
    }

    /// The author is there, or the file is not wanted any more.
    pub(super) fn stop_fetching_lying(&mut self, id: MessageId) {
        self.files.fetching.take_if(|fetching| fetching.id == id);
        self.files.in_vain.remove(&id);
    }

    /// Whether a file is being fetched from others.
    pub(super) fn is_fetched(&self, id: MessageId) -> bool {
        self.files.fetching.as_ref().is_some_and(|fetching| fetching.id == id)
    }

    pub(super) fn shelf_found_to_fetch(&mut self, shelf: Mailbox, places: &[RingId], now: Now) {
        let others: Vec<RingId> = places.iter().filter(|place| **place != self.ring.me()).copied().collect();
        // Whoever is linked is there, and answers at once.
        let (mut sources, unlinked): (Vec<RingId>, Vec<RingId>) = others.iter().partition(|place| self.peer_at(**place).is_some());
        sources.extend(unlinked);
        let Some(fetching) = self.files.fetching.as_mut().filter(|fetching| fetching.step == Step::Looking && fetching.place() == shelf) else { return };
        fetching.sources = sources;
        fetching.behind.insert(fetching.shelf, others);
        // What this node keeps itself it has at once.
        self.fetch_own(now);
        self.ask_source(now);
    }

    /// What lies on this node's own disk is read there.
    fn fetch_own(&mut self, now: Now) {
        let Some((shelf, wanted)) = self.fetch_wanted() else { return };
        let me = self.ring.me();
        for (_, blob) in wanted {
            self.fetch_blob_for(me, shelf, blob, now);
        }
    }

    fn fetch_wanted(&self) -> Option<(Mailbox, Missing)> {
        let fetching = self.files.fetching.as_ref()?;
        let blocks = self.files.transfers.get(&fetching.id)?.incoming.as_ref()?.manifest().layout().blocks();
        Some((fetching.place(), fetching.wanted(blocks)))
    }

    /// Asks the first source for what is missing; links to it before.
    fn ask_source(&mut self, now: Now) {
        let Some((shelf, wanted)) = self.fetch_wanted() else { return };
        let Some(fetching) = self.files.fetching.as_mut() else { return };
        let Some(source) = fetching.sources.first().copied() else { return self.look_another_way(now) };
        fetching.until_ms = now.mono + HOLDER_WAIT_MS;
        let is_linked = self.peer_at(source).is_some();
        let Some(fetching) = self.files.fetching.as_mut() else { return };
        if is_linked {
            fetching.step = Step::Asked;
            let ids = wanted.into_iter().map(|(_, blob)| blob).collect();
            self.send_collect(source, &CollectMessage::FetchBlobs { shelf, ids }, now);
        } else {
            fetching.step = Step::Linking;
            if fetching.sources.len() > 1 {
                fetching.until_ms = now.mono + LINK_PATIENCE_MS;
            }
            self.ring_dial(source, now);
        }
    }

    /// The first source has not what is missing, is out of reach, or silent.
    fn next_source(&mut self, now: Now) {
        let Some(fetching) = self.files.fetching.as_mut() else { return };
        if !fetching.sources.is_empty() {
            fetching.sources.remove(0);
        }
        self.ask_source(now);
    }

    /// None of those who were named has what is missing: others may be named another way.
    fn look_another_way(&mut self, now: Now) {
        let Some(fetching) = self.files.fetching.as_mut().filter(|fetching| fetching.way + 1 < WAYS) else { return self.fetch_in_vain(now) };
        fetching.way += 1;
        fetching.step = Step::Looking;
        fetching.until_ms = now.mono + HOLDER_WAIT_MS;
        let (place, way) = (fetching.place(), fetching.way);
        self.look_for_shelf(place, way, now);
    }

    fn fetch_in_vain(&mut self, now: Now) {
        if let Some(fetching) = self.files.fetching.take() {
            self.files.in_vain.insert(fetching.id);
            self.files.fetch_ms = Some(now.mono + AGAIN_MS);
            self.show_file(fetching.id);
            self.fetch_lying(now);
        }
    }

    pub(super) fn fetching_wake(&mut self, now: Now) {
        if self.files.fetch_ms.take_if(|at| *at <= now.mono).is_some() {
            self.files.in_vain = Default::default();
            self.fetch_lying(now);
        }
        let Some(fetching) = self.files.fetching.as_mut().filter(|fetching| fetching.until_ms <= now.mono) else { return };
        match fetching.step {
            Step::Looking => self.look_another_way(now),
            Step::Linking | Step::Asked => self.next_source(now),
            Step::Reading | Step::Writing(_) | Step::Checking(_) => fetching.until_ms = now.mono + HOLDER_WAIT_MS,
        }
    }

    /// A session with a node began.
    pub(super) fn fetching_linked(&mut self, node: RingId, now: Now) {
        let is_source = |fetching: &Fetching| fetching.step == Step::Linking && fetching.sources.first() == Some(&node);
        if self.files.fetching.as_ref().is_some_and(is_source) {
            self.ask_source(now);
        }
    }

    /// No session with a node comes about, or one is over.
    pub(super) fn fetching_unlinked(&mut self, node: RingId, now: Now) {
        let is_source = |fetching: &Fetching| matches!(fetching.step, Step::Linking | Step::Asked) && fetching.sources.first() == Some(&node);
        if self.files.fetching.as_ref().is_some_and(is_source) {
            self.next_source(now);
        }
    }

    /// Somebody has not what they were asked for.
    pub(in crate::node) fn blob_gone(&mut self, from: RingId, blob: EnvelopeId, now: Now) {
        let Some((_, wanted)) = self.fetch_wanted() else { return };
        let is_of_source = self.files.fetching.as_ref().is_some_and(|fetching| fetching.step == Step::Asked && fetching.sources.first() == Some(&from));
        if is_of_source && wanted.iter().any(|(_, id)| *id == blob) {
            self.next_source(now);
        }
    }

    /// A blob came. One that nobody asked for, or that is none, counts for nothing.
    pub(in crate::node) fn blob_came(&mut self, blob: &[u8], now: Now) {
        let id = blob_id(blob);
        let Some((_, wanted)) = self.fetch_wanted() else { return };
        let Some((block, _)) = wanted.into_iter().find(|(_, of)| *of == id) else { return };
        let Some(fetching) = self.files.fetching.as_mut() else { return };
        let file = fetching.id;
        let Some(incoming) = self.files.transfers.get_mut(&file).and_then(|transfer| transfer.incoming.as_mut()) else { return };
        match block {
            None => {
                let manifest = incoming.manifest();
                let index = fetching.key.open_index(manifest.layout().blocks(), blob).ok();
                let pages = |index: &BlobIndex| index.hashes.chunks(PAGE_BLOCKS as usize).map(|hashes| Page::of(hashes.to_vec())).collect::<Vec<_>>();
                let is_announced = |index: &BlobIndex| (0..).zip(pages(index)).all(|(number, page)| manifest.page(number) == Some(page.hash()));
                let Some(index) = index.filter(is_announced) else { return self.fetch_differs(file, now) };
                incoming.know(pages(&index));
                fetching.index = Some(index);
                self.fetch_part(now);
            }
            Some(block) => {
                fetching.blobs.insert(block, blob.to_vec());
                fetching.until_ms = now.mono + HOLDER_WAIT_MS;
                if self.fetch_wanted().is_some_and(|(_, wanted)| wanted.is_empty()) {
                    self.write_part();
                }
            }
        }
    }

    /// What the author left is not what they announced.
    fn fetch_differs(&mut self, id: MessageId, now: Now) {
        self.files.fetching = None;
        self.change_will(id, Will::Differs, now);
    }

    fn write_part(&mut self) {
        let ticket = self.draw_ticket();
        let Some(fetching) = self.files.fetching.as_mut() else { return };
        let Some(index) = &fetching.index else { return };
        let blobs: Vec<Vec<u8>> = std::mem::take(&mut fetching.blobs).into_iter().map(|(_, blob)| blob).collect();
        let (slot, key, first) = (fetching.slot, fetching.key.clone(), fetching.part * PART_BLOCKS);
        let hashes = index.hashes.iter().skip(first as usize).take(blobs.len()).copied().collect();
        fetching.step = Step::Writing(ticket);
        self.effects.push(Effect::FileWrite { ticket, slot, first, key, blobs, hashes });
    }

    pub(in crate::node) fn file_written(&mut self, ticket: Ticket, result: Result<(), FileTrouble>, now: Now) {
        let Some(fetching) = self.files.fetching.as_ref().filter(|fetching| fetching.step == Step::Writing(ticket)) else { return };
        let (id, part) = (fetching.id, fetching.part);
        let Some(incoming) = self.files.transfers.get_mut(&id).and_then(|transfer| transfer.incoming.as_mut()) else { return };
        match result {
            Ok(()) => {}
            // Its ids are what the author's index says, so that nobody else could make it.
            Err(FileTrouble::Differs) => return self.fetch_differs(id, now),
            Err(FileTrouble::Full | FileTrouble::Failed) => {
                self.files.fetching = None;
                return self.change_will(id, Will::NoRoom, now);
            }
        }
        // That the last one is here is not said before all are read again: so a crash in between costs this part, and not the look.
        if incoming.parts_missing() == 1 {
            return self.check_from(0);
        }
        incoming.stored_from_others(part);
        self.store_file(id, Purpose::Quiet);
        self.fetch_part(now);
        self.show_file_moving(id, now);
    }

    /// Reads what was written again, from a block on, a few at a time.
    fn check_from(&mut self, first: u32) {
        let Some(fetching) = self.files.fetching.as_mut() else { return };
        fetching.step = Step::Checking(first);
        let (id, slot) = (fetching.id, fetching.slot);
        if let Some(layout) = self.files.transfers.get(&id).map(|transfer| Layout::of(transfer.size)) {
            self.read_blocks(slot, layout, first..first + READ_BLOCKS, None, Read::Check { id, first });
        }
    }

    /// Blocks were read again. A part that is not as it was written is fetched anew, once or twice.
    pub(super) fn blocks_checked(&mut self, id: MessageId, first: u32, bytes: Option<&[u8]>, now: Now) {
        let is_asked = |fetching: &&mut Fetching| fetching.id == id && fetching.step == Step::Checking(first);
        let Some(fetching) = self.files.fetching.as_mut().filter(is_asked) else { return };
        let Some(incoming) = self.files.transfers.get_mut(&id).and_then(|transfer| transfer.incoming.as_mut()) else { return };
        let block_bytes = usize::try_from(BLOCK_BYTES).expect("64 KiB");
        let hashes = fetching.index.iter().flat_map(|index| index.hashes.iter().skip(first as usize)).take(READ_BLOCKS as usize);
        let mut read = bytes.unwrap_or_default().chunks(block_bytes);
        let spoiled = (first..).zip(hashes).find(|(_, hash)| read.next().is_none_or(|bytes| sha256(&[bytes]) != **hash));
        if let Some((block, _)) = spoiled {
            fetching.spoiled += 1;
            incoming.stored_from_others(fetching.part);
            incoming.lost(block / PART_BLOCKS);
            if fetching.spoiled < SPOILED_MAX {
                return self.fetch_part(now);
            }
            self.files.fetching = None;
            return self.change_will(id, Will::NoRoom, now);
        }
        if first + READ_BLOCKS < incoming.manifest().layout().blocks() {
            return self.check_from(first + READ_BLOCKS);
        }
        incoming.stored_from_others(fetching.part);
        self.clear_behind(now);
        self.store_file(id, Purpose::File { id });
        self.show_file_moving(id, now);
    }

    /// Goes on with this file, if it is the one that is fetched.
    pub(super) fn fetch_part_of(&mut self, id: MessageId, now: Now) {
        if self.files.fetching.as_ref().is_some_and(|fetching| fetching.id == id && fetching.step == Step::Reading) {
            self.fetch_part(now);
        }
    }

    /// Goes on with the first part that is missing.
    fn fetch_part(&mut self, now: Now) {
        let Some(fetching) = self.files.fetching.as_mut() else { return };
        let Some(incoming) = self.files.transfers.get(&fetching.id).and_then(|transfer| transfer.incoming.as_ref()) else { return };
        let Some(part) = incoming.first_missing() else { return };
        fetching.blobs = OrderedMap::new();
        if incoming.looks() {
            fetching.step = Step::Reading;
            let id = fetching.id;
            return self.look_for(id, part);
        }
        fetching.step = Step::Asked;
        let shelf = part * PART_BLOCKS / SHELF_BLOCKS;
        fetching.part = part;
        if shelf != fetching.shelf {
            fetching.shelf = shelf;
            fetching.way = 0;
            fetching.step = Step::Looking;
            fetching.until_ms = now.mono + HOLDER_WAIT_MS;
            let place = fetching.place();
            return self.look_for_shelf(place, 0, now);
        }
        self.fetch_own(now);
        self.ask_source(now);
    }

    /// All of it has come: those who keep it may forget it.
    pub(super) fn clear_behind(&mut self, now: Now) {
        let Some(fetching) = self.files.fetching.take() else { return };
        for (shelf, places) in fetching.behind {
            let token = fetching.key.token(shelf);
            places.into_iter().take(COPIES).for_each(|place| self.clear_shelf_at(place, token, now));
        }
        self.fetch_lying(now);
    }
}

const _: () = assert!(BLOCK_BYTES * PART_BLOCKS as u64 == PART_BYTES && SHELF_BLOCKS.is_multiple_of(PART_BLOCKS), "a part lies on one shelf");
