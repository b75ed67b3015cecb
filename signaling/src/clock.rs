//! The two clocks and the random source of the machine: the only place that reads them.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use b4_protocol::crypto::Rng;
use b4_protocol::time::Now;

/// Reads both clocks; the monotonic one starts at 0 with the server.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// Starts now.
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// Both clocks.
    pub fn now(&self) -> Now {
        let mono = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        Now { mono, wall: wall_ms() }
    }
}

/// Milliseconds since 1970-01-01 UTC.
pub fn wall_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A generator seeded by the operating system.
///
/// # Panics
/// When the operating system has no randomness: nothing safe can be done then.
pub fn system_rng() -> Rng {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).expect("the operating system has randomness");
    Rng::from_seed(seed)
}
