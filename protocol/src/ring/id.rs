//! Positions on the ring and the arithmetic of its circle. Who stands where is not here.

use std::fmt;

use crate::crypto::sha256;
use crate::identity::{NodeId, UserId};

/// A position on the circle of 2^128 places, clockwise: the first 16 bytes of a node id or of a key, big-endian.
///
/// Half of the 256 bits is enough: the authority draws node ids at random and nobody can choose one, so that two of 100,000 nodes
/// share a position with a probability of 2^-94; and whoever links or seals to a node names all 256 bits. See PROTOCOL.md#ring.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct RingId(pub u128);

/// How much further a node before a key counts than one behind it. Guess; more than 1, as it can only pass on.
const BEFORE_WEIGHT: u128 = 2;
/// Ciura's gaps for Shell's sort.
const SORT_GAPS: [usize; 8] = [701, 301, 132, 57, 23, 10, 4, 1];

impl RingId {
    /// Length on the wire.
    pub const BYTES: usize = 16;

    /// Where a node stands.
    pub fn of_node(node: &NodeId) -> Self {
        Self::of_bytes(&node.0)
    }

    /// The mailbox key of a user: where their record and what is kept for them belong.
    pub fn of_user(user: &UserId) -> Self {
        Self::of_bytes(&sha256(&[user.as_str().as_bytes()]))
    }

    /// The first 16 of 32 bytes.
    pub fn of_bytes(bytes: &[u8; 32]) -> Self {
        let (first, _) = bytes.split_first_chunk::<16>().expect("32 bytes hold 16");
        Self(u128::from_be_bytes(*first))
    }

    /// The first four bytes: enough to name one among those that a node knows.
    pub fn head(self) -> u32 {
        (self.0 >> 96) as u32
    }

    /// The way from here clockwise to `to`: 0 for the same place.
    pub fn clockwise_to(self, to: Self) -> u128 {
        to.0.wrapping_sub(self.0)
    }

    /// The shorter way round between two places.
    pub fn distance(self, other: Self) -> u128 {
        self.clockwise_to(other).min(other.clockwise_to(self))
    }

    /// How far a node at `node` is from being responsible for this key: clockwise of it the way, before it twice the way. Who
    /// stands before a key can only pass on.
    pub fn remoteness(self, node: Self) -> u128 {
        self.clockwise_to(node).min(node.clockwise_to(self).saturating_mul(BEFORE_WEIGHT))
    }

    /// The place `way` clockwise from here.
    pub fn plus(self, way: u128) -> Self {
        Self(self.0.wrapping_add(way))
    }

    /// The place `way` counter-clockwise from here.
    pub fn minus(self, way: u128) -> Self {
        Self(self.0.wrapping_sub(way))
    }

    /// Whether this place lies on the way clockwise from `from` to `to`, ends included. From a place to itself there is only it.
    pub fn is_between(self, from: Self, to: Self) -> bool {
        from.clockwise_to(self) <= from.clockwise_to(to)
    }
}

/// Sorts places by `way`, in place; equal ones in any order. Shell's sort: the library's costs the page a kilobyte for each caller,
/// and no list here is longer than what some 40 links tell.
pub(super) fn sort_by(places: &mut [RingId], way: &dyn Fn(RingId) -> u128) {
    for gap in SORT_GAPS {
        for end in gap..places.len() {
            let mut at = end;
            while at >= gap && way(places[at]) < way(places[at - gap]) {
                places.swap(at, at - gap);
                at -= gap;
            }
        }
    }
}

impl fmt::Debug for RingId {
    /// The first 8 hexadecimal digits, as a node id's.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:08x}", self.head())
    }
}

/// A direction round the circle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// Clockwise: successors.
    Next = 0,
    /// Counter-clockwise: predecessors.
    Previous = 1,
}

impl Side {
    /// Both, successors first.
    pub const BOTH: [Side; 2] = [Side::Next, Side::Previous];

    /// The way from `from` to `to` in this direction.
    pub fn way(self, from: RingId, to: RingId) -> u128 {
        match self {
            Side::Next => from.clockwise_to(to),
            Side::Previous => to.clockwise_to(from),
        }
    }

    /// The place `way` from `from` in this direction.
    pub fn place(self, from: RingId, way: u128) -> RingId {
        match self {
            Side::Next => from.plus(way),
            Side::Previous => from.minus(way),
        }
    }

    /// The other direction.
    pub fn other(self) -> Self {
        match self {
            Side::Next => Side::Previous,
            Side::Previous => Side::Next,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A circle of 256 places walked step by step: too simple to be wrong. Its places are the multiples of 2^120.
    fn place(small: u8) -> RingId {
        RingId(u128::from(small) << 120)
    }

    fn steps(from: u8, to: u8) -> u128 {
        let mut at = from;
        let mut count = 0;
        while at != to {
            at = at.wrapping_add(1);
            count += 1;
        }
        count << 120
    }

    fn is_met(from: u8, to: u8, sought: u8) -> bool {
        let mut at = from;
        while at != to && at != sought {
            at = at.wrapping_add(1);
        }
        at == sought
    }

    proptest! {
        #[test]
        fn arithmetic_agrees_with_walking_the_circle(a in any::<u8>(), b in any::<u8>(), c in any::<u8>()) {
            prop_assert_eq!(place(a).clockwise_to(place(b)), steps(a, b));
            prop_assert_eq!(Side::Previous.way(place(a), place(b)), steps(b, a));
            prop_assert_eq!(place(a).distance(place(b)), steps(a, b).min(steps(b, a)));
            prop_assert_eq!(place(c).is_between(place(a), place(b)), is_met(a, b, c));
            prop_assert_eq!(Side::Next.place(place(a), steps(a, b)), place(b));
            prop_assert_eq!(Side::Previous.place(place(a), steps(b, a)), place(b));
        }
    }

    /// Any place, and often those where carries and borrows run far: beside a power of two, or beside another.
    fn any_place() -> impl Strategy<Value = u128> {
        let beside_power = (0_u32..128, 0_u128..3).prop_map(|(power, more)| (1_u128 << power).wrapping_add(more).wrapping_sub(1));
        prop_oneof![any::<u128>(), beside_power, 0_u128..3, (0_u128..3).prop_map(|less| u128::MAX - less)]
    }

    /// `a - b` round the circle as it is done on paper, byte by byte, from the last.
    fn paper_difference(a: u128, b: u128) -> [u8; 16] {
        let (mut a, b) = (a.to_be_bytes(), b.to_be_bytes());
        let mut borrow = 0;
        for at in (0..16).rev() {
            let digit = i16::from(a[at]) - i16::from(b[at]) - borrow;
            borrow = i16::from(digit < 0);
            a[at] = digit.rem_euclid(256) as u8;
        }
        a
    }

    /// `a + b` in the same manner; with the byte that is carried over.
    fn paper_sum(a: [u8; 16], b: [u8; 16]) -> [u8; 17] {
        let mut sum = [0; 17];
        let mut carry = 0;
        for at in (0..16).rev() {
            let digit = u16::from(a[at]) + u16::from(b[at]) + carry;
            sum[at + 1] = digit as u8;
            carry = digit >> 8;
        }
        sum[0] = carry as u8;
        sum
    }

    fn wide(bytes: [u8; 16]) -> [u8; 17] {
        paper_sum(bytes, [0; 16])
    }

    proptest! {
        #[test]
        fn arithmetic_agrees_with_paper_over_the_whole_circle(a in any_place(), b in any_place(), c in any_place()) {
            let (forth, back) = (paper_difference(b, a), paper_difference(a, b));
            let (one, other) = (RingId(a), RingId(b));
            prop_assert_eq!(one.clockwise_to(other).to_be_bytes(), forth);
            prop_assert_eq!(Side::Next.way(one, other).to_be_bytes(), forth);
            prop_assert_eq!(Side::Previous.way(one, other).to_be_bytes(), back);
            prop_assert_eq!(one.distance(other).to_be_bytes(), forth.min(back));
            let sum = paper_sum(a.to_be_bytes(), b.to_be_bytes());
            prop_assert_eq!(&one.plus(b).0.to_be_bytes(), &sum[1..]);
            prop_assert_eq!(one.minus(b).0.to_be_bytes(), back);
            // On the way from a to b: no further from a than b is.
            prop_assert_eq!(RingId(c).is_between(one, other), paper_difference(c, a) <= forth);
        }

        #[test]
        fn a_node_before_a_key_is_twice_as_remote_as_the_way_and_one_behind_it_once(key in any_place(), node in any_place()) {
            let behind = wide(paper_difference(node, key));
            let before = paper_difference(key, node);
            let least = behind.min(paper_sum(before, before));
            // Whatever is more than the circle is long cannot be less than the way behind.
            prop_assert_eq!(least[0], 0);
            prop_assert_eq!(&RingId(key).remoteness(RingId(node)).to_be_bytes(), &least[1..]);
        }
    }

    proptest! {
        #[test]
        fn places_are_sorted_by_the_way_that_is_asked_for(values in prop::collection::vec(any::<u128>(), 0..1_000), from in any::<u128>()) {
            let mut places: Vec<RingId> = values.into_iter().map(RingId).collect();
            let mut sorted = places.clone();
            sorted.sort_by_key(|place| RingId(from).clockwise_to(*place));
            sort_by(&mut places, &|place| RingId(from).clockwise_to(place));
            prop_assert_eq!(places, sorted);
        }
    }

    #[test]
    fn a_position_is_the_first_half_of_a_node_id() {
        let mut bytes = [0xff; 32];
        bytes[..16].copy_from_slice(&7_u128.to_be_bytes());
        assert_eq!(RingId::of_node(&NodeId(bytes)), RingId(7));
    }
}
