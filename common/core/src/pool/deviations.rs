//! What the pool sees of a round: every fan's deviation from the reference, in units of σ_T·√i.
//!
//! In these units the reference is the same row at every step, and a sum of deviations needs no scale.

use std::collections::BTreeMap;

use super::forecaster::Forecaster;
use crate::forecast::{POOL_LEVELS, QuantileForecast, quantile_level};
use crate::hotkey::Hotkey;
use crate::outcome::Outcome;
use crate::rules::ScoreRules;
use crate::score::Reference;

/// Everybody's fans in one round as deviations from the reference, on the common levels.
#[derive(Debug, Clone)]
pub struct Deviations {
    horizon: usize,
    /// The reference's row, ascending, [`POOL_LEVELS`] values.
    reference: Vec<f64>,
    /// H·[`POOL_LEVELS`] step-major deviations of each miner with a fan.
    by_miner: BTreeMap<Hotkey, Vec<f64>>,
}

/// The consensus's deviation from the reference: H·[`POOL_LEVELS`] values in the units and order of [`Deviations`].
#[derive(Debug, Clone, PartialEq)]
pub struct Consensus(pub(super) Vec<f64>);

/// Realised moves of steps 1 ..= H in units of σ_T·√i, clamped; `None` for a gap.
#[derive(Debug, Clone, PartialEq)]
pub struct RealisedMoves(pub(super) Vec<Option<f64>>);

impl Deviations {
    /// The deviations of a round without fans yet.
    pub fn new(reference: &Reference, horizon: usize) -> Self {
        Self {
            horizon,
            reference: QuantileForecast::from_moves(
                reference.standard_quantiles().len(),
                reference.standard_quantiles().to_vec(),
            )
            .resampled()
            .rows()
            .flatten()
            .copied()
            .collect(),
            by_miner: BTreeMap::new(),
        }
    }

    /// Adds a miner's fan of moves, clamped as in its score; `volatility` is σ_T, in the moves' unit.
    pub fn insert(
        &mut self,
        miner: Hotkey,
        fan: &QuantileForecast,
        volatility: f64,
        rules: &ScoreRules,
    ) {
        let resampled = fan.resampled();
        // `f64::clamp` checks its bounds for each value, which keeps the compiler from vectorising.
        let (low, high) = (-rules.clamp, rules.clamp);
        let cut = |x: f64| if x < low { low } else { x };
        let cut = |x: f64| if x > high { high } else { cut(x) };
        let mut deviations = Vec::with_capacity(self.horizon * POOL_LEVELS);
        for (row, i) in resampled.rows().zip(1..) {
            let scale = volatility * f64::sqrt(f64::from(i));
            let standard = row.iter().zip(&self.reference);
            deviations.extend(standard.map(|(value, reference)| cut(value / scale) - reference));
        }
        self.by_miner.insert(miner, deviations);
    }

    /// Miners with a fan, in hotkey order.
    pub fn miners(&self) -> impl Iterator<Item = &Hotkey> {
        self.by_miner.keys()
    }

    /// The quantile-wise combination `q_ref + Σ u_m·d_m`; a missing fan is the reference.
    pub fn consensus(&self, forecasters: &[Forecaster]) -> Consensus {
        let mut sum = vec![0.0; self.horizon * POOL_LEVELS];
        for (miner, share) in forecasters.iter().flat_map(Forecaster::hotkey_shares) {
            if share > 0.0
                && let Some(deviations) = self.by_miner.get(&miner)
            {
                for (sum, deviation) in sum.iter_mut().zip(deviations) {
                    *sum += share * deviation;
                }
            }
        }
        Consensus(sum)
    }

    /// Removes a miner's fan, if it has one.
    pub fn remove(&mut self, miner: &Hotkey) {
        self.by_miner.remove(miner);
    }

    /// The consensus as a fan of moves; `volatility` is σ_T, in the moves' unit.
    pub fn fan(&self, consensus: &Consensus, volatility: f64) -> QuantileForecast {
        let mut moves = Vec::with_capacity(consensus.0.len());
        for (row, i) in consensus.0.chunks_exact(POOL_LEVELS).zip(1..) {
            // Finite: infinity times a deviation of 0 would be NaN.
            let scale = (volatility * f64::sqrt(f64::from(i))).min(f64::MAX);
            let values = row.iter().zip(&self.reference);
            moves.extend(values.map(|(deviation, reference)| scale * (reference + deviation)));
        }
        QuantileForecast::from_moves(POOL_LEVELS, moves)
    }

    /// The reference's quantiles at the common levels, ascending, in units of σ_T·√i: the same at every step.
    pub fn reference(&self) -> &[f64] {
        &self.reference
    }

    /// One miner's H·[`POOL_LEVELS`] deviations; `None` without a fan.
    pub(super) fn get(&self, miner: &Hotkey) -> Option<&[f64]> {
        self.by_miner.get(miner).map(Vec::as_slice)
    }
}

impl Consensus {
    /// H·[`POOL_LEVELS`] deviations, step-major.
    pub fn values(&self) -> &[f64] {
        &self.0
    }
}

impl RealisedMoves {
    /// The realised moves of an outcome.
    pub fn new(outcome: &Outcome, rules: &ScoreRules) -> Self {
        let moves = outcome.moves.iter().zip(1..).map(|(y, i)| {
            let scale = outcome.volatility * f64::sqrt(f64::from(i));
            y.map(|y| (y / scale).clamp(-rules.clamp, rules.clamp))
        });
        Self(moves.collect())
    }

    /// Number of steps with a price, n.
    pub(super) fn steps(&self) -> usize {
        self.0.iter().flatten().count()
    }
}

/// τ_k of every common level, ascending.
pub(super) fn levels() -> impl Iterator<Item = f64> + Clone {
    (0..POOL_LEVELS).map(|index| quantile_level(index, POOL_LEVELS))
}
