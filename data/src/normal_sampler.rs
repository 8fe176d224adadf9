//! Standard normal draws from a seed, the same bits on every machine.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Independent standard normal draws, by the transform of Box and Muller (1958).
pub(crate) struct NormalSampler {
    rng: ChaCha8Rng,
    /// The second of a pair, if it isn't drawn yet.
    second: Option<f64>,
}

impl NormalSampler {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            rng: ChaCha8Rng::seed_from_u64(seed),
            second: None,
        }
    }

    /// A standard normal draw, the next of its sequence.
    pub(crate) fn sample(&mut self) -> f64 {
        if let Some(second) = self.second.take() {
            return second;
        }
        let radius = (-2.0 * libm::log(self.uniform())).sqrt();
        let (sin, cos) = libm::sincos(std::f64::consts::TAU * self.uniform());
        self.second = Some(radius * sin);
        radius * cos
    }

    /// The factor that makes a standard normal a Student-t of unit variance: √((ν − 2)/χ²).
    pub(crate) fn student_scale(&mut self, degrees_of_freedom: usize) -> f64 {
        let chi_square: f64 = (0..degrees_of_freedom).map(|_| self.sample().powi(2)).sum();
        ((degrees_of_freedom - 2) as f64 / chi_square).sqrt()
    }

    /// Uniform in (0, 1], of 53 bits.
    fn uniform(&mut self) -> f64 {
        ((self.rng.next_u64() >> 11) + 1) as f64 / (1_u64 << f64::MANTISSA_DIGITS) as f64
    }
}
