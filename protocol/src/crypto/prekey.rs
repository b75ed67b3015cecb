//! X25519 keys that are kept for a while and agree more than once: the private halves of prekeys. When one is made, named and
//! erased is not decided here.

use x25519_dalek::StaticSecret;
use zeroize::Zeroizing;

use super::ephemeral::{agree, public};
use super::{Rng, SharedSecret};

/// The private half of a prekey; erased when dropped.
pub struct PrekeySecret {
    secret: StaticSecret,
}

impl PrekeySecret {
    /// Draws a new key. The generator forgets it: the key is to be gone for good when it is erased.
    pub fn draw(rng: &mut Rng) -> Self {
        let bytes = Zeroizing::new(rng.array::<32>());
        rng.renew();
        Self::from_bytes(&bytes)
    }

    /// The key that [`PrekeySecret::to_bytes`] gave.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self { secret: StaticSecret::from(*bytes) }
    }

    /// The 32 bytes to keep, erased when dropped.
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.secret.to_bytes())
    }

    /// The public half.
    pub fn public(&self) -> [u8; 32] {
        public(&self.secret)
    }

    /// X25519 with an ephemeral public half. `None` where the result is all zeros (RFC 7748, 6.1): refused.
    pub fn agree(&self, other: &[u8; 32]) -> Option<SharedSecret> {
        agree(&self.secret, other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::EphemeralSecret;

    #[test]
    fn a_prekey_that_was_kept_agrees_as_the_one_that_was_drawn_and_cannot_be_drawn_again() {
        let mut rng = Rng::from_seed([7; 32]);
        let drawn = PrekeySecret::draw(&mut rng);
        let kept = PrekeySecret::from_bytes(&drawn.to_bytes());
        assert_eq!(kept.public(), drawn.public());
        let ephemeral = EphemeralSecret::draw(&mut Rng::from_seed([8; 32]));
        let there = kept.agree(&ephemeral.public());
        assert!(there.is_some() && there == drawn.agree(&ephemeral.public()) && there == ephemeral.agree(&kept.public()));
        assert_eq!(kept.agree(&[0; 32]), None);
        rng.rewind();
        assert_ne!(rng.array::<32>(), *drawn.to_bytes());
    }
}
