//! GARCH(1,1) with Student's t: variance as a mean-reverting average of squared returns (Bollerslev 1987).
//!
//! σ²_{t+1} = ω + α·r²_t + β·σ²_t, fitted by maximum likelihood.

use argmin::core::{CostFunction, Error, Executor, State};
use argmin::solver::neldermead::NelderMead;
use serde::{Deserialize, Serialize};
use statrs::function::gamma::ln_gamma;

use crate::models::model::ModelError;

/// Largest persistence, α + β.
const MAX_PERSISTENCE: f64 = 0.9999;
/// Most steps of the simplex.
const MAX_ITERATIONS: u64 = 200;
/// Squared returns larger than this many times their mean count as this.
const MAX_SQUARED_RETURN_RATIO: f64 = 400.0;

/// Variance one step ahead after each return, and how it reverts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Garch {
    /// ω/(1 − α − β).
    long_run: f64,
    /// Weight of the newest squared return.
    alpha: f64,
    /// Weight of the variance before it.
    beta: f64,
}

/// The likelihood of returns, with the long-run variance at their mean square ("variance targeting").
struct Likelihood<'a> {
    squared: &'a [f64],
    mean: f64,
}

impl Garch {
    /// The most likely parameters for these squared returns.
    pub fn fit(squared: &[f64]) -> Result<Self, ModelError> {
        let mean = squared.iter().sum::<f64>() / squared.len().max(1) as f64;
        if !mean.is_normal() {
            return Ok(Self {
                long_run: mean.max(0.0),
                alpha: 0.05,
                beta: 0.9,
            });
        }
        let likelihood = Likelihood { squared, mean };
        // Persistence, share of α in it, degrees of freedom: each on the whole line.
        let simplex = vec![
            vec![4.0, -2.0, 1.0],
            vec![5.0, -2.0, 1.0],
            vec![4.0, -1.0, 1.0],
            vec![4.0, -2.0, 2.0],
        ];
        let failed = |error: Error| ModelError::Regression {
            reason: error.to_string(),
        };
        let solver = NelderMead::new(simplex)
            .with_sd_tolerance(1e-7)
            .map_err(failed)?;
        let found = Executor::new(likelihood, solver)
            .configure(|state| state.max_iters(MAX_ITERATIONS))
            .run()
            .map_err(failed)?;
        let best = found.state().get_best_param().cloned().unwrap_or_default();
        let (alpha, beta, _) = constrain(&best);
        Ok(Self {
            long_run: mean,
            alpha,
            beta,
        })
    }

    /// The variance expected one step after the last of these squared returns.
    pub fn filter(&self, squared: impl Iterator<Item = f64>) -> impl Iterator<Item = f64> {
        let omega = self.long_run * (1.0 - self.alpha - self.beta);
        let cap = MAX_SQUARED_RETURN_RATIO * self.long_run;
        let (alpha, beta) = (self.alpha, self.beta);
        squared.scan(self.long_run, move |variance, square| {
            *variance = omega + alpha * square.min(cap) + beta * *variance;
            Some(*variance)
        })
    }

    /// The variance of each step to come, from that of the first.
    pub fn variances(&self, next: f64, out: &mut [f64]) {
        let mut excess = next - self.long_run;
        for out in out {
            *out = self.long_run + excess;
            excess *= self.alpha + self.beta;
        }
    }
}

/// α, β and the degrees of freedom of a point on the line.
fn constrain(point: &[f64]) -> (f64, f64, f64) {
    let logistic = |x: f64| 1.0 / (1.0 + (-x).exp());
    let [persistence, share, dof] = [0, 1, 2].map(|i| point.get(i).copied().unwrap_or(0.0));
    let persistence = MAX_PERSISTENCE * logistic(persistence);
    let alpha = persistence * logistic(share);
    (alpha, persistence - alpha, 2.05 + dof.exp().min(50.0))
}

impl CostFunction for Likelihood<'_> {
    type Param = Vec<f64>;
    type Output = f64;

    /// Mean negative log likelihood of Student's t with unit variance.
    fn cost(&self, point: &Vec<f64>) -> Result<f64, Error> {
        let (alpha, beta, dof) = constrain(point);
        let garch = Garch {
            long_run: self.mean,
            alpha,
            beta,
        };
        let constant = ln_gamma(0.5 * (dof + 1.0))
            - ln_gamma(0.5 * dof)
            - 0.5 * (std::f64::consts::PI * (dof - 2.0)).ln();
        let variances = garch.filter(self.squared.iter().copied());
        let losses = variances
            .zip(self.squared.iter().skip(1))
            .map(|(v, square)| {
                0.5 * v.ln() + 0.5 * (dof + 1.0) * (square / (v * (dof - 2.0))).ln_1p()
            });
        Ok(losses.sum::<f64>() / self.squared.len() as f64 - constant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variance_reverts_to_its_mean() {
        let garch = Garch {
            long_run: 4.0,
            alpha: 0.1,
            beta: 0.4,
        };
        let mut path = [0.0; 3];
        garch.variances(8.0, &mut path);
        assert_eq!(path, [8.0, 6.0, 5.0]);
        // ω = 4·(1 − 0.5) = 2; 2 + 0.1·10 + 0.4·4 = 4.6.
        let next: Vec<f64> = garch.filter([10.0].into_iter()).collect();
        assert!((next[0] - 4.6).abs() < 1e-12);
    }

    #[test]
    fn known_parameters_are_found_again() {
        let truth = Garch {
            long_run: 1.0,
            alpha: 0.1,
            beta: 0.85,
        };
        let mut state = 88_172_645_463_325_252_u64;
        let mut uniform = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            ((state >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
        };
        let mut variance = 1.0;
        let squared: Vec<f64> = (0..20_000)
            .map(|_| {
                let normal =
                    (-2.0 * uniform().ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos();
                let square = variance * normal * normal;
                variance = 0.05 + 0.1 * square + 0.85 * variance;
                square
            })
            .collect();
        let found = Garch::fit(&squared).unwrap();
        assert!((found.alpha - truth.alpha).abs() < 0.03, "{found:?}");
        assert!((found.beta - truth.beta).abs() < 0.05, "{found:?}");
    }

    #[test]
    fn returns_of_zero_have_parameters_too() {
        let garch = Garch::fit(&[0.0; 100]).unwrap();
        assert_eq!(garch.filter([0.0; 5].into_iter()).last(), Some(0.0));
    }
}
