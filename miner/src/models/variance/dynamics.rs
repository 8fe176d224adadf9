//! How the variance of the coming steps follows from the past, season apart.

use foretell_core::time::Millis;
use serde::{Deserialize, Serialize};

use super::garch::Garch;
use super::log_variance_regression::{LogVarianceRegression, RegressionSolver};
use crate::deseasonalised_returns::DeseasonalisedReturns;
use crate::features::FeatureSet;
use crate::models::model::ModelError;
use crate::returns::steps_in;

/// Span of returns that a GARCH is fitted on.
const GARCH_SPAN: Millis = Millis::days(60);
/// Span of returns that a fitted GARCH starts from: after 5,760 five-minute returns nothing is left of the start.
const GARCH_BURN_IN: Millis = Millis::days(20);
/// Half-lives that an average starts from.
const EWMA_BURN_IN_HALF_LIVES: i64 = 10;

/// A way to learn dynamics.
#[derive(Clone, Copy)]
pub enum DynamicsSpec {
    /// A regression of log variance on features.
    Regression {
        /// What it looks at.
        features: FeatureSet,
        /// How it is solved.
        solve: RegressionSolver,
        /// How far each bucket's coefficients are drawn to the mean of all.
        shrinkage: f64,
    },
    /// GARCH(1,1) with Student's t.
    Garch,
    /// An exponential average with this half-life, which stays as it is.
    Ewma(Millis),
}

/// What a [`DynamicsSpec`] has learnt.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dynamics {
    /// Features and coefficients.
    Regression(LogVarianceRegression),
    /// The three parameters.
    Garch(Garch),
    /// Half-life.
    Ewma(Millis),
}

/// Dynamics at work on some past.
pub struct FilteredDynamics<'a> {
    dynamics: &'a Dynamics,
    deseasonalised: &'a DeseasonalisedReturns<'a>,
    /// For GARCH and averages: variance one step after each row.
    filtered: Vec<f64>,
}

impl DynamicsSpec {
    /// Learns from the past, whose `rows` have a known future of `horizon` steps.
    pub fn fit(
        self,
        deseasonalised: &DeseasonalisedReturns,
        rows: &[usize],
        horizon: usize,
    ) -> Result<Dynamics, ModelError> {
        Ok(match self {
            Self::Regression {
                features,
                solve,
                shrinkage,
            } => Dynamics::Regression(LogVarianceRegression::fit(
                features,
                solve,
                shrinkage,
                horizon,
                deseasonalised,
                rows,
            )?),
            Self::Garch => {
                let squared: Vec<f64> = deseasonalised.squared_return_values().collect();
                let span = steps_in(GARCH_SPAN, deseasonalised.step());
                Dynamics::Garch(Garch::fit(&squared[squared.len().saturating_sub(span)..])?)
            }
            Self::Ewma(half_life) => Dynamics::Ewma(half_life),
        })
    }
}

impl Dynamics {
    /// Number of returns that a forecast looks back on.
    pub fn lookback(&self, step: Millis) -> usize {
        match self {
            Self::Regression(regression) => regression.lookback(step),
            Self::Garch(_) => steps_in(GARCH_BURN_IN, step),
            Self::Ewma(half_life) => steps_in(half_life.times(EWMA_BURN_IN_HALF_LIVES), step),
        }
    }

    /// These dynamics on that past.
    pub fn filter<'a>(
        &'a self,
        deseasonalised: &'a DeseasonalisedReturns<'a>,
    ) -> FilteredDynamics<'a> {
        let filtered = match self {
            Self::Regression(_) => Vec::new(),
            Self::Garch(garch) => garch
                .filter(deseasonalised.squared_return_values())
                .collect(),
            Self::Ewma(half_life) => {
                let decay = 0.5_f64.powf(deseasonalised.step().0 as f64 / half_life.0 as f64);
                let start = deseasonalised.blended_variance().overall_mean();
                deseasonalised
                    .blended_variance_values()
                    .scan(start, move |mean, value| {
                        *mean = decay * *mean + (1.0 - decay) * value;
                        Some(*mean)
                    })
                    .collect()
            }
        };
        FilteredDynamics {
            dynamics: self,
            deseasonalised,
            filtered,
        }
    }
}

impl FilteredDynamics<'_> {
    /// Expected squared return of each step to come, over its season, as known when `row` closed.
    pub fn variances(&self, row: usize, out: &mut [f64]) {
        let next = self.filtered.get(row).copied().unwrap_or(0.0);
        match self.dynamics {
            Dynamics::Regression(regression) => regression.variances(self.deseasonalised, row, out),
            Dynamics::Garch(garch) => garch.variances(next, out),
            Dynamics::Ewma(_) => out.fill(next),
        }
    }
}
