//! The quadratic program of the fit, solved by coordinate descent.

/// Sweeps of one coordinate descent, at most.
const SWEEPS: usize = 500;
/// A smaller change of all shares together, or of their sum, is none.
const TOLERANCE: f64 = 1e-12;
/// A trial of the multiplier ends once a sweep moves less than this part of the sum's distance from 1.
const ROUGH_TOLERANCE: f64 = 0.02;
/// Trials of the multiplier, at most, where the sum would be above 1.
const MULTIPLIER_TRIALS: usize = 40;

/// Minimise ½·uᵀAu − cᵀu over u ≥ 0, Σu ≤ 1; A is positive definite and holds the penalties.
pub(super) struct QuadraticProgram {
    pub(super) a: Vec<Vec<f64>>,
    pub(super) c: Vec<f64>,
}

/// Shares on their way to the solution.
#[derive(Clone)]
struct CoordinateDescent {
    u: Vec<f64>,
    /// Au, kept up to date.
    a_times_u: Vec<f64>,
}

impl QuadraticProgram {
    /// The solution. A sum above 1 has a multiplier, found by regula falsi (Illinois): Σu falls as the multiplier
    /// rises.
    pub(super) fn solve(&self) -> Vec<f64> {
        let mut without_multiplier = CoordinateDescent::new(self.c.len());
        if without_multiplier.excess(self, 0.0, ROUGH_TOLERANCE) <= 0.0
            && without_multiplier.excess(self, 0.0, 0.0) <= 0.0
        {
            return without_multiplier.u;
        }
        // Rough trials are enough to bracket the multiplier; where they fail, precise ones follow.
        match self.solve_with_sum_one(&without_multiplier, ROUGH_TOLERANCE) {
            (found, true) => found.u,
            (_, false) => self.solve_with_sum_one(&without_multiplier, 0.0).0.u,
        }
    }

    /// Shares whose sum is 1, starting from those at multiplier 0, and whether they were found: not by rough trials if
    /// the sum may be below 1 at multiplier 0.
    fn solve_with_sum_one(
        &self,
        without_multiplier: &CoordinateDescent,
        tolerance: f64,
    ) -> (CoordinateDescent, bool) {
        let mut descent = without_multiplier.clone();
        let (mut low, mut low_excess) = (0.0, descent.excess(self, 0.0, tolerance));
        if low_excess <= 0.0 {
            return (descent, tolerance == 0.0);
        }
        // At the highest slope all shares are 0.
        let mut high = self.c.iter().copied().fold(0.0, f64::max);
        let mut high_excess = -1.0;
        for _ in 0..MULTIPLIER_TRIALS {
            let multiplier = (low * high_excess - high * low_excess) / (high_excess - low_excess);
            let excess = descent.excess(self, multiplier, tolerance);
            if excess.abs() < TOLERANCE {
                return (descent, true);
            }
            if excess > 0.0 {
                (low, low_excess) = (multiplier, excess);
                high_excess *= 0.5;
            } else {
                (high, high_excess) = (multiplier, excess);
                low_excess *= 0.5;
            }
        }
        (descent, false)
    }
}

impl CoordinateDescent {
    fn new(n: usize) -> Self {
        Self {
            u: vec![0.0; n],
            a_times_u: vec![0.0; n],
        }
    }

    /// Σu − 1 at this multiplier, by cyclic coordinate descent until a sweep moves less than `tolerance` of it, or
    /// nothing.
    fn excess(&mut self, problem: &QuadraticProgram, multiplier: f64, tolerance: f64) -> f64 {
        let mut excess = 0.0;
        for _ in 0..SWEEPS {
            let moved = self.sweep(problem, multiplier);
            excess = self.u.iter().sum::<f64>() - 1.0;
            if moved < f64::max(TOLERANCE, tolerance * excess.abs()) {
                break;
            }
        }
        excess
    }

    /// Minimises along each coordinate in turn; returns the sum of the absolute changes.
    fn sweep(&mut self, problem: &QuadraticProgram, multiplier: f64) -> f64 {
        let mut moved = 0.0;
        for (m, row) in problem.a.iter().enumerate() {
            let step = (problem.c[m] - multiplier - self.a_times_u[m]) / row[m];
            let to = (self.u[m] + step).max(0.0);
            let change = to - self.u[m];
            if change != 0.0 {
                self.u[m] = to;
                moved += change.abs();
                for (a_times_u, a) in self.a_times_u.iter_mut().zip(row) {
                    *a_times_u += a * change;
                }
            }
        }
        moved
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use foretell_kernels::sums::dot;

    use super::*;
    use crate::pool::fit::penalised;
    use crate::rules::RulesVersion;

    /// G of n forecasters as the Gram matrix of n vectors, so that it is positive semidefinite.
    fn gram(vectors: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let products = |a: &Vec<f64>| vectors.iter().map(|b| dot(a, b)).collect();
        vectors.iter().map(products).collect()
    }

    proptest! {
        /// The conditions of Karush, Kuhn and Tucker: the slope along a positive share is the multiplier, along a share
        /// of 0 at most that.
        #[test]
        fn no_change_of_shares_would_be_better(
            common in prop::collection::vec(-1.0..1.0f64, 12),
            own in prop::collection::vec(prop::collection::vec(-1.0..1.0f64, 12), 1..24),
            apart in prop::sample::select(vec![1e-3, 0.1, 1.0]),
            slopes in prop::collection::vec(-1.0..4.0f64, 24),
            near_one in prop::option::of(-0.01..0.01f64),
        ) {
            let vectors: Vec<Vec<f64>> = own
                .iter()
                .map(|own| common.iter().zip(own).map(|(c, o)| c + apart * o).collect())
                .collect();
            let n = vectors.len();
            let rules = RulesVersion::V1.rules().fit;
            let mut problem = QuadraticProgram {
                a: penalised(gram(&vectors), &rules),
                c: slopes[..n].to_vec(),
            };
            if let Some(above) = near_one {
                // Sums near 1, where only precise trials tell whether there is a multiplier.
                let mut without_multiplier = CoordinateDescent::new(n);
                let sum = without_multiplier.excess(&problem, 0.0, 0.0) + 1.0;
                let factor = if sum > 0.0 { (1.0 + above) / sum } else { 1.0 };
                problem.c.iter_mut().for_each(|c| *c *= factor);
            }
            let u = problem.solve();
            let sum: f64 = u.iter().sum();
            prop_assert!(sum < 1.0 + 1e-9);
            let slopes: Vec<f64> = (0..n).map(|m| problem.c[m] - dot(&problem.a[m], &u)).collect();
            let multiplier = if sum < 1.0 - 1e-9 {
                0.0
            } else {
                slopes.iter().copied().fold(0.0, f64::max)
            };
            let scale: f64 = (0..n).map(|m| problem.a[m][m]).fold(0.0, f64::max);
            for (u, slope) in u.iter().zip(&slopes) {
                prop_assert!(*u >= 0.0);
                prop_assert!(slope - multiplier < 1e-8 * scale, "{slope} {multiplier}");
                prop_assert!(*u == 0.0 || (slope - multiplier).abs() < 1e-8 * scale, "{u} {slope} {multiplier}");
            }
        }
    }
}
