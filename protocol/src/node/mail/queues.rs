//! How long the queues of the mail are, and how long they may become: for those who look whether all have bounds.

use super::Node;
use super::collecting::{AUTHORS_MAX, HELD_BACK_MAX};
use super::holding::READINGS_MAX;
use super::sending::{Outgoing, SEALING_MAX};
use crate::identity::UserId;
use crate::limits::{
    GIVES_MAX, MAIL_LINKS_MAX, PAIR_ENVELOPES_MAX, RECEIPTS_MAX, RECEIPTS_PER_AUTHOR_MAX, RECIPIENTS_MAX, SEEN_MAX,
};
use crate::node::links::LINKS_MAX;
use crate::ordered::OrderedMap;

impl Node {
    /// The queues of the mail: name, length and bound of each. Where there is one for each contact, the longest is meant.
    pub fn mail_queues(&self) -> Vec<(&'static str, usize, usize)> {
        let mail = &self.mail;
        let arrived = mail.arrived.values().map(|arrivals| arrivals.arrived.len()).sum();
        let mut queues = vec![
            ("seen", mail.seen.len(), SEEN_MAX),
            ("skipped", mail.skipped.len(), SEEN_MAX),
            ("arrived", arrived, SEEN_MAX),
            ("authors", mail.authors.len(), AUTHORS_MAX),
            ("held back", mail.held_back.len(), HELD_BACK_MAX),
            ("reminded", mail.reminded.len(), LINKS_MAX),
            ("lent", mail.lent.len(), MAIL_LINKS_MAX),
            ("sealing", mail.sealing.len(), SEALING_MAX),
            ("messages for one contact", self.most_outgoing(Outgoing::is_message), PAIR_ENVELOPES_MAX),
            ("receipts for one author", self.most_outgoing(|outgoing| !outgoing.is_message()), RECEIPTS_PER_AUTHOR_MAX),
            ("receipts", mail.outgoing.values().filter(|outgoing| !outgoing.is_message()).count(), RECEIPTS_MAX),
            ("recipients", mail.recipients.len(), RECIPIENTS_MAX),
            ("looked for", mail.looking.len(), RECIPIENTS_MAX),
            ("letters read", self.readings(true), READINGS_MAX),
            ("items read", self.readings(false), GIVES_MAX),
        ];
        queues.extend(mail.collector.queues(LINKS_MAX));
        queues.extend(mail.holder.queues(LINKS_MAX));
        queues.extend(mail.depositor.queues());
        queues
    }

    /// The most envelopes of a kind that wait for one user.
    fn most_outgoing(&self, is_of_kind: impl Fn(&Outgoing) -> bool) -> usize {
        let mut counts: OrderedMap<&UserId, usize> = OrderedMap::new();
        for outgoing in self.mail.outgoing.values().filter(|outgoing| is_of_kind(outgoing)) {
            *counts.entry(outgoing.user()).or_insert_with(|| 0) += 1;
        }
        counts.values().copied().max().unwrap_or_default()
    }
}
