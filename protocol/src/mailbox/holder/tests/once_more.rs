//! Tests of the holder: what comes twice, from two, or not at all, and what a session's beginning and end change.

use super::*;
use super::super::elsewhere::ELSEWHERE_MAX;
use crate::limits::{DEPOSITS_UNDER_WAY, HANDOVER_LOOK_MS, HOLDER_PASSED_MS, HOLDER_WAIT_MS};

const OTHER: RingId = RingId(101);

fn is_offer(order: &HolderOrder) -> bool {
    matches!(order, HolderOrder::Send(OTHER, DepositMessage::Offer { .. }))
}

/// One that keeps an envelope, which has settled, and stands first of two.
fn first_of_two() -> Stage {
    let mut stage = Stage::new();
    stage.arc = vec![ME, OTHER];
    stage.linked = vec![OTHER];
    stage.keeps(1, BELA, 1, 1);
    stage.wait(SETTLE_MS);
    stage
}

#[test]
fn whoever_offers_once_more_what_comes_from_another_is_asked_for_it() {
    let mut stage = Stage::new();
    stage.arc = vec![ME, RingId(1), RingId(2)];
    assert_eq!(verdicts(&stage.offers(1, false, BELA, &of_bucket([1], 1))), [Verdict::Want]);
    assert_eq!(verdicts(&stage.offers(2, false, BELA, &of_bucket([1], 1))), []);
    assert_eq!(verdicts(&stage.offers(2, false, BELA, &of_bucket([1], 1))), [Verdict::Want], "the first may never send it");
}

#[test]
fn a_tombstone_that_nobody_asked_for_and_that_clears_nothing_here_is_not_kept() {
    let mut stage = Stage::new();
    stage.keeps(1, BELA, 1, 1);
    assert_eq!(verdicts(&stage.comes(2, tombstone(50, BELA, &[77]))), [Verdict::Refused]);
    assert!(!stage.holder.has(&BELA, id(50)));
    assert!(matches!(stage.comes(2, tombstone(51, BELA, &[1]))[..], [HolderOrder::Keep(..)]));
}

#[test]
fn what_comes_twice_is_said_to_be_kept_when_it_is_durable() {
    let mut stage = Stage::new();
    stage.asks(1, BELA, [1], 1);
    stage.comes(1, envelope(1, BELA, 1));
    assert_eq!(stage.comes(2, envelope(1, BELA, 1)), []);
    assert_eq!(verdicts(&stage.is_stored(BELA, 1)), [Verdict::Kept; 2]);
    assert_eq!(verdicts(&stage.comes(2, envelope(1, BELA, 1))), [Verdict::Kept]);
}

#[test]
fn whoever_hands_over_hears_that_it_is_kept_and_has_no_receipt() {
    let mut stage = Stage::new();
    stage.arc = vec![ME, RingId(2)];
    stage.offers(2, false, BELA, &of_bucket([1], 1));
    stage.comes(2, envelope(1, BELA, 1));
    let orders = stage.is_stored(BELA, 1);
    assert_eq!((verdicts(&orders), receipts(&orders)), (vec![Verdict::Kept], 0));
}

/// It was asked for here, and comes from another before its author sends it.
#[test]
fn whoever_leaves_what_another_has_just_handed_over_has_a_receipt() {
    for is_durable_first in [true, false] {
        let mut stage = Stage::new();
        stage.arc = vec![ME, RingId(2)];
        assert_eq!(stage.asks(1, BELA, [1], 1), [Verdict::Want]);
        assert_eq!(verdicts(&stage.offers(2, false, BELA, &of_bucket([1], 1))), []);
        stage.offers(2, false, BELA, &of_bucket([1], 1));
        stage.comes(2, envelope(1, BELA, 1));
        let mut orders = if is_durable_first { stage.is_stored(BELA, 1) } else { Vec::new() };
        assert_eq!(receipts(&orders), 0);
        orders.extend(stage.comes(1, envelope(1, BELA, 1)));
        if !is_durable_first {
            orders.extend(stage.is_stored(BELA, 1));
        }
        assert_eq!((verdicts(&orders), receipts(&orders)), (vec![Verdict::Kept; 2], 1));
    }
}

#[test]
fn a_receipt_is_not_signed_again_before_half_a_minute_is_over() {
    let mut stage = Stage::new();
    stage.keeps(1, BELA, 1, 1);
    stage.wait(RECEIPT_AGAIN_MS - 1);
    assert_eq!(receipts(&stage.offers(1, true, BELA, &of_bucket([1], 1))), 0);
    stage.wait(1);
    assert_eq!(receipts(&stage.offers(1, true, BELA, &of_bucket([1], 1))), 1);
}

#[test]
fn what_is_new_is_looked_at_as_soon_as_it_has_settled() {
    let mut stage = Stage::new();
    stage.wait(60_000);
    stage.looks();
    stage.keeps(1, BELA, 1, 1);
    assert_eq!(stage.holder.deadline(), Some(stage.now.mono + SETTLE_MS));
    stage.wait(SETTLE_MS);
    stage.looks();
    assert_eq!(stage.holder.deadline(), Some(stage.now.mono + HANDOVER_LOOK_MS));
    stage.holder.neighbours_changed(stage.now);
    assert_eq!(stage.holder.deadline(), Some(stage.now.mono + SECOND_MS));
}

#[test]
fn what_the_disk_has_no_room_for_is_not_kept_and_may_be_offered_again() {
    let mut stage = Stage::new();
    stage.asks(1, BELA, [1], 1);
    stage.comes(1, envelope(1, BELA, 1));
    let orders = stage.with(|holder, _, _, out| holder.not_stored(&BELA, id(1), out));
    assert_eq!(verdicts(&orders), [Verdict::Full]);
    assert_eq!(stage.holder.holding(), Holding::default());
    assert_eq!(stage.asks(1, BELA, [1], 1), [Verdict::Want]);
}

#[test]
fn what_was_wanted_of_one_who_goes_leaves_its_room() {
    let mut stage = Stage::new();
    let all = PAIR_ENVELOPES_MAX as u32;
    stage.asks(1, BELA, 0..all, 1);
    assert_eq!(stage.asks(1, BELA, [all], 1), [Verdict::Full]);
    stage.holder.unlinked(RingId(1));
    assert_eq!(stage.asks(1, BELA, [all], 1), [Verdict::Want]);
}

#[test]
fn one_who_has_gone_is_told_nothing() {
    let mut stage = Stage::new();
    stage.asks(1, BELA, [1], 1);
    stage.comes(1, envelope(1, BELA, 1));
    stage.holder.unlinked(RingId(1));
    assert_eq!(stage.is_stored(BELA, 1), []);
}

#[test]
fn what_was_on_its_way_to_one_who_goes_and_comes_is_offered_again() {
    let mut stage = first_of_two();
    assert!(stage.looks().iter().any(is_offer));
    stage.with(|holder, _, now, out| holder.verdicts(OTHER, BELA, &[(id(1), Verdict::Want)], now, out));
    stage.wait(2 * SECOND_MS);
    stage.holder.hurry(stage.now);
    assert!(!stage.looks().iter().any(is_offer), "it is under way");
    stage.holder.unlinked(OTHER);
    stage.holder.linked(OTHER, stage.now);
    stage.wait(SECOND_MS);
    assert!(stage.looks().iter().any(is_offer));
}

#[test]
fn one_who_was_full_or_out_of_reach_is_offered_it_when_a_session_begins() {
    for was_full in [true, false] {
        let mut stage = first_of_two();
        if was_full {
            stage.looks();
            stage.with(|holder, _, now, out| holder.verdicts(OTHER, BELA, &[(id(1), Verdict::Full)], now, out));
        } else {
            stage.holder.unreachable(OTHER, stage.now);
        }
        stage.wait(2 * SECOND_MS);
        assert!(!stage.looks().iter().any(is_offer), "passed over");
        stage.holder.linked(OTHER, stage.now);
        stage.wait(SECOND_MS);
        assert!(stage.looks().iter().any(is_offer), "{was_full}");
    }
}

#[test]
fn a_receiver_who_says_the_same_twice_is_heeded_once() {
    let mut stage = Stage::new();
    stage.keeps(1, BELA, 1, 1);
    assert!(matches!(stage.cleared(7, tombstone(50, BELA, &[1]))[..], [HolderOrder::Keep(..)]));
    assert_eq!(stage.cleared(7, tombstone(50, BELA, &[1])), []);
}

#[test]
fn so_many_nodes_are_known_to_have_one_item() {
    let mut stage = Stage::new();
    stage.keeps(1, BELA, 1, 1);
    stage.arc = (1..=50).map(RingId).collect();
    (1..=50).for_each(|from| drop(stage.offers(from, false, BELA, &of_bucket([1], 1))));
    let keepers = &stage.holder.boxes[&BELA][&id(1)].keepers;
    assert_eq!((keepers.len(), keepers.last()), (KEEPERS_MAX, Some(&RingId(50))), "the first are forgotten");
}

#[test]
fn nothing_is_taken_past_what_the_disk_still_takes() {
    let mut stage = Stage::new();
    stage.keeps(1, BELA, 1, 1);
    let one = bucket(1).envelope_bytes_max() as u64 + ROW_BYTES;
    stage.holder.room_left(one - 1);
    assert_eq!(stage.asks(1, BELA, [2], 1), [Verdict::Full], "whatever is lent");
    stage.holder.room_left(one);
    assert_eq!(stage.asks(1, BELA, [2], 1), [Verdict::Want], "beside what is here");
}

#[test]
fn what_is_not_durable_is_not_offered_however_much_it_hurries() {
    let mut stage = Stage::new();
    stage.arc = vec![ME, OTHER];
    stage.linked = vec![OTHER];
    stage.asks(1, BELA, [1], 1);
    stage.comes(1, envelope(1, BELA, 1));
    stage.holder.hurry(stage.now);
    assert!(!stage.looks().iter().any(is_offer));
    stage.is_stored(BELA, 1);
    stage.holder.hurry(stage.now);
    assert!(stage.looks().iter().any(is_offer));
}

#[test]
fn a_full_holder_remembers_who_has_it_then_and_not_for_ever_nor_without_bound() {
    let mut stage = Stage::new();
    stage.arc = vec![ME, RingId(2)];
    stage.holder.lend(1, NOW);
    assert_eq!(stage.asks(2, BELA, [1], 1), [Verdict::Full]);
    assert_eq!(stage.holder.elsewhere(&BELA, stage.now), [], "an author has not got it as a holder has");
    assert_eq!(verdicts(&stage.offers(2, false, BELA, &of_bucket([1], 1))), [Verdict::Full]);
    assert_eq!(stage.holder.elsewhere(&BELA, stage.now), [RingId(2)]);
    assert_eq!(stage.holder.elsewhere(&CARLA, stage.now), []);
    stage.wait(2 * HOLDER_PASSED_MS);
    assert_eq!(stage.holder.elsewhere(&BELA, stage.now), []);
    for number in 0..=ELSEWHERE_MAX as u128 {
        stage.holder.note_elsewhere(BELA, RingId(number), stage.now);
    }
    assert_eq!(stage.holder.elsewhere.len(), ELSEWHERE_MAX);
}

#[test]
fn only_so_much_is_given_to_one_at_once() {
    let mut stage = Stage::new();
    stage.arc = vec![ME, OTHER];
    stage.linked = vec![OTHER];
    let all = DEPOSITS_UNDER_WAY as u32 + 8;
    (0..all).for_each(|number| stage.keeps(1, BELA, number, 1));
    stage.wait(SETTLE_MS);
    stage.looks();
    let wanted: Vec<_> = (0..all).map(|number| (id(number), Verdict::Want)).collect();
    let orders = stage.with(|holder, _, now, out| holder.verdicts(OTHER, BELA, &wanted, now, out));
    assert_eq!(orders.len(), DEPOSITS_UNDER_WAY);
}

#[test]
fn what_nobody_answers_or_acknowledges_is_offered_again() {
    let mut stage = first_of_two();
    assert!(stage.looks().iter().any(is_offer));
    stage.wait(HANDOVER_LOOK_MS);
    assert!(stage.looks().iter().any(is_offer), "no answer came");
    stage.with(|holder, _, now, out| holder.verdicts(OTHER, BELA, &[(id(1), Verdict::Want)], now, out));
    stage.wait(HOLDER_WAIT_MS + HANDOVER_LOOK_MS);
    assert!(stage.looks().iter().any(is_offer), "it was sent, and nothing came back");
}

#[test]
fn one_out_of_reach_is_tried_again_after_a_while() {
    let mut stage = first_of_two();
    stage.holder.unreachable(OTHER, stage.now);
    stage.wait(HOLDER_PASSED_MS - 1);
    assert!(!stage.looks().iter().any(is_offer));
    stage.wait(HANDOVER_LOOK_MS);
    assert!(stage.looks().iter().any(is_offer));
}

#[test]
fn what_others_have_is_relied_upon_for_a_while_and_asked_again() {
    let mut stage = first_of_two();
    stage.looks();
    stage.with(|holder, _, now, out| holder.verdicts(OTHER, BELA, &[(id(1), Verdict::Kept)], now, out));
    assert_eq!(stage.holder.deadline(), Some(stage.now.mono + SECOND_MS), "there may be more for them");
    stage.wait(KNOWN_MS / 2);
    assert!(!stage.looks().iter().any(is_offer));
    stage.wait(KNOWN_MS);
    assert!(stage.looks().iter().any(is_offer));
}

#[test]
fn what_was_just_left_here_is_offered_when_it_has_settled() {
    let mut stage = Stage::new();
    stage.arc = vec![ME, OTHER];
    stage.linked = vec![OTHER];
    stage.keeps(1, BELA, 1, 1);
    for (ms, is_offered) in [(SETTLE_MS - 1, false), (1, true)] {
        stage.wait(ms);
        stage.holder.look_ms = 0;
        assert_eq!(stage.looks().iter().any(is_offer), is_offered);
    }
}

#[test]
fn who_may_belong_to_those_who_keep_it_lets_go_nothing() {
    let mut stage = Stage::new();
    stage.arc = (1..=5).map(RingId).collect();
    stage.linked = stage.arc.clone();
    stage.keeps(9, BELA, 1, 1);
    (1..=5).for_each(|from| drop(stage.offers(from, false, BELA, &of_bucket([1], 1))));
    for (is_in_arc, is_there) in [(true, true), (false, false)] {
        stage.is_in_arc = is_in_arc;
        stage.wait(60_000);
        stage.looks();
        assert_eq!(stage.holder.has(&BELA, id(1)), is_there);
    }
}
