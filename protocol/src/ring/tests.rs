//! The room from its door.

use super::*;
use proptest::prelude::*;

/// A node among `others`, all of them linked and telling their true neighbours.
fn placed(me: u128, others: &[u128]) -> Ring {
    let mut out = Vec::new();
    let mut ring = Ring::new(RingId(me), RingConfig::default(), crate::crypto::Rng::from_seed([1; 32]), 0);
    for other in others {
        ring.linked(RingId(*other), 0, &mut out);
    }
    // Its place is not asked for here: it is the right one.
    ring.standing = Standing::Member;
    ring
}

proptest! {
    #[test]
    fn the_responsible_nodes_are_the_first_five_clockwise_in_rings_of_all_sizes(
        places in proptest::collection::btree_set(any::<u128>(), 2..32),
        key in any::<u128>(),
    ) {
        let places: Vec<u128> = places.into_iter().collect();
        let ring = placed(places[0], &places[1..]);
        let mut oracle: Vec<RingId> = places.iter().copied().map(RingId).collect();
        oracle.sort_by_key(|place| RingId(key).clockwise_to(*place));
        oracle.truncate(5);
        prop_assert_eq!(ring.responsible_for(RingId(key)), oracle);
    }
}
