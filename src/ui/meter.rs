//! How fast counts grow, from looking at them now and then.

/// Two looks closer than this tell no rate: the first of them may have been at a count of long ago.
const LEAST_MS: u64 = 500;

/// Two counts that only grow.
#[derive(Debug, Default)]
pub struct Meter {
    last: Option<(u64, (u64, u64))>,
    rate: Option<(u64, u64)>,
}

impl Meter {
    /// Takes both counts as they are at `now_ms`. Growth a second since the look before, once there are two.
    pub fn take(&mut self, now_ms: u64, counts: (u64, u64)) -> Option<(u64, u64)> {
        let (last_ms, last) = self.last.replace((now_ms, counts))?;
        let since_ms = now_ms.saturating_sub(last_ms);
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
        assert_eq!(meter.take(13_000, (700, 30)), Some((0, 0)));
    }

    #[test]
    fn what_was_counted_while_nobody_looked_is_no_rate() {
        let mut meter = Meter::default();
        meter.take(10_000, (0, 0));
        assert_eq!(meter.take(10_020, (1_000_000, 0)), None);
        assert_eq!(meter.take(11_020, (1_000_100, 0)), Some((100, 0)));
    }

    #[test]
    fn counts_that_begin_anew_and_a_clock_set_back_tell_nothing_wrong() {
        let mut meter = Meter::default();
        meter.take(10_000, (500, 500));
        assert_eq!(meter.take(11_000, (20, 20)), Some((0, 0)));
        assert_eq!(meter.take(5_000, (40, 40)), Some((0, 0)));
    }
}
