//! X25519 for one handshake or one rekeying: made, used once, erased.

use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

use super::Rng;

/// The secret half of an ephemeral key; erased when dropped.
pub struct EphemeralSecret {
    secret: StaticSecret,
}

/// What both ends of an exchange compute; erased when dropped.
pub type SharedSecret = Zeroizing<[u8; 32]>;

impl EphemeralSecret {
    /// Draws a new key.
    pub fn draw(rng: &mut Rng) -> Self {
        Self { secret: StaticSecret::from(rng.array::<32>()) }
    }

    /// The public half.
    pub fn public(&self) -> [u8; 32] {
        PublicKey::from(&self.secret).to_bytes()
    }

    /// X25519 with the other end's public half. `None` where the result is all zeros (RFC 7748, 6.1): refused.
    pub fn agree(self, other: &[u8; 32]) -> Option<SharedSecret> {
        let shared = self.secret.diffie_hellman(&PublicKey::from(*other));
        shared.was_contributory().then(|| Zeroizing::new(shared.to_bytes()))
    }
}
