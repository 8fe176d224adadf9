//! From the second-order expansion of the past to each forecaster's share of the consensus.

use foretell_kernels::sums::dot;

use super::quadratic_program::QuadraticProgram;
use crate::rules::FitRules;

/// The shares u of forecasters with curvature G (rows) and slope c, both of one order.
///
/// 1. `b_m = clip(c_m/G_mm, smallest, 1)` undoes exaggeration; nothing is stretched.
/// 2. `ũ = argmin ½·ũᵀG̃ũ − c̃ᵀũ + ½·g·(ρ·Σ ũ_m² + κ·Σ_{m<j} a_mj·(ũ_m − ũ_j)²)`, `ũ ≥ 0`, `Σũ ≤ 1`, with G̃ and c̃
///    scaled by b, `g = mean(G̃_mm)`, and similarity `a_mj` rising from 0 to 1 as the normalised Gram rises from
///    `similarity_threshold` to 1: forecasters that the past can't tell apart get about equal shares, and one that is
///    like no other isn't shrunk for it.
/// 3. `u = s·b∘ũ`, s best on the past in (0, 1/Σu].
///
/// A forecaster without past or without gain has share 0. Sums are in the order of the forecasters, so the same
/// forecasters give the same bits.
pub fn shares(curvature: &[Vec<f64>], slope: &[f64], rules: &FitRules) -> Vec<f64> {
    let n = slope.len();
    // A forecaster that never differed from the reference has no share.
    let known: Vec<usize> = (0..n).filter(|m| curvature[*m][*m] > 0.0).collect();
    let scales: Vec<f64> = known
        .iter()
        .map(|m| (slope[*m] / curvature[*m][*m]).clamp(rules.smallest_scale, 1.0))
        .collect();
    let g = |i: usize, j: usize| scales[i] * scales[j] * curvature[known[i]][known[j]];
    let scaled_curvature: Vec<Vec<f64>> = (0..known.len())
        .map(|i| (0..known.len()).map(|j| g(i, j)).collect())
        .collect();
    let scaled_slope: Vec<f64> = (0..known.len())
        .map(|i| scales[i] * slope[known[i]])
        .collect();
    let problem = QuadraticProgram {
        a: penalised(scaled_curvature, rules),
        c: scaled_slope,
    };
    let scaled_shares = problem.solve();
    let mut direction = vec![0.0; n];
    for (i, m) in known.iter().enumerate() {
        direction[*m] = scales[i] * scaled_shares[i];
    }
    let sum: f64 = direction.iter().sum();
    if sum <= 0.0 {
        return vec![0.0; n];
    }
    let gain = dot(slope, &direction);
    let rows = direction.iter().zip(curvature).filter(|(u, _)| **u > 0.0);
    let directional_curvature: f64 = rows.map(|(u, row)| u * dot(row, &direction)).sum();
    // Positive definite along a direction that gains, or nothing is shared.
    let length = if gain > 0.0 && directional_curvature > 0.0 {
        (gain / directional_curvature).min(1.0 / sum)
    } else {
        0.0
    };
    direction.iter().map(|u| length * u).collect()
}

/// G̃ with the penalties of step 2: the ridge, and the penalty on different shares of similar forecasters.
pub(super) fn penalised(mut g: Vec<Vec<f64>>, rules: &FitRules) -> Vec<Vec<f64>> {
    let n = g.len();
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
    g
}

/// a_mj of two forecasters with this normalised Gram: 0 up to the rules' threshold, 1 for the same forecast.
fn similarity(gram: f64, rules: &FitRules) -> f64 {
    ((gram - rules.similarity_threshold) / (1.0 - rules.similarity_threshold)).clamp(0.0, 1.0)
}
