//! Blobs of files at a holder: their own bounds, no receipts, and what clears them.

use super::*;
use crate::limits::{BLOB_BYTES_PER_DEPOSITOR_MAX, BLOBS_PER_DEPOSITOR_MAX};
use crate::mailbox::BLOB_BYTES_MAX;

fn blob(number: u32, shelf: Mailbox) -> Parcel {
    Parcel { id: id(number), mailbox: shelf, bytes: BLOB_BYTES_MAX as u32, expiry_ms: NOW.wall + ENVELOPE_MS, kind: ParcelKind::Blob }
}

/// This depositor leaves so many blobs, sixty-four on a shelf; how many are kept.
fn leave(stage: &mut Stage, from: u128, numbers: std::ops::Range<u32>) -> usize {
    let mut kept = 0;
    for number in numbers {
        let shelf = [(number / 64) as u8; 32];
        let orders = stage.offers(from, true, shelf, &[Offered { id: id(number), bucket: Some(Bucket::BLOB) }]);
        if verdicts(&orders) == [Verdict::Want] {
            stage.comes(from, blob(number, shelf));
            stage.is_stored(shelf, number);
            kept += 1;
        }
    }
    kept
}

#[test]
fn a_blob_is_kept_by_its_holders_word_and_without_a_signature() {
    let mut stage = Stage::new();
    let offered = [Offered { id: id(1), bucket: Some(Bucket::BLOB) }];
    assert_eq!(verdicts(&stage.offers(1, true, BELA, &offered)), [Verdict::Want]);
    stage.comes(1, blob(1, BELA));
    let said = stage.is_stored(BELA, 1);
    assert_eq!(verdicts(&said), [Verdict::Kept]);
    assert!(!said.iter().any(|order| matches!(order, HolderOrder::Receipt(..))));
    let again = stage.offers(1, true, BELA, &offered);
    assert_eq!(verdicts(&again), [Verdict::Kept]);
    assert!(!again.iter().any(|order| matches!(order, HolderOrder::Receipt(..))));
}

#[test]
fn the_blobs_of_one_depositor_are_bounded_and_take_no_room_from_mail() {
    let mut stage = Stage::new();
    let most = usize::try_from(BLOB_BYTES_PER_DEPOSITOR_MAX / BLOB_BYTES_MAX as u64).expect("some hundreds");
    assert!(most < BLOBS_PER_DEPOSITOR_MAX);
    assert_eq!(leave(&mut stage, 1, 0..600), most);
    assert_eq!(stage.asks(1, BELA, [10_000], 6), [Verdict::Want], "their mail is counted apart");
    assert_eq!(leave(&mut stage, 2, 1_000..1_010), 10, "and so are the blobs of others");
}

#[test]
fn a_shelf_is_cleared_of_blobs_alone_and_no_other_is() {
    let mut stage = Stage::new();
    leave(&mut stage, 1, 0..70);
    stage.asks(1, [0; 32], [9_000], 1);
    stage.comes(1, envelope(9_000, [0; 32], 1));
    stage.is_stored([0; 32], 9_000);
    let mut out = Vec::new();
    stage.holder.clear_shelf(&[0; 32], &mut out);
    let [HolderOrder::Write(writes)] = &out[..] else { panic!("{out:?}") };
    assert_eq!(writes.len(), 2 * 64);
    assert!(stage.holder.has(&[0; 32], id(9_000)) && !stage.holder.has(&[0; 32], id(3)) && stage.holder.has(&[1; 32], id(64)));
    out.clear();
    stage.holder.clear_shelf(&[5; 32], &mut out);
    assert_eq!(out, []);
}

#[test]
fn a_blob_survives_a_restart_as_what_it_is() {
    let mut stage = Stage::new();
    stage.offers(1, true, BELA, &[Offered { id: id(1), bucket: Some(Bucket::BLOB) }]);
    let orders = stage.comes(1, blob(1, BELA));
    let [HolderOrder::Keep(_, _, writes)] = &orders[..] else { panic!("{orders:?}") };
    let rows: Vec<Row> = writes.iter().filter_map(|write| Some(Row { table: write.table, key: write.key.clone(), value: write.value.clone()? })).collect();
    let mut again = Holder::restore(ME, &rows, NOW);
    assert!(again.list(&BELA, id(0)).0.is_empty(), "it is no letter");
    let mut out = Vec::new();
    again.clear_shelf(&BELA, &mut out);
    assert_eq!(out.len(), 1);
}
