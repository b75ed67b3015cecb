//! Rings of many nodes, on their word (`ring_keys.rs` has those with keys): what holds after faults, and that everything follows from the seed.

use b4_protocol::limits::{NEAR_KNOWN, RING_LINKS_MAX, RING_REDRAW_MS, RING_SIDE_LINKS};
use b4_protocol::ring::{Reason, Ring, RingConfig, RingId};
use b4_simulator::Draws;
use b4_simulator::experiments::{self, COURSE, Churn, Setup, course};
use b4_simulator::overlay::{LinkModel, Overlay, OverlayConfig, Trust};

fn setup(nodes: usize, seed: u64) -> Setup {
    Setup { nodes, links: 24, seed, is_webrtc: false, lookups: 300, trust: Trust::Word }
}

#[test]
fn the_same_seed_takes_the_same_course_and_another_seed_another() {
    let run = |seed| experiments::hops(&setup(60, seed)).trace_hash;
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

/// Its twin, in the browser, is `tests/course.rs` of the app.
#[test]
fn a_ring_takes_the_course_that_is_written_down() {
    assert_eq!(course(Trust::Word), COURSE, "where the ring was changed on purpose, the new number belongs into experiments/course.rs");
}

/// The design's figures at 1,000 nodes, and what the links are for: with few long ones, paths are longer.
#[test]
fn paths_in_a_ring_at_rest_are_as_short_as_the_design_says_and_links_make_them_short() {
    let report = experiments::hops(&setup(1_000, 1));
    assert_eq!(report.correct, report.lookups, "{report:?}");
    assert!(report.hops_mean <= 2.9 && report.hops_p99 <= 5.0, "{report:?}");
    // Whoever stands beside a node is linked beyond the cap as well.
    assert!(report.degree_max.is_some_and(|most| most <= (RING_LINKS_MAX + 2 * RING_SIDE_LINKS) as f64), "{report:?}");
    assert_eq!(report.timeouts_mean, 0.0, "nobody is gone");
    let hops = |links| experiments::hops(&Setup { links, ..setup(300, 1) }).hops_mean;
    assert!(hops(8) > hops(24) * 1.2, "{} and {}", hops(8), hops(24));
}

#[test]
fn a_ring_of_two_hundred_stays_right_while_nodes_come_and_go() {
    let churn = Churn { setup: setup(200, 3), session_minutes: 30.0, hours: 0.1, graceful: 0.3 };
    let report = experiments::churn(&churn);
    assert_eq!(report.failed_twice_per_10k, Some(0.0), "{report:?}");
    assert!(report.correct + 1 >= report.lookups, "{report:?}");
}

/// The goal of the design: 3 s. A way of the relay's introduction and three round trips of 80 ms are the least that links take.
#[test]
fn the_ring_routes_for_half_of_the_newcomers_within_three_seconds_and_before_they_have_their_place() {
    for is_webrtc in [false, true] {
        let churn = Churn { setup: Setup { is_webrtc, ..setup(200, 7) }, session_minutes: 10.0, hours: 0.1, graceful: 0.0 };
        let report = experiments::churn(&churn);
        let (half, most) = (report.first_routed_ms_p50.unwrap(), report.first_routed_ms_p99.unwrap());
        assert!((200.0..=3_000.0).contains(&half) && half <= most, "{report:?}");
        assert!(report.join_ms_mean.is_some_and(|joined| half < joined), "{report:?}");
    }
    assert_eq!(experiments::hops(&setup(60, 1)).first_routed_ms_p50, None, "nobody came");
}

#[test]
fn when_half_crash_at_once_nearly_every_lookup_is_right_before_any_repair() {
    let reports = [4, 5, 6].map(|seed| experiments::crash(&setup(200, seed), 0.5));
    let (right, asked) = reports.iter().fold((0, 0), |(right, asked), report| (right + report.correct, asked + report.lookups));
    assert!(right * 100 >= asked * 98, "{right} of {asked} right");
}

#[test]
fn eight_ways_find_nearly_every_key_past_droppers_be_they_silent_or_liars() {
    let lost = |is_lying: bool| {
        let reports = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map(|seed| experiments::droppers(&Setup { lookups: 500, ..setup(200, seed) }, 0.22, 8, is_lying));
        reports.iter().filter_map(|report| report.failed_twice_per_10k).sum::<f64>() / 10.0
    };
    assert!(lost(false) <= 30.0, "{} of 10,000", lost(false));
    assert!(lost(true) <= 250.0, "{} of 10,000", lost(true));
}

#[test]
fn two_halves_are_one_ring_two_minutes_after_the_network_is_whole() {
    let report = experiments::split(&setup(100, 5), 3);
    assert!(report.healed_s.is_some_and(|healed| healed <= 120.0), "{report:?}");
    assert_eq!(report.correct, report.lookups);
}

#[test]
fn sleepers_that_wake_up_unaware_are_in_their_places_a_minute_after() {
    let report = experiments::zombies(&setup(60, 6), 0.2);
    assert_eq!(report.correct, report.lookups, "{report:?}");
}

/// A world of so many nodes, one a second, left to settle for two minutes.
fn settled(nodes: usize, seed: u64) -> Overlay {
    let ring = RingConfig { links: 24, tries: 2 };
    let mut world = Overlay::new(OverlayConfig { seed, ring, latency_ms: (10, 70), links: LinkModel::IDEAL, trust: Trust::Word });
    for _ in 0..nodes {
        world.join();
        world.run_for(1_000);
    }
    world.run_for(120_000);
    world
}

/// The oracle is what the rings count themselves. Requests name others who are silent beside those that they waited for: these are no timeouts.
#[test]
fn the_timeouts_of_lookups_are_the_hops_that_really_did_not_answer() {
    let mut world = settled(150, 1);
    world.set_deaf(true);
    world.running().into_iter().step_by(2).for_each(|node| world.crash(node));
    let counted = |world: &Overlay| world.rings().map(Ring::hop_timeouts).sum::<u64>();
    let before = counted(&world);
    let mut draws = Draws::from_seed(1, "test");
    for _ in 0..1_000 {
        let by = world.draw_live().unwrap();
        world.lookup(by, RingId(u128::from(draws.any()) << 64 | u128::from(draws.any())));
        world.run_for(1);
    }
    // Until everything is answered the rings ask for other things, too, and then these meet the dead.
    let (mut told, mut all) = (0, 0);
    for _ in 0..20 {
        world.run_for(1_000);
        told += world.take_lookups().iter().map(|lookup| u64::from(lookup.timeouts)).sum::<u64>();
        all = counted(&world) - before;
    }
    assert_eq!(world.lookups_open(), 0);
    assert!(told <= all && told * 10 >= all * 5, "lookups tell of {told} timeouts, the rings of {all}");
}

/// Up to 17 nodes: sixteen others, as many as a list holds.
#[test]
fn of_seventeen_everybody_is_linked_to_everybody_and_again_after_an_eighteenth_came_and_went() {
    let mut world = settled(NEAR_KNOWN + 1, 2);
    let is_full = |world: &Overlay| world.rings().all(|ring| ring.is_small() && ring.degree() == NEAR_KNOWN);
    assert_eq!((world.member_count(), is_full(&world)), (17, true));
    let last = world.join();
    world.run_for(60_000);
    assert_eq!((world.member_count(), world.is_whole()), (18, true));
    assert!(world.rings().all(|ring| !ring.is_small()), "eighteen have the rules of large rings");
    world.leave(last);
    world.run_for(60_000);
    assert_eq!((world.member_count(), is_full(&world)), (17, true), "{:?}", world.rings().map(Ring::degree).collect::<Vec<_>>());
}

/// The long links that nodes drew, each with when it is drawn anew.
fn long_links(world: &Overlay) -> Vec<(RingId, RingId, u64)> {
    let of = |ring: &Ring| {
        let me = ring.me();
        let long = ring.links().filter_map(move |(peer, reason, _)| match reason {
            Reason::Long { until_ms, .. } => Some((me, peer, until_ms)),
            _ => None,
        });
        long.collect::<Vec<_>>()
    };
    world.rings().flat_map(of).collect()
}

#[test]
fn a_long_link_is_drawn_anew_after_sixty_to_ninety_minutes_and_the_old_one_is_closed() {
    let mut world = settled(120, 3);
    let before = long_links(&world);
    let (degree, _) = world.degrees();
    let now_ms = world.now_ms();
    assert!(before.len() > 120 * 5 && before.iter().all(|(.., until_ms)| *until_ms <= now_ms + RING_REDRAW_MS * 3 / 2), "{}", before.len());
    let made = world.counted().connections;
    world.run_for(RING_REDRAW_MS * 3 / 2 + 300_000);
    let after = long_links(&world);
    let old = after.iter().filter(|link| before.contains(link)).count();
    // Where everybody within a stratum is linked already there is nobody to draw: as long as that is so the old one stays.
    assert!(old * 50 <= before.len(), "{old} of {} long links", before.len());
    // Of a link whose place was drawn anew, neither end has a use any more, unless it was drawn once more or they stand side by side.
    let is_there = |(one, other, _): &&(RingId, RingId, u64)| world.ring_at(*one).is_some_and(|ring| ring.is_linked(*other));
    let kept = before.iter().filter(is_there).count();
    assert!(kept * 2 < before.len(), "{kept} of {} pairs are still linked", before.len());
    assert!(world.counted().connections - made > before.len() as u64 / 2);
    let (now, most) = world.degrees();
    assert!((now - degree).abs() < 3.0 && most <= RING_LINKS_MAX + 2 * RING_SIDE_LINKS, "{degree} links a node before, {now} after, {most} at most");
}
