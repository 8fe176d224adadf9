//! The point path: where the fan is centred, by a regression that is trusted as far as it earned it.
//!
//! Moves over their spread are regressed on features at a few horizons, on the first two thirds of the rows; the last
//! third says how much of the prediction to believe, which for a price is next to nothing.

use foretell_core::time::Millis;
use ndarray::{Array1, Array2, Axis, Slice};
use serde::{Deserialize, Serialize};

use super::regression::Standard;
use crate::features::{Features, Seasoned};
use crate::models::ModelError;
use crate::moves::Moves;
use crate::sample::Cumulative;

/// Largest share of a prediction that is believed.
const MOST_BELIEVED: f64 = 0.08;
/// Largest centre, in spreads.
const FURTHEST: f64 = 0.5;
/// Horizons with a regression, as shares of the whole.
const HORIZONS: [f64; 4] = [0.06, 0.25, 0.5, 1.0];

/// From standardised columns and centred targets (a column a horizon) to coefficients (a column a horizon).
pub type Solver = fn(&Array2<f64>, &Array2<f64>) -> Result<Array2<f64>, ModelError>;

/// A way to learn a centre.
#[derive(Clone, Copy)]
pub struct Centring {
    /// What it looks at.
    pub features: Features,
    /// How it is solved.
    pub solve: Solver,
}

/// A fitted centre.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Centre {
    features: Features,
    standard: Standard,
    /// The steps with a regression.
    steps: Vec<usize>,
    /// Coefficients of each, shrunk.
    weights: Vec<Vec<f64>>,
}

impl Centring {
    /// Learns the centre of moves over their spreads (`horizon` of them a row).
    pub fn fit(
        &self,
        moves: &Moves,
        seasoned: &Seasoned,
        rows: &[usize],
        spreads: &[f64],
        horizon: usize,
    ) -> Result<Centre, ModelError> {
        let raw: Vec<Vec<f64>> = rows
            .iter()
            .map(|row| self.features.at(seasoned, *row))
            .collect();
        let standard = Standard::of(&raw);
        let columns = standard.matrix(&raw);
        let mut steps: Vec<usize> = HORIZONS
            .map(|share| ((share * horizon as f64).round() as usize).max(1))
            .to_vec();
        steps.dedup();
        let returns = Cumulative::of(moves.returns.iter().copied());
        let targets = Array2::from_shape_fn((rows.len(), steps.len()), |(i, j)| {
            let (row, step) = (rows[i], steps[j]);
            let spread = spreads[(step - 1) * rows.len() + i];
            (returns.sum(row + 1, row + 1 + step) / spread).clamp(-5.0, 5.0)
        });
        // Rows next to each other share their future: the last third starts a horizon after the first two end.
        let split = rows.len() * 2 / 3;
        let gap = rows.get(split).map_or(rows.len(), |row| {
            rows.partition_point(|r| *r < row + horizon)
        });
        let fitted = (self.solve)(
            &columns.slice_axis(Axis(0), Slice::from(..split)).to_owned(),
            &targets.slice_axis(Axis(0), Slice::from(..split)).to_owned(),
        )?;
        let later = columns.slice_axis(Axis(0), Slice::from(gap..));
        let weights = fitted.columns().into_iter().zip(targets.columns());
        let weights = weights.map(|(weights, targets)| {
            let targets = targets.slice_axis(Axis(0), Slice::from(gap..)).to_owned();
            let belief = believed(&later.dot(&weights), &targets);
            let believed = weights.iter().map(|weight| belief * weight);
            // Absurd prices may leave columns that no number describes.
            believed
                .map(|weight| if weight.is_finite() { weight } else { 0.0 })
                .collect()
        });
        Ok(Centre {
            features: self.features,
            weights: weights.collect(),
            standard,
            steps,
        })
    }
}

/// The share of predictions that would have served best, between none and [`MOST_BELIEVED`].
fn believed(predicted: &Array1<f64>, targets: &Array1<f64>) -> f64 {
    let power = predicted.dot(predicted);
    if power > 0.0 {
        (predicted.dot(targets) / power).clamp(0.0, MOST_BELIEVED)
    } else {
        0.0
    }
}

impl Centre {
    /// Moves that the longest window takes.
    pub fn lookback(&self, step: Millis) -> usize {
        self.features.lookback(step)
    }

    /// The centre of each step in spreads, as known when `row` closed: linear between the steps with a regression.
    pub fn path(&self, seasoned: &Seasoned, row: usize, horizon: usize) -> Vec<f64> {
        let features = self.standard.row(&self.features.at(seasoned, row));
        let mut path = vec![0.0; horizon];
        let mut before = (0, 0.0);
        for (step, weights) in self.steps.iter().zip(&self.weights) {
            let value: f64 = weights.iter().zip(&features).map(|(w, x)| w * x).sum();
            let value = value.clamp(-FURTHEST, FURTHEST);
            let (from, start) = before;
            for i in from..*step {
                let way = (i + 1 - from) as f64 / (step - from) as f64;
                if let Some(centre) = path.get_mut(i) {
                    *centre = start + way * (value - start);
                }
            }
            before = (*step, value);
        }
        path
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn as_much_is_believed_as_would_have_served() {
        // Σpy/Σp² = (0.05 + 0.05)/2 = 0.05.
        let belief = believed(&array![1.0, -1.0], &array![0.05, -0.05]);
        assert!((belief - 0.05).abs() < 1e-12);
        assert_eq!(believed(&array![1.0, -1.0], &array![-0.1, 0.1]), 0.0);
        assert_eq!(believed(&array![1.0], &array![9.0]), MOST_BELIEVED);
        assert_eq!(believed(&array![0.0], &array![1.0]), 0.0);
    }
}
