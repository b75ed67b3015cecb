//! Deadlines in a table keyed by kind; the platform arms one timer for the earliest. Nothing fires by itself.

use crate::ordered::{OrderedMap, OrderedSet};

/// Deadlines on the monotonic clock, at most one a key.
#[derive(Clone, Debug)]
pub struct Timers<K: Ord + Clone> {
    deadlines: OrderedMap<K, u64>,
}

impl<K: Ord + Clone> Default for Timers<K> {
    fn default() -> Self {
        Self { deadlines: OrderedMap::new() }
    }
}

impl<K: Ord + Clone> Timers<K> {
    /// Sets, or moves, the deadline of `key` to `at_ms` on the monotonic clock.
    pub fn set(&mut self, key: K, at_ms: u64) {
        self.deadlines.insert(key, at_ms);
    }

    /// Removes the deadline of `key`; nothing happens where there is none.
    pub fn cancel(&mut self, key: &K) {
        self.deadlines.remove(key);
    }

    /// The deadline of `key`, if it has one.
    pub fn deadline(&self, key: &K) -> Option<u64> {
        self.deadlines.get(key).copied()
    }

    /// The earliest deadline and its key.
    pub fn next(&self) -> Option<(u64, &K)> {
        self.deadlines.iter().map(|(key, at)| (*at, key)).min_by(|a, b| a.0.cmp(&b.0))
    }

    /// Removes and returns the keys whose deadline is at or before `now_ms`, earliest first.
    pub fn expired(&mut self, now_ms: u64) -> Vec<K> {
        let due: OrderedSet<(u64, K)> =
            self.deadlines.iter().filter(|(_, at)| **at <= now_ms).map(|(key, at)| (*at, key.clone())).collect();
        self.deadlines.retain(|_, at| *at > now_ms);
        due.into_iter().map(|(_, key)| key).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expired_keys_come_earliest_first_and_only_once() {
        let mut timers = Timers::default();
        timers.set("late", 30);
        timers.set("soon", 10);
        timers.set("moved", 5);
        timers.set("moved", 20);
        timers.set("gone", 1);
        timers.cancel(&"gone");
        assert_eq!(timers.next(), Some((10, &"soon")));
        assert_eq!(timers.expired(20), ["soon", "moved"]);
        assert_eq!(timers.expired(20), [""; 0]);
        assert_eq!(timers.deadline(&"late"), Some(30));
    }
}
