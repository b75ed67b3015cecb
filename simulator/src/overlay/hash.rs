//! A hasher for keys that are random already: positions and paths. Maps with it are looked into, never iterated.

use std::hash::{BuildHasherDefault, Hasher};

/// Builds the hasher.
pub type ByRandomBits = BuildHasherDefault<RandomBits>;

/// Takes the key's own bits.
#[derive(Default)]
pub struct RandomBits(u64);

impl Hasher for RandomBits {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 ^= value;
    }

    fn write_u128(&mut self, value: u128) {
        self.0 ^= (value >> 64) as u64 ^ value as u64;
    }
}
