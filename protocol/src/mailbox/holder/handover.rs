//! Handing over: which of those who are to keep something have it, who of those that have it gives, and when this node may let go.

use super::{Holder, HolderOrder, Item, KNOWN_MS, Neighbourhood, ParcelKind, SETTLE_MS, deletions, note};
use crate::limits::{ARC, DEPOSITS_UNDER_WAY, HANDOVER_LOOK_MS, HOLDER_WAIT_MS, OFFER_MAX, OFFERS_OUT_MAX};
use crate::mailbox::{Bucket, DepositMessage, EnvelopeId, Mailbox, Offered, Verdict};
use crate::ordered::OrderedSet;
use crate::ring::RingId;
use crate::time::{Now, SECOND_MS};

impl Holder {
    /// A holder said what it thinks of what this node offered or gave.
    pub fn verdicts(&mut self, from: RingId, mailbox: Mailbox, items: &[(EnvelopeId, Verdict)], now: Now, out: &mut Vec<HolderOrder>) {
        // Whoever was not asked gets nothing: it might not be one of those who are to keep it.
        if self.asked.remove(&(from, mailbox)).is_none() && !self.giving.contains_key(&from) {
            return;
        }
        let mut giving = self.giving.remove(&from).unwrap_or_default();
        giving.items.retain(|id| !items.iter().any(|(said, verdict)| said == id && *verdict != Verdict::Want));
        giving.until_ms = now.mono + HOLDER_WAIT_MS;
        for (id, verdict) in items {
            let Some(item) = self.boxes.get_mut(&mailbox).and_then(|items| items.get_mut(id)) else { continue };
            match verdict {
                // Of what is cleared there, the tombstone comes, and it goes here, too; or it was a lie, as the other may be.
                Verdict::Kept | Verdict::Cleared => note(&mut item.keepers, from),
                // Once; what is over goes with the next offer.
                Verdict::Want => {
                    if giving.items.len() < DEPOSITS_UNDER_WAY && !giving.items.contains(id) {
                        giving.items.push(*id);
                        out.push(HolderOrder::Give(from, mailbox, *id));
                    }
                }
                Verdict::Full | Verdict::NotMine | Verdict::Refused => {
                    self.pass(from, mailbox, now);
                }
            }
        }
        if giving.items.is_empty() {
            // There may be more for them, or another must take it.
            self.look_ms = self.look_ms.min(now.mono + SECOND_MS);
        } else {
            self.giving.insert(from, giving);
        }
    }

    /// Looks through all that is kept: forgets what is over, offers to those who are to have it, lets go what five others have.
    pub fn look(&mut self, around: &impl Neighbourhood, now: Now, out: &mut Vec<HolderOrder>) {
        if self.look_ms > now.mono {
            return;
        }
        self.look_ms = now.mono + HANDOVER_LOOK_MS;
        self.passed.retain(|_, until_ms| *until_ms > now.mono);
        self.out_of_reach.retain(|_, until_ms| *until_ms > now.mono);
        self.asked.retain(|_, until_ms| *until_ms > now.mono);
        self.giving.retain(|_, giving| giving.until_ms > now.mono);
        self.forget_over(now, out);
        let mut to_link = OrderedSet::new();
        for mailbox in self.boxes.keys().copied().collect::<Vec<_>>() {
            self.hand_over(mailbox, around, &mut to_link, now, out);
        }
        out.extend(to_link.into_iter().map(HolderOrder::Link));
        self.boxes.retain(|_, items| !items.is_empty());
    }

    fn forget_over(&mut self, now: Now, out: &mut Vec<HolderOrder>) {
        let mut writes = Vec::new();
        for (mailbox, items) in self.boxes.iter_mut() {
            let over: Vec<EnvelopeId> = items.iter().filter(|(_, item)| item.expiry_ms <= now.wall).map(|(id, _)| *id).collect();
            for id in over {
                items.remove(&id);
                writes.extend(deletions(mailbox, id));
            }
        }
        if !writes.is_empty() {
            out.push(HolderOrder::Write(writes));
        }
    }

    fn hand_over(&mut self, mailbox: Mailbox, around: &impl Neighbourhood, to_link: &mut OrderedSet<RingId>, now: Now, out: &mut Vec<HolderOrder>) {
        let arc = around.arc(&mailbox);
        let is_leaving = self.limit_bytes == 0;
        let is_away = |node: &RingId| self.passed.contains_key(&(*node, mailbox)) || self.out_of_reach.contains_key(node);
        let is_passed = |node: &RingId| is_away(node) || (is_leaving && *node == self.me);
        let all: Vec<RingId> = arc.iter().take(ARC).filter(|node| !is_passed(node)).copied().collect();
        let five = &all[..all.len().min(self.copies)];
        if five.is_empty() {
            return;
        }
        let rank = all.iter().position(|node| *node == self.me);
        let Some(items) = self.boxes.get_mut(&mailbox) else { return };
        for (_, item) in items.iter_mut().filter(|(_, item)| item.known_until_ms <= now.mono) {
            item.keepers.clear();
            item.known_until_ms = now.mono + KNOWN_MS;
        }
        // Those that a depositor left at all five at once need nobody's care: the first finds that out, the others wait for its word.
        // When others come before all five, it is the first still; who is far away by now and knows of nobody nearer gives, too.
        let settled_ms = SETTLE_MS * (1 + 2 * rank.unwrap_or_default() as u64);
        for to in five.iter().filter(|to| **to != self.me) {
            let is_due = |item: &Item| {
                let giver = all.iter().find(|node| **node == self.me || item.keepers.contains(node));
                let is_settled = item.stored_ms.is_some_and(|at| at == 0 || now.mono >= at + settled_ms);
                is_settled && !item.keepers.contains(to) && (giver == Some(&self.me) || rank.is_none())
            };
            let offers: Vec<Offered> =
                items.iter().filter(|(_, item)| is_due(item)).take(OFFER_MAX).map(|(id, item)| offer_of(*id, item)).collect();
            if offers.is_empty() || self.asked.contains_key(&(*to, mailbox)) || self.giving.contains_key(to) {
                continue;
            }
            if !around.is_linked(*to) {
                to_link.insert(*to);
                continue;
            }
            if self.asked.len() >= OFFERS_OUT_MAX {
                // The rest at the next look: the first answers have come by then.
                continue;
            }
            self.asked.insert((*to, mailbox), now.mono + HOLDER_WAIT_MS);
            out.push(HolderOrder::Send(*to, DepositMessage::Offer { is_first_hand: false, mailbox, items: offers }));
        }
        if is_leaving || (rank.is_none() && five.len() == self.copies && !around.is_in_arc(&mailbox)) {
            self.let_go(mailbox, five, out);
        }
    }

    /// Lets go what those who are to have it all have, this node not among them.
    fn let_go(&mut self, mailbox: Mailbox, five: &[RingId], out: &mut Vec<HolderOrder>) {
        let Some(items) = self.boxes.get_mut(&mailbox) else { return };
        let is_elsewhere = |item: &Item| five.iter().all(|node| item.keepers.contains(node));
        let gone: Vec<EnvelopeId> = items.iter().filter(|(_, item)| is_elsewhere(item)).map(|(id, _)| *id).collect();
        if gone.is_empty() {
            return;
        }
        gone.iter().for_each(|id| drop(items.remove(id)));
        out.push(HolderOrder::Write(gone.into_iter().flat_map(|id| deletions(&mailbox, id)).collect()));
    }
}

fn offer_of(id: EnvelopeId, item: &Item) -> Offered {
    let bucket = match item.kind {
        ParcelKind::Tombstone(_) => None,
        ParcelKind::Blob => Some(Bucket::BLOB),
        ParcelKind::Envelope(_) => Bucket::of_envelope(item.bytes as usize),
    };
    Offered { id, bucket }
}
