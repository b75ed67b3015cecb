//! Signalling: the frames between browser and relay, and the sealed offers, answers and candidates inside them.

pub mod relay;
