//! A reference Chord, as Stoica et al. describe and measure it (IEEE/ACM Transactions on Networking 11(1), 2003, section VI), so
//! that our ring is compared on the same ground. It shares nothing with the product's ring.
//!
//! [`StillRing`] has perfect tables and nobody who mends them: path lengths, and the failures of table II. [`churn`] has
//! messages, time, joins, leaves and stabilisation: table III. Where the paper leaves something open, the place that decides
//! it says so; docs/ring-figures.md collects these places.

mod churn;
mod position;
pub mod published;
mod still;
mod tables;
mod tally;

pub use churn::{Churn, churn};
pub use position::Position;
pub use still::{StillRing, Trip};
