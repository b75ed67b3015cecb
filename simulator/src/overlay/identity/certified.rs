//! Certificates of one authority, and the core's handshake with private keys in plain Rust.

use b4_protocol::crypto::{Fingerprint, Rng, sha256};
use b4_protocol::handshake::{Established, HandshakeError, Judge, receive_m1, start};
use b4_protocol::identity::testing::{NOW_MS, TestDevice};
use b4_protocol::identity::{Issuer, NodeId};
use b4_protocol::ring::RingId;
use b4_protocol::time::DAY_MS;

use super::pool::POOL;
use super::{Claimed, Flaw, Identities, Unproven};
use crate::overlay::NodeIndex;

/// How long ago a certificate was issued that has expired: longer than any is valid.
const LONG_AGO_MS: u64 = 365 * DAY_MS;

/// The authority of a world, and what its nodes have of it.
pub(super) struct Certified {
    authority: Issuer,
    stranger: Issuer,
    /// By index: keys go with it, as those that run differ in it. Whoever comes back to its place has a new certificate, perhaps for other
    /// keys, which nobody compares.
    devices: Vec<Option<TestDevice>>,
    /// Not the world's: whatever is drawn here, the world takes its course.
    rng: Rng,
}

impl Certified {
    pub fn new(seed: u64) -> Self {
        let mut rng = Rng::from_seed(sha256(&[b"overlay identities", &seed.to_be_bytes()]));
        let mut found = |key: &_| Issuer::found(Clone::clone(key), &mut rng, NOW_MS);
        let (authority, stranger) = (found(&POOL.authority), found(&POOL.stranger));
        Self { authority, stranger, devices: Vec::new(), rng }
    }

    /// A certificate and the keys to it. The place is what the authority draws; nobody else has a say in it.
    fn issue(&mut self, number: usize, place: RingId, flaw: Option<Flaw>, now_ms: u64) -> TestDevice {
        let issuer = if flaw == Some(Flaw::OtherAuthority) { &self.stranger } else { &self.authority };
        let place = if flaw == Some(Flaw::OtherPlace) { RingId(!place.0) } else { place };
        let issued_ms = NOW_MS + now_ms - if flaw == Some(Flaw::Expired) { LONG_AGO_MS } else { 0 };
        let node = NodeId([place.0.to_be_bytes(), self.rng.array()].concat().try_into().expect("twice 16 bytes are 32"));
        let der = issuer.issue(&mut self.rng, POOL.request(number), &node, issued_ms);
        let certificate = issuer.anchor().verify(&der, issued_ms, None).expect("it was just issued");
        let keys = POOL.device_keys(if flaw == Some(Flaw::OtherKeys) { number + 1 } else { number });
        TestDevice { certificate, keys }
    }

    /// All four messages. The other end as each sees it: the dialler's first.
    fn shake_hands(&mut self, dialler: NodeIndex, dialled: NodeIndex, now_ms: u64) -> Result<(Established, Established), Unproven> {
        let device = |node: NodeIndex| self.devices[node as usize].as_ref().expect("whoever runs is enrolled");
        let (here, there) = (device(dialler), device(dialled));
        let judge = |own| Judge { own, anchor: self.authority.anchor(), revoked: None, now_ms: NOW_MS + now_ms };
        let (here_judges, there_judges) = (judge(&here.certificate), judge(&there.certificate));
        // M1 comes in an offer: whoever does not like it says nothing.
        let unanswered = |_: HandshakeError| Unproven { was_answered: false };
        let rng = &mut self.rng;
        let (here_dtls, there_dtls) = (Fingerprint(rng.array()), Fingerprint(rng.array()));

        let sent = start(&here.certificate, here_dtls, rng);
        let received = receive_m1(sent.m1(), None, &there_judges).map_err(unanswered)?;
        let (answered, m2) = received.answer(here_dtls, there_dtls, &there.certificate, rng).map_err(unanswered)?;
        let (sent, order) = sent.receive_m2(&m2, there_dtls, there.certificate.node_id(), &here_judges)?;
        let (sent, m3) = sent.unwrapped(&here.keys.perform(rng, &order), rng)?;
        let (answered, order) = answered.receive_m3(&m3)?;
        let (seen_there, m4) = answered.unwrapped(&there.keys.perform(rng, &order), rng)?;
        Ok((sent.receive_m4(&m4)?, seen_there))
    }
}

impl Identities for Certified {
    fn enrol(&mut self, node: NodeIndex, place: RingId, flaw: Option<Flaw>, now_ms: u64) -> RingId {
        let number = node as usize;
        let device = self.issue(number, place, flaw, now_ms);
        let stands = if flaw == Some(Flaw::OtherPlace) { place } else { RingId::of_node(device.certificate.node_id()) };
        if self.devices.len() <= number {
            self.devices.resize_with(number + 1, || None);
        }
        self.devices[number] = Some(device);
        stands
    }

    fn meet(&mut self, dialler: Claimed, dialled: Claimed, now_ms: u64) -> Result<(), Unproven> {
        let (seen_here, seen_there) = self.shake_hands(dialler.0, dialled.0, now_ms)?;
        let stands_at = |seen: &Established, claimed: Claimed| RingId::of_node(seen.peer.node_id()) == claimed.1;
        if stands_at(&seen_here, dialled) && stands_at(&seen_there, dialler) { Ok(()) } else { Err(Unproven { was_answered: true }) }
    }
}

/// Nobody is told what was wrong.
impl From<HandshakeError> for Unproven {
    fn from(_: HandshakeError) -> Self {
        Self { was_answered: true }
    }
}
