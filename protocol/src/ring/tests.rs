//! The room from its door.

use super::*;
use crate::limits::{RING_LINKS_MAX, RING_PATHS_PER_LINK, RING_TTL};
use proptest::prelude::{any, proptest, prop_assert_eq};

/// A node among `others`, all of them linked and telling their true neighbours.
fn placed(me: u128, others: &[u128]) -> Ring {
    let mut out = Vec::new();
    let mut ring = Ring::new(RingId(me), RingConfig::default(), Rng::from_seed([1; 32]), 0);
    for other in others {
        ring.linked(RingId(*other), 0, &mut out);
    }
    // Its place is not asked for here: it is the right one.
    ring.standing = Standing::Member;
    ring
}

/// A node at 0 that is linked to these.
fn linked_to(places: &[u128]) -> Ring {
    let mut ring = Ring::new(RingId(0), RingConfig { links: 24, tries: 1 }, Rng::from_seed([7; 32]), 1_000);
    for place in places {
        ring.linked(RingId(*place), 1_000, &mut Vec::new());
    }
    ring
}

/// Places spread evenly round the circle.
fn spread(count: u128) -> Vec<u128> {
    (1..=count).map(|at| u128::MAX / (count + 1) * at).collect()
}

fn find(number: u32, path: u64, hops: u8, key: u128) -> Message {
    let (path, key) = (PathId(path), RingId(key));
    let (suspects, avoid, body) = (Vec::new(), Vec::new(), Vec::new());
    let (service, aim) = (Service::Lookup, Aim::Any);
    Message::Route(Box::new(Route { number, path, service, aim, ttl: RING_TTL - hops, hops, key, suspects, avoid, body }))
}

/// The requests that leave, each with whom it goes to.
fn routes(out: &[Outcome]) -> Vec<(RingId, Route)> {
    let as_route = |outcome: &Outcome| match outcome {
        Outcome::Send { to, message: Message::Route(route) } => Some((*to, (**route).clone())),
        _ => None,
    };
    out.iter().filter_map(as_route).collect()
}

/// A request of the ring's own for a key that the second of three neighbours is next to: whom it goes to, and its route.
fn asked(ring: &mut Ring) -> (RequestId, RingId, Route) {
    let mut out = Vec::new();
    let request = Request { service: Service::Lookup, aim: Aim::Any, key: RingId(spread(3)[1] - 5), body: Vec::new() };
    let id = ring.request(request, 1_000, &mut out);
    let (to, route) = routes(&out).pop().unwrap();
    (id, to, route)
}

#[test]
fn a_hop_that_does_not_answer_is_passed_over_and_named_a_suspect() {
    let mut ring = linked_to(&spread(3));
    let (_, first, _) = asked(&mut ring);
    let mut out = Vec::new();
    ring.wake(3_000, &mut out);
    let again: Vec<_> = routes(&out).into_iter().filter(|(_, route)| route.service == Service::Lookup).collect();
    assert_eq!(again.len(), 1);
    assert_ne!(again[0].0, first);
    assert!(again[0].1.suspects.contains(&first));
}

#[test]
fn a_stuck_hop_gives_back_and_another_is_tried_with_what_is_left_of_the_hops() {
    let mut ring = linked_to(&spread(3));
    let (_, first, route) = asked(&mut ring);
    let mut out = Vec::new();
    ring.message(first, Message::Stuck { path: route.path, ttl: 9, suspects: Vec::new() }, 1_100, &mut out);
    let again = routes(&out);
    assert_ne!(again[0].0, first);
    assert_eq!(again[0].1.ttl, 8);
}

#[test]
fn a_reply_counts_only_from_a_hop_that_was_chosen() {
    let mut ring = linked_to(&spread(3));
    let (id, to, route) = asked(&mut ring);
    let reply = Message::Reply { path: route.path, answer: Answer { hops: 1, by: RingId(5), verdict: Verdict::Answered, body: Vec::new() } };
    let is_answered = |out: &[Outcome]| out.iter().any(|outcome| matches!(outcome, Outcome::Answered { request, .. } if *request == id));
    let other = spread(3).into_iter().map(RingId).find(|place| *place != to).unwrap();
    let mut out = Vec::new();
    ring.message(other, reply.clone(), 1_100, &mut out);
    assert!(!is_answered(&out));
    ring.message(to, reply, 1_100, &mut out);
    assert!(is_answered(&out));
}

#[test]
fn a_full_node_refuses_a_link_it_did_not_ask_for_unless_it_is_near() {
    let places = spread(RING_LINKS_MAX as u128);
    let mut ring = linked_to(&places);
    let (far, near) = (RingId(places[16] + 1), RingId(3));
    let mut out = Vec::new();
    ring.linked(far, 2_000, &mut out);
    assert!(out.contains(&Outcome::Send { to: far, message: Message::Full }));
    assert!(!ring.is_linked(far));
    ring.linked(near, 2_000, &mut out);
    assert!(ring.is_linked(near));
}

#[test]
fn a_request_that_went_in_a_circle_goes_back() {
    let places = spread(3);
    let mut ring = linked_to(&places);
    let mut out = Vec::new();
    ring.message(RingId(places[0]), find(1, 77, 1, places[1] - 5), 1_100, &mut out);
    assert_eq!(routes(&out).len(), 1);
    out.clear();
    ring.message(RingId(places[2]), find(2, 77, 4, places[1] - 5), 1_100, &mut out);
    let names_itself = |outcome: &Outcome| matches!(outcome, Outcome::Send { message: Message::Stuck { suspects, .. }, .. } if *suspects == [RingId(0)]);
    assert!(out.iter().any(names_itself) && routes(&out).is_empty());
}

#[test]
fn a_place_that_nobody_answers_at_is_believed_no_more() {
    let mut ring = placed(0, &spread(3));
    let (teller, made_up) = (RingId(spread(3)[2]), RingId(u128::MAX / 8 * 7));
    let names = Message::Near { side: Side::Next, list: vec![made_up] };
    let mut out = Vec::new();
    ring.tending.founds();
    ring.message(teller, names.clone(), 1_000, &mut out);
    assert!(ring.responsible_for(made_up).first() == Some(&made_up), "told, so believed at first");
    assert!(out.contains(&Outcome::Dial { to: made_up }));
    ring.dial_failed(made_up, false, 2_000, &mut out);
    ring.message(teller, names, 3_000, &mut out);
    assert_eq!(ring.responsible_for(made_up).first(), Some(&RingId(0)));
}

#[test]
fn a_neighbour_that_cannot_be_connected_to_stands_where_it_stands() {
    let mut ring = placed(0, &spread(3));
    let (far, beside) = (RingId(spread(3)[1]), RingId(9));
    let mut out = Vec::new();
    ring.tending.founds();
    ring.message(far, Message::Links { gone: Vec::new(), come: vec![beside] }, 1_000, &mut out);
    assert!(out.contains(&Outcome::Dial { to: beside }));
    for now_ms in [12_000, 20_000, 40_000] {
        ring.dial_failed(beside, true, now_ms, &mut out);
        assert_eq!(ring.near(Side::Next).first(), Some(&beside));
    }
    ring.message(far, Message::Links { gone: vec![0], come: Vec::new() }, 41_000, &mut out);
    assert_ne!(ring.near(Side::Next).first(), Some(&beside), "nobody is linked to it any more");
}

#[test]
fn what_one_of_three_neighbours_names_does_not_count_until_a_second_does() {
    let (first, second, third, named) = (RingId(10), RingId(20), RingId(30), RingId(25));
    let mut ring = linked_to(&[first.0, second.0, third.0, 1 << 100, 2 << 100]);
    ring.standing = Standing::Member;
    ring.tending.founds();
    let mut out = Vec::new();
    let list = |ids: &[RingId]| Message::Near { side: Side::Next, list: ids.to_vec() };
    ring.message(first, list(&[second, third, RingId(1 << 100)]), 1_000, &mut out);
    ring.message(second, list(&[named, third, RingId(1 << 100)]), 1_000, &mut out);
    assert!(!ring.near(Side::Next).contains(&named), "the first would have named it, too");
    assert!(out.contains(&Outcome::Dial { to: named }), "but it may be new");
    ring.message(first, list(&[second, named, third, RingId(1 << 100)]), 1_000, &mut out);
    assert_eq!(ring.near(Side::Next)[..4], [first, second, named, third]);
}

#[test]
fn a_request_at_the_edge_of_a_gap_goes_over_it() {
    // 10, 11 and 12 are linked and gone; 20 is told, and linked only to one that is far behind it.
    let mut ring = linked_to(&[10, 11, 12, 1 << 100, u128::MAX - 5, u128::MAX - 6, u128::MAX - 7]);
    ring.standing = Standing::Member;
    let mut out = Vec::new();
    ring.message(RingId(12), Message::Near { side: Side::Next, list: vec![RingId(20)] }, 1_000, &mut out);
    let suspects = vec![RingId(10), RingId(11), RingId(12)];
    let (number, path, key, avoid, body) = (1, PathId(7), RingId(5), Vec::new(), Vec::new());
    let (service, aim) = (Service::Lookup, Aim::Any);
    let route = Route { number, path, service, aim, ttl: 20, hops: 3, key, suspects, avoid, body };
    out.clear();
    ring.message(RingId(u128::MAX - 5), Message::Route(Box::new(route)), 1_100, &mut out);
    assert_eq!(routes(&out).first().map(|(to, _)| *to), Some(RingId(1 << 100)));
}

#[test]
fn who_is_silent_here_is_named_to_whoever_has_the_request_next() {
    let mut ring = linked_to(&[10, 11, 12, 1 << 100, u128::MAX - 5, u128::MAX - 6, u128::MAX - 7]);
    ring.standing = Standing::Member;
    for silent in [11, 1 << 100] {
        ring.neighbours.get_mut(&RingId(silent)).unwrap().suspect_until_ms = 20_000;
        ring.suspects_until_ms = 20_000;
    }
    let mut out = Vec::new();
    ring.message(RingId(u128::MAX - 5), find(1, 77, 3, 5), 1_100, &mut out);
    let sent: Vec<(RingId, Vec<RingId>)> = routes(&out).into_iter().map(|(to, route)| (to, route.suspects)).collect();
    assert_eq!(sent, [(RingId(10), vec![RingId(11)])], "of the silent ones, those that stand nearer to the key");
}

#[test]
fn a_request_ends_where_it_belongs_though_its_hops_are_used_up() {
    let places = spread(3);
    let mut ring = placed(0, &places);
    let Message::Route(mut route) = find(1, 77, 3, u128::MAX - 5) else { unreachable!() };
    route.ttl = 0;
    let mut out = Vec::new();
    ring.message(RingId(places[0]), Message::Route(route), 1_100, &mut out);
    assert!(out.iter().any(|outcome| matches!(outcome, Outcome::Delivered { .. })));
}

#[test]
fn a_request_whose_hops_are_used_up_goes_back_where_it_does_not_belong() {
    let places = spread(3);
    let mut ring = linked_to(&places);
    let mut out = Vec::new();
    ring.message(RingId(places[0]), find(1, 77, RING_TTL, places[1] - 5), 1_100, &mut out);
    let is_back = |outcome: &Outcome| matches!(outcome, Outcome::Send { to, message: Message::Stuck { ttl: 0, .. } } if to.0 == places[0]);
    assert!(out.iter().any(is_back) && routes(&out).is_empty());
}

#[test]
fn a_long_link_that_is_drawn_anew_takes_the_place_of_the_one_before() {
    let places = spread(40);
    let mut ring = placed(0, &[&places[..8], &places[32..]].concat());
    let long = |until_ms| Reason::Long { stratum: 3, gap_log2: 100, until_ms };
    let (before, anew, other) = (RingId(places[12]), RingId(places[20]), RingId(places[30]));
    let mut out = Vec::new();
    for (to, reason) in [(before, long(60_000)), (other, Reason::Long { stratum: 4, gap_log2: 100, until_ms: 60_000 }), (anew, long(120_000))] {
        ring.dial(to, reason, 1_000, &mut out);
        assert!(ring.is_linked(before) || to == before);
        ring.linked(to, 2_000, &mut out);
    }
    assert!(out.contains(&Outcome::Close { peer: before, is_dead: false }));
    assert!(!ring.is_linked(before) && ring.is_linked(anew) && ring.is_linked(other));
}

#[test]
fn a_request_that_comes_round_is_answered_to_both_sides_once_those_before_are_suspects() {
    let places = spread(7);
    let mut ring = placed(0, &places);
    let (before, round) = (RingId(places[0]), RingId(places[6]));
    let mut out = Vec::new();
    let is_delivered = |out: &[Outcome]| out.iter().any(|outcome| matches!(outcome, Outcome::Delivered { .. }));
    ring.message(before, find(1, 77, 3, places[1] + 5), 1_100, &mut out);
    assert_eq!(routes(&out).first().map(|(to, _)| *to), Some(RingId(places[2])));
    assert!(!is_delivered(&out), "five others come first");
    let Message::Route(mut again) = find(2, 77, 6, places[1] + 5) else { unreachable!() };
    again.suspects = places[2..6].iter().copied().map(RingId).collect();
    out.clear();
    ring.message(round, Message::Route(again), 1_200, &mut out);
    assert!(is_delivered(&out));
    out.clear();
    ring.answer(PathId(77), Vec::new(), 1_200, &mut out);
    let answered = |whom| out.iter().any(|outcome| matches!(outcome, Outcome::Send { to, message: Message::Reply { .. } } if *to == whom));
    assert!(answered(before) && answered(round));
}

#[test]
fn of_too_many_suspects_the_furthest_from_the_key_is_forgotten() {
    let mut suspects = Vec::new();
    for at in [900, 3, 2, 1_000, 1].into_iter().chain(4..20) {
        super::paths::note_suspect(&mut suspects, RingId(0), RingId(at));
    }
    suspects.sort_unstable();
    assert_eq!(suspects, (1..17).map(RingId).collect::<Vec<_>>());
}

#[test]
fn an_answer_goes_once_more_to_whoever_asks_again_for_a_hop_that_is_gone() {
    let places = spread(3);
    let mut ring = placed(0, &places);
    let (gone, other) = (RingId(places[0]), RingId(places[2]));
    let mut out = Vec::new();
    let Message::Route(mut route) = find(1, 77, 3, u128::MAX - 5) else { unreachable!() };
    route.service = Service::Find;
    ring.message(gone, Message::Route(route.clone()), 1_100, &mut out);
    let answers = |out: &[Outcome], whom: RingId| {
        out.iter().filter(|outcome| matches!(outcome, Outcome::Send { to, message: Message::Reply { .. } } if *to == whom)).count()
    };
    assert_eq!(answers(&out, gone), 1);
    out.clear();
    (route.number, route.hops) = (2, 4);
    ring.message(other, Message::Route(route), 1_300, &mut out);
    assert_eq!((answers(&out, other), answers(&out, gone)), (1, 0));
}

#[test]
fn a_hop_that_dies_with_a_request_is_noticed_before_the_try_is_over() {
    let mut ring = linked_to(&spread(3));
    let mut out = Vec::new();
    for place in spread(3) {
        // Nobody has a ping under way.
        ring.neighbours.get_mut(&RingId(place)).unwrap().ping = None;
    }
    let (_, first, route) = asked(&mut ring);
    ring.message(first, Message::Ack { number: route.number }, 1_040, &mut out);
    let mut again = None;
    for now_ms in (1_050..3_000).step_by(10) {
        out.clear();
        ring.wake(now_ms, &mut out);
        again = again.or(routes(&out).into_iter().find(|(_, sent)| sent.path == route.path).map(|(to, _)| (now_ms, to)));
    }
    let (at_ms, to) = again.expect("the same way is tried over another hop");
    assert!(to != first && at_ms < 2_500, "{at_ms}");
}

#[test]
fn a_ring_that_is_known_all_round_is_counted_and_a_larger_one_guessed() {
    // Crowded on one side: the gaps there say nothing of the others.
    let crowded = |count: u128| spread(count).into_iter().map(|place| if place < u128::MAX / 2 { place / 8 } else { place }).collect::<Vec<_>>();
    for count in [17, 24, 31] {
        assert_eq!(linked_to(&crowded(count)).estimate(), count as u64 + 1, "{count} others");
    }
    let guessed = linked_to(&spread(36)).estimate();
    assert!((30..45).contains(&guessed), "{guessed}");
}

#[test]
fn a_node_that_can_afford_few_connections_draws_no_long_links() {
    let has_drawn = |ring: &mut Ring| {
        let before_ms = ring.tending.draw_ms;
        ring.tending.changed();
        ring.wake(1_000, &mut Vec::new());
        ring.tending.draw_ms != before_ms
    };
    let many = spread(20);
    let (mut rich, mut poor) = (placed(0, &many), placed(0, &many));
    poor.draw_no_more();
    assert!(has_drawn(&mut rich));
    assert!(!has_drawn(&mut poor));
}

#[test]
fn one_link_causes_no_more_paths_than_its_bound() {
    let places = spread(3);
    let mut ring = linked_to(&places);
    let mut out = Vec::new();
    for number in 0..RING_PATHS_PER_LINK as u32 + 50 {
        ring.message(RingId(places[0]), find(number, u64::from(number) + 1, 1, places[1] - 5), 1_100, &mut out);
    }
    assert!(routes(&out).len() <= RING_PATHS_PER_LINK);
}

#[test]
fn changes_that_do_not_fit_the_table_cost_the_link() {
    let places = spread(3);
    let mut ring = linked_to(&places);
    let mut out = Vec::new();
    ring.message(RingId(places[0]), Message::Links { gone: vec![7], come: Vec::new() }, 1_100, &mut out);
    assert!(out.contains(&Outcome::Close { peer: RingId(places[0]), is_dead: true }));
    assert!(!ring.is_linked(RingId(places[0])));
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

/// The `Late`s that leave, each with whom it goes to and whom it names.
fn lates(out: &[Outcome]) -> Vec<(RingId, u32)> {
    let as_late = |outcome: &Outcome| match outcome {
        Outcome::Send { to, message: Message::Late { next, .. } } => Some((*to, *next)),
        _ => None,
    };
    out.iter().filter_map(as_late).collect()
}

#[test]
fn a_hop_whose_answer_is_late_says_once_where_the_request_went() {
    let places = spread(3);
    let mut ring = linked_to(&places);
    let from = RingId(places[0]);
    let mut out = Vec::new();
    ring.message(from, find(1, 77, 1, places[1] - 5), 1_100, &mut out);
    let (to, route) = routes(&out).pop().unwrap();
    ring.message(to, Message::Ack { number: route.number }, 1_140, &mut out);
    out.clear();
    for now_ms in (1_200..4_000).step_by(50) {
        ring.message(to, Message::Ping { token: 0 }, now_ms, &mut Vec::new());
        ring.wake(now_ms, &mut out);
    }
    assert_eq!(lates(&out), [(from, to.head())]);
}

#[test]
fn a_hop_that_lives_and_swallows_a_request_is_passed_over_and_one_that_says_where_it_went_is_not() {
    let passed_over = |names: bool| {
        let mut ring = linked_to(&spread(3));
        let (_, first, route) = asked(&mut ring);
        let mut out = Vec::new();
        ring.message(first, Message::Ack { number: route.number }, 1_040, &mut out);
        if names {
            ring.message(first, Message::Late { path: route.path, next: 5 }, 1_700, &mut out);
        }
        for now_ms in (1_750..4_500).step_by(50) {
            ring.message(first, Message::Ping { token: 0 }, now_ms, &mut Vec::new());
            ring.wake(now_ms, &mut out);
        }
        routes(&out).iter().any(|(to, sent)| sent.path == route.path && *to != first)
    };
    assert!(passed_over(false));
    assert!(!passed_over(true));
}

#[test]
fn what_a_hop_tells_of_those_behind_it_follows_its_own_name() {
    let places = spread(3);
    let mut ring = linked_to(&places);
    let from = RingId(places[0]);
    let mut out = Vec::new();
    ring.message(from, find(1, 77, 1, places[1] - 5), 1_100, &mut out);
    let (to, route) = routes(&out).pop().unwrap();
    for next in [5, 6] {
        ring.message(to, Message::Late { path: route.path, next }, 1_150, &mut out);
    }
    assert_eq!(lates(&out), [(from, to.head()), (from, 5), (from, 6)]);
    out.clear();
    ring.message(from, Message::Late { path: route.path, next: 7 }, 1_160, &mut out);
    assert!(lates(&out).is_empty(), "only the hop that has the request may say so");
}

#[test]
fn the_next_way_asks_to_avoid_those_that_were_named_but_never_whom_it_is_for() {
    let places = spread(5);
    let mut ring = linked_to(&places);
    ring.config.tries = 2;
    let key = RingId(places[2] - (1 << 110));
    let mut out = Vec::new();
    ring.request(Request { service: Service::Signal, aim: Aim::Node, key, body: Vec::new() }, 1_000, &mut out);
    let (first, route) = routes(&out).pop().unwrap();
    ring.message(first, Message::Ack { number: route.number }, 1_040, &mut out);
    for next in [key.head(), 1, 2, 3, 4, 5, 6, 7] {
        ring.message(first, Message::Late { path: route.path, next }, 1_700, &mut out);
    }
    out.clear();
    for now_ms in (1_750..5_100).step_by(50) {
        ring.message(first, Message::Ping { token: 0 }, now_ms, &mut Vec::new());
        ring.wake(now_ms, &mut out);
    }
    let again = routes(&out).into_iter().find(|(_, route)| route.service == Service::Signal).expect("a second way");
    assert_ne!(again.0, first);
    assert_eq!(again.1.avoid, [first.head(), 1, 2, 3, 4], "six are believed");
}

#[test]
fn who_is_to_be_avoided_is_passed_by_while_another_of_the_five_is_there() {
    let head = |place: u128| RingId(place).head();
    let places = spread(8);
    let ring = placed(0, &places);
    let Message::Route(mut route) = find(1, 77, 1, places[2] - 5) else { unreachable!() };
    let five = &places[2..7];
    for count in 0..5 {
        route.avoid = five[..count].iter().copied().map(head).collect();
        assert_eq!(ring.way_of(&route, &[], None, 1_000), routing::Way::Over(RingId(five[count])));
    }
    route.avoid = places.iter().copied().map(head).collect();
    for path in 0..5 {
        route.path = PathId(path);
        assert_eq!(ring.way_of(&route, &[], None, 1_000), routing::Way::Over(RingId(five[path as usize])));
    }
}

/// A request with three tries over so many links, which everybody takes and nobody answers: its ways with their first hops, and when it failed.
fn unanswered(links: u128) -> (Vec<(PathId, RingId)>, Option<u64>) {
    let mut ring = linked_to(&spread(links));
    ring.config.tries = 3;
    let mut out = Vec::new();
    let request = Request { service: Service::Lookup, aim: Aim::Any, key: RingId(spread(links)[1] - 5), body: Vec::new() };
    let id = ring.request(request, 1_000, &mut out);
    let (mut ways, mut failed_ms) = (Vec::new(), None);
    for now_ms in (1_000..20_000).step_by(50) {
        ring.wake(now_ms, &mut out);
        for (to, route) in routes(&out).into_iter().filter(|(_, route)| route.service == Service::Lookup) {
            // Whoever has it says so, lives, says where it went, and then nothing comes.
            ring.message(to, Message::Ack { number: route.number }, now_ms, &mut Vec::new());
            ring.message(to, Message::Late { path: route.path, next: 5 }, now_ms, &mut Vec::new());
            ways.push((route.path, to));
        }
        if out.contains(&Outcome::Failed { request: id }) {
            failed_ms = failed_ms.or(Some(now_ms));
        }
        out.clear();
        for place in spread(links) {
            ring.message(RingId(place), Message::Ping { token: 0 }, now_ms, &mut Vec::new());
        }
    }
    (ways, failed_ms)
}

#[test]
fn a_request_that_nobody_answers_is_tried_over_one_first_hop_after_another_and_fails_in_the_end() {
    for (links, tries) in [(7, 3), (2, 2)] {
        let (ways, failed_ms) = unanswered(links);
        let paths: std::collections::BTreeSet<PathId> = ways.iter().map(|(path, _)| *path).collect();
        let hops: std::collections::BTreeSet<RingId> = ways.iter().map(|(_, to)| *to).collect();
        assert_eq!((ways.len(), paths.len(), hops.len()), (tries, tries, tries), "{ways:?}");
        assert_eq!(failed_ms, Some(1_000 + 3 * crate::limits::RING_TRY_MS));
    }
}

#[test]
fn a_node_that_has_slept_asks_every_link_for_a_sign_of_life_and_cuts_those_that_stay_silent() {
    let places = spread(5);
    let mut ring = linked_to(&places);
    for place in &places {
        ring.message(RingId(*place), Message::Pong { token: 0 }, 1_100, &mut Vec::new());
        ring.neighbours.get_mut(&RingId(*place)).unwrap().ping = None;
    }
    let mut out = Vec::new();
    ring.resumed(2_000, &mut out);
    let asked = |out: &[Outcome], whom| out.iter().any(|outcome| matches!(outcome, Outcome::Send { to, message: Message::Ping { .. } } if *to == whom));
    assert!(places.iter().all(|place| asked(&out, RingId(*place))));
    let silent = RingId(places[2]);
    for place in places.iter().copied().map(RingId).filter(|place| *place != silent) {
        ring.message(place, Message::Ping { token: 9 }, 3_000, &mut out);
    }
    out.clear();
    let is_cut = |out: &[Outcome]| out.contains(&Outcome::Close { peer: silent, is_dead: true });
    ring.wake(2_000 + crate::limits::PROBE_WAIT_MS - 1, &mut out);
    assert!(!is_cut(&out));
    ring.wake(2_000 + crate::limits::PROBE_WAIT_MS, &mut out);
    assert!(is_cut(&out));
    assert_eq!(ring.degree(), 4, "of the others each has said something");
}

#[test]
fn a_link_goes_when_neither_end_has_a_use_for_it_and_the_nearest_and_those_drawn_stay() {
    let places = spread(30);
    let mut ring = placed(0, &places);
    ring.tending.founds();
    let drawn = RingId(places[10]);
    ring.neighbours.get_mut(&drawn).unwrap().reason = Reason::Long { stratum: 0, gap_log2: 64, until_ms: u64::MAX };
    let is_beside = |place: RingId| places[..4].iter().chain(&places[26..]).any(|near| RingId(*near) == place);
    let mut out = Vec::new();
    let spared = |out: &[Outcome]| {
        let spared = out.iter().filter_map(|outcome| match outcome {
            Outcome::Send { to, message: Message::Spare } => Some(*to),
            _ => None,
        });
        spared.collect::<Vec<RingId>>()
    };
    ring.shed(59_000, &mut out);
    assert_eq!(spared(&out), [], "young ones may be about to be of use");
    ring.shed(61_000, &mut out);
    let told = spared(&out);
    let expected: Vec<RingId> = places.iter().copied().map(RingId).filter(|place| *place != drawn && !is_beside(*place)).collect();
    assert_eq!(told, expected);
    assert!(!out.iter().any(|outcome| matches!(outcome, Outcome::Close { .. })), "the other end may have a use for it");
    out.clear();
    ring.message(told[0], Message::Spare, 62_000, &mut out);
    ring.message(drawn, Message::Spare, 62_000, &mut out);
    ring.shed(63_000, &mut out);
    let closed: Vec<&Outcome> = out.iter().filter(|outcome| matches!(outcome, Outcome::Close { .. })).collect();
    assert_eq!(closed, [&Outcome::Close { peer: told[0], is_dead: false }]);
    assert_eq!(spared(&out), [], "nobody is told twice");
}

#[test]
fn a_newcomer_takes_the_lists_of_the_answer_over_and_dials_the_three_next_on_each_side() {
    let far = RingId(1 << 127);
    let mut ring = Ring::new(RingId(0), RingConfig::default(), Rng::from_seed([7; 32]), 1_000);
    let mut out = Vec::new();
    ring.linked(far, 1_000, &mut out);
    let path = routes(&out).pop().expect("it asks for its place").1.path;
    let [next, previous] = Side::BOTH.map(|side| (1..17).map(|at| side.place(RingId(0), at << 90)).collect::<Vec<RingId>>());
    let body = message::write_ids(message::write_ids(crate::codec::Writer::new(), &next), &previous).into_bytes();
    let answer = Answer { hops: 3, by: next[0], verdict: Verdict::Answered, body };
    out.clear();
    ring.message(far, Message::Reply { path, answer }, 1_100, &mut out);
    let mut dialled: Vec<RingId> = out.iter().filter_map(|outcome| if let Outcome::Dial { to } = outcome { Some(*to) } else { None }).collect();
    dialled.sort();
    let mut expected = [&next[..3], &previous[..3]].concat();
    expected.sort();
    assert_eq!(dialled, expected);
}
