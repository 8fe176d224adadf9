//! What an attacker sees of a round, and fans made from it.

use foretell_core::forecast::{POOL_LEVELS, QuantileForecast};

use crate::counter_rng::{SeedStream, normal};

/// What an attacker knows of a round.
#[derive(Debug)]
pub struct AttackerView<'a> {
    /// The attacker's honest fan.
    pub honest: &'a QuantileForecast,
    /// The reference's quantiles at the common levels, in units of σ_T·√i.
    pub reference: &'a [f64],
    /// σ_T in bps.
    pub volatility: f64,
    /// [`energy`] of the honest fan.
    pub energy: f64,
    /// The last consensus that was public when the round was asked, as deviations in units of σ_T·√i.
    pub public_consensus: Option<&'a [f64]>,
    /// Realised move of the first step in bps; `None` is a gap.
    pub first_move: Option<f64>,
    /// Number of the round in its season, from 0.
    pub round_index: usize,
    /// Rounds a day.
    pub rounds_per_day: usize,
    /// Seed of the season.
    pub seed: u64,
}

impl AttackerView<'_> {
    pub(crate) fn unit(&self, step: usize) -> f64 {
        self.volatility * libm::sqrt(step as f64)
    }

    /// The fan whose deviation from the reference is a function of the honest one's, of step and level (both from 0).
    pub(crate) fn deviating(
        &self,
        deviation: impl Fn(f64, usize, usize) -> f64,
    ) -> QuantileForecast {
        let mut moves = Vec::with_capacity(self.honest.rows().len() * POOL_LEVELS);
        for (step, row) in self.honest.rows().enumerate() {
            let unit = self.unit(step + 1);
            let points = row.iter().zip(self.reference).enumerate();
            moves.extend(points.map(|(k, (value, reference))| {
                unit * (reference + deviation(value / unit - reference, step, k))
            }));
        }
        QuantileForecast::from_moves(POOL_LEVELS, moves)
    }

    /// The fan whose quantiles are a function of the reference's.
    pub(crate) fn on_reference(&self, value: impl Fn(f64) -> f64) -> QuantileForecast {
        let moves = (1..=self.honest.rows().len()).flat_map(|step| {
            let unit = self.unit(step);
            let row = self.reference.iter();
            row.map(|q| unit * value(*q)).collect::<Vec<_>>()
        });
        QuantileForecast::from_moves(POOL_LEVELS, moves.collect())
    }

    /// The honest fan, moved and widened by chance, each with half of `energy` times the honest deviation's.
    pub(crate) fn with_noise(
        &self,
        energy: f64,
        (shift, widening): (SeedStream, SeedStream),
        sign: f64,
    ) -> QuantileForecast {
        let round = self.round_index as u64;
        let size = sign * libm::sqrt(0.5 * energy * self.energy);
        let shift = size * normal(self.seed, shift, round);
        let spread =
            self.reference.iter().map(|q| q * q).sum::<f64>() / self.reference.len() as f64;
        let widening = size * normal(self.seed, widening, round) / libm::sqrt(spread);
        self.deviating(|d, _, k| d + shift + widening * self.reference[k])
    }
}

/// Mean squared deviation of a fan from the reference's row, in units of σ_T·√i.
pub fn energy(fan: &QuantileForecast, reference: &[f64], volatility: f64) -> f64 {
    let (mut sum, mut count) = (0.0, 0);
    for (row, i) in fan.rows().zip(1..) {
        let unit = volatility * libm::sqrt(f64::from(i));
        for (value, reference) in row.iter().zip(reference) {
            let d = value / unit - reference;
            sum += d * d;
            count += 1;
        }
    }
    sum / f64::from(count)
}
