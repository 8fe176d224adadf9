//! From fans to paths, for a policy that scores increments between steps.

use foretell_core::forecast::{POOL_LEVELS, QuantileForecast};

use crate::counter_rng::{SeedStream, normal};

/// Every third of the common levels: those of a fan of a third as many values.
const LEVEL_STRIDE: usize = 3;
const PATH_COUNT: usize = POOL_LEVELS / LEVEL_STRIDE;

/// For each step and path, which of the step's ascending values the path has: the ranks of random walks (the Schaake
/// shuffle, Clark et al. 2004). So every step has the fan's distribution, and steps depend on each other as in a walk.
#[derive(Debug)]
pub struct SchaakeShuffle {
    /// Ranks by step and path.
    ranks: Vec<usize>,
}

impl SchaakeShuffle {
    /// The ranks of a season with this seed.
    pub fn new(seed: u64, horizon: usize) -> Self {
        let mut walks = [0.0; PATH_COUNT];
        let mut ranks = Vec::with_capacity(horizon * PATH_COUNT);
        for step in 0..horizon {
            for (walk, path) in walks.iter_mut().zip(0..) {
                *walk += normal(seed, SeedStream::PathWalk { path }, step as u64);
            }
            let below = |walk: &f64| walks.iter().filter(|other| *other < walk).count();
            ranks.extend(walks.iter().map(below));
        }
        Self { ranks }
    }

    /// K, and the step-major moves of K paths with the distribution of `fan`; a point stays a point.
    pub fn paths(&self, fan: &QuantileForecast) -> (usize, Vec<f64>) {
        if fan.k() != POOL_LEVELS {
            return (fan.k(), fan.rows().flatten().copied().collect());
        }
        let rows = fan.rows().zip(self.ranks.chunks_exact(PATH_COUNT));
        let moves =
            rows.flat_map(|(row, ranks)| ranks.iter().map(|rank| row[LEVEL_STRIDE * rank + 1]));
        (PATH_COUNT, moves.collect())
    }
}
