//! Both clocks of the page.

use b4_protocol::time::Now;
use web_sys::Performance;

use super::{PlatformError, js};

/// Reads the monotonic and the wall clock.
///
/// The monotonic one is `performance`, counted from its origin, so that it never goes back within a page. In some browsers it
/// stands still while the machine sleeps: that is why a resumed page is told as `Input::Resumed`.
pub struct Clock {
    performance: Performance,
    /// Milliseconds since 1970 at which `performance` began to count.
    origin_ms: f64,
}

impl Clock {
    /// Takes the page's clocks.
    ///
    /// # Errors
    /// `Missing` without `performance`.
    pub fn new() -> Result<Self, PlatformError> {
        let performance = js::window().performance().ok_or(PlatformError::Missing("performance"))?;
        Ok(Self { origin_ms: performance.time_origin(), performance })
    }

    /// Both clocks now, in whole milliseconds, rounded down.
    pub fn now(&self) -> Now {
        let mono = self.origin_ms + self.performance.now();
        Now { mono: mono.max(0.0) as u64, wall: wall_ms() }
    }
}

/// The wall clock, in milliseconds since 1970-01-01 UTC as the device believes.
pub fn wall_ms() -> u64 {
    js_sys::Date::now().max(0.0) as u64
}
