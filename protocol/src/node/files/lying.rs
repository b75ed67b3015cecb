//! Files that lie with others while their receiver is away: the author's side.
//!
//! Before a file of up to 25 MiB is offered, its blocks are sealed once, under a key of its own, to learn the ids of its blobs: the index that
//! has them is named in the manifest. While the receiver is away, the holders of all shelves are asked whether they have room for all of it; only
//! then is any of it sent. Who comes back to the ring later asks the same again. When it has come, or is taken back, its shelves are cleared.

use std::ops::Range;

use super::super::overlay::Asked;
use super::sending::Offering;
use super::{Effect, MessageId, Node, Table, Write};
use crate::codec::{Malformed, Reader, Writer};
use crate::crypto::Ticket;
use crate::file::{Away, BLOCK_BYTES, FileSlot, Layout, PART_BLOCKS, Will};
use crate::identity::UserId;
use crate::limits::{ENVELOPE_MS, PAIR_BLOB_BYTES_MAX, QUORUM};
use crate::mailbox::{BlobIndex, BlobKey, BlobSeal, Bucket, CollectMessage, DepositMessage, DepositorOrder, EnvelopeId, Mailbox, SHELF_BLOCKS, Verdict, blob_id};
use crate::ordered::OrderedSet;
use crate::ring::{Aim, Request, RingId, Service};
use crate::time::{HOUR_MS, MINUTE_MS, Now};

const VERSION: u8 = 1;
/// Blocks that are read and hashed in one go: 1 ms in the browser.
pub(super) const READ_BLOCKS: u32 = PART_BLOCKS / 2;
/// How long it is tried to reach somebody who is to clear a shelf. What is not cleared is over some time.
const CLEARING_MS: u64 = 2 * MINUTE_MS;
/// Shelves to be cleared at others at most; more stay until they are over.
const CLEARING_MAX: usize = 1_024;

/// What names the blobs of a file.
#[derive(Clone, Debug)]
pub(super) struct Lying {
    drawn: [u8; 32],
    key: BlobKey,
    expiry_h: u32,
    index: BlobIndex,
}

/// A file whose blobs are being named.
pub(super) struct Naming {
    offer: Offering,
    hashes: Vec<[u8; 32]>,
    lying: Lying,
}

/// A file that is left with others.
pub(super) struct Left {
    lying: Lying,
    index_blob: Vec<u8>,
    /// Shelves that are being filled, or were, from the first on; 0 until room for all of it was found.
    released: u32,
}

/// What is read of a file, and what for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Read {
    /// To name the blob of this block.
    Name { block: u32 },
    /// To give the blob of this block to somebody.
    Give { id: MessageId, block: u32, to: RingId },
    /// To see whether these blocks are what was fetched.
    Check { id: MessageId, first: u32 },
    /// To see whether this part is here already.
    Look { id: MessageId, part: u32 },
}

impl Lying {
    /// What the manifest says.
    pub fn away(&self) -> Away {
        Away { key: self.drawn, index: blob_id(&self.key.seal_index(&self.index, self.expiry_h)).0 }
    }

    /// version | drawn(32) | expiry(4) | index, in `Table::Pages` under the message's id.
    pub fn row(&self, id: MessageId) -> Write {
        let value = Writer::new().u8(VERSION).raw(&self.drawn).u32(self.expiry_h).raw(&self.index.encode()).into_bytes();
        Write { table: Table::Pages, key: id.0.to_vec(), value: Some(value) }
    }

    fn read(value: &[u8], blocks: u32) -> Result<Self, Malformed> {
        let mut reader = Reader::new(value);
        if reader.u8()? != VERSION {
            return Err(Malformed);
        }
        let (drawn, expiry_h) = (reader.array()?, reader.u32()?);
        Ok(Self { drawn, key: BlobKey::new(drawn), expiry_h, index: BlobIndex::decode(reader.rest(), blocks)? })
    }

    fn shelves(&self) -> u32 {
        u32::try_from(self.index.blobs.len()).unwrap_or(u32::MAX).div_ceil(SHELF_BLOCKS)
    }

    /// What lies on a shelf.
    fn on_shelf(&self, number: u32, index: EnvelopeId) -> Vec<EnvelopeId> {
        let first = (number * SHELF_BLOCKS) as usize;
        let blobs = self.index.blobs.iter().skip(first).take(SHELF_BLOCKS as usize).copied();
        blobs.chain((number == 0).then_some(index)).collect()
    }
}

impl Node {
    /// The blobs of a file get their names, one after the other; then it is offered.
    pub(super) fn name_blobs(&mut self, offer: Offering, hashes: Vec<[u8; 32]>, now: Now) {
        let drawn = self.rng.array();
        let expiry_h = u32::try_from((now.wall + ENVELOPE_MS) / HOUR_MS).unwrap_or(u32::MAX);
        let lying = Lying { drawn, key: BlobKey::new(drawn), expiry_h, index: BlobIndex::default() };
        self.files.naming.push_back(Naming { offer, hashes, lying });
        if self.files.naming.len() == 1 {
            self.name_more(now);
        }
    }

    fn name_more(&mut self, now: Now) {
        let Some(naming) = self.files.naming.front() else { return };
        let layout = naming.offer.manifest.layout();
        let block = u32::try_from(naming.lying.index.blobs.len()).unwrap_or(u32::MAX);
        if block >= layout.blocks() {
            if let Some(Naming { offer, hashes, mut lying }) = self.files.naming.pop_front() {
                lying.index.hashes = hashes;
                self.offer_file(offer, Some(lying), now);
            }
            return self.name_more(now);
        }
        let (slot, seal) = (naming.offer.slot, naming.lying.key.block_seal(block, naming.lying.expiry_h));
        self.read_blocks(slot, layout, block..block + 1, Some(seal), Read::Name { block });
    }

    pub(super) fn read_blocks(&mut self, slot: FileSlot, layout: Layout, blocks: Range<u32>, seal: Option<BlobSeal>, what: Read) {
        let start = u64::from(blocks.start) * BLOCK_BYTES;
        let bytes = u32::try_from(layout.size().min(u64::from(blocks.end) * BLOCK_BYTES) - start).expect("a few blocks");
        let ticket = self.draw_ticket();
        self.files.reads.insert(ticket, what);
        self.effects.push(Effect::FileRead { ticket, slot, start, bytes, seal });
    }

    pub(in crate::node) fn file_read(&mut self, ticket: Ticket, bytes: Option<Vec<u8>>, now: Now) {
        match self.files.reads.remove(&ticket) {
            Some(Read::Name { block }) => self.block_named(block, bytes.as_deref(), now),
            Some(Read::Give { id, block, to }) => self.give_blob(id, block, to, bytes, now),
            Some(Read::Check { id, first }) => self.blocks_checked(id, first, bytes.as_deref(), now),
            Some(Read::Look { id, part }) => self.part_looked(id, part, bytes.as_deref(), now),
            None => {}
        }
    }

    fn block_named(&mut self, block: u32, blob: Option<&[u8]>, now: Now) {
        let Some(naming) = self.files.naming.front_mut().filter(|naming| naming.lying.index.blobs.len() == block as usize) else { return };
        match blob {
            Some(blob) => naming.lying.index.blobs.push(blob_id(blob)),
            // What cannot be read does not lie with others; whether it can be sent at all shows when it is asked for.
            None => {
                if let Some(Naming { offer, .. }) = self.files.naming.pop_front() {
                    self.offer_file(offer, None, now);
                }
            }
        }
        self.name_more(now);
    }

    /// A user is away, or cannot be reached: the files that are offered to them are left with others.
    pub(in crate::node) fn leave_files(&mut self, user: &UserId, now: Now) {
        if !self.is_absent(user) {
            return;
        }
        for id in self.files.of_user(user) {
            let transfer = &self.files.transfers[&id];
            let is_loading = self.loads.values().any(|loading| matches!(loading, super::super::Loading::Lying(of) if *of == id));
            let may = transfer.can_lie && !transfer.is_received() && transfer.is_open() && transfer.here == Will::Going;
            if may && !is_loading && !self.files.left.contains_key(&id) && self.has_room_for_pair(user, transfer.size) {
                let ticket = self.draw_ticket();
                self.loads.insert(ticket, super::super::Loading::Lying(id));
                self.effects.push(Effect::Load { ticket, table: Table::Pages, prefix: id.0.to_vec(), before: None, limit: 1 });
            }
        }
        self.tend_left(now);
    }

    /// What lies with others for one receiver is bounded.
    fn has_room_for_pair(&self, user: &UserId, size: u64) -> bool {
        let left = self.files.left.keys().filter_map(|id| self.files.transfers.get(id)).filter(|transfer| transfer.user == *user);
        left.map(|transfer| transfer.size).sum::<u64>() + size <= PAIR_BLOB_BYTES_MAX
    }

    pub(in crate::node) fn lying_loaded(&mut self, id: MessageId, rows: Option<Vec<super::Row>>, now: Now) {
        let row = rows.and_then(|rows| rows.into_iter().next());
        let Some(transfer) = self.files.transfers.get(&id).filter(|transfer| transfer.is_open()) else { return };
        let blocks = Layout::of(transfer.size).blocks();
        let Some(lying) = row.and_then(|row| Lying::read(&row.value, blocks).ok()) else { return };
        if u64::from(lying.expiry_h) * HOUR_MS <= now.wall || self.links.is_up(&transfer.user) {
            return;
        }
        let index_blob = lying.key.seal_index(&lying.index, lying.expiry_h);
        let index = blob_id(&index_blob);
        for number in 0..lying.shelves() {
            let shelf = lying.key.shelf(number);
            for blob in lying.on_shelf(number, index) {
                self.files.depositor.add(shelf, blob, Bucket::BLOB, [], now);
            }
            self.files.depositor.try_first(&shelf);
            self.files.shelves.insert(shelf, (id, number));
        }
        self.files.left.insert(id, Left { lying, index_blob, released: 0 });
        self.tend_left(now);
    }

    /// Goes on with all that is left with others.
    pub(super) fn tend_left(&mut self, now: Now) {
        for (_, left) in self.files.left.iter_mut() {
            let shelves: Vec<Mailbox> = (0..left.lying.shelves()).map(|number| left.lying.key.shelf(number)).collect();
            let may_go_on = match left.released.checked_sub(1) {
                None => shelves.iter().all(|shelf| self.files.depositor.has_room(shelf)),
                // One after the other: else holders would wait longer for each than they are waited for.
                Some(last) => shelves.get(last as usize).is_some_and(|shelf| self.files.depositor.is_all_held(shelf)),
            };
            if may_go_on && let Some(shelf) = shelves.get(left.released as usize) {
                left.released += 1;
                self.files.depositor.release(shelf);
            }
        }
        let linked: Vec<RingId> = self.links.peers().map(|(peer, _)| RingId::of_node(peer.node_id())).collect();
        let mut orders = Vec::new();
        self.files.depositor.tend(|node| linked.contains(&node), now, &mut orders);
        self.left_orders(orders, now);
    }

    fn left_orders(&mut self, orders: Vec<DepositorOrder>, now: Now) {
        for order in orders {
            match order {
                DepositorOrder::Look(shelf, way) => self.look_for_shelf(shelf, way, now),
                DepositorOrder::Link(to) => self.ring_dial(to, now),
                DepositorOrder::Send(to, message) => self.send_deposit(to, &message, now),
                DepositorOrder::Give(to, shelf, blob) => self.blob_wanted(to, &shelf, blob, now),
            }
        }
    }

    /// Asks the ring who stands behind a shelf's place.
    pub(super) fn look_for_shelf(&mut self, shelf: Mailbox, way: u8, now: Now) {
        let aim = match way {
            0 => Aim::Any,
            1 => Aim::Key { rank: 0 },
            _ => Aim::Key { rank: 2 },
        };
        let request = Request { service: Service::Lookup, aim, key: RingId::of_bytes(&shelf), body: Vec::new() };
        self.ask_ring(request, Asked::Shelf { shelf }, now);
    }

    /// The ring says who stands behind a shelf's place; nobody where it could not tell.
    pub(in crate::node) fn shelf_found(&mut self, shelf: Mailbox, places: &[RingId], now: Now) {
        if let Some((id, _)) = self.files.shelves.get(&shelf) {
            let theirs = self.files.transfers.get(id).map(|transfer| self.mail_places_of(&transfer.user)).unwrap_or_default();
            let others: Vec<RingId> = places.iter().filter(|place| !theirs.contains(place)).copied().collect();
            self.files.depositor.candidates(&shelf, &others, now);
            self.tend_left(now);
        }
        self.shelf_found_to_fetch(shelf, places, now);
    }

    /// A holder wants a blob.
    fn blob_wanted(&mut self, to: RingId, shelf: &Mailbox, blob: EnvelopeId, now: Now) {
        let Some((id, number)) = self.files.shelves.get(shelf).copied() else { return };
        let Some(left) = self.files.left.get(&id) else { return };
        if blob_id(&left.index_blob) == blob {
            let bytes = left.index_blob.clone();
            return self.send_deposit(to, &DepositMessage::Item(bytes), now);
        }
        let first = number * SHELF_BLOCKS;
        let place = left.lying.index.blobs.iter().skip(first as usize).take(SHELF_BLOCKS as usize).position(|of| *of == blob);
        let (Some(place), Some(transfer)) = (place, self.files.transfers.get(&id)) else { return };
        if let Some(slot) = transfer.slot {
            let block = first + u32::try_from(place).unwrap_or(u32::MAX);
            let seal = left.lying.key.block_seal(block, left.lying.expiry_h);
            self.read_blocks(slot, Layout::of(transfer.size), block..block + 1, Some(seal), Read::Give { id, block, to });
        }
    }

    fn give_blob(&mut self, id: MessageId, block: u32, to: RingId, blob: Option<Vec<u8>>, now: Now) {
        let Some(left) = self.files.left.get(&id) else { return };
        match blob.filter(|blob| left.lying.index.blobs.get(block as usize) == Some(&blob_id(blob))) {
            Some(blob) => self.send_deposit(to, &DepositMessage::Item(blob), now),
            // Gone from the disk, or altered there.
            None => self.change_will(id, Will::Gone, now),
        }
    }

    /// A holder said what it thinks of what lies, or is to lie, on a shelf.
    pub(in crate::node) fn shelf_verdicts(&mut self, from: RingId, shelf: &Mailbox, items: &[(EnvelopeId, Verdict)], now: Now) {
        let Some((id, _)) = self.files.shelves.get(shelf).copied() else { return };
        let mut orders = Vec::new();
        self.files.depositor.verdicts(from, shelf, items, now, &mut orders);
        self.left_orders(orders, now);
        self.tend_left(now);
        self.show_file_moving(id, now);
        if self.is_file_held(id) {
            self.show_file(id);
        }
    }

    /// How many bytes of a file lie with enough others; and whether all of it does.
    pub(super) fn file_held(&self, id: MessageId) -> Option<(u64, bool)> {
        let left = self.files.left.get(&id)?;
        let size = self.files.transfers.get(&id)?.size;
        let blobs = (0..).zip(&left.lying.index.blobs);
        let held = blobs.filter(|(block, blob)| self.files.depositor.holders(&left.lying.key.shelf_of(*block), **blob).len() >= QUORUM);
        let held = u64::try_from(held.count()).unwrap_or(u64::MAX);
        let is_index_held = self.files.depositor.is_held(&left.lying.key.shelf(0), blob_id(&left.index_blob));
        let is_all = held == left.lying.index.blobs.len() as u64 && is_index_held;
        Some(((held * BLOCK_BYTES).min(size), is_all))
    }

    fn is_file_held(&self, id: MessageId) -> bool {
        self.file_held(id).is_some_and(|(_, is_all)| is_all)
    }

    /// A file lies with others no more, as far as this node can see to it: they are told, or it is over some time.
    pub(super) fn take_back(&mut self, id: MessageId, now: Now) {
        let Some(left) = self.files.left.remove(&id) else { return };
        let index = blob_id(&left.index_blob);
        for number in 0..left.lying.shelves() {
            let shelf = left.lying.key.shelf(number);
            self.files.shelves.remove(&shelf);
            let mut holders = OrderedSet::new();
            for blob in left.lying.on_shelf(number, index) {
                self.files.depositor.holders(&shelf, blob).into_iter().for_each(|holder| {
                    holders.insert(holder);
                });
                self.files.depositor.remove(&shelf, blob);
            }
            let token = left.lying.key.token(number);
            holders.into_iter().for_each(|holder| self.clear_shelf_at(holder, token, now));
        }
    }

    /// Somebody is to clear a shelf: now, or when there is a session.
    pub(super) fn clear_shelf_at(&mut self, holder: RingId, token: [u8; 32], now: Now) {
        if self.peer_at(holder).is_some() {
            return self.send_collect(holder, &CollectMessage::ClearShelf(token), now);
        }
        if self.files.clearing.len() < CLEARING_MAX {
            self.files.clearing.insert((holder, token), now.mono + CLEARING_MS);
            self.ring_dial(holder, now);
        }
    }

    /// A session with a node began.
    pub(super) fn clear_linked(&mut self, node: RingId, now: Now) {
        let tokens: Vec<[u8; 32]> = self.files.clearing.keys().filter(|(of, _)| *of == node).map(|(_, token)| *token).collect();
        for token in tokens {
            self.files.clearing.remove(&(node, token));
            self.send_collect(node, &CollectMessage::ClearShelf(token), now);
        }
    }
}
