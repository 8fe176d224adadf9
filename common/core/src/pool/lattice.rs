//! The points of a round that enter the fit.

use super::deviations::{Consensus, Deviations, RealisedMoves, levels};
use crate::forecast::POOL_LEVELS;

/// Steps of the lattice, at most.
const LATTICE_STEPS: usize = 25;
/// The lattice's levels are the common levels number 1, 9, 17 … 97 (from 0), symmetric about the median.
const LEVEL_FIRST: usize = 1;
const LEVEL_STRIDE: usize = 8;
const LATTICE_LEVELS: usize = (POOL_LEVELS - LEVEL_FIRST).div_ceil(LEVEL_STRIDE);
/// Levels of the consensus count as at least this share of the reference's spacing apart, so that its density is
/// finite.
const LEAST_SPACING: f64 = 0.1;

/// Steps and levels of a round at which its score is expanded. A step without a price is left out.
pub(super) struct Lattice {
    /// Positions of the points in a miner's step-major deviations.
    positions: Vec<usize>,
    /// √(v·f) at each point.
    pub(super) sqrt_curvature: Vec<f64>,
    /// v·(τ − 1{y < q⁰} + f·D⁰) at each point.
    pub(super) gradient: Vec<f64>,
}

impl Lattice {
    pub(super) fn new(
        deviations: &Deviations,
        consensus: &Consensus,
        realised: &RealisedMoves,
    ) -> Self {
        let horizon = realised.0.len();
        let stride = horizon.div_ceil(LATTICE_STEPS).max(1);
        // From the last step back, so that it is always there.
        let settled: Vec<(usize, f64)> = (0..horizon)
            .rev()
            .step_by(stride)
            .filter_map(|step| Some((step, realised.0[step]?)))
            .collect();
        let v = 2.0 / LATTICE_LEVELS as f64 / settled.len().max(1) as f64;
        let reference = deviations.reference();
        let taus: Vec<f64> = levels().collect();
        let mut lattice = Self {
            positions: Vec::new(),
            sqrt_curvature: Vec::new(),
            gradient: Vec::new(),
        };
        for (step, y) in settled {
            let row = &consensus.0[step * POOL_LEVELS..][..POOL_LEVELS];
            for k in (LEVEL_FIRST..POOL_LEVELS).step_by(LEVEL_STRIDE) {
                let apart = reference[k + 1] - reference[k - 1];
                let spacing = (apart + row[k + 1] - row[k - 1]).max(LEAST_SPACING * apart);
                let density = 2.0 / POOL_LEVELS as f64 / spacing;
                let below = if y < reference[k] + row[k] { 1.0 } else { 0.0 };
                lattice.positions.push(step * POOL_LEVELS + k);
                lattice.sqrt_curvature.push(f64::sqrt(v * density));
                lattice
                    .gradient
                    .push(v * (taus[k] - below + density * row[k]));
            }
        }
        lattice
    }

    pub(super) fn subsample(&self, deviations: &[f64]) -> Vec<f64> {
        self.positions.iter().map(|at| deviations[*at]).collect()
    }
}
