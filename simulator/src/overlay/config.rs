//! What a large world is like. No behaviour.

use b4_protocol::ring::RingConfig;

use super::Trust;

/// How links behave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinkModel {
    /// Part of the pairs that can never connect.
    pub unconnectable: f64,
    /// Part of the crashes that the other ends do not hear of at once.
    pub silent: f64,
    /// How long a silent crash goes unnoticed at one of them, in milliseconds, uniform.
    pub detection_ms: (u64, u64),
    /// From the answer to the open channel, beside the round trips, in milliseconds, uniform.
    pub setup_ms: (u64, u64),
    /// Part of the set-ups that fail although they could work.
    pub setup_fails: f64,
}

impl LinkModel {
    /// Every pair connects, a crash is heard of one latency later.
    pub const IDEAL: Self = Self { unconnectable: 0.0, silent: 0.0, detection_ms: (0, 0), setup_ms: (0, 0), setup_fails: 0.0 };
    /// What browsers do (docs/ring-figures.md says where the numbers come from).
    pub const WEBRTC: Self =
        Self { unconnectable: 0.15, silent: 0.7, detection_ms: (5_000, 30_000), setup_ms: (400, 2_000), setup_fails: 0.03 };
}

/// What a world is like.
#[derive(Clone, Copy, Debug)]
pub struct OverlayConfig {
    /// Everything follows from it.
    pub seed: u64,
    /// Links, tries.
    pub ring: RingConfig,
    /// Least and most one-way latency of a pair in milliseconds; each pair keeps its own.
    pub latency_ms: (u64, u64),
    /// How links behave.
    pub links: LinkModel,
    /// How nodes know each other.
    pub trust: Trust,
}
