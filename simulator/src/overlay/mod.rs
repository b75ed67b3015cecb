//! Large worlds: up to many thousands of rings of the core under one virtual clock. A link opens after its signalling went through the ring,
//! in the sizes that sealed signalling has, and where there are certificates (`identity`) after the core's handshake; a record counts as it
//! would be sealed and padded. Where an experiment asks for it, each node has the machines of the mail beside its ring.
//!
//! Deliberately absent: sealing what travels (the small worlds of whole nodes do), and what is measured (the experiments say that).

mod config;
mod course;
mod faults;
mod hash;
mod identity;
mod links;
mod lookups;
mod mail;
mod nodes;
mod orders;
mod probes;
mod reach;
mod shelf;
mod traffic;
mod view;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use b4_protocol::crypto::{Rng, sha256};
use b4_protocol::ordered::OrderedMap;
use b4_protocol::ring::{Message, Outcome, PathId, RequestId, Ring, RingId};

use crate::event_queue::EventQueue;
use crate::trace::TraceHash;

pub use config::{LinkModel, OverlayConfig};
#[cfg(not(target_arch = "wasm32"))]
pub use identity::CERTIFIED_NODES_MAX;
pub use identity::{Flaw, Trust};
pub use lookups::LookupResult;
pub use mail::{Fate, LetterFacts, MailConfig, MailCounted};
pub use probes::{Probe, ProbeResult};
pub use reach::ReachResult;
pub use traffic::Counted;

use course::Happened;
use hash::ByRandomBits;
use identity::Identities;
use lookups::Lookups;
use mail::{MailEvent, MailState, Post};
use probes::Probes;
use reach::Reaches;
use shelf::Shelf;
use traffic::Traffic;

/// Which node. The place of one that ended is used again.
pub type NodeIndex = u32;

/// What is to happen, where it takes much to say: the queue holds its number on the shelf.
enum Event {
    Message { from: RingId, to: NodeIndex, link: u64, message: Message },
    /// The channel opens at both ends, or the dial fails.
    Open { dialler: NodeIndex, life: u32, dialled: RingId, works: bool },
    /// One end hears that the link is gone.
    Gone { at: NodeIndex, peer: RingId, link: u64 },
    Mail(Box<MailEvent>),
    /// A node that an experiment sent to reach another dials once more.
    Reach { by: NodeIndex, to: RingId },
}

/// What stands in the queue.
enum Due {
    Wake { node: NodeIndex, life: u32 },
    /// A node without links asks the relay for some, a member for a witness.
    Introduce { node: NodeIndex, life: u32 },
    /// Something of a node's mail is due.
    Mail { node: NodeIndex, life: u32 },
    Shelved(u32),
}

struct NodeState {
    id: RingId,
    ring: Option<Ring>,
    mail: Option<Box<MailState>>,
    /// How many nodes had this place before.
    life: u32,
    /// When the pending wake happens.
    wake_ms: u64,
    /// Open links by peer, each with the peer's place among the nodes and its own number.
    links: OrderedMap<RingId, (NodeIndex, u64)>,
    /// What the requests of this node are for.
    asked: BTreeMap<RequestId, Asked>,
    /// Does not forward what others ask: a hostile node.
    is_dropper: bool,
    /// Whom the relay named last: dialled through it.
    introduced: [Option<RingId>; nodes::INTRODUCED],
    /// Runs, but nothing is handled until then.
    suspended_until_ms: u64,
    /// On which side of a split network it is.
    is_beyond: bool,
    /// When the relay is asked next.
    introduce_ms: u64,
    joined_ms: u64,
    was_member: bool,
    first_routed: FirstRouted,
}

/// How far the first request that a node made has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FirstRouted {
    /// No link led anywhere yet.
    Unsent,
    /// On this way, the last one that was tried.
    Sent(PathId),
    /// The ring has routed it: its answer came.
    Answered,
}

#[derive(Clone, Copy, Debug)]
enum Asked {
    Certificate { of: RingId },
    Signal { of: RingId },
    Lookup { number: u64 },
    Probe { number: u64 },
    /// Who may keep mail for this key; so often it was asked before.
    Holders { key: RingId, attempt: u8 },
    /// One's own presence.
    Publish,
    /// A copy of another's.
    Copy,
}

/// A world of rings.
pub struct Overlay {
    config: OverlayConfig,
    rng: Rng,
    identities: Box<dyn Identities>,
    now_ms: u64,
    queue: EventQueue<Due>,
    shelf: Shelf<Event>,
    next_link: u64,
    nodes: Vec<NodeState>,
    vacant: Vec<NodeIndex>,
    places: HashMap<RingId, NodeIndex, ByRandomBits>,
    /// Nodes that run, ascending by position.
    live: BTreeMap<RingId, NodeIndex>,
    /// Those of them that are in their place.
    members: BTreeMap<RingId, NodeIndex>,
    is_split: bool,
    is_relay_dead: bool,
    /// Nobody hears that a link is gone: for the moment after a great crash.
    is_deaf: bool,
    /// Droppers say that they passed requests on.
    is_lying: bool,
    /// Ends of links that will hear that their link is gone.
    dying: BTreeSet<(NodeIndex, u64)>,
    /// The nodes that the last event happened to.
    touched: Vec<NodeIndex>,
    /// The first message that no node may send, where that is looked at.
    complaint: Option<String>,
    is_strict: bool,
    lookups: Lookups,
    probes: Probes,
    reaches: Reaches,
    /// What the mail has in common, where there is any.
    post: Option<Box<Post>>,
    traffic: Traffic,
    trace: TraceHash,
    /// Filled while orders are carried out; kept for its memory.
    pending: Vec<Outcome>,
}

impl Overlay {
    /// An empty world.
    pub fn new(config: OverlayConfig) -> Self {
        Self {
            config,
            rng: Rng::from_seed(sha256(&[b"overlay", &config.seed.to_be_bytes()])),
            identities: config.trust.identities(config.seed),
            now_ms: 1_000,
            queue: EventQueue::new(),
            shelf: Shelf::new(),
            next_link: 0,
            nodes: Vec::new(),
            vacant: Vec::new(),
            places: HashMap::default(),
            live: BTreeMap::new(),
            members: BTreeMap::new(),
            is_split: false,
            is_relay_dead: false,
            is_deaf: false,
            is_lying: false,
            dying: BTreeSet::new(),
            touched: Vec::new(),
            complaint: None,
            is_strict: false,
            lookups: Lookups::default(),
            probes: Probes::default(),
            reaches: Reaches::default(),
            post: None,
            traffic: Traffic::default(),
            trace: TraceHash::new(),
            pending: Vec::new(),
        }
    }

    /// Milliseconds since the world began.
    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// A hash over everything that happened, in order: when, of what kind, and to whom (`course`).
    pub fn trace_hash(&self) -> u64 {
        self.trace.value()
    }

    /// Lets time pass.
    pub fn run_for(&mut self, span_ms: u64) {
        self.run_until(self.now_ms + span_ms);
    }

    /// Lets time pass until then.
    pub fn run_until(&mut self, until_ms: u64) {
        while let Some((at_ms, due)) = self.queue.pop_until(until_ms) {
            self.now_ms = at_ms;
            self.happen(due);
        }
        self.now_ms = self.now_ms.max(until_ms);
    }

    /// Lets time pass, and has the world looked at after everything that happens, with the nodes that it happened to.
    ///
    /// # Errors
    /// The first complaint; the world stands still there.
    pub fn run_watched<E>(&mut self, span_ms: u64, mut look: impl FnMut(&Self, &[NodeIndex]) -> Result<(), E>) -> Result<(), E> {
        let until_ms = self.now_ms + span_ms;
        while let Some((at_ms, due)) = self.queue.pop_until(until_ms) {
            self.now_ms = at_ms;
            self.happen(due);
            look(self, &self.touched)?;
        }
        self.now_ms = until_ms;
        Ok(())
    }

    fn happen(&mut self, due: Due) {
        self.touched.clear();
        match due {
            Due::Wake { node, life } => self.wake(node, life),
            Due::Introduce { node, life } => {
                if self.is_running(node, life) && self.nodes[node as usize].introduce_ms <= self.now_ms {
                    self.introduce(node);
                }
            }
            Due::Mail { node, life } => {
                if self.is_running(node, life) {
                    self.mail_wake(node);
                }
            }
            Due::Shelved(number) => {
                if let Some(event) = self.shelf.take(number) {
                    self.happen_shelved(event);
                }
            }
        }
    }

    fn happen_shelved(&mut self, event: Event) {
        match event {
            Event::Message { from, to, link, message } => self.message(from, to, link, message),
            Event::Open { dialler, life, dialled, works } => self.open(dialler, life, dialled, works),
            Event::Gone { at, peer, link } => self.gone(at, peer, link),
            Event::Mail(event) => self.mail_event(*event),
            Event::Reach { by, to } => self.reach_again(by, to),
        }
    }

    fn is_running(&self, node: NodeIndex, life: u32) -> bool {
        self.nodes[node as usize].life == life && self.nodes[node as usize].ring.is_some()
    }

    /// One end of a link is to hear that it is gone.
    fn gone_in(&mut self, in_ms: u64, at: NodeIndex, peer: RingId, link: u64) {
        self.dying.insert((at, link));
        self.schedule(in_ms, Event::Gone { at, peer, link });
    }

    fn schedule(&mut self, in_ms: u64, event: Event) {
        let number = self.shelf.put(event);
        self.schedule_due(in_ms, Due::Shelved(number));
    }

    fn schedule_due(&mut self, in_ms: u64, due: Due) {
        self.queue.schedule(self.now_ms + in_ms, due);
    }

    /// One-way latency of a pair: always the same, so that no two messages overtake each other.
    fn latency(&self, a: NodeIndex, b: NodeIndex) -> u64 {
        let (least, most) = self.config.latency_ms;
        least + mix(u64::from(a.min(b)) << 32 | u64::from(a.max(b)), self.config.seed) % (most - least + 1)
    }

    /// Whether two nodes can ever connect.
    fn can_connect(&self, a: NodeIndex, b: NodeIndex) -> bool {
        let draw = mix(u64::from(a.min(b)) << 32 | u64::from(a.max(b)), !self.config.seed);
        !self.is_apart(a, b) && (draw % 1_000_000) as f64 >= self.config.links.unconnectable * 1e6
    }

    fn is_apart(&self, a: NodeIndex, b: NodeIndex) -> bool {
        self.is_split && self.nodes[a as usize].is_beyond != self.nodes[b as usize].is_beyond
    }

    fn draw_between(&mut self, (least, most): (u64, u64)) -> u64 {
        least + self.rng.below(most - least + 1)
    }

    fn draw_chance(&mut self, part: f64) -> bool {
        (self.rng.below(1_000_000) as f64) < part * 1e6
    }
}

/// A fixed, well-mixed number for a pair.
fn mix(pair: u64, salt: u64) -> u64 {
    let mut value = pair ^ salt.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
