//! How the variance of the coming steps follows from the past, season apart.

use foretell_core::time::Millis;
use serde::{Deserialize, Serialize};

use super::garch::Garch;
use super::regression::{Regression, Solver};
use crate::features::{Features, Seasoned};
use crate::models::ModelError;
use crate::moves::steps_in;

/// Span of returns that a GARCH is fitted on.
const GARCH_SPAN: Millis = Millis::days(60);
/// Span of returns that a fitted GARCH starts from: after 5,760 five-minute returns nothing is left of the start.
const GARCH_MEMORY: Millis = Millis::days(20);
/// Half-lives that an average starts from.
const EWMA_HALF_LIVES: i64 = 10;

/// A way to learn dynamics.
#[derive(Clone, Copy)]
pub enum Way {
    /// A regression of log variance on features.
    Regression {
        /// What it looks at.
        features: Features,
        /// How it is solved.
        solve: Solver,
        /// How far each bucket's coefficients are drawn to the mean of all.
        pull: f64,
    },
    /// GARCH(1,1) with Student's t.
    Garch,
    /// An exponential average with this half-life, which stays as it is.
    Ewma(Millis),
}

/// What a [`Way`] has learnt.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dynamics {
    /// Features and coefficients.
    Regression(Regression),
    /// The three parameters.
    Garch(Garch),
    /// Half-life.
    Ewma(Millis),
}

/// Dynamics at work on some past.
pub struct AtWork<'a> {
    dynamics: &'a Dynamics,
    seasoned: &'a Seasoned<'a>,
    /// For GARCH and averages: variance one step after each row.
    filtered: Vec<f64>,
}

impl Way {
    /// Learns from the past, whose `rows` have a known future of `horizon` steps.
    pub fn fit(
        self,
        seasoned: &Seasoned,
        rows: &[usize],
        horizon: usize,
    ) -> Result<Dynamics, ModelError> {
        Ok(match self {
            Self::Regression {
                features,
                solve,
                pull,
            } => Dynamics::Regression(Regression::fit(
                features, solve, pull, horizon, seasoned, rows,
            )?),
            Self::Garch => {
                let squared: Vec<f64> = seasoned.squares().collect();
                let span = steps_in(GARCH_SPAN, seasoned.step());
                Dynamics::Garch(Garch::fit(&squared[squared.len().saturating_sub(span)..])?)
            }
            Self::Ewma(half_life) => Dynamics::Ewma(half_life),
        })
    }
}

impl Dynamics {
    /// Number of moves that a forecast looks back on.
    pub fn lookback(&self, step: Millis) -> usize {
        match self {
            Self::Regression(regression) => regression.lookback(step),
            Self::Garch(_) => steps_in(GARCH_MEMORY, step),
            Self::Ewma(half_life) => steps_in(half_life.times(EWMA_HALF_LIVES), step),
        }
    }

    /// These dynamics on that past.
    pub fn at_work<'a>(&'a self, seasoned: &'a Seasoned<'a>) -> AtWork<'a> {
        let filtered = match self {
            Self::Regression(_) => Vec::new(),
            Self::Garch(garch) => garch.filter(seasoned.squares()).collect(),
            Self::Ewma(half_life) => {
                let decay = 0.5_f64.powf(seasoned.step().0 as f64 / half_life.0 as f64);
                let start = seasoned.blended().overall_mean();
                seasoned
                    .blends()
                    .scan(start, move |mean, value| {
                        *mean = decay * *mean + (1.0 - decay) * value;
                        Some(*mean)
                    })
                    .collect()
            }
        };
        AtWork {
            dynamics: self,
            seasoned,
            filtered,
        }
    }
}

impl AtWork<'_> {
    /// Expected squared return of each step to come, over its season, as known when `row` closed.
    pub fn variances(&self, row: usize, out: &mut [f64]) {
        let next = self.filtered.get(row).copied().unwrap_or(0.0);
        match self.dynamics {
            Dynamics::Regression(regression) => regression.variances(self.seasoned, row, out),
            Dynamics::Garch(garch) => garch.variances(next, out),
            Dynamics::Ewma(_) => out.fill(next),
        }
    }
}
