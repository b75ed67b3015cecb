//! How fast counts grow, from looking at them now and then.

/// A change so soon after the look before tells no rate: that one may have been at a count of long ago.
const LEAST_MS: u64 = 500;
/// Counts that stand still for so long do not grow.
const STILL_MS: u64 = 2_500;

/// Two counts that only grow.
#[derive(Debug, Default)]
pub struct Meter {
    last: Option<(u64, (u64, u64))>,
    rate: Option<(u64, u64)>,
}

impl Meter {
    /// Takes both counts as they are at `now_ms`. Growth a second since the look before, once there are two.
    pub fn take(&mut self, now_ms: u64, counts: (u64, u64)) -> Option<(u64, u64)> {
        let (last_ms, last) = *self.last.get_or_insert((now_ms, counts));
        let since_ms = now_ms.abs_diff(last_ms);
        if counts == last && since_ms < STILL_MS {
            return self.rate;
        }
        self.last = Some((now_ms, counts));
        if since_ms >= LEAST_MS {
            let a_second = |now: u64, last: u64| now.saturating_sub(last).saturating_mul(1000) / since_ms;
            self.rate = Some((a_second(counts.0, last.0), a_second(counts.1, last.1)));
        }
        self.rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_looks_tell_a_rate_and_one_does_not() {
        let mut meter = Meter::default();
        assert_eq!(meter.take(10_000, (500, 0)), None);
        assert_eq!(meter.take(12_000, (700, 30)), Some((100, 15)));
    }

    #[test]
    fn looking_again_at_the_same_counts_changes_nothing_until_they_stand_still() {
        let mut meter = Meter::default();
        meter.take(10_000, (0, 0));
        meter.take(11_000, (100, 0));
        assert_eq!(meter.take(11_700, (100, 0)), Some((100, 0)));
        assert_eq!(meter.take(12_000, (200, 0)), Some((100, 0)));
        assert_eq!(meter.take(14_500, (200, 0)), Some((0, 0)));
    }

    #[test]
    fn what_was_counted_while_nobody_looked_is_no_rate() {
        let mut meter = Meter::default();
        meter.take(10_000, (0, 0));
        assert_eq!(meter.take(10_020, (1_000_000, 0)), None);
        assert_eq!(meter.take(11_020, (1_000_100, 0)), Some((100, 0)));
    }

    #[test]
    fn counts_that_begin_anew_tell_nothing_wrong() {
        let mut meter = Meter::default();
        meter.take(10_000, (500, 500));
        assert_eq!(meter.take(11_000, (20, 20)), Some((0, 0)));
    }
}
