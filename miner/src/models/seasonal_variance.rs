//! What `har` and `elastic-net` share: variance, step by step, from a regression, a season and a shape.
//!
//! 1. Each bar's variance is the mean of its range's (Garman-Klass) and its squared return, over its season's factor.
//! 2. Over buckets of steps, the log of the mean variance to come is regressed on the model's features.
//! 3. A correction for each bucket turns the mean of logarithms into that of squared returns.
//! 4. Summed up with the season's factors put back, that is the variance of the move to each step; Student's t, fitted
//!    step by step to past moves over √variance, gives its shape. The fan is centred on the last close.
//!
//! Where the history is too short for a regression, the trailing Gaussian stands in.

use std::ops::Range;

use foretell_core::forecast::Forecast;
use foretell_core::series::Grid;
use foretell_core::time::{Millis, UnixMillis};
use ndarray::{Array1, Array2, ShapeBuilder};

use super::gaussian::Gaussian;
use super::spread::{self, Row};
use super::student::{Ladder, Shape, Tables};
use super::{Fitted, LOOKBACK, Model, ModelError, last_close, same_step};
use crate::features::{Features, Seasoned, log_variance};
use crate::history::History;
use crate::moves::{Moves, steps_in, variance_floor};
use crate::sample::{self, Cumulative};
use crate::season::Season;

/// Span of the regression's rows; the season looks back the whole [`LOOKBACK`].
const TRAINING_SPAN: Millis = Millis::days(180);
/// Most rows of the regression: neighbouring rows say nearly the same.
const MOST_ROWS: usize = 6_000;
/// Fewest rows, and fewest horizons that they span: with less, the trailing Gaussian stands in.
const FEWEST_ROWS: usize = 200;
const FEWEST_HORIZONS: usize = 3;
/// Fewest moves to forecast from.
const FEWEST_MOVES: usize = 12;
/// First steps of the buckets over which variance is predicted as one; the last bucket ends with the horizon.
const BUCKET_STARTS: [usize; 7] = [1, 2, 4, 7, 13, 25, 49];
/// How far outside the training's targets a predicted log variance may lie.
const REACH: f64 = 1.0;
/// Share of the ratios of realised to predicted variance that is not cut down to the rest's largest.
const WINSOR_LEVEL: f64 = 0.999;

/// What one model of variance does differently from another.
#[derive(Clone, Copy)]
pub struct Recipe {
    /// What it looks at.
    pub features: Features,
    /// Its regression.
    pub solve: Solver,
}

/// From standardised columns and a centred target to the columns' coefficients.
pub type Solver = fn(&Array2<f64>, &Array1<f64>) -> Result<Array1<f64>, ModelError>;

/// Learns variance, season and shape from a history.
pub fn fit(
    recipe: Recipe,
    history: &History,
    grid: &Grid,
    seed: u64,
) -> Result<Box<dyn Fitted>, ModelError> {
    same_step(history, grid)?;
    let floor = variance_floor(history.unit(), last_close(history)?);
    let now = history.last_close_time().unwrap_or_default();
    let moves = Moves::of(&history.between(now - LOOKBACK, now));
    let Some(rows) = training_rows(&moves, recipe.features, grid) else {
        return Gaussian.fit(history, grid, seed);
    };
    let season = Season::fit(&moves, grid.step);
    let level = mean(&moves.blended()).max(floor);
    let seasoned = Seasoned::of(&moves, &season, level, grid.step);
    let raw: Vec<Vec<f64>> = rows
        .iter()
        .map(|row| recipe.features.at(&seasoned, *row))
        .collect();
    let standard = Standard::of(&raw);
    let columns = standard.matrix(&raw);
    let buckets = buckets(grid.horizon)
        .map(|steps| Bucket::fit(steps, recipe.solve, &columns, &seasoned, &rows))
        .collect::<Result<Vec<_>, _>>()?;
    let mut learnt = Learnt {
        grid: *grid,
        features: recipe.features,
        season,
        level,
        standard,
        buckets,
        shapes: Vec::new(),
    };
    learnt.shapes = learnt.fit_shapes(&moves, &rows, &columns, floor);
    Ok(Box::new(learnt))
}

/// A fitted model of variance.
struct Learnt {
    grid: Grid,
    features: Features,
    season: Season,
    /// Typical variance of a step, by which all are divided.
    level: f64,
    standard: Standard,
    buckets: Vec<Bucket>,
    /// One for each step of the horizon.
    shapes: Vec<Shape>,
}

impl Fitted for Learnt {
    fn forecast(&self, history: &History, k: usize) -> Result<Forecast, ModelError> {
        same_step(history, &self.grid)?;
        let last = last_close(history)?;
        let moves = Moves::last(history, self.features.lookback(self.grid.step));
        let Some(newest) = moves
            .len()
            .checked_sub(1)
            .filter(|n| *n + 1 >= FEWEST_MOVES)
        else {
            return Err(ModelError::TooLittleHistory {
                have: moves.len(),
                need: FEWEST_MOVES,
            });
        };
        let seasoned = Seasoned::of(&moves, &self.season, self.level, self.grid.step);
        let features = self.standard.row(&self.features.at(&seasoned, newest));
        let origin = history.last_close_time().unwrap_or_default();
        let floor = variance_floor(history.unit(), last);
        let tables = Tables::of(&self.shapes, k);
        let mut total = 0.0;
        let variances = self.buckets.iter().flat_map(|bucket| {
            let variance = self.level * bucket.variance(bucket.log_variance(&features));
            bucket.steps.clone().map(move |step| (step, variance))
        });
        let rows = variances
            .zip(&self.shapes)
            .map(|((step, variance), shape)| {
                total += (variance * self.season.factor(self.opening(origin, step))).max(floor);
                Row {
                    scale: total.sqrt() * shape.scale,
                    quantiles: tables.quantiles(*shape),
                }
            });
        Ok(spread::around(last, history.unit(), k, rows)?)
    }
}

impl Learnt {
    /// When the bar of `step` opens, whose season counts.
    fn opening(&self, origin: UnixMillis, step: usize) -> UnixMillis {
        self.grid.target(origin, step) - self.grid.step
    }

    /// The shape of past moves over the square root of the variance that would have been predicted.
    fn fit_shapes(
        &self,
        moves: &Moves,
        rows: &[usize],
        columns: &Array2<f64>,
        floor: f64,
    ) -> Vec<Shape> {
        let ladder = Ladder::new();
        let returns = Cumulative::of(moves.returns.iter().copied());
        let factors: Vec<f64> = moves
            .opened
            .iter()
            .map(|t| self.season.factor(*t))
            .collect();
        let mut totals = vec![0.0; rows.len()];
        let mut sizes = vec![0.0; rows.len()];
        let mut shapes = Vec::with_capacity(self.grid.horizon);
        for bucket in &self.buckets {
            let variances: Vec<f64> = columns
                .rows()
                .into_iter()
                .map(|row| self.level * bucket.variance(bucket.log_variance(&row.to_owned())))
                .collect();
            for step in bucket.steps.clone() {
                for (((row, variance), total), size) in
                    rows.iter().zip(&variances).zip(&mut totals).zip(&mut sizes)
                {
                    *total += (variance * factors[row + step]).max(floor);
                    *size = returns.sum(row + 1, row + 1 + step).abs() / total.sqrt();
                }
                shapes.push(ladder.fit(&mut sizes));
            }
        }
        shapes
    }
}

/// The prediction of mean log variance over some steps.
struct Bucket {
    /// Steps ahead, from 1.
    steps: Range<usize>,
    weights: Array1<f64>,
    intercept: f64,
    /// Where predictions are believed.
    believed: (f64, f64),
    /// Added to a predicted log variance to make it unbiased for squared returns.
    correction: f64,
}

impl Bucket {
    fn fit(
        steps: Range<usize>,
        solve: Solver,
        columns: &Array2<f64>,
        seasoned: &Seasoned,
        rows: &[usize],
    ) -> Result<Self, ModelError> {
        let ahead =
            |measure: &Cumulative, row: usize| measure.mean(row + steps.start, row + steps.end);
        let mut targets: Array1<f64> = rows
            .iter()
            .map(|row| log_variance(ahead(&seasoned.blended, *row)))
            .collect();
        let believed = targets.iter().fold((f64::MAX, f64::MIN), |(low, high), t| {
            (low.min(*t), high.max(*t))
        });
        let intercept = targets.mean().unwrap_or(0.0);
        targets -= intercept;
        let mut bucket = Self {
            weights: solve(columns, &targets)?,
            intercept,
            believed: (believed.0 - REACH, believed.1 + REACH),
            correction: 0.0,
            steps: steps.clone(),
        };
        let mut ratios: Vec<f64> = columns
            .rows()
            .into_iter()
            .zip(rows)
            .map(|(columns, row)| {
                ahead(&seasoned.squared, *row).max(0.0)
                    / bucket.log_variance(&columns.to_owned()).exp()
            })
            .collect();
        sample::winsorise(&mut ratios, WINSOR_LEVEL);
        let bias = mean(&ratios);
        bucket.correction = if bias > 0.0 { bias.ln() } else { 0.0 };
        Ok(bucket)
    }

    /// The regression's prediction from standardised features.
    fn log_variance(&self, features: &Array1<f64>) -> f64 {
        let (lowest, highest) = self.believed;
        (self.intercept + self.weights.dot(features)).clamp(lowest, highest)
    }

    /// Expected squared return at a predicted log variance.
    fn variance(&self, log_variance: f64) -> f64 {
        (log_variance + self.correction).exp()
    }
}

/// Mean and standard deviation of each feature.
struct Standard(Vec<(f64, f64)>);

impl Standard {
    fn of(rows: &[Vec<f64>]) -> Self {
        let count = rows.len() as f64;
        let columns = rows.first().map_or(0, Vec::len);
        let moments = (0..columns).map(|column| {
            let values = || rows.iter().map(|row| row[column]);
            let mean = values().sum::<f64>() / count;
            let variance = values().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
            (mean, variance.sqrt())
        });
        Self(moments.collect())
    }

    /// One row's features, of mean 0 and variance 1 in training; a feature that never varied is 0.
    fn row(&self, features: &[f64]) -> Array1<f64> {
        let pairs = features.iter().zip(&self.0);
        pairs
            .map(|(value, (mean, deviation))| {
                if *deviation > f64::EPSILON * mean.abs().max(1.0) {
                    (value - mean) / deviation
                } else {
                    0.0
                }
            })
            .collect()
    }

    fn matrix(&self, rows: &[Vec<f64>]) -> Array2<f64> {
        // Column-major: the regressions go along the columns.
        let mut matrix = Array2::zeros((rows.len(), self.0.len()).f());
        for (mut row, features) in matrix.rows_mut().into_iter().zip(rows) {
            row.assign(&self.row(features));
        }
        matrix
    }
}

/// Rows with a filled past and a known future, evenly thinned; `None` where that is too few.
fn training_rows(moves: &Moves, features: Features, grid: &Grid) -> Option<Vec<usize>> {
    let warm_up = features.lookback(grid.step).min(moves.len() / 4);
    let start = warm_up.max(
        moves
            .len()
            .saturating_sub(steps_in(TRAINING_SPAN, grid.step)),
    );
    let end = moves.len().saturating_sub(grid.horizon);
    let rows: Vec<usize> = (start..end)
        .filter(|row| moves.unbroken(*row, grid.horizon, grid.step))
        .collect();
    let enough = FEWEST_ROWS.max(FEWEST_HORIZONS * grid.horizon);
    let stride = rows.len().div_ceil(MOST_ROWS).max(1);
    (rows.len() >= enough).then(|| rows.into_iter().step_by(stride).collect())
}

/// The buckets of a horizon: none begins beyond it, the last ends with it.
fn buckets(horizon: usize) -> impl Iterator<Item = Range<usize>> {
    let starts = BUCKET_STARTS
        .into_iter()
        .take_while(move |start| *start <= horizon);
    let ends = BUCKET_STARTS.into_iter().skip(1).chain([usize::MAX]);
    starts
        .zip(ends)
        .map(move |(start, end)| start..end.min(horizon + 1))
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_cover_every_step_once() {
        for horizon in [1, 2, 5, 48, 49, 100, 1000] {
            let steps: Vec<usize> = buckets(horizon).flatten().collect();
            assert_eq!(steps, (1..=horizon).collect::<Vec<_>>());
        }
        assert_eq!(buckets(100).last(), Some(49..101));
        assert_eq!(buckets(5).last(), Some(4..6));
    }

    #[test]
    fn features_are_standardised_by_their_training() {
        // Mean 2, variance 1; the second never varies.
        let standard = Standard::of(&[vec![1.0, 7.0], vec![3.0, 7.0]]);
        assert_eq!(standard.row(&[4.0, 9.0]).to_vec(), [2.0, 0.0]);
    }
}
