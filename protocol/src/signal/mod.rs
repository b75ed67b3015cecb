//! Signalling: the frames between browser and relay, and the sealed offers, answers and candidates inside them.
//! What a browser calls SDP becomes fixed fields here; the relay sees none of it.

pub mod description;
pub mod relay;
pub mod sealed;
