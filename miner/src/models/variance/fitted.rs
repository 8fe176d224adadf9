//! A fitted model of variance: from the newest returns to a forecast.

use foretell_core::forecast::Forecast;
use foretell_core::series::Grid;
use foretell_core::time::UnixMillis;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::conditional_mean::ConditionalMean;
use super::dynamics::{Dynamics, FilteredDynamics};
use super::residual_distribution::{
    QuantileInterpolator, ResidualDistribution, ResidualDistributionSpec,
};
use super::scale_recalibration::ScaleRecalibration;
use super::spec::ModelSpec;
use super::student_t::StudentTables;
use crate::deseasonalised_returns::DeseasonalisedReturns;
use crate::diurnal_drift::DiurnalDrift;
use crate::diurnal_profile::DiurnalProfile;
use crate::models::location_scale::{self, LocationScale};
use crate::models::model::{FittedModel, ModelError, check_step, last_close};
use crate::prefix_sums::PrefixSums;
use crate::price_history::PriceHistory;
use crate::returns::{Returns, variance_floor};

/// Fewest returns to forecast from.
const MIN_RETURNS: usize = 12;

/// What a model of variance has learnt.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FittedVarianceModel {
    grid: Grid,
    /// The mean move of each step by the calendar, where there is one; all else is learnt without it.
    drift: Option<DiurnalDrift>,
    diurnal_profile: DiurnalProfile,
    /// Mean variance of a step, which dynamics are relative to.
    level: f64,
    dynamics: Vec<Dynamics>,
    /// One for each step of the horizon, in order.
    residual_distributions: Vec<ResidualDistribution>,
    conditional_mean: Option<ConditionalMean>,
    recalibration: Option<ScaleRecalibration>,
}

impl FittedVarianceModel {
    /// Learns from `returns`, which are without `drift`; `rows` are those with a known future, and no step varies less
    /// than `floor`.
    pub fn fit(
        spec: &ModelSpec,
        returns: &Returns,
        drift: Option<DiurnalDrift>,
        rows: &[usize],
        grid: &Grid,
        floor: f64,
    ) -> Result<Self, ModelError> {
        let diurnal_profile = DiurnalProfile::fit(returns, grid.step, &spec.diurnal_profile);
        let blended = returns.blended_variance();
        let level = (blended.iter().sum::<f64>() / blended.len().max(1) as f64).max(floor);
        let deseasonalised =
            DeseasonalisedReturns::new(returns, &diurnal_profile, level, grid.step);
        let dynamics = spec
            .dynamics
            .iter()
            .map(|dynamics_spec| dynamics_spec.fit(&deseasonalised, rows, grid.horizon))
            .collect::<Result<Vec<_>, _>>()?;
        let mut fitted = Self {
            grid: *grid,
            drift,
            diurnal_profile,
            level,
            dynamics,
            residual_distributions: Vec::new(),
            conditional_mean: None,
            recalibration: spec.recalibration,
        };
        let scales = fitted.scales(returns, &deseasonalised, rows, floor);
        fitted.residual_distributions =
            fitted.fit_residual_distributions(&spec.residual_distribution, returns, rows, &scales);
        if let Some(conditional_mean) = &spec.conditional_mean {
            fitted.conditional_mean = Some(conditional_mean.fit(
                returns,
                &deseasonalised,
                rows,
                &scales,
                grid.horizon,
            )?);
        }
        Ok(fitted)
    }

    /// For each step, √variance of the move to it from each row: as many values a step as there are rows.
    fn scales(
        &self,
        returns: &Returns,
        deseasonalised: &DeseasonalisedReturns,
        rows: &[usize],
        floor: f64,
    ) -> Vec<f64> {
        let horizon = self.grid.horizon;
        let factors: Vec<f64> = self.diurnal_profile.factors(&returns.open_times).collect();
        let filtered_dynamics = self.filter_dynamics(deseasonalised);
        let mut scales = vec![0.0; rows.len() * horizon];
        let (mut variances, mut scratch) = (vec![0.0; horizon], vec![0.0; horizon]);
        for (at, row) in rows.iter().enumerate() {
            self.variances(&filtered_dynamics, *row, &mut variances, &mut scratch);
            let mut total = 0.0;
            let steps = scales.chunks_exact_mut(rows.len()).zip(&variances);
            for ((scales, variance), factor) in steps.zip(&factors[row + 1..]) {
                total += (variance * factor).max(floor);
                scales[at] = total.sqrt();
            }
        }
        scales
    }

    fn filter_dynamics<'a>(
        &'a self,
        deseasonalised: &'a DeseasonalisedReturns<'a>,
    ) -> Vec<FilteredDynamics<'a>> {
        let dynamics = self.dynamics.iter();
        dynamics
            .map(|dynamics| dynamics.filter(deseasonalised))
            .collect()
    }

    /// Expected squared return of each step after `row`, diurnal profile apart: the geometric mean of all dynamics.
    fn variances(
        &self,
        filtered_dynamics: &[FilteredDynamics],
        row: usize,
        out: &mut [f64],
        scratch: &mut [f64],
    ) {
        if let [only] = filtered_dynamics {
            only.variances(row, out);
        } else {
            out.fill(0.0);
            for one in filtered_dynamics {
                one.variances(row, scratch);
                for (sum, variance) in out.iter_mut().zip(&*scratch) {
                    *sum += variance.max(f64::MIN_POSITIVE).ln();
                }
            }
            for sum in &mut *out {
                *sum = (*sum / filtered_dynamics.len() as f64).exp();
            }
        }
        for variance in out {
            *variance *= self.level;
        }
    }

    /// The distribution of past returns over the scales that would have been predicted.
    fn fit_residual_distributions(
        &self,
        residual_distribution: &ResidualDistributionSpec,
        returns: &Returns,
        rows: &[usize],
        scales: &[f64],
    ) -> Vec<ResidualDistribution> {
        let student_tables = StudentTables::new();
        let cumulative_returns = PrefixSums::new(returns.values.iter().copied());
        let scales = scales.par_chunks_exact(rows.len()).enumerate();
        let distributions = scales.map(|(before, scales)| {
            let moved = rows
                .iter()
                .map(|row| cumulative_returns.sum(row + 1, row + 2 + before).abs());
            let magnitudes: Vec<f64> = moved.zip(scales).map(|(moved, s)| moved / s).collect();
            residual_distribution.fit(&magnitudes, &student_tables)
        });
        residual_distribution.smooth(distributions.collect())
    }

    /// When the bar of `step` opens: the time that diurnal profile and drift go by.
    fn open_time(&self, origin: UnixMillis, step: usize) -> UnixMillis {
        self.grid.target(origin, step) - self.grid.step
    }

    /// Number of returns that a forecast looks back on.
    pub fn lookback(&self) -> usize {
        let step = self.grid.step;
        let dynamics = self.dynamics.iter().map(|dynamics| dynamics.lookback(step));
        let conditional_mean = self
            .conditional_mean
            .iter()
            .map(|conditional_mean| conditional_mean.lookback(step));
        let longest = dynamics.chain(conditional_mean).max().unwrap_or(1);
        let recalibration = self.recalibration.as_ref();
        longest + recalibration.map_or(0, |r| r.lookback(step, self.grid.horizon))
    }
}

impl FittedModel for FittedVarianceModel {
    fn forecast(&self, history: &PriceHistory, k: usize) -> Result<Forecast, ModelError> {
        check_step(history, &self.grid)?;
        let last = last_close(history)?;
        let returns = subtract_drift(history.newest_returns(self.lookback()), self.drift.as_ref());
        let newest = returns.len().checked_sub(1);
        let Some(newest) = newest.filter(|row| *row + 1 >= MIN_RETURNS) else {
            return Err(ModelError::TooLittleHistory {
                have: returns.len(),
                need: MIN_RETURNS,
            });
        };
        let deseasonalised =
            DeseasonalisedReturns::new(&returns, &self.diurnal_profile, self.level, self.grid.step);
        let horizon = self.grid.horizon;
        let (mut variances, mut scratch) = (vec![0.0; horizon], vec![0.0; horizon]);
        let filtered_dynamics = self.filter_dynamics(&deseasonalised);
        self.variances(&filtered_dynamics, newest, &mut variances, &mut scratch);
        let recalibration = self.recalibration.as_ref();
        let correction = recalibration.map_or(1.0, |r| {
            r.factor(
                &self.grid,
                &returns,
                &self.diurnal_profile,
                &self.residual_distributions,
                |row, out| self.variances(&filtered_dynamics, row, out, &mut scratch),
            )
        });
        let conditional_mean = self.conditional_mean.as_ref();
        let conditional_mean = conditional_mean
            .map(|conditional_mean| conditional_mean.path(&deseasonalised, newest, horizon));
        let origin = history.last_close_time().unwrap_or_default();
        let floor = variance_floor(history.unit(), last);
        let interpolator = QuantileInterpolator::new(k);
        let (mut total, mut cumulative_drift) = (0.0, 0.0);
        let rows = variances.iter().zip(&self.residual_distributions).zip(1..);
        let rows = rows.map(|((variance, distribution), step)| {
            let open_time = self.open_time(origin, step);
            total += (variance * self.diurnal_profile.factor(open_time)).max(floor);
            cumulative_drift += self
                .drift
                .as_ref()
                .map_or(0.0, |drift| drift.mean(open_time));
            let scale = correction * total.sqrt();
            LocationScale {
                location: cumulative_drift
                    + conditional_mean
                        .as_ref()
                        .map_or(0.0, |path| scale * path[step - 1]),
                scale,
                quantiles: interpolator.quantiles(distribution),
            }
        });
        Ok(location_scale::build_forecast(
            last,
            history.unit(),
            k,
            rows,
        )?)
    }
}

/// The returns without their drift, if they have one.
pub fn subtract_drift<'a>(returns: Returns<'a>, drift: Option<&DiurnalDrift>) -> Returns<'a> {
    match drift {
        Some(drift) => drift.subtract_from(returns),
        None => returns,
    }
}
