//! The counters as Prometheus text. No names, no addresses.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::relay::Counters;

/// What the HTTP calls have come to.
#[derive(Default)]
pub(crate) struct Tally {
    issued: AtomicU64,
    /// By code, of which there are a dozen.
    refused: Mutex<BTreeMap<&'static str, u64>>,
}

impl Tally {
    /// A certificate was handed out.
    pub(crate) fn issued(&self) {
        self.issued.fetch_add(1, Ordering::Relaxed);
    }

    /// A call was refused.
    pub(crate) fn refused(&self, code: &'static str) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner).entry(code).or_default() += 1;
    }
}

/// What is true at this moment.
pub(crate) struct Gauges {
    pub(crate) connections: usize,
    pub(crate) peers: usize,
    pub(crate) watches: usize,
    /// Unknown while the registry cannot be read.
    pub(crate) names: Option<u64>,
    pub(crate) revocation_sequence: u64,
}

/// Prometheus text format 0.0.4.
pub(crate) fn render(gauges: &Gauges, counters: &Counters, tally: &Tally) -> String {
    let mut text = String::with_capacity(4_096);
    let mut one = |kind: &str, name: &str, help: &str, value: u64| {
        let _ = writeln!(text, "# HELP b4_{name} {help}\n# TYPE b4_{name} {kind}\nb4_{name} {value}");
    };
    one("gauge", "relay_connections", "Open relay connections, unproven ones included.", gauges.connections as u64);
    one("gauge", "relay_peers", "Peers that have proven themselves.", gauges.peers as u64);
    one("gauge", "relay_watches", "Watches waiting.", gauges.watches as u64);
    if let Some(names) = gauges.names {
        one("gauge", "names", "Names taken.", names);
    }
    one("gauge", "revocation_sequence", "Sequence of the newest revocation list.", gauges.revocation_sequence);
    one("counter", "relay_joins_total", "Proofs accepted.", counters.joins);
    one("counter", "relay_lookups_total", "Lookups answered.", counters.lookups);
    one("counter", "relay_forwards_total", "Bodies handed on.", counters.forwards);
    one("counter", "relay_undelivered_total", "Bodies that went nowhere.", counters.undelivered);
    one("counter", "relay_introductions_total", "Introductions answered.", counters.introductions);
    one("counter", "relay_watches_fired_total", "Watches that fired.", counters.watches_fired);
    one("counter", "relay_half_open_total", "Connections closed for silence.", counters.half_open);
    one("counter", "relay_slow_consumers_total", "Connections closed for not reading.", counters.slow_consumers);
    let issued = tally.issued.load(Ordering::Relaxed);
    one("counter", "certificates_total", "Certificates handed out, current ones handed out again included.", issued);
    let _ = writeln!(text, "# HELP b4_http_refusals_total Refused calls by code.\n# TYPE b4_http_refusals_total counter");
    for (code, count) in &*tally.refused.lock().unwrap_or_else(PoisonError::into_inner) {
        let _ = writeln!(text, "b4_http_refusals_total{{code=\"{code}\"}} {count}");
    }
    let _ = writeln!(text, "# HELP b4_relay_refusals_total Refusals by code.\n# TYPE b4_relay_refusals_total counter");
    for (number, count) in counters.refusals.iter().enumerate() {
        let _ = writeln!(text, "b4_relay_refusals_total{{code=\"{}\"}} {count}", number + 1);
    }
    text
}
