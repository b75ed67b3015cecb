//! Tests of the collector: each envelope fetched once, from another holder where one fails, and how long live messages wait.

use super::*;

const START: Now = Now { mono: 1_000, wall: 1_794_700_800_000 };
const FIRST: EnvelopeId = EnvelopeId([0; 32]);

fn id(number: u32) -> EnvelopeId {
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    EnvelopeId(bytes)
}

fn ids(numbers: std::ops::RangeInclusive<u32>) -> Vec<EnvelopeId> {
    numbers.map(id).collect()
}

struct Stage {
    collector: Collector,
    now: Now,
}

type Sent = Vec<(RingId, CollectMessage)>;

impl Stage {
    /// These are linked, and have been asked.
    fn linked_to(nodes: impl IntoIterator<Item = u128>) -> Self {
        let mut stage = Self { collector: Collector::default(), now: START };
        for node in nodes {
            let sent = stage.with(|collector, _, out| collector.linked(RingId(node), out));
            assert_eq!(sent, [(RingId(node), CollectMessage::Ask { after: FIRST })]);
        }
        stage
    }

    fn with(&mut self, step: impl FnOnce(&mut Collector, Now, &mut Sent)) -> Sent {
        let mut out = Vec::new();
        step(&mut self.collector, self.now, &mut out);
        out
    }

    fn lists(&mut self, from: u128, fresh: &[EnvelopeId]) -> Sent {
        self.with(|collector, now, out| collector.listed(RingId(from), fresh, None, now, out))
    }

    fn comes(&mut self, from: u128, number: u32) -> bool {
        self.collector.came(RingId(from), id(number), self.now)
    }

    fn done(&mut self, number: u32) -> Sent {
        self.with(|collector, now, out| collector.done(id(number), now, out))
    }

    fn wait(&mut self, ms: u64) -> Sent {
        self.now = Now { mono: self.now.mono + ms, wall: self.now.wall + ms };
        self.with(|collector, now, out| collector.tend(now, out))
    }
}

/// What is asked for, of whom.
fn fetched(sent: &Sent) -> Vec<(u128, EnvelopeId)> {
    let of_message = |(to, message): &(RingId, CollectMessage)| match message {
        CollectMessage::Fetch(ids) => ids.iter().map(|id| (to.0, *id)).collect(),
        _ => Vec::new(),
    };
    sent.iter().flat_map(of_message).collect()
}

#[test]
fn what_five_have_is_fetched_once() {
    let mut stage = Stage::linked_to(1..=5);
    let mut asked = Vec::new();
    for node in 1..=5 {
        asked.extend(fetched(&stage.lists(node, &ids(1..=200))));
    }
    assert_eq!(asked.len(), FETCH_MAX, "a few at a time");
    let mut at = 0;
    while at < asked.len() {
        let (from, envelope) = asked[at];
        assert!(stage.collector.came(RingId(from), envelope, stage.now));
        assert!(!stage.collector.came(RingId(from), envelope, stage.now), "twice is once");
        asked.extend(fetched(&stage.with(|collector, now, out| collector.done(envelope, now, out))));
        at += 1;
    }
    let mut all: Vec<EnvelopeId> = asked.iter().map(|(_, envelope)| *envelope).collect();
    all.sort();
    assert_eq!(all, ids(1..=200));
    assert!((1..=5).all(|node| asked.iter().any(|(from, _)| *from == node)), "of all of them in turn");
}

#[test]
fn what_one_withholds_another_brings() {
    let mut stage = Stage::linked_to([1, 2]);
    assert_eq!(fetched(&stage.lists(1, &[id(1)])), [(1, id(1))]);
    assert_eq!(fetched(&stage.lists(2, &[id(1)])), []);
    assert_eq!(fetched(&stage.wait(HOLDER_WAIT_MS - 1)), []);
    assert_eq!(fetched(&stage.wait(1)), [(2, id(1))]);
    assert!(stage.comes(2, 1));
}

#[test]
fn what_comes_late_is_taken_and_asked_of_nobody_else() {
    let mut stage = Stage::linked_to([1, 2]);
    stage.lists(1, &[id(1)]);
    stage.lists(2, &[id(1)]);
    stage.wait(HOLDER_WAIT_MS);
    assert!(stage.comes(1, 1), "it is what it is called, whoever brings it");
    assert!(!stage.comes(2, 1));
}

#[test]
fn who_sends_slowly_is_not_taken_for_one_that_withholds() {
    let mut stage = Stage::linked_to([1, 2]);
    stage.lists(1, &ids(1..=10));
    stage.lists(2, &ids(1..=10));
    for number in 1..=6 {
        assert_eq!(fetched(&stage.wait(HOLDER_WAIT_MS - 1_000)), [], "number {number}");
        assert!(stage.comes(1, number));
    }
    assert_eq!(fetched(&stage.wait(FETCH_MS - 6 * (HOLDER_WAIT_MS - 1_000))).len(), 4, "but not for ever");
}

#[test]
fn what_is_gone_or_altered_at_one_comes_from_another() {
    let mut stage = Stage::linked_to([1, 2]);
    stage.lists(1, &ids(1..=3));
    stage.lists(2, &ids(1..=3));
    let sent = stage.with(|collector, now, out| collector.failed(RingId(1), Some(id(1)), now, out));
    assert_eq!(fetched(&sent), [(2, id(1))]);
    let sent = stage.with(|collector, now, out| collector.failed(RingId(1), None, now, out));
    assert_eq!(fetched(&sent), [(2, id(2)), (2, id(3))], "who sends what it is not is asked for nothing more");
}

#[test]
fn what_was_under_way_when_a_session_ends_comes_from_another() {
    let mut stage = Stage::linked_to([1, 2]);
    stage.lists(1, &[id(1)]);
    stage.lists(2, &[id(1)]);
    let sent = stage.with(|collector, now, out| collector.unlinked(RingId(1), now, out));
    assert_eq!(fetched(&sent), [(2, id(1))]);
}

#[test]
fn what_nobody_brings_is_asked_for_again_later_and_more_seldom_each_time() {
    let mut stage = Stage::linked_to([1]);
    let mut waits = Vec::new();
    for _ in 0..9 {
        stage.lists(1, &[id(1)]);
        assert_eq!(stage.wait(HOLDER_WAIT_MS), []);
        let due_ms = stage.collector.deadline().expect("it is not forgotten");
        waits.push(due_ms - stage.now.mono);
        assert_eq!(stage.wait(waits[waits.len() - 1]), [(RingId(1), CollectMessage::Ask { after: FIRST })]);
    }
    assert_eq!(waits[..3], [COLLECT_AGAIN_MIN_MS, 2 * COLLECT_AGAIN_MIN_MS, 4 * COLLECT_AGAIN_MIN_MS]);
    assert_eq!(waits[8], COLLECT_AGAIN_MAX_MS);
    stage.with(|collector, now, _| collector.again_now(now));
    assert_eq!(stage.wait(0).len(), 1, "at once where there is a reason");
}

#[test]
fn a_long_list_is_asked_for_to_its_end() {
    let mut stage = Stage::linked_to([1]);
    let sent = stage.with(|collector, now, out| collector.listed(RingId(1), &ids(1..=512), Some(id(512)), now, out));
    assert!(sent.contains(&(RingId(1), CollectMessage::Ask { after: id(512) })));
    assert!(stage.lists(1, &ids(513..=600)).iter().all(|(_, message)| !matches!(message, CollectMessage::Ask { .. })));
}

#[test]
fn one_that_names_what_it_never_sends_does_not_hold_up_the_others() {
    let mut stage = Stage::linked_to([1, 2]);
    let made_up = ids(1..=2_000);
    let true_ones = ids(5_001..=5_020);
    assert_eq!(stage.lists(1, &made_up).iter().filter(|(_, message)| matches!(message, CollectMessage::Ask { .. })).count(), 0);
    assert_eq!(fetched(&stage.lists(2, &true_ones)).len(), 20, "at once");
    true_ones.iter().for_each(|envelope| {
        stage.collector.came(RingId(2), *envelope, stage.now);
        stage.with(|collector, now, out| collector.done(*envelope, now, out));
    });
    assert_eq!(fetched(&stage.wait(HOLDER_WAIT_MS)), [], "it is asked for nothing more");
    assert_eq!(stage.collector.wanted.len(), 0);
}

#[test]
fn a_list_without_an_end_is_not_read_to_its_end() {
    let mut stage = Stage::linked_to([1]);
    let mut asked = 0;
    for turn in 0..100 {
        let listed = ids(512 * turn + 1..=512 * (turn + 1));
        let sent = stage.with(|collector, now, out| collector.listed(RingId(1), &listed, listed.last().copied(), now, out));
        asked += sent.iter().filter(|(_, message)| matches!(message, CollectMessage::Ask { .. })).count();
    }
    assert_eq!((asked, stage.collector.wanted.len()), (NAMED_MAX / 512, NAMED_MAX));
    let mut stage = Stage::linked_to([1]);
    let mut asked = 0;
    for _ in 0..100 {
        let sent = stage.with(|collector, now, out| collector.listed(RingId(1), &ids(1..=5), Some(id(5)), now, out));
        asked += sent.iter().filter(|(_, message)| matches!(message, CollectMessage::Ask { .. })).count();
    }
    assert!(asked <= 50, "one that says the same again and again is asked no more for it: {asked}");
}

#[test]
fn only_so_much_is_remembered_of_what_is_listed_and_the_rest_is_asked_for_again() {
    let mut stage = Stage::linked_to(1..=3);
    for node in 0..3 {
        let first = node * NAMED_MAX as u32 + 1;
        stage.lists(u128::from(node) + 1, &ids(first..=first + NAMED_MAX as u32 - 1));
    }
    assert_eq!(stage.collector.wanted.len(), WANTED_MAX);
    assert!(stage.collector.deadline().is_some_and(|at| at <= stage.now.mono + COLLECT_AGAIN_MIN_MS));
}

#[test]
fn what_comes_live_waits_for_the_five_and_what_they_have_and_not_for_long() {
    let mut stage = Stage::linked_to([1, 2]);
    assert!(!stage.collector.is_draining(stage.now), "not in its place yet");
    stage.collector.joined([1, 2].map(RingId).to_vec(), stage.now);
    assert!(stage.collector.is_draining(stage.now));
    stage.lists(1, &[]);
    assert!(stage.collector.is_draining(stage.now), "the second has not said");
    stage.lists(2, &[id(1)]);
    assert!(stage.collector.is_draining(stage.now), "it has not come");
    stage.comes(2, 1);
    assert!(stage.collector.is_draining(stage.now), "it is not durable");
    stage.done(1);
    assert!(!stage.collector.is_draining(stage.now));

    let mut stage = Stage::linked_to([1]);
    stage.collector.joined(vec![RingId(1), RingId(2)], stage.now);
    assert_eq!(stage.collector.deadline(), Some(stage.now.mono + DRAIN_MS));
    stage.wait(DRAIN_MS - 1);
    assert!(stage.collector.is_draining(stage.now));
    stage.wait(1);
    assert!(!stage.collector.is_draining(stage.now), "whoever says nothing");
}

#[test]
fn one_of_the_five_that_comes_later_than_the_others_is_asked_when_it_is_linked() {
    let mut stage = Stage::linked_to([1]);
    stage.collector.joined(vec![RingId(1)], stage.now);
    stage.lists(1, &[]);
    let sent = stage.with(|collector, _, out| collector.linked(RingId(2), out));
    assert_eq!(sent, [(RingId(2), CollectMessage::Ask { after: FIRST })]);
    assert_eq!(fetched(&stage.lists(2, &[id(9)])), [(2, id(9))]);
}

#[test]
fn only_so_many_nodes_are_remembered_to_have_one_envelope() {
    let mut stage = Stage::linked_to(1..=15);
    (1..=15).for_each(|node| drop(stage.lists(node, &[id(1)])));
    assert_eq!(stage.collector.sources(&id(1)).len(), 2 * COPIES);
}

#[test]
fn what_may_be_taken_again_is_asked_for_at_once_and_the_waits_begin_anew() {
    let mut stage = Stage::linked_to([1]);
    let waits = |stage: &mut Stage| {
        stage.collector.again_later(stage.now);
        stage.collector.deadline().map(|at| at - stage.now.mono)
    };
    assert_eq!(waits(&mut stage), Some(COLLECT_AGAIN_MIN_MS));
    stage.wait(COLLECT_AGAIN_MIN_MS);
    assert_eq!(waits(&mut stage), Some(2 * COLLECT_AGAIN_MIN_MS));
    stage.collector.again_now(stage.now);
    assert!(stage.collector.is_again_due(stage.now));
    assert!(stage.wait(0).iter().any(|(_, message)| matches!(message, CollectMessage::Ask { .. })));
    assert_eq!(waits(&mut stage), Some(COLLECT_AGAIN_MIN_MS));
}

#[test]
fn when_nothing_is_waited_for_nothing_is_due() {
    let mut stage = Stage::linked_to([1]);
    stage.collector.joining(stage.now);
    assert!(stage.collector.is_draining(stage.now), "who keeps it is being looked up");
    stage.collector.joined(vec![RingId(1)], stage.now);
    stage.wait(DRAIN_MS);
    assert_eq!(stage.collector.deadline(), None);
}
