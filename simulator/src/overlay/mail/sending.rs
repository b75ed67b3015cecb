//! Leaving letters, and looking up who may keep them.

use b4_protocol::limits::HOLDERS;
use b4_protocol::mailbox::{Bucket, Depositor, DepositorOrder, EnvelopeId, Mailbox};
use b4_protocol::ring::{Aim, Request, RingId, Service};

use super::{MailMessage, NodeIndex, Overlay, ledger, mailbox_at};
use crate::overlay::Asked;

/// How often a lookup that brings nothing is made again, each time of another.
const ATTEMPTS: u8 = 3;

impl Overlay {
    /// A node leaves so many letters for the receiver at this key.
    pub fn deposit(&mut self, author: NodeIndex, key: RingId, count: usize) {
        let (place, now) = (self.nodes[author as usize].id, self.mail_now());
        let Some(post) = self.post.as_mut() else { return };
        let Some(of) = post.boxes.get_mut(&key) else { return };
        of.letters = post.ledger.add(count, now);
        of.author = Some(place);
        self.deposit_again(author, key);
    }

    /// An author that was away, or has done with it, leaves what was not collected once more: the same letters.
    pub fn deposit_again(&mut self, author: NodeIndex, key: RingId) {
        let (now, mailbox) = (self.mail_now(), mailbox_at(key));
        let Some(letters) = self.post.as_ref().and_then(|post| Some(post.boxes.get(&key)?.letters.clone())) else { return };
        self.deposit_with(author, |depositor, _| {
            for number in letters {
                depositor.add(mailbox, ledger::id_of(number), Bucket::ALL[0], [], now);
            }
        });
        self.tend_deposits(author);
    }

    /// The author goes, or has gone. A letter that too few have signed for does not count: it waits in its author's outbox.
    pub fn author_goes(&mut self, author: NodeIndex, key: RingId) {
        let mailbox = mailbox_at(key);
        let Some(post) = self.post.as_mut() else { return };
        let Some(of) = post.boxes.get(&key) else { return };
        let (letters, quorum) = (of.letters.clone(), post.quorum());
        letters.clone().for_each(|number| post.ledger.author_goes(number, quorum));
        if of.author == Some(self.nodes[author as usize].id) {
            self.deposit_with(author, |depositor, _| letters.for_each(|number| depositor.remove(&mailbox, ledger::id_of(number))));
        }
    }

    /// Lends the depositor, and carries out what it orders.
    pub(super) fn deposit_with(&mut self, node: NodeIndex, step: impl FnOnce(&mut Depositor, &mut Vec<DepositorOrder>)) {
        let Some(mail) = self.nodes[node as usize].mail.as_mut() else { return };
        let mut orders = Vec::new();
        step(&mut mail.depositor, &mut orders);
        for order in orders {
            match order {
                DepositorOrder::Look(mailbox, way) => self.look_up_holders(node, RingId::of_bytes(&mailbox), way),
                DepositorOrder::Link(to) => self.mail_dial(node, to),
                DepositorOrder::Send(to, message) => self.mail_send(node, to, 0, MailMessage::Deposit(message)),
                DepositorOrder::Give(to, mailbox, id) => {
                    if let Some(parcel) = self.post.as_ref().and_then(|post| post.ledger.parcel(&mailbox, id)) {
                        self.mail_send(node, to, 0, MailMessage::Item(parcel));
                    }
                }
            }
        }
        self.mail_arm(node);
    }

    pub(super) fn tend_deposits(&mut self, node: NodeIndex) {
        let now = self.mail_now();
        let state = &self.nodes[node as usize];
        if state.mail.as_ref().is_none_or(|mail| mail.depositor.all().next().is_none()) {
            return;
        }
        let linked: Vec<RingId> = state.links.keys().copied().collect();
        self.deposit_with(node, |depositor, out| depositor.tend(|peer| linked.binary_search(&peer).is_ok(), now, out));
    }

    fn look_up_holders(&mut self, node: NodeIndex, key: RingId, attempt: u8) {
        let aim = match attempt {
            0 => Aim::Any,
            1 => Aim::Key { rank: 0 },
            _ => Aim::Key { rank: 2 },
        };
        self.ask(node, Request { service: Service::Lookup, aim, key, body: Vec::new() }, Asked::Holders { key, attempt });
    }

    /// The answer to such a lookup: who stands first behind the key.
    pub(in crate::overlay) fn holders_for(&self, node: NodeIndex, key: RingId) -> Vec<u8> {
        let state = &self.nodes[node as usize];
        let arc = state.ring.as_ref().filter(|_| state.mail.is_some()).map(|ring| ring.arc_of(key)).unwrap_or_default();
        arc.iter().flat_map(|place| place.0.to_be_bytes()).collect()
    }

    pub(in crate::overlay) fn holders_found(&mut self, node: NodeIndex, key: RingId, attempt: u8, answer: Option<&[u8]>) {
        let (now, mailbox) = (self.mail_now(), mailbox_at(key));
        let (places, _) = answer.unwrap_or_default().as_chunks::<16>();
        let receiver = self.post.as_ref().and_then(|post| Some(post.boxes.get(&key)?.receiver));
        let places: Vec<RingId> =
            places.iter().map(|place| RingId(u128::from_be_bytes(*place))).filter(|place| Some(*place) != receiver).collect();
        if self.nodes[node as usize].mail.as_ref().is_some_and(|mail| mail.own == Some(key)) {
            return self.own_holders_found(node, &places);
        }
        if places.is_empty() && answer.is_some() && attempt + 1 < ATTEMPTS {
            return self.look_up_holders(node, key, attempt + 1);
        }
        self.deposit_with(node, |depositor, _| depositor.candidates(&mailbox, &places, now));
        self.tend_deposits(node);
    }

    /// A receiver asks who keeps its own mail.
    pub(super) fn look_up_own_holders(&mut self, node: NodeIndex, key: RingId) {
        self.look_up_holders(node, key, 0);
    }

    fn own_holders_found(&mut self, node: NodeIndex, places: &[RingId]) {
        for place in places.iter().take(HOLDERS) {
            self.mail_dial(node, *place);
        }
    }

    /// A holder's word that it keeps a letter.
    pub(super) fn receipt_came(&mut self, node: NodeIndex, from: RingId, mailbox: Mailbox, id: EnvelopeId) {
        let (now, now_ms) = (self.mail_now(), self.now_ms);
        let mut is_news = false;
        self.deposit_with(node, |depositor, _| is_news = depositor.receipt(from, &mailbox, id, now));
        if let (true, Some(number), Some(post)) = (is_news, ledger::number_of(id), self.post.as_mut()) {
            post.ledger.receipt(number, post.config.copies, now_ms);
        }
        self.tend_deposits(node);
    }
}
