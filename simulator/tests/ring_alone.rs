//! The relay is killed for good in rings of many nodes: nobody is introduced any more, and those who are there go on without it.

use b4_protocol::ring::{RingConfig, Standing};
use b4_simulator::experiments::{Alone, Setup, alone};
use b4_simulator::overlay::{LinkModel, Overlay, OverlayConfig, Trust};

fn some(seed: u64, trust: Trust) -> Alone {
    let setup = Setup { nodes: 200, links: 24, seed, is_webrtc: false, lookups: 500, trust };
    Alone { setup, fraction: 0.5, minutes: 3.0, is_at_once: false, pairs: 300 }
}

fn check(of: &Alone) {
    let report = alone(of);
    let reach = report.reach.expect("it measures that");
    assert!(report.healed_s.is_some_and(|healed| healed <= 120.0), "{report:?}");
    assert_eq!((report.correct, report.failed_twice_per_10k), (500, Some(0.0)), "{report:?}");
    assert_eq!((reach.pairs, reach.unreached), (300, 0), "{reach:?}");
    assert!(reach.reach_ms_p50.is_some_and(|half| (200.0..3_000.0).contains(&half)), "{reach:?}");
}

#[test]
fn after_the_relays_death_and_a_crash_of_half_strangers_with_certificates_still_reach_each_other() {
    check(&some(1, Trust::Certificates));
}

#[test]
fn so_they_do_when_half_crash_at_once_and_when_links_are_as_in_browsers() {
    check(&Alone { is_at_once: true, ..some(2, Trust::Word) });
    let webrtc = some(3, Trust::Word);
    check(&Alone { setup: Setup { is_webrtc: true, ..webrtc.setup }, ..webrtc });
}

/// Two nodes are linked to nobody else; one starts when the relay is dead.
#[test]
fn a_dead_relay_introduces_nobody_and_passes_no_signalling_on() {
    for is_dead in [false, true] {
        let ring = RingConfig { links: 24, tries: 2 };
        let mut world = Overlay::new(OverlayConfig { seed: 1, ring, latency_ms: (10, 70), links: LinkModel::IDEAL, trust: Trust::Word });
        (0..10).for_each(|_| _ = world.join());
        world.run_for(60_000);
        if is_dead {
            world.kill_relay();
        }
        let newcomer = world.join();
        world.run_for(120_000);
        let standing = world.ring(newcomer).map(|ring| ring.standing());
        assert_eq!(standing, Some(if is_dead { Standing::Alone } else { Standing::Member }));
        // Nobody in the ring knows the way to it, so that a dial fails; the others are linked already.
        let place = world.place_of(newcomer);
        let by = world.running().into_iter().find(|node| *node != newcomer).unwrap();
        if is_dead {
            world.reach(by, place);
            world.run_for(120_000);
            assert_eq!(world.take_reaches().iter().map(|reach| (reach.took_ms, reach.dials)).collect::<Vec<_>>(), [(None, 5)]);
            assert_eq!(world.reaches_open(), 0);
        }
    }
}
