//! How the variance of the coming steps follows from past returns, both deseasonalised.

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
/// Length of the returns that an average starts from, in half-lives.
const EWMA_BURN_IN_HALF_LIVES: i64 = 10;

/// How dynamics are learnt.
#[derive(Clone, Copy)]
pub enum DynamicsSpec {
    /// A regression of log variance on features.
    Regression {
        /// The features of the regression.
        features: FeatureSet,
        /// What solves it for one bucket of steps.
        solve: RegressionSolver,
        /// How far each bucket's coefficients are shrunk to the mean of all, from 0 to 1.
        shrinkage: f64,
    },
    /// GARCH(1,1), fitted by the likelihood of Student's t.
    Garch,
    /// An exponential average with this half-life, which stays as it is.
    Ewma(Millis),
}

/// What a [`DynamicsSpec`] has learnt.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dynamics {
    /// Features, their scaling, and the coefficients of each bucket.
    Regression(LogVarianceRegression),
    /// Long-run variance, α and β.
    Garch(Garch),
    /// The half-life, which is given and not learnt.
    Ewma(Millis),
}

/// Dynamics applied to some returns: the variance expected after any of their rows.
pub struct FilteredDynamics<'a> {
    dynamics: &'a Dynamics,
    deseasonalised: &'a DeseasonalisedReturns<'a>,
    /// For GARCH and averages: variance one step after each row.
    filtered: Vec<f64>,
}

impl DynamicsSpec {
    /// Learns from these returns; each of `rows` is followed by `horizon` known steps.
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

    /// These dynamics, applied to these returns.
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
                let decay =
                    0.5_f64.powf(deseasonalised.step().get() as f64 / half_life.get() as f64);
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
    /// Expected squared deseasonalised return of each step to come, as known when `row` closed.
    pub fn variances(&self, row: usize, out: &mut [f64]) {
        let next = self.filtered.get(row).copied().unwrap_or(0.0);
        match self.dynamics {
            Dynamics::Regression(regression) => regression.variances(self.deseasonalised, row, out),
            Dynamics::Garch(garch) => garch.variances(next, out),
            Dynamics::Ewma(_) => out.fill(next),
        }
    }
}
