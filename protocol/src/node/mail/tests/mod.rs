//! The node's part of the mail with real sessions and a real ring, where a world would be too much.

mod collecting;
mod holding;
mod sending;
mod staying;

use super::*;
use crate::crypto::{Prk, Rng};
use crate::handshake::{Established, Role, SessionKeys};
use crate::identity::testing::{NOW_MS, TestAuthority, TestDevice};
use crate::mailbox::{Letter, Verdict};
use crate::node::{Input, LinkId, NodeConfig};
use crate::ring::{Message, Outcome, Standing};
use crate::session::{RING, Session};
use crate::time::MINUTE_MS;

const START: Now = Now { mono: 1_000, wall: NOW_MS };

fn after(ms: u64) -> Now {
    Now { mono: START.mono + ms, wall: START.wall + ms }
}

struct Stage {
    authority: TestAuthority,
    anna: TestDevice,
    node: Node,
    /// The other ends of the sessions, by anna's links.
    ends: Vec<(LinkId, Session)>,
}

/// One end of the session between anna and a peer.
fn end(role: Role, of: &VerifiedCertificate, peer: &VerifiedCertificate) -> Session {
    let keys = SessionKeys { role, transcript: [7; 32], prk: Prk::extract(b"salt", &[peer.der()]) };
    Session::new(Established { peer: of.clone(), keys }, Rng::from_seed([8; 32]), START)
}

fn place(device: &TestDevice) -> RingId {
    RingId::of_node(device.certificate.node_id())
}

impl Stage {
    fn new() -> Self {
        Self::with_rows(Vec::new())
    }

    fn with_rows(rows: Vec<Row>) -> Self {
        let mut authority = TestAuthority::new([1; 32]);
        let anna = authority.issue("anna", NOW_MS);
        let config = NodeConfig::of(&anna.certificate, authority.anchor(), rows);
        let (node, _) = Node::new(config, START);
        Self { authority, anna, node, ends: Vec::new() }
    }

    /// Somebody with whom a session begins.
    fn meets(&mut self, name: &str, now: Now) -> TestDevice {
        let device = self.authority.issue(name, NOW_MS);
        let session = end(Role::Initiator, &device.certificate, &device.certificate);
        self.heard();
        self.node.link_input(now, |links, _, _| links.bring_up(session, now));
        let greeted = self.node.effects.iter().find_map(|effect| if let Effect::LinkSend { link, .. } = effect { Some(*link) } else { None });
        self.ends.push((greeted.expect("the ring greets"), end(Role::Responder, &self.anna.certificate, &device.certificate)));
        assert!(self.is_up(&device));
        device
    }

    /// What peers were told over the ring since, and over which link.
    fn heard(&mut self) -> Vec<(LinkId, Message)> {
        let mut heard = Vec::new();
        for effect in std::mem::take(&mut self.node.effects) {
            let Effect::LinkSend { link, channel: RING, frame } = effect else { continue };
            let Some((_, end)) = self.ends.iter_mut().find(|(of, _)| *of == link) else { continue };
            let opened = end.open(RING, &frame, START).expect("an honest record");
            heard.extend(opened.body.and_then(|(_, body)| Message::decode(&body).ok()).map(|message| (link, message)));
        }
        heard
    }

    /// Carries out what was ordered of the keys; how much that was.
    fn keys(&mut self) -> usize {
        let effects = std::mem::take(&mut self.node.effects);
        let orders = effects.into_iter().filter_map(|effect| if let Effect::Key { ticket, op } = effect { Some((ticket, op)) } else { None });
        let results: Vec<_> = orders.map(|(ticket, op)| (ticket, self.anna.keys.perform(&mut Rng::from_seed([2; 32]), &op))).collect();
        let count = results.len();
        for (ticket, result) in results {
            self.node.key_done(ticket, &result, START);
        }
        count
    }

    fn is_up(&self, device: &TestDevice) -> bool {
        self.node.links.is_up(device.certificate.user_id())
    }

    /// The ring has no use for a session any more.
    fn ring_lets_go(&mut self, device: &TestDevice, now: Now) {
        let place = place(device);
        self.node.ring_input(now, |ring, out| {
            ring.unlinked(place, now.mono, &mut Vec::new());
            out.push(Outcome::Close { peer: place, is_dead: false });
        });
    }

    fn ring_hears(&mut self, device: &TestDevice, message: &Message, now: Now) {
        assert!(self.node.ring_message(device.certificate.user_id(), &message.encode(), now));
    }

    /// They say something about mail.
    fn mail_comes(&mut self, device: &TestDevice, now: Now) {
        let message = DepositMessage::Verdicts { mailbox: [1; 32], items: vec![(EnvelopeId([1; 32]), Verdict::Full)] };
        assert!(self.node.deposit_message(device.certificate.user_id(), &message.encode(), now));
    }
}

#[test]
fn no_queue_of_the_mail_is_without_a_bound_and_none_is_over_it_at_first() {
    let stage = Stage::new();
    let queues = stage.node.mail_queues();
    assert!(queues.len() > 20);
    assert!(queues.iter().all(|(_, length, bound)| length <= bound && *bound < 100_000), "{queues:?}");
}

/// What a peer was sent on a channel.
fn told(stage: &mut Stage, channel: u16) -> Vec<Vec<u8>> {
    let mut bodies = Vec::new();
    for effect in std::mem::take(&mut stage.node.effects) {
        let Effect::LinkSend { link, channel: of, frame } = effect else { continue };
        let Some((_, end)) = stage.ends.iter_mut().find(|(at, _)| *at == link && of == channel) else { continue };
        bodies.extend(end.open(channel, &frame, START).expect("an honest record").body.map(|(_, body)| body));
    }
    bodies
}
