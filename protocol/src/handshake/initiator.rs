//! The initiator's stages: M1 sent, M2 unwrapped, M3 sent, M4 verified.

use zeroize::Zeroizing;

use super::keys::{unwrapped_secret, wrapped_plain};
use super::message::{M1, M2, M3, M4, th1, th2, th3};
use super::{Established, HandshakeError, Judge, LABEL_TO_INITIATOR, LABEL_TO_RESPONDER, Role, SessionKeys};
use crate::crypto::{EphemeralSecret, Fingerprint, KeyOp, KeyOpResult, Rng, SharedSecret};
use crate::identity::{NodeId, VerifiedCertificate};

/// M1 is made; the answer with M2 is awaited.
pub struct AwaitM2 {
    ephemeral: EphemeralSecret,
    own_hash: [u8; 32],
    own_fingerprint: Fingerprint,
    m1: Vec<u8>,
}

/// M2 is read; its wrapped part is with the keys.
pub struct AwaitUnwrapOfM2 {
    peer: VerifiedCertificate,
    own_hash: [u8; 32],
    shared: SharedSecret,
    th1: [u8; 32],
    wrapped: Vec<u8>,
}

/// M3 is made; the responder's proof is awaited. Nothing else may be sent before it.
pub struct AwaitM4 {
    peer: VerifiedCertificate,
    keys: SessionKeys,
}

/// Begins a handshake. `own_fingerprint` is of this end's DTLS certificate as its browser reports it.
pub fn start(own: &VerifiedCertificate, own_fingerprint: Fingerprint, rng: &mut Rng) -> AwaitM2 {
    let ephemeral = EphemeralSecret::draw(rng);
    let m1 = M1 { certificate: own.der(), ephemeral: ephemeral.public() }.encode();
    AwaitM2 { ephemeral, own_hash: own.hash(), own_fingerprint, m1 }
}

impl AwaitM2 {
    /// M1, for the offer.
    pub fn m1(&self) -> &[u8] {
        &self.m1
    }

    /// Reads M2. `peer_fingerprint` is the one of the answer it came in, `dialled` who was dialled.
    ///
    /// # Errors
    /// See [`HandshakeError`].
    pub fn receive_m2(
        self,
        m2: &[u8],
        peer_fingerprint: Fingerprint,
        dialled: &NodeId,
        judge: &Judge<'_>,
    ) -> Result<(AwaitUnwrapOfM2, KeyOp), HandshakeError> {
        let message = M2::decode(m2)?;
        let peer = judge.peer(message.certificate, dialled)?;
        let shared = self.ephemeral.agree(&message.ephemeral).ok_or(HandshakeError::Ephemeral)?;
        let head = M2::encode_head(message.certificate, &message.ephemeral);
        let th1 = th1(&self.own_fingerprint, &peer_fingerprint, &self.m1, &head);
        let wrapped = message.wrapped.to_vec();
        let op = KeyOp::Unwrap { label: LABEL_TO_INITIATOR, ciphertext: wrapped.clone() };
        Ok((AwaitUnwrapOfM2 { peer, own_hash: self.own_hash, shared, th1, wrapped }, op))
    }
}

impl AwaitUnwrapOfM2 {
    /// Takes what the keys gave and makes M3. A failed unwrap is not seen here but by the responder.
    ///
    /// # Errors
    /// `Malformed` when the peer's key is too small to wrap under: it cannot be, a certificate has at least 2,048 bits.
    pub fn unwrapped(self, result: &KeyOpResult, rng: &mut Rng) -> Result<(AwaitM4, Vec<u8>), HandshakeError> {
        let b = unwrapped_secret(result, Role::Responder, &self.peer.hash(), &self.own_hash, &self.th1, rng);
        let a = Zeroizing::new(rng.array::<32>());
        let th2 = th2(&self.th1, &self.wrapped);
        let plain = wrapped_plain(Role::Initiator, &a, &self.own_hash, &self.peer.hash(), &th2);
        let wrapped = self.peer.wrapping_key().wrap(rng, LABEL_TO_RESPONDER, &plain).map_err(|_| HandshakeError::Malformed)?;
        let keys = SessionKeys::derive(Role::Initiator, th3(&th2, &wrapped), &a, &b, &self.shared);
        let m3 = M3 { wrapped: &wrapped, mac: keys.proof(Role::Initiator) }.encode();
        Ok((AwaitM4 { peer: self.peer, keys }, m3))
    }
}

impl AwaitM4 {
    /// Verifies the responder's proof.
    ///
    /// # Errors
    /// `Malformed` or `Proof`.
    pub fn receive_m4(self, m4: &[u8]) -> Result<Established, HandshakeError> {
        let message = M4::decode(m4)?;
        if !self.keys.proves(&message.mac) {
            return Err(HandshakeError::Proof);
        }
        Ok(Established { peer: self.peer, keys: self.keys })
    }

    /// Who is at the other end, not yet proven.
    pub fn peer(&self) -> &VerifiedCertificate {
        &self.peer
    }
}
