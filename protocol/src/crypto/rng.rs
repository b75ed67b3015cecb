//! The core's only source of randomness: ChaCha20 under a seed that the constructor is given, which is forgotten as it goes.

use chacha20::ChaCha20Rng;
use rand_core::{Infallible, Rng as _, SeedableRng, TryCryptoRng, TryRng};
use zeroize::Zeroizing;

use super::sha256;

/// A seeded generator of cryptographic strength; erased when dropped. Children get forks of it, so that one room's draws do not move
/// another's.
pub struct Rng {
    inner: ChaCha20Rng,
}

impl Rng {
    /// Starts from 32 bytes that, outside tests and worlds, come from the operating system.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self { inner: ChaCha20Rng::from_seed(seed) }
    }

    /// A generator of its own for `room`. This one forgets what it drew before, or its state would tell the other's.
    pub fn fork(&mut self, room: &str) -> Self {
        let seed = Zeroizing::new(self.array::<32>());
        self.renew();
        Self::from_seed(sha256(&[b"B4/fork", room.as_bytes(), seed.as_slice()]))
    }

    /// Goes on under a new seed: whoever sees the state from now on cannot compute what was drawn before ("fast key erasure",
    /// Bernstein 2017). To be called when ephemeral keys that were drawn here have served.
    pub fn renew(&mut self) {
        let seed = Zeroizing::new(self.array::<32>());
        self.inner = ChaCha20Rng::from_seed(*seed);
    }

    /// Goes back to the first draw under the seed, as whoever sees the state can.
    #[cfg(test)]
    pub(crate) fn rewind(&mut self) {
        self.inner.set_word_pos(0);
    }

    /// The next `N` bytes.
    pub fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.inner.fill_bytes(&mut bytes);
        bytes
    }

    /// A number under `bound` (which is at least 1); the bias is under bound / 2^64.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.inner.next_u64() % bound.max(1)
    }
}

impl TryRng for Rng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.inner.next_u32())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.inner.next_u64())
    }

    fn try_fill_bytes(&mut self, dst: &mut [u8]) -> Result<(), Infallible> {
        self.inner.fill_bytes(dst);
        Ok(())
    }
}

impl TryCryptoRng for Rng {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_from_and_what_is_agreed_with_is_erased_when_dropped() {
        fn is_erased<T: zeroize::ZeroizeOnDrop>() {}
        is_erased::<ChaCha20Rng>();
        is_erased::<aes_gcm::Aes256Gcm>();
        is_erased::<x25519_dalek::StaticSecret>();
    }

    #[test]
    fn what_was_drawn_before_a_fork_cannot_be_drawn_from_the_state_after_it() {
        let mut rng = Rng::from_seed([7; 32]);
        let drawn = rng.array::<32>();
        let mut kept = Rng::from_seed([7; 32]);
        kept.array::<32>();
        kept.rewind();
        assert_eq!(kept.array::<32>(), drawn, "a state tells what was drawn under its seed");
        let _child = rng.fork("chat");
        rng.rewind();
        assert_ne!(rng.array::<32>(), drawn);
    }

    #[test]
    fn the_same_seed_draws_the_same_and_a_fork_draws_something_else() {
        let (mut a, mut b) = (Rng::from_seed([7; 32]), Rng::from_seed([7; 32]));
        assert_eq!(a.array::<16>(), b.array::<16>());
        let mut fork = a.fork("chat");
        assert_ne!(fork.array::<16>(), b.fork("ring").array::<16>());
    }
}
