//! Measures the event queue beside a binary heap: `cargo run --release -p b4-simulator --example queue_speed [PENDING]`.
//!
//! Each event that is taken schedules one: 80 % packets (50 ms mean), 20 % timers (15 to 45 s), as in a world.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

use b4_simulator::Draws;
use b4_simulator::event_queue::EventQueue;

/// Events taken in one measurement.
const TAKEN: u64 = 10_000_000;

/// As large as a world's usual event.
type Event = [u64; 4];

/// The order is by time, then by insertion; the event itself is not compared.
struct Pending(u64, u64, Event);

impl PartialEq for Pending {
    fn eq(&self, other: &Self) -> bool {
        (self.0, self.1) == (other.0, other.1)
    }
}

impl Eq for Pending {}

impl PartialOrd for Pending {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Pending {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.0, self.1).cmp(&(other.0, other.1))
    }
}

fn main() {
    let pending: u64 = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    let mut draws = Draws::from_seed(1, "queue speed");
    let delays: Vec<u64> = (0..1 << 16)
        .map(|_| if draws.below(5) == 0 { draws.uniform_ms(15_000, 45_000) } else { draws.exponential_ms(50) })
        .collect();
    // Packets go quickly: what is pending is nearly all timers.
    let first: Vec<u64> = (0..pending).map(|_| draws.below(45_000)).collect();
    println!("{pending} pending, {TAKEN} taken");
    println!("wheel  {:6.1} ns an event", wheel(&first, &delays));
    println!("heap   {:6.1} ns an event", heap(&first, &delays));
}

fn wheel(first: &[u64], delays: &[u64]) -> f64 {
    let mut queue = EventQueue::new();
    for at_ms in first {
        queue.schedule(*at_ms, [*at_ms; 4]);
    }
    let start = Instant::now();
    let mut sum = 0_u64;
    for number in 0..TAKEN {
        let (now_ms, event) = queue.pop().expect("each event schedules another");
        sum = sum.wrapping_add(event[0] ^ now_ms);
        queue.schedule(now_ms + delays[number as usize % delays.len()], event);
    }
    report(start, sum)
}

fn heap(first: &[u64], delays: &[u64]) -> f64 {
    let mut queue = BinaryHeap::new();
    let mut inserted = 0;
    for at_ms in first {
        queue.push(Reverse(Pending(*at_ms, inserted, [*at_ms; 4])));
        inserted += 1;
    }
    let start = Instant::now();
    let mut sum = 0_u64;
    for number in 0..TAKEN {
        let Reverse(Pending(now_ms, _, event)) = queue.pop().expect("each event schedules another");
        sum = sum.wrapping_add(event[0] ^ now_ms);
        queue.push(Reverse(Pending(now_ms + delays[number as usize % delays.len()], inserted, event)));
        inserted += 1;
    }
    report(start, sum)
}

fn report(start: Instant, sum: u64) -> f64 {
    let nanoseconds = start.elapsed().as_nanos() as f64 / TAKEN as f64;
    std::hint::black_box(sum);
    nanoseconds
}
