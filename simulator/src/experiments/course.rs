//! One small world whose course is known: the same number natively and in the browser, until the ring changes.

use b4_protocol::ring::{RingConfig, RingId};

use crate::draws::Draws;
use crate::overlay::{LinkModel, Overlay, OverlayConfig, Trust};

/// What [`course`] gives. Whoever changes what the ring says, or when, writes the new number here.
pub const COURSE: u64 = 5_947_053_133_196_932_964;
/// More than a small ring has, so that long links are drawn as well: their places are the only numbers with fractions.
const NODES: usize = 40;

/// The trace hash of a ring that grows, loses some, has sleepers, links as browsers make them, and looks keys up: ten minutes.
/// The same however nodes know each other.
pub fn course(trust: Trust) -> u64 {
    let ring = RingConfig { links: 24, tries: 3 };
    let mut world = Overlay::new(OverlayConfig { seed: 1, ring, latency_ms: (10, 70), links: LinkModel::WEBRTC, trust });
    let mut draws = Draws::from_seed(1, "course");
    for _ in 0..NODES {
        world.join();
        world.run_for(2_000);
    }
    for round in 0..26 {
        if let Some(node) = world.draw_live() {
            match round % 3 {
                0 => world.crash(node),
                1 => world.leave(node),
                _ => world.suspend(node, draws.uniform_ms(1_000, 60_000)),
            }
        }
        world.join();
        if let Some(by) = world.draw_member() {
            let key = RingId(u128::from(draws.any()) << 64 | u128::from(draws.any()));
            world.lookup(by, key);
        }
        world.run_for(20_000);
    }
    world.trace_hash()
}
