//! What of a world's course goes into its trace hash: of everything that happens when, what kind of thing, and to whom. Not what messages say beside
//! their kind: whoever says something else says something else next, or later, or to another.

use b4_protocol::ring::Message;

use super::{NodeIndex, Overlay};

/// Kinds of what happens. Messages of the ring have their own number on the wire, from 1; those of the mail follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Happened {
    /// A message of the mail came.
    Mail = 0x20,
    /// A node started.
    Start,
    /// A node ended.
    End,
    /// A node did what was due.
    Wake,
    /// The relay introduced somebody.
    Introduce,
    /// A link opened.
    Open,
    /// A dial failed.
    DialFailed,
    /// One end closed a link.
    Close,
    /// The other heard of it.
    Gone,
}

impl Overlay {
    pub(super) fn note(&mut self, what: Happened, node: NodeIndex, other: u32) {
        self.trace.add_event(self.now_ms, what as u8, u64::from(node) << 32 | u64::from(other));
    }

    pub(super) fn note_message(&mut self, from: NodeIndex, to: NodeIndex, message: &Message) {
        self.trace.add_event(self.now_ms, number_of(message), u64::from(from) << 32 | u64::from(to));
    }
}

fn number_of(message: &Message) -> u8 {
    match message {
        Message::Hello { .. } => 0x01,
        Message::Links { .. } => 0x02,
        Message::Near { .. } => 0x03,
        Message::Ping { .. } => 0x04,
        Message::Pong { .. } => 0x05,
        Message::Route(_) => 0x06,
        Message::Ack { .. } => 0x07,
        Message::Stuck { .. } => 0x08,
        Message::Reply { .. } => 0x09,
        Message::Along { .. } => 0x0a,
        Message::Full => 0x0b,
        Message::Spare => 0x0c,
        Message::Late { .. } => 0x0d,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::overlay::{LinkModel, OverlayConfig, Trust};
    use b4_protocol::ring::{PathId, RingConfig, RingId};

    #[test]
    fn a_message_goes_in_as_the_number_that_it_has_on_the_wire() {
        let path = PathId(1);
        for message in [
            Message::Hello { links: Vec::new(), near: [Vec::new(), Vec::new()] },
            Message::Links { gone: Vec::new(), come: Vec::new() },
            Message::Ping { token: 1 },
            Message::Pong { token: 1 },
            Message::Ack { number: 1 },
            Message::Stuck { path, ttl: 1, suspects: Vec::new() },
            Message::Along { path, forth: true, body: Vec::new() },
            Message::Full,
            Message::Spare,
            Message::Late { path, next: 1 },
        ] {
            assert_eq!(number_of(&message), message.encode()[0], "{message:?}");
        }
    }

    /// Two worlds in which the same was said between the same, and something else happened.
    #[test]
    fn a_close_and_the_time_of_what_happens_change_the_hash_and_so_does_what_is_said() {
        let hash = |act: &dyn Fn(&mut Overlay)| {
            let ring = RingConfig { links: 24, tries: 2 };
            let mut world = Overlay::new(OverlayConfig { seed: 1, ring, latency_ms: (10, 70), links: LinkModel::IDEAL, trust: Trust::Word });
            let (one, _) = (world.join(), world.join());
            world.run_for(60_000);
            act(&mut world);
            let _ = one;
            world.trace_hash()
        };
        let peer = |world: &Overlay| world.links_of(0).next().map(|(peer, ..)| peer).unwrap_or(RingId(0));
        let hashes = [
            hash(&|_| {}),
            hash(&|world| world.close(0, peer(world))),
            hash(&|world| {
                world.run_for(1);
                world.close(0, peer(world));
            }),
            hash(&|world| world.note_message(0, 1, &Message::Ping { token: 1 })),
            hash(&|world| world.note_message(0, 1, &Message::Pong { token: 1 })),
        ];
        for (at, one) in hashes.iter().enumerate() {
            assert!(!hashes[..at].contains(one), "{at}: {hashes:?}");
        }
    }
}
