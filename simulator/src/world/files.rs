//! The bytes of files: what the browser's worker does, with the core's own records.

use std::collections::BTreeMap;

use b4_protocol::crypto::sha256;
use b4_protocol::file::{BLOCK_BYTES, BulkRecord, FileSlot, PartKey};
use b4_protocol::identity::UserId;
use b4_protocol::node::{Command, Effect, FileTrouble, Input, LinkId};
use b4_protocol::session::BULK;

use super::{Event, NodeIndex, World};
use crate::store::DiskFault;

/// Channels overtake each other: `bulk` has an order of its own.
const BULK_WAY: u64 = 1 << 63;

/// A part that is to come.
struct Expected {
    slot: FileSlot,
    start: u64,
    bytes: usize,
    key: PartKey,
    hashes: Vec<[u8; 32]>,
    came: Vec<u8>,
}

/// A machine's disk for files, and what its process expects.
#[derive(Default)]
pub(crate) struct FileDisk {
    slots: BTreeMap<FileSlot, Vec<u8>>,
    expected: BTreeMap<(LinkId, u32), Expected>,
    /// Parts that are being written.
    writing: BTreeMap<u32, FileSlot>,
    /// Bytes that have come on `bulk` since the world began.
    heard: u64,
}

impl FileDisk {
    /// The process ended: what is written stays.
    pub fn end_process(&mut self) {
        self.expected.clear();
        self.writing.clear();
    }
}

impl World {
    /// A person chooses a file for somebody: its bytes are copied, cut into blocks, and offered.
    pub fn send_file(&mut self, from: NodeIndex, to: NodeIndex, name: &str, bytes: &[u8]) {
        let slot = FileSlot(self.draw_number());
        let to: UserId = self.user(to);
        self.machines[from].files.slots.insert(slot, bytes.to_vec());
        let hashes = bytes.chunks(usize::try_from(BLOCK_BYTES).expect("64 KiB")).map(|block| sha256(&[block])).collect();
        let (name, size) = (name.to_owned(), bytes.len() as u64);
        self.command(from, Command::SendFile { to, slot, name, media_type: String::new(), size, hashes });
    }

    /// What is on a machine's disk there.
    pub fn file(&self, node: NodeIndex, slot: FileSlot) -> Option<&[u8]> {
        self.machines[node].files.slots.get(&slot).map(Vec::as_slice)
    }

    /// Bytes of all files on a machine's disk.
    pub fn bytes_on_disk(&self, node: NodeIndex) -> usize {
        self.machines[node].files.slots.values().map(Vec::len).sum()
    }

    /// How many files are on a machine's disk.
    pub fn file_count(&self, node: NodeIndex) -> usize {
        self.machines[node].files.slots.len()
    }

    /// The browser says that so many bytes more may be stored.
    pub fn room_left(&mut self, node: NodeIndex, bytes: u64) {
        self.input(node, Input::RoomLeft(bytes));
    }

    /// Takes the bytes of every file on a machine's disk away.
    pub fn lose_files(&mut self, node: NodeIndex) {
        self.machines[node].files.slots.clear();
    }

    /// Alters a byte of every file on a machine's disk.
    pub fn spoil_files(&mut self, node: NodeIndex) {
        for bytes in self.machines[node].files.slots.values_mut() {
            if let Some(last) = bytes.last_mut() {
                *last ^= 1;
            }
        }
    }

    /// Bytes of files' records that came to a machine.
    pub fn bulk_heard(&self, node: NodeIndex) -> u64 {
        self.machines[node].files.heard
    }

    pub(super) fn run_file_effect(&mut self, node: NodeIndex, effect: Effect) {
        let life = self.machines[node].life;
        match effect {
            Effect::FileSend { link, number, slot, start, bytes, key } => {
                let end = start as usize + bytes as usize;
                let part = self.machines[node].files.slots.get(&slot).and_then(|file| file.get(start as usize..end)).map(<[u8]>::to_vec);
                let result = part.map(|part| self.send_part(node, link, number, &key, &part)).ok_or(FileTrouble::Failed);
                self.schedule(1, Event::Input { node, life, input: Input::FileSent { link, number, result } });
            }
            // All of it has left with `FileSend` already.
            Effect::FileUnsend { .. } => {}
            Effect::FileExpect { link, number, slot, start, bytes, key, hashes } => {
                let expected = Expected { slot, start, bytes: bytes as usize, key, hashes, came: Vec::new() };
                self.machines[node].files.expected.insert((link, number), expected);
            }
            Effect::FileUnexpect { link, number } => {
                self.machines[node].files.expected.remove(&(link, number));
                self.machines[node].files.writing.remove(&number);
            }
            Effect::FileRead { ticket, slot, start, bytes, seal } => {
                let end = start as usize + bytes as usize;
                let read = self.machines[node].files.slots.get(&slot).and_then(|file| file.get(start as usize..end));
                let bytes = read.map(|bytes| seal.map_or_else(|| bytes.to_vec(), |seal| seal.seal(bytes)));
                self.schedule(1, Event::Input { node, life, input: Input::FileRead { ticket, bytes } });
            }
            Effect::FileWrite { ticket, slot, first, key, blobs, hashes } => {
                let in_ms = self.draw_between(self.config.disk_ms);
                if let DiskFault::Failing(full) = self.machines[node].disk_fault {
                    let trouble = if full { FileTrouble::Full } else { FileTrouble::Failed };
                    self.schedule(in_ms, Event::Input { node, life, input: Input::FileWritten { ticket, result: Err(trouble) } });
                } else {
                    let opened: Vec<_> = (first..).zip(&blobs).map(|(block, blob)| key.open_block(block, blob).unwrap_or_default()).collect();
                    let is_right = opened.iter().zip(&hashes).all(|(block, hash)| sha256(&[block]) == *hash) && blobs.len() == hashes.len();
                    if is_right {
                        self.put_file(node, slot, u64::from(first) * BLOCK_BYTES, &opened.concat());
                    }
                    let result = if is_right { Ok(()) } else { Err(FileTrouble::Differs) };
                    self.schedule(in_ms, Event::Input { node, life, input: Input::FileWritten { ticket, result } });
                }
            }
            Effect::FileDelete { slot } => {
                self.machines[node].files.slots.remove(&slot);
                self.machines[node].files.writing.retain(|_, writing| *writing != slot);
            }
            Effect::FileSweep { keep } => self.machines[node].files.slots.retain(|slot, _| keep.contains(slot)),
            _ => unreachable!("effects about files alone are passed on"),
        }
    }

    fn send_part(&mut self, node: NodeIndex, link: LinkId, number: u32, key: &PartKey, part: &[u8]) {
        let other = self.end_of(node, link).filter(|end| end.is_open).and_then(|end| end.remote);
        let Some(other) = other.filter(|other| !self.unheard.contains(other)) else { return };
        let mut offset = 0;
        for block in part.chunks(usize::try_from(BLOCK_BYTES).expect("64 KiB")) {
            let frame = key.seal(BulkRecord { number, offset }, block);
            offset += u32::try_from(block.len()).expect("a block is 64 KiB at most");
            self.schedule_in_order((other | BULK_WAY, true), Event::Frame { end: other, channel: BULK, frame });
        }
    }

    /// A record came. One that nobody expects any more is thrown away.
    pub(super) fn bulk_frame(&mut self, node: NodeIndex, link: LinkId, frame: &[u8]) {
        let life = self.machines[node].life;
        self.machines[node].files.heard += frame.len() as u64;
        let Ok(record) = BulkRecord::read(frame) else { return };
        let (at, number) = ((link, record.number), record.number);
        let Some(expected) = self.machines[node].files.expected.get_mut(&at) else { return };
        let block = expected.key.open(frame).ok().filter(|_| record.offset as usize == expected.came.len());
        let hash = expected.hashes.get(expected.came.len() / BLOCK_BYTES as usize);
        let Some(block) = block.filter(|block| hash == Some(&sha256(&[block]))) else {
            self.machines[node].files.expected.remove(&at);
            self.schedule(0, Event::Input { node, life, input: Input::FileCame { number, result: Err(FileTrouble::Differs) } });
            return;
        };
        expected.came.extend(block);
        if expected.came.len() < expected.bytes {
            return;
        }
        let Some(Expected { slot, start, came, .. }) = self.machines[node].files.expected.remove(&at) else { return };
        if let DiskFault::Failing(full) = self.machines[node].disk_fault {
            let trouble = if full { FileTrouble::Full } else { FileTrouble::Failed };
            self.schedule(1, Event::Input { node, life, input: Input::FileCame { number, result: Err(trouble) } });
            return;
        }
        self.machines[node].files.writing.insert(number, slot);
        let in_ms = self.draw_between(self.config.disk_ms);
        self.schedule(in_ms, Event::FileCommit { node, life, slot, start, bytes: came, number });
    }

    /// A part reaches a machine's disk, unless it is wanted no more.
    pub(super) fn commit_file(&mut self, node: NodeIndex, (number, slot): (u32, FileSlot), start: u64, bytes: &[u8]) {
        if self.machines[node].files.writing.remove(&number).is_some() {
            self.put_file(node, slot, start, bytes);
            self.input(node, Input::FileCame { number, result: Ok(()) });
        }
    }

    fn put_file(&mut self, node: NodeIndex, slot: FileSlot, start: u64, bytes: &[u8]) {
        let file = self.machines[node].files.slots.entry(slot).or_default();
        let end = start as usize + bytes.len();
        file.resize(file.len().max(end), 0);
        file[start as usize..end].copy_from_slice(bytes);
    }
}
