//! The two clocks of the core, as values. Who reads them is the platform's business.

/// Both clocks at one moment, in milliseconds.
///
/// Deadlines are kept on `mono`; certificates and messages live on `wall`, because a laptop sleeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Now {
    /// A clock that never goes back; its origin means nothing.
    pub mono: u64,
    /// Milliseconds since 1970-01-01 UTC as the device believes; may jump either way.
    pub wall: u64,
}

/// One second in the unit of both clocks.
pub const SECOND_MS: u64 = 1_000;
/// One minute in the unit of both clocks.
pub const MINUTE_MS: u64 = 60 * SECOND_MS;
/// One hour in the unit of both clocks.
pub const HOUR_MS: u64 = 60 * MINUTE_MS;
/// One day in the unit of both clocks.
pub const DAY_MS: u64 = 24 * HOUR_MS;
