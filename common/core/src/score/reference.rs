//! The built-in forecast that everybody must beat.

use std::cmp::Ordering;
use std::f64::consts::PI;

use crate::forecast::Fan;
use crate::rules::ScoreRules;

/// Student-t (ν = 3) quantiles around the anchor, scaled by σ_T·√i.
///
/// Fat tails are given away free; volatility timing and seasonality are left to earn.
#[derive(Debug, Clone)]
pub struct Reference {
    /// Moves per σ_T·√i, ascending.
    quantiles: Vec<f64>,
}

impl Reference {
    /// The reference of these rules.
    pub fn new(rules: &ScoreRules) -> Self {
        let k = rules.reference_k;
        let upper = |j: usize| {
            rules.reference_scale * student_t3_quantile((2 * j + 1) as f64 / (2 * k) as f64)
        };
        // The lower half mirrors the upper to the last bit, so that the median is the anchor and has no direction.
        let quantiles = (0..k)
            .map(|j| match (2 * j + 1).cmp(&k) {
                Ordering::Less => -upper(k - 1 - j),
                Ordering::Equal => 0.0,
                Ordering::Greater => upper(j),
            })
            .collect();
        Self { quantiles }
    }

    /// Its row in units of σ_T·√i, the same at every step.
    pub fn standard(&self) -> &[f64] {
        &self.quantiles
    }

    /// The reference's fan over `horizon` steps.
    pub fn fan(&self, volatility: f64, horizon: usize) -> Fan {
        let moves = (1..=horizon)
            .flat_map(|i| {
                let scale = volatility * f64::sqrt(i as f64);
                self.quantiles.iter().map(move |q| q * scale)
            })
            .collect();
        Fan::from_moves(self.quantiles.len(), moves)
    }
}

/// Quantile of Student's t with 3 degrees of freedom, by bisection of its closed-form distribution
/// `F(t) = ½ + (1/π)·(θ + sin θ·cos θ)`, `θ = atan(t/√3)`: the same bits on every machine.
fn student_t3_quantile(level: f64) -> f64 {
    // θ + ½·sin 2θ runs from −π/2 to π/2 as θ does.
    let aim = PI * (level - 0.5);
    let (mut low, mut high) = (-PI / 2.0, PI / 2.0);
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if middle + 0.5 * libm::sin(2.0 * middle) < aim {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::sqrt(3.0) * libm::tan(0.5 * (low + high))
}

#[cfg(test)]
mod tests {
    use statrs::distribution::{ContinuousCDF, StudentsT};

    use super::*;
    use crate::rules::RulesVersion;

    #[test]
    fn the_median_is_the_anchor_exactly() {
        for k in [1, 2, 99, 1000] {
            let rules = ScoreRules {
                reference_k: k,
                ..RulesVersion::V1.rules().score
            };
            let fan = Reference::new(&rules).fan(12.3, 2);
            for row in fan.rows() {
                assert_eq!(crate::forecast::quantile(row, 0.5), 0.0, "K = {k}");
            }
        }
    }

    /// Table values of t with 3 degrees of freedom.
    #[test]
    fn known_quantiles() {
        for (level, t) in [
            (0.5, 0.0),
            (0.75, 0.764_892),
            (0.95, 2.353_363),
            (0.999, 10.214_532),
        ] {
            assert!((student_t3_quantile(level) - t).abs() < 1e-6, "{level}");
        }
    }

    #[test]
    fn every_quantile_inverts_the_distribution() {
        let t = StudentsT::new(0.0, 1.0, 3.0).unwrap();
        for j in 0..1000 {
            let level = f64::from(2 * j + 1) / 2000.0;
            assert!((t.cdf(student_t3_quantile(level)) - level).abs() < 1e-9);
        }
    }

    #[test]
    fn the_fan_widens_with_the_square_root_of_time() {
        let reference = Reference::new(&RulesVersion::V1.rules().score);
        let fan = reference.fan(10.0, 4);
        let rows: Vec<&[f64]> = fan.rows().collect();
        assert_eq!(rows.len(), 4);
        for (one, four) in rows[0].iter().zip(rows[3]) {
            assert!((2.0 * one - four).abs() < 1e-9);
        }
        // Level 0.95 lies between values 950 and 951.
        assert!((rows[0][949] + rows[0][950] - 2.0 * 6.5 * 2.353_363).abs() < 1e-2);
    }
}
