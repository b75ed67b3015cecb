//! Tests of handing over: many holders on one ring, joined by a network without delay, and what the disk of each has.

use super::*;
use crate::limits::{ARC, COPIES, HANDOVER_LOOK_MS, HOLDER_PASSED_MS, HOLDER_WAIT_MS};
use crate::time::HOUR_MS;

/// Holders at places clockwise of the mailbox's key; who is nearer is first.
struct Circle {
    holders: OrderedMap<RingId, Holder>,
    /// Those that are gone: nobody sees them, and their disks stay as they were.
    gone: Vec<RingId>,
    unlinked: Vec<(RingId, RingId)>,
    disks: OrderedMap<(RingId, EnvelopeId), u32>,
    now: Now,
    offers: usize,
    /// Items sent from one to another.
    given: usize,
    tombstones: Vec<Parcel>,
}

struct View {
    arc: Vec<RingId>,
    is_in_arc: bool,
    linked: Vec<RingId>,
}

impl Neighbourhood for View {
    fn arc(&self, _: &Mailbox) -> Vec<RingId> {
        self.arc.clone()
    }

    fn is_in_arc(&self, _: &Mailbox) -> bool {
        self.is_in_arc
    }

    fn is_linked(&self, node: RingId) -> bool {
        self.linked.contains(&node)
    }
}

impl Circle {
    fn of(places: impl IntoIterator<Item = u128>) -> Self {
        let mut circle = Self {
            holders: OrderedMap::new(),
            gone: Vec::new(),
            unlinked: Vec::new(),
            disks: OrderedMap::new(),
            now: NOW,
            offers: 0,
            given: 0,
            tombstones: Vec::new(),
        };
        places.into_iter().for_each(|place| circle.join(place));
        circle
    }

    fn alive(&self) -> Vec<RingId> {
        self.holders.keys().filter(|node| !self.gone.contains(node)).copied().collect()
    }

    fn join(&mut self, place: u128) {
        let node = RingId(place);
        self.gone.retain(|gone| *gone != node);
        if !self.holders.contains_key(&node) {
            self.holders.insert(node, Holder::restore(node, &[], self.now));
        }
        for other in self.alive() {
            let now = self.now;
            self.with(other, |holder, _, _| holder.neighbours_changed(now));
        }
    }

    fn leave(&mut self, place: u128) {
        let node = RingId(place);
        self.gone.push(node);
        for other in self.alive() {
            let now = self.now;
            self.with(other, |holder, _, _| {
                holder.unlinked(node);
                holder.neighbours_changed(now);
            });
        }
    }

    fn view(&self, of: RingId) -> View {
        let arc: Vec<RingId> = self.alive().into_iter().take(ARC).collect();
        let is_linked = |node: &RingId| *node != of && !self.unlinked.contains(&(of.min(*node), of.max(*node)));
        View { is_in_arc: arc.contains(&of), linked: self.alive().into_iter().filter(is_linked).collect(), arc }
    }

    /// Lends a holder and carries out what comes of it, at all of them.
    fn with(&mut self, node: RingId, step: impl FnOnce(&mut Holder, &View, &mut Vec<HolderOrder>)) {
        let mut out = Vec::new();
        let view = self.view(node);
        if let Some(holder) = self.holders.get_mut(&node) {
            step(holder, &view, &mut out);
        }
        for order in out {
            self.carry_out(node, order);
        }
    }

    fn carry_out(&mut self, node: RingId, order: HolderOrder) {
        let now = self.now;
        match order {
            HolderOrder::Send(to, message) if self.view(node).linked.contains(&to) => match message {
                DepositMessage::Offer { is_first_hand, mailbox, items } => {
                    self.offers += 1;
                    self.with(to, |holder, around, out| holder.offered(node, (is_first_hand, mailbox, &items), around, now, out));
                }
                DepositMessage::Verdicts { mailbox, items } => {
                    self.with(to, |holder, _, out| holder.verdicts(node, mailbox, &items, now, out));
                }
                DepositMessage::Item(_) | DepositMessage::Receipt(_) => {}
            },
            HolderOrder::Give(to, mailbox, id) => {
                self.given += 1;
                let size = self.disks.get(&(node, id)).copied().unwrap_or_default();
                let known = self.tombstones.iter().find(|parcel| parcel.id == id).cloned();
                let parcel = known.unwrap_or_else(|| Parcel { id, bytes: size, ..envelope(0, mailbox, 1) });
                self.with(to, |holder, _, out| holder.came(node, parcel, b"bytes".to_vec(), now, out));
            }
            HolderOrder::Link(to) => {
                let is_out_of_reach = self.gone.contains(&to) || !self.view(node).linked.contains(&to);
                if is_out_of_reach {
                    self.with(node, |holder, _, _| holder.unreachable(to, now));
                }
            }
            HolderOrder::Keep(mailbox, id, writes) => {
                self.write(node, writes);
                self.with(node, |holder, _, out| holder.stored(&mailbox, id, now, out));
            }
            HolderOrder::Write(writes) => self.write(node, writes),
            HolderOrder::Send(..) | HolderOrder::Receipt(..) => {}
        }
    }

    fn write(&mut self, node: RingId, writes: Vec<Write>) {
        for write in writes.into_iter().filter(|write| write.table == Table::Envelopes) {
            let id = EnvelopeId(write.key[32..].try_into().expect("an id"));
            match write.value {
                Some(_) => drop(self.disks.insert((node, id), bucket(1).envelope_bytes_max() as u32)),
                None => drop(self.disks.remove(&(node, id))),
            }
        }
    }

    /// Somebody leaves these with five holders.
    fn deposit(&mut self, at: impl IntoIterator<Item = u128>, numbers: std::ops::Range<u32>) {
        let now = self.now;
        for place in at {
            let items = of_bucket(numbers.clone(), 1);
            self.with(RingId(place), |holder, around, out| holder.offered(RingId(9_999), (true, BELA, &items), around, now, out));
            for number in numbers.clone() {
                let parcel = envelope(number, BELA, 1);
                self.with(RingId(place), |holder, _, out| holder.came(RingId(9_999), parcel, b"bytes".to_vec(), now, out));
            }
        }
    }

    fn run_for(&mut self, ms: u64) {
        let until_ms = self.now.mono + ms;
        while self.now.mono < until_ms {
            self.now = later(self.now, SECOND_MS);
            let is_due = |node: &RingId| self.holders[node].deadline().is_some_and(|at| at <= self.now.mono);
            for node in self.alive().into_iter().filter(is_due).collect::<Vec<_>>() {
                let now = self.now;
                self.with(node, |holder, around, out| holder.look(around, now, out));
            }
        }
    }

    /// Who has this one on the disk, of those alive.
    fn keepers(&self, number: u32) -> Vec<u128> {
        let alive = self.alive();
        alive.iter().filter(|node| self.disks.contains_key(&(**node, id(number)))).map(|node| node.0).collect()
    }
}

#[test]
fn what_a_depositor_left_with_five_costs_four_offers_and_no_copy() {
    let mut circle = Circle::of(1..=12);
    circle.deposit(1..=5, 0..50);
    circle.given = 0;
    circle.run_for(HOUR_MS / 2);
    assert_eq!((circle.offers, circle.given), (4, 0));
    assert_eq!(circle.keepers(0), [1, 2, 3, 4, 5]);
}

#[test]
fn one_that_comes_nearer_gets_it_from_the_first_that_has_it_and_once() {
    let mut circle = Circle::of((1..=12).map(|place| 10 * place));
    circle.deposit([10, 20, 30, 40, 50], 0..50);
    circle.run_for(60 * SECOND_MS);
    let (offers, given) = (circle.offers, circle.given);
    circle.join(35);
    circle.run_for(60 * SECOND_MS);
    assert_eq!(circle.given - given, 50, "each once");
    assert!(circle.offers - offers <= 3, "50 go in two turns: {}", circle.offers - offers);
    assert_eq!(circle.keepers(7), [10, 20, 30, 35, 40, 50], "who is sixth, and near, has it still");
}

#[test]
fn five_that_come_at_once_get_it_once_each() {
    let mut circle = Circle::of((11..=30).map(|place| 10 * place));
    circle.deposit([110, 120, 130, 140, 150], 0..40);
    circle.run_for(60 * SECOND_MS);
    let (offers, given) = (circle.offers, circle.given);
    (1..=5).for_each(|place| circle.join(place));
    circle.run_for(120 * SECOND_MS);
    assert_eq!(circle.keepers(0)[..5], [1, 2, 3, 4, 5]);
    assert_eq!(circle.given - given, 5 * 40);
    assert!(circle.offers - offers <= 5 * 2 * 2, "{}", circle.offers - offers);
}

#[test]
fn whoever_goes_is_made_up_for_by_the_next() {
    let mut circle = Circle::of(1..=12);
    circle.deposit(1..=5, 0..20);
    circle.run_for(60 * SECOND_MS);
    let given = circle.given;
    [2, 4, 5].into_iter().for_each(|place| circle.leave(place));
    circle.run_for(120 * SECOND_MS);
    assert_eq!(circle.keepers(3), [1, 3, 6, 7, 8]);
    assert_eq!(circle.given - given, 3 * 20);
    let given = circle.given;
    [2, 4, 5].into_iter().for_each(|place| circle.join(place));
    circle.run_for(120 * SECOND_MS);
    assert_eq!(circle.keepers(3)[..5], [1, 2, 3, 4, 5], "who comes back still has it");
    assert_eq!(circle.given, given, "and is given nothing");
}

#[test]
fn in_the_end_the_five_closest_have_it_whatever_came_and_went() {
    for seed in 1..=20_u64 {
        let mut circle = Circle::of((1..=40).map(|place| 10 * place));
        circle.deposit([10, 20, 30, 40, 50], 0..5);
        let mut draw = seed;
        for _ in 0..30 {
            draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (place, is_leave) = (u128::from(draw >> 33) % 120 + 1, (draw >> 20).is_multiple_of(2));
            let near = circle.alive();
            match is_leave && near.len() > 20 {
                true => circle.leave(near[(place % 8) as usize].0),
                false => circle.join(place),
            }
            circle.run_for(30 * SECOND_MS);
        }
        circle.run_for(2 * HOUR_MS);
        let nearest: Vec<u128> = circle.alive().iter().take(COPIES).map(|node| node.0).collect();
        for number in 0..5 {
            let keepers = circle.keepers(number);
            assert_eq!(keepers[..COPIES], nearest, "seed {seed}");
            assert!(circle.alive().iter().take(ARC).filter(|node| keepers.contains(&node.0)).count() == keepers.len(), "nobody far away, seed {seed}");
        }
    }
}

#[test]
fn who_is_far_away_lets_go_only_when_five_others_have_it() {
    let mut stage = Stage::new();
    stage.keeps(9_999, BELA, 1, 1);
    stage.arc = (1..=16).map(RingId).collect();
    stage.linked = stage.arc.clone();
    stage.is_in_arc = false;
    let say = |stage: &mut Stage, by: u128, verdict| stage.with(|holder, _, now, out| holder.verdicts(RingId(by), BELA, &[(id(1), verdict)], now, out));
    let looks = |stage: &mut Stage| {
        stage.wait(HANDOVER_LOOK_MS);
        written(&stage.looks(), Table::Envelopes).len()
    };
    assert_eq!(looks(&mut stage), 0);
    (1..=4).for_each(|by| drop(say(&mut stage, by, Verdict::Kept)));
    assert_eq!(looks(&mut stage), 0, "four have it");
    say(&mut stage, 5, Verdict::Full);
    assert_eq!(looks(&mut stage), 0, "the next is asked");
    stage.arc.truncate(5);
    assert_eq!(looks(&mut stage), 0, "four, and nobody else takes it");
    stage.arc.push(RingId(6));
    assert_eq!(looks(&mut stage), 0);
    say(&mut stage, 6, Verdict::Kept);
    assert_eq!(looks(&mut stage), 1);
}

#[test]
fn one_that_is_full_is_passed_over_for_the_next_and_asked_again_later() {
    let mut circle = Circle::of(1..=12);
    let now = circle.now;
    circle.with(RingId(3), |holder, _, _| holder.lend(1, now));
    circle.deposit([1], 0..10);
    circle.run_for(60 * SECOND_MS);
    assert_eq!(circle.keepers(0), [1, 2, 4, 5, 6]);
    circle.with(RingId(3), |holder, _, _| holder.lend(LENT_BYTES, now));
    circle.run_for(HOLDER_PASSED_MS + HANDOVER_LOOK_MS);
    assert_eq!(circle.keepers(0), [1, 2, 3, 4, 5, 6]);
}

#[test]
fn one_out_of_reach_is_passed_over_for_the_next() {
    let mut circle = Circle::of(1..=12);
    for place in (1..=12).filter(|place| *place != 2) {
        circle.unlinked.push((RingId(place.min(2)), RingId(place.max(2))));
    }
    circle.deposit([1], 0..10);
    circle.run_for(60 * SECOND_MS);
    assert_eq!(circle.keepers(0), [1, 3, 4, 5, 6]);
}

#[test]
fn who_lends_nothing_more_hands_over_all_and_then_lets_go() {
    let mut circle = Circle::of(1..=12);
    circle.deposit(1..=5, 0..100);
    circle.run_for(60 * SECOND_MS);
    let now = circle.now;
    circle.with(RingId(2), |holder, _, _| holder.lend(0, now));
    circle.run_for(120 * SECOND_MS);
    for number in 0..100 {
        assert_eq!(circle.keepers(number), [1, 3, 4, 5, 6], "number {number}");
    }
    assert_eq!(circle.holders[&RingId(2)].holding(), Holding::default());
}

#[test]
fn who_lends_nothing_more_and_finds_nobody_keeps_it() {
    let mut circle = Circle::of([1]);
    circle.deposit([1], 0..3);
    let now = circle.now;
    circle.with(RingId(1), |holder, _, _| holder.lend(0, now));
    circle.run_for(HOUR_MS);
    assert_eq!(circle.keepers(0), [1]);
}

#[test]
fn a_tombstone_reaches_those_who_were_away_when_they_come_back() {
    let mut circle = Circle::of(1..=12);
    circle.deposit(1..=5, 0..3);
    circle.run_for(60 * SECOND_MS);
    [2, 4].into_iter().for_each(|place| circle.leave(place));
    circle.run_for(120 * SECOND_MS);
    let parcel = tombstone(500, BELA, &[0, 1]);
    circle.tombstones.push(parcel.clone());
    circle.with(RingId(3), |holder, around, out| holder.cleared(RingId(7_777), parcel, b"bytes".to_vec(), around, out));
    circle.run_for(120 * SECOND_MS);
    assert_eq!(circle.keepers(0), [], "it went round");
    [2, 4].into_iter().for_each(|place| circle.join(place));
    circle.run_for(120 * SECOND_MS);
    assert_eq!((circle.keepers(0), circle.keepers(1)), (vec![], vec![]), "nothing came back with them");
    assert_eq!(circle.keepers(2)[..5], [1, 2, 3, 4, 5], "what was not cleared stays");
    assert_eq!(circle.keepers(500)[..5], [1, 2, 3, 4, 5]);
}

#[test]
fn a_page_that_hides_offers_at_once_what_it_alone_has() {
    let mut circle = Circle::of(1..=12);
    circle.deposit([1], 0..10);
    let now = circle.now;
    circle.with(RingId(1), |holder, around, out| {
        holder.hurry(now);
        holder.look(around, now, out);
    });
    assert_eq!(circle.keepers(0), [1, 2, 3, 4, 5], "without waiting");
}

#[test]
fn what_is_under_way_to_one_who_goes_is_offered_again() {
    let mut stage = Stage::new();
    stage.arc = vec![ME, RingId(101)];
    stage.linked = vec![RingId(101)];
    stage.keeps(1, BELA, 1, 1);
    stage.wait(SETTLE_MS);
    let is_offer = |order: &HolderOrder| matches!(order, HolderOrder::Send(RingId(101), DepositMessage::Offer { .. }));
    assert!(stage.looks().iter().any(is_offer));
    stage.wait(HOLDER_WAIT_MS - 2 * SECOND_MS);
    stage.holder.hurry(stage.now);
    assert!(!stage.looks().iter().any(is_offer), "its word is awaited");
    stage.holder.unlinked(RingId(101));
    stage.holder.linked(RingId(101), stage.now);
    stage.wait(SECOND_MS);
    assert!(stage.looks().iter().any(is_offer));
}

#[test]
fn who_wants_the_same_again_and_again_or_says_that_it_is_cleared_is_given_it_once_and_left_in_peace() {
    for (said, gives) in [(Verdict::Want, 1), (Verdict::Cleared, 0)] {
        let mut stage = Stage::new();
        stage.arc = vec![ME, RingId(101)];
        stage.linked = vec![RingId(101)];
        stage.keeps(1, BELA, 1, 1);
        let mut all = Vec::new();
        stage.wait(SETTLE_MS);
        all.extend(stage.looks());
        for _ in 0..15 {
            all.extend(stage.with(|holder, _, now, out| holder.verdicts(RingId(101), BELA, &[(id(1), said)], now, out)));
            stage.wait(SECOND_MS);
            all.extend(stage.looks());
        }
        let given = all.iter().filter(|order| matches!(order, HolderOrder::Give(..))).count();
        let offers = all.iter().filter(|order| matches!(order, HolderOrder::Send(_, DepositMessage::Offer { .. }))).count();
        assert_eq!((given, offers), (gives, 1), "{said:?}");
    }
}

#[test]
fn nothing_is_given_to_who_was_not_asked() {
    let mut stage = Stage::new();
    stage.keeps(1, BELA, 1, 1);
    let orders = stage.with(|holder, _, now, out| holder.verdicts(RingId(66), BELA, &[(id(1), Verdict::Want)], now, out));
    assert_eq!(orders, [], "whoever names it has it, or is to collect it");
}
