//! Where things stand on the drawn ring, in parts of the circle of 2^-32, clockwise from this node at the top: true places, but
//! for dots that could not be told apart, which are moved apart. What is drawn there is not here.

use b4_protocol::identity::NodeId;

/// The least distance between two dots: 33 of them take two thirds of the circle, and on a phone they are 17 pixels apart.
const GAP: i64 = CIRCLE / 50;
const CIRCLE: i64 = 1 << 32;

/// The true place of a node, seen from `me`.
pub fn place(me: &NodeId, node: &NodeId) -> u32 {
    let first = |id: &NodeId| id.0.first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes));
    first(node).wrapping_sub(first(me))
}

/// Where the dots of ascending places are shown: no two closer than the gap, `me` at 0 included, each as near to its true place
/// as the others let it (least squares, by pooling neighbours that touch). More dots than fit stand evenly.
pub fn spread(places: &[u32]) -> Vec<u32> {
    let steps = places.len() as i64 + 1;
    let gap = GAP.min(CIRCLE / steps);
    // Runs of dots that touch: the sum of what each wants beyond its gaps, and how many they are.
    let mut runs: Vec<(i64, i64)> = Vec::with_capacity(places.len());
    for (step, place) in (1..).zip(places) {
        let mut run = (i64::from(*place) - gap * step, 1);
        while let Some(before) = runs.pop() {
            if before.0 * run.1 < run.0 * before.1 {
                runs.push(before);
                break;
            }
            run = (run.0 + before.0, run.1 + before.1);
        }
        runs.push(run);
    }
    let beyond = runs.into_iter().flat_map(|(sum, dots)| (0..dots).map(move |_| (sum / dots).clamp(0, CIRCLE - gap * steps)));
    // Below the circle: the last one ends a gap before it.
    (1..).zip(beyond).map(|(step, beyond)| (beyond + gap * step) as u32).collect()
}

/// How far each of the dots is from the nearest other one; ascending. The whole circle where there is no other.
pub fn room(shown: &[u32]) -> Vec<u32> {
    let way = |from: usize, to: usize| shown[to % shown.len()].wrapping_sub(shown[from % shown.len()]).wrapping_sub(1).saturating_add(1);
    (0..shown.len()).map(|at| way(at + shown.len() - 1, at).min(way(at, at + 1))).collect()
}

/// Where a place between dots is shown: between the same two, in proportion.
pub fn between(place: u32, places: &[u32], shown: &[u32]) -> u32 {
    let after = places.partition_point(|other| *other < place);
    let end = |list: &[u32], index: Option<usize>, none: u64| {
        index.and_then(|index| list.get(index)).map_or(none, |found| u64::from(*found))
    };
    let before = after.checked_sub(1);
    let (from, shown_from) = (end(places, before, 0), end(shown, before, 0));
    let (to, shown_to) = (end(places, Some(after), 1 << 32), end(shown, Some(after), 1 << 32));
    // Both factors are at most the whole circle, the first one less.
    (shown_from + (u64::from(place) - from) * (shown_to - shown_from) / (to - from).max(1)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// That order and gaps hold for ascending places.
    fn check(places: &[u32]) {
        let shown = spread(places);
        assert_eq!(shown.len(), places.len());
        let gap = GAP.min(CIRCLE / (places.len() as i64 + 1));
        let all: Vec<i64> = [0].into_iter().chain(shown.iter().map(|at| i64::from(*at))).chain([CIRCLE]).collect();
        for pair in all.windows(2) {
            assert!(pair[1] - pair[0] >= gap, "{places:?}: {all:?}");
        }
    }

    #[test]
    fn thirty_two_dots_keep_their_order_and_a_readable_gap_wherever_they_stand() {
        const { assert!(GAP * 33 < CIRCLE, "32 and this node fit") };
        let mut seed = 1_u32;
        let mut next = |bits: u32| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            seed >> (32 - bits)
        };
        for round in 0..200 {
            // From all round the circle to all within a thousandth of it.
            let mut places: Vec<u32> = (0..32).map(|_| next(32 - round % 11)).collect();
            places.sort_unstable();
            check(&places);
            let from_the_other_side: Vec<u32> = places.iter().rev().map(|place| u32::MAX - place).collect();
            check(&from_the_other_side);
        }
        check(&[0; 32]);
        check(&[u32::MAX; 32]);
        check(&[7; 200]);
        check(&[]);
    }

    #[test]
    fn dots_that_stand_well_apart_stand_where_they_are() {
        let places = [1 << 29, 1 << 30, 1 << 31, 3 << 30];
        assert_eq!(spread(&places), places);
    }

    #[test]
    fn two_that_are_close_make_way_for_each_other_alike() {
        let [one, other] = [1 << 31, (1 << 31) + 1000];
        let shown = spread(&[one, other]);
        assert!(i64::from(one - shown[0]).abs_diff(i64::from(shown[1] - other)) <= 2, "{shown:?}");
    }

    #[test]
    fn a_place_between_two_dots_is_shown_between_them() {
        let places = [100, 200, 1 << 31];
        let shown = spread(&places);
        assert_eq!(between(200, &places, &shown), shown[1]);
        assert_eq!(between(150, &places, &shown), shown[0] + (shown[1] - shown[0]) / 2);
        assert!((shown[2]..=u32::MAX).contains(&between(u32::MAX, &places, &shown)));
        assert_eq!(between(1 << 30, &[], &[]), 1 << 30);
    }

    #[test]
    fn the_place_of_a_node_is_its_part_of_the_circle_from_mine() {
        let [mut me, mut node] = [NodeId([0; 32]), NodeId([0; 32])];
        (me.0[0], node.0[0]) = (0xc0, 0x40);
        assert_eq!(place(&me, &node), 1 << 31);
        assert_eq!(place(&me, &me), 0);
    }
    #[test]
    fn the_room_of_a_dot_ends_at_the_nearest_other_one_also_past_the_top() {
        assert_eq!(room(&[100, 400, 600]), [300, 200, 200]);
        assert_eq!(room(&[10, 1 << 31, u32::MAX - 9]), [20, (1 << 31) - 10, 20]);
        assert_eq!(room(&[7]), [u32::MAX]);
        assert!(room(&[]).is_empty());
    }
}
