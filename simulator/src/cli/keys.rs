//! Which worlds of an experiment have keys: the option, and what it means for a seed.

use b4_simulator::experiments::KEYED_NODES_MAX;
use b4_simulator::overlay::Trust;
use clap::Args;

use super::Common;

/// The option of experiments on our own ring.
#[derive(Args, Clone, Copy, Debug)]
pub(super) struct Keys {
    /// Give keys to the worlds of so many seeds only, the first ones. Unless this is given, every world of up to 1,000 nodes (receivers of
    /// deposits count) has them: a node's place comes from its certificate, and a link opens after the product's handshake, which takes
    /// some milliseconds of the processor. Larger worlds never have keys. The course, and so every figure but the speed, is the same.
    #[arg(long, hide_default_value = true, default_value_t = u64::MAX)]
    keyed_seeds: u64,
}

impl Keys {
    /// How the nodes of one seed's world know each other, where there are `nodes` of them.
    pub fn trust(self, common: &Common, seed: u64, nodes: usize) -> Trust {
        let is_keyed = seed.wrapping_sub(common.seed) < self.keyed_seeds && nodes <= KEYED_NODES_MAX;
        if is_keyed { Trust::Certificates } else { Trust::Word }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        keys: Keys,
    }

    #[test]
    fn worlds_of_up_to_a_thousand_nodes_have_keys_unless_fewer_seeds_are_to_have_them() {
        let trust = |line: &str, seed, nodes| {
            let Line { common, keys } = Line::parse_from(line.split(' '));
            keys.trust(&common, seed, nodes)
        };
        for (line, seed, nodes, is_keyed) in [
            ("any", 1, 1_000, true),
            ("any", 1, 1_001, false),
            ("any --seed 5 --seeds 20", 24, 2, true),
            ("any --seed 5 --keyed-seeds 2", 6, 1_000, true),
            ("any --seed 5 --keyed-seeds 2", 7, 1_000, false),
            ("any --keyed-seeds 0", 1, 2, false),
            ("any --keyed-seeds 2", 1, 10_000, false),
        ] {
            let expected = if is_keyed { Trust::Certificates } else { Trust::Word };
            assert_eq!(trust(line, seed, nodes), expected, "{line}, seed {seed}, {nodes} nodes");
        }
    }
}
