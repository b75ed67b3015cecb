//! A world: machines, a relay, a network between them, and a clock that only events move.

use std::collections::{BTreeMap, BTreeSet};

use b4_protocol::crypto::{Rng, Ticket, sha256};
use b4_protocol::identity::UserId;
use b4_protocol::identity::testing::{NOW_MS, TestAuthority, TestDevice};
use b4_protocol::node::{Command, Effect, Input, LinkEnd, LinkId, Node, NodeConfig};
use b4_protocol::store::Write;
use b4_protocol::time::Now;
use b4_signaling::relay::{Command as RelayCommand, KnownDevice};

use crate::links::End;
use crate::machine::{Machine, Seen};
use crate::relay_host::{Names, ORIGIN, RelayHost};
use crate::store::{DiskFault, MemoryStore};

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
    Frame { end: u64, frame: Vec<u8> },
    /// A link end hears that its channel opened or closed.
    Opened { end: u64 },
    Ended { end: u64, how: LinkEnd },
    /// To the relay.
    ToRelay { socket: u64, what: ToRelay },
    RelayTick,
    /// Writes reach the disk of a machine, unless its process ended meanwhile.
    Commit { node: NodeIndex, life: u32, ticket: Ticket, writes: Vec<Write> },
}

enum ToRelay {
    Connect { node: NodeIndex, life: u32 },
    Frame(Vec<u8>),
    Closed,
    Heard,
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
    sockets: BTreeMap<u64, (NodeIndex, u32)>,
    machines: Vec<Machine>,
    ends: BTreeMap<u64, End>,
    unconnectable: BTreeSet<(NodeIndex, NodeIndex)>,
    /// The last time something was put on the way between two ends or a socket: keeps each in order.
    last_arrival: BTreeMap<(u64, bool), u64>,
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
            sockets: BTreeMap::new(),
            machines: Vec::new(),
            ends: BTreeMap::new(),
            unconnectable: BTreeSet::new(),
            last_arrival: BTreeMap::new(),
            trace: [0; 32],
        };
        world.start_relay();
        world
    }

    /// Both clocks.
    pub fn now(&self) -> Now {
        Now { mono: self.now_ms, wall: NOW_MS + self.now_ms }
    }

    /// A hash over everything that happened, in order.
    pub fn trace(&self) -> [u8; 32] {
        self.trace
    }

    /// Enrols a user on a machine of their own and starts it.
    pub fn add(&mut self, user: &str) -> NodeIndex {
        let device = self.authority.issue(user, NOW_MS);
        self.enter(device)
    }

    /// Starts a machine for a device that is in the directory, or, when it is new, enters it.
    pub fn enter(&mut self, device: TestDevice) -> NodeIndex {
        let certificate = &device.certificate;
        let known = KnownDevice { node: *certificate.node_id(), certificate: certificate.der().to_vec() };
        self.names.enter(certificate.user_id().clone(), known);
        let index = self.place(device);
        self.start(index);
        index
    }

    fn place(&mut self, device: TestDevice) -> NodeIndex {
        let rng = self.rng.fork("machine");
        let machine = Machine {
            device,
            rng,
            node: None,
            disk: MemoryStore::default(),
            disk_fault: DiskFault::None,
            seen: Seen::default(),
            socket: None,
            life: 0,
            wake_at_ms: None,
        };
        self.machines.push(machine);
        self.machines.len() - 1
    }

    /// A copy of a machine, disk and keys, that starts beside it.
    pub fn copy_of(&mut self, node: NodeIndex) -> NodeIndex {
        let device = self.machines[node].device.clone();
        let disk = self.machines[node].disk.clone();
        let copy = self.place(device);
        self.machines[copy].disk = disk;
        self.start(copy);
        copy
    }

    /// The user of a machine.
    pub fn user(&self, node: NodeIndex) -> UserId {
        self.machines[node].device.certificate.user_id().clone()
    }

    /// What a machine's screen shows.
    pub fn seen(&self, node: NodeIndex) -> &Seen {
        &self.machines[node].seen
    }

    /// A machine's disk.
    pub fn disk(&self, node: NodeIndex) -> &MemoryStore {
        &self.machines[node].disk
    }

    /// Breaks or mends a disk.
    pub fn set_disk_fault(&mut self, node: NodeIndex, fault: DiskFault) {
        self.machines[node].disk_fault = fault;
    }

    /// Two machines without a path between them.
    pub fn separate(&mut self, a: NodeIndex, b: NodeIndex) {
        self.unconnectable.insert((a.min(b), a.max(b)));
    }

    /// Orders something at a machine.
    pub fn command(&mut self, node: NodeIndex, command: Command) {
        self.input(node, Input::Command(command));
    }

    /// Types a text and sends it.
    pub fn say(&mut self, from: NodeIndex, to: NodeIndex, text: &str) {
        let to = self.user(to);
        self.command(from, Command::SendText { to, text: text.to_owned() });
    }

    /// Starts a machine from its disk: a page that is opened.
    pub fn start(&mut self, node: NodeIndex) {
        let seed = self.machines[node].rng.array();
        let now = self.now();
        let machine = &mut self.machines[node];
        machine.life += 1;
        machine.seen = Seen::default();
        let config = NodeConfig {
            certificate: machine.device.certificate.clone(),
            anchor: self.authority.anchor().clone(),
            revoked: None,
            origin: ORIGIN.to_owned(),
            seed,
            rows: machine.disk.rows_at_start(),
        };
        let (running, effects) = Node::new(config, now);
        machine.node = Some(running);
        self.run_effects(node, effects);
    }

    /// Ends a machine's process without a word; writes under way are lost, the disk stays.
    pub fn kill(&mut self, node: NodeIndex) {
        let machine = &mut self.machines[node];
        machine.node = None;
        machine.life += 1;
        if let Some(socket) = machine.socket.take() {
            self.to_relay(socket, ToRelay::Closed);
        }
        let ends: Vec<u64> = self.ends.values().filter(|end| end.node == node).map(|end| end.number).collect();
        for end in ends {
            self.drop_end(end, Some(LinkEnd::Unreachable), 5_000);
        }
    }

    /// Cuts every link of a machine in the middle of everything.
    pub fn cut_links(&mut self, node: NodeIndex) {
        let ends: Vec<(u64, LinkId)> = self.ends.values().filter(|end| end.node == node).map(|end| (end.number, end.link)).collect();
        for (number, link) in ends {
            self.drop_end(number, Some(LinkEnd::Unreachable), 0);
            self.input(node, Input::LinkClosed { link, end: LinkEnd::Unreachable });
        }
    }

    /// Ends the relay without a word.
    pub fn kill_relay(&mut self) {
        self.relay = None;
        for (_, (node, life)) in std::mem::take(&mut self.sockets) {
            if self.machines[node].life == life {
                self.machines[node].socket = None;
                self.schedule(1, Event::Input { node, life, input: Input::RelayClosed });
            }
        }
    }

    /// Starts the relay, anew after [`World::kill_relay`].
    pub fn start_relay(&mut self) {
        let seed = self.rng.array();
        let now = self.now();
        self.relay = Some(RelayHost::start(&self.authority, seed, now));
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
            Event::Frame { end, frame } => {
                if let Some(end) = self.ends.get(&end).cloned() {
                    self.input(end.node, Input::LinkFrame { link: end.link, frame });
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
            Event::ToRelay { socket, what } => self.at_relay(socket, what),
            Event::RelayTick => {
                let now = self.now();
                let commands = self.relay.as_mut().map(|relay| relay.tick(now, &self.names)).unwrap_or_default();
                self.run_relay(commands);
            }
        }
    }

    fn input(&mut self, node: NodeIndex, input: Input) {
        let now = self.now();
        self.trace = sha256(&[&self.trace, &now.mono.to_be_bytes(), &(node as u64).to_be_bytes(), format!("{input:?}").as_bytes()]);
        let Some(running) = self.machines[node].node.as_mut() else { return };
        let effects = running.handle(input, now);
        self.run_effects(node, effects);
    }

    fn run_effects(&mut self, node: NodeIndex, effects: Vec<Effect>) {
        for effect in effects {
            self.run_effect(node, effect);
        }
        let machine = &mut self.machines[node];
        // A deadline in the past is due at once, and a node that never moves it on would stop the clock: that must show.
        machine.wake_at_ms = machine.node.as_ref().and_then(Node::next_wake).map(|at| at.max(self.now_ms + 1));
    }

    fn run_effect(&mut self, node: NodeIndex, effect: Effect) {
        let life = self.machines[node].life;
        match effect {
            Effect::RelayConnect => {
                let socket = self.draw_number();
                self.machines[node].socket = Some(socket);
                self.to_relay(socket, ToRelay::Connect { node, life });
            }
            Effect::RelaySend(frame) => {
                if let Some(socket) = self.machines[node].socket {
                    self.to_relay(socket, ToRelay::Frame(frame));
                }
            }
            Effect::RelayClose => {
                if let Some(socket) = self.machines[node].socket.take() {
                    self.to_relay(socket, ToRelay::Closed);
                    self.schedule(0, Event::Input { node, life, input: Input::RelayClosed });
                }
            }
            Effect::LinkOffer { link, .. } => self.describe(node, link, None),
            Effect::LinkAnswer { link, sdp, .. } => self.describe(node, link, Some(&sdp)),
            Effect::LinkAccept { link, sdp } => {
                if let Some(end) = self.ends.values_mut().find(|end| end.node == node && end.link == link) {
                    end.remote = End::number_of(&sdp);
                    let number = end.number;
                    self.try_open(number);
                }
            }
            Effect::LinkCandidate { link, .. } => {
                if let Some(end) = self.ends.values_mut().find(|end| end.node == node && end.link == link) {
                    end.has_candidate = true;
                    let number = end.number;
                    self.try_open(number);
                }
            }
            Effect::LinkSend { link, frame } => {
                let other = self.end_of(node, link).filter(|end| end.is_open).and_then(|end| end.remote);
                if let Some(other) = other {
                    self.schedule_in_order((other, true), Event::Frame { end: other, frame });
                }
            }
            Effect::LinkClose { link } => {
                if let Some(number) = self.end_of(node, link).map(|end| end.number) {
                    self.drop_end(number, Some(LinkEnd::Closed), 0);
                }
            }
            Effect::Store { ticket, writes } => self.write(node, ticket, writes),
            Effect::Load { ticket, table, prefix, before, limit } => {
                let rows = self.machines[node].disk.load(table, &prefix, before.as_deref(), limit as usize);
                self.schedule(1, Event::Input { node, life, input: Input::Loaded { ticket, rows: Some(rows) } });
            }
            Effect::Key { ticket, op } => {
                let machine = &mut self.machines[node];
                let result = machine.device.keys.perform(&mut machine.rng, &op);
                self.schedule(2, Event::Input { node, life, input: Input::KeyDone { ticket, result } });
            }
            Effect::Notify(event) => self.machines[node].seen.apply(event),
        }
    }

    /// A write is durable when its time has come and the process still lives: what is in flight at a kill is lost.
    fn write(&mut self, node: NodeIndex, ticket: Ticket, writes: Vec<Write>) {
        let life = self.machines[node].life;
        if let DiskFault::Failing(full) = self.machines[node].disk_fault {
            self.schedule(1, Event::Input { node, life, input: Input::StoreFailed { tickets: vec![ticket], full } });
            return;
        }
        let at = self.draw_between(self.config.disk_ms);
        let key = (node as u64, false);
        let arrival = self.last_arrival.get(&key).copied().unwrap_or(0).max(self.now_ms + at);
        self.last_arrival.insert(key, arrival);
        self.schedule(arrival - self.now_ms, Event::Commit { node, life, ticket, writes });
    }

    fn describe(&mut self, node: NodeIndex, link: LinkId, remote: Option<&str>) {
        let number = self.draw_number();
        let end = End {
            node,
            link,
            number,
            remote: remote.and_then(End::number_of),
            is_open: false,
            has_candidate: false,
        };
        self.ends.insert(number, end);
        let life = self.machines[node].life;
        let sdp = End::sdp(number, remote.is_none());
        self.schedule(3, Event::Input { node, life, input: Input::LinkDescribed { link, sdp } });
        let candidate = End::candidate(number);
        self.schedule(5, Event::Input { node, life, input: Input::LinkCandidate { link, candidate } });
        self.try_open(number);
    }

    /// Opens a channel when both ends have set each other's descriptions and one has a candidate of the other.
    fn try_open(&mut self, number: u64) {
        let Some(end) = self.ends.get(&number).cloned() else { return };
        let Some(other) = end.remote.and_then(|other| self.ends.get(&other)).cloned() else { return };
        let (a, b) = (end.node.min(other.node), end.node.max(other.node));
        let has_path = (end.has_candidate || other.has_candidate) && !self.unconnectable.contains(&(a, b));
        if other.remote != Some(number) || !has_path || end.is_open || other.is_open {
            return;
        }
        for at in [number, other.number] {
            self.schedule_in_order((at, true), Event::Opened { end: at });
        }
    }

    /// Takes one end away; the other hears of it after `after_ms` and the latency.
    fn drop_end(&mut self, number: u64, how: Option<LinkEnd>, after_ms: u64) {
        let Some(end) = self.ends.remove(&number) else { return };
        let other = end.remote.filter(|other| self.ends.get(other).is_some_and(|other| other.remote == Some(number)));
        if let (Some(other), Some(how)) = (other, how) {
            let delay = after_ms + self.latency();
            let key = (other, true);
            let arrival = self.last_arrival.get(&key).copied().unwrap_or(0).max(self.now_ms + delay);
            self.last_arrival.insert(key, arrival);
            self.schedule(arrival - self.now_ms, Event::Ended { end: other, how });
        }
    }

    fn end_of(&self, node: NodeIndex, link: LinkId) -> Option<&End> {
        self.ends.values().find(|end| end.node == node && end.link == link)
    }

    fn to_relay(&mut self, socket: u64, what: ToRelay) {
        self.schedule_in_order((socket, true), Event::ToRelay { socket, what });
    }

    fn at_relay(&mut self, socket: u64, what: ToRelay) {
        let now = self.now();
        let Some(relay) = self.relay.as_mut() else {
            if let ToRelay::Connect { node, life } = what {
                self.schedule(1, Event::Input { node, life, input: Input::RelayClosed });
            }
            return;
        };
        let commands = match what {
            ToRelay::Connect { node, life } => {
                self.sockets.insert(socket, (node, life));
                let commands = relay.connected(socket, now, &self.names);
                self.schedule_in_order((socket, false), Event::Input { node, life, input: Input::RelayOpened });
                commands
            }
            ToRelay::Frame(bytes) => relay.frame(socket, bytes, now, &self.names),
            ToRelay::Heard => relay.heard(socket, now, &self.names),
            ToRelay::Closed => {
                self.sockets.remove(&socket);
                relay.closed(socket, now, &self.names)
            }
        };
        self.run_relay(commands);
    }

    fn run_relay(&mut self, commands: Vec<RelayCommand>) {
        for command in commands {
            match command {
                RelayCommand::Send { connection, bytes } => {
                    let now = self.now();
                    let sent = bytes.len();
                    if let Some((node, life)) = self.sockets.get(&connection.0).copied() {
                        let input = Input::RelayFrame(bytes);
                        self.schedule_in_order((connection.0, false), Event::Input { node, life, input });
                    }
                    let more = self.relay.as_mut().map(|relay| relay.flushed(connection.0, sent, now, &self.names));
                    self.run_relay(more.unwrap_or_default());
                }
                RelayCommand::Ping { connection } => self.to_relay(connection.0, ToRelay::Heard),
                RelayCommand::Pause { .. } => {}
                RelayCommand::Close { connection, .. } => {
                    if let Some((node, life)) = self.sockets.remove(&connection.0) {
                        self.schedule_in_order((connection.0, false), Event::Input { node, life, input: Input::RelayClosed });
                    }
                }
            }
        }
        if let Some(at) = self.relay.as_ref().and_then(RelayHost::next_wake_ms) {
            self.schedule(at.saturating_sub(self.now_ms).max(1), Event::RelayTick);
        }
    }

    /// Puts an event on a way on which nothing overtakes.
    fn schedule_in_order(&mut self, way: (u64, bool), event: Event) {
        let arrival = self.now_ms + self.latency();
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
