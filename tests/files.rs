//! The bytes of files in a real browser: the worker against the core's own sealing, and two pages' ends over real WebRTC.
#![cfg(target_arch = "wasm32")]

#[path = "support/file_worker.rs"]
mod file_worker;

use b4_protocol::file::{BLOCK_BYTES, BulkRecord, FileSlot, PART_BYTES};
use file_worker::{FileWorker, IN_DATABASE, MUCH, ON_DISK, TestPart, chosen, hashes_of, some_bytes};
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
async fn a_block_whose_hash_differs_is_never_kept() {
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
            assert!(worker.stored(slot).await.unwrap_or_default() == bytes[..wrong as usize * BLOCK], "block {wrong}");
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
    assert_eq!(worker.heard().len(), 0, "silently");
    worker.frame(&records[2]);
    assert_eq!(worker.verdict().await, "refuse", "that is more than was asked for");
    worker.unexpect(77);
    worker.frame(&sealed(&TestPart::new(77, part.slot, 0, BLOCK), &bytes, BLOCK)[0]);
    assert_eq!(worker.verdict().await, "refuse", "nobody ever expected it");
}
