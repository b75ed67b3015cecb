//! Questions to a world at rest: who answers each, to be compared with who should.

use std::collections::BTreeMap;

use b4_protocol::ring::{Aim, Request, RingId, Service, Verdict};

use super::{Asked, NodeIndex, Overlay};

/// One question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Who asks.
    pub by: NodeIndex,
    /// What for.
    pub service: Service,
    /// For whom.
    pub aim: Aim,
    /// Key or position.
    pub key: RingId,
}

/// How it was answered: by whom and how, or not at all.
pub type ProbeResult = (Probe, Option<(RingId, Verdict)>);

/// Questions under way, and those done since they were last taken.
#[derive(Debug, Default)]
pub(super) struct Probes {
    next: u64,
    open: BTreeMap<u64, Probe>,
    done: Vec<ProbeResult>,
}

impl Overlay {
    /// Asks.
    pub fn probe(&mut self, probe: Probe) {
        self.probes.next += 1;
        let number = self.probes.next;
        self.probes.open.insert(number, probe);
        let Probe { by, service, aim, key } = probe;
        self.ask(by, Request { service, aim, key, body: Vec::new() }, Asked::Probe { number });
        self.arm(by);
    }

    /// How many questions are under way.
    pub fn probes_open(&self) -> usize {
        self.probes.open.len()
    }

    /// Takes what was answered, or not.
    pub fn take_probes(&mut self) -> Vec<ProbeResult> {
        std::mem::take(&mut self.probes.done)
    }

    pub(super) fn probe_done(&mut self, number: u64, answer: Option<(RingId, Verdict)>) {
        if let Some(probe) = self.probes.open.remove(&number) {
            self.probes.done.push((probe, answer));
        }
    }

    /// Who asked is gone.
    pub(super) fn probe_void(&mut self, number: u64) {
        self.probes.open.remove(&number);
    }
}
