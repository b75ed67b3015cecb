//! Worlds of many rings with keys: a link takes two certificates of the one authority and the handshake; and a world takes the same course
//! with keys as without, so that what is measured in worlds too large for them holds for nodes that have them.

use b4_protocol::ring::RingConfig;
use b4_simulator::experiments::{
    self, COURSE, Churn, Deposits, Fuzz, KEYED_NODES_MAX, RingDemand, Setup, course, deposits, fuzz_world,
};
use b4_simulator::overlay::{CERTIFIED_NODES_MAX, Flaw, LinkModel, MailConfig, NodeIndex, Overlay, OverlayConfig, Trust};

const FLAWS: [Flaw; 4] = [Flaw::OtherAuthority, Flaw::Expired, Flaw::OtherKeys, Flaw::OtherPlace];

fn setup(seed: u64, trust: Trust) -> Setup {
    Setup { nodes: 30, links: 24, seed, is_webrtc: true, lookups: 50, trust }
}

/// Runs it with certificates and without, and compares the hashes of all that happened.
fn check(what: &str, run: impl Fn(Trust) -> u64) {
    assert_eq!(run(Trust::Certificates), run(Trust::Word), "{what}");
}

#[test]
fn a_world_takes_the_same_course_with_keys_and_without() {
    assert_eq!(course(Trust::Certificates), COURSE);
    check("churn", |trust| {
        let churn = Churn { setup: setup(1, trust), session_minutes: 10.0, hours: 0.02, graceful: 0.2 };
        experiments::churn(&churn).trace_hash
    });
    // Some of its nodes come back to the places that they had.
    check("deposits", |trust| {
        let mail = MailConfig::default();
        let (count, receivers, returning) = (20, 5, 0.5);
        let setup = Setup { nodes: 20, ..setup(2, trust) };
        let letters = Deposits { setup, mail, count, receivers, session_minutes: 20.0, away_hours: 0.1, returning, absence_minutes: 5.0 };
        deposits(&letters).trace_hash
    });
    for seed in [1, 2] {
        check("fuzz", |trust| fuzz_world(&Fuzz { trust, ..Fuzz::usual(seed, RingDemand::Placed) }).expect("it holds").report.trace_hash);
    }
}

/// Ten nodes, with one more whose credentials are flawed, the third of all: its links, and how many of the others stand as they should.
fn with_one_flawed(flaw: Flaw, trust: Trust) -> (usize, usize) {
    let ring = RingConfig { links: 24, tries: 3 };
    let mut world = Overlay::new(OverlayConfig { seed: 1, ring, latency_ms: (10, 70), links: LinkModel::IDEAL, trust });
    let mut good = vec![world.join(), world.join()];
    let flawed = world.join_flawed(flaw);
    good.extend((0..8).map(|_| world.join()));
    world.run_for(180_000);
    let stands = |node: &&NodeIndex| {
        let linked: Vec<NodeIndex> = world.links_of(**node).map(|(_, peer, _)| peer).collect();
        world.is_member(world.place_of(**node)) && good.iter().all(|other| other == *node || linked.contains(other))
    };
    let links = world.running().into_iter().flat_map(|node| world.links_of(node).map(move |(_, peer, _)| (node, peer)));
    (links.filter(|(node, peer)| *node == flawed || *peer == flawed).count(), good.iter().filter(stands).count())
}

#[test]
fn nobody_links_to_a_node_whose_certificate_or_keys_are_not_what_they_should_be() {
    for flaw in FLAWS {
        assert_eq!(with_one_flawed(flaw, Trust::Certificates), (0, 10), "{flaw:?}");
        // On their bare word nobody is refused: so it was the credentials.
        assert_eq!(with_one_flawed(flaw, Trust::Word), (20, 10), "{flaw:?}");
    }
}

/// Those that are away have a place among the nodes, too: the pool is larger than any world that has keys by itself.
#[test]
fn there_are_keys_for_every_world_that_is_to_have_them() {
    const { assert!(KEYED_NODES_MAX < CERTIFIED_NODES_MAX) };
}
