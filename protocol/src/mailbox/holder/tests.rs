//! Tests of the holder. Here: what it takes and within which bounds, what it says and when, what clears, and its rows.

mod blobs;
mod handover;
mod once_more;

use super::*;
use crate::crypto::sha256;
use crate::limits::{
    DEPOSITOR_BYTES_MAX, DEPOSITOR_ENVELOPES_MAX, ENVELOPE_MS, ENVELOPE_SEEN_MS, HOLDER_PASSED_MS, OFFER_MAX, OFFERS_OUT_MAX, PASSED_MAX, PAIR_BYTES_MAX, PAIR_ENVELOPES_MAX, RECEIVER_BYTES_MAX,
    RECEIVER_ENVELOPES_MAX, TOMBSTONE_MS,
};
use crate::mailbox::Bucket;
use crate::time::DAY_MS;

const ME: RingId = RingId(100);
const NOW: Now = Now { mono: 1_000_000, wall: 1_794_700_800_000 };
const BELA: Mailbox = [7; 32];
const CARLA: Mailbox = [9; 32];

/// What stands around a holder, as the test says.
struct Stage {
    holder: Holder,
    arc: Vec<RingId>,
    is_in_arc: bool,
    linked: Vec<RingId>,
    now: Now,
}

impl Neighbourhood for (&[RingId], bool, &[RingId]) {
    fn arc(&self, _: &Mailbox) -> Vec<RingId> {
        self.0.to_vec()
    }

    fn is_in_arc(&self, _: &Mailbox) -> bool {
        self.1
    }

    fn is_linked(&self, node: RingId) -> bool {
        self.2.contains(&node)
    }
}

fn later(now: Now, ms: u64) -> Now {
    Now { mono: now.mono + ms, wall: now.wall + ms }
}

fn id(number: u32) -> EnvelopeId {
    let mut bytes = [0; 32];
    bytes[28..].copy_from_slice(&number.to_be_bytes());
    EnvelopeId(bytes)
}

fn bucket(number: usize) -> Bucket {
    Bucket::ALL[number - 1]
}

/// An envelope as large as its bucket lets it be, which is over in thirty days.
fn envelope(number: u32, mailbox: Mailbox, size: usize) -> Parcel {
    let bytes = u32::try_from(bucket(size).envelope_bytes_max()).expect("an envelope is small");
    Parcel { id: id(number), mailbox, bytes, expiry_ms: NOW.wall + ENVELOPE_MS, kind: ParcelKind::Envelope(MessageId([1; 16])) }
}

/// One that lies here since an earlier start.
fn kept_since_before(number: u32) -> Item {
    let Parcel { bytes, expiry_ms, kind, .. } = envelope(number, BELA, 1);
    let (keepers, waiting) = (Vec::new(), Vec::new());
    Item { bytes, expiry_ms, depositor: None, giver: None, kind, stored_ms: Some(0), keepers, known_until_ms: 0, receipt_ms: 0, waiting }
}

fn tombstone(number: u32, mailbox: Mailbox, cleared: &[u32]) -> Parcel {
    let cleared = cleared.iter().map(|number| id(*number)).collect();
    Parcel { id: id(number), mailbox, bytes: 3_000, expiry_ms: NOW.wall + TOMBSTONE_MS, kind: ParcelKind::Tombstone(cleared) }
}

fn of_bucket(numbers: impl IntoIterator<Item = u32>, size: usize) -> Vec<Offered> {
    numbers.into_iter().map(|number| Offered { id: id(number), bucket: Some(bucket(size)) }).collect()
}

impl Stage {
    fn new() -> Self {
        Self { holder: Holder::restore(ME, &[], NOW), arc: vec![ME], is_in_arc: true, linked: Vec::new(), now: NOW }
    }

    fn with(&mut self, step: impl FnOnce(&mut Holder, &(&[RingId], bool, &[RingId]), Now, &mut Vec<HolderOrder>)) -> Vec<HolderOrder> {
        let mut out = Vec::new();
        step(&mut self.holder, &(&self.arc, self.is_in_arc, &self.linked), self.now, &mut out);
        out
    }

    fn offers(&mut self, from: u128, is_first_hand: bool, mailbox: Mailbox, items: &[Offered]) -> Vec<HolderOrder> {
        self.with(|holder, around, now, out| holder.offered(RingId(from), (is_first_hand, mailbox, items), around, now, out))
    }

    /// The verdicts on an offer of so many at first hand, in order.
    fn asks(&mut self, from: u128, mailbox: Mailbox, numbers: impl IntoIterator<Item = u32>, size: usize) -> Vec<Verdict> {
        let orders = self.offers(from, true, mailbox, &of_bucket(numbers, size));
        verdicts(&orders)
    }

    fn comes(&mut self, from: u128, parcel: Parcel) -> Vec<HolderOrder> {
        self.with(|holder, _, now, out| holder.came(RingId(from), parcel, b"bytes".to_vec(), now, out))
    }

    fn is_stored(&mut self, mailbox: Mailbox, number: u32) -> Vec<HolderOrder> {
        self.with(|holder, _, now, out| holder.stored(&mailbox, id(number), now, out))
    }

    fn cleared(&mut self, from: u128, parcel: Parcel) -> Vec<HolderOrder> {
        self.with(|holder, around, _, out| holder.cleared(RingId(from), parcel, b"bytes".to_vec(), around, out))
    }

    fn looks(&mut self) -> Vec<HolderOrder> {
        self.with(|holder, around, now, out| holder.look(around, now, out))
    }

    /// Leaves one at first hand, all the way to the disk.
    fn keeps(&mut self, from: u128, mailbox: Mailbox, number: u32, size: usize) {
        assert_eq!(self.asks(from, mailbox, [number], size), [Verdict::Want], "number {number}");
        self.comes(from, envelope(number, mailbox, size));
        self.is_stored(mailbox, number);
    }

    /// Somebody deposits until they are refused; how many were wanted.
    fn fills(&mut self, from: u128, mailbox: Mailbox, first: u32, size: usize) -> usize {
        (first..).take_while(|number| {
            let is_wanted = self.asks(from, mailbox, [*number], size) == [Verdict::Want];
            if is_wanted {
                self.comes(from, envelope(*number, mailbox, size));
                self.is_stored(mailbox, *number);
            }
            is_wanted
        }).count()
    }

    fn wait(&mut self, ms: u64) {
        self.now = later(self.now, ms);
    }
}

fn verdicts(orders: &[HolderOrder]) -> Vec<Verdict> {
    let said = orders.iter().filter_map(|order| match order {
        HolderOrder::Send(_, DepositMessage::Verdicts { items, .. }) => Some(items.iter().map(|(_, verdict)| *verdict)),
        _ => None,
    });
    said.flatten().collect()
}

fn receipts(orders: &[HolderOrder]) -> usize {
    orders.iter().filter(|order| matches!(order, HolderOrder::Receipt(..))).count()
}

/// What these orders write of a table: keys, and whether the row stays.
fn written(orders: &[HolderOrder], table: Table) -> Vec<(Vec<u8>, bool)> {
    let of_order = |order: &HolderOrder| match order {
        HolderOrder::Keep(_, _, writes) | HolderOrder::Write(writes) => writes.clone(),
        _ => Vec::new(),
    };
    let writes = orders.iter().flat_map(of_order).filter(|write| write.table == table);
    writes.map(|write| (write.key, write.value.is_some())).collect()
}

/// The disk after these orders.
fn rows_of<'a>(orders: impl IntoIterator<Item = &'a HolderOrder>) -> Vec<Row> {
    let mut rows: OrderedMap<(Table, Vec<u8>), Vec<u8>> = OrderedMap::new();
    for order in orders {
        let (HolderOrder::Keep(_, _, writes) | HolderOrder::Write(writes)) = order else { continue };
        for write in writes {
            match &write.value {
                Some(value) => drop(rows.insert((write.table, write.key.clone()), value.clone())),
                None => drop(rows.remove(&(write.table, write.key.clone()))),
            }
        }
    }
    rows.iter().map(|((table, key), value)| Row { table: *table, key: key.clone(), value: value.clone() }).collect()
}

#[test]
fn a_pair_has_so_many_envelopes_here_and_the_next_is_refused() {
    let mut stage = Stage::new();
    assert_eq!(stage.fills(1, BELA, 0, 1), PAIR_ENVELOPES_MAX);
    assert_eq!(stage.asks(1, BELA, [9_999], 1), [Verdict::Full]);
    assert_eq!(stage.asks(2, BELA, [9_999], 1), [Verdict::Want], "of somebody else");
    assert_eq!(stage.asks(1, CARLA, [9_998], 1), [Verdict::Want], "for somebody else");
}

#[test]
fn a_pair_has_so_many_bytes_here_and_the_next_is_refused() {
    let mut stage = Stage::new();
    let size = bucket(6).envelope_bytes_max() as u64;
    assert_eq!(stage.fills(1, BELA, 0, 6) as u64, PAIR_BYTES_MAX / size);
    let left = PAIR_BYTES_MAX % size;
    let fitting = (1..=6).rev().find(|number| bucket(*number).envelope_bytes_max() as u64 <= left).expect("a smaller one fits");
    assert_eq!(stage.asks(1, BELA, [9_999], fitting), [Verdict::Want]);
}

#[test]
fn a_receiver_has_so_many_envelopes_here_whoever_leaves_them() {
    let mut stage = Stage::new();
    for depositor in 0..8 {
        assert_eq!(stage.fills(depositor, BELA, 1_000 * depositor as u32, 1), PAIR_ENVELOPES_MAX);
    }
    assert_eq!(stage.holder.holding().envelopes as usize, RECEIVER_ENVELOPES_MAX);
    assert_eq!(stage.asks(8, BELA, [9_999], 1), [Verdict::Full]);
    assert_eq!(verdicts(&stage.offers(1, false, BELA, &of_bucket([9_999], 1))), [Verdict::NotMine], "nor at second hand by a stranger");
    stage.arc = vec![ME, RingId(1)];
    assert_eq!(verdicts(&stage.offers(1, false, BELA, &of_bucket([9_999], 1))), [Verdict::Full], "nor by another holder");
    assert_eq!(stage.asks(8, CARLA, [9_999], 1), [Verdict::Want]);
    assert_eq!(stage.holder.holding().envelopes as usize, RECEIVER_ENVELOPES_MAX, "and nothing was pushed out");
}

#[test]
fn a_receiver_has_so_many_bytes_here() {
    let mut stage = Stage::new();
    let size = bucket(6).envelope_bytes_max() as u64;
    let kept: usize = (0..9).map(|depositor| stage.fills(depositor, BELA, 1_000 * depositor as u32, 6)).sum();
    assert_eq!(kept as u64, RECEIVER_BYTES_MAX / size);
}

#[test]
fn a_depositor_has_so_many_envelopes_here_whomever_they_are_for() {
    let mut stage = Stage::new();
    for receiver in 0..4 {
        assert_eq!(stage.fills(1, [receiver; 32], 1_000 * u32::from(receiver), 1), PAIR_ENVELOPES_MAX);
    }
    assert_eq!(stage.holder.holding().envelopes as usize, DEPOSITOR_ENVELOPES_MAX);
    assert_eq!(stage.asks(1, [4; 32], [9_999], 1), [Verdict::Full]);
    assert_eq!(stage.asks(2, [4; 32], [9_999], 1), [Verdict::Want]);
}

#[test]
fn a_depositor_has_so_many_bytes_here() {
    let mut stage = Stage::new();
    let size = bucket(6).envelope_bytes_max() as u64;
    let kept: usize = (0..5).map(|receiver| stage.fills(1, [receiver; 32], 1_000 * u32::from(receiver), 6)).sum();
    assert_eq!(kept as u64, DEPOSITOR_BYTES_MAX / size);
}

#[test]
fn who_hands_over_fills_a_quarter_of_what_is_lent_and_leaves_the_rest_to_others() {
    let mut stage = Stage::new();
    let size = bucket(6).envelope_bytes_max() as u64;
    stage.holder.lend(40 * size, NOW);
    stage.arc = vec![ME, RingId(1), RingId(2)];
    let mut wanted = 0;
    // For as many as it likes to make up.
    for number in 0..20_u8 {
        let said = verdicts(&stage.offers(1, false, [number; 32], &of_bucket([u32::from(number)], 6)));
        if said == [Verdict::Want] {
            wanted += 1;
            stage.comes(1, envelope(u32::from(number), [number; 32], 6));
            stage.is_stored([number; 32], u32::from(number));
        }
    }
    assert_eq!(wanted, 10);
    assert_eq!(verdicts(&stage.offers(2, false, BELA, &of_bucket([99], 6))), [Verdict::Want], "another");
    assert_eq!(stage.asks(1, BELA, [98], 6), [Verdict::Want], "and what it leaves at first hand is charged as that of all");
}

#[test]
fn no_more_is_kept_than_is_lent_and_less_lent_pushes_nothing_out() {
    let mut stage = Stage::new();
    let one = bucket(1).envelope_bytes_max() as u64 + ROW_BYTES;
    stage.holder.lend(3 * one, NOW);
    assert_eq!(stage.fills(1, BELA, 0, 1), 3);
    stage.holder.lend(3 * one + one - 1, NOW);
    assert_eq!(stage.asks(2, CARLA, [10], 1), [Verdict::Full], "a byte is missing");
    stage.holder.lend(4 * one, NOW);
    assert_eq!(stage.asks(2, CARLA, [10], 1), [Verdict::Want]);
    stage.wait(WANTED_MS);
    stage.holder.lend(one, NOW);
    assert_eq!(written(&stage.looks(), Table::Held), [], "what is here stays until others have it");
    assert_eq!(stage.holder.holding().envelopes, 3);
    assert_eq!(stage.asks(2, CARLA, [10], 1), [Verdict::Full]);
}

#[test]
fn room_is_kept_for_what_was_said_to_be_wanted_and_not_for_ever() {
    let mut stage = Stage::new();
    let all = PAIR_ENVELOPES_MAX as u32;
    assert_eq!(stage.asks(1, BELA, 0..all, 1), vec![Verdict::Want; PAIR_ENVELOPES_MAX]);
    assert_eq!(stage.asks(1, BELA, [all], 1), [Verdict::Full], "what has not come counts");
    stage.wait(WANTED_MS);
    assert_eq!(stage.asks(1, BELA, [all], 1), [Verdict::Want]);
}

#[test]
fn what_is_offered_once_more_is_counted_once() {
    let mut stage = Stage::new();
    let all = PAIR_ENVELOPES_MAX as u32;
    let mut left = 0..all;
    // As a depositor does it: all that is left is offered, some of it sent, and the rest offered again.
    while !left.is_empty() {
        let said = stage.asks(1, BELA, left.clone(), 1);
        assert_eq!(said, vec![Verdict::Want; left.len()], "{} left", left.len());
        for number in left.by_ref().take(32) {
            stage.comes(1, envelope(number, BELA, 1));
            stage.is_stored(BELA, number);
        }
    }
    assert_eq!(stage.holder.holding().envelopes, all);
}

#[test]
fn so_much_may_be_under_way_to_a_holder_at_once() {
    let mut stage = Stage::new();
    for depositor in 0..(WANTED_MAX / PAIR_ENVELOPES_MAX) as u128 {
        let said = stage.asks(depositor, [depositor as u8; 32], 0..PAIR_ENVELOPES_MAX as u32, 1);
        assert_eq!(said, vec![Verdict::Want; PAIR_ENVELOPES_MAX]);
    }
    assert_eq!(stage.asks(99, [99; 32], [1], 1), [Verdict::Full]);
}

#[test]
fn what_is_for_others_to_keep_is_refused() {
    let mut stage = Stage::new();
    stage.is_in_arc = false;
    assert_eq!(stage.asks(1, BELA, [1, 2], 1), [Verdict::NotMine; 2]);
    assert_eq!(verdicts(&stage.comes(1, envelope(1, BELA, 1))), [Verdict::Refused], "and not taken when it comes all the same");
    assert_eq!(stage.holder.holding(), Holding::default());
}

#[test]
fn what_was_not_wanted_or_is_larger_than_it_was_said_to_be_is_refused() {
    let mut stage = Stage::new();
    assert_eq!(verdicts(&stage.comes(1, envelope(1, BELA, 1))), [Verdict::Refused], "never offered");
    stage.asks(1, BELA, [2, 3, 4], 1);
    assert_eq!(verdicts(&stage.comes(2, envelope(2, BELA, 1))), [Verdict::Refused], "offered by another");
    assert_eq!(verdicts(&stage.comes(1, envelope(2, BELA, 2))), [Verdict::Refused], "too large");
    assert_eq!(verdicts(&stage.comes(1, envelope(3, CARLA, 1))), [Verdict::Refused], "for another");
    let over = Parcel { expiry_ms: NOW.wall, ..envelope(4, BELA, 1) };
    assert_eq!(verdicts(&stage.comes(1, over)), [Verdict::Refused], "over");
    stage.asks(1, BELA, [5], 1);
    let endless = Parcel { expiry_ms: NOW.wall + ENVELOPE_MS + ENVELOPE_SEEN_MS + 1, ..envelope(5, BELA, 1) };
    assert_eq!(verdicts(&stage.comes(1, endless)), [Verdict::Refused], "never over");
    assert_eq!(stage.holder.holding(), Holding::default());
}

#[test]
fn nobody_hears_that_it_is_kept_before_it_is_durable() {
    let mut stage = Stage::new();
    stage.asks(1, BELA, [1], 1);
    let orders = stage.comes(1, envelope(1, BELA, 1));
    assert!(matches!(orders[..], [HolderOrder::Keep(BELA, _, _)]), "{orders:?}");
    assert_eq!(stage.holder.list(&BELA, id(0)), (Vec::new(), false), "its receiver hears nothing yet either");
    let again = stage.offers(1, true, BELA, &of_bucket([1], 1));
    assert_eq!((verdicts(&again).contains(&Verdict::Kept), receipts(&again)), (false, 0));
    let orders = stage.is_stored(BELA, 1);
    assert_eq!((verdicts(&orders), receipts(&orders)), (vec![Verdict::Kept], 1));
    assert_eq!(stage.holder.list(&BELA, id(0)).0.len(), 1);
}

#[test]
fn what_is_on_its_way_from_one_is_not_asked_of_another() {
    let mut stage = Stage::new();
    stage.arc = vec![ME, RingId(1), RingId(2)];
    assert_eq!(verdicts(&stage.offers(1, false, BELA, &of_bucket([1], 1))), [Verdict::Want]);
    assert_eq!(verdicts(&stage.offers(2, false, BELA, &of_bucket([1], 1))), [], "it comes from the first");
    stage.comes(1, envelope(1, BELA, 1));
    assert_eq!(verdicts(&stage.offers(2, false, BELA, &of_bucket([1], 1))), [], "it is being written");
    let orders = stage.is_stored(BELA, 1);
    assert_eq!(verdicts(&orders), [Verdict::Kept; 2], "both hear when it is durable");
    assert_eq!(verdicts(&stage.offers(2, false, BELA, &of_bucket([2], 1))), [Verdict::Want]);
    stage.wait(WANTED_MS);
    assert_eq!(verdicts(&stage.offers(1, false, BELA, &of_bucket([2], 1))), [Verdict::Want], "the first did not send it");
}

#[test]
fn a_depositor_who_comes_again_has_a_receipt_again_and_not_more_often_than_every_half_minute() {
    let mut stage = Stage::new();
    stage.keeps(1, BELA, 1, 1);
    let mut signed = 0;
    for _ in 0..60 {
        stage.wait(SECOND_MS);
        signed += receipts(&stage.offers(1, true, BELA, &of_bucket([1], 1)));
    }
    assert_eq!(signed, 2);
    assert_eq!(receipts(&stage.offers(1, false, BELA, &of_bucket([1], 1))), 0, "none for who hands over");
}

#[test]
fn a_depositor_whose_session_ended_has_its_receipt_in_the_next_at_once() {
    let mut stage = Stage::new();
    stage.keeps(1, BELA, 1, 1);
    stage.holder.unlinked(RingId(1));
    stage.holder.linked(RingId(1), stage.now);
    let orders = stage.offers(1, true, BELA, &of_bucket([1], 1));
    assert_eq!((verdicts(&orders), receipts(&orders)), (vec![Verdict::Kept], 1));
}

#[test]
fn a_tombstone_clears_and_keeps_what_it_cleared_from_coming_back() {
    let mut stage = Stage::new();
    (1..=3).for_each(|number| stage.keeps(1, BELA, number, 1));
    let orders = stage.cleared(7, tombstone(50, BELA, &[1, 2, 77]));
    let gone: Vec<_> = written(&orders, Table::Envelopes).into_iter().filter(|(_, stays)| !stays).map(|(key, _)| key).collect();
    assert_eq!(gone, [row_key(&BELA, id(1)), row_key(&BELA, id(2))]);
    assert_eq!(stage.holder.list(&BELA, id(0)).0.len(), 1);
    stage.is_stored(BELA, 50);
    for number in [1, 2, 77] {
        let orders = stage.offers(1, true, BELA, &of_bucket([number], 1));
        assert_eq!(verdicts(&orders), [Verdict::Cleared], "a stale copy of {number}");
        assert!(orders.contains(&HolderOrder::Give(RingId(1), BELA, id(50))), "whoever has it gets the tombstone");
        assert_eq!(verdicts(&stage.comes(1, envelope(number, BELA, 1))), [Verdict::Cleared]);
    }
    assert_eq!(stage.asks(1, CARLA, [1], 1), [Verdict::Want], "the same name in another's mailbox is another");
}

#[test]
fn who_offers_much_that_is_cleared_gets_each_tombstone_once() {
    let mut stage = Stage::new();
    let all: Vec<u32> = (1..=OFFER_MAX as u32).collect();
    stage.cleared(7, tombstone(5_000, BELA, &all));
    stage.is_stored(BELA, 5_000);
    let orders = stage.offers(1, true, BELA, &of_bucket(all, 1));
    assert_eq!(verdicts(&orders), vec![Verdict::Cleared; OFFER_MAX]);
    assert_eq!(orders.iter().filter(|order| matches!(order, HolderOrder::Give(..))).count(), 1);
}

#[test]
fn what_is_cleared_while_it_is_being_written_or_on_its_way_does_not_stay() {
    let mut stage = Stage::new();
    stage.asks(1, BELA, [1, 2], 1);
    let kept = stage.comes(1, envelope(1, BELA, 1));
    let cleared = stage.cleared(7, tombstone(50, BELA, &[1, 2]));
    assert_eq!(stage.is_stored(BELA, 1), [], "nobody hears that it is kept");
    assert_eq!(verdicts(&stage.comes(1, envelope(2, BELA, 1))), [Verdict::Cleared]);
    let rows = rows_of(kept.iter().chain(&cleared));
    assert_eq!(rows.iter().filter(|row| row.table == Table::Envelopes).count(), 1, "the tombstone alone is on the disk");
}

#[test]
fn after_a_restart_all_is_as_it_was() {
    let mut stage = Stage::new();
    let mut orders = Vec::new();
    stage.asks(1, BELA, [1, 2], 1);
    for number in [1, 2] {
        orders.extend(stage.comes(1, envelope(number, BELA, 1)));
        stage.is_stored(BELA, number);
    }
    orders.extend(stage.cleared(7, tombstone(50, BELA, &[1])));
    stage.is_stored(BELA, 50);
    let (before, list) = (stage.holder.holding(), stage.holder.list(&BELA, id(0)));
    stage.holder = Holder::restore(ME, &rows_of(&orders), NOW);
    assert_eq!((stage.holder.holding(), stage.holder.list(&BELA, id(0))), (before, list));
    assert_eq!(stage.asks(1, BELA, [1], 1), [Verdict::Cleared], "the tombstone still stands");
    let again = stage.offers(1, true, BELA, &of_bucket([2], 1));
    assert_eq!((verdicts(&again), receipts(&again)), (vec![Verdict::Kept], 1));
    assert_eq!(stage.fills(1, BELA, 100, 1), PAIR_ENVELOPES_MAX - 1, "who left it is charged for it");
}

#[test]
fn damaged_rows_are_passed_over_alone() {
    let mut stage = Stage::new();
    stage.asks(1, BELA, [1, 2], 1);
    let mut orders = stage.comes(1, envelope(1, BELA, 1));
    orders.extend(stage.cleared(7, tombstone(50, BELA, &[9])));
    let good = rows_of(&orders);
    let kept: Vec<&Row> = good.iter().filter(|row| row.table == Table::Held).collect();
    assert_eq!(kept.len(), 2);
    for row in kept {
        for cut in 0..row.value.len() {
            let damaged = Row { value: row.value[..cut].to_vec(), ..row.clone() };
            let is_read = Item::read(&damaged).is_ok();
            // A tombstone cut between two ids is one that clears less.
            assert!(!is_read || (row.value.len() - cut).is_multiple_of(32), "cut at {cut}");
        }
        assert!(Item::read(&Row { key: row.key[1..].to_vec(), ..row.clone() }).is_err());
        assert!(Item::read(&Row { value: [&[9], &row.value[1..]].concat(), ..row.clone() }).is_err(), "another version");
    }
    let mut rows = good;
    rows.insert(0, Row { table: Table::Held, key: vec![1, 2, 3], value: vec![4, 5] });
    assert_eq!(Holder::restore(ME, &rows, NOW).holding().envelopes, 1);
}

#[test]
fn what_is_over_goes_and_its_room_with_it() {
    let mut stage = Stage::new();
    stage.keeps(1, BELA, 1, 1);
    stage.cleared(7, tombstone(50, BELA, &[77]));
    stage.wait(ENVELOPE_MS - 1);
    stage.holder.hurry(stage.now);
    assert_eq!(written(&stage.looks(), Table::Envelopes), []);
    stage.wait(HANDOVER_MS);
    assert_eq!(written(&stage.looks(), Table::Envelopes), [(row_key(&BELA, id(1)), false)]);
    assert_eq!(stage.asks(1, BELA, [77], 1), [Verdict::Cleared], "the tombstone outlives whatever it clears");
    stage.wait(DAY_MS);
    assert_eq!(written(&stage.looks(), Table::Envelopes), [(row_key(&BELA, id(50)), false)]);
    assert_eq!(stage.holder.holding(), Holding::default());
}

#[test]
fn who_is_not_near_keeps_no_tombstone_that_clears_nothing_there() {
    let mut stage = Stage::new();
    stage.is_in_arc = false;
    assert_eq!(stage.cleared(7, tombstone(50, BELA, &[1])), []);
    assert_eq!(stage.holder.holding(), Holding::default());
}

#[test]
fn a_receiver_has_so_many_tombstones_here_and_is_heeded_beyond() {
    let mut stage = Stage::new();
    stage.keeps(1, BELA, 1, 1);
    for number in 0..RECEIVER_ENVELOPES_MAX as u32 {
        stage.cleared(7, tombstone(10_000 + number, BELA, &[5_000]));
    }
    let full = stage.holder.holding().bytes;
    let orders = stage.cleared(7, tombstone(99_999, BELA, &[1]));
    assert_eq!(written(&orders, Table::Envelopes), [(row_key(&BELA, id(1)), false)], "what it names goes");
    assert!(stage.holder.holding().bytes < full, "and nothing more is kept");
}

#[test]
fn a_list_goes_on_where_the_one_before_ended() {
    let mut stage = Stage::new();
    for depositor in 0..3 {
        stage.fills(depositor, BELA, 1_000 * depositor as u32 + 1, 1);
    }
    let (first, is_more) = stage.holder.list(&BELA, id(0));
    assert_eq!((first.len(), is_more), (LIST_MAX, true));
    let (rest, is_more) = stage.holder.list(&BELA, first[LIST_MAX - 1].0);
    assert_eq!((rest.len(), is_more), (3 * PAIR_ENVELOPES_MAX - LIST_MAX, false));
    assert!(first.iter().chain(&rest).is_sorted_by(|one, next| one.0 < next.0));
}

#[test]
fn what_the_browser_took_from_the_disk_is_said_to_be_gone() {
    let mut stage = Stage::new();
    stage.keeps(1, BELA, 1, 1);
    let orders = stage.with(|holder, _, _, out| holder.missing(&BELA, id(1), out));
    assert_eq!(written(&orders, Table::Held), [(row_key(&BELA, id(1)), false)]);
    assert_eq!(stage.asks(1, BELA, [1], 1), [Verdict::Want], "it is taken anew");
}

/// Longest until a look is due.
const HANDOVER_MS: u64 = crate::limits::HANDOVER_LOOK_MS;

#[test]
fn whoever_names_nodes_that_are_not_there_fills_nothing_without_bound() {
    let mut stage = Stage::new();
    (1..=50).for_each(|number| stage.keeps(1, [number; 32], u32::from(number), 1));
    for number in 0..10_000 {
        stage.now = later(stage.now, 10);
        stage.holder.unreachable(RingId(1_000 + number), stage.now);
        assert!(stage.holder.queues(1).iter().all(|(_, length, bound)| length <= bound), "{:?}", stage.holder.queues(1));
    }
    // When what was remembered is over there is room for more.
    stage.wait(2 * HOLDER_PASSED_MS);
    stage.holder.unreachable(RingId(7), stage.now);
    assert_eq!(stage.holder.queues(1)[4].1, 1);
}

#[test]
fn so_many_pairs_of_node_and_mailbox_are_passed_over_and_no_more() {
    let mut stage = Stage::new();
    for number in 0..=PASSED_MAX as u128 {
        stage.holder.pass(RingId(number % 16), sha256(&[&number.to_be_bytes()]), stage.now);
    }
    assert_eq!(stage.holder.passed.len(), PASSED_MAX);
}

#[test]
fn so_many_offers_are_out_at_once_and_the_rest_follows_at_the_next_look() {
    let mut stage = Stage::new();
    stage.arc = vec![ME, RingId(1), RingId(2), RingId(3), RingId(4)];
    stage.linked = stage.arc[1..].to_vec();
    let boxes = OFFERS_OUT_MAX as u32 / 4 + 10;
    for number in 0..boxes {
        let mailbox = sha256(&[&number.to_be_bytes()]);
        let item = kept_since_before(number);
        stage.holder.boxes.entry(mailbox).or_default().insert(id(number), item);
    }
    stage.wait(60_000);
    let first = stage.looks();
    assert_eq!((first.len(), stage.holder.asked.len()), (OFFERS_OUT_MAX, OFFERS_OUT_MAX));
    stage.wait(60_000);
    assert_eq!(stage.looks().len(), OFFERS_OUT_MAX, "what was not answered, and the rest");
}
