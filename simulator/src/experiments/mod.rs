//! What is measured of large worlds: each experiment grows a ring, lets something happen to it, and looks keys up.
//!
//! A lookup is right that is answered by any of the key's true first five members, at the moment it reaches it. The options of the
//! command line and the printing are not here.

mod alone;
mod churn;
mod course;
mod deposits;
mod fuzz;
#[cfg(not(target_arch = "wasm32"))]
mod people;
mod still;
mod tally;

use b4_protocol::ring::RingConfig;

use crate::draws::Draws;
use crate::overlay::{LinkModel, Overlay, OverlayConfig, Trust};

pub use alone::{Alone, alone};
pub use churn::{Churn, churn};
pub use course::{COURSE, course};
pub use deposits::{Deposits, deposits, deposits_crash_half, deposits_split};
pub use fuzz::{Deed, Fuzz, FuzzFailure, Fuzzed, Looked, RingDemand, arrangements, fuzz_world, scripted_world, scripts};
#[cfg(not(target_arch = "wasm32"))]
pub use people::{Fault, PeopleFuzz, PeopleFuzzed, fuzz_people};
pub use still::{crash, droppers, hops, split, zombies};

/// What the experiments have in common.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// Nodes.
    pub nodes: usize,
    /// Links that a node aims at.
    pub links: usize,
    /// Everything follows from it.
    pub seed: u64,
    /// Links as browsers have them, instead of ideal ones.
    pub is_webrtc: bool,
    /// Lookups.
    pub lookups: u64,
    /// How nodes know each other. The course is the same with certificates and without.
    pub trust: Trust,
}

impl Setup {
    /// How the world is called in a report.
    fn name(&self, experiment: &str) -> String {
        format!("{experiment}{}", if self.is_webrtc { " webrtc" } else { "" })
    }

    /// An empty world in which requests have so many tries.
    fn world(&self, tries: u8) -> Overlay {
        let links = if self.is_webrtc { LinkModel::WEBRTC } else { LinkModel::IDEAL };
        let ring = RingConfig { links: self.links, tries };
        // 80 ms of round trip on the average.
        Overlay::new(OverlayConfig { seed: self.seed, ring, latency_ms: (10, 70), links, trust: self.trust })
    }

    /// A world grown by one node in twenty a second, and left to settle.
    fn grown(&self, tries: u8) -> Overlay {
        let mut world = self.world(tries);
        grow(&mut world, self.nodes);
        world.run_for(SETTLE_MS);
        world
    }

    fn draws(&self) -> Draws {
        Draws::from_seed(self.seed, "experiment")
    }
}

/// Nodes of the largest worlds that have keys unless they are told not to. Growing one is 29,000 handshakes of 24 links: a minute and a half; what
/// that comes to is in docs/ring-figures.md.
pub const KEYED_NODES_MAX: usize = 1_000;
/// What a grown ring is given before anything else happens.
const SETTLE_MS: u64 = 120_000;

fn grow(world: &mut Overlay, nodes: usize) {
    while world.live_count() < nodes {
        let batch = (world.live_count() / 20).clamp(1, nodes - world.live_count());
        for _ in 0..batch {
            world.join();
        }
        world.run_for(1_000);
    }
}
