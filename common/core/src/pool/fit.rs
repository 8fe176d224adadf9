//! From the quadratic of the past to each forecaster's share of the consensus.

use crate::rules::FitRules;
use foretell_kernels::sums::dot;

/// Sweeps of coordinate descent at most.
const SWEEPS: usize = 500;
/// A change that is none.
const TOLERANCE: f64 = 1e-12;
/// A trial of the multiplier ends once a sweep moves less than this part of the sum's distance from 1.
const ROUGH_TOLERANCE: f64 = 0.02;
/// Trials of the multiplier of a sum above 1.
const MULTIPLIER_TRIALS: usize = 40;

/// The shares u of forecasters with curvature G (rows) and slope c, both of one order.
///
/// 1. `b_m = clip(c_m/G_mm, smallest, 1)` undoes exaggeration; nothing is stretched.
/// 2. `ũ = argmin ½·ũᵀG̃ũ − c̃ᵀũ + ½·g·(ρ·Σ ũ_m² + κ·Σ_{m<j} a_mj·(ũ_m − ũ_j)²)`, `ũ ≥ 0`, `Σũ ≤ 1`, with G̃ and c̃
///    scaled by b, `g = mean(G̃_mm)`, and similarity `a_mj` rising from 0 to 1 as the normalised Gram rises from `similarity_threshold`
///    to 1: those whom the past can't tell apart get about equal shares, and who is alone isn't shrunk for it.
/// 3. `u = s·b∘ũ`, s best on the past in (0, 1/Σu].
///
/// A forecaster without past or without gain has share 0. The order of sums is that of the forecasters, so the same forecasters
/// give the same bits.
pub fn shares(curvature: &[Vec<f64>], slope: &[f64], rules: &FitRules) -> Vec<f64> {
    let n = slope.len();
    // Who never left the reference has nothing to share in.
    let known: Vec<usize> = (0..n).filter(|m| curvature[*m][*m] > 0.0).collect();
    let scales: Vec<f64> = known
        .iter()
        .map(|m| (slope[*m] / curvature[*m][*m]).clamp(rules.smallest_scale, 1.0))
        .collect();
    let g = |i: usize, j: usize| scales[i] * scales[j] * curvature[known[i]][known[j]];
    let problem = QuadraticProgram::new(
        (0..known.len())
            .map(|i| (0..known.len()).map(|j| g(i, j)).collect())
            .collect(),
        (0..known.len())
            .map(|i| scales[i] * slope[known[i]])
            .collect(),
        rules,
    );
    let even = problem.solve();
    let mut direction = vec![0.0; n];
    for (i, m) in known.iter().enumerate() {
        direction[*m] = scales[i] * even[i];
    }
    let sum: f64 = direction.iter().sum();
    if sum <= 0.0 {
        return vec![0.0; n];
    }
    let gain = dot(slope, &direction);
    let rows = direction.iter().zip(curvature).filter(|(u, _)| **u > 0.0);
    let directional_curvature: f64 = rows.map(|(u, row)| u * dot(row, &direction)).sum();
    // Positive definite along a direction that gains, or nothing is shared.
    let stretch = if gain > 0.0 && directional_curvature > 0.0 {
        (gain / directional_curvature).min(1.0 / sum)
    } else {
        0.0
    };
    direction.iter().map(|u| stretch * u).collect()
}

/// How alike two forecasters of this normalised Gram are: 0 up to the rules' threshold, 1 for the same forecast.
fn similarity(gram: f64, rules: &FitRules) -> f64 {
    ((gram - rules.similarity_threshold) / (1.0 - rules.similarity_threshold)).clamp(0.0, 1.0)
}

/// Minimise ½·uᵀAu − cᵀu over u ≥ 0, Σu ≤ 1; A holds ridge and similarity.
struct QuadraticProgram {
    a: Vec<Vec<f64>>,
    c: Vec<f64>,
}

/// Shares on their way to the solution.
#[derive(Clone)]
struct CoordinateDescent {
    u: Vec<f64>,
    /// Au, kept up to date.
    a_times_u: Vec<f64>,
}

impl QuadraticProgram {
    fn new(mut g: Vec<Vec<f64>>, c: Vec<f64>, rules: &FitRules) -> Self {
        let n = c.len();
        let mean = (0..n).map(|m| g[m][m]).sum::<f64>() / n.max(1) as f64;
        let roots: Vec<f64> = (0..n).map(|m| f64::sqrt(g[m][m])).collect();
        let mut total_coupling = vec![0.0; n];
        for m in 0..n {
            for j in m + 1..n {
                let gram = g[m][j] / (roots[m] * roots[j]);
                let coupling = rules.similarity_penalty * mean * similarity(gram, rules);
                g[m][j] -= coupling;
                g[j][m] -= coupling;
                total_coupling[m] += coupling;
                total_coupling[j] += coupling;
            }
        }
        for (m, total_coupling) in total_coupling.into_iter().enumerate() {
            g[m][m] += rules.ridge * mean + total_coupling;
        }
        Self { a: g, c }
    }

    /// The solution. A sum above 1 has a multiplier, found by regula falsi (Illinois): Σu falls as the multiplier rises.
    fn solve(&self) -> Vec<f64> {
        let mut free = CoordinateDescent::new(self.c.len());
        if free.excess(self, 0.0, ROUGH_TOLERANCE) <= 0.0 && free.excess(self, 0.0, 0.0) <= 0.0 {
            return free.u;
        }
        // A trial needs no more digits than tell it from the next. Should that lead astray, all of them.
        match self.solve_with_sum_one(&free, ROUGH_TOLERANCE) {
            (found, true) => found.u,
            (_, false) => self.solve_with_sum_one(&free, 0.0).0.u,
        }
    }

    /// Where the sum is 1, from a descent at no multiplier, and whether it was found: not by rough trials if the sum may be
    /// below 1 at no multiplier at all.
    fn solve_with_sum_one(
        &self,
        free: &CoordinateDescent,
        tolerance: f64,
    ) -> (CoordinateDescent, bool) {
        let mut at = free.clone();
        let (mut low, mut low_excess) = (0.0, at.excess(self, 0.0, tolerance));
        if low_excess <= 0.0 {
            return (at, tolerance == 0.0);
        }
        // At the highest slope nobody has a share.
        let mut high = self.c.iter().copied().fold(0.0, f64::max);
        let mut high_excess = -1.0;
        for _ in 0..MULTIPLIER_TRIALS {
            let multiplier = (low * high_excess - high * low_excess) / (high_excess - low_excess);
            let excess = at.excess(self, multiplier, tolerance);
            if excess.abs() < TOLERANCE {
                return (at, true);
            }
            if excess > 0.0 {
                (low, low_excess) = (multiplier, excess);
                high_excess *= 0.5;
            } else {
                (high, high_excess) = (multiplier, excess);
                low_excess *= 0.5;
            }
        }
        (at, false)
    }
}

impl CoordinateDescent {
    fn new(n: usize) -> Self {
        Self {
            u: vec![0.0; n],
            a_times_u: vec![0.0; n],
        }
    }

    /// Σu − 1 at this multiplier, by cyclic coordinate descent until a sweep moves less than `tolerance` of it, or nothing.
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

    /// One turn for everybody; returns how far all moved together.
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

    use super::*;
    use crate::rules::RulesVersion;

    /// G of n forecasters as Gram of n vectors, which makes it one of a past.
    fn gram(vectors: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let products = |a: &Vec<f64>| vectors.iter().map(|b| dot(a, b)).collect();
        vectors.iter().map(products).collect()
    }

    proptest! {
        /// Karush, Kuhn and Tucker: who has a share gains from more of it as much as it costs, and nobody else more.
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
            let mut problem = QuadraticProgram::new(gram(&vectors), slopes[..n].to_vec(), &rules);
            if let Some(above) = near_one {
                // Where it takes all digits to tell whether the sum has a multiplier.
                let mut free = CoordinateDescent::new(n);
                let sum = free.excess(&problem, 0.0, 0.0) + 1.0;
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
