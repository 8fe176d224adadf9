//! Models of variance: dynamics, a season and a shape make a fan.
//!
//! ```text
//!  moves ──▶ season ──▶ moves over their season ──▶ dynamics ──▶ variance of each step to come
//!                                                                      │  × season, summed up
//!  past moves over √variance ──▶ shape of each step ──────────────────▶ fan around the last close
//! ```
//!
//! 0. Moves are taken without their [drift](crate::drift), which a fan is centred on; a price has none.
//! 1. Each bar's variance is the mean of its range's (Garman-Klass) and its squared return, over its season's factor.
//! 2. [`dynamics`] expect the variance of each step to come; several are averaged in logarithms.
//! 3. Summed up with the season's factors put back, that is the variance of the move to each step.
//! 4. Its [`shape`] is that of past moves over √variance, step by step.
//!
//! Where the history is too short to learn from, the trailing Gaussian stands in.

mod centre;
pub mod dynamics;
mod garch;
mod recalibration;
mod regression;
pub mod shape;
mod student;

pub use centre::Centring;
pub use recalibration::Recalibration;

use foretell_core::forecast::Forecast;
use foretell_core::series::Grid;
use foretell_core::time::{Millis, UnixMillis};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use self::centre::Centre;
use self::dynamics::{AtWork, Dynamics, Way};
use self::shape::{Levels, Shape, Shaping};
use self::student::Ladder;
use super::gaussian::{self, Gaussian};
use super::spread::{self, Row};
use super::{Fitted, LOOKBACK, Model, ModelError, last_close, same_step};
use crate::drift::Drift;
use crate::features::Seasoned;
use crate::history::History;
use crate::moves::{Moves, steps_in, variance_floor};
use crate::sample::Cumulative;
use crate::season::{Season, Seasoning};

/// Most rows to learn from: neighbouring rows say nearly the same.
const MOST_ROWS: usize = 9_000;
/// Fewest rows, and fewest horizons that they span: with less, the trailing Gaussian stands in.
const FEWEST_ROWS: usize = 200;
const FEWEST_HORIZONS: usize = 3;
/// Fewest moves to forecast from.
const FEWEST_MOVES: usize = 12;

/// What one model of variance does differently from another.
#[derive(Clone)]
pub struct Recipe {
    /// How the season is learnt.
    pub seasoning: Seasoning,
    /// Dynamics, whose log variances are averaged.
    pub ways: Vec<Way>,
    /// Span of the rows that dynamics and shapes are learnt from; the season looks back the whole [`LOOKBACK`].
    pub training: Millis,
    /// How shapes are learnt.
    pub shaping: Shaping,
    /// How the centre is learnt; the last close without.
    pub centring: Option<Centring>,
    /// How scales follow the newest past between two fits; not at all without.
    pub recalibration: Option<Recalibration>,
}

/// A model of variance by name.
#[derive(Clone)]
pub struct VarianceModel {
    /// Its name.
    pub name: String,
    /// How it is made.
    pub recipe: Recipe,
}

/// A fitted model of variance, or what stands in for it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// There was enough to learn from.
    Learnt(Box<Learnt>),
    /// There wasn't.
    StandIn(gaussian::Fit),
}

/// What was learnt.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Learnt {
    grid: Grid,
    /// What each step moves by in the mean, where that is more than chance; all else is about what remains.
    drift: Option<Drift>,
    season: Season,
    /// Typical variance of a step, by which all are divided.
    level: f64,
    dynamics: Vec<Dynamics>,
    /// One for each step of the horizon.
    shapes: Vec<Shape>,
    centre: Option<Centre>,
    recalibration: Option<Recalibration>,
}

impl Model for VarianceModel {
    type Fitted = Fit;

    fn name(&self) -> &str {
        &self.name
    }

    fn fit(&self, history: &History, grid: &Grid, seed: u64) -> Result<Fit, ModelError> {
        same_step(history, grid)?;
        let floor = variance_floor(history.unit(), last_close(history)?);
        let now = history.last_close_time().unwrap_or_default();
        let known = history.between(now - LOOKBACK, now);
        let moves = Moves::of(&known);
        let drift = Drift::fit(&moves, grid.step);
        let moves = without(moves, drift.as_ref());
        let Some(rows) = training_rows(&moves, self.recipe.training, grid) else {
            return Ok(Fit::StandIn(Gaussian.fit(history, grid, seed)?));
        };
        let learnt = Learnt::fit(&self.recipe, &moves, &rows, grid, floor)?;
        Ok(Fit::Learnt(Box::new(Learnt { drift, ..learnt })))
    }
}

impl Fit {
    /// Number of moves that a forecast looks back on, if it looks at nothing but moves.
    pub(super) fn lookback(&self) -> Option<usize> {
        match self {
            Self::Learnt(learnt) => Some(learnt.lookback()),
            Self::StandIn(_) => None,
        }
    }
}

impl Fitted for Fit {
    fn forecast(&self, history: &History, k: usize) -> Result<Forecast, ModelError> {
        match self {
            Self::Learnt(learnt) => learnt.forecast(history, k),
            Self::StandIn(gaussian) => gaussian.forecast(history, k),
        }
    }
}

impl Learnt {
    fn fit(
        recipe: &Recipe,
        moves: &Moves,
        rows: &[usize],
        grid: &Grid,
        floor: f64,
    ) -> Result<Self, ModelError> {
        let season = Season::fit(moves, grid.step, &recipe.seasoning);
        let blended = moves.blended();
        let level = (blended.iter().sum::<f64>() / blended.len().max(1) as f64).max(floor);
        let seasoned = Seasoned::of(moves, &season, level, grid.step);
        let dynamics = recipe
            .ways
            .iter()
            .map(|way| way.fit(&seasoned, rows, grid.horizon))
            .collect::<Result<Vec<_>, _>>()?;
        let mut learnt = Self {
            grid: *grid,
            drift: None,
            season,
            level,
            dynamics,
            shapes: Vec::new(),
            centre: None,
            recalibration: recipe.recalibration,
        };
        let spreads = learnt.spreads(moves, &seasoned, rows, floor);
        learnt.shapes = learnt.fit_shapes(&recipe.shaping, moves, rows, &spreads);
        if let Some(centring) = &recipe.centring {
            learnt.centre = Some(centring.fit(moves, &seasoned, rows, &spreads, grid.horizon)?);
        }
        Ok(learnt)
    }

    /// For each step, √variance of the move to it from each row: as many values a step as there are rows.
    fn spreads(&self, moves: &Moves, seasoned: &Seasoned, rows: &[usize], floor: f64) -> Vec<f64> {
        let horizon = self.grid.horizon;
        let factors: Vec<f64> = self.season.factors(&moves.opened).collect();
        let at_work = self.at_work(seasoned);
        let mut spreads = vec![0.0; rows.len() * horizon];
        let (mut variances, mut scratch) = (vec![0.0; horizon], vec![0.0; horizon]);
        for (at, row) in rows.iter().enumerate() {
            self.variances(&at_work, *row, &mut variances, &mut scratch);
            let mut total = 0.0;
            let steps = spreads.chunks_exact_mut(rows.len()).zip(&variances);
            for ((spreads, variance), factor) in steps.zip(&factors[row + 1..]) {
                total += (variance * factor).max(floor);
                spreads[at] = total.sqrt();
            }
        }
        spreads
    }

    fn at_work<'a>(&'a self, seasoned: &'a Seasoned<'a>) -> Vec<AtWork<'a>> {
        let dynamics = self.dynamics.iter();
        dynamics
            .map(|dynamics| dynamics.at_work(seasoned))
            .collect()
    }

    /// Expected squared return of each step after `row`, over its season: the geometric mean of all dynamics.
    fn variances(&self, at_work: &[AtWork], row: usize, out: &mut [f64], scratch: &mut [f64]) {
        if let [only] = at_work {
            only.variances(row, out);
        } else {
            out.fill(0.0);
            for one in at_work {
                one.variances(row, scratch);
                for (sum, variance) in out.iter_mut().zip(&*scratch) {
                    *sum += variance.max(f64::MIN_POSITIVE).ln();
                }
            }
            for sum in &mut *out {
                *sum = (*sum / at_work.len() as f64).exp();
            }
        }
        for variance in out {
            *variance *= self.level;
        }
    }

    /// The shape of past moves over the spreads that would have been predicted.
    fn fit_shapes(
        &self,
        shaping: &Shaping,
        moves: &Moves,
        rows: &[usize],
        spreads: &[f64],
    ) -> Vec<Shape> {
        let ladder = Ladder::new();
        let returns = Cumulative::of(moves.returns.iter().copied());
        let spreads = spreads.par_chunks_exact(rows.len()).enumerate();
        let shapes = spreads.map(|(before, spreads)| {
            let moved = rows
                .iter()
                .map(|row| returns.sum(row + 1, row + 2 + before).abs());
            let sizes: Vec<f64> = moved.zip(spreads).map(|(moved, s)| moved / s).collect();
            shaping.fit(&sizes, &ladder)
        });
        shaping.smooth(shapes.collect())
    }

    /// When the bar of `step` opens, whose season counts.
    fn opening(&self, origin: UnixMillis, step: usize) -> UnixMillis {
        self.grid.target(origin, step) - self.grid.step
    }

    fn lookback(&self) -> usize {
        let step = self.grid.step;
        let dynamics = self.dynamics.iter().map(|dynamics| dynamics.lookback(step));
        let centre = self.centre.iter().map(|centre| centre.lookback(step));
        let longest = dynamics.chain(centre).max().unwrap_or(1);
        let recalibration = self.recalibration.as_ref();
        longest + recalibration.map_or(0, |r| r.lookback(step, self.grid.horizon))
    }
}

impl Fitted for Learnt {
    fn forecast(&self, history: &History, k: usize) -> Result<Forecast, ModelError> {
        same_step(history, &self.grid)?;
        let last = last_close(history)?;
        let moves = without(Moves::last(history, self.lookback()), self.drift.as_ref());
        let newest = moves.len().checked_sub(1);
        let Some(newest) = newest.filter(|row| *row + 1 >= FEWEST_MOVES) else {
            return Err(ModelError::TooLittleHistory {
                have: moves.len(),
                need: FEWEST_MOVES,
            });
        };
        let seasoned = Seasoned::of(&moves, &self.season, self.level, self.grid.step);
        let horizon = self.grid.horizon;
        let (mut variances, mut scratch) = (vec![0.0; horizon], vec![0.0; horizon]);
        let at_work = self.at_work(&seasoned);
        self.variances(&at_work, newest, &mut variances, &mut scratch);
        let recalibration = self.recalibration.as_ref();
        let correction = recalibration.map_or(1.0, |r| r.factor(self, &at_work, &moves));
        let centre = self.centre.as_ref();
        let centre = centre.map(|centre| centre.path(&seasoned, newest, horizon));
        let origin = history.last_close_time().unwrap_or_default();
        let floor = variance_floor(history.unit(), last);
        let levels = Levels::new(k);
        let (mut total, mut drifted) = (0.0, 0.0);
        let rows = variances.iter().zip(&self.shapes).zip(1..);
        let rows = rows.map(|((variance, shape), step)| {
            let opening = self.opening(origin, step);
            total += (variance * self.season.factor(opening)).max(floor);
            drifted += self.drift.as_ref().map_or(0.0, |drift| drift.mean(opening));
            let scale = correction * total.sqrt();
            Row {
                centre: drifted + centre.as_ref().map_or(0.0, |path| scale * path[step - 1]),
                scale,
                quantiles: levels.quantiles(shape),
            }
        });
        Ok(spread::around(last, history.unit(), k, rows)?)
    }
}

/// The moves without their drift, if they have one.
fn without<'a>(moves: Moves<'a>, drift: Option<&Drift>) -> Moves<'a> {
    match drift {
        Some(drift) => moves.less(drift),
        None => moves,
    }
}

/// Rows with a filled past and a known future, evenly thinned; `None` where that is too few.
fn training_rows(moves: &Moves, span: Millis, grid: &Grid) -> Option<Vec<usize>> {
    let warm_up = steps_in(Millis::days(30), grid.step).min(moves.len() / 4);
    let start = warm_up.max(moves.len().saturating_sub(steps_in(span, grid.step)));
    let end = moves.len().saturating_sub(grid.horizon);
    let rows: Vec<usize> = (start..end)
        .filter(|row| moves.unbroken(*row, grid.horizon, grid.step))
        .collect();
    let enough = FEWEST_ROWS.max(FEWEST_HORIZONS * grid.horizon);
    let stride = rows.len().div_ceil(MOST_ROWS).max(1);
    (rows.len() >= enough).then(|| rows.into_iter().step_by(stride).collect())
}
