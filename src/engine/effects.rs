//! Each effect and the one function of the platform that carries it out.

use std::cell::Cell;
use std::rc::Rc;

use b4_protocol::crypto::{KeyOp, Ticket};
use b4_protocol::node::{Effect, Event, Input};

use crate::platform::files::{Files, KeptBlobs, Part};
use crate::platform::keys::DeviceKeys;
use crate::platform::rtc::Links;
use crate::platform::store::{Database, RowRange, RowStore, Rows};
use crate::platform::{Inputs, Pause, RelaySocket, free_storage, spawn};

/// While files come and go, the node is told so often at most how much more may be stored.
const ROOM_MS: u32 = 10_000;

/// Everything that a node's effects move.
pub(super) struct Hands {
    inputs: Inputs,
    relay: RelaySocket,
    links: Links,
    files: Files,
    is_room_due: Rc<Cell<bool>>,
    rows: Rows,
    keys: DeviceKeys,
    on_event: Box<dyn Fn(Event)>,
}

impl Hands {
    /// Hands whose answers go to `inputs`.
    pub(super) fn new(keys: DeviceKeys, database: Rc<Database>, inputs: Inputs, on_event: impl Fn(Event) + 'static) -> Self {
        let links = Links::new(inputs.clone());
        Self {
            relay: RelaySocket::new(inputs.clone()),
            files: Files::new(inputs.clone(), links.bulk()),
            is_room_due: Rc::default(),
            links,
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
            Effect::FileSend { link, number, slot, start, bytes, key } => self.files.send(&Part { link, number, slot, start, bytes, key }),
            Effect::FileExpect { link, number, slot, start, bytes, key, hashes } => {
                self.files.expect(&Part { link, number, slot, start, bytes, key }, &hashes);
                self.look_at_room();
            }
            Effect::FileUnsend { link, number } => self.files.unsend(link, number),
            Effect::FileUnexpect { link, number } => self.files.unexpect(link, number),
            Effect::FileDelete { slot } => {
                self.files.delete(slot);
                self.look_at_room();
            }
            Effect::FileSweep { keep } => self.files.sweep(&keep),
            Effect::FileRead { ticket, slot, start, bytes, seal } => {
                let (files, inputs) = (self.files.clone(), self.inputs.clone());
                spawn(async move {
                    let bytes = files.load(slot, start, bytes, seal.as_ref()).await;
                    inputs.send(Input::FileRead { ticket, bytes });
                });
            }
            Effect::FileWrite { ticket, slot, first, key, blobs, hashes } => {
                let (files, inputs) = (self.files.clone(), self.inputs.clone());
                spawn(async move {
                    let result = files.save(slot, &KeptBlobs { first, key, blobs, hashes }).await;
                    inputs.send(Input::FileWritten { ticket, result });
                });
                self.look_at_room();
            }
            Effect::Notify(event) => (self.on_event)(event),
        }
    }

    /// The bytes of files.
    pub(super) fn files(&self) -> &Files {
        &self.files
    }

    /// Says after a while how much more may be stored.
    fn look_at_room(&self) {
        if self.is_room_due.replace(true) {
            return;
        }
        let (is_due, inputs) = (Rc::clone(&self.is_room_due), self.inputs.clone());
        spawn(async move {
            Pause::for_ms(ROOM_MS).await;
            is_due.set(false);
            if let Some(bytes) = free_storage().await {
                inputs.send(Input::RoomLeft(bytes));
            }
        });
    }

    fn use_key(&self, ticket: Ticket, op: KeyOp) {
        let (keys, inputs) = (self.keys.clone(), self.inputs.clone());
        spawn(async move {
            let result = keys.perform(&op).await;
            inputs.send(Input::KeyDone { ticket, result });
        });
    }
}

impl Drop for Hands {
    fn drop(&mut self) {
        // Others may hold them still.
        self.files.close();
    }
}
