//! One link: its stage and what is counted about it.

use super::{Effect, LinkId, Outcome};
use crate::crypto::Fingerprint;
use crate::handshake::{AwaitM2, AwaitM3, AwaitM4, AwaitUnwrapOfM2, AwaitUnwrapOfM3, ReceivedM1, Role};
use crate::identity::VerifiedCertificate;
use crate::limits::CANDIDATES_MAX;
use crate::session::{LIVE, Session};
use crate::signal::description::Candidate;
use crate::signal::sealed::{Dial, DialId, OfferDraft, OpenedOffer};
use crate::time::{Now, SECOND_MS};

/// How long our own dial holds its ground against theirs (PROTOCOL.md#signalling, glare).
pub(super) const GLARE_MS: u64 = 2 * SECOND_MS;

/// Where a link is in its life. The boxed ones keep the enum small.
pub(super) enum Stage {
    /// Dialler: the browser makes the offer.
    Describing,
    /// Dialler: the offer is being signed.
    Signing(Box<(OfferDraft, AwaitM2)>),
    /// Dialler: the offer is out.
    AwaitingAnswer(Box<AwaitM2>),
    /// Dialler: M2 is with the keys.
    UnwrappingM2(Box<AwaitUnwrapOfM2>),
    /// Dialler: M3 waits for the channel.
    AwaitingChannel(Box<(AwaitM4, Vec<u8>)>),
    /// Dialler: M3 is out.
    AwaitingM4(Box<AwaitM4>),
    /// Dialled: the browser makes the answer.
    Answering(Box<(ReceivedM1, Fingerprint)>),
    /// Dialled: the answer is out.
    AwaitingM3(Box<AwaitM3>),
    /// Dialled: M3 is with the keys.
    UnwrappingM3(Box<AwaitUnwrapOfM3>),
    /// A session.
    Up(Box<Session>),
    /// Between two stages, or closed.
    Gone,
}

/// An offer that was opened and verified.
pub(super) struct Offered {
    pub m1: ReceivedM1,
    pub offer: OpenedOffer,
    /// When it came.
    pub received_ms: u64,
    /// Sealed candidates that came since.
    pub candidates: Vec<Vec<u8>>,
}

impl Offered {
    /// Keeps one more candidate of the other end.
    pub fn keep(&mut self, frame: Vec<u8>) {
        if self.candidates.len() < CANDIDATES_MAX {
            self.candidates.push(frame);
        }
    }
}

/// One link.
pub(super) struct Link {
    /// Who is, or claims to be, at the other end: certified; proven once up.
    pub peer: VerifiedCertificate,
    pub role: Role,
    pub dial: DialId,
    /// For candidates and the answer, once the offer is out or open.
    pub keys: Option<Dial>,
    pub stage: Stage,
    /// Found here, not forwarded yet.
    pub candidates: Vec<Candidate>,
    /// Taken from the other end.
    pub remote_candidates: usize,
    pub is_open: bool,
    pub started_ms: u64,
    /// Dialler: when the answer came; 0 before.
    pub answered_ms: u64,
    /// Dialler: until then this dial holds its ground against theirs.
    pub glare_until_ms: u64,
    /// Dialler: their offer, taken if this dial is not answered by then.
    pub rival: Option<Box<Offered>>,
    pub heard_ms: u64,
    pub sent_ms: u64,
    /// When a message last went either way, or the person looked.
    pub used_ms: u64,
    /// An unanswered probe.
    pub probed_ms: Option<u64>,
    /// When a conversation last had use for it.
    pub talked_ms: Option<u64>,
    /// Something was sent that wants an acknowledgement.
    pub is_expecting: bool,
}

impl Link {
    /// Whether this dial of ours goes on although the other end offers too: an offer that came at `received_ms`.
    pub fn holds(&self, received_ms: u64, mine_wins: bool, now: Now) -> bool {
        if self.role == Role::Responder {
            return false;
        }
        if self.is_unanswered() {
            return mine_wins && now.mono < self.glare_until_ms;
        }
        // Who offers after having answered has forgotten the answer: the page was loaded again.
        received_ms <= self.answered_ms
    }

    /// Whether this is a dial of ours that the other end has not answered.
    pub fn is_unanswered(&self) -> bool {
        matches!(self.stage, Stage::Describing | Stage::Signing(_) | Stage::AwaitingAnswer(_))
    }

    /// Whether this is a handshake that the other end began.
    pub fn is_answering(&self) -> bool {
        self.role == Role::Responder && !matches!(self.stage, Stage::Up(_))
    }

    /// Forwards what was found here, once the other end can open it: after the offer, or after the answer.
    pub fn forward_candidates(&mut self, now: Now) -> Vec<Outcome> {
        let is_early = matches!(self.stage, Stage::Describing | Stage::Signing(_) | Stage::Answering(_));
        let Some(keys) = self.keys.as_mut().filter(|_| !is_early) else { return Vec::new() };
        let to = *self.peer.node_id();
        self.candidates
            .drain(..)
            .filter_map(|candidate| keys.seal_candidate(to, self.dial, &candidate, now.wall).ok())
            .map(|body| Outcome::Forward { to, body })
            .collect()
    }

    /// Sends M3 when both it and the channel are there.
    pub fn send_m3(&mut self, id: LinkId) -> Vec<Outcome> {
        if !self.is_open {
            return Vec::new();
        }
        match std::mem::replace(&mut self.stage, Stage::Gone) {
            Stage::AwaitingChannel(waiting) => {
                let (handshake, frame) = *waiting;
                self.stage = Stage::AwaitingM4(Box::new(handshake));
                vec![Outcome::Effect(Effect::LinkSend { link: id, channel: LIVE, frame })]
            }
            other => {
                self.stage = other;
                Vec::new()
            }
        }
    }
}
