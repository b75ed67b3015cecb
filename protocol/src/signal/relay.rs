//! The frames between browser and relay (PROTOCOL.md#relay). What they mean to either end is not here.
