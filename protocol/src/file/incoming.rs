//! A file that is being received: which page is asked for, which part is fetched, what is here.
//!
//! It begins with the manifest. While there is a session with its author, the page of the next missing part is asked for where it is not
//! here yet, and the missing parts are fetched in their order, a few ahead, so that the author's side is never idle. A part is here when all
//! of its blocks were checked and are durable. When the session ends, what was under way is missing again: no more than [`PART_BYTES`] of
//! one part that came in half, and of one that was not durable yet. It ends when nothing is missing.
//!
//! Its row is not written after each part. So after a start it is first looked on the disk for parts that the row does not know of, one after
//! the other, until one is not there.
//!
//! Deliberately absent: the bytes, the disk, sessions, and whether the person wants the file.

use super::{Layout, Manifest, PAGE_BLOCKS, Page, TreeError};
use crate::codec::{Malformed, Reader, Writer};
use crate::limits::FILE_PARTS_AHEAD;

/// Blocks of a part, which is fetched, checked and made durable as a whole: 512 KiB, so that a crash costs 1 MiB at most.
pub const PART_BLOCKS: u32 = 8;
/// Bytes of a part, but for the last.
pub const PART_BYTES: u64 = super::BLOCK_BYTES * PART_BLOCKS as u64;

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IncomingOrder {
    /// Ask the author for a page of hashes; answered by [`Incoming::page`].
    AskPage(u32),
    /// Ask the author for a part, and check its blocks against these hashes, in order, as they come; answered by [`Incoming::stored`] or
    /// [`Incoming::missing`].
    Fetch {
        /// Which part.
        part: u32,
        /// SHA-256 of each of its blocks.
        hashes: Vec<[u8; 32]>,
    },
    /// Look whether this part lies on the disk; answered by [`Incoming::looked`].
    Look(u32),
}

/// A file that is being received.
#[derive(Clone, Debug)]
pub struct Incoming {
    manifest: Manifest,
    pages: Vec<Option<Page>>,
    /// A page that was asked for in this session.
    asked: Option<u32>,
    /// A bit for each part that is here, the first in the highest bit of the first byte.
    here: Vec<u8>,
    /// Parts that are fetched, at most [`FILE_PARTS_AHEAD`].
    under_way: Vec<u32>,
    /// No part before this one is missing and not under way.
    next: u32,
    /// Parts may lie on the disk that are not known to be here.
    looks: bool,
}

/// How many parts a file has.
pub fn parts(layout: Layout) -> u32 {
    layout.blocks().div_ceil(PART_BLOCKS)
}

impl Incoming {
    /// Of which nothing is here.
    pub fn new(manifest: Manifest) -> Self {
        let layout = manifest.layout();
        let here = vec![0; (parts(layout) as usize).div_ceil(8)];
        Self { pages: vec![None; layout.pages() as usize], manifest, asked: None, here, under_way: Vec::new(), next: 0, looks: false }
    }

    /// What is announced.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Bytes that are here and durable.
    pub fn bytes(&self) -> u64 {
        let count = u64::from(self.parts_here());
        let last = parts(self.manifest.layout()).checked_sub(1).filter(|last| self.is_here(*last));
        let short = last.map_or(0, |last| u64::from(last + 1) * PART_BYTES - self.manifest.layout().size());
        count * PART_BYTES - short
    }

    /// Whether nothing is missing.
    pub fn is_complete(&self) -> bool {
        self.bytes() == self.manifest.layout().size()
    }

    /// Parts that are here and durable.
    pub fn parts_here(&self) -> u32 {
        self.here.iter().map(|byte| byte.count_ones()).sum()
    }

    /// Parts that are not here.
    pub fn parts_missing(&self) -> u32 {
        parts(self.manifest.layout()) - self.parts_here()
    }

    /// Goes on, while there is a session with the author: at its start, and after each answer.
    pub fn go_on(&mut self, out: &mut Vec<IncomingOrder>) {
        let count = parts(self.manifest.layout());
        while self.under_way.len() < FILE_PARTS_AHEAD {
            while self.next < count && (self.is_here(self.next) || self.under_way.contains(&self.next)) {
                self.next += 1;
            }
            if self.next == count {
                return;
            }
            let first = self.next * PART_BLOCKS;
            let number = first / PAGE_BLOCKS;
            let Some(page) = self.pages.get(number as usize).and_then(Option::as_ref) else {
                if self.asked.is_none() {
                    self.asked = Some(number);
                    out.push(IncomingOrder::AskPage(number));
                }
                return;
            };
            let hashes = hashes_of(page, self.next);
            if self.looks {
                if self.under_way.is_empty() {
                    self.under_way.push(self.next);
                    out.push(IncomingOrder::Look(self.next));
                }
                return;
            }
            self.under_way.push(self.next);
            out.push(IncomingOrder::Fetch { part: self.next, hashes });
        }
    }

    /// A page came, and is kept if it is one that was asked for.
    ///
    /// # Errors
    /// `TreeError` when it is not what the manifest says: the author, or somebody on the way, lies.
    pub fn page(&mut self, number: u32, bytes: &[u8]) -> Result<(), TreeError> {
        if self.asked != Some(number) {
            return Ok(());
        }
        let expected = self.manifest.page(number).ok_or(TreeError::Count)?;
        let page = Page::verified(bytes, self.manifest.layout(), number, expected)?;
        if let Some(place) = self.pages.get_mut(number as usize) {
            *place = Some(page);
        }
        self.asked = None;
        Ok(())
    }

    /// All pages, which somebody else than the author had: each is one of the manifest's.
    pub fn know(&mut self, pages: Vec<Page>) {
        self.pages = pages.into_iter().map(Some).collect();
        self.asked = None;
    }

    /// What a part's blocks are, where its page is here.
    pub fn hashes(&self, part: u32) -> Option<Vec<[u8; 32]>> {
        let page = self.pages.get((part * PART_BLOCKS / PAGE_BLOCKS) as usize)?.as_ref()?;
        Some(hashes_of(page, part))
    }

    /// Whether it is to be looked for this part on the disk before it is fetched.
    pub fn looks(&self) -> bool {
        self.looks
    }

    /// It was looked on the disk for a part. Where it is not, nor is any after it.
    pub fn looked(&mut self, part: u32, is_here: bool) {
        self.end(part);
        self.looks &= is_here;
        if is_here {
            self.stored_from_others(part);
        } else {
            self.next = self.next.min(part);
        }
    }

    /// A part is checked and durable. False when nobody asked for it.
    pub fn stored(&mut self, part: u32) -> bool {
        if !self.end(part) {
            return false;
        }
        if let Some(byte) = self.here.get_mut(part as usize / 8) {
            *byte |= bit(part);
        }
        true
    }

    /// The first part that is not here; `None` when all are.
    pub fn first_missing(&self) -> Option<u32> {
        (0..parts(self.manifest.layout())).find(|part| !self.is_here(*part))
    }

    /// A part came from somebody who keeps the file, and is durable.
    pub fn stored_from_others(&mut self, part: u32) {
        if part < parts(self.manifest.layout())
            && let Some(byte) = self.here.get_mut(part as usize / 8)
        {
            *byte |= bit(part);
        }
    }

    /// A part is not on the disk as it was written: it is missing.
    pub fn lost(&mut self, part: u32) {
        if let Some(byte) = self.here.get_mut(part as usize / 8) {
            *byte &= !bit(part);
        }
        self.next = self.next.min(part);
    }

    /// A part did not come, or one of its blocks was not what its hash says: it is missing still.
    pub fn missing(&mut self, part: u32) {
        self.end(part);
        self.next = self.next.min(part);
    }

    /// The session with the author is over: what was under way is missing.
    pub fn interrupted(&mut self) {
        self.next = self.under_way.drain(..).min().unwrap_or(self.next).min(self.next);
        self.asked = None;
    }

    /// lp(manifest) | a bit for each part
    pub fn row(&self) -> Vec<u8> {
        Writer::new().lp(&self.manifest.encode()).raw(&self.here).into_bytes()
    }

    /// Reads a row.
    ///
    /// # Errors
    /// `Malformed` for a damaged one.
    pub fn restore(row: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(row);
        let manifest = Manifest::decode(reader.lp(usize::from(u16::MAX))?).map_err(|_| Malformed)?;
        let mut incoming = Self::new(manifest);
        let here = reader.rest();
        let count = parts(incoming.manifest.layout());
        let is_past_the_end = |part: u32| here.get(part as usize / 8).is_some_and(|byte| byte & bit(part) != 0);
        if here.len() != incoming.here.len() || (count..count.next_multiple_of(8)).any(is_past_the_end) {
            return Err(Malformed);
        }
        incoming.here.copy_from_slice(here);
        incoming.looks = true;
        Ok(incoming)
    }

    fn is_here(&self, part: u32) -> bool {
        self.here.get(part as usize / 8).is_some_and(|byte| byte & bit(part) != 0)
    }

    fn end(&mut self, part: u32) -> bool {
        let place = self.under_way.iter().position(|under_way| *under_way == part);
        place.map(|place| self.under_way.swap_remove(place)).is_some()
    }
}

/// What a part's blocks are, of whose page they are.
fn hashes_of(page: &Page, part: u32) -> Vec<[u8; 32]> {
    let within = (part * PART_BLOCKS % PAGE_BLOCKS) as usize;
    page.hashes().iter().skip(within).take(PART_BLOCKS as usize).copied().collect()
}

fn bit(part: u32) -> u8 {
    0x80 >> (part % 8)
}

#[cfg(test)]
mod tests {
    use super::super::{BLOCK_BYTES, PAGE_BYTES, PageHash};
    use super::*;
    use crate::crypto::{Rng, sha256};

    /// A file as its author has it.
    struct Author {
        manifest: Manifest,
        pages: Vec<Page>,
    }

    impl Author {
        fn of(size: u64) -> Self {
            let layout = Layout::of(size);
            let hash = |block: u32| sha256(&[b"block", &block.to_be_bytes()]);
            let page = |number: u32| {
                let count = layout.page_hashes(number).expect("it is there");
                Page::of((0..count).map(|at| hash(number * PAGE_BLOCKS + at)).collect())
            };
            let pages: Vec<Page> = (0..layout.pages()).map(page).collect();
            let hashes: Vec<PageHash> = pages.iter().map(Page::hash).collect();
            Self { manifest: Manifest::new("a.bin", "", size, hashes).expect("as it should be"), pages }
        }

        /// Answers one order; how many bytes that took.
        fn answers(&self, incoming: &mut Incoming, order: IncomingOrder, out: &mut Vec<IncomingOrder>) -> u64 {
            match order {
                IncomingOrder::AskPage(number) => {
                    incoming.page(number, self.pages[number as usize].bytes()).expect("true");
                    incoming.go_on(out);
                    0
                }
                IncomingOrder::Fetch { part, hashes } => {
                    let blocks = (part * PART_BLOCKS..).zip(&hashes);
                    let bytes = blocks.map(|(block, hash)| {
                        assert_eq!(*hash, sha256(&[b"block", &block.to_be_bytes()]), "the hashes of its blocks");
                        u64::from(self.manifest.layout().block(block).expect("within the file").bytes)
                    });
                    let bytes = bytes.sum();
                    assert!(incoming.stored(part));
                    incoming.go_on(out);
                    bytes
                }
                IncomingOrder::Look(part) => {
                    incoming.looked(part, false);
                    incoming.go_on(out);
                    0
                }
            }
        }

        /// Receives all that is missing; how many bytes were sent.
        fn sends(&self, incoming: &mut Incoming) -> u64 {
            let mut orders = Vec::new();
            incoming.go_on(&mut orders);
            let mut sent = 0;
            while !orders.is_empty() {
                let order = orders.remove(0);
                sent += self.answers(incoming, order, &mut orders);
            }
            sent
        }
    }

    #[test]
    fn every_byte_of_a_file_of_any_size_is_fetched_once() {
        for size in [0, 1, BLOCK_BYTES, PART_BYTES, PART_BYTES + 1, PAGE_BYTES, PAGE_BYTES + 1, 3 * PAGE_BYTES + 5 * BLOCK_BYTES - 7] {
            let author = Author::of(size);
            let mut incoming = Incoming::new(author.manifest.clone());
            assert_eq!((incoming.is_complete(), author.sends(&mut incoming)), (size == 0, size));
            assert_eq!((incoming.is_complete(), incoming.bytes()), (true, size));
        }
    }

    #[test]
    fn a_few_parts_are_ahead_and_no_more_and_one_page_at_a_time_is_asked_for() {
        let author = Author::of(2 * PAGE_BYTES);
        let mut incoming = Incoming::new(author.manifest.clone());
        let mut orders = Vec::new();
        (0..3).for_each(|_| incoming.go_on(&mut orders));
        assert_eq!(orders, [IncomingOrder::AskPage(0)]);
        orders.clear();
        incoming.page(0, author.pages[0].bytes()).expect("true");
        incoming.go_on(&mut orders);
        assert_eq!(orders.len(), FILE_PARTS_AHEAD);
        incoming.go_on(&mut orders);
        assert_eq!(orders.len(), FILE_PARTS_AHEAD);
        assert!(incoming.stored(2));
        incoming.go_on(&mut orders);
        assert!(matches!(&orders[FILE_PARTS_AHEAD..], [IncomingOrder::Fetch { part, .. }] if *part as usize == FILE_PARTS_AHEAD));
    }

    #[test]
    fn what_is_cut_off_at_any_moment_goes_on_where_it_was() {
        let size = PAGE_BYTES + 11 * PART_BYTES - 3;
        let author = Author::of(size);
        for seed in 0..50 {
            let mut rng = Rng::from_seed([seed; 32]);
            let mut incoming = Incoming::new(author.manifest.clone());
            let (mut sent, mut orders) = (0, Vec::new());
            while !incoming.is_complete() {
                incoming.go_on(&mut orders);
                for _ in 0..rng.below(40) {
                    if orders.is_empty() {
                        break;
                    }
                    // Parts become durable in any order.
                    let order = orders.remove(rng.below(orders.len() as u64) as usize);
                    sent += author.answers(&mut incoming, order, &mut orders);
                }
                // Cut off, or the page is loaded anew: what was ordered is gone.
                orders.clear();
                if rng.below(2) == 0 {
                    incoming.interrupted();
                } else {
                    incoming = Incoming::restore(&incoming.row()).expect("its own row");
                }
            }
            assert_eq!(sent, size, "{seed}: nothing durable was sent again");
        }
    }

    #[test]
    fn what_the_row_does_not_know_of_is_looked_for_until_it_is_not_there() {
        let author = Author::of(8 * PART_BYTES);
        let mut incoming = Incoming::restore(&Incoming::new(author.manifest.clone()).row()).expect("its own row");
        let (mut orders, mut fetched) = (Vec::new(), Vec::new());
        incoming.go_on(&mut orders);
        while let Some(order) = orders.pop() {
            match order {
                IncomingOrder::AskPage(number) => incoming.page(number, author.pages[0].bytes()).expect("true"),
                IncomingOrder::Look(part) => {
                    assert_eq!((orders.len(), incoming.hashes(part)), (0, incoming.hashes(0).map(|_| author.pages[0].hashes()[part as usize * 8..][..8].to_vec())));
                    incoming.looked(part, part != 3);
                }
                IncomingOrder::Fetch { part, .. } => {
                    fetched.push(part);
                    incoming.stored(part);
                }
            }
            incoming.go_on(&mut orders);
        }
        fetched.sort_unstable();
        assert_eq!((fetched, incoming.is_complete()), (vec![3, 4, 5, 6, 7], true));
    }

    #[test]
    fn a_page_that_lies_or_was_not_asked_for_is_not_taken() {
        let author = Author::of(PAGE_BYTES + 1);
        let mut incoming = Incoming::new(author.manifest.clone());
        let mut orders = Vec::new();
        assert_eq!(incoming.page(0, author.pages[0].bytes()), Ok(()), "nobody asked");
        assert_eq!(incoming.pages, [None, None]);
        incoming.go_on(&mut orders);
        orders.clear();
        let mut altered = author.pages[0].bytes().to_vec();
        altered[5] ^= 1;
        assert_eq!(incoming.page(0, &altered), Err(TreeError::Hash));
        assert_eq!(incoming.page(1, author.pages[1].bytes()), Ok(()));
        assert_eq!(incoming.pages, [None, None], "not that one");
    }

    #[test]
    fn a_part_that_differs_is_fetched_again_in_another_session_and_one_that_nobody_asked_for_is_not_counted() {
        let author = Author::of(3 * PART_BYTES);
        let mut incoming = Incoming::new(author.manifest.clone());
        let mut orders = Vec::new();
        assert!(!incoming.stored(0));
        incoming.go_on(&mut orders);
        orders.clear();
        incoming.page(0, author.pages[0].bytes()).expect("true");
        incoming.go_on(&mut orders);
        incoming.missing(1);
        incoming.interrupted();
        assert_eq!((incoming.bytes(), author.sends(&mut incoming)), (0, 3 * PART_BYTES));
    }

    #[test]
    fn a_damaged_row_is_refused() {
        let row = Incoming::new(Author::of(3 * PART_BYTES).manifest).row();
        for damaged in [&row[..row.len() - 1], &[row.clone(), vec![0]].concat()[..], &[&row[..row.len() - 1], &[0x10]].concat()[..], &[]] {
            assert!(Incoming::restore(damaged).is_err());
        }
        assert!(Incoming::restore(&[&row[..row.len() - 1], &[0xe0]].concat()).expect("all are here").is_complete());
    }
}
