//! What is sent, counted apart: the ring's own, signalling, and the lookups of an experiment.

use std::collections::HashMap;

use b4_protocol::ring::{Message, PathId, Service};

use super::hash::ByRandomBits;

/// Paths are remembered for one to two of these spans: longer than they live.
const SPAN_MS: u64 = 40_000;

/// What a message is part of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Class {
    #[default]
    Ring,
    Signal,
    Lookup,
}

/// What travels sealed. In a large world one byte stands for it: the ring does not look into it, and every hop keeps a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Sealed {
    Certificate,
    Offer,
    Answer,
    Candidate,
}

impl Sealed {
    /// Their sizes in bytes (measured; PROTOCOL.md#signalling bounds).
    const BYTES: [usize; 4] = [1_250, 2_500, 2_100, 110];

    /// What stands for it as the body of a message.
    pub fn body(self) -> Vec<u8> {
        vec![self as u8]
    }

    /// How much larger a message is than with what stands in its body.
    fn missing_bytes(message: &Message) -> usize {
        let body = match message {
            Message::Route(route) => &route.body,
            Message::Reply { answer, .. } => &answer.body,
            Message::Along { body, .. } => body,
            _ => return 0,
        };
        match body[..] {
            [what] => Self::BYTES[usize::from(what)] - 1,
            _ => 0,
        }
    }
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counted {
    /// Bytes of sealed records sent: the ring's own.
    pub ring_bytes: u64,
    /// Offers, answers, candidates, certificates on their way.
    pub signal_bytes: u64,
    /// Lookups of the experiment.
    pub lookup_bytes: u64,
    /// Connections made: each once, not at both ends.
    pub connections: u64,
    /// Dials that came to nothing.
    pub dials_failed: u64,
    /// Messages sent.
    pub messages: u64,
    /// From the start of a node to its place in the ring: the sum, and how many.
    pub joining_ms: (u64, u64),
}

/// What is known about a path.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PathFacts {
    pub class: Class,
    /// Hops on the way that did not answer in time, or were gone while it was asked.
    pub timeouts: u32,
    /// Whether whom it reached was right.
    pub is_right: Option<bool>,
}

#[derive(Default)]
pub(super) struct Traffic {
    pub counted: Counted,
    /// From the start of a node to the answer to its first request, since they were last taken.
    pub first_routed_ms: Vec<u64>,
    /// What is being answered right now: acknowledgements count with what they acknowledge.
    pub answering: Class,
    young: HashMap<PathId, PathFacts, ByRandomBits>,
    old: HashMap<PathId, PathFacts, ByRandomBits>,
    turn_ms: u64,
}

impl Traffic {
    /// Counts a message, and learns from it about its path.
    pub fn sent(&mut self, message: &Message, now_ms: u64) {
        let class = match message {
            Message::Route(route) => self.routed(route.path, route.service, now_ms),
            Message::Reply { path, .. } | Message::Along { path, .. } | Message::Stuck { path, .. } | Message::Late { path, .. } => {
                self.class_of(*path)
            }
            Message::Ack { .. } => self.answering,
            _ => Class::Ring,
        };
        let bytes = sealed_len(message.encoded_len() + Sealed::missing_bytes(message));
        self.counted.messages += 1;
        match class {
            Class::Ring => self.counted.ring_bytes += bytes,
            Class::Signal => self.counted.signal_bytes += bytes,
            Class::Lookup => self.counted.lookup_bytes += bytes,
        }
    }

    fn routed(&mut self, path: PathId, service: Service, now_ms: u64) -> Class {
        let class = match service {
            // Most of these, and as they come.
            Service::Find => return Class::Ring,
            Service::Signal | Service::Certificate => Class::Signal,
            Service::Lookup | Service::Publish | Service::Copy => Class::Lookup,
        };
        if now_ms >= self.turn_ms + SPAN_MS {
            self.turn_ms = now_ms;
            self.old = std::mem::take(&mut self.young);
        }
        self.facts(path).class = class;
        class
    }

    pub fn class_of(&self, path: PathId) -> Class {
        self.known(path).class
    }

    pub fn known(&self, path: PathId) -> PathFacts {
        self.young.get(&path).or_else(|| self.old.get(&path)).copied().unwrap_or_default()
    }

    /// Whether a request was sent on this way before.
    pub fn is_known(&self, path: PathId) -> bool {
        self.young.contains_key(&path) || self.old.contains_key(&path)
    }

    pub fn facts(&mut self, path: PathId) -> &mut PathFacts {
        let known = self.known(path);
        self.young.entry(path).or_insert(known)
    }
}

/// Bytes of the sealed, padded record that a message makes (PROTOCOL.md#records).
pub(super) fn sealed_len(bytes: usize) -> u64 {
    let padded = [64, 256, 1_024, 4_096, 16_000].into_iter().find(|size| *size >= bytes + 6).unwrap_or(16_000);
    11 + padded as u64 + 16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_for_something_sealed_counts_as_large_as_it() {
        let along = |body| Message::Along { path: PathId(1), forth: true, body };
        for (what, bytes) in [(Sealed::Certificate, 1_250), (Sealed::Offer, 2_500), (Sealed::Answer, 2_100), (Sealed::Candidate, 110)] {
            let message = along(what.body());
            assert_eq!(message.encoded_len() + Sealed::missing_bytes(&message), along(vec![0; bytes]).encoded_len());
        }
        assert_eq!(Sealed::missing_bytes(&along(Vec::new())), 0);
    }
}
