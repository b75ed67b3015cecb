//! The counters as Prometheus text. No names, no addresses.

use std::fmt::Write as _;

use crate::relay::Counters;

/// What is true at this moment.
pub(crate) struct Gauges {
    pub(crate) connections: usize,
    pub(crate) peers: usize,
    pub(crate) watches: usize,
    pub(crate) names: u64,
    pub(crate) revocation_sequence: u64,
}

/// Prometheus text format 0.0.4.
pub(crate) fn render(gauges: &Gauges, counters: &Counters) -> String {
    let mut text = String::with_capacity(2_048);
    let mut one = |kind: &str, name: &str, help: &str, value: u64| {
        let _ = writeln!(text, "# HELP b4_{name} {help}\n# TYPE b4_{name} {kind}\nb4_{name} {value}");
    };
    one("gauge", "relay_connections", "Open relay connections, unproven ones included.", gauges.connections as u64);
    one("gauge", "relay_peers", "Peers that have proven themselves.", gauges.peers as u64);
    one("gauge", "relay_watches", "Watches waiting.", gauges.watches as u64);
    one("gauge", "names", "Names taken.", gauges.names);
    one("gauge", "revocation_sequence", "Sequence of the newest revocation list.", gauges.revocation_sequence);
    one("counter", "relay_joins_total", "Proofs accepted.", counters.joins);
    one("counter", "relay_lookups_total", "Lookups answered.", counters.lookups);
    one("counter", "relay_forwards_total", "Bodies handed on.", counters.forwards);
    one("counter", "relay_undelivered_total", "Bodies that went nowhere.", counters.undelivered);
    one("counter", "relay_introductions_total", "Introductions answered.", counters.introductions);
    one("counter", "relay_watches_fired_total", "Watches that fired.", counters.watches_fired);
    one("counter", "relay_half_open_total", "Connections closed for silence.", counters.half_open);
    one("counter", "relay_slow_consumers_total", "Connections closed for not reading.", counters.slow_consumers);
    let _ = writeln!(text, "# HELP b4_relay_refusals_total Refusals by code.\n# TYPE b4_relay_refusals_total counter");
    for (number, count) in counters.refusals.iter().enumerate() {
        let _ = writeln!(text, "b4_relay_refusals_total{{code=\"{}\"}} {count}", number + 1);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_a_comment_or_a_sample() {
        let gauges = Gauges { connections: 3, peers: 2, watches: 1, names: 4, revocation_sequence: 5 };
        let text = render(&gauges, &Counters { joins: 7, ..Counters::default() });
        for line in text.lines() {
            let sample = line.rsplit_once(' ').is_some_and(|(_, value)| value.parse::<u64>().is_ok());
            assert!(line.starts_with("# HELP b4_") || line.starts_with("# TYPE b4_") || sample, "{line}");
        }
        assert!(text.contains("\nb4_relay_joins_total 7\n") && text.contains("b4_relay_refusals_total{code=\"10\"} 0"));
    }
}
