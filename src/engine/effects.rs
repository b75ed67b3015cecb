//! Each effect and the one function of the platform that carries it out.

use std::rc::Rc;

use b4_protocol::crypto::{KeyOp, Ticket};
use b4_protocol::node::{Effect, Event, Input};

use crate::platform::keys::DeviceKeys;
use crate::platform::rtc::Links;
use crate::platform::store::{Database, RowRange, RowStore, Rows};
use crate::platform::{Inputs, RelaySocket, spawn};

/// Everything that a node's effects move.
pub(super) struct Hands {
    inputs: Inputs,
    relay: RelaySocket,
    links: Links,
    rows: Rows,
    keys: DeviceKeys,
    on_event: Box<dyn Fn(Event)>,
}

impl Hands {
    /// Hands whose answers go to `inputs`.
    pub(super) fn new(keys: DeviceKeys, database: Rc<Database>, inputs: Inputs, on_event: impl Fn(Event) + 'static) -> Self {
        Self {
            relay: RelaySocket::new(inputs.clone()),
            links: Links::new(inputs.clone()),
            rows: Rows::new(database, inputs.clone()),
            inputs,
            keys,
            on_event: Box::new(on_event),
        }
    }

    /// Carries out one effect.
    pub(super) fn carry_out(&self, effect: Effect) {
        match effect {
            Effect::RelayConnect => self.relay.connect(),
            Effect::RelaySend(frame) => self.relay.send(&frame),
            Effect::RelayClose => self.relay.close(),
            Effect::LinkOffer { link, ice } => self.links.offer(link, &ice),
            Effect::LinkAnswer { link, sdp, ice } => self.links.answer(link, sdp, &ice),
            Effect::LinkAccept { link, sdp } => self.links.accept(link, sdp),
            Effect::LinkCandidate { link, candidate } => self.links.candidate(link, candidate),
            Effect::LinkSend { link, channel, frame } => self.links.send(link, channel, &frame),
            Effect::LinkClose { link } => self.links.close(link),
            Effect::Store { ticket, writes } => self.rows.store(ticket, writes),
            Effect::Load { ticket, table, prefix, before, limit } => {
                self.rows.load(ticket, RowRange { table, prefix, before, limit });
            }
            Effect::Key { ticket, op } => self.use_key(ticket, op),
            // TODO: files.
            Effect::FileSend { .. } | Effect::FileExpect { .. } | Effect::FileUnexpect { .. } | Effect::FileRead { .. } | Effect::FileWrite { .. } | Effect::FileDelete { .. } | Effect::FileSweep { .. } => {}
            Effect::Notify(event) => (self.on_event)(event),
        }
    }

    fn use_key(&self, ticket: Ticket, op: KeyOp) {
        let (keys, inputs) = (self.keys.clone(), self.inputs.clone());
        spawn(async move {
            let result = keys.perform(&op).await;
            inputs.send(Input::KeyDone { ticket, result });
        });
    }
}
