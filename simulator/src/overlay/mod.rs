//! Large worlds: thousands of rings of the core under one virtual clock, without cryptography. A link opens after its signalling
//! went through the ring, in the sizes that sealed signalling has; a record counts as it would be sealed and padded.
//!
//! Deliberately absent: keys and certificates. The small worlds have them.

mod links;
mod lookups;
mod nodes;

use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet};
use std::cmp::Reverse;

use b4_protocol::crypto::{Rng, sha256};
use b4_protocol::ring::{Message, Outcome, PathId, RequestId, Ring, RingConfig, RingId, Standing};

pub use lookups::{LookupResult, Lookups};

/// Which node.
pub type NodeIndex = u32;

/// How links behave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinkModel {
    /// Part of the pairs that can never connect.
    pub unconnectable: f64,
    /// Part of the crashes that the other end does not hear of at once.
    pub silent: f64,
    /// How long a silent crash goes unnoticed, in milliseconds, uniform.
    pub detection_ms: (u64, u64),
    /// From the answer to the open channel, beside the round trips, in milliseconds, uniform.
    pub setup_ms: (u64, u64),
    /// Part of the set-ups that fail although they could work.
    pub setup_fails: f64,
}

impl LinkModel {
    /// Every pair connects, a crash is heard of one latency later.
    pub const IDEAL: Self = Self { unconnectable: 0.0, silent: 0.0, detection_ms: (0, 0), setup_ms: (0, 0), setup_fails: 0.0 };
    /// What browsers do (docs/ring-figures.md says where the numbers come from).
    pub const WEBRTC: Self =
        Self { unconnectable: 0.15, silent: 0.7, detection_ms: (5_000, 30_000), setup_ms: (400, 2_000), setup_fails: 0.03 };
}

/// What a world is like.
#[derive(Clone, Copy, Debug)]
pub struct OverlayConfig {
    /// Everything follows from it.
    pub seed: u64,
    /// Links, tries.
    pub ring: RingConfig,
    /// Least and most one-way latency of a pair in milliseconds; each pair keeps its own.
    pub latency_ms: (u64, u64),
    /// How links behave.
    pub links: LinkModel,
}

/// What is to happen.
enum Event {
    Wake { node: NodeIndex, life: u32 },
    /// A node without links asks the relay for some.
    Introduce { node: NodeIndex, life: u32 },
    Message { from: NodeIndex, to: NodeIndex, link: u64, message: Message },
    /// The channel opens at both ends, or the dial fails.
    Open { dialler: NodeIndex, dialled: NodeIndex, lives: (u32, u32), works: bool },
    /// One end hears that the link is gone.
    Gone { at: NodeIndex, peer: NodeIndex, link: u64 },
}

struct Scheduled {
    key: Reverse<(u64, u64)>,
    event: Event,
}

impl PartialEq for Scheduled {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}
impl Eq for Scheduled {}
impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Scheduled {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key.cmp(&other.key)
    }
}

struct NodeState {
    id: RingId,
    ring: Option<Ring>,
    life: u32,
    wake_ms: u64,
    /// Open links by peer, each with its number.
    links: BTreeMap<NodeIndex, u64>,
    /// What the requests of this node are for.
    asked: BTreeMap<RequestId, Asked>,
    /// Does not forward what others ask: a hostile node.
    is_dropper: bool,
    /// Whom the relay named last: dialled through it.
    introduced: Option<NodeIndex>,
    /// Runs, but nothing is handled until then.
    suspended_until_ms: u64,
}

#[derive(Clone, Copy, Debug)]
enum Asked {
    Certificate { of: NodeIndex },
    Signal { of: NodeIndex },
    Lookup { number: u64 },
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counted {
    /// Bytes of sealed records sent: the ring's own.
    pub ring_bytes: u64,
    /// Bytes of sealed records sent: offers, answers, candidates, certificates on their way.
    pub signal_bytes: u64,
    /// Connections made, counted at both ends.
    pub connections: u64,
    /// Messages sent.
    pub messages: u64,
    /// Events handled.
    pub events: u64,
}

/// A world of rings.
pub struct Overlay {
    config: OverlayConfig,
    rng: Rng,
    now_ms: u64,
    queue: BinaryHeap<Scheduled>,
    next_number: u64,
    nodes: Vec<NodeState>,
    places: HashMap<RingId, NodeIndex>,
    /// Nodes that run, ascending by position, and in any order.
    live: BTreeMap<RingId, NodeIndex>,
    signal_paths: HashSet<PathId>,
    separated: Option<BTreeSet<NodeIndex>>,
    /// Nobody hears that a link is gone: for the moment after a great crash.
    is_deaf: bool,
    lookups: Lookups,
    counted: Counted,
    trace: u64,
    pending: Vec<Outcome>,
}

impl Overlay {
    /// An empty world.
    pub fn new(config: OverlayConfig) -> Self {
        Self {
            config,
            rng: Rng::from_seed(sha256(&[b"overlay", &config.seed.to_be_bytes()])),
            now_ms: 1_000,
            queue: BinaryHeap::new(),
            next_number: 1,
            nodes: Vec::new(),
            places: HashMap::new(),
            live: BTreeMap::new(),
            signal_paths: HashSet::new(),
            separated: None,
            is_deaf: false,
            lookups: Lookups::default(),
            counted: Counted::default(),
            trace: 0,
            pending: Vec::new(),
        }
    }

    /// Milliseconds since the world began.
    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// What was counted since the beginning.
    pub fn counted(&self) -> Counted {
        self.counted
    }

    /// A hash over everything that happened, in order.
    pub fn trace_hash(&self) -> u64 {
        self.trace
    }

    /// What was asked, and how it went.
    pub fn lookups(&mut self) -> &mut Lookups {
        &mut self.lookups
    }

    /// Lets time pass.
    pub fn run_for(&mut self, span_ms: u64) {
        let until_ms = self.now_ms + span_ms;
        while self.queue.peek().is_some_and(|next| next.key.0.0 <= until_ms) {
            let Some(Scheduled { key: Reverse((at_ms, _)), event }) = self.queue.pop() else { break };
            self.now_ms = at_ms;
            self.counted.events += 1;
            self.happen(event);
        }
        self.now_ms = until_ms;
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Wake { node, life } => self.wake(node, life),
            Event::Introduce { node, life } => {
                if self.nodes[node as usize].life == life && self.nodes[node as usize].ring.is_some() {
                    self.introduce(node);
                }
            }
            Event::Message { from, to, link, message } => self.message(from, to, link, message),
            Event::Open { dialler, dialled, lives, works } => self.open(dialler, dialled, lives, works),
            Event::Gone { at, peer, link } => self.gone(at, peer, link),
        }
    }

    /// Mixes a fact into the trace.
    fn note(&mut self, fact: u64) {
        self.trace = (self.trace ^ fact).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    }

    fn schedule(&mut self, in_ms: u64, event: Event) {
        self.next_number += 1;
        self.queue.push(Scheduled { key: Reverse((self.now_ms + in_ms, self.next_number)), event });
    }

    /// One-way latency of a pair: always the same, with no two messages overtaking each other.
    fn latency(&self, a: NodeIndex, b: NodeIndex) -> u64 {
        let (least, most) = self.config.latency_ms;
        least + mix(u64::from(a.min(b)) << 32 | u64::from(a.max(b)), self.config.seed) % (most - least + 1)
    }

    /// Whether two nodes can ever connect.
    fn can_connect(&self, a: NodeIndex, b: NodeIndex) -> bool {
        let draw = mix(u64::from(a.min(b)) << 32 | u64::from(a.max(b)), !self.config.seed);
        let is_apart = self.separated.as_ref().is_some_and(|side| side.contains(&a) != side.contains(&b));
        !is_apart && (draw % 1_000_000) as f64 >= self.config.links.unconnectable * 1e6
    }

    fn draw_between(&mut self, (least, most): (u64, u64)) -> u64 {
        least + self.rng.below(most - least + 1)
    }

    fn draw_chance(&mut self, part: f64) -> bool {
        (self.rng.below(1_000_000) as f64) < part * 1e6
    }

    /// How many run.
    pub fn live_count(&self) -> usize {
        self.live.len()
    }

    /// How many of them are members.
    pub fn member_count(&self) -> usize {
        let is_member = |index: &&NodeIndex| self.nodes[**index as usize].ring.as_ref().is_some_and(|ring| ring.standing() == Standing::Member);
        self.live.values().filter(is_member).count()
    }

    /// Links of the running nodes: mean and most.
    pub fn degrees(&self) -> (f64, usize) {
        let degrees = self.live.values().filter_map(|index| self.nodes[*index as usize].ring.as_ref()).map(Ring::degree);
        let (sum, most) = degrees.fold((0, 0), |(sum, most), degree| (sum + degree, most.max(degree)));
        (sum as f64 / self.live.len().max(1) as f64, most)
    }

    /// Hops that did not answer in time, at all running nodes since they started.
    pub fn hop_timeouts(&self) -> u64 {
        self.live.values().filter_map(|index| self.nodes[*index as usize].ring.as_ref()).map(Ring::hop_timeouts).sum()
    }

    /// Running nodes whose first successor is not the true one.
    pub fn misplaced(&self) -> usize {
        let ids: Vec<RingId> = self.live.keys().copied().collect();
        let is_wrong = |(at, id): &(usize, &RingId)| {
            let next = ids[(at + 1) % ids.len()];
            let ring = self.nodes[self.live[id] as usize].ring.as_ref();
            ring.is_some_and(|ring| ring.near(b4_protocol::ring::Side::Next).first() != Some(&next))
        };
        ids.iter().enumerate().filter(is_wrong).count()
    }
}

/// A fixed, well-mixed number for a pair.
fn mix(pair: u64, salt: u64) -> u64 {
    let mut value = pair ^ salt.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
