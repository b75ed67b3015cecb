//! What this node keeps for others: the holder's orders carried out, and mail given to whom it is for.

use super::{Around, MailKeyUse, Node, Reading, ReadingOf};
use crate::limits::{FETCH_MAX, GIVES_MAX};
use crate::mailbox::{BlobHeader, CollectMessage, DepositMessage, EnvelopeId, Holder, HolderOrder, Mailbox, Offered, Parcel, Receipt, Sealed, Tombstone, TombstoneError, Verdict};
use crate::node::journal::Purpose;
use crate::node::{KeyUse, Loading};
use crate::ring::RingId;
use crate::time::Now;

/// Items read from the disk for their receivers at once; what is asked for beyond that is asked for again.
pub(super) const READINGS_MAX: usize = 4 * FETCH_MAX;

impl Node {
    /// Lends the holder what it needs, and carries out what it orders.
    pub(super) fn hold(&mut self, now: Now, step: impl FnOnce(&mut Holder, &Around<'_>, &mut Vec<HolderOrder>)) {
        let around = Around { ring: &self.ring, links: &self.links, own: self.own.user_id().mailbox() };
        let mut orders = Vec::new();
        step(&mut self.mail.holder, &around, &mut orders);
        for order in orders {
            self.holder_order(order, now);
        }
    }

    fn holder_order(&mut self, order: HolderOrder, now: Now) {
        match order {
            HolderOrder::Send(to, message) => self.send_deposit(to, &message, now),
            HolderOrder::Give(to, mailbox, id) => {
                if self.readings(false) < GIVES_MAX {
                    self.read_item(Reading { to, mailbox, id, what: ReadingOf::Handover });
                }
            }
            HolderOrder::Link(to) => self.ring_dial(to, now),
            HolderOrder::Keep(mailbox, id, writes) => self.store(writes, Purpose::Deposit { mailbox, id }),
            HolderOrder::Write(writes) => {
                self.holding_changed();
                self.store(writes, Purpose::Quiet);
            }
            HolderOrder::Receipt(to, mailbox, envelope, expiry_h) => {
                let receipt = Receipt { holder: *self.own.node_id(), mailbox, envelope, expiry_h };
                let op = receipt.key_op();
                self.ask_keys(KeyUse::Mail(MailKeyUse::Receipt { to, receipt }), op);
            }
        }
    }

    pub(super) fn holding_wake(&mut self, now: Now) {
        self.hold(now, |holder, around, out| holder.look(around, now, out));
    }

    /// The page may not run again: what others are to have is offered to them now. Nothing relies on it.
    pub(in crate::node) fn mail_hiding(&mut self, now: Now) {
        self.mail.holder.hurry(now);
        self.holding_wake(now);
    }

    /// Who stands beside this node changed.
    pub(in crate::node) fn mail_near_changed(&mut self, now: Now) {
        self.mail.holder.neighbours_changed(now);
    }

    pub(super) fn offered(&mut self, from: RingId, is_first_hand: bool, mailbox: Mailbox, items: &[Offered], now: Now) {
        if self.journal.is_troubled() {
            // The disk fails: others are to keep it.
            let items = items.iter().map(|offered| (offered.id, Verdict::Full)).collect();
            return self.send_deposit(from, &DepositMessage::Verdicts { mailbox, items }, now);
        }
        self.hold(now, |holder, around, out| holder.offered(from, (is_first_hand, mailbox, items), around, now, out));
        if !is_first_hand && !self.mail.holder.elsewhere(&mailbox, now).is_empty() {
            self.push_mail(&mailbox, now);
        }
    }

    /// An envelope to keep, a tombstone, or a blob. False when it is none of these.
    pub(super) fn item_came(&mut self, from: RingId, bytes: Vec<u8>, now: Now) -> bool {
        if bytes.starts_with(b"B4T1") {
            let tombstone = match Tombstone::verify(&bytes, &self.anchor, self.revoked.as_ref(), now.wall) {
                Ok(tombstone) => tombstone,
                Err(why) => return is_of_another_time(why),
            };
            self.delivered_by_tombstone(&tombstone, now);
            let parcel = Parcel::of_tombstone(&tombstone, &bytes);
            self.hold(now, |holder, _, out| holder.came(from, parcel, bytes, now, out));
            return true;
        }
        if bytes.starts_with(b"B4B1") {
            let Ok(header) = BlobHeader::read(&bytes) else { return false };
            let parcel = Parcel::of_blob(header, &bytes);
            self.hold(now, |holder, _, out| holder.came(from, parcel, bytes, now, out));
            return true;
        }
        let Ok(sealed) = Sealed::read(bytes) else { return false };
        let parcel = Parcel::of_envelope(&sealed);
        let bytes = sealed.into_bytes();
        self.hold(now, |holder, _, out| holder.came(from, parcel, bytes, now, out));
        true
    }

    /// An item is on the disk.
    pub(in crate::node) fn deposit_stored(&mut self, mailbox: &Mailbox, id: EnvelopeId, now: Now) {
        self.hold(now, |holder, _, out| holder.stored(mailbox, id, now, out));
        self.holding_changed();
        self.push_mail(mailbox, now);
    }

    /// There is no room on the disk for an item: whoever gave it hears that, and asks another.
    pub(in crate::node) fn deposit_not_stored(&mut self, mailbox: &Mailbox, id: EnvelopeId, now: Now) {
        self.hold(now, |holder, _, out| holder.not_stored(mailbox, id, out));
    }

    /// Whoever it is for is linked: they hear what there is.
    fn push_mail(&mut self, mailbox: &Mailbox, now: Now) {
        let receiver = self.links.peers().find(|(peer, _)| peer.user_id().mailbox() == *mailbox);
        if let Some(place) = receiver.map(|(peer, _)| RingId::of_node(peer.node_id())) {
            self.tell_list(place, mailbox, EnvelopeId([0; 32]), now);
        }
    }

    /// A user is there, at this node, says their presence. What is kept for them is brought to them.
    pub(in crate::node) fn mail_presence(&mut self, mailbox: &Mailbox, nodes: &[crate::identity::NodeId], now: Now) {
        let (there, _) = self.mail.holder.list(mailbox, EnvelopeId([0; 32]));
        if there.is_empty() {
            return;
        }
        for node in nodes {
            let place = RingId::of_node(node);
            match self.peer_at(place).is_some() {
                true => self.tell_list(place, mailbox, EnvelopeId([0; 32]), now),
                false => self.ring_dial(place, now),
            }
        }
    }

    pub(super) fn tell_list(&mut self, to: RingId, mailbox: &Mailbox, after: EnvelopeId, now: Now) {
        let (items, is_more) = self.mail.holder.list(mailbox, after);
        let elsewhere = self.mail.holder.elsewhere(mailbox, now);
        self.send_collect(to, &CollectMessage::List { is_more, items, elsewhere }, now);
    }

    /// How many items are being read from the disk: for their receivers, or for other holders.
    pub(super) fn readings(&self, are_letters: bool) -> usize {
        self.loads.values().filter(|loading| matches!(loading, Loading::Item(reading) if (reading.what != ReadingOf::Handover) == are_letters)).count()
    }

    pub(super) fn fetch_for(&mut self, to: RingId, mailbox: Mailbox, id: EnvelopeId, now: Now) {
        if !self.mail.holder.has(&mailbox, id) {
            self.send_collect(to, &CollectMessage::Gone(id), now);
        } else if self.readings(true) < READINGS_MAX {
            self.read_item(Reading { to, mailbox, id, what: ReadingOf::Letter });
        }
    }

    /// Somebody asks for a blob: whoever knows its name may have it.
    pub(in crate::node) fn fetch_blob_for(&mut self, to: RingId, shelf: Mailbox, id: EnvelopeId, now: Now) {
        let is_own = to == self.ring.me();
        if self.mail.holder.has(&shelf, id) && self.readings(true) < READINGS_MAX {
            self.read_item(Reading { to, mailbox: shelf, id, what: ReadingOf::Blob });
        } else if !is_own {
            self.send_collect(to, &CollectMessage::Gone(id), now);
        }
    }

    /// The receiver says what it has. False when that is not to be believed.
    pub(super) fn cleared_by_receiver(&mut self, from: RingId, theirs: &Mailbox, bytes: Vec<u8>, now: Now) -> bool {
        let tombstone = match Tombstone::verify(&bytes, &self.anchor, self.revoked.as_ref(), now.wall) {
            Ok(tombstone) if tombstone.mailbox == *theirs => tombstone,
            Ok(_) => return false,
            Err(why) => return is_of_another_time(why),
        };
        self.delivered_by_tombstone(&tombstone, now);
        let parcel = Parcel::of_tombstone(&tombstone, &bytes);
        self.hold(now, |holder, around, out| holder.cleared(from, parcel, bytes, around, out));
        true
    }
}

/// Whether a tombstone is refused for a clock or a list that differs, which is no breach of the rules: it is not heeded, and no more.
fn is_of_another_time(why: TombstoneError) -> bool {
    matches!(why, TombstoneError::Time | TombstoneError::Certificate(_))
}
