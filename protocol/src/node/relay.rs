//! This end of the relay: connects, proves, asks, and connects again. Decides nothing about peers.
//!
//! Its life: it connects at once, answers the challenge with a signature, and is up when welcomed. Questions asked while it is not up
//! are answered with nothing. When the connection goes, everything asked is forgotten and it connects again after
//! a wait that doubles, with jitter, and stays short while there is no link to anybody; the page coming to the front cuts it short. A newer connection of the same identity elsewhere ends it for good.

use super::NetworkState;
use crate::crypto::{KeyOp, Rng};
use crate::identity::{NodeId, UserId, VerifiedCertificate};
use crate::limits::{LOOKUP_WAIT_MS, RELAY_PING_MS, RELAY_RETRY_ALONE_MS, RELAY_RETRY_MAX_MS, RELAY_RETRY_MIN_MS, WATCH_MS};
use crate::ordered::OrderedMap;
use crate::signal::relay::{ClientFrame, FoundDevice, IceServer, Presence, RefusalCode, RelayFrame, proof_message};

/// Questions under way or watched at most; further ones are answered with nothing.
const LOOKUPS_MAX: usize = 256;
/// Waits double up to this many times.
const DOUBLINGS_MAX: u32 = 6;

/// What a question is for: comes back with its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// To reach a contact.
    Reach,
    /// To add a contact.
    Add,
}

/// What leaves this room.
pub(super) enum Outcome {
    Connect,
    Send(Vec<u8>),
    Close,
    /// Sign this; the answer goes to [`Relay::signed`].
    Sign(KeyOp),
    State(NetworkState),
    /// The answer to a question.
    Answer { user: UserId, asked: Asked, presence: Presence, devices: Vec<FoundDevice> },
    /// A question without an answer.
    NoAnswer { user: UserId, asked: Asked },
    Forwarded { from: NodeId, body: Vec<u8> },
    Undelivered { to: NodeId },
    /// Some peers that are connected: certificates in DER, not verified yet.
    Introduced { certificates: Vec<Vec<u8>> },
    /// The relay's revocation list has this sequence.
    Revocations { sequence: u64 },
    Superseded,
    CertificateRefused,
}

enum State {
    Waiting { until_ms: u64 },
    Connecting,
    Proving,
    Up,
    /// For good.
    Ended,
}

struct Lookup {
    user: UserId,
    asked: Asked,
    /// No answer by then is none; after the answer of a watch, when it runs out.
    until_ms: u64,
    /// Answered once: the relay tells when they come.
    is_watch: bool,
}

/// The client's end of the relay.
pub(super) struct Relay {
    own: VerifiedCertificate,
    origin: String,
    rng: Rng,
    state: State,
    failures: u32,
    /// There is no link to anybody: nothing but the relay leads on.
    is_alone: bool,
    heard_ms: u64,
    pinged: bool,
    lookups: OrderedMap<u32, Lookup>,
    next_ticket: u32,
    /// STUN and TURN servers of the last welcome.
    pub ice: Vec<IceServer>,
}

impl Relay {
    pub fn new(own: VerifiedCertificate, origin: String, rng: Rng) -> Self {
        Self {
            own,
            origin,
            rng,
            state: State::Waiting { until_ms: 0 },
            failures: 0,
            is_alone: true,
            heard_ms: 0,
            pinged: false,
            lookups: OrderedMap::new(),
            next_ticket: 1,
            ice: Vec::new(),
        }
    }

    pub fn is_up(&self) -> bool {
        matches!(self.state, State::Up)
    }

    pub fn opened(&mut self, now_ms: u64) -> Vec<Outcome> {
        self.heard_ms = now_ms;
        Vec::new()
    }

    /// The connection is gone.
    pub fn closed(&mut self, now_ms: u64) -> Vec<Outcome> {
        if matches!(self.state, State::Ended | State::Waiting { .. }) {
            return Vec::new();
        }
        let longest = if self.is_alone { RELAY_RETRY_ALONE_MS } else { RELAY_RETRY_MAX_MS };
        let wait = (RELAY_RETRY_MIN_MS << self.failures.min(DOUBLINGS_MAX)).min(longest);
        self.failures += 1;
        self.state = State::Waiting { until_ms: now_ms + wait + self.rng.below(wait / 2 + 1) };
        let mut outcomes = vec![Outcome::State(NetworkState::Offline)];
        let lost = std::mem::take(&mut self.lookups);
        outcomes.extend(lost.into_iter().map(|(_, lookup)| Outcome::NoAnswer { user: lookup.user, asked: lookup.asked }));
        outcomes
    }

    /// Connects, asks again or pings, whatever is due.
    pub fn wake(&mut self, now_ms: u64) -> Vec<Outcome> {
        match self.state {
            State::Waiting { until_ms } if until_ms <= now_ms => self.connect(now_ms),
            State::Connecting | State::Proving if now_ms >= self.heard_ms + RELAY_PING_MS => self.give_up(now_ms),
            State::Up if now_ms >= self.heard_ms + 2 * RELAY_PING_MS => self.give_up(now_ms),
            State::Up => self.keep_up(now_ms),
            _ => Vec::new(),
        }
    }

    pub fn deadline(&self) -> Option<u64> {
        match self.state {
            State::Waiting { until_ms } => Some(until_ms),
            State::Connecting | State::Proving => Some(self.heard_ms + RELAY_PING_MS),
            State::Up => {
                let silence = self.heard_ms + if self.pinged { 2 * RELAY_PING_MS } else { RELAY_PING_MS };
                self.lookups.values().map(|lookup| lookup.until_ms).chain([silence]).min()
            }
            State::Ended => None,
        }
    }

    /// The page is at the front again: don't wait, and find out at once whether the connection lives.
    pub fn resumed(&mut self, now_ms: u64) -> Vec<Outcome> {
        match self.state {
            State::Waiting { .. } => {
                self.failures = 0;
                self.connect(now_ms)
            }
            State::Up if !self.pinged => self.ping(),
            _ => Vec::new(),
        }
    }

    /// Whether there is no link to anybody: then a long wait ends sooner.
    pub fn set_alone(&mut self, is_alone: bool, now_ms: u64) {
        self.is_alone = is_alone;
        if let State::Waiting { until_ms } = &mut self.state
            && is_alone
        {
            *until_ms = (*until_ms).min(now_ms + RELAY_RETRY_ALONE_MS);
        }
    }

    pub fn end(&mut self) -> Vec<Outcome> {
        self.state = State::Ended;
        vec![Outcome::Close]
    }

    /// The proof is signed, or could not be.
    pub fn signed(&mut self, signature: Option<&[u8]>, now_ms: u64) -> Vec<Outcome> {
        match (signature, &self.state) {
            (Some(signature), State::Proving) => {
                let frame = ClientFrame::Prove { certificate: self.own.der().to_vec(), signature: signature.to_vec() };
                vec![Outcome::Send(frame.encode())]
            }
            (None, State::Proving) => self.give_up(now_ms),
            _ => Vec::new(),
        }
    }

    /// Asks who `user` is and whether they are there; once more when they come, if they are not.
    pub fn lookup(&mut self, user: UserId, asked: Asked, now_ms: u64) -> Vec<Outcome> {
        if !self.is_up() || self.lookups.len() >= LOOKUPS_MAX {
            return vec![Outcome::NoAnswer { user, asked }];
        }
        let ticket = self.next_ticket;
        self.next_ticket = self.next_ticket.checked_add(1).unwrap_or(1);
        let frame = ClientFrame::Lookup { ticket, watch: asked == Asked::Reach, user: user.clone() };
        self.lookups.insert(ticket, Lookup { user, asked, until_ms: now_ms + LOOKUP_WAIT_MS, is_watch: false });
        vec![Outcome::Send(frame.encode())]
    }

    /// Asks for some peers, at most 16. `None` when it is not up.
    pub fn introduce(&self, count: u8) -> Option<Outcome> {
        self.is_up().then(|| Outcome::Send(ClientFrame::Introduce { ticket: 0, count }.encode()))
    }

    /// Hands a sealed frame to the relay for `to`. `None` when it is not up.
    pub fn forward(&self, to: NodeId, body: Vec<u8>) -> Option<Outcome> {
        self.is_up().then(|| Outcome::Send(ClientFrame::Forward { to, body }.encode()))
    }

    /// A frame from the relay.
    pub fn frame(&mut self, bytes: &[u8], now_ms: u64) -> Vec<Outcome> {
        self.heard_ms = now_ms;
        self.pinged = false;
        let Ok(frame) = RelayFrame::decode(bytes) else { return self.give_up(now_ms) };
        match frame {
            RelayFrame::Challenge { nonce } if matches!(self.state, State::Connecting) => {
                self.state = State::Proving;
                vec![Outcome::Sign(KeyOp::Sign { message: proof_message(&self.origin, &nonce, &self.own.hash()) })]
            }
            RelayFrame::Welcome { ice, revocation_sequence, .. } if matches!(self.state, State::Proving) => {
                self.state = State::Up;
                self.failures = 0;
                self.ice = ice;
                vec![Outcome::State(NetworkState::Online), Outcome::Revocations { sequence: revocation_sequence }]
            }
            RelayFrame::Found { ticket, presence, devices } => self.found(ticket, presence, devices, now_ms),
            RelayFrame::Forwarded { from, body } => vec![Outcome::Forwarded { from, body }],
            RelayFrame::Undelivered { to, .. } => vec![Outcome::Undelivered { to }],
            RelayFrame::Peers { certificates, .. } => vec![Outcome::Introduced { certificates }],
            RelayFrame::Refused { ticket, code, .. } => self.refused(ticket, code),
            _ => Vec::new(),
        }
    }

    fn found(&mut self, ticket: u32, presence: Presence, devices: Vec<FoundDevice>, now_ms: u64) -> Vec<Outcome> {
        let Some(mut lookup) = self.lookups.remove(&ticket) else { return Vec::new() };
        let (user, asked) = (lookup.user.clone(), lookup.asked.clone());
        if asked == Asked::Reach && presence == Presence::Away {
            lookup.until_ms = now_ms + WATCH_MS;
            lookup.is_watch = true;
            self.lookups.insert(ticket, lookup);
        }
        vec![Outcome::Answer { user, asked, presence, devices }]
    }

    fn refused(&mut self, ticket: u32, code: RefusalCode) -> Vec<Outcome> {
        match code {
            RefusalCode::Superseded => {
                self.state = State::Ended;
                vec![Outcome::State(NetworkState::Offline), Outcome::Superseded]
            }
            RefusalCode::CertificateRefused | RefusalCode::Revoked => {
                self.state = State::Ended;
                vec![Outcome::State(NetworkState::Offline), Outcome::CertificateRefused]
            }
            _ => self.lookups.remove(&ticket).map(|lookup| Outcome::NoAnswer { user: lookup.user, asked: lookup.asked }).into_iter().collect(),
        }
    }

    fn connect(&mut self, now_ms: u64) -> Vec<Outcome> {
        self.state = State::Connecting;
        self.heard_ms = now_ms;
        self.pinged = false;
        let mut outcomes = vec![Outcome::Connect];
        if self.failures == 0 {
            // Later tries go on behind the word "offline": it would only flicker.
            outcomes.push(Outcome::State(NetworkState::Joining));
        }
        outcomes
    }

    fn give_up(&mut self, now_ms: u64) -> Vec<Outcome> {
        let mut outcomes = vec![Outcome::Close];
        outcomes.extend(self.closed(now_ms));
        outcomes
    }

    fn keep_up(&mut self, now_ms: u64) -> Vec<Outcome> {
        let due: Vec<u32> = self.lookups.iter().filter(|(_, lookup)| lookup.until_ms <= now_ms).map(|(ticket, _)| *ticket).collect();
        let mut outcomes: Vec<Outcome> = due
            .into_iter()
            .filter_map(|ticket| self.lookups.remove(&ticket))
            // A watch that ran out was answered; who wants to know asks again.
            .filter(|lookup| !lookup.is_watch)
            .map(|lookup| Outcome::NoAnswer { user: lookup.user, asked: lookup.asked })
            .collect();
        if !self.pinged && now_ms >= self.heard_ms + RELAY_PING_MS {
            outcomes.extend(self.ping());
        }
        outcomes
    }

    fn ping(&mut self) -> Vec<Outcome> {
        self.pinged = true;
        vec![Outcome::Send(ClientFrame::Ping { ticket: 0 }.encode())]
    }
}
