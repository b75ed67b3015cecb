//! B4-AKE v1: how two certified devices prove themselves to each other and agree on keys. Nothing here sends or waits.
//!
//! Its life: the initiator starts and its [`start`] gives M1, which rides in the offer. The responder reads it with
//! [`receive_m1`], answers with M2 in the answer. Back at the initiator M2 asks for one private-key operation, whose result makes M3, the
//! first frame on the channel; at the responder M3 asks for one, whose result makes M4 and an established session; M4 establishes the
//! initiator's. Each stage is a type of its own that the next message consumes, so that a wrong order does not compile:
//!
//! ```compile_fail
//! # use b4_protocol::handshake::*;
//! fn out_of_order(sent: AwaitM2, m4: &[u8]) {
//!     let _ = sent.receive_m4(m4); // M4 before M2: there is no such method
//! }
//! ```
//!
//! ```compile_fail
//! # use b4_protocol::handshake::*;
//! fn m3_before_m2_is_answered(received: ReceivedM1, m3: &[u8]) {
//!     let _ = received.receive_m3(m3); // the responder has not answered yet
//! }
//! ```
//!
//! ```compile_fail
//! # use b4_protocol::handshake::*;
//! fn twice(waiting: AwaitM4, m4: &[u8]) {
//!     let _ = waiting.receive_m4(m4);
//!     let _ = waiting.receive_m4(m4); // consumed: no message is taken twice
//! }
//! ```
//!
//! ```compile_fail
//! # use b4_protocol::handshake::*;
//! fn unproven(waiting: AwaitM4) -> Established {
//!     waiting.into() // no session without the other end's proof
//! }
//! ```
//!
//! The right order compiles:
//!
//! ```
//! # use b4_protocol::handshake::*;
//! fn in_order(waiting: AwaitM4, m4: &[u8]) -> Result<Established, HandshakeError> {
//!     waiting.receive_m4(m4)
//! }
//! ```
//!
//! Whatever goes wrong, the other end learns one byte, [`ALERT`]. See PROTOCOL.md#handshake.

mod initiator;
mod keys;
mod message;
mod responder;
#[cfg(test)]
mod tests;

use crate::identity::{NodeId, RevocationList, TrustAnchor, VerifiedCertificate};

pub use initiator::{AwaitM2, AwaitM4, AwaitUnwrapOfM2, start};
pub use keys::{Role, SessionKeys, safety_number};
pub use responder::{AwaitM3, AwaitUnwrapOfM3, ReceivedM1, receive_m1};

/// The one byte that the other end gets when anything is wrong.
pub const ALERT: u8 = 0x00;
/// OAEP label of what the initiator unwraps.
pub(crate) const LABEL_TO_INITIATOR: &str = "B4/v1/hs/r";
/// OAEP label of what the responder unwraps.
pub(crate) const LABEL_TO_RESPONDER: &str = "B4/v1/hs/i";

/// The handshake is over. The reason is for the local log only; the other end sees [`ALERT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeError {
    /// The peer broke the form.
    #[error("malformed handshake message")]
    Malformed,
    /// No version or suite in common: the peer is too old or too new.
    #[error("no common version or suite")]
    Version,
    /// The certificate is not one to believe.
    #[error("certificate refused: {0}")]
    Certificate(crate::identity::CertificateError),
    /// It is somebody else than expected, or this very device.
    #[error("not the expected peer")]
    WrongPeer,
    /// The ephemeral key is degenerate.
    #[error("degenerate ephemeral key")]
    Ephemeral,
    /// The peer does not hold the certified key, or somebody is in between.
    #[error("the proof does not verify")]
    Proof,
}

impl From<crate::codec::Malformed> for HandshakeError {
    fn from(_: crate::codec::Malformed) -> Self {
        Self::Malformed
    }
}

/// What both ends need to judge a certificate, and who they are.
#[derive(Clone, Copy)]
pub struct Judge<'a> {
    /// This device.
    pub own: &'a VerifiedCertificate,
    /// Whose certificates count.
    pub anchor: &'a TrustAnchor,
    /// The newest list seen.
    pub revoked: Option<&'a RevocationList>,
    /// Wall clock.
    pub now_ms: u64,
}

impl Judge<'_> {
    /// Verifies the peer's certificate, and that it is `expected`'s, if somebody is, and not this device's own.
    ///
    /// # Errors
    /// `Certificate` or `WrongPeer`.
    fn peer<'a>(&self, der: &[u8], expected: impl Into<Option<&'a NodeId>>) -> Result<VerifiedCertificate, HandshakeError> {
        let peer = self.anchor.verify(der, self.now_ms, self.revoked).map_err(HandshakeError::Certificate)?;
        let itself = peer.node_id() == self.own.node_id() || peer.key_hash() == self.own.key_hash();
        if itself || expected.into().is_some_and(|expected| peer.node_id() != expected) {
            return Err(HandshakeError::WrongPeer);
        }
        Ok(peer)
    }
}

/// A finished handshake: who the peer is, proven, and the keys of the session.
pub struct Established {
    /// The peer.
    pub peer: VerifiedCertificate,
    /// The keys.
    pub keys: SessionKeys,
}
