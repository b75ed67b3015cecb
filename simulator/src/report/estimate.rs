//! A mean over seeds with its 95 % interval, by Student's t; and of how many, which were the least and the most.

use serde::Serialize;

/// A mean and the half width of its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// The mean of the samples.
    pub mean: f64,
    /// The interval is `mean - ci95` to `mean + ci95`; none of a single sample.
    pub ci95: Option<f64>,
    /// The standard deviation of one sample; none of a single sample.
    pub deviation: Option<f64>,
    /// How many samples: fewer than seeds, where some did not measure it, as those in which a ring never became whole again.
    pub samples: usize,
    /// The least of them.
    pub min: f64,
    /// The greatest of them.
    pub max: f64,
}

impl Estimate {
    /// The estimate from independent samples; none from no samples.
    pub fn from_samples(samples: &[f64]) -> Option<Self> {
        let count = samples.len() as f64;
        if samples.is_empty() {
            return None;
        }
        let mean = samples.iter().sum::<f64>() / count;
        let deviation = (samples.len() > 1).then(|| {
            let squares: f64 = samples.iter().map(|sample| (sample - mean).powi(2)).sum();
            (squares / (count - 1.0)).sqrt()
        });
        let ci95 = deviation.map(|deviation| student_t_975(samples.len() - 1) * deviation / count.sqrt());
        let min = samples.iter().copied().fold(f64::INFINITY, f64::min);
        let max = samples.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Some(Self { mean, ci95, deviation, samples: samples.len(), min, max })
    }
}

/// The 97.5 % quantile of Student's t distribution for 1 to 12 degrees of freedom (any statistics textbook).
const T_975: [f64; 12] = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179];

/// The 97.5 % quantile of Student's t distribution.
fn student_t_975(degrees: usize) -> f64 {
    if let Some(exact) = degrees.checked_sub(1).and_then(|index| T_975.get(index)) {
        return *exact;
    }
    // Abramowitz and Stegun 26.7.5, three terms; exact to the third decimal from here on.
    let (z, n) = (1.959_964_f64, degrees as f64);
    let first = (z.powi(3) + z) / 4.0;
    let second = (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0;
    let third = (3.0 * z.powi(7) + 19.0 * z.powi(5) + 17.0 * z.powi(3) - 15.0 * z) / 384.0;
    z + first / n + second / n.powi(2) + third / n.powi(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quantile_agrees_with_the_tables() {
        for (degrees, quantile) in [(1, 12.706), (12, 2.179), (13, 2.160), (19, 2.093), (30, 2.042), (120, 1.980)] {
            assert!((student_t_975(degrees) - quantile).abs() < 0.001, "{degrees}: {}", student_t_975(degrees));
        }
    }

    #[test]
    fn an_interval_needs_two_samples() {
        assert_eq!(Estimate::from_samples(&[]), None);
        assert_eq!(Estimate::from_samples(&[3.0]), Some(Estimate { mean: 3.0, ci95: None, deviation: None, samples: 1, min: 3.0, max: 3.0 }));
        let both = Estimate::from_samples(&[1.0, 3.0]).unwrap();
        assert_eq!((both.mean, both.samples, both.min, both.max), (2.0, 2, 1.0, 3.0));
        assert!((both.ci95.unwrap() - 12.706).abs() < 1e-9);
    }
}
