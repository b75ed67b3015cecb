//! A depositor: which peers this node leaves its envelopes with, until five keep each of them.
//!
//! The life of an envelope here: it is added; who stands behind the mailbox's key is looked up; the first five of them that take it are
//! offered it, sent it where they want it, and count when their signed receipt has come. Who is full, silent or out of reach is passed
//! over for the next, up to the sixteenth. When five have it, all is well for half an hour; then, and whenever the author comes back, the
//! same is asked once more, since peers come and go. It ends when it is removed: delivered, or over.
//!
//! Deliberately absent: sealing, signatures, links and the disk. Positions stand for nodes, as at a holder.

#[cfg(test)]
mod tests;

use super::{Bucket, DepositMessage, EnvelopeId, Mailbox, Offered, Verdict};
use crate::limits::{
    ARC, BLOBS_UNDER_WAY, COPIES, DEPOSIT_AGAIN_MS, DEPOSIT_LOOK_MS, DEPOSITS_UNDER_WAY, HOLDER_PASSED_MS, HOLDER_WAIT_MS, OFFER_MAX, QUORUM, RECIPIENTS_MAX,
};
use crate::ordered::{OrderedMap, OrderedSet};
use crate::ring::RingId;
use crate::time::{Now, SECOND_MS};

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub enum DepositorOrder {
    /// Ask the ring who stands behind this mailbox's key, by one of so many ways; answered by [`Depositor::candidates`].
    Look(Mailbox, u8),
    /// A session with this node is wanted; answered by [`Depositor::linked`] or [`Depositor::unreachable`].
    Link(RingId),
    /// Send this to a linked node.
    Send(RingId, DepositMessage),
    /// Send this envelope as [`DepositMessage::Item`].
    Give(RingId, Mailbox, EnvelopeId),
}

/// One envelope that is to be kept by five.
#[derive(Clone, Debug)]
struct Deposit {
    bucket: Bucket,
    /// Who has signed for it; true where that was asked in this round.
    holders: OrderedMap<RingId, bool>,
    /// Given to them, or said to be there: the receipt is awaited.
    under_way: OrderedSet<RingId>,
    /// Who has said that there is room, while that is all that is asked.
    wanted: OrderedSet<RingId>,
}

/// What is going on with a holder-to-be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// A session was ordered. One that takes long is waited for, and the next after the five is asked besides.
    Linking { until_ms: u64, is_slow: bool },
    /// Its word is awaited.
    Asked { until_ms: u64 },
    /// Full, silent or out of reach: others come first.
    Passed { until_ms: u64 },
}

/// What waits for one receiver.
#[derive(Clone, Debug, Default)]
struct Outgoing {
    candidates: Vec<RingId>,
    steps: OrderedMap<RingId, Step>,
    deposits: OrderedMap<EnvelopeId, Deposit>,
    /// When who stands there is asked (again); `None` while that is under way.
    look_ms: Option<u64>,
    /// The way of the next look, while five do not keep each: whoever answered the last one perhaps made holders up.
    way: u8,
    /// Five keep each, as far as was asked in this round: the next begins at `look_ms`.
    is_round_over: bool,
    /// It is asked whether there is room for all of it, and nothing is sent.
    is_trial: bool,
}

/// How long a link to one of the five may take before the next is asked besides. Guess: most are there in two seconds or never, and a
/// dial without a path takes five to fail.
const LINK_PATIENCE_MS: u64 = 2 * SECOND_MS;
/// Ways to look: whoever has it, the first, the third of those who stand there.
const WAYS: u8 = 3;

/// What this node leaves with others.
#[derive(Clone, Debug)]
pub struct Depositor {
    me: RingId,
    copies: usize,
    boxes: OrderedMap<Mailbox, Outgoing>,
}

impl Deposit {
    /// How many have signed for it in this round.
    fn kept(&self) -> usize {
        self.holders.values().filter(|is_of_round| **is_of_round).count()
    }
}

impl Outgoing {
    /// The five that are asked: the first that are not passed over. Whose link takes long is one more.
    fn five(&self, copies: usize) -> Vec<RingId> {
        let is_passed = |node: &&RingId| matches!(self.steps.get(*node), Some(Step::Passed { .. }));
        let is_slow = |node: &RingId| matches!(self.steps.get(node), Some(Step::Linking { is_slow: true, .. }));
        let mut count = 0;
        let of_five = |node: &&RingId| {
            let is_room = count < copies;
            count += usize::from(!is_slow(node));
            is_room
        };
        self.candidates.iter().filter(|node| !is_passed(node)).take_while(of_five).copied().collect()
    }

    fn is_content(&self, copies: usize) -> bool {
        self.deposits.values().all(|deposit| deposit.kept() >= copies)
    }

    /// What one of the five has not, and is not about to have, as long as so many others do not.
    fn lacking(&self, node: RingId, copies: usize) -> Vec<Offered> {
        let lacks = |deposit: &Deposit| {
            let has = deposit.holders.get(&node) == Some(&true) || deposit.under_way.contains(&node);
            let is_asked = self.is_trial && deposit.wanted.contains(&node);
            !has && !is_asked && deposit.kept() + deposit.under_way.len() + deposit.wanted.len() < copies
        };
        let lacking = self.deposits.iter().filter(|(_, deposit)| lacks(deposit)).take(OFFER_MAX);
        lacking.map(|(id, deposit)| Offered { id: *id, bucket: Some(deposit.bucket) }).collect()
    }

    fn under_way(&self, node: RingId) -> usize {
        self.deposits.values().filter(|deposit| deposit.under_way.contains(&node)).count()
    }

    fn pass(&mut self, node: RingId, now: Now) {
        self.steps.insert(node, Step::Passed { until_ms: now.mono + HOLDER_PASSED_MS });
        for (_, deposit) in self.deposits.iter_mut() {
            deposit.under_way.remove(&node);
        }
    }
}

impl Depositor {
    /// One that has nothing to leave.
    pub fn new(me: RingId) -> Self {
        Self { me, copies: COPIES, boxes: OrderedMap::new() }
    }

    /// Leaves everything with so many, instead of five: for experiments.
    pub fn keep_copies(&mut self, copies: usize) {
        self.copies = copies;
    }

    /// One more envelope is to be kept by five. `holders` have signed for it before: they are asked again.
    pub fn add(&mut self, mailbox: Mailbox, id: EnvelopeId, bucket: Bucket, holders: impl IntoIterator<Item = RingId>, now: Now) {
        let mut asked_before = OrderedMap::new();
        for node in holders {
            asked_before.insert(node, false);
        }
        let deposit = Deposit { bucket, holders: asked_before, under_way: OrderedSet::new(), wanted: OrderedSet::new() };
        let outgoing = self.boxes.entry(mailbox).or_default();
        if outgoing.deposits.is_empty() {
            outgoing.look_ms = Some(now.mono);
        }
        outgoing.deposits.insert(id, deposit);
    }

    /// From now on it is only asked who has room for what lies there, until [`Depositor::release`].
    pub fn try_first(&mut self, mailbox: &Mailbox) {
        if let Some(outgoing) = self.boxes.get_mut(mailbox) {
            outgoing.is_trial = true;
        }
    }

    /// Whether as many as hold a message have room for, or have, each thing that is to lie there.
    pub fn has_room(&self, mailbox: &Mailbox) -> bool {
        let has_room = |deposit: &Deposit| deposit.kept() + deposit.wanted.len() >= QUORUM;
        self.boxes.get(mailbox).is_some_and(|outgoing| outgoing.deposits.values().all(has_room))
    }

    /// Whether enough keep each thing that is to lie there.
    pub fn is_all_held(&self, mailbox: &Mailbox) -> bool {
        self.boxes.get(mailbox).is_some_and(|outgoing| outgoing.deposits.values().all(|deposit| deposit.holders.len() >= QUORUM))
    }

    /// There is room everywhere: it is sent.
    pub fn release(&mut self, mailbox: &Mailbox) {
        let Some(outgoing) = self.boxes.get_mut(mailbox) else { return };
        outgoing.is_trial = false;
        outgoing.steps.retain(|_, step| !matches!(step, Step::Asked { .. }));
        outgoing.deposits.iter_mut().for_each(|(_, deposit)| deposit.wanted = OrderedSet::new());
    }

    /// An envelope is delivered, or over.
    pub fn remove(&mut self, mailbox: &Mailbox, id: EnvelopeId) {
        if let Some(outgoing) = self.boxes.get_mut(mailbox) {
            outgoing.deposits.remove(&id);
            if outgoing.deposits.is_empty() {
                self.boxes.remove(mailbox);
            }
        }
    }

    /// Whether an envelope is to be kept.
    pub fn has(&self, mailbox: &Mailbox, id: EnvelopeId) -> bool {
        self.boxes.get(mailbox).is_some_and(|outgoing| outgoing.deposits.contains_key(&id))
    }

    /// Who has signed that they keep it.
    pub fn holders(&self, mailbox: &Mailbox, id: EnvelopeId) -> Vec<RingId> {
        let deposit = self.boxes.get(mailbox).and_then(|outgoing| outgoing.deposits.get(&id));
        deposit.map(|deposit| deposit.holders.keys().copied().collect()).unwrap_or_default()
    }

    /// Whether so many keep it that its author may go.
    pub fn is_held(&self, mailbox: &Mailbox, id: EnvelopeId) -> bool {
        self.holders(mailbox, id).len() >= QUORUM
    }

    /// How many peers could keep mail for this mailbox.
    pub fn available(&self, mailbox: &Mailbox) -> u8 {
        let count = self.boxes.get(mailbox).map_or(0, |outgoing| outgoing.candidates.len());
        u8::try_from(count).unwrap_or(u8::MAX)
    }

    /// What waits for anybody: their mailboxes and envelopes.
    pub fn all(&self) -> impl Iterator<Item = (&Mailbox, EnvelopeId)> {
        self.boxes.iter().flat_map(|(mailbox, outgoing)| outgoing.deposits.keys().map(move |id| (mailbox, *id)))
    }

    /// Its queues: name, length and bound of each. The first counts the receivers, the other two are of the one who has most.
    pub(crate) fn queues(&self) -> [(&'static str, usize, usize); 3] {
        let most = |of: fn(&Outgoing) -> usize| self.boxes.values().map(of).max().unwrap_or_default();
        [
            ("receivers", self.boxes.len(), RECIPIENTS_MAX),
            ("candidates", most(|outgoing| outgoing.candidates.len()), ARC),
            ("steps", most(|outgoing| outgoing.steps.len()), ARC),
        ]
    }

    /// This node has its place in the ring by now: who could not be asked before is, at once for what is not held yet.
    pub fn joined(&mut self, now: Now) {
        let is_urgent = |deposit: &Deposit| deposit.holders.len() < QUORUM;
        for (_, outgoing) in self.boxes.iter_mut().filter(|(_, outgoing)| outgoing.look_ms.is_some() && outgoing.deposits.values().any(is_urgent)) {
            outgoing.look_ms = Some(now.mono);
        }
    }

    /// When [`Depositor::tend`] is due.
    pub fn deadline(&self) -> Option<u64> {
        let of_step = |step: &Step| match *step {
            Step::Linking { until_ms, .. } | Step::Asked { until_ms } | Step::Passed { until_ms } => until_ms,
        };
        self.boxes.values().flat_map(|outgoing| outgoing.look_ms.into_iter().chain(outgoing.steps.values().map(of_step))).min()
    }

    /// The ring says who stands behind a mailbox's key, nearest first, without its receiver; nobody where it could not tell.
    pub fn candidates(&mut self, mailbox: &Mailbox, nodes: &[RingId], now: Now) {
        let me = self.me;
        let Some(outgoing) = self.boxes.get_mut(mailbox) else { return };
        outgoing.look_ms = Some(now.mono + DEPOSIT_AGAIN_MS);
        let candidates: Vec<RingId> = nodes.iter().filter(|node| **node != me).take(ARC).copied().collect();
        // Nobody else: so far this node knows of nobody, as after its start. Whoever has signed has it still.
        if candidates.is_empty() {
            return;
        }
        outgoing.candidates = candidates.clone();
        // Who stands so far away by now has handed over, or is gone.
        for (_, deposit) in outgoing.deposits.iter_mut() {
            deposit.holders.retain(|node, _| candidates.contains(node));
        }
        outgoing.steps.retain(|node, _| candidates.contains(node));
    }

    /// A session with a node began.
    pub fn linked(&mut self, node: RingId) {
        for (_, outgoing) in self.boxes.iter_mut() {
            outgoing.steps.remove(&node);
        }
    }

    /// A session is over: what was under way is offered again when there is one.
    pub fn unlinked(&mut self, node: RingId) {
        for (_, outgoing) in self.boxes.iter_mut() {
            if matches!(outgoing.steps.get(&node), Some(Step::Asked { .. })) {
                outgoing.steps.remove(&node);
            }
            for (_, deposit) in outgoing.deposits.iter_mut() {
                deposit.under_way.remove(&node);
            }
        }
    }

    /// A node cannot be linked to.
    pub fn unreachable(&mut self, node: RingId, now: Now) {
        for (_, outgoing) in self.boxes.iter_mut() {
            if matches!(outgoing.steps.get(&node), Some(Step::Linking { .. })) {
                outgoing.pass(node, now);
            }
        }
    }

    /// A holder said what it thinks of what this node offered or sent.
    pub fn verdicts(&mut self, from: RingId, mailbox: &Mailbox, items: &[(EnvelopeId, Verdict)], now: Now, out: &mut Vec<DepositorOrder>) {
        let Some(outgoing) = self.boxes.get_mut(mailbox).filter(|outgoing| outgoing.candidates.contains(&from)) else { return };
        // Else it is an answer to what this node offered as a holder of others' mail: no receipt follows.
        if !matches!(outgoing.steps.get(&from), Some(Step::Asked { .. } | Step::Passed { .. })) {
            return;
        }
        outgoing.steps.remove(&from);
        let mut under_way = outgoing.under_way(from);
        let mut is_passed = false;
        for (id, verdict) in items {
            let Some(deposit) = outgoing.deposits.get_mut(id) else { continue };
            match verdict {
                // Once: who says so again and again costs nothing. The rest is offered again when there is room on the way.
                Verdict::Want if outgoing.is_trial => drop(deposit.wanted.insert(from)),
                Verdict::Want => {
                    let most = if deposit.bucket == Bucket::BLOB { BLOBS_UNDER_WAY } else { DEPOSITS_UNDER_WAY };
                    if under_way < most && deposit.under_way.insert(from) {
                        under_way += 1;
                        out.push(DepositorOrder::Give(from, *mailbox, *id));
                    }
                }
                // The word of a blob's holder counts: there are no receipts for those.
                Verdict::Kept if deposit.bucket == Bucket::BLOB => {
                    deposit.under_way.remove(&from);
                    deposit.holders.insert(from, true);
                }
                // A receipt follows, or the tombstone.
                Verdict::Kept | Verdict::Cleared => drop(deposit.under_way.insert(from)),
                Verdict::Full | Verdict::NotMine | Verdict::Refused => is_passed = true,
            }
        }
        if is_passed {
            outgoing.pass(from, now);
        } else if outgoing.under_way(from) > 0 {
            outgoing.steps.insert(from, Step::Asked { until_ms: now.mono + HOLDER_WAIT_MS });
        }
    }

    /// A holder's receipt for an envelope was verified. False when that is nothing new, or when it is of somebody who is not to keep it.
    pub fn receipt(&mut self, from: RingId, mailbox: &Mailbox, id: EnvelopeId, now: Now) -> bool {
        let Some(outgoing) = self.boxes.get_mut(mailbox).filter(|outgoing| outgoing.candidates.contains(&from)) else { return false };
        let Some(deposit) = outgoing.deposits.get_mut(&id) else { return false };
        deposit.under_way.remove(&from);
        let is_news = deposit.holders.insert(from, true).is_none();
        if outgoing.under_way(from) == 0 {
            outgoing.steps.remove(&from);
        } else {
            outgoing.steps.insert(from, Step::Asked { until_ms: now.mono + HOLDER_WAIT_MS });
        }
        is_news
    }

    /// Goes on with everything: looks, links, offers.
    pub fn tend(&mut self, is_linked: impl Fn(RingId) -> bool, now: Now, out: &mut Vec<DepositorOrder>) {
        for (mailbox, outgoing) in self.boxes.iter_mut() {
            let over: Vec<(RingId, Step)> = outgoing.steps.iter().filter(|(_, step)| is_over(**step, now)).map(|(node, step)| (*node, *step)).collect();
            for (node, step) in over {
                match step {
                    Step::Passed { .. } => drop(outgoing.steps.remove(&node)),
                    Step::Linking { is_slow: false, .. } => {
                        let until_ms = now.mono + HOLDER_WAIT_MS - LINK_PATIENCE_MS;
                        outgoing.steps.insert(node, Step::Linking { until_ms, is_slow: true });
                    }
                    Step::Linking { is_slow: true, .. } | Step::Asked { .. } => outgoing.pass(node, now),
                }
            }
            if outgoing.look_ms.is_some_and(|at| at <= now.mono) {
                outgoing.look_ms = None;
                outgoing.is_round_over = false;
                if outgoing.is_content(self.copies) {
                    outgoing.way = 0;
                    // A new round: whoever has signed before is asked whether it is still there.
                    for (_, deposit) in outgoing.deposits.iter_mut() {
                        deposit.holders.iter_mut().for_each(|(_, is_of_round)| *is_of_round = false);
                    }
                }
                out.push(DepositorOrder::Look(*mailbox, outgoing.way));
                outgoing.way = (outgoing.way + 1) % WAYS;
                continue;
            }
            if outgoing.look_ms.is_none() {
                continue;
            }
            for node in outgoing.five(self.copies) {
                let lacking = outgoing.lacking(node, self.copies);
                if lacking.is_empty() || outgoing.steps.contains_key(&node) {
                    continue;
                }
                if is_linked(node) {
                    outgoing.steps.insert(node, Step::Asked { until_ms: now.mono + HOLDER_WAIT_MS });
                    out.push(DepositorOrder::Send(node, DepositMessage::Offer { is_first_hand: true, mailbox: *mailbox, items: lacking }));
                } else {
                    outgoing.steps.insert(node, Step::Linking { until_ms: now.mono + LINK_PATIENCE_MS, is_slow: false });
                    out.push(DepositorOrder::Link(node));
                }
            }
            if outgoing.is_round_over != outgoing.is_content(self.copies) {
                outgoing.is_round_over = !outgoing.is_round_over;
                let wait_ms = if outgoing.is_round_over { DEPOSIT_LOOK_MS } else { DEPOSIT_AGAIN_MS };
                outgoing.look_ms = Some(now.mono + wait_ms);
            }
        }
    }
}

fn is_over(step: Step, now: Now) -> bool {
    match step {
        Step::Linking { until_ms, .. } | Step::Asked { until_ms } | Step::Passed { until_ms } => until_ms <= now.mono,
    }
}
