//! Tests of the depositor: whom it leaves envelopes with, whom it passes over, and when it asks again.

use super::*;
use crate::time::SECOND_MS;

const ME: RingId = RingId(5_000);
const BELA: Mailbox = [7; 32];

/// A depositor, peers that do as the test says, and what each of them has.
struct Stage {
    depositor: Depositor,
    now: Now,
    /// Who stands behind the mailbox's key.
    ring: Vec<RingId>,
    linked: OrderedSet<RingId>,
    dead: Vec<u128>,
    /// No link to them comes about, nor word that none will.
    slow: Vec<u128>,
    full: Vec<u128>,
    silent: Vec<u128>,
    kept: OrderedMap<RingId, Vec<EnvelopeId>>,
    /// What enemies answer who stand on these ways.
    made_up: OrderedMap<u8, Vec<RingId>>,
    looks: usize,
    offers: usize,
    given: usize,
}

fn id(number: u32) -> EnvelopeId {
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    EnvelopeId(bytes)
}

impl Stage {
    /// So many envelopes, and peers at 1, 2, 3 and so on.
    fn new(envelopes: u32, peers: u128) -> Self {
        let now = Now { mono: 1_000, wall: 1_794_700_800_000 };
        let mut depositor = Depositor::new(ME);
        (1..=envelopes).for_each(|number| depositor.add(BELA, id(number), Bucket::ALL[0], [], now));
        Self {
            depositor,
            now,
            ring: (1..=peers).map(RingId).collect(),
            linked: OrderedSet::new(),
            dead: Vec::new(),
            slow: Vec::new(),
            full: Vec::new(),
            silent: Vec::new(),
            kept: OrderedMap::new(),
            made_up: OrderedMap::new(),
            looks: 0,
            offers: 0,
            given: 0,
        }
    }

    fn run_for(&mut self, ms: u64) {
        let until_ms = self.now.mono + ms;
        while self.now.mono < until_ms {
            self.tend();
            self.now.mono += SECOND_MS;
            self.now.wall += SECOND_MS;
        }
    }

    fn tend(&mut self) {
        let mut orders = Vec::new();
        let linked = &self.linked;
        self.depositor.tend(|node| linked.contains(&node), self.now, &mut orders);
        for order in orders {
            self.carry_out(order);
        }
    }

    fn carry_out(&mut self, order: DepositorOrder) {
        match order {
            DepositorOrder::Look(mailbox, way) => {
                self.looks += 1;
                let heard = self.made_up.get(&way).unwrap_or(&self.ring);
                self.depositor.candidates(&mailbox, heard, self.now);
            }
            DepositorOrder::Link(node) if self.dead.contains(&node.0) => self.depositor.unreachable(node, self.now),
            DepositorOrder::Link(node) if self.slow.contains(&node.0) => {}
            DepositorOrder::Link(node) => {
                self.linked.insert(node);
                self.depositor.linked(node);
            }
            DepositorOrder::Send(node, DepositMessage::Offer { items, .. }) => {
                self.offers += 1;
                let kept = self.kept.get(&node).cloned().unwrap_or_default();
                let verdict = |item: &Offered| match kept.contains(&item.id) {
                    true => Verdict::Kept,
                    false if self.full.contains(&node.0) => Verdict::Full,
                    false => Verdict::Want,
                };
                let said: Vec<_> = items.iter().map(|item| (item.id, verdict(item))).collect();
                if !self.silent.contains(&node.0) {
                    self.says(node.0, &said);
                    let there = said.into_iter().filter(|(_, verdict)| *verdict == Verdict::Kept);
                    there.for_each(|(id, _)| {
                        self.depositor.receipt(node, &BELA, id, self.now);
                    });
                }
            }
            DepositorOrder::Give(node, mailbox, id) => {
                self.given += 1;
                self.kept.entry(node).or_default().push(id);
                self.depositor.receipt(node, &mailbox, id, self.now);
            }
            DepositorOrder::Send(..) => {}
        }
    }

    fn says(&mut self, from: u128, verdicts: &[(EnvelopeId, Verdict)]) -> usize {
        let mut orders = Vec::new();
        self.depositor.verdicts(RingId(from), &BELA, verdicts, self.now, &mut orders);
        let count = orders.len();
        orders.into_iter().for_each(|order| self.carry_out(order));
        count
    }

    fn holders(&self, number: u32) -> Vec<u128> {
        self.depositor.holders(&BELA, id(number)).into_iter().map(|node| node.0).collect()
    }
}

#[test]
fn an_envelope_is_left_with_the_five_nearest_and_nobody_twice() {
    let mut stage = Stage::new(100, 16);
    stage.ring.insert(2, ME);
    stage.run_for(10 * SECOND_MS);
    for number in 1..=100 {
        assert_eq!(stage.holders(number), [1, 2, 3, 4, 5], "its own copy does not count");
    }
    assert_eq!(stage.given, 500, "each once to each");
    assert!(stage.depositor.is_held(&BELA, id(1)));
}

#[test]
fn it_counts_as_held_from_the_third_signed_receipt_on() {
    let mut stage = Stage::new(1, 16);
    stage.silent = (1..=16).collect();
    stage.run_for(3 * SECOND_MS);
    for (from, is_held) in [(1, false), (1, false), (2, false), (3, true)] {
        stage.depositor.receipt(RingId(from), &BELA, id(1), stage.now);
        assert_eq!(stage.depositor.is_held(&BELA, id(1)), is_held);
    }
}

#[test]
fn only_who_is_to_keep_it_can_say_so() {
    let mut stage = Stage::new(1, 16);
    stage.silent = (1..=16).collect();
    stage.run_for(3 * SECOND_MS);
    assert!(!stage.depositor.receipt(RingId(17), &BELA, id(1), stage.now), "far away");
    assert!(!stage.depositor.receipt(RingId(1), &BELA, id(2), stage.now), "another envelope");
    assert!(!stage.depositor.receipt(RingId(1), &[8; 32], id(1), stage.now), "another mailbox");
    assert_eq!(stage.says(17, &[(id(1), Verdict::Want)]), 0, "nor have it");
    assert_eq!(stage.holders(1), []);
}

#[test]
fn who_says_again_and_again_that_it_wants_it_gets_it_once() {
    let mut stage = Stage::new(1, 16);
    stage.silent = (1..=16).collect();
    stage.run_for(3 * SECOND_MS);
    let mut orders = Vec::new();
    for _ in 0..100 {
        stage.depositor.verdicts(RingId(1), &BELA, &[(id(1), Verdict::Want)], stage.now, &mut orders);
    }
    assert_eq!(orders, [DepositorOrder::Give(RingId(1), BELA, id(1))]);
}

#[test]
fn who_is_full_silent_or_out_of_reach_is_passed_over_for_the_next() {
    let mut stage = Stage::new(3, 16);
    (stage.full, stage.silent, stage.dead) = (vec![1], vec![3], vec![4]);
    stage.run_for(15 * SECOND_MS);
    assert_eq!(stage.holders(1), [2, 5, 6, 7, 8]);
    assert_eq!(stage.holders(3), [2, 5, 6, 7, 8]);
}

#[test]
fn while_the_link_to_one_takes_long_the_next_is_asked_and_the_first_that_come_have_it() {
    let mut stage = Stage::new(2, 16);
    stage.slow = vec![2, 4];
    stage.run_for(3 * SECOND_MS);
    assert_eq!(stage.holders(1), [1, 3, 5], "they are waited for");
    stage.run_for(3 * SECOND_MS);
    assert_eq!(stage.holders(1), [1, 3, 5, 6, 7]);
    stage.linked.insert(RingId(2));
    stage.depositor.linked(RingId(2));
    stage.run_for(HOLDER_WAIT_MS);
    assert_eq!((stage.holders(2), stage.given), (vec![1, 3, 5, 6, 7], 10), "five have it: a sixth is not given it");
}

#[test]
fn whose_link_took_long_has_it_when_it_comes_first() {
    let mut stage = Stage::new(1, 6);
    (stage.slow, stage.silent) = (vec![2], vec![6]);
    stage.run_for(4 * SECOND_MS);
    stage.linked.insert(RingId(2));
    stage.depositor.linked(RingId(2));
    stage.run_for(2 * SECOND_MS);
    assert_eq!(stage.holders(1), [1, 2, 3, 4, 5]);
}

#[test]
fn it_goes_as_far_as_the_sixteenth_and_no_further() {
    let mut stage = Stage::new(1, 40);
    stage.full = (1..=14).collect();
    stage.run_for(60 * SECOND_MS);
    assert_eq!(stage.holders(1), [15, 16]);
    assert_eq!(stage.depositor.available(&BELA), 16);
}

#[test]
fn who_was_passed_over_is_asked_again_after_a_while() {
    let mut stage = Stage::new(1, 5);
    stage.full = vec![2];
    stage.run_for(60 * SECOND_MS);
    assert_eq!(stage.holders(1), [1, 3, 4, 5]);
    stage.full.clear();
    stage.run_for(HOLDER_PASSED_MS);
    assert_eq!(stage.holders(1), [1, 2, 3, 4, 5]);
}

#[test]
fn with_fewer_than_five_it_waits_and_more_that_come_are_asked_within_half_a_minute() {
    let mut stage = Stage::new(1, 2);
    stage.run_for(5 * 60 * SECOND_MS);
    assert_eq!((stage.holders(1), stage.depositor.is_held(&BELA, id(1)), stage.depositor.available(&BELA)), (vec![1, 2], false, 2));
    assert_eq!(stage.offers, 2, "those who have it are left in peace");
    stage.ring = (1..=7).map(RingId).collect();
    stage.run_for(30 * SECOND_MS);
    assert_eq!(stage.holders(1), [1, 2, 3, 4, 5]);
}

#[test]
fn a_node_that_hears_nothing_of_the_ring_asks_again_and_forgets_nothing() {
    let mut stage = Stage::new(1, 6);
    stage.run_for(5 * SECOND_MS);
    stage.depositor.candidates(&BELA, &[], stage.now);
    assert_eq!(stage.holders(1), [1, 2, 3, 4, 5]);
    let mut stage = Stage::new(1, 0);
    stage.run_for(60 * SECOND_MS);
    assert!((4..=5).contains(&stage.looks), "every quarter of a minute: {}", stage.looks);
    stage.ring = (1..=5).map(RingId).collect();
    stage.run_for(20 * SECOND_MS);
    assert_eq!(stage.holders(1), [1, 2, 3, 4, 5]);
}

#[test]
fn whoever_makes_holders_up_is_not_asked_again_before_others_were() {
    for way in 0..2 {
        let mut stage = Stage::new(1, 6);
        stage.dead.extend(50..60);
        (0..=way).for_each(|way| drop(stage.made_up.insert(way, (50..60).map(RingId).collect())));
        stage.run_for(DEPOSIT_AGAIN_MS * u64::from(way + 1) + 5 * SECOND_MS);
        assert_eq!(stage.holders(1), [1, 2, 3, 4, 5], "another way tells the truth");
    }
}

#[test]
fn every_half_hour_it_is_asked_whether_it_is_still_there_although_much_else_happens() {
    let mut stage = Stage::new(1, 7);
    stage.run_for(DEPOSIT_LOOK_MS - 60 * SECOND_MS);
    assert_eq!((stage.looks, stage.offers), (1, 5));
    // Two have lost it meanwhile, and one is gone.
    [RingId(1), RingId(2)].iter().for_each(|node| drop(stage.kept.remove(node)));
    stage.ring.remove(2);
    stage.run_for(2 * 60 * SECOND_MS);
    assert_eq!(stage.looks, 2);
    assert_eq!(stage.holders(1), [1, 2, 4, 5, 6]);
    assert_eq!(stage.given, 5 + 3);
    stage.run_for(DEPOSIT_LOOK_MS);
    assert_eq!(stage.looks, 3);
}

#[test]
fn an_author_who_comes_back_asks_those_who_had_signed_once_more() {
    let mut stage = Stage::new(0, 8);
    let now = stage.now;
    stage.depositor.add(BELA, id(1), Bucket::ALL[0], [3, 4, 5].map(RingId), now);
    assert!(stage.depositor.is_held(&BELA, id(1)), "as it was");
    [3, 4].into_iter().for_each(|node| drop(stage.kept.insert(RingId(node), vec![id(1)])));
    stage.run_for(5 * SECOND_MS);
    assert_eq!((stage.holders(1), stage.given), (vec![1, 2, 3, 4, 5], 3), "the fifth had lost it");
}

#[test]
fn who_is_far_away_by_now_is_no_holder_any_more() {
    let mut stage = Stage::new(1, 5);
    stage.run_for(5 * SECOND_MS);
    stage.ring = (3..=18).map(RingId).collect();
    stage.run_for(DEPOSIT_LOOK_MS + 5 * SECOND_MS);
    assert_eq!(stage.holders(1), [3, 4, 5, 6, 7]);
}

#[test]
fn what_is_under_way_when_a_session_ends_goes_in_the_next() {
    let mut stage = Stage::new(1, 5);
    stage.silent = vec![1];
    stage.run_for(3 * SECOND_MS);
    stage.says(1, &[(id(1), Verdict::Full)]);
    stage.depositor.unlinked(RingId(1));
    stage.silent.clear();
    stage.depositor.linked(RingId(1));
    stage.run_for(3 * SECOND_MS);
    assert_eq!(stage.holders(1), [1, 2, 3, 4, 5], "a session that begins makes good what was before");
}

#[test]
fn what_its_receiver_has_is_not_offered_again_and_again_while_the_tombstone_comes() {
    let mut stage = Stage::new(1, 5);
    stage.silent = (1..=5).collect();
    stage.run_for(3 * SECOND_MS);
    let offers = stage.offers;
    stage.says(1, &[(id(1), Verdict::Cleared)]);
    (0..50).for_each(|_| stage.tend());
    assert_eq!(stage.offers, offers);
    stage.depositor.remove(&BELA, id(1));
    stage.run_for(60 * SECOND_MS);
    assert_eq!((stage.offers, stage.depositor.deadline()), (offers, None), "delivered: nothing is left to do");
}

#[test]
fn only_so_much_is_on_its_way_to_one_holder_at_once() {
    let mut stage = Stage::new(100, 1);
    stage.silent = vec![1];
    stage.run_for(3 * SECOND_MS);
    let all: Vec<_> = (1..=100).map(|number| (id(number), Verdict::Want)).collect();
    let mut orders = Vec::new();
    stage.depositor.verdicts(RingId(1), &BELA, &all, stage.now, &mut orders);
    assert_eq!(orders.len(), DEPOSITS_UNDER_WAY);
}

#[test]
fn one_look_serves_all_that_waits_for_one_receiver() {
    let mut stage = Stage::new(1, 6);
    stage.run_for(3 * SECOND_MS);
    stage.depositor.add(BELA, id(2), Bucket::ALL[0], [], stage.now);
    stage.run_for(3 * SECOND_MS);
    assert_eq!((stage.looks, stage.holders(2)), (1, vec![1, 2, 3, 4, 5]));
}

#[test]
fn who_owes_one_of_two_receipts_is_waited_for_and_then_passed_over() {
    let mut stage = Stage::new(2, 6);
    stage.silent = vec![1];
    stage.run_for(3 * SECOND_MS);
    let wanted = [(id(1), Verdict::Want), (id(2), Verdict::Want)];
    stage.depositor.verdicts(RingId(1), &BELA, &wanted, stage.now, &mut Vec::new());
    stage.depositor.receipt(RingId(1), &BELA, id(1), stage.now);
    stage.run_for(HOLDER_WAIT_MS / 2);
    assert_eq!(stage.holders(2), [2, 3, 4, 5]);
    stage.run_for(HOLDER_WAIT_MS);
    assert_eq!(stage.holders(2), [2, 3, 4, 5, 6]);
}

#[test]
fn who_is_asked_when_its_session_ends_is_asked_again_in_the_next() {
    let mut stage = Stage::new(1, 5);
    stage.silent = vec![1];
    stage.run_for(3 * SECOND_MS);
    stage.depositor.unlinked(RingId(1));
    stage.linked.remove(&RingId(1));
    stage.silent.clear();
    stage.run_for(3 * SECOND_MS);
    assert_eq!(stage.holders(1), [1, 2, 3, 4, 5], "at once, and not when its time to answer is over");
}

#[test]
fn who_has_a_session_and_is_asked_is_not_passed_over_because_another_dial_fails() {
    let mut stage = Stage::new(1, 6);
    stage.silent = vec![1];
    stage.run_for(3 * SECOND_MS);
    stage.depositor.unreachable(RingId(1), stage.now);
    stage.run_for(3 * SECOND_MS);
    assert_eq!(stage.holders(1), [2, 3, 4, 5]);
    stage.says(1, &[(id(1), Verdict::Want)]);
    assert_eq!(stage.holders(1), [1, 2, 3, 4, 5]);
}

#[test]
fn who_fell_silent_in_the_middle_of_it_is_offered_it_again_after_a_while() {
    let mut stage = Stage::new(1, 5);
    stage.silent = vec![1];
    stage.run_for(3 * SECOND_MS);
    stage.depositor.verdicts(RingId(1), &BELA, &[(id(1), Verdict::Want)], stage.now, &mut Vec::new());
    stage.run_for(HOLDER_WAIT_MS + 2 * SECOND_MS);
    stage.silent.clear();
    stage.run_for(HOLDER_PASSED_MS + 20 * SECOND_MS);
    assert_eq!(stage.holders(1), [1, 2, 3, 4, 5]);
}

#[test]
fn an_author_who_knows_of_nobody_else_yet_forgets_nobody_who_has_signed() {
    let mut stage = Stage::new(0, 8);
    let now = stage.now;
    stage.depositor.add(BELA, id(1), Bucket::ALL[0], (1..=5).map(RingId), now);
    stage.depositor.candidates(&BELA, &[ME], now);
    assert_eq!(stage.holders(1), [1, 2, 3, 4, 5]);
}

#[test]
fn what_others_say_to_this_node_as_a_holder_is_not_taken_for_an_answer_to_it_as_an_author() {
    let mut stage = Stage::new(1, 6);
    stage.run_for(5 * SECOND_MS);
    let offers = stage.offers;
    stage.says(1, &[(id(1), Verdict::Kept)]);
    stage.says(2, &[(id(1), Verdict::Full)]);
    stage.run_for(HOLDER_WAIT_MS + 5 * SECOND_MS);
    assert_eq!((stage.holders(1), stage.offers), (vec![1, 2, 3, 4, 5], offers), "nobody is passed over, and no sixth asked");
}

#[test]
fn who_answers_after_it_was_passed_over_is_given_it_all_the_same() {
    let mut stage = Stage::new(1, 5);
    stage.silent = vec![1];
    stage.run_for(HOLDER_WAIT_MS + 5 * SECOND_MS);
    assert_eq!(stage.holders(1), [2, 3, 4, 5]);
    stage.says(1, &[(id(1), Verdict::Want)]);
    assert_eq!(stage.holders(1), [1, 2, 3, 4, 5]);
}

#[test]
fn while_it_is_asked_whether_there_is_room_for_all_nothing_is_given_and_then_all_is() {
    let mut stage = Stage::new(0, 7);
    (1..=20).for_each(|number| stage.depositor.add(BELA, id(number), Bucket::BLOB, [], stage.now));
    stage.depositor.try_first(&BELA);
    stage.full = vec![1, 2, 3, 4, 5];
    stage.run_for(30_000);
    assert_eq!((stage.depositor.has_room(&BELA), stage.given), (false, 0), "two have room, three are needed");
    stage.full = vec![1, 2];
    stage.run_for(400_000);
    assert_eq!((stage.depositor.has_room(&BELA), stage.given), (true, 0));
    stage.depositor.release(&BELA);
    stage.run_for(60_000);
    assert!(stage.depositor.is_all_held(&BELA) && stage.given >= 20 * QUORUM, "{}", stage.given);
}
