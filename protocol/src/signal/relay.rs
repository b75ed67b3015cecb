//! The frames between browser and relay.
