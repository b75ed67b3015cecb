//! Scratch.
use b4_protocol::ring::*;
use b4_simulator::overlay::*;
fn main() {
    let n: usize = std::env::args().nth(1).unwrap().parse().unwrap();
    let mut w = Overlay::new(OverlayConfig { seed: 1, ring: RingConfig { links: 24, tries: 3 }, latency_ms: (10, 70), links: LinkModel::IDEAL });
    for _ in 0..n { w.join(); w.run_for(3000); }
    w.run_for(20_000);
    w.dump();
}
