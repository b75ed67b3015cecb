//! Noticing that the machine slept, or that nothing ran for long, where no event of the page says so: a lid that is closed and opened over a
//! page in front fires none.
//!
//! Two signs: the wall clock went on and the monotonic clock did not (browsers stop it while the machine sleeps, some of them), or the
//! timer came much later than it was asked for (the others).

use super::{Input, Node};
use crate::time::{MINUTE_MS, Now, SECOND_MS};

/// How far the wall clock may run ahead of the monotonic one between two inputs. A clock that is set does the same; that costs a ping on each link.
const AHEAD_MS: u64 = 10 * SECOND_MS;
/// How late a timer may be. Browsers let those of a hidden page fire once a minute.
const LATE_MS: u64 = MINUTE_MS + 15 * SECOND_MS;

impl Node {
    /// Whether time has passed unseen since the last input.
    pub(super) fn has_slept(&mut self, input: &Input, now: Now) -> bool {
        let before = self.last_input.replace(now);
        if matches!(input, Input::Resumed) {
            return false;
        }
        let is_late = || matches!(input, Input::Wake) && self.next_wake().is_some_and(|due_ms| due_ms.saturating_add(LATE_MS) < now.mono);
        let is_ahead = |before: Now| now.wall.saturating_sub(before.wall) > now.mono.saturating_sub(before.mono) + AHEAD_MS;
        before.is_some_and(is_ahead) || is_late()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::testing::{NOW_MS, TestAuthority};
    use crate::node::{Effect, NodeConfig};

    const START: Now = Now { mono: 1_000, wall: NOW_MS };

    fn node() -> Node {
        let mut authority = TestAuthority::new([1; 32]);
        let anna = authority.issue("anna", NOW_MS);
        Node::new(NodeConfig::of(&anna.certificate, authority.anchor(), Vec::new()), START).0
    }

    fn later(mono_ms: u64, wall_ms: u64) -> Now {
        Now { mono: START.mono + mono_ms, wall: START.wall + wall_ms }
    }

    #[test]
    fn a_wall_clock_that_ran_ahead_means_sleep_and_one_that_was_wound_back_does_not() {
        let mut node = node();
        for (now, has_slept) in [
            (later(0, 0), false),
            (later(60_000, 60_000), false),
            (later(60_100, 69_000), false),
            (later(60_200, 80_000), true),
            (later(60_300, 80_100), false),
            (later(60_400, 1), false),
            (later(60_500, 3_600_000), true),
        ] {
            assert_eq!(node.has_slept(&Input::Hiding, now), has_slept, "{now:?}");
        }
        assert!(!node.has_slept(&Input::Resumed, later(60_600, 9_000_000)), "it is said already");
    }

    #[test]
    fn a_timer_that_comes_far_too_late_means_sleep_and_one_of_a_hidden_page_does_not() {
        let mut node = node();
        let due = node.next_wake().expect("something is due") - START.mono;
        let (hidden, slept) = (due + MINUTE_MS, due + LATE_MS + 1);
        assert!(!node.has_slept(&Input::Wake, later(hidden, hidden)));
        assert!(node.has_slept(&Input::Wake, later(slept, slept)));
        assert!(!node.has_slept(&Input::Hiding, later(slept, slept)), "of which the timer says nothing");
    }

    #[test]
    fn whoever_slept_connects_to_the_relay_without_the_wait_that_was_left() {
        let mut node = node();
        // Connecting since the start; now it waits.
        let _ = node.handle(Input::RelayClosed, later(0, 0));
        let connects = |effects: &[Effect]| effects.iter().any(|effect| matches!(effect, Effect::RelayConnect));
        assert!(!connects(&node.handle(Input::Hiding, later(1, 1))));
        assert!(connects(&node.handle(Input::Hiding, later(2, 3_600_000))));
    }
}
