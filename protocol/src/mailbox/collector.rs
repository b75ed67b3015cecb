//! A collector: what others keep for this node, fetched once from any of them.
//!
//! Whoever is linked is asked what there is. What is not known yet is fetched from one of those that list it, a few at a time; from
//! another one when it does not come, or is not what it was called. An envelope is done when its message is durable here, or when it
//! is none to show; then it is fetched no more.
//!
//! Deliberately absent: opening envelopes, telling holders what has come, links and the disk.

#[cfg(test)]
mod tests;

use super::{CollectMessage, EnvelopeId};
use crate::limits::{COLLECT_AGAIN_MAX_MS, COLLECT_AGAIN_MIN_MS, COPIES, FETCH_MAX, FETCH_MS, HOLDER_WAIT_MS, RECEIVER_ENVELOPES_MAX};
use crate::ordered::{OrderedMap, OrderedSet};
use crate::ring::RingId;
use crate::time::{Now, SECOND_MS};

/// Envelopes known to lie somewhere and not done; of more than that the rest is listed again later.
const WANTED_MAX: usize = 2 * RECEIVER_ENVELOPES_MAX;
/// Of those, new ones that one holder may name in one go through its list: no more than it may keep.
const NAMED_MAX: usize = RECEIVER_ENVELOPES_MAX;
/// Envelopes under way from one holder: one that sends nothing leaves room for the others.
const FETCH_FROM_ONE_MAX: usize = FETCH_MAX / 2;
/// Longest that the first collecting may take, as far as anybody waits for it: after that what comes live is shown at once.
const DRAIN_MS: u64 = 5 * SECOND_MS;

/// How far an envelope is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Waiting,
    /// Asked for, at that time.
    Fetching { from: RingId, since_ms: u64, until_ms: u64 },
    /// Here: being opened, or being stored.
    Here,
}

#[derive(Clone, Debug)]
struct Wanted {
    sources: Vec<RingId>,
    step: Step,
}

/// What one holder has said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Listing {
    /// Asked for what is above this.
    Asked { after: EnvelopeId },
    Done,
}

/// What others keep for this node.
#[derive(Clone, Debug, Default)]
pub struct Collector {
    listings: OrderedMap<RingId, Listing>,
    wanted: OrderedMap<EnvelopeId, Wanted>,
    /// Those of them that do not wait: few, so that what comes costs no look at thousands that do.
    under_way: OrderedSet<EnvelopeId>,
    /// Who was to keep this node's mail when it took its place; `None` while that is being looked up.
    first: Option<Vec<RingId>>,
    drain_until_ms: u64,
    /// When all are asked once more, because something known to lie somewhere could not be had; and how long was waited last.
    again_ms: Option<u64>,
    again_wait_ms: u64,
}

impl Collector {
    /// This node has taken its place in the ring; these are to keep its mail. What comes live waits until they have said what they have.
    pub fn joined(&mut self, five: Vec<RingId>, now: Now) {
        self.first = Some(five);
        self.drain_until_ms = now.mono + DRAIN_MS;
    }

    /// The same, and who is to keep its mail is being looked up: [`Collector::joined`] follows.
    pub fn joining(&mut self, now: Now) {
        self.first = None;
        self.drain_until_ms = now.mono + DRAIN_MS;
    }

    /// Whether what others keep may still come before what comes live.
    pub fn is_draining(&self, now: Now) -> bool {
        let is_heard = |node: &RingId| self.listings.get(node) == Some(&Listing::Done);
        now.mono < self.drain_until_ms && !(self.wanted.is_empty() && self.first.as_ref().is_some_and(|first| first.iter().all(is_heard)))
    }

    /// A session with a node began: what has it?
    pub fn linked(&mut self, node: RingId, out: &mut Vec<(RingId, CollectMessage)>) {
        self.ask(node, EnvelopeId([0; 32]), out);
    }

    /// A session is over: what was to come from there comes from another.
    pub fn unlinked(&mut self, node: RingId, now: Now, out: &mut Vec<(RingId, CollectMessage)>) {
        self.listings.remove(&node);
        self.forget(node, None, now);
        self.fetch(now, out);
    }

    /// A node says what it has, of which these are not done; the last id of its list, where there is more.
    pub fn listed(&mut self, from: RingId, fresh: &[EnvelopeId], mut more_after: Option<EnvelopeId>, now: Now, out: &mut Vec<(RingId, CollectMessage)>) {
        // Named by nobody else: perhaps made up.
        let mut alone = self.wanted.values().filter(|wanted| wanted.sources == [from]).count();
        for id in fresh {
            let is_over = self.wanted.len() >= WANTED_MAX || alone >= NAMED_MAX;
            if is_over && !self.wanted.contains_key(id) {
                self.again_later(now);
                more_after = None;
                continue;
            }
            alone += usize::from(!self.wanted.contains_key(id));
            let wanted = self.wanted.entry(*id).or_insert_with(|| Wanted { sources: Vec::new(), step: Step::Waiting });
            if !wanted.sources.contains(&from) && wanted.sources.len() < 2 * COPIES {
                wanted.sources.push(from);
            }
        }
        // A list that does not go on is over: it would never end.
        let goes_on = |after: &EnvelopeId| !matches!(self.listings.get(&from), Some(Listing::Asked { after: before }) if after <= before);
        match more_after.filter(goes_on) {
            Some(after) => self.ask(from, after, out),
            None => drop(self.listings.insert(from, Listing::Done)),
        }
        self.fetch(now, out);
    }

    /// This envelope came. True when it is wanted and is to be opened, whoever of those asked it came from.
    pub fn came(&mut self, from: RingId, id: EnvelopeId, now: Now) -> bool {
        let Some(wanted) = self.wanted.get_mut(&id).filter(|wanted| wanted.step != Step::Here) else { return false };
        wanted.step = Step::Here;
        self.under_way.insert(id);
        // Who sends is not silent: the rest of what was asked for may take as long again, within bounds.
        for id in self.under_way.iter() {
            if let Some(Wanted { step: Step::Fetching { from: asked, since_ms, until_ms }, .. }) = self.wanted.get_mut(id)
                && *asked == from
            {
                *until_ms = (now.mono + HOLDER_WAIT_MS).min(*since_ms + FETCH_MS);
            }
        }
        true
    }

    /// Whether this envelope has come, and is not done.
    pub fn is_here(&self, id: &EnvelopeId) -> bool {
        self.wanted.get(id).is_some_and(|wanted| wanted.step == Step::Here)
    }

    /// Something cannot be taken, or be had, now: all are asked once more after a while, which doubles each time.
    pub fn again_later(&mut self, now: Now) {
        if self.again_ms.is_none() {
            self.again_wait_ms = (2 * self.again_wait_ms).clamp(COLLECT_AGAIN_MIN_MS, COLLECT_AGAIN_MAX_MS);
            self.again_ms = Some(now.mono + self.again_wait_ms);
        }
    }

    /// What could not be taken can be, perhaps: all are asked at the next [`Collector::tend`].
    pub fn again_now(&mut self, now: Now) {
        self.again_wait_ms = 0;
        self.again_ms = Some(now.mono);
    }

    /// Whether the next [`Collector::tend`] asks all once more.
    pub fn is_again_due(&self, now: Now) -> bool {
        self.again_ms.is_some_and(|at| at <= now.mono)
    }

    /// What came from there was not what it was called, or they have it no more.
    pub fn failed(&mut self, from: RingId, id: Option<EnvelopeId>, now: Now, out: &mut Vec<(RingId, CollectMessage)>) {
        self.forget(from, id, now);
        self.fetch(now, out);
    }

    /// An envelope is done.
    pub fn done(&mut self, id: EnvelopeId, now: Now, out: &mut Vec<(RingId, CollectMessage)>) {
        self.wanted.remove(&id);
        self.under_way.remove(&id);
        self.fetch(now, out);
    }

    /// When [`Collector::tend`] is due.
    pub fn deadline(&self) -> Option<u64> {
        let of_step = |(_, until_ms)| until_ms;
        self.fetching().map(of_step).chain((self.drain_until_ms > 0).then_some(self.drain_until_ms)).chain(self.again_ms).min()
    }

    /// What did not come in time comes from another.
    pub fn tend(&mut self, now: Now, out: &mut Vec<(RingId, CollectMessage)>) {
        // Whoever withholds one is asked for nothing more, until all are asked again.
        let silent: OrderedSet<RingId> = self.fetching().filter(|(_, until_ms)| *until_ms <= now.mono).map(|(from, _)| from).collect();
        for node in silent {
            self.forget(node, None, now);
        }
        if self.again_ms.take_if(|at| *at <= now.mono).is_some() {
            out.extend(self.listings.keys().map(|node| (*node, CollectMessage::Ask { after: EnvelopeId([0; 32]) })));
        }
        self.fetch(now, out);
        if self.drain_until_ms <= now.mono {
            self.drain_until_ms = 0;
        }
    }

    /// Nodes that listed this envelope.
    pub fn sources(&self, id: &EnvelopeId) -> &[RingId] {
        self.wanted.get(id).map_or(&[], |wanted| &wanted.sources)
    }

    /// Its queues: name, length and bound of each. `links_max` is how many sessions there can be.
    pub(crate) fn queues(&self, links_max: usize) -> [(&'static str, usize, usize); 3] {
        let (wanted, under_way) = (self.wanted.len(), self.under_way.len());
        [("listings", self.listings.len(), links_max), ("wanted by the collector", wanted, WANTED_MAX), ("fetching", under_way, FETCH_MAX)]
    }

    fn ask(&mut self, node: RingId, after: EnvelopeId, out: &mut Vec<(RingId, CollectMessage)>) {
        self.listings.insert(node, Listing::Asked { after });
        out.push((node, CollectMessage::Ask { after }));
    }

    /// Who is being asked, and until when.
    fn fetching(&self) -> impl Iterator<Item = (RingId, u64)> {
        self.under_way.iter().filter_map(|id| match self.wanted.get(id)?.step {
            Step::Fetching { from, until_ms, .. } => Some((from, until_ms)),
            Step::Waiting | Step::Here => None,
        })
    }

    /// A node is not to bring this envelope, or any. What nobody is left to bring is given up.
    fn forget(&mut self, node: RingId, id: Option<EnvelopeId>, now: Now) {
        for (name, wanted) in self.wanted.iter_mut().filter(|(name, _)| id.is_none_or(|id| id == **name)) {
            wanted.sources.retain(|source| *source != node);
            if matches!(wanted.step, Step::Fetching { from, .. } if from == node) {
                wanted.step = Step::Waiting;
                self.under_way.remove(name);
            }
        }
        let before = self.wanted.len();
        self.wanted.retain(|_, wanted| !wanted.sources.is_empty() || wanted.step == Step::Here);
        if self.wanted.len() < before {
            self.again_later(now);
        }
    }

    /// Asks for what waits, of those who have least under way.
    fn fetch(&mut self, now: Now, out: &mut Vec<(RingId, CollectMessage)>) {
        if self.under_way.len() >= FETCH_MAX {
            return;
        }
        let mut loads: OrderedMap<RingId, usize> = OrderedMap::new();
        for (from, _) in self.fetching() {
            *loads.entry(from).or_insert_with(|| 0) += 1;
        }
        let mut asks: OrderedMap<RingId, Vec<EnvelopeId>> = OrderedMap::new();
        for (id, wanted) in self.wanted.iter_mut().filter(|(_, wanted)| wanted.step == Step::Waiting) {
            if self.under_way.len() >= FETCH_MAX {
                break;
            }
            let load = |node: &RingId| loads.get(node).copied().unwrap_or(0);
            let free = wanted.sources.iter().copied().filter(|node| load(node) < FETCH_FROM_ONE_MAX);
            let Some(from) = free.min_by_key(load) else { continue };
            *loads.entry(from).or_insert_with(|| 0) += 1;
            self.under_way.insert(*id);
            wanted.step = Step::Fetching { from, since_ms: now.mono, until_ms: now.mono + HOLDER_WAIT_MS };
            asks.entry(from).or_default().push(*id);
        }
        out.extend(asks.into_iter().map(|(from, ids)| (from, CollectMessage::Fetch(ids))));
    }
}
