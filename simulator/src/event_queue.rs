//! What is to happen in a world, in the order of time, and of insertion where times are equal: a hierarchical timing wheel.
//!
//! No clock, no cancelling: an event that no longer matters is ignored by the world that takes it.

use std::collections::{BTreeMap, VecDeque};

/// Bits of the time that one level resolves. 1,024 slots of 32 bytes stay within a first-level cache.
const LEVEL_BITS: u32 = 10;
const SLOTS: usize = 1 << LEVEL_BITS;
const SLOT_MASK: u64 = SLOTS as u64 - 1;
/// Levels above the first: slots of 1.024 s and of 17.5 min. What is further away than 12.4 days waits in a map.
const COARSE_LEVELS: usize = 2;
const WORDS: usize = SLOTS / 64;

/// Pending events of a world, at times in milliseconds.
///
/// Scheduling and taking cost the same however many events are pending: an event is moved at most twice on its way.
pub struct EventQueue<E> {
    now_ms: u64,
    len: usize,
    /// One slot a millisecond, for the 1,024 ms that `now_ms` lies in.
    fine: Vec<VecDeque<E>>,
    fine_used: Occupancy,
    coarse: [CoarseLevel<E>; COARSE_LEVELS],
    /// By time above the bits of all levels.
    far: BTreeMap<u64, Vec<(u64, E)>>,
}

/// Slots whose events are not sorted by time but by insertion.
struct CoarseLevel<E> {
    slots: Vec<Vec<(u64, E)>>,
    used: Occupancy,
    /// The memory of slots that were emptied, for those filled next: a slot's turn comes again only after all others'.
    spare: Vec<Vec<(u64, E)>>,
}

impl<E> EventQueue<E> {
    /// An empty queue at time 0.
    pub fn new() -> Self {
        Self {
            now_ms: 0,
            len: 0,
            fine: (0..SLOTS).map(|_| VecDeque::new()).collect(),
            fine_used: Occupancy::new(),
            coarse: std::array::from_fn(|_| CoarseLevel::new()),
            far: BTreeMap::new(),
        }
    }

    /// The time of the event last taken, or the limit last reached.
    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// How many events are pending.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether none is pending.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Has `event` happen at `at_ms`; a time that is past becomes now.
    pub fn schedule(&mut self, at_ms: u64, event: E) {
        self.len += 1;
        self.place(at_ms.max(self.now_ms), event);
    }

    /// Has `event` happen `delay_ms` from now.
    pub fn schedule_in(&mut self, delay_ms: u64, event: E) {
        self.schedule(self.now_ms.saturating_add(delay_ms), event);
    }

    /// Takes the earliest event, and moves the time to it.
    pub fn pop(&mut self) -> Option<(u64, E)> {
        self.take(u64::MAX)
    }

    /// Takes the earliest event that happens at `limit_ms` or before. If there is none, the time moves to the limit.
    pub fn pop_until(&mut self, limit_ms: u64) -> Option<(u64, E)> {
        let taken = self.take(limit_ms);
        if taken.is_none() && limit_ms > self.now_ms {
            self.move_to(limit_ms);
        }
        taken
    }

    fn take(&mut self, limit_ms: u64) -> Option<(u64, E)> {
        loop {
            if let Some(slot) = self.fine_used.first_from((self.now_ms & SLOT_MASK) as usize) {
                let at_ms = (self.now_ms & !SLOT_MASK) | slot as u64;
                if at_ms > limit_ms {
                    return None;
                }
                let event = self.fine[slot].pop_front().expect("a slot marked as used holds an event");
                if self.fine[slot].is_empty() {
                    self.fine_used.clear(slot);
                }
                self.now_ms = at_ms;
                self.len -= 1;
                return Some((at_ms, event));
            }
            let start_ms = self.next_window().filter(|start_ms| *start_ms <= limit_ms)?;
            self.move_to(start_ms);
        }
    }

    /// The start of the next stretch of time, on any level, in which something happens; the first level's is exhausted.
    fn next_window(&self) -> Option<u64> {
        for (index, level) in self.coarse.iter().enumerate() {
            let shift = LEVEL_BITS * (index as u32 + 1);
            let current = ((self.now_ms >> shift) & SLOT_MASK) as usize;
            if let Some(slot) = level.used.first_from(current + 1) {
                return Some((((self.now_ms >> shift) & !SLOT_MASK) | slot as u64) << shift);
            }
        }
        self.far.first_key_value().map(|(block, _)| block << far_shift())
    }

    /// Moves the time over a stretch in which nothing happens. The events of every slot that the time enters move down, those
    /// of the coarsest first, before anything new can be placed among them: that keeps the order of insertion.
    fn move_to(&mut self, to_ms: u64) {
        let from_ms = self.now_ms;
        self.now_ms = to_ms;
        if from_ms >> far_shift() != to_ms >> far_shift() {
            for (at_ms, event) in self.far.remove(&(to_ms >> far_shift())).unwrap_or_default() {
                self.place(at_ms, event);
            }
        }
        for index in (0..COARSE_LEVELS).rev() {
            let shift = LEVEL_BITS * (index as u32 + 1);
            if from_ms >> shift != to_ms >> shift {
                self.empty_slot(index, ((to_ms >> shift) & SLOT_MASK) as usize);
            }
        }
    }

    fn empty_slot(&mut self, level: usize, slot: usize) {
        self.coarse[level].used.clear(slot);
        let mut events = std::mem::take(&mut self.coarse[level].slots[slot]);
        for (at_ms, event) in events.drain(..) {
            self.place(at_ms, event);
        }
        if events.capacity() > 0 {
            self.coarse[level].spare.push(events);
        }
    }

    /// Puts an event on the finest level that reaches its time.
    #[inline]
    fn place(&mut self, at_ms: u64, event: E) {
        let apart = at_ms ^ self.now_ms;
        if apart >> LEVEL_BITS == 0 {
            let slot = (at_ms & SLOT_MASK) as usize;
            self.fine[slot].push_back(event);
            self.fine_used.set(slot);
            return;
        }
        for (index, level) in self.coarse.iter_mut().enumerate() {
            let shift = LEVEL_BITS * (index as u32 + 1);
            if apart >> (shift + LEVEL_BITS) == 0 {
                level.put(((at_ms >> shift) & SLOT_MASK) as usize, at_ms, event);
                return;
            }
        }
        self.far.entry(at_ms >> far_shift()).or_default().push((at_ms, event));
    }
}

impl<E> Default for EventQueue<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E> CoarseLevel<E> {
    fn new() -> Self {
        Self { slots: (0..SLOTS).map(|_| Vec::new()).collect(), used: Occupancy::new(), spare: Vec::new() }
    }

    #[inline]
    fn put(&mut self, slot: usize, at_ms: u64, event: E) {
        let events = &mut self.slots[slot];
        if events.capacity() == 0 {
            *events = self.spare.pop().unwrap_or_default();
        }
        events.push((at_ms, event));
        self.used.set(slot);
    }
}

const fn far_shift() -> u32 {
    LEVEL_BITS * (COARSE_LEVELS as u32 + 1)
}

/// Which slots of a level hold something.
struct Occupancy {
    words: [u64; WORDS],
}

impl Occupancy {
    fn new() -> Self {
        Self { words: [0; WORDS] }
    }

    fn set(&mut self, slot: usize) {
        self.words[slot / 64] |= 1 << (slot % 64);
    }

    fn clear(&mut self, slot: usize) {
        self.words[slot / 64] &= !(1 << (slot % 64));
    }

    /// The first used slot at `slot` or after it.
    fn first_from(&self, slot: usize) -> Option<usize> {
        let mut word = slot / 64;
        let mut bits = self.words.get(word)? & (!0 << (slot % 64));
        while bits == 0 {
            word += 1;
            bits = *self.words.get(word)?;
        }
        Some(word * 64 + bits.trailing_zeros() as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The same, by an ordered map from time and number of insertion.
    #[derive(Default)]
    struct Oracle {
        events: BTreeMap<(u64, u64), u64>,
        now_ms: u64,
    }

    impl Oracle {
        fn schedule(&mut self, at_ms: u64, number: u64) {
            self.events.insert((at_ms.max(self.now_ms), number), number);
        }

        fn pop_until(&mut self, limit_ms: u64) -> Option<(u64, u64)> {
            let first = self.events.first_key_value().map(|(key, _)| *key).filter(|(at_ms, _)| *at_ms <= limit_ms);
            match first {
                Some(key) => {
                    self.now_ms = key.0;
                    self.events.remove(&key).map(|number| (key.0, number))
                }
                None => {
                    self.now_ms = self.now_ms.max(limit_ms);
                    None
                }
            }
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        Schedule(u64),
        Pop,
        PopWithin(u64),
    }

    /// Delays of every level, equal ones among them.
    fn delay() -> impl Strategy<Value = u64> {
        prop_oneof![0..4_u64, 0..3_000_u64, 0..3_000_000_u64, 0..3_000_000_000_u64, Just(u64::MAX / 2)]
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![3 => delay().prop_map(Step::Schedule), 2 => Just(Step::Pop), 1 => delay().prop_map(Step::PopWithin)]
    }

    proptest! {
        #[test]
        fn the_wheel_agrees_with_an_ordered_map(steps in prop::collection::vec(step(), 1..400)) {
            let (mut wheel, mut oracle) = (EventQueue::new(), Oracle::default());
            for (number, step) in (0_u64..).zip(steps) {
                match step {
                    Step::Schedule(delay_ms) => {
                        oracle.schedule(oracle.now_ms.saturating_add(delay_ms), number);
                        wheel.schedule_in(delay_ms, number);
                    }
                    Step::Pop if oracle.events.is_empty() => prop_assert_eq!(wheel.pop(), None),
                    Step::Pop => prop_assert_eq!(wheel.pop(), oracle.pop_until(u64::MAX)),
                    Step::PopWithin(span_ms) => {
                        let limit_ms = oracle.now_ms.saturating_add(span_ms);
                        prop_assert_eq!(wheel.pop_until(limit_ms), oracle.pop_until(limit_ms));
                    }
                }
                prop_assert_eq!(wheel.len(), oracle.events.len());
                prop_assert_eq!(wheel.now_ms(), oracle.now_ms);
            }
            while !oracle.events.is_empty() {
                prop_assert_eq!(wheel.pop(), oracle.pop_until(u64::MAX));
            }
            prop_assert!(wheel.is_empty());
        }
    }

    #[test]
    fn what_is_scheduled_in_the_past_happens_now_and_after_what_was_there() {
        let mut queue = EventQueue::new();
        queue.schedule(5_000, "first");
        queue.schedule(5_000, "second");
        assert_eq!(queue.pop(), Some((5_000, "first")));
        queue.schedule(10, "late");
        assert_eq!(queue.pop(), Some((5_000, "second")));
        assert_eq!(queue.pop(), Some((5_000, "late")));
        assert_eq!(queue.pop(), None);
    }
}
