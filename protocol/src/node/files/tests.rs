//! The node's part of files with real sessions, against peers that keep to no rules. What honest ones do in bad conditions is in the worlds.

use super::*;
use crate::chat::Conversation;
use crate::crypto::{Prk, Rng, sha256};
use crate::file::{BLOCK_BYTES, Manifest, PAGE_BYTES, PART_BYTES, Page, PageHash};
use crate::handshake::{Established, Role, SessionKeys};
use crate::identity::VerifiedCertificate;
use crate::identity::testing::{NOW_MS, TestAuthority, TestDevice};
use crate::limits::{FILE_FETCHES_MAX, FILE_PARTS_AHEAD, FILE_SERVED_MAX, FILES_MAX, FILES_PER_USER_MAX};
use crate::message::{MessageBody, Said};
use crate::node::{Command, FileTrouble, NodeConfig, Standing};
use crate::session::{FILE, LIVE, Session};

const START: Now = Now { mono: 1_000, wall: NOW_MS };

/// A node of anna's, and peers of hers who have a session each.
struct Stage {
    authority: TestAuthority,
    anna: TestDevice,
    node: Node,
    ends: Vec<(LinkId, Session)>,
    said: u64,
    drawn: u64,
}

fn end(role: Role, of: &VerifiedCertificate, peer: &VerifiedCertificate) -> Session {
    let keys = SessionKeys { role, transcript: [7; 32], prk: Prk::extract(b"salt", &[peer.der()]) };
    Session::new(Established { peer: of.clone(), keys }, Rng::from_seed([8; 32]), START)
}

impl Stage {
    fn new() -> Self {
        let mut authority = TestAuthority::new([1; 32]);
        let anna = authority.issue("anna", NOW_MS);
        let config = NodeConfig::of(&anna.certificate, authority.anchor(), Vec::new());
        let (node, _) = Node::new(config, START);
        Self { authority, anna, node, ends: Vec::new(), said: 0, drawn: 0 }
    }

    /// A contact with whom a session begins.
    fn meets(&mut self, name: &str) -> UserId {
        let device = self.authority.issue(name, NOW_MS);
        let user = device.certificate.user_id().clone();
        let chat = Conversation::new(user.clone(), Standing::Accepted, Some(device.certificate.key_hash()));
        self.node.chats.insert(user.clone(), chat);
        let session = end(Role::Initiator, &device.certificate, &device.certificate);
        self.node.link_input(START, |links, _, _| links.bring_up(session, START));
        let link = self.node.links.link_of(&user).expect("it is up");
        self.ends.push((link, end(Role::Responder, &self.anna.certificate, &device.certificate)));
        user
    }

    /// All writes become durable, and what follows from that.
    fn settle(&mut self) {
        loop {
            let stores = self.node.effects.iter().filter_map(|effect| if let Effect::Store { ticket, .. } = effect { Some(*ticket) } else { None });
            let tickets: Vec<_> = stores.collect();
            self.node.effects.retain(|effect| !matches!(effect, Effect::Store { .. }));
            if tickets.is_empty() {
                return;
            }
            self.node.stored(&tickets, START);
        }
    }

    /// What was ordered since.
    fn take(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.node.effects)
    }

    /// What this peer was told about files since; every other effect stays.
    fn told(&mut self, user: &UserId) -> Vec<FileMessage> {
        let link = self.node.links.link_of(user);
        let mut told = Vec::new();
        for effect in self.take() {
            match effect {
                Effect::LinkSend { link: over, channel: channel @ (FILE | LIVE), frame } if Some(over) == link => {
                    let end = self.ends.iter_mut().find(|(of, _)| *of == over).map(|(_, end)| end).expect("it was met");
                    let opened = end.open(channel, &frame, START).expect("an honest record");
                    told.extend(opened.body.filter(|_| channel == FILE).and_then(|(_, body)| FileMessage::decode(&body).ok()));
                }
                other => self.node.effects.push(other),
            }
        }
        told
    }

    /// This peer says something about files. Whether the session goes on.
    fn says(&mut self, user: &UserId, message: &FileMessage) -> bool {
        self.node.body(user, Content::File, &message.encode(), START);
        self.node.links.is_up(user)
    }

    /// This peer offers a file.
    fn offers(&mut self, user: &UserId, manifest: &Manifest) -> MessageId {
        self.drawn += 1;
        self.offers_as(user, MessageId(u128::from(self.drawn).to_be_bytes()), manifest)
    }

    fn offers_as(&mut self, user: &UserId, id: MessageId, manifest: &Manifest) -> MessageId {
        self.said += 1;
        let body = MessageBody { id, sent_ms: NOW_MS, seq: self.said, prev: [0; 32], said: Said::File(Box::new(manifest.clone())) };
        self.node.body(user, Content::Message, &body.encode(), START);
        self.settle();
        id
    }

    /// A file of anna's for this peer.
    fn sends(&mut self, user: &UserId, size: u64) -> MessageId {
        let layout = crate::file::Layout::of(size);
        let hashes = (0..layout.blocks()).map(|block| sha256(&[&block.to_be_bytes()])).collect();
        let slot = FileSlot(size);
        self.node.command(Command::SendFile { to: user.clone(), slot, name: "a.bin".to_owned(), media_type: String::new(), size, hashes }, START);
        // There are no such bytes, so that it cannot lie with others.
        let read = self.node.effects.iter().find_map(|effect| if let Effect::FileRead { ticket, .. } = effect { Some(*ticket) } else { None });
        if let Some(ticket) = read {
            self.node.file_read(ticket, None, START);
        }
        self.settle();
        *self.node.files.transfers.keys().find(|id| self.node.files.transfers[*id].slot == Some(slot)).expect("it is offered")
    }

    fn will(&self, id: MessageId) -> (Will, Will) {
        let transfer = &self.node.files.transfers[&id];
        (transfer.here, transfer.there)
    }
}

fn page(number: u32, count: u32) -> Page {
    Page::of((0..count).map(|block| sha256(&[b"block", &number.to_be_bytes(), &block.to_be_bytes()])).collect())
}

fn manifest(size: u64) -> (Manifest, Vec<Page>) {
    let layout = crate::file::Layout::of(size);
    let pages: Vec<Page> = (0..layout.pages()).map(|number| page(number, layout.page_hashes(number).expect("it is there"))).collect();
    let hashes: Vec<PageHash> = pages.iter().map(Page::hash).collect();
    (Manifest::new("a.bin", "", size, hashes).expect("as it should be"), pages)
}

/// Files are told apart by their size.
fn unlike(number: u64) -> Manifest {
    manifest(1 + number).0
}

fn fetch(id: MessageId, part: u32, number: u32) -> FileMessage {
    FileMessage::Fetch { offer: id.0, part, number, drawn: [5; 32], here: 0 }
}

fn sent(effects: &[Effect]) -> usize {
    effects.iter().filter(|effect| matches!(effect, Effect::FileSend { .. })).count()
}

#[test]
fn a_file_is_given_to_whom_it_was_offered_and_to_nobody_else() {
    let mut stage = Stage::new();
    let (bela, carla) = (stage.meets("bela"), stage.meets("carla"));
    let id = stage.sends(&bela, 3 * PART_BYTES);
    stage.take();
    assert!(stage.says(&carla, &fetch(id, 0, 1)) && stage.says(&carla, &FileMessage::Ask { offer: id.0, page: 0 }));
    assert_eq!(sent(&stage.node.effects), 0);
    assert!(!stage.node.effects.iter().any(|effect| matches!(effect, Effect::Load { .. })));
    let gone = FileMessage::Will { offer: id.0, will: Will::Gone };
    assert_eq!(stage.told(&carla), [gone.clone(), FileMessage::NoPart { number: 1 }, gone], "as if there were none");
    for will in [Will::Cancelled, Will::Complete] {
        assert!(stage.says(&carla, &FileMessage::Will { offer: id.0, will }));
    }
    assert_eq!(stage.will(id), (Will::Going, Will::Waiting), "nor do they have a say");
    assert!(stage.says(&bela, &fetch(id, 2, 1)));
    assert_eq!(sent(&stage.take()), 1);
}

#[test]
fn whoever_asks_for_what_is_not_there_or_for_too_much_at_once_is_cut_off() {
    let size = 3 * PART_BYTES;
    type Asks = fn(MessageId) -> FileMessage;
    let rows: [(&str, Vec<Asks>); 4] = [
        ("a part past the end", vec![|id| fetch(id, 3, 1)]),
        ("a page past the end", vec![|id| FileMessage::Ask { offer: id.0, page: 1 }]),
        ("more parts than there are", vec![|id| FileMessage::Fetch { offer: id.0, part: 0, number: 1, drawn: [5; 32], here: 4 }]),
        ("a number twice", vec![|id| fetch(id, 0, 1), |id| fetch(id, 1, 1)]),
    ];
    for (what, messages) in rows {
        let mut stage = Stage::new();
        let bela = stage.meets("bela");
        let id = stage.sends(&bela, size);
        let (last, first) = messages.split_last().expect("there is one");
        assert!(first.iter().all(|message| stage.says(&bela, &message(id))), "{what}");
        assert!(!stage.says(&bela, &last(id)), "{what}");
    }
    let mut stage = Stage::new();
    let bela = stage.meets("bela");
    let id = stage.sends(&bela, size);
    for number in 0..u32::try_from(FILE_SERVED_MAX).expect("a few") {
        assert!(stage.says(&bela, &fetch(id, 0, number)), "{number}");
    }
    assert!(!stage.says(&bela, &fetch(id, 0, 1_000)));
    assert_eq!(sent(&stage.node.effects), FILE_SERVED_MAX);
}

#[test]
fn a_file_that_cannot_be_read_three_times_in_a_row_is_gone() {
    let mut stage = Stage::new();
    let bela = stage.meets("bela");
    let link = stage.node.links.link_of(&bela).expect("it is up");
    let id = stage.sends(&bela, 3 * PART_BYTES);
    let mut number = 0;
    for (fails, expected) in [(2, Will::Going), (0, Will::Going), (3, Will::Gone)] {
        for _ in 0..fails.max(1) {
            number += 1;
            assert!(stage.says(&bela, &fetch(id, 0, number)));
            let result = if fails == 0 { Ok(()) } else { Err(FileTrouble::Failed) };
            stage.node.file_sent(link, number, result, START);
        }
        assert_eq!(stage.will(id).0, expected, "after {fails}");
    }
}

#[test]
fn what_either_end_pauses_or_ends_is_sent_no_more() {
    for will in [Will::Paused, Will::Cancelled] {
        for is_author in [true, false] {
            let mut stage = Stage::new();
            let bela = stage.meets("bela");
            let id = stage.sends(&bela, 3 * PART_BYTES);
            stage.told(&bela);
            stage.take();
            let other = stage.sends(&bela, 2 * PART_BYTES);
            for (id, part, number) in [(id, 0, 1), (id, 1, 2), (other, 0, 3)] {
                assert!(stage.says(&bela, &fetch(id, part, number)));
            }
            stage.told(&bela);
            if is_author {
                stage.node.file_order(&bela, id, if will == Will::Paused { FileOrder::Pause } else { FileOrder::Cancel }, START);
            } else {
                assert!(stage.says(&bela, &FileMessage::Will { offer: id.0, will }));
            }
            let unsent = |effect: &Effect| if let Effect::FileUnsend { number, .. } = effect { Some(*number) } else { None };
            assert_eq!(stage.node.effects.iter().filter_map(unsent).collect::<Vec<_>>(), [1, 2]);
            let said = [FileMessage::Will { offer: id.0, will }, FileMessage::NoPart { number: 1 }, FileMessage::NoPart { number: 2 }];
            assert_eq!(stage.told(&bela), said[usize::from(!is_author)..], "the will first: or they would ask again");
            assert_eq!(stage.node.files.serving.values().collect::<Vec<_>>(), [&other]);
        }
    }
}

#[test]
fn what_was_sent_makes_room_for_more() {
    let mut stage = Stage::new();
    let bela = stage.meets("bela");
    let link = stage.node.links.link_of(&bela).expect("it is up");
    let id = stage.sends(&bela, 3 * PART_BYTES);
    for number in 0..200 {
        assert!(stage.says(&bela, &fetch(id, 0, number)), "{number}");
        stage.node.file_sent(link, number, Ok(()), START);
    }
}

#[test]
fn ten_thousand_offers_at_once_are_bounded_and_others_are_not_kept_out() {
    let mut stage = Stage::new();
    let (bela, carla) = (stage.meets("bela"), stage.meets("carla"));
    stage.node.accept_files(0);
    let ids: Vec<MessageId> = (0..10_000).map(|number| stage.offers(&bela, &unlike(number))).collect();
    let open = |stage: &Stage| stage.node.files.transfers.values().filter(|transfer| transfer.is_open()).count();
    assert_eq!(open(&stage), FILES_PER_USER_MAX);
    assert_eq!(stage.node.files.transfers.values().filter(|transfer| transfer.incoming.is_some()).count(), FILES_PER_USER_MAX);
    assert_eq!(stage.node.files.transfers.len(), FILES_PER_USER_MAX, "nothing is remembered of the others");
    let told = stage.told(&bela);
    assert!(told.contains(&FileMessage::Will { offer: ids[9_999].0, will: Will::TooMany }), "they are told");
    stage.said = 0;
    let id = stage.offers(&carla, &unlike(20_000));
    assert_eq!(stage.will(id), (Will::Waiting, Will::Going));
    // Room is made by what ends.
    stage.node.file_order(&bela, ids[0], FileOrder::Cancel, START);
    stage.said = 10_000;
    let id = stage.offers(&bela, &unlike(30_000));
    assert_eq!(stage.will(id), (Will::Waiting, Will::Going));
}

#[test]
fn an_offer_with_the_id_of_another_changes_nothing_about_that() {
    let mut stage = Stage::new();
    let (bela, carla) = (stage.meets("bela"), stage.meets("carla"));
    stage.node.accept_files(0);
    let (theirs, own) = (stage.offers(&bela, &unlike(1)), stage.sends(&bela, 50));
    for id in [theirs, own] {
        let before = stage.node.files.transfers[&id].row(id);
        stage.said = 100;
        stage.offers_as(&carla, id, &unlike(2));
        assert_eq!(stage.node.files.transfers[&id].row(id), before);
        assert_eq!(stage.node.file_progress(&carla, id), None, "nor is its progress shown for that of another");
    }
}

#[test]
fn the_files_of_all_together_are_bounded() {
    let mut stage = Stage::new();
    stage.node.accept_files(0);
    for number in 0..5_u64 {
        let user = stage.meets(&format!("peer{number}"));
        stage.said = 0;
        for at in 0..FILES_PER_USER_MAX as u64 {
            stage.offers(&user, &unlike(number * 1_000 + at));
        }
    }
    assert_eq!(stage.node.files.transfers.values().filter(|transfer| transfer.is_open()).count(), FILES_MAX);
}

#[test]
fn a_page_that_lies_ends_the_session_and_the_file() {
    let mut stage = Stage::new();
    let bela = stage.meets("bela");
    let (manifest, pages) = manifest(PAGE_BYTES / 2);
    let id = stage.offers(&bela, &manifest);
    stage.node.file_order(&bela, id, FileOrder::Accept, START);
    assert!(stage.told(&bela).contains(&FileMessage::Ask { offer: id.0, page: 0 }));
    let mut lie = pages[0].bytes().to_vec();
    lie[40] ^= 1;
    assert!(!stage.says(&bela, &FileMessage::Page { offer: id.0, page: 0, hashes: lie }));
    assert_eq!(stage.will(id).0, Will::Differs);
}

#[test]
fn a_block_that_differs_ends_the_session_and_the_file() {
    let mut stage = Stage::new();
    let bela = stage.meets("bela");
    let (manifest, pages) = manifest(10 * BLOCK_BYTES);
    let id = stage.offers(&bela, &manifest);
    stage.says(&bela, &FileMessage::Page { offer: id.0, page: 0, hashes: pages[0].bytes().to_vec() });
    let expected = stage.node.effects.iter().filter_map(|effect| if let Effect::FileExpect { number, .. } = effect { Some(*number) } else { None });
    let numbers: Vec<u32> = expected.collect();
    assert_eq!(numbers.len(), 2);
    stage.node.file_came(numbers[0], Err(FileTrouble::Differs), START);
    assert_eq!((stage.node.links.is_up(&bela), stage.will(id).0), (false, Will::Differs));
    assert!(stage.node.effects.iter().any(|effect| matches!(effect, Effect::FileDelete { .. })), "no part of it stays");
}

#[test]
fn so_much_is_asked_for_at_once_and_a_page_or_part_that_nobody_asked_for_counts_for_nothing() {
    let mut stage = Stage::new();
    let bela = stage.meets("bela");
    let files: Vec<(MessageId, Vec<Page>)> = (0..4)
        .map(|number| {
            let (manifest, pages) = manifest(PAGE_BYTES / 2 + number);
            let id = stage.offers(&bela, &manifest);
            stage.node.file_order(&bela, id, FileOrder::Accept, START);
            (id, pages)
        })
        .collect();
    for (id, pages) in &files {
        assert!(stage.says(&bela, &FileMessage::Page { offer: id.0, page: 0, hashes: pages[0].bytes().to_vec() }));
        assert!(stage.says(&bela, &FileMessage::Page { offer: id.0, page: 1, hashes: vec![1; 32] }), "not asked for");
    }
    assert_eq!(stage.node.files.fetches.len(), FILE_FETCHES_MAX);
    let of_first = stage.node.files.fetches.values().filter(|fetch| fetch.id == files[0].0).count();
    assert_eq!(of_first, FILE_PARTS_AHEAD);
    stage.node.file_came(7_777, Ok(()), START);
    let bytes: u64 = stage.node.files.transfers.values().map(|transfer| transfer.progress(true).bytes).sum();
    assert_eq!(bytes, 0);
    // Their end does not answer one: it is asked for again, and nothing is lost.
    let number = *stage.node.files.fetches.keys().next().expect("some are under way");
    assert!(stage.says(&bela, &FileMessage::NoPart { number }));
    assert!(stage.node.effects.iter().any(|effect| matches!(effect, Effect::FileUnexpect { number: of, .. } if *of == number)));
    assert_eq!(stage.node.files.fetches.len(), FILE_FETCHES_MAX, "it is asked for again");
}

#[test]
fn nobody_but_the_receiver_says_that_a_file_has_come() {
    let mut stage = Stage::new();
    let bela = stage.meets("bela");
    let id = stage.offers(&bela, &manifest(10).0);
    for will in [Will::Complete, Will::NoRoom, Will::Waiting, Will::TooMany, Will::Differs] {
        assert!(stage.says(&bela, &FileMessage::Will { offer: id.0, will }));
        assert_eq!(stage.will(id).1, Will::Going, "{will:?} is not for an author to say");
    }
    let own = stage.sends(&bela, 20);
    stage.says(&bela, &FileMessage::Will { offer: own.0, will: Will::Gone });
    assert_eq!(stage.will(own), (Will::Going, Will::Waiting));
    stage.says(&bela, &FileMessage::Will { offer: own.0, will: Will::Complete });
    assert_eq!(stage.will(own), (Will::Going, Will::Complete));
}

#[test]
fn a_manifest_out_of_form_ends_the_session() {
    let (good, _) = manifest(PAGE_BYTES + 1);
    let bytes = Said::File(Box::new(good)).encode();
    for said in [bytes[..bytes.len() - 32].to_vec(), [&bytes[..], &[0; 32]].concat(), [&[3][..], &u64::MAX.to_be_bytes(), &bytes[9..]].concat()] {
        let mut stage = Stage::new();
        let bela = stage.meets("bela");
        let head = MessageBody { id: MessageId([1; 16]), sent_ms: NOW_MS, seq: 1, prev: [0; 32], said: "x".into() }.encode();
        let body = [&head[..head.len() - 2], &said].concat();
        stage.node.body(&bela, Content::Message, &body, START);
        assert!(!stage.node.links.is_up(&bela) && stage.node.files.transfers.is_empty());
    }
}

#[test]
fn rows_are_read_as_they_were_written_and_damaged_ones_are_passed_over() {
    let mut stage = Stage::new();
    let bela = stage.meets("bela");
    let (offered, own) = (stage.offers(&bela, &manifest(PAGE_BYTES + 5).0), stage.sends(&bela, 20));
    stage.node.file_order(&bela, own, FileOrder::Pause, START);
    for id in [offered, own] {
        let write = stage.node.files.transfers[&id].row(id);
        let row = Row { table: write.table, key: write.key, value: write.value.expect("it is written") };
        let files = Files::restore(std::slice::from_ref(&row), RingId(1));
        assert_eq!(files.transfers[&id].row(id).value.as_ref(), Some(&row.value));
        for end in 0..row.value.len() {
            let cut = Row { value: row.value[..end].to_vec(), ..row.clone() };
            let files = Files::restore(&[cut], RingId(1));
            assert!(files.transfers.is_empty() || id == own, "cut at {end}");
        }
        assert!(Files::restore(&[Row { key: vec![1; 15], ..row }], RingId(1)).transfers.is_empty());
    }
}

#[test]
fn ones_own_copy_of_a_large_file_goes_when_its_receiver_has_it_and_that_of_a_small_one_stays() {
    for (size, is_kept) in [(FILE_KEPT_BYTES_MAX, true), (FILE_KEPT_BYTES_MAX + 1, false)] {
        let mut stage = Stage::new();
        let bela = stage.meets("bela");
        let id = stage.sends(&bela, size);
        stage.take();
        stage.says(&bela, &FileMessage::Will { offer: id.0, will: Will::Complete });
        let is_deleted = stage.node.effects.iter().any(|effect| matches!(effect, Effect::FileDelete { .. }));
        assert_eq!((is_deleted, stage.node.files.transfers[&id].slot.is_some()), (!is_kept, is_kept), "{size}");
    }
}

#[test]
fn how_far_a_file_has_come_is_told_at_most_so_often() {
    let mut stage = Stage::new();
    let bela = stage.meets("bela");
    let id = stage.sends(&bela, 64 * PART_BYTES);
    let link = stage.node.links.link_of(&bela).expect("it is up");
    stage.take();
    let mut told = Vec::new();
    for number in 0..64 {
        let now = Now { mono: START.mono + u64::from(number) * 50, ..START };
        let message = FileMessage::Fetch { offer: id.0, part: number, number, drawn: [5; 32], here: number };
        stage.node.body(&bela, Content::File, &message.encode(), now);
        stage.node.file_sent(link, number, Ok(()), now);
        for effect in stage.take() {
            if let Effect::Notify(Event::FileChanged { progress, .. }) = effect {
                told.push((now.mono, progress.bytes, progress.rate));
            }
        }
    }
    assert!((6..=8).contains(&told.len()), "{told:?}");
    let (_, bytes, rate) = told[told.len() - 1];
    assert!(bytes > 50 * PART_BYTES && (9 * PART_BYTES * 2..=11 * PART_BYTES * 2).contains(&rate), "ten parts each half second: {told:?}");
}

/// A file of two parts that lies with others, and a receiver who is asking for it.
fn fetching(stage: &mut Stage, user: &UserId) -> (MessageId, crate::mailbox::BlobKey, crate::mailbox::BlobIndex, Vec<Vec<u8>>) {
    use crate::mailbox::{BlobIndex, BlobKey, blob_id};
    let contents: Vec<Vec<u8>> = (0..16_u8).map(|block| vec![block; BLOCK_BYTES as usize]).collect();
    let key = BlobKey::new([9; 32]);
    let blobs: Vec<Vec<u8>> = (0..).zip(&contents).map(|(block, bytes)| key.block_seal(block, 480_000).seal(bytes)).collect();
    let index = BlobIndex { hashes: contents.iter().map(|bytes| sha256(&[bytes])).collect(), blobs: blobs.iter().map(|blob| blob_id(blob)).collect() };
    let page = Page::of(index.hashes.clone());
    let away = crate::file::Away { key: [9; 32], index: blob_id(&key.seal_index(&index, 480_000)).0 };
    let manifest = Manifest::new("a.bin", "", 16 * BLOCK_BYTES, vec![page.hash()]).expect("as it should be").with_away(away);
    let id = stage.offers(user, &manifest);
    stage.node.link_input(START, |links, _, _| links.hang_up(user, START));
    let carla = stage.meets("carla");
    let source = RingId::of_node(&stage.node.node_of(&carla).expect("it is up"));
    stage.node.files.fetching = Some(fetching::Fetching::begun(id, &stage.node.files.transfers[&id], source));
    (id, key, index, blobs)
}

/// What the disk is to keep of the part that was fetched: from where, and what. It says that it does.
fn writes(stage: &mut Stage) -> Option<(u64, Vec<u8>)> {
    let (ticket, first, key, blobs) = stage.node.effects.iter().find_map(|effect| match effect {
        Effect::FileWrite { ticket, first, key, blobs, .. } => Some((*ticket, *first, key.clone(), blobs.clone())),
        _ => None,
    })?;
    stage.take();
    stage.node.file_written(ticket, Ok(()), START);
    let opened = (first..).zip(blobs).flat_map(|(block, blob)| key.open_block(block, &blob).expect("its own"));
    Some((u64::from(first) * BLOCK_BYTES, opened.collect()))
}

/// The disk gives back what it keeps, until nothing more is read.
fn reads(stage: &mut Stage, disk: &[u8]) {
    let read = |effect: &Effect| if let Effect::FileRead { ticket, start, bytes, .. } = effect { Some((*ticket, *start as usize, *bytes as usize)) } else { None };
    while let Some((ticket, start, bytes)) = stage.node.effects.iter().find_map(read) {
        stage.node.effects.retain(|effect| read(effect).is_none());
        stage.node.file_read(ticket, disk.get(start..start + bytes).map(<[u8]>::to_vec), START);
    }
    stage.settle();
}

#[test]
fn a_blob_that_comes_twice_goes_to_no_other_part() {
    let mut stage = Stage::new();
    let bela = stage.meets("bela");
    let (id, key, index, blobs) = fetching(&mut stage, &bela);
    stage.node.blob_came(&key.seal_index(&index, 480_000), START);
    let mut disk = Vec::new();
    for part in 0..2 {
        for blob in blobs.iter().skip(part * 8).take(8) {
            stage.node.blob_came(blob, START);
            stage.node.blob_came(blob, START);
        }
        // The second copy of each, and those of the part before, come while it is written.
        blobs.iter().for_each(|blob| stage.node.blob_came(blob, START));
        let (start, bytes) = writes(&mut stage).expect("it is whole");
        assert_eq!((start, bytes.len() as u64), (part as u64 * PART_BYTES, PART_BYTES));
        assert!(bytes.chunks(BLOCK_BYTES as usize).enumerate().all(|(at, block)| block.iter().all(|byte| usize::from(*byte) == part * 8 + at)));
        disk.extend(bytes);
        blobs.iter().take(8).for_each(|blob| stage.node.blob_came(blob, START));
    }
    assert_eq!(stage.will(id).0, Will::Going, "it is looked at first");
    reads(&mut stage, &disk);
    assert_eq!(stage.will(id).0, Will::Complete);
}

#[test]
fn what_was_fetched_is_read_again_before_it_is_complete_and_what_differs_is_fetched_anew() {
    let mut stage = Stage::new();
    let bela = stage.meets("bela");
    let (id, key, index, blobs) = fetching(&mut stage, &bela);
    stage.node.blob_came(&key.seal_index(&index, 480_000), START);
    let mut disk = vec![0; 2 * PART_BYTES as usize];
    let mut written = Vec::new();
    for spoils in [true, true, false] {
        // Whatever is still wanted comes.
        while stage.node.files.fetching.is_some() {
            blobs.iter().for_each(|blob| stage.node.blob_came(blob, START));
            let Some((start, bytes)) = writes(&mut stage) else { break };
            written.push(start / PART_BYTES);
            disk[start as usize..start as usize + bytes.len()].copy_from_slice(&bytes);
        }
        let last = PART_BYTES as usize - 1;
        disk[last] ^= u8::from(spoils);
        assert_eq!(stage.will(id).0, Will::Going);
        reads(&mut stage, &disk);
    }
    assert_eq!((written, stage.will(id).0), (vec![0, 1, 0, 0], Will::Complete));
}

#[test]
fn a_disk_that_gives_back_what_was_not_written_is_not_tried_for_ever() {
    let mut stage = Stage::new();
    let bela = stage.meets("bela");
    let (id, key, index, blobs) = fetching(&mut stage, &bela);
    stage.node.blob_came(&key.seal_index(&index, 480_000), START);
    for times in 0.. {
        assert!(times < 20, "it goes on and on");
        blobs.iter().for_each(|blob| stage.node.blob_came(blob, START));
        writes(&mut stage);
        reads(&mut stage, &vec![0; 2 * PART_BYTES as usize]);
        if stage.will(id).0 != Will::Going {
            break;
        }
    }
    assert_eq!(stage.will(id).0, Will::NoRoom);
}

#[test]
fn a_file_of_which_all_was_written_down_but_the_end_is_complete_after_a_start() {
    let mut stage = Stage::new();
    let bela = stage.meets("bela");
    let (manifest, _) = manifest(PART_BYTES);
    let id = stage.offers(&bela, &manifest);
    let transfer = stage.node.files.transfers.get_mut(&id).expect("it was offered");
    transfer.incoming.as_mut().expect("it is missing").stored_from_others(0);
    let Write { table, key, value } = transfer.row(id);
    let files = Files::restore(&[Row { table, key, value: value.expect("a row") }], RingId(1));
    assert_eq!((files.transfers[&id].here, files.transfers[&id].is_whole()), (Will::Complete, true));
}
