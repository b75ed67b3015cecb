//! Every bound of the relay and the authority, in one place, with what happens at the bound. A number says where it comes
//! from, or "guess". Those in [`Limits`] can be set by the operator.

use b4_protocol::time::{HOUR_MS, MINUTE_MS, SECOND_MS};

use crate::pace::Pace;

/// Time from the challenge to the proof; then the client is refused with code 2 (PROTOCOL.md#relay).
pub const CHALLENGE_MS: u64 = 10 * SECOND_MS;
/// Silence after which a client is pinged. Half of [`HALF_OPEN_MS`], so that one answer can be lost.
pub const PING_AFTER_MS: u64 = 15 * SECOND_MS;
/// Silence after which a connection counts as half-open and is closed.
pub const HALF_OPEN_MS: u64 = 30 * SECOND_MS;
/// How long a watch lives (PROTOCOL.md#relay).
pub const WATCH_MS: u64 = HOUR_MS;
/// Watches of one client; one more is refused with code 10, the lookup itself is answered. Guess: more than most contact lists.
pub const WATCHES_PER_CLIENT: usize = 512;
/// Watches of all clients; at the bound as above. Guess: about 40 MiB.
pub const WATCHES_MAX: usize = 262_144;
/// Bytes waiting for a client above which forwards to it are undelivered with reason 1: a dozen full ones.
pub const QUEUE_FORWARD_BYTES: usize = 64 * 1024;
/// Bytes waiting for a client above which it is closed as too slow: the relay's own answers come on top of forwards.
pub const QUEUE_BYTES_MAX: usize = 160 * 1024;
/// A client's frames at once, pings included, after a rest; then as many a second as [`Limits`] says. Over it: code 5 and a
/// pause. Guess: a dial takes under 30.
pub const FRAMES_BURST: u64 = 256;
/// A node's lookups, over all its connections: one a second, 1,024 at once. Guess: a contact list after a reconnect. Over it:
/// code 5.
pub const LOOKUP_PACE: Pace = Pace { interval_ms: SECOND_MS, burst: 1_024 };
/// A node's introductions, over all its connections: one in six seconds, 10 at once. Guess: a join needs one or two. Over it:
/// code 5.
pub const INTRODUCE_PACE: Pace = Pace { interval_ms: 6 * SECOND_MS, burst: 10 };
/// Nodes whose paces are remembered; at the bound the ones that have recovered are forgotten, else newcomers get code 5.
pub const NODES_MAX: usize = 65_536;
/// Longest pause in reading from a client that was too fast.
pub const PAUSE_MS_MAX: u64 = 2 * SECOND_MS;
/// Frames up to this size are read whole, to be refused with code 6; over it the connection just ends. Guess: a mistake is a
/// little too large, an attack much; an attacker's socket holds no more memory than this.
pub const FRAME_BYTES_READ: usize = 16 * 1024;
/// Buffer of a socket's reads. Small, because an idle peer keeps it.
pub const SOCKET_BUFFER_BYTES: usize = 4 * 1024;

/// How long an enrolment ticket lives (PROTOCOL.md#enrolment).
pub const TICKET_MS: u64 = 120 * SECOND_MS;
/// Tickets under way in all; one more drops the oldest, so that who answers at once is served in a flood too.
pub const TICKETS_MAX: usize = 4_096;
/// Tickets under way from one address; one more is refused with `too-many`.
pub const TICKETS_PER_ADDRESS: usize = 64;
/// Addresses whose pace is remembered; at the bound the ones that have recovered are forgotten, else newcomers are refused.
pub const ADDRESSES_MAX: usize = 65_536;

/// Age at which the revocation list is signed anew: before its next update is due, 24 h after it (PROTOCOL.md#enrolment).
pub const RESIGN_AFTER_MS: u64 = 20 * HOUR_MS;
/// How often the operator's requests are looked for.
pub const REQUESTS_EVERY_MS: u64 = SECOND_MS;

/// Time for the head of an HTTP request; then the connection is closed.
pub const HEADERS_MS: u64 = 10 * SECOND_MS;
/// Bytes of the head of an HTTP request; a larger one is answered 431. Guess: browsers send under 2 KiB, proxies add some.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Time for a whole HTTP request other than the relay's; then 408.
pub const REQUEST_MS: u64 = 30 * SECOND_MS;
/// Time for one write to a client that does not read; then its connection is closed.
pub const WRITE_MS: u64 = 10 * SECOND_MS;
/// Time for all connections to end when the server goes down.
pub const SHUTDOWN_MS: u64 = 5 * SECOND_MS;
/// Plain HTTP connections on top of the relay's, in all and for one address.
pub const HTTP_CONNECTIONS: usize = 512;
/// Plain HTTP connections of one address on top of its relay connections.
pub const HTTP_CONNECTIONS_PER_ADDRESS: usize = 64;

/// The bounds that an operator can set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections to the relay in all; one more is refused with code 7.
    pub peers_max: usize,
    /// Connections to the relay from one address (IPv6: one /64); one more is refused with code 7.
    pub connections_per_address: usize,
    /// New connections to the relay from one address in a minute; one more is refused with code 7.
    pub connects_per_minute: u64,
    /// Frames of one connection a second, in the long run, at most 1,000; one more is refused with code 5.
    pub frames_per_second: u64,
    /// `GET /names` from one address in an hour; one more is refused with `too-many`.
    pub names_per_hour: u64,
    /// Enrolments begun from one address in an hour; one more is refused with `too-many`.
    pub enrolments_per_hour: u64,
}

impl Default for Limits {
    /// Guesses: a small machine, a school behind one address.
    fn default() -> Self {
        Self {
            peers_max: 10_000,
            connections_per_address: 256,
            connects_per_minute: 240,
            frames_per_second: 50,
            names_per_hour: 1_200,
            enrolments_per_hour: 120,
        }
    }
}

impl Limits {
    /// The pace of new connections from one address.
    pub fn connect_pace(&self) -> Pace {
        Pace::per(self.connects_per_minute, MINUTE_MS)
    }

    /// The pace of one connection's frames.
    pub fn frame_pace(&self) -> Pace {
        Pace { burst: FRAMES_BURST, ..Pace::per(self.frames_per_second, SECOND_MS) }
    }

    /// The pace of name requests from one address.
    pub fn name_pace(&self) -> Pace {
        Pace::per(self.names_per_hour, HOUR_MS)
    }

    /// The pace of enrolments from one address.
    pub fn enrol_pace(&self) -> Pace {
        Pace::per(self.enrolments_per_hour, HOUR_MS)
    }
}
