//! The responder's stages: M1 read, M2 sent, M3 unwrapped and verified, M4 made.

use zeroize::Zeroizing;

use super::keys::{unwrapped_secret, wrapped_plain};
use super::message::{M1, M2, M3, M4, th1, th2, th3};
use super::{Established, HandshakeError, Judge, LABEL_TO_INITIATOR, LABEL_TO_RESPONDER, Role, SessionKeys};
use crate::codec::Writer;
use crate::crypto::{EphemeralSecret, Fingerprint, KeyOp, KeyOpResult, Rng, SharedSecret};
use crate::identity::{NodeId, VerifiedCertificate};

/// M1 is read and its author's certificate verified; nothing is answered yet.
pub struct ReceivedM1 {
    peer: VerifiedCertificate,
    peer_ephemeral: [u8; 32],
    m1: Vec<u8>,
}

/// M2 is made; M3 is awaited.
pub struct AwaitM3 {
    peer: VerifiedCertificate,
    own_hash: [u8; 32],
    shared: SharedSecret,
    b: Zeroizing<[u8; 32]>,
    th2: [u8; 32],
}

/// M3 is read; its wrapped part is with the keys.
pub struct AwaitUnwrapOfM3 {
    stage: AwaitM3,
    th3: [u8; 32],
    mac: [u8; 32],
}

/// Reads M1. `named` is the node that the forwarder vouches for as the sender; the ring vouches for nobody.
///
/// # Errors
/// See [`HandshakeError`].
pub fn receive_m1<'a>(m1: &[u8], named: impl Into<Option<&'a NodeId>>, judge: &Judge<'_>) -> Result<ReceivedM1, HandshakeError> {
    let message = M1::decode(m1)?;
    let peer = judge.peer(message.certificate, named)?;
    Ok(ReceivedM1 { peer, peer_ephemeral: message.ephemeral, m1: m1.to_vec() })
}

impl ReceivedM1 {
    /// Whose M1 it claims to be: certified, not yet proven.
    pub fn peer(&self) -> &VerifiedCertificate {
        &self.peer
    }

    /// Makes M2. The fingerprints are of the offer that M1 came in and of the answer that M2 goes in.
    ///
    /// # Errors
    /// `Ephemeral` when the initiator's key is degenerate; `Malformed` when their certified key is too small to wrap under, which
    /// none of 2,048 bits is.
    pub fn answer(
        self,
        peer_fingerprint: Fingerprint,
        own_fingerprint: Fingerprint,
        own: &VerifiedCertificate,
        rng: &mut Rng,
    ) -> Result<(AwaitM3, Vec<u8>), HandshakeError> {
        let ephemeral = EphemeralSecret::draw(rng);
        let head = M2::encode_head(own.der(), &ephemeral.public());
        let th1 = th1(&peer_fingerprint, &own_fingerprint, &self.m1, &head);
        let shared = ephemeral.agree(&self.peer_ephemeral).ok_or(HandshakeError::Ephemeral)?;
        let b = Zeroizing::new(rng.array::<32>());
        let plain = wrapped_plain(Role::Responder, &b, &own.hash(), &self.peer.hash(), &th1);
        let wrapped = self.peer.wrapping_key().wrap(rng, LABEL_TO_INITIATOR, &plain).map_err(|_| HandshakeError::Malformed)?;
        let m2 = Writer::new().raw(&head).lp(&wrapped).into_bytes();
        let stage = AwaitM3 { peer: self.peer, own_hash: own.hash(), shared, b, th2: th2(&th1, &wrapped) };
        Ok((stage, m2))
    }
}

impl AwaitM3 {
    /// Reads M3.
    ///
    /// # Errors
    /// `Malformed`.
    pub fn receive_m3(self, m3: &[u8]) -> Result<(AwaitUnwrapOfM3, KeyOp), HandshakeError> {
        let message = M3::decode(m3)?;
        let op = KeyOp::Unwrap { label: LABEL_TO_RESPONDER, ciphertext: message.wrapped.to_vec() };
        let th3 = th3(&self.th2, message.wrapped);
        Ok((AwaitUnwrapOfM3 { stage: self, th3, mac: message.mac }, op))
    }

    /// Who is at the other end, not yet proven.
    pub fn peer(&self) -> &VerifiedCertificate {
        &self.peer
    }
}

impl AwaitUnwrapOfM3 {
    /// Takes what the keys gave, verifies the initiator's proof and makes M4.
    ///
    /// # Errors
    /// `Proof`, whatever was wrong.
    pub fn unwrapped(self, result: &KeyOpResult, rng: &mut Rng) -> Result<(Established, Vec<u8>), HandshakeError> {
        let AwaitM3 { peer, own_hash, shared, b, th2 } = self.stage;
        let a = unwrapped_secret(result, Role::Initiator, &peer.hash(), &own_hash, &th2, rng);
        let keys = SessionKeys::derive(Role::Responder, self.th3, &a, &b, &shared);
        if !keys.proves(&self.mac) {
            return Err(HandshakeError::Proof);
        }
        let m4 = M4 { mac: keys.proof(Role::Responder) }.encode();
        Ok((Established { peer, keys }, m4))
    }
}
