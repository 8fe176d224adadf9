//! From fans to paths, for a policy that looks at how steps hang together.

use foretell_core::forecast::{Fan, POOL_LEVELS};

use crate::chance::normal;

/// Every third of the common levels: those of a fan of a third as many values.
const EVERY: usize = 3;
const COUNT: usize = POOL_LEVELS / EVERY;

/// Which of the ascending values of a step each path has: the order of random walks (the Schaake shuffle, Clark et al.
/// 2004). So every step has the fan's distribution, and increments are those of a walk.
#[derive(Debug)]
pub struct Paths {
    /// Ranks by step and path.
    ranks: Vec<usize>,
}

impl Paths {
    /// The paths of a season with this seed.
    pub fn new(seed: u64, horizon: usize) -> Self {
        let mut walks = [0.0; COUNT];
        let mut ranks = Vec::with_capacity(horizon * COUNT);
        for step in 0..horizon {
            for (walk, path) in walks.iter_mut().zip(0..) {
                *walk += normal(seed, 80_000 + path, step as u64);
            }
            let below = |walk: &f64| walks.iter().filter(|other| *other < walk).count();
            ranks.extend(walks.iter().map(below));
        }
        Self { ranks }
    }

    /// K, and the step-major moves of K paths with the distribution of `fan`; a point stays a point.
    pub fn of(&self, fan: &Fan) -> (usize, Vec<f64>) {
        if fan.k() != POOL_LEVELS {
            return (fan.k(), fan.rows().flatten().copied().collect());
        }
        let rows = fan.rows().zip(self.ranks.chunks_exact(COUNT));
        let moves = rows.flat_map(|(row, ranks)| ranks.iter().map(|rank| row[EVERY * rank + 1]));
        (COUNT, moves.collect())
    }
}
