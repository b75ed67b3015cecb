//! Machines: enrolled, started, killed, copied; what their people order and see.

use b4_protocol::identity::UserId;
use b4_protocol::identity::testing::{NOW_MS, TestDevice};
use b4_protocol::node::{Command, Input, LinkEnd, Node, NodeConfig, PageFacts};
use b4_signaling::relay::KnownDevice;

use super::{FileDisk, NodeIndex, ToRelay, World};
use crate::machine::{Machine, Seen};
use crate::relay_host::ORIGIN;
use crate::store::{DiskFault, MemoryStore};

impl World {
    /// Enrols a user on a machine of their own and starts it.
    pub fn add(&mut self, user: &str) -> NodeIndex {
        let device = self.authority.issue(user, NOW_MS);
        self.enter(device)
    }

    /// The same for a user whose certificate is this old already: clocks that are behind do not put its beginning off.
    pub fn add_earlier(&mut self, user: &str, age_ms: u64) -> NodeIndex {
        let device = self.authority.issue(user, NOW_MS - age_ms);
        self.enter(device)
    }

    /// A machine that does not run gets a new certificate for the keys and the node id that it has.
    pub fn renew(&mut self, node: NodeIndex) {
        let now_ms = self.now().wall;
        let device = self.authority.renew(&self.machines[node].device, now_ms);
        let certificate = &device.certificate;
        let known = KnownDevice { node: *certificate.node_id(), certificate: certificate.der().to_vec() };
        self.names.clear(certificate.user_id());
        self.names.enter(certificate.user_id().clone(), known);
        self.machines[node].device = device;
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

    pub(super) fn place(&mut self, device: TestDevice) -> NodeIndex {
        let rng = self.rng.fork("machine");
        let machine = Machine {
            device,
            rng,
            node: None,
            disk: MemoryStore::default(),
            disk_fault: DiskFault::None,
            files: FileDisk::default(),
            seen: Seen::default(),
            socket: None,
            life: 0,
            wake_at_ms: None,
            wakes_every_ms: 1,
            slow_ms: 0,
            hostile: None,
            clock_ms: 0,
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

    /// The same identity, restored on a new machine from its recovery file: the keys, and nothing else.
    pub fn restored(&mut self, node: NodeIndex) -> NodeIndex {
        let device = self.machines[node].device.clone();
        let restored = self.place(device);
        self.start(restored);
        restored
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
        let now = self.now_at(node);
        let revoked = self.published.clone();
        let machine = &mut self.machines[node];
        machine.life += 1;
        machine.seen = Seen::default();
        let config = NodeConfig {
            certificate: machine.device.certificate.clone(),
            anchor: self.authority.anchor().clone(),
            revoked,
            origin: ORIGIN.to_owned(),
            page: PageFacts::default(),
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
        machine.files.end_process();
        if let Some(socket) = machine.socket.take() {
            self.put_to_relay(socket, ToRelay::Closed);
        }
        let ends: Vec<u64> = self.ends.values().filter(|end| end.node == node).map(|end| end.number).collect();
        for end in ends {
            self.drop_end(end, Some(LinkEnd::Unreachable), 5_000);
        }
    }
}
