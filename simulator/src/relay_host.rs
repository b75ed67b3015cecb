//! The real relay on virtual sockets, with a directory in memory.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use b4_protocol::crypto::Rng;
use b4_protocol::identity::testing::TestAuthority;
use b4_protocol::identity::{RevocationList, UserId};
use b4_protocol::time::Now;
use b4_signaling::limits::Limits;
use b4_signaling::relay::{Command, ConnectionId, Directory, DirectoryError, Input, KnownDevice, Relay, Verdict};

/// The origin of every page in a world.
pub const ORIGIN: &str = "https://b4.example";

/// Names and devices.
#[derive(Default)]
pub struct Names {
    devices: BTreeMap<UserId, Vec<KnownDevice>>,
}

impl Names {
    /// Takes all devices of a user out.
    pub fn clear(&mut self, user: &UserId) {
        self.devices.remove(user);
    }

    /// Enters a device.
    pub fn enter(&mut self, user: UserId, device: KnownDevice) {
        self.devices.entry(user).or_default().push(device);
    }
}

impl Directory for Names {
    fn devices(&self, user: &UserId, _now_ms: u64) -> Result<Option<Vec<KnownDevice>>, DirectoryError> {
        Ok(self.devices.get(user).cloned())
    }
}

/// A running relay.
pub struct RelayHost {
    relay: Relay,
}

impl RelayHost {
    /// Starts a relay that knows nobody yet.
    pub fn start(authority: &TestAuthority, seed: [u8; 32], now: Now) -> Self {
        let mut rng = Rng::from_seed(seed);
        let list = authority.issuer().sign_revocations(&mut rng, 1, now.wall, &std::collections::BTreeSet::new());
        let list = RevocationList::decode_verified(&list, authority.anchor(), None).expect("the list was just signed");
        Self { relay: Relay::new(list, Vec::new(), Limits::default(), rng) }
    }

    /// A socket opens.
    pub fn connected(&mut self, connection: u64, now: Now, names: &Names) -> Vec<Command> {
        let input = Input::Connected {
            connection: ConnectionId(connection),
            address: IpAddr::V4(Ipv4Addr::from(u32::try_from(connection).unwrap_or(0))),
            origin: ORIGIN.to_owned(),
        };
        self.relay.handle(input, now, names)
    }

    /// A frame arrives.
    pub fn frame(&mut self, connection: u64, bytes: Vec<u8>, now: Now, names: &Names) -> Vec<Command> {
        self.relay.handle(Input::Frame { connection: ConnectionId(connection), bytes }, now, names)
    }

    /// A proof has been verified.
    pub fn verified(&mut self, connection: u64, verdict: Verdict, now: Now, names: &Names) -> Vec<Command> {
        self.relay.handle(Input::Verified { connection: ConnectionId(connection), verdict }, now, names)
    }

    /// Bytes have left.
    pub fn flushed(&mut self, connection: u64, bytes: usize, now: Now, names: &Names) -> Vec<Command> {
        self.relay.handle(Input::Flushed { connection: ConnectionId(connection), bytes }, now, names)
    }

    /// A pong came.
    pub fn heard(&mut self, connection: u64, now: Now, names: &Names) -> Vec<Command> {
        self.relay.handle(Input::Heard { connection: ConnectionId(connection) }, now, names)
    }

    /// A socket is gone.
    pub fn closed(&mut self, connection: u64, now: Now, names: &Names) -> Vec<Command> {
        self.relay.handle(Input::Closed { connection: ConnectionId(connection) }, now, names)
    }

    /// Its deadline has come.
    pub fn tick(&mut self, now: Now, names: &Names) -> Vec<Command> {
        self.relay.handle(Input::Tick, now, names)
    }

    /// When it wants [`RelayHost::tick`].
    pub fn next_wake_ms(&self) -> Option<u64> {
        self.relay.next_wake_ms()
    }
}
