//! A world's randomness: what is drawn from the core's generator, in whole numbers only, so that every platform draws the same.

use b4_protocol::crypto::{Rng, sha256};

/// Draws of one part of a world. Parts have draws of their own, so that one's do not move another's.
pub struct Draws {
    rng: Rng,
}

impl Draws {
    /// The draws of `part` in the world of `seed`.
    pub fn from_seed(seed: u64, part: &str) -> Self {
        Self { rng: Rng::from_seed(sha256(&[b"B4/world", part.as_bytes(), &seed.to_be_bytes()])) }
    }

    /// Any number.
    pub fn any(&mut self) -> u64 {
        u64::from_le_bytes(self.rng.array())
    }

    /// A number under `bound`, which is at least 1.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.rng.below(bound)
    }

    /// Which of `count` things, which is at least 1.
    pub fn index(&mut self, count: usize) -> usize {
        self.below(count as u64) as usize
    }

    /// A time from `least_ms` up to `most_ms`, both included.
    pub fn uniform_ms(&mut self, least_ms: u64, most_ms: u64) -> u64 {
        least_ms + self.below(most_ms - least_ms + 1)
    }

    /// Whether something of this probability (0 to 1) happens.
    pub fn chance(&mut self, probability: f64) -> bool {
        // 2^53: exactly what a double resolves.
        ((self.any() >> 11) as f64) < probability * (1_u64 << 53) as f64
    }

    /// A time that is exponentially distributed, by von Neumann's comparison of uniform draws (1951): no logarithm, which
    /// platforms round differently.
    pub fn exponential_ms(&mut self, mean_ms: u64) -> u64 {
        let mut whole = 0;
        loop {
            let first = self.any();
            let (mut last, mut falling) = (first, 1);
            loop {
                let next = self.any();
                if next >= last {
                    break;
                }
                last = next;
                falling += 1;
            }
            if falling % 2 == 1 {
                return whole * mean_ms + ((u128::from(first) * u128::from(mean_ms)) >> 64) as u64;
            }
            whole += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponential_times_have_the_mean_and_the_tail_of_the_distribution() {
        let mut draws = Draws::from_seed(1, "test");
        let times: Vec<u64> = (0..50_000).map(|_| draws.exponential_ms(1_000)).collect();
        let mean = times.iter().sum::<u64>() as f64 / times.len() as f64;
        let over_three_means = times.iter().filter(|time| **time > 3_000).count() as f64 / times.len() as f64;
        assert!((mean - 1_000.0).abs() < 20.0, "{mean}");
        assert!((over_three_means - (-3.0_f64).exp()).abs() < 0.004, "{over_three_means}");
    }

    #[test]
    fn a_chance_happens_as_often_as_it_says() {
        let mut draws = Draws::from_seed(1, "test");
        let often = (0..50_000).filter(|_| draws.chance(0.3)).count() as f64 / 50_000.0;
        assert!((often - 0.3).abs() < 0.01, "{often}");
        assert!(!draws.chance(0.0) && draws.chance(1.0));
    }
}
