//! What a node keeps for others: the holder's orders carried out, and what its disk has.

use b4_protocol::mailbox::{EnvelopeId, Holder, HolderOrder, Mailbox, row_key};
use b4_protocol::ring::RingId;
use b4_protocol::store::{Table, Write};

use super::{Around, Done, MailMessage, NodeIndex, Overlay, READ_MS, ledger};
use crate::overlay::Asked;

impl Overlay {
    /// Lends the holder what it needs, and carries out what it orders.
    pub(super) fn hold(&mut self, node: NodeIndex, step: impl FnOnce(&mut Holder, &Around<'_>, &mut Vec<HolderOrder>)) {
        let Some(post) = self.post.as_ref() else { return };
        let state = &mut self.nodes[node as usize];
        let (Some(mail), Some(ring)) = (state.mail.as_mut(), state.ring.as_ref()) else { return };
        let around = Around { ring, links: &state.links, own: mail.own, boxes: &post.boxes };
        let mut orders = Vec::new();
        step(&mut mail.holder, &around, &mut orders);
        for order in orders {
            self.holder_order(node, order);
        }
        self.mail_arm(node);
    }

    fn holder_order(&mut self, node: NodeIndex, order: HolderOrder) {
        match order {
            HolderOrder::Send(to, message) => self.mail_send(node, to, 0, MailMessage::Deposit(message)),
            HolderOrder::Give(to, mailbox, id) => self.give(node, to, mailbox, id),
            HolderOrder::Link(to) => self.mail_dial(node, to),
            HolderOrder::Keep(mailbox, id, writes) => {
                let in_ms = self.draw_disk_ms();
                self.mail_done_in(in_ms, node, Done::Kept { mailbox, id, writes });
            }
            HolderOrder::Write(writes) => self.write(node, writes),
            HolderOrder::Receipt(to, mailbox, id, _) => {
                let in_ms = self.keys_ms();
                self.mail_done_in(in_ms, node, Done::Receipt { to, mailbox, id });
            }
        }
    }

    /// Dials for the mail: once at a time, as the product's links do.
    pub(super) fn mail_dial(&mut self, node: NodeIndex, to: RingId) {
        let state = &self.nodes[node as usize];
        let is_under_way = |asked: &Asked| matches!(asked, Asked::Certificate { of } | Asked::Signal { of } if *of == to);
        if !state.links.contains_key(&to) && !state.asked.values().any(is_under_way) {
            self.dial(node, to);
        }
    }

    fn give(&mut self, node: NodeIndex, to: RingId, mailbox: Mailbox, id: EnvelopeId) {
        let place = self.nodes[node as usize].id;
        let Some(post) = self.post.as_ref() else { return };
        let is_there = post.disks.get(&place).is_some_and(|disk| disk.contains_key(&row_key(&mailbox, id)));
        let parcel = post.tombstones.get(&id).cloned().or_else(|| post.ledger.parcel(&mailbox, id));
        match parcel.filter(|_| is_there) {
            Some(parcel) => self.mail_send(node, to, READ_MS, MailMessage::Item(parcel)),
            None => self.hold(node, |holder, _, out| holder.missing(&mailbox, id, out)),
        }
    }

    pub(super) fn kept(&mut self, node: NodeIndex, mailbox: Mailbox, id: EnvelopeId, writes: Vec<Write>) {
        let now = self.mail_now();
        self.write(node, writes);
        self.hold(node, |holder, _, out| holder.stored(&mailbox, id, now, out));
        // Whoever it is for is linked: they hear what there is.
        let receiver = self.post.as_ref().and_then(|post| Some(post.boxes.get(&RingId::of_bytes(&mailbox))?.receiver));
        if let Some(receiver) = receiver.filter(|receiver| self.nodes[node as usize].links.contains_key(receiver)) {
            self.tell_list(node, receiver, &mailbox, EnvelopeId([0; 32]));
        }
    }

    fn write(&mut self, node: NodeIndex, writes: Vec<Write>) {
        let (now_ms, place) = (self.now_ms, self.nodes[node as usize].id);
        let Some(post) = self.post.as_mut() else { return };
        let disk = post.disks.entry(place).or_default();
        for Write { key, value, .. } in writes.into_iter().filter(|write| write.table == Table::Held) {
            match value {
                Some(value) => {
                    post.ledger.kept(&key, place, now_ms);
                    disk.insert(key, value);
                }
                None => {
                    post.ledger.dropped(&key, place, now_ms);
                    disk.remove(&key);
                }
            }
        }
    }

    /// What is kept here for whoever stands at a place.
    pub(super) fn tell_list(&mut self, node: NodeIndex, to: RingId, mailbox: &Mailbox, after: EnvelopeId) {
        let now = self.mail_now();
        let Some(mail) = self.nodes[node as usize].mail.as_ref() else { return };
        let (items, is_more) = mail.holder.list(mailbox, after);
        let list = b4_protocol::mailbox::CollectMessage::List { is_more, items, elsewhere: mail.holder.elsewhere(mailbox, now) };
        self.mail_send(node, to, 0, MailMessage::Collect(list));
    }

    /// Whether this holder keeps a letter.
    pub(super) fn holds(&self, node: NodeIndex, mailbox: &Mailbox, id: EnvelopeId) -> bool {
        ledger::number_of(id).is_some() && self.nodes[node as usize].mail.as_ref().is_some_and(|mail| mail.holder.has(mailbox, id))
    }
}
