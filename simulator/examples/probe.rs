//! Scratch.
use b4_protocol::ring::*;
use b4_simulator::overlay::*;
use b4_protocol::crypto::Rng;
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let n: usize = args[1].parse().unwrap();
    let links: usize = args[2].parse().unwrap();
    let mut w = Overlay::new(OverlayConfig { seed: 1, ring: RingConfig { links, tries: 3 }, latency_ms: (10, 70), links: LinkModel::IDEAL });
    let t = std::time::Instant::now();
    let mut rng = Rng::from_seed([9; 32]);
    w.join();
    while w.live_count() < n {
        let batch = (w.live_count() / 20).max(1).min(n - w.live_count());
        for _ in 0..batch { w.join(); }
        w.run_for(1000);
    }
    println!("grown: {:?} sim {} s, members {} misplaced {} deg {:?}", t.elapsed(), w.now_ms()/1000, w.member_count(), w.misplaced(), w.degrees());
    for _ in 0..4 {
        let c0 = w.counted();
        let t = std::time::Instant::now();
        w.run_for(60_000);
        let c = w.counted();
        println!("min: members {} misplaced {} deg {:?} bytes/node/s {:.0} signal {:.0} conn/node/min {:.2} events {} wall {:?}", w.member_count(), w.misplaced(), w.degrees(),
          (c.ring_bytes-c0.ring_bytes) as f64/60.0/n as f64, (c.signal_bytes-c0.signal_bytes) as f64/60.0/n as f64, (c.connections-c0.connections) as f64/n as f64, c.events-c0.events, t.elapsed());
    }
    w.lookups().take();
    println!("known {:.0} theirs/near/long {:?}", w.known(), w.reasons());
    for _ in 0..2000 {
        let node = w.draw_live().unwrap();
        w.lookup(node, RingId(u128::from_be_bytes(rng.array())));
        w.run_for(5);
    }
    w.run_for(20_000);
    let (done, failed, open) = w.lookups().take();
    let right = done.iter().filter(|d| d.is_right).count();
    let first = done.iter().filter(|d| d.is_first).count();
    let hops = done.iter().map(|d| d.hops as f64).sum::<f64>() / done.len() as f64;
    let mut h: Vec<u8> = done.iter().map(|d| d.hops).collect(); h.sort();
    let mut hist=[0;12]; for x in &h { hist[(*x as usize).min(11)]+=1; } println!("{hist:?}"); println!("done {} right {right} first {first} failed {failed} open {open} hops {hops:.3} p99 {} trace {:x}", done.len(), h[h.len()*99/100], w.trace_hash());
    // crash half
    if args.get(3).is_some() {
        w.set_deaf(true);
        let half = n / 2;
        for _ in 0..half { let x = w.draw_live().unwrap(); w.crash(x); }
        let t0 = w.hop_timeouts();
        for _ in 0..2000 {
            let node = w.draw_live().unwrap();
            w.lookup(node, RingId(u128::from_be_bytes(rng.array())));
        }
        w.run_for(30_000);
        let (done, failed, open) = w.lookups().take();
        let right = done.iter().filter(|d| d.is_right).count();
        let first = done.iter().filter(|d| d.is_first).count();
        let hops = done.iter().map(|d| d.hops as f64).sum::<f64>() / done.len() as f64;
        let took = done.iter().map(|d| d.took_ms as f64).sum::<f64>() / done.len() as f64;
        println!("crash: done {} right {right} first {first} failed {failed} open {open} hops {hops:.3} took {took:.0} ms timeouts {}", done.len(), w.hop_timeouts()-t0);
    }
}
