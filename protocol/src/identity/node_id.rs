//! What a device is called on the wire.

use std::fmt;

/// 32 bytes drawn by the authority; a device keeps them on renewal and nobody can choose them (PROTOCOL.md#certificates).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub [u8; 32]);

impl fmt::Display for NodeId {
    /// All 64 hexadecimal digits.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for NodeId {
    /// The first 8 hexadecimal digits: enough to follow a log, too few to look somebody up.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..4].iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_id_prints_whole_and_its_debug_form_short() {
        let id = NodeId([0xa5; 32]);
        assert_eq!(id.to_string(), "a5".repeat(32));
        assert_eq!(format!("{id:?}"), "a5a5a5a5");
    }
}
