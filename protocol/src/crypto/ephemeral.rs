//! X25519 for one handshake or one rekeying: made, used once, erased.

use x25519_dalek::{PublicKey, StaticSecret, X25519_BASEPOINT_BYTES};
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
        public(&self.secret)
    }

    /// X25519 with the other end's public half. `None` where the result is all zeros (RFC 7748, 6.1): refused.
    pub fn agree(self, other: &[u8; 32]) -> Option<SharedSecret> {
        agree(&self.secret, other)
    }
}

/// The public half: X25519 with the base point (RFC 7748, 6.1), as with any other. The crate's own way leads over the Edwards
/// form, arithmetic that the page has no other use for.
pub(super) fn public(secret: &StaticSecret) -> [u8; 32] {
    secret.diffie_hellman(&PublicKey::from(X25519_BASEPOINT_BYTES)).to_bytes()
}

/// What both ends compute, unless it is all zeros.
pub(super) fn agree(secret: &StaticSecret, other: &[u8; 32]) -> Option<SharedSecret> {
    let shared = secret.diffie_hellman(&PublicKey::from(*other));
    shared.was_contributory().then(|| Zeroizing::new(shared.to_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_half_is_what_the_crate_makes_of_the_secret_and_both_ends_agree() {
        let mut rng = Rng::from_seed([7; 32]);
        for _ in 0..8 {
            let (one, other) = (EphemeralSecret::draw(&mut rng), EphemeralSecret::draw(&mut rng));
            let (to_one, to_other) = (other.public(), one.public());
            assert_eq!(to_other, PublicKey::from(&one.secret).to_bytes());
            assert_eq!(one.agree(&to_one), other.agree(&to_other));
        }
    }
}
