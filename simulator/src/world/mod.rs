//! A world: machines, a relay, a network between them, and a clock that only events move. Here are its time and its events;
//! the other files have what happens to machines, effects, links, the relay and trust, what fails, what enemies do, and what must hold of
//! the mail at every moment.

mod effects;
mod faults;
mod files;
mod hostile;
mod links;
mod machines;
mod mail;
mod relay;
mod trust;

use std::collections::{BTreeMap, BTreeSet};

use b4_protocol::crypto::{Rng, Ticket, sha256};
use b4_protocol::file::FileSlot;
use b4_protocol::identity::RevocationList;
use b4_protocol::identity::testing::{NOW_MS, TestAuthority};
use b4_protocol::node::{Input, LinkEnd};
use b4_protocol::session::BULK;
use b4_protocol::store::Write;
use b4_protocol::time::Now;

use crate::end::End;
use crate::machine::Machine;
use crate::relay_host::{Names, RelayHost};
pub(crate) use hostile::Hostile;
pub use hostile::{MailHeard, Mailman, honest_hello};
pub(crate) use files::FileDisk;
use mail::Watch;
use relay::ToRelay;

/// Which machine.
pub type NodeIndex = usize;

/// What a world is like.
#[derive(Clone, Copy, Debug)]
pub struct WorldConfig {
    /// Everything follows from it.
    pub seed: u64,
    /// Least and most one-way latency between machines and to the relay, in milliseconds.
    pub latency_ms: (u64, u64),
    /// Least and most time of a write to disk.
    pub disk_ms: (u64, u64),
}

impl Default for WorldConfig {
    fn default() -> Self {
        Self { seed: 1, latency_ms: (5, 60), disk_ms: (1, 10) }
    }
}

/// What is to happen.
enum Event {
    /// An input for a machine, unless it was started anew since.
    Input { node: NodeIndex, life: u32, input: Input },
    /// A frame for a machine over a link end.
    Frame { end: u64, channel: u16, frame: Vec<u8> },
    /// A link end hears that its channel opened or closed.
    Opened { end: u64 },
    Ended { end: u64, how: LinkEnd },
    /// To the relay.
    ToRelay { socket: u64, what: ToRelay },
    RelayTick,
    /// A part of a file reaches the disk of a machine, unless its process ended meanwhile.
    FileCommit { node: NodeIndex, life: u32, slot: FileSlot, start: u64, bytes: Vec<u8>, number: u32 },
    /// Writes reach the disk of a machine, unless its process ended meanwhile.
    Commit { node: NodeIndex, life: u32, ticket: Ticket, writes: Vec<Write> },
}

/// A world.
pub struct World {
    config: WorldConfig,
    rng: Rng,
    now_ms: u64,
    queue: BTreeMap<(u64, u64), Event>,
    next_number: u64,
    authority: TestAuthority,
    names: Names,
    relay: Option<RelayHost>,
    /// When the relay's next tick happens.
    relay_tick_ms: Option<u64>,
    sockets: BTreeMap<u64, (NodeIndex, u32)>,
    machines: Vec<Machine>,
    ends: BTreeMap<u64, End>,
    unconnectable: BTreeSet<(NodeIndex, NodeIndex)>,
    /// Ends that nothing reaches any more, and that do not know it.
    unheard: BTreeSet<u64>,
    /// The last time something was put on the way between two ends or a socket: keeps each in order.
    last_arrival: BTreeMap<(u64, bool), u64>,
    /// Revoked certificates by H(serial), and the newest list that the authority has signed.
    revoked: BTreeSet<[u8; 32]>,
    published: Option<RevocationList>,
    connections_made: BTreeMap<NodeIndex, usize>,
    /// What the relay sent to whom, when somebody asked to keep it.
    kept: Option<Vec<(NodeIndex, Vec<u8>)>>,
    watch: Watch,
    trace: [u8; 32],
}

impl World {
    /// A world with a relay and nobody in it.
    pub fn new(config: WorldConfig) -> Self {
        let seed = sha256(&[b"world", &config.seed.to_be_bytes()]);
        let authority = TestAuthority::new(seed);
        let mut world = Self {
            config,
            rng: Rng::from_seed(seed),
            now_ms: 1_000,
            queue: BTreeMap::new(),
            next_number: 1,
            authority,
            names: Names::default(),
            relay: None,
            relay_tick_ms: None,
            sockets: BTreeMap::new(),
            machines: Vec::new(),
            ends: BTreeMap::new(),
            unconnectable: BTreeSet::new(),
            unheard: BTreeSet::new(),
            last_arrival: BTreeMap::new(),
            revoked: BTreeSet::new(),
            published: None,
            connections_made: BTreeMap::new(),
            kept: None,
            watch: Watch::default(),
            trace: [0; 32],
        };
        world.start_relay();
        world
    }

    /// Both clocks.
    pub fn now(&self) -> Now {
        Now { mono: self.now_ms, wall: NOW_MS + self.now_ms }
    }

    /// Both clocks as a machine has them.
    pub(super) fn now_at(&self, node: NodeIndex) -> Now {
        let now = self.now();
        Now { wall: now.wall.saturating_add_signed(self.machines[node].clock_ms), ..now }
    }

    /// A hash over everything that any node was told, in order, and when.
    pub fn trace(&self) -> [u8; 32] {
        self.trace
    }

    /// Lets time pass.
    pub fn run_for(&mut self, span_ms: u64) {
        let until_ms = self.now_ms + span_ms;
        while let Some((key, event)) = self.take_before(until_ms) {
            self.now_ms = self.now_ms.max(key.0);
            self.happen(event);
        }
        self.now_ms = until_ms;
    }

    /// Lets time pass until `is_done`, at most `span_ms`; whether it was.
    pub fn run_until(&mut self, span_ms: u64, is_done: impl Fn(&World) -> bool) -> bool {
        let until_ms = self.now_ms + span_ms;
        while !is_done(self) {
            let Some((key, event)) = self.take_before(until_ms) else { break };
            self.now_ms = self.now_ms.max(key.0);
            self.happen(event);
        }
        is_done(self)
    }

    fn take_before(&mut self, until_ms: u64) -> Option<((u64, u64), Event)> {
        let wakes = self.machines.iter().enumerate().filter_map(|(node, machine)| Some((machine.wake_at_ms?, node)));
        let wake = wakes.min();
        let next = self.queue.first_key_value().map(|(key, _)| key.0);
        if let Some((at_ms, node)) = wake.filter(|(at, _)| *at <= until_ms && next.is_none_or(|next| *at < next)) {
            self.machines[node].wake_at_ms = None;
            let life = self.machines[node].life;
            return Some(((at_ms, 0), Event::Input { node, life, input: Input::Wake }));
        }
        next.filter(|at| *at <= until_ms)?;
        self.queue.pop_first()
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Input { node, life, input } => {
                if self.machines[node].life == life {
                    self.input(node, input);
                }
            }
            Event::Frame { end, channel, frame } => {
                let Some(end) = self.ends.get(&end).cloned() else { return };
                if channel == BULK {
                    self.bulk_frame(end.node, end.link, &frame);
                } else {
                    self.input(end.node, Input::LinkFrame { link: end.link, channel, frame });
                }
            }
            Event::Opened { end } => {
                if let Some(end) = self.ends.get_mut(&end) {
                    end.is_open = true;
                    let (node, link) = (end.node, end.link);
                    self.input(node, Input::LinkOpened { link });
                }
            }
            Event::Ended { end, how } => {
                if let Some(end) = self.ends.remove(&end) {
                    self.input(end.node, Input::LinkClosed { link: end.link, end: how });
                }
            }
            Event::Commit { node, life, ticket, writes } => {
                if self.machines[node].life == life {
                    self.machines[node].disk.commit(writes);
                    self.input(node, Input::Stored { tickets: vec![ticket] });
                }
            }
            Event::FileCommit { node, life, slot, start, bytes, number } => {
                if self.machines[node].life == life {
                    self.commit_file(node, (number, slot), start, &bytes);
                }
            }
            Event::ToRelay { socket, what } => self.at_relay(socket, what),
            // Another was scheduled since, for an earlier moment: that one goes on.
            Event::RelayTick if self.relay_tick_ms != Some(self.now_ms) => {}
            Event::RelayTick => {
                self.relay_tick_ms = None;
                let now = self.now();
                let commands = self.relay.as_mut().map(|relay| relay.tick(now, &self.names)).unwrap_or_default();
                self.run_relay(commands);
            }
        }
    }

    /// Puts an event on a way on which nothing overtakes.
    fn schedule_in_order(&mut self, way: (u64, bool), event: Event) {
        self.schedule_in_order_after(0, way, event);
    }

    /// The same, for what leaves only after a while.
    fn schedule_in_order_after(&mut self, wait_ms: u64, way: (u64, bool), event: Event) {
        let arrival = self.now_ms + wait_ms + self.latency();
        let arrival = self.last_arrival.get(&way).copied().unwrap_or(0).max(arrival);
        self.last_arrival.insert(way, arrival);
        self.schedule(arrival - self.now_ms, event);
    }

    fn schedule(&mut self, in_ms: u64, event: Event) {
        let number = self.draw_number();
        self.queue.insert((self.now_ms + in_ms, number), event);
    }

    fn latency(&mut self) -> u64 {
        self.draw_between(self.config.latency_ms)
    }

    fn draw_between(&mut self, (least, most): (u64, u64)) -> u64 {
        least + self.rng.below(most - least + 1)
    }

    fn draw_number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }
}
