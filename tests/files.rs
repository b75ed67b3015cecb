//! The bytes of files in a real browser: the worker against the core's own sealing, and two pages' ends over real WebRTC.
#![cfg(target_arch = "wasm32")]

#[path = "support/file_worker.rs"]
mod file_worker;

use b4::platform::rtc::piece_bytes;
use b4_protocol::file::{BLOCK_BYTES, BULK_OVERHEAD_BYTES, BulkRecord, FileSlot, PART_BYTES};
use b4_protocol::mailbox::BlobKey;
use file_worker::{FileWorker, IN_DATABASE, MUCH, ON_DISK, TestPart, chosen, hashes_of, some_bytes};
use js_sys::{Array, Uint8Array};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

const BLOCK: usize = BLOCK_BYTES as usize;
const PART: usize = PART_BYTES as usize;
const KIB: u32 = 1024;
const STORES: [&str; 2] = [ON_DISK, IN_DATABASE];

/// A slot that no other test uses.
fn slot() -> FileSlot {
    FileSlot((js_sys::Math::random() * 2_f64.powi(53)) as u64)
}

/// The records of a part as the core seals it.
fn sealed(part: &TestPart, bytes: &[u8], piece: usize) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let end = (at + piece).min((at / BLOCK + 1) * BLOCK).min(bytes.len());
        records.push(part.key.seal(BulkRecord { number: part.number, offset: at as u32 }, &bytes[at..end]));
        at = end;
    }
    records
}

#[wasm_bindgen_test]
async fn a_copy_is_cut_and_hashed_as_the_core_does_it() {
    for store in STORES {
        let worker = FileWorker::start(store);
        for size in [0, 1, 65_536, 65_537, 1024 * 1024 + 5, 3 * 1024 * 1024] {
            let (slot, bytes) = (slot(), some_bytes(size as u32, size));
            assert_eq!(worker.prepare(&chosen(&bytes), slot).await, Ok(hashes_of(&bytes)), "{size}");
            assert_eq!(worker.stored(slot).await.unwrap_or_default(), bytes, "{size}");
        }
    }
}

#[wasm_bindgen_test]
async fn what_the_worker_seals_the_core_opens() {
    for store in STORES {
        let worker = FileWorker::start(store);
        let (slot, bytes) = (slot(), some_bytes(1, PART + 2 * BLOCK + 77));
        worker.prepare(&chosen(&bytes), slot).await.expect("it is copied");
        for (number, piece) in (1..).zip([64 * KIB, 16 * KIB, 63 * KIB, KIB]) {
            for (number, start) in [(number * 2, 0), (number * 2 + 1, PART)] {
                let of_part = &bytes[start..(start + PART).min(bytes.len())];
                let part = TestPart::new(number, slot, start as u64, of_part.len());
                worker.seal(&part, piece);
                worker.grant(MUCH);
                let mut opened = Vec::new();
                for record in worker.records(number).await {
                    assert_eq!(BulkRecord::read(&record), Ok(BulkRecord { number, offset: opened.len() as u32 }));
                    let plain = part.key.open(&record).expect("it opens");
                    assert!(plain.len() <= piece as usize && opened.len() / BLOCK == (opened.len() + plain.len() - 1) / BLOCK, "within a block");
                    opened.extend(plain);
                }
                assert!(opened == of_part, "byte for byte, in pieces of {piece}");
            }
        }
    }
}

#[wasm_bindgen_test]
async fn what_the_core_seals_the_worker_opens_checks_and_keeps() {
    for store in STORES {
        let worker = FileWorker::start(store);
        for piece in [64, 16, 63, 1] {
            let (slot, bytes) = (slot(), some_bytes(2, PART + 2 * BLOCK + 77));
            // The second part comes first: each is written at its place.
            for (number, start) in [(2, PART), (1, 0)] {
                let of_part = &bytes[start..(start + PART).min(bytes.len())];
                let part = TestPart::new(number + 10 * piece, slot, start as u64, of_part.len());
                worker.expect(&part, &hashes_of(of_part));
                sealed(&part, of_part, piece as usize * KIB as usize).iter().for_each(|record| worker.frame(record));
                assert_eq!(worker.verdict().await, format!("came {} ok", part.number));
            }
            assert!(worker.stored(slot).await.expect("it is there") == bytes, "in pieces of {piece} KiB");
        }
    }
}

#[wasm_bindgen_test]
async fn what_differs_is_told_and_never_kept() {
    type Change = (&'static str, fn(&mut Vec<Vec<u8>>));
    // Of nine records: two blocks in four pieces each, and a short one.
    let changes: [Change; 9] = [
        ("altered", |records| records[5][100] ^= 1),
        ("its place altered", |records| records[5][8] ^= 1),
        ("repeated", |records| records.insert(3, records[2].clone())),
        ("reordered", |records| records.swap(2, 3)),
        ("left out", |records| records.truncate(2)),
        ("cut", |records| records[4].truncate(9_000)),
        ("longer", |records| records[4].push(0)),
        ("longer than its block", |records| records[7].extend([0; 100])),
        ("the last altered", |records| records[8][9] ^= 1),
    ];
    for store in STORES {
        let worker = FileWorker::start(store);
        for (number, (what, change)) in (1..).zip(changes) {
            let (slot, bytes) = (slot(), some_bytes(number, 2 * BLOCK + 100));
            let part = TestPart::new(number, slot, 0, bytes.len());
            let mut records = sealed(&part, &bytes, 16 * KIB as usize);
            assert_eq!(records.len(), 9);
            let last = records[8].clone();
            change(&mut records);
            worker.expect(&part, &hashes_of(&bytes));
            records.iter().chain((records.len() == 2).then_some(&last)).for_each(|record| worker.frame(record));
            assert_eq!(worker.verdict().await, format!("came {number} differs"), "{what}");
            let kept = worker.stored(slot).await.unwrap_or_default();
            assert!(kept.len() < bytes.len() && kept == bytes[..kept.len()], "{what}: {} bytes are kept", kept.len());
        }
    }
}

/// The author sealed what it announced otherwise: whatever opens is not kept unless its hash is right.
#[wasm_bindgen_test]
async fn a_part_with_a_block_whose_hash_differs_is_never_kept() {
    for store in STORES {
        let worker = FileWorker::start(store);
        for wrong in 0..3 {
            let (slot, bytes) = (slot(), some_bytes(3, 2 * BLOCK + 100));
            let part = TestPart::new(wrong + 1, slot, 0, bytes.len());
            let mut hashes = hashes_of(&bytes);
            hashes[wrong as usize][31] ^= 1;
            worker.expect(&part, &hashes);
            sealed(&part, &bytes, BLOCK).iter().for_each(|record| worker.frame(record));
            assert_eq!(worker.verdict().await, format!("came {} differs", part.number));
            assert!(worker.stored(slot).await.is_none_or(|kept| kept.is_empty()), "block {wrong}");
        }
    }
}

#[wasm_bindgen_test]
async fn records_that_nobody_asked_for_cost_the_link() {
    let worker = FileWorker::start(ON_DISK);
    let bytes = some_bytes(4, BLOCK);
    let part = TestPart::new(1, slot(), 0, bytes.len());
    let record = &sealed(&part, &bytes, BLOCK)[0];
    worker.expect(&part, &hashes_of(&bytes));
    worker.frame(record);
    assert_eq!(worker.verdict().await, "came 1 ok");
    let other = &sealed(&TestPart::new(2, part.slot, 0, bytes.len()), &bytes, BLOCK)[0];
    let of_no_bytes = part.key.seal(BulkRecord { number: 1, offset: 0 }, &[]);
    for bad in [record, other, &of_no_bytes, &record[..24].to_vec(), &vec![], &[&[0x10], &record[1..]].concat()] {
        worker.frame(bad);
        assert_eq!(worker.verdict().await, "refuse");
    }
}

#[wasm_bindgen_test]
async fn what_is_expected_no_more_is_thrown_away_up_to_what_was_asked_for() {
    let worker = FileWorker::start(ON_DISK);
    let bytes = some_bytes(5, 3 * BLOCK);
    let part = TestPart::new(1, slot(), 0, bytes.len());
    let records = sealed(&part, &bytes, BLOCK);
    worker.expect(&part, &hashes_of(&bytes));
    worker.frame(&records[0]);
    worker.unexpect(1);
    worker.frame(&records[1]);
    // Whatever they are.
    worker.frame(&records[1]);
    assert!(worker.stored(part.slot).await.unwrap_or_default().len() <= BLOCK);
    assert_eq!((worker.heard().len(), worker.refusals.get()), (0, 0), "silently");
    worker.frame(&records[2]);
    assert_eq!(worker.verdict().await, "refuse", "that is more than was asked for");
    worker.unexpect(77);
    worker.frame(&sealed(&TestPart::new(77, part.slot, 0, BLOCK), &bytes, BLOCK)[0]);
    assert_eq!(worker.verdict().await, "refuse", "nobody ever expected it");
}

#[wasm_bindgen_test]
async fn no_more_is_sealed_than_was_granted() {
    const RECORD: usize = 16 * KIB as usize + BULK_OVERHEAD_BYTES;
    let worker = FileWorker::start(ON_DISK);
    let (slot, bytes) = (slot(), some_bytes(6, 8 * BLOCK));
    worker.prepare(&chosen(&bytes), slot).await.expect("it is copied");
    let part = TestPart::new(1, slot, 0, bytes.len());
    worker.seal(&part, 16 * KIB);
    let mut sealed = 0;
    let mut granted = 0;
    // Never a byte more, and no record is cut for it.
    for grant in [1, RECORD - 1, RECORD - 1, 5 * RECORD, 1, RECORD] {
        worker.grant(grant as u32);
        granted += grant;
        while (sealed + 1) * RECORD <= granted {
            assert_eq!(Uint8Array::new(&worker.next().await.get(2)).length() as usize, RECORD);
            sealed += 1;
        }
        worker.stored(FileSlot(1)).await;
        assert_eq!(worker.heard().len(), 0, "after {granted} bytes");
    }
    worker.grant(MUCH);
    assert_eq!(worker.records(1).await.len(), 32 - sealed);
}

/// A pause is one, on a slow link too.
#[wasm_bindgen_test]
async fn of_a_part_that_is_wanted_no_more_nothing_is_sealed_and_the_others_go_on() {
    let worker = FileWorker::start(ON_DISK);
    let (slot, bytes) = (slot(), some_bytes(16, PART));
    worker.prepare(&chosen(&bytes), slot).await.expect("it is copied");
    for number in [1, 2, 3] {
        worker.seal(&TestPart::new(number, slot, 0, PART), 64 * KIB);
    }
    worker.grant(64 * KIB + 1_000);
    assert_eq!(worker.next().await.get(0).as_string().as_deref(), Some("record"));
    worker.unseal(1);
    worker.unseal(3);
    worker.unseal(7);
    worker.grant(MUCH);
    assert_eq!(worker.verdict().await, "sent 1 stopped");
    assert_eq!(worker.records(2).await.len(), 8);
    assert_eq!(worker.verdict().await, "sent 3 stopped");
}

/// Somebody looks at it, or saves it, while it is sent to somebody else.
#[wasm_bindgen_test]
async fn a_file_can_be_read_while_it_is_open_to_be_sealed() {
    for store in STORES {
        let worker = FileWorker::start(store);
        let (slot, bytes) = (slot(), some_bytes(13, PART));
        worker.prepare(&chosen(&bytes), slot).await.expect("it is copied");
        worker.seal(&TestPart::new(1, slot, 0, PART), 64 * KIB);
        let file = worker.blob(slot).await.expect("it is there");
        // One record is out, and the file open for the others.
        worker.grant(64 * KIB + 1_000);
        assert_eq!(worker.next().await.get(0).as_string().as_deref(), Some("record"));
        assert!(file_worker::bytes_of(&file).await == bytes);
        worker.grant(MUCH);
        assert_eq!(worker.records(1).await.len(), 7);
    }
}

#[wasm_bindgen_test]
async fn files_share_a_link_and_the_parts_of_one_go_in_their_order() {
    let worker = FileWorker::start(ON_DISK);
    let bytes = some_bytes(7, PART);
    let slots = [slot(), slot()];
    for slot in slots {
        worker.prepare(&chosen(&bytes), slot).await.expect("it is copied");
    }
    for (number, slot) in [(1, slots[0]), (2, slots[0]), (3, slots[1])] {
        worker.seal(&TestPart::new(number, slot, 0, 4 * BLOCK), 64 * KIB);
    }
    worker.grant(MUCH);
    let mut order = Vec::new();
    while order.len() < 15 {
        let said = worker.next().await;
        let is_sent = said.get(0).as_string().as_deref() == Some("sent");
        let number = if is_sent { said.get(2).as_f64().map(|number| number as u32) } else { BulkRecord::read(&Uint8Array::new(&said.get(2)).to_vec()).ok().map(|record| record.number) };
        order.push((number.expect("a number"), is_sent));
    }
    let records: Vec<u32> = order.iter().filter(|(_, is_sent)| !is_sent).map(|(number, _)| *number).collect();
    assert_eq!(records, [1, 3, 1, 3, 1, 3, 1, 3, 2, 2, 2, 2]);
    let sent: Vec<u32> = order.iter().filter(|(_, is_sent)| *is_sent).map(|(number, _)| *number).collect();
    assert_eq!(sent, [1, 3, 2]);
}

#[wasm_bindgen_test]
async fn what_is_not_there_or_shorter_cannot_be_sealed() {
    for store in STORES {
        let worker = FileWorker::start(store);
        let there = slot();
        worker.prepare(&chosen(&some_bytes(8, 1_000)), there).await.expect("it is copied");
        for (number, slot) in [(1, slot()), (2, there)] {
            worker.seal(&TestPart::new(number, slot, 0, 1_001), 64 * KIB);
            worker.grant(MUCH);
            assert_eq!(worker.verdict().await, format!("sent {number} failed"));
        }
    }
}

#[wasm_bindgen_test]
async fn a_sweep_leaves_what_is_wanted_and_what_comes_after_it() {
    for store in STORES {
        let bytes = some_bytes(9, 3 * BLOCK + 1);
        let [wanted, other, another, later] = [slot(), slot(), slot(), slot()];
        let before = FileWorker::start(store);
        for slot in [wanted, other, another] {
            before.prepare(&chosen(&bytes), slot).await.expect("it is copied");
        }
        // The files are open in a worker that is gone by the time.
        drop(before);
        let worker = FileWorker::start(store);
        worker.sweep(&[wanted]);
        worker.prepare(&chosen(&bytes), later).await.expect("it is copied");
        for (slot, is_there) in [(wanted, true), (other, false), (another, false), (later, true)] {
            assert_eq!(worker.stored(slot).await.is_some_and(|stored| stored == bytes), is_there);
        }
    }
}

#[wasm_bindgen_test]
async fn what_is_deleted_is_gone() {
    for store in STORES {
        let worker = FileWorker::start(store);
        let (slot, other) = (slot(), slot());
        for slot in [slot, other] {
            worker.prepare(&chosen(&some_bytes(10, BLOCK + 1)), slot).await.expect("it is copied");
        }
        worker.remove(slot);
        worker.remove(slot);
        assert_eq!((worker.stored(slot).await, worker.stored(other).await.is_some()), (None, true));
    }
}

#[wasm_bindgen_test]
async fn a_copy_that_is_cancelled_leaves_nothing() {
    for store in STORES {
        let worker = FileWorker::start(store);
        let (slot, file) = (slot(), chosen(&some_bytes(11, 8 * 1024 * 1024)));
        let ticket = worker.ticket();
        worker.post(&Array::of4(&"prepare".into(), &ticket.into(), &file, &slot.to_string().into()));
        let answer = worker.answer(&Array::of2(&"cancel".into(), &ticket.into())).await;
        assert_eq!(answer.get(3).as_string().as_deref(), Some("cancelled"));
        assert_eq!(worker.stored(slot).await, None);
        assert_eq!(worker.prepare(&file, slot).await.map(|hashes| hashes.len()), Ok(128), "another time");
    }
}

#[wasm_bindgen_test]
async fn a_disk_that_is_full_is_told_from_one_that_fails() {
    let throws = |name: &str| format!("() => {{ throw new DOMException('', '{name}'); }};");
    for (name, told) in [("QuotaExceededError", "full"), ("InvalidStateError", "failed")] {
        let on_disk = format!("FileSystemSyncAccessHandle.prototype.write = {}", throws(name));
        let in_database = format!("{IN_DATABASE} IDBObjectStore.prototype.put = {}", throws(name));
        for store in [on_disk, in_database] {
            let worker = FileWorker::start(&store);
            let (slot, bytes) = (slot(), some_bytes(12, 2 * BLOCK));
            assert_eq!(worker.prepare(&chosen(&bytes), slot).await, Err(told.to_owned()));
            assert_eq!(worker.stored(slot).await, None);
            let part = TestPart::new(1, slot, 0, bytes.len());
            worker.expect(&part, &hashes_of(&bytes));
            sealed(&part, &bytes, BLOCK).iter().for_each(|record| worker.frame(record));
            assert_eq!(worker.verdict().await, format!("came 1 {told}"));
        }
    }
    let short = "FileSystemSyncAccessHandle.prototype.write = () => 5;";
    assert_eq!(FileWorker::start(short).prepare(&chosen(&[1; 10]), slot()).await, Err("full".to_owned()), "less was written");
}

#[wasm_bindgen_test]
fn pieces_are_as_large_as_the_other_end_takes() {
    let overhead = BULK_OVERHEAD_BYTES as f64;
    let rows = [
        (f64::INFINITY, 64),
        (262_144.0, 64),
        (65_536.0 + overhead, 64),
        (65_535.0 + overhead, 63),
        (65_536.0, 63),
        (16_384.0, 15),
        (2_048.0 + overhead, 2),
        (1_024.0, 1),
        (0.0, 1),
        (f64::NAN, 1),
    ];
    for (message_bytes_max, kib) in rows {
        assert_eq!(piece_bytes(message_bytes_max), kib * KIB, "{message_bytes_max}");
    }
}

/// The blobs of these bytes as the core seals them, from this block on.
fn blobs(key: &BlobKey, first: u32, bytes: &[u8]) -> Vec<Vec<u8>> {
    (first..).zip(bytes.chunks(BLOCK)).map(|(block, bytes)| key.block_seal(block, 480_000).seal(bytes)).collect()
}

#[wasm_bindgen_test]
async fn blobs_are_opened_and_written_in_any_order_of_blocks_and_read_as_bytes_or_as_blobs() {
    for store in STORES {
        let worker = FileWorker::start(store);
        let (key, slot, bytes) = (BlobKey::new([9; 32]), slot(), some_bytes(14, 3 * BLOCK + 5));
        let hashes = hashes_of(&bytes);
        for (first, end) in [(2_usize, 4), (0, 2)] {
            let blobs = blobs(&key, first as u32, &bytes[first * BLOCK..(end * BLOCK).min(bytes.len())]);
            assert_eq!(worker.save(slot, first as u32, &key, &blobs, &hashes[first..end]).await, "ok");
        }
        for (start, end) in [(0, 3 * BLOCK + 5), (BLOCK, 2 * BLOCK), (3 * BLOCK, 3 * BLOCK + 5), (BLOCK, 2 * BLOCK + 1)] {
            assert!(worker.load(slot, start, end - start).await.as_deref() == Some(&bytes[start..end]), "{start} to {end}");
        }
        for (block, blob) in (0..).zip(blobs(&key, 0, &bytes)) {
            let (start, length) = (block as usize * BLOCK, (bytes.len() - block as usize * BLOCK).min(BLOCK));
            let sealed = worker.load_sealed(slot, start, length, &key.block_seal(block, 480_000)).await;
            assert!(sealed.as_ref() == Some(&blob), "{block}: byte for byte what the core seals");
        }
        assert_eq!(worker.load(slot, 0, 3 * BLOCK + 6).await, None, "it is shorter");
        assert_eq!(worker.load(self::slot(), 0, 1).await, None, "it is not there");
    }
}

#[wasm_bindgen_test]
async fn a_blob_of_another_block_or_key_or_with_another_hash_is_not_kept() {
    let worker = FileWorker::start(ON_DISK);
    let (key, bytes) = (BlobKey::new([9; 32]), some_bytes(15, 2 * BLOCK));
    let (right, hashes) = (blobs(&key, 4, &bytes), hashes_of(&bytes));
    let mut altered = right.clone();
    altered[1][50_000] ^= 1;
    let other = blobs(&BlobKey::new([8; 32]), 4, &bytes);
    let swapped = [right[1].clone(), right[0].clone()];
    type Row<'a> = (&'a str, &'a [Vec<u8>], [[u8; 32]; 2]);
    let rows: [Row; 5] = [
        ("altered", &altered, [hashes[0], hashes[1]]),
        ("another key's", &other, [hashes[0], hashes[1]]),
        ("in another order", &swapped, [hashes[1], hashes[0]]),
        ("another hash", &right, [hashes[0], hashes[0]]),
        ("none", &[vec![1; 20], right[1].clone()], [hashes[0], hashes[1]]),
    ];
    for (what, blobs, hashes) in rows {
        assert_eq!(worker.save(slot(), 4, &key, blobs, &hashes).await, "differs", "{what}");
    }
    assert_eq!(worker.save(slot(), 4, &key, &right, &hashes).await, "ok");
}
