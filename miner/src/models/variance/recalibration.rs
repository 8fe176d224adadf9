//! Online recalibration: scales are corrected by how large the newest moves turned out over what was expected of them.
//!
//! The correction follows the past as it settles, as adaptive conformal inference does (Gibbs and Candès 2021), but
//! for the scale of the whole fan instead of one interval.

use foretell_core::time::Millis;

use super::Learnt;
use super::dynamics::AtWork;
use super::shape::{Shape, probabilities};
use crate::moves::{Moves, steps_in};
use crate::sample::Cumulative;

/// Distance between two past origins that are looked at.
const EVERY: Millis = Millis::hours(1);
/// Steps that are looked at, as shares of the horizon.
const STEPS: [f64; 4] = [0.1, 0.25, 0.5, 1.0];

/// How far to follow the newest past.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Recalibration {
    /// Span of the origins that are looked at.
    pub span: Millis,
    /// Power of the ratio of realised to expected size that scales are multiplied by: 1 follows it fully.
    pub strength: f64,
}

impl Recalibration {
    /// Moves that it takes beyond what dynamics look back on.
    pub fn lookback(&self, step: Millis, horizon: usize) -> usize {
        steps_in(self.span, step) + horizon
    }

    /// The factor on the scales of a forecast from the last of `moves`.
    pub fn factor(&self, learnt: &Learnt, at_work: &[AtWork<'_>], moves: &Moves) -> f64 {
        let (grid, horizon) = (&learnt.grid, learnt.grid.horizon);
        let newest = moves.len().saturating_sub(1);
        let every = steps_in(EVERY, grid.step);
        let steps = STEPS.map(|share| ((share * horizon as f64).round() as usize).max(1));
        let returns = Cumulative::of(moves.returns.iter().copied());
        let (mut variances, mut scratch) = (vec![0.0; horizon], vec![0.0; horizon]);
        let (mut realised, mut expected) = (0.0, 0.0);
        let origins = (1..=steps_in(self.span, grid.step) / every)
            .filter_map(|back| newest.checked_sub(horizon + (back - 1) * every));
        for row in origins.filter(|row| moves.unbroken(*row, horizon, grid.step)) {
            learnt.variances(at_work, row, &mut variances, &mut scratch);
            let mut total = 0.0;
            for (step, variance) in (1..).zip(&variances) {
                total += variance * learnt.season.factor(moves.opened[row + step]);
                if steps.contains(&step) && total > 0.0 {
                    realised += returns.sum(row + 1, row + 1 + step).abs() / total.sqrt();
                    expected += mean_size(&learnt.shapes[step - 1]);
                }
            }
        }
        let ratio = realised / expected;
        if ratio.is_normal() {
            ratio.powf(self.strength)
        } else {
            1.0
        }
    }
}

/// E|z| of a shape: the mean of its sizes over their probabilities, the sliver beyond the last at the last.
fn mean_size(shape: &Shape) -> f64 {
    let probabilities = probabilities();
    let spans = probabilities.windows(2).zip(shape.0.windows(2));
    let within: f64 = spans
        .map(|(p, size)| (p[1] - p[0]) * 0.5 * (size[0] + size[1]))
        .sum();
    let beyond = 1.0 - probabilities[probabilities.len() - 1];
    within + beyond * shape.0.last().copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::super::shape::POINTS;
    use super::*;

    #[test]
    fn the_mean_size_of_a_uniform_shape_is_a_half() {
        let uniform = Shape(probabilities().to_vec());
        assert_eq!(uniform.0.len(), POINTS);
        assert!((mean_size(&uniform) - 0.5).abs() < 1e-3);
    }
}
