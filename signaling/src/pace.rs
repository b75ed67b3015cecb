//! How fast somebody may go: a leaky bucket as one number, and a bounded book of them: by address, by node.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};

/// One turn every `interval_ms`, `burst` at once after a rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Milliseconds from one turn to the next, in the long run.
    pub interval_ms: u64,
    /// Turns at once after a long rest; at least 1.
    pub burst: u64,
}

/// Too fast: when to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too fast: again in {retry_after_ms} ms")]
pub struct TooFast {
    /// Milliseconds until the next turn.
    pub retry_after_ms: u64,
}

/// Somebody's recent turns (the "generic cell rate algorithm": the moment at which all of them are paid off).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    paid_off_ms: u64,
}

impl Pace {
    /// `turns` in `span_ms`, all of them at once if need be; 0 turns count as 1.
    pub fn per(turns: u64, span_ms: u64) -> Self {
        let burst = turns.max(1);
        Self { interval_ms: (span_ms / burst).max(1), burst }
    }
}

impl Bucket {
    /// Takes a turn at `now_ms` (any clock that does not go back).
    ///
    /// # Errors
    /// `TooFast` when none is left; the refused turn costs nothing.
    pub fn take(&mut self, pace: Pace, now_ms: u64) -> Result<(), TooFast> {
        let paid_off_ms = self.paid_off_ms.max(now_ms) + pace.interval_ms;
        let ahead_ms = paid_off_ms - now_ms;
        let allowed_ms = pace.interval_ms * pace.burst;
        if ahead_ms > allowed_ms {
            return Err(TooFast { retry_after_ms: ahead_ms - allowed_ms });
        }
        self.paid_off_ms = paid_off_ms;
        Ok(())
    }

    fn is_rested(&self, now_ms: u64) -> bool {
        self.paid_off_ms <= now_ms
    }
}

/// The buckets of many, at most `entries_max` of them. It outlives connections: who comes back has not rested by that.
#[derive(Clone, Debug)]
pub struct Book<K> {
    pace: Pace,
    entries_max: usize,
    buckets: BTreeMap<K, Bucket>,
    /// Until when a full book is not searched for the rested again: under a flood each newcomer would search all of it.
    full_until_ms: u64,
}

impl<K: Ord> Book<K> {
    /// An empty book.
    pub fn new(pace: Pace, entries_max: usize) -> Self {
        Self { pace, entries_max, buckets: BTreeMap::new(), full_until_ms: 0 }
    }

    /// Takes a turn for `key`.
    ///
    /// # Errors
    /// `TooFast` when it has none left, or when the book is full of others who have not rested.
    pub fn take(&mut self, key: K, now_ms: u64) -> Result<(), TooFast> {
        if !self.buckets.contains_key(&key) && self.buckets.len() >= self.entries_max {
            if now_ms >= self.full_until_ms {
                self.buckets.retain(|_, bucket| !bucket.is_rested(now_ms));
                self.full_until_ms = now_ms + self.pace.interval_ms.div_ceil(4);
            }
            if self.buckets.len() >= self.entries_max {
                return Err(TooFast { retry_after_ms: self.pace.interval_ms });
            }
        }
        self.buckets.entry(key).or_default().take(self.pace, now_ms)
    }
}

/// What counts as one address: an IPv4 address, or the /64 of an IPv6 address, which one household has as a whole.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let mut segments = v6.segments();
            segments[4..].fill(0);
            IpAddr::V6(Ipv6Addr::from(segments))
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_burst_is_let_through_then_one_an_interval() {
        let (pace, mut bucket) = (Pace { interval_ms: 100, burst: 3 }, Bucket::default());
        for _ in 0..3 {
            assert_eq!(bucket.take(pace, 1_000), Ok(()));
        }
        assert_eq!(bucket.take(pace, 1_000), Err(TooFast { retry_after_ms: 100 }));
        assert_eq!(bucket.take(pace, 1_060), Err(TooFast { retry_after_ms: 40 }));
        assert_eq!(bucket.take(pace, 1_100), Ok(()));
        assert_eq!(bucket.take(pace, 1_100), Err(TooFast { retry_after_ms: 100 }));
        assert_eq!((0..9).filter(|_| bucket.take(pace, 9_000).is_ok()).count(), 3);
    }

    #[test]
    fn a_full_book_forgets_the_rested_and_refuses_newcomers_otherwise() {
        let mut book = Book::new(Pace { interval_ms: 100, burst: 1 }, 2);
        assert_eq!(book.take(1, 0), Ok(()));
        assert_eq!(book.take(2, 50), Ok(()));
        assert_eq!(book.take(3, 60), Err(TooFast { retry_after_ms: 100 }));
        assert_eq!(book.take(3, 100), Ok(()));
        assert_eq!((book.buckets.len(), book.take(2, 100)), (2, Err(TooFast { retry_after_ms: 50 })));
        // A full book is searched again after a quarter of the interval, not for every newcomer.
        assert_eq!(book.take(4, 130), Err(TooFast { retry_after_ms: 100 }));
        assert_eq!(book.take(4, 150), Err(TooFast { retry_after_ms: 100 }));
        assert_eq!(book.take(4, 155), Ok(()));
    }

    #[test]
    fn a_network_of_ipv6_is_one_address_and_a_mapped_ipv4_is_itself() {
        assert_eq!(network(address("2001:db8:1:2:3::1")), network(address("2001:db8:1:2:ffff::9")));
        assert_ne!(network(address("2001:db8:1:2::1")), network(address("2001:db8:1:3::1")));
        assert_eq!(network(address("::ffff:10.0.0.1")), address("10.0.0.1"));
    }
}
