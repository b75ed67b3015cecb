//! A receiver that has returned: its presence, what others keep for it, and its word that it has come.

use b4_protocol::limits::{COPIES, HOLDERS, PRESENCE_AGAIN_MS, TOMBSTONE_MS};
use b4_protocol::mailbox::{CollectMessage, Collector, EnvelopeId, Parcel, ParcelKind};
use b4_protocol::ring::{Aim, PathId, Request, RingId, Service, Standing};

use super::{Done, MailMessage, NodeIndex, Overlay, READ_MS, ledger, mailbox_at};
use crate::overlay::{Asked, mix};

/// From a place in the ring to publishing, and again after a failure: as in the product's `node/directory`.
const SETTLE_MS: u64 = 1_000;
const RETRY_MS: u64 = 5_000;
/// How long what has come is gathered before its holders are told: as in the product's `node/mail/collecting`.
const GATHER_MS: u64 = 200;
/// A tombstone's head, certificate and signature, and what it says of each message (PROTOCOL.md#envelope).
const TOMBSTONE_BYTES: usize = 1_800;
const ARRIVED_BYTES: usize = 48;
/// First byte of a publication: by the receiver itself, or by one of those who keep it.
const FIRST: u8 = 0;
const COPY: u8 = 1;

impl Overlay {
    /// Lends the collector, and sends what it says.
    pub(super) fn collect(&mut self, node: NodeIndex, step: impl FnOnce(&mut Collector, &mut Vec<(RingId, CollectMessage)>)) {
        let Some(mail) = self.nodes[node as usize].mail.as_mut() else { return };
        let mut out = Vec::new();
        step(&mut mail.collector, &mut out);
        for (to, message) in out {
            self.mail_send(node, to, 0, MailMessage::Collect(message));
        }
        self.mail_arm(node);
    }

    /// A receiver came into its place, or lost it.
    pub(super) fn receiver_stands(&mut self, node: NodeIndex, standing: Standing) {
        let (now, now_ms) = (self.mail_now(), self.now_ms);
        let state = &mut self.nodes[node as usize];
        let (Some(mail), Some(ring), me) = (state.mail.as_mut(), state.ring.as_ref(), state.id) else { return };
        let Some(key) = mail.own else { return };
        mail.publish_ms = (standing == Standing::Member).then_some(now_ms + SETTLE_MS);
        if standing != Standing::Member {
            return;
        }
        let mut arc = ring.arc_of(key);
        arc.retain(|place| *place != me);
        if let Some(of) = self.post.as_mut().and_then(|post| post.boxes.get_mut(&key)) {
            of.member_ms.get_or_insert(now_ms);
        }
        for place in arc.iter().take(COPIES) {
            self.mail_dial(node, *place);
        }
        let asks = self.post.as_ref().is_some_and(|post| post.config.asks_for_holders);
        if arc.is_empty() && asks {
            self.look_up_own_holders(node, key);
        }
        self.collect(node, |collector, _| collector.joined(arc, now));
    }

    /// What is due at a receiver: its presence, and its word on what has come.
    pub(super) fn receiver_wakes(&mut self, node: NodeIndex) {
        let now_ms = self.now_ms;
        let Some(mail) = self.nodes[node as usize].mail.as_mut() else { return };
        let is_to_clear = mail.clear_ms.take_if(|at| *at <= now_ms).is_some();
        let is_to_publish = mail.publish_ms.take_if(|at| *at <= now_ms).is_some();
        if is_to_clear {
            self.clear(node);
        }
        if is_to_publish {
            self.publish(node);
        }
    }

    pub(super) fn collect_message(&mut self, node: NodeIndex, from: RingId, message: CollectMessage) {
        let now = self.mail_now();
        // Whoever asks gets what is for them.
        let theirs = self.post.as_ref().and_then(|post| post.receivers.get(&from)).map(|key| mailbox_at(*key));
        match message {
            CollectMessage::Ask { after } => match theirs {
                Some(theirs) => self.tell_list(node, from, &theirs, after),
                None => {
                    let nothing = CollectMessage::List { is_more: false, items: Vec::new(), elsewhere: Vec::new() };
                    self.mail_send(node, from, 0, MailMessage::Collect(nothing));
                }
            },
            CollectMessage::Fetch(ids) => {
                for id in ids {
                    match theirs.filter(|theirs| self.holds(node, theirs, id)) {
                        Some(_) => self.mail_send(node, from, READ_MS, MailMessage::Letter(id)),
                        None => self.mail_send(node, from, 0, MailMessage::Collect(CollectMessage::Gone(id))),
                    }
                }
            }
            CollectMessage::List { is_more, items, elsewhere } => {
                elsewhere.into_iter().for_each(|place| self.mail_dial(node, place));
                let ids: Vec<EnvelopeId> = items.iter().map(|(id, _)| *id).collect();
                self.listed(node, from, is_more, &ids);
            }
            CollectMessage::Gone(id) => self.collect(node, |collector, out| collector.failed(from, Some(id), now, out)),
            // Files have worlds of their own.
            CollectMessage::FetchBlobs { .. } | CollectMessage::Blob(_) | CollectMessage::ClearShelf(_) => {}
            CollectMessage::Letter(_) | CollectMessage::Clear(_) => {}
        }
    }

    fn listed(&mut self, node: NodeIndex, from: RingId, is_more: bool, ids: &[EnvelopeId]) {
        let now = self.mail_now();
        let own = self.nodes[node as usize].mail.as_ref().and_then(|mail| mail.own);
        let of = own.and_then(|key| self.post.as_ref()?.boxes.get(&key));
        let is_seen = |id: &EnvelopeId| of.is_some_and(|of| of.seen.contains(id));
        let (seen, fresh): (Vec<EnvelopeId>, Vec<EnvelopeId>) = ids.iter().copied().partition(is_seen);
        // Whoever still has what was seen does not know yet that it has come.
        seen.into_iter().for_each(|id| self.note_arrived(node, id, &[from]));
        let more_after = ids.last().filter(|_| is_more).copied();
        self.collect(node, |collector, out| collector.listed(from, &fresh, more_after, now, out));
    }

    /// A letter came from a holder: it is opened, and stored.
    pub(super) fn letter_came(&mut self, node: NodeIndex, from: RingId, id: EnvelopeId) {
        let now = self.mail_now();
        let mut is_wanted = false;
        self.collect(node, |collector, _| is_wanted = collector.came(from, id, now));
        if is_wanted {
            let in_ms = self.keys_ms() + self.draw_disk_ms();
            self.mail_done_in(in_ms, node, Done::Letter { from, id });
        } else {
            self.collect(node, |collector, out| collector.failed(from, None, now, out));
        }
    }

    pub(super) fn letter_opened(&mut self, node: NodeIndex, from: RingId, id: EnvelopeId) {
        let (now, now_ms) = (self.mail_now(), self.now_ms);
        let Some(mail) = self.nodes[node as usize].mail.as_mut() else { return };
        let own = mail.own;
        let mut sources = mail.collector.sources(&id).to_vec();
        sources.push(from);
        if let (Some(number), Some(post)) = (ledger::number_of(id), self.post.as_mut()) {
            post.ledger.opened(number, now_ms);
            if let Some(of) = own.and_then(|key| post.boxes.get_mut(&key)) {
                of.seen.insert(id);
            }
        }
        self.note_arrived(node, id, &sources);
        self.collect(node, |collector, out| collector.done(id, now, out));
    }

    fn note_arrived(&mut self, node: NodeIndex, id: EnvelopeId, sources: &[RingId]) {
        let now_ms = self.now_ms;
        let Some(mail) = self.nodes[node as usize].mail.as_mut() else { return };
        if !mail.arrived.contains(&id) {
            mail.arrived.push(id);
        }
        mail.sources.extend(sources);
        mail.clear_ms.get_or_insert(now_ms + GATHER_MS);
    }

    /// Tells the holders what has come.
    fn clear(&mut self, node: NodeIndex) {
        let (now, now_ms, in_ms) = (self.mail_now(), self.now_ms, self.keys_ms());
        let Some(mail) = self.nodes[node as usize].mail.as_mut() else { return };
        let (Some(key), arrived, sources) = (mail.own, std::mem::take(&mut mail.arrived), std::mem::take(&mut mail.sources)) else { return };
        let mut id = [0; 32];
        id[..8].copy_from_slice(&mix(u64::from(node), now_ms).to_be_bytes());
        id[8..16].copy_from_slice(&now_ms.to_be_bytes());
        let bytes = (TOMBSTONE_BYTES + ARRIVED_BYTES * arrived.len()) as u32;
        let kind = ParcelKind::Tombstone(arrived);
        let parcel = Parcel { id: EnvelopeId(id), mailbox: mailbox_at(key), bytes, expiry_ms: now.wall + TOMBSTONE_MS, kind };
        if let Some(post) = self.post.as_mut() {
            post.tombstones.insert(parcel.id, parcel.clone());
        }
        for to in sources {
            self.mail_send(node, to, in_ms, MailMessage::Clear(parcel.clone()));
        }
    }

    fn publish(&mut self, node: NodeIndex) {
        let now_ms = self.now_ms;
        let state = &mut self.nodes[node as usize];
        let (Some(mail), place) = (state.mail.as_mut(), state.id) else { return };
        let Some(key) = mail.own else { return };
        mail.publish_ms = Some(now_ms + PRESENCE_AGAIN_MS);
        mail.sequence += 1;
        let body = publication(FIRST, key, place, mail.sequence);
        self.ask(node, Request { service: Service::Publish, aim: Aim::Key { rank: 0 }, key, body }, Asked::Publish);
        self.mail_arm(node);
    }

    pub(in crate::overlay) fn publish_failed(&mut self, node: NodeIndex) {
        let now_ms = self.now_ms;
        if let Some(mail) = self.nodes[node as usize].mail.as_mut() {
            mail.publish_ms = Some(now_ms + RETRY_MS);
        }
        self.mail_arm(node);
    }

    /// Somebody publishes here, or gives a copy. Whoever has come gets what is kept for them.
    pub(in crate::overlay) fn published(&mut self, node: NodeIndex, path: PathId, service: Service, body: &[u8]) {
        self.later(node, |ring, now_ms, out| ring.answer(path, Vec::new(), now_ms, out));
        let state = &mut self.nodes[node as usize];
        let (Some(mail), Some(ring), me) = (state.mail.as_mut(), state.ring.as_ref(), state.id) else { return };
        let Some((kind, key, place, sequence)) = read_publication(body) else { return };
        if !ring.is_in_arc(key) || mail.shelf.get(&key).is_some_and(|(_, known)| *known >= sequence) {
            return;
        }
        mail.shelf.insert(key, (place, sequence));
        let (mailbox, others) = (mailbox_at(key), ring.responsible_for(key));
        if !mail.holder.list(&mailbox, EnvelopeId([0; 32])).0.is_empty() {
            match state.links.contains_key(&place) {
                true => self.tell_list(node, place, &mailbox, EnvelopeId([0; 32])),
                false => self.mail_dial(node, place),
            }
        }
        if service == Service::Publish && kind == FIRST {
            for to in others.into_iter().filter(|to| *to != me && *to != place).take(HOLDERS) {
                let body = publication(COPY, key, place, sequence);
                self.ask(node, Request { service: Service::Copy, aim: Aim::Node, key: to, body }, Asked::Copy);
            }
        }
    }
}

/// kind(1) | key(16) | place(16) | sequence(8)
fn publication(kind: u8, key: RingId, place: RingId, sequence: u64) -> Vec<u8> {
    [&[kind][..], &key.0.to_be_bytes(), &place.0.to_be_bytes(), &sequence.to_be_bytes()].concat()
}

fn read_publication(body: &[u8]) -> Option<(u8, RingId, RingId, u64)> {
    let (kind, rest) = body.split_first()?;
    let (key, rest) = rest.split_first_chunk()?;
    let (place, rest) = rest.split_first_chunk()?;
    let place_of = |bytes: &[u8; 16]| RingId(u128::from_be_bytes(*bytes));
    Some((*kind, place_of(key), place_of(place), u64::from_be_bytes(rest.try_into().ok()?)))
}
