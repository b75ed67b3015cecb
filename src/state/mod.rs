//! What the screen shows, as plain values. The only writer is `AppState::apply`. Pure: compiles and is tested natively.

mod event;

pub use event::{EnrolFailure, EnrolStep, Event, NameVerdict, Phase, Recovery, Rejection, RestoreFailure};
