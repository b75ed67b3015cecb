//! The fingerprint of a run: when what happened to whom, folded into one number. Not a cryptographic hash.

/// Folds numbers, in order, into 64 bits. Two runs with the same hash took the same course.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceHash(u64);

impl TraceHash {
    /// The hash of a run in which nothing happened.
    pub fn new() -> Self {
        Self(0x9E37_79B9_7F4A_7C15)
    }

    /// Something happened.
    #[inline]
    pub fn add(&mut self, what: u64) {
        // The multiplier of MMIX's generator (Knuth); the rotation brings the well-mixed upper bits down.
        self.0 = (self.0 ^ what).wrapping_mul(6_364_136_223_846_793_005).rotate_left(29).wrapping_add(1);
    }

    /// Something of this kind happened then.
    #[inline]
    pub fn add_event(&mut self, now_ms: u64, kind: u8, what: u64) {
        self.add(now_ms << 8 | u64::from(kind));
        self.add(what);
    }

    /// The hash so far.
    pub fn value(self) -> u64 {
        self.0
    }
}

impl Default for TraceHash {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(what: &[u64]) -> u64 {
        let mut trace = TraceHash::new();
        what.iter().for_each(|number| trace.add(*number));
        trace.value()
    }

    #[test]
    fn order_and_number_of_what_happened_count() {
        assert_eq!(hash(&[1, 2, 3]), hash(&[1, 2, 3]));
        assert_ne!(hash(&[1, 2, 3]), hash(&[1, 3, 2]));
        assert_ne!(hash(&[0]), hash(&[0, 0]));
    }

    #[test]
    fn time_and_kind_of_what_happened_count() {
        let hash = |now_ms, kind| {
            let mut trace = TraceHash::new();
            trace.add_event(now_ms, kind, 7);
            trace.value()
        };
        assert_eq!(hash(1_000, 6), hash(1_000, 6));
        assert!(hash(1_000, 6) != hash(1_001, 6) && hash(1_000, 6) != hash(1_000, 7));
    }
}
