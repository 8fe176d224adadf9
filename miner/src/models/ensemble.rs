//! `ensemble`: the level-by-level mean of several models, weighted by their recent scores (inverse CRPS with decay).
//!
//! Each member is fitted on all but the newest weeks and validated on these, which gives its weight; then it is fitted
//! on all.

use foretell_core::forecast::{Forecast, QuantileForecast};
use foretell_core::score::crps::crps;
use foretell_core::series::Grid;
use foretell_core::time::Millis;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::model::{FittedModel, Model, ModelError, last_close};
use super::variance::{FittedOrFallback, VarianceModel};
use super::{ablations, garch_t};
use crate::price_history::PriceHistory;

/// Newest part of the history, on which members are validated.
const VALIDATION_SPAN: Millis = Millis::days(60);
/// Time between two origins of the validation.
const VALIDATION_STRIDE: Millis = Millis::hours(4);
/// Half-life of a validation round's weight.
const HALF_LIFE: Millis = Millis::days(30);
/// Quantiles per step of a validation's forecasts.
const VALIDATION_K: usize = 19;
/// Weights are (best CRPS / CRPS) to this power: 1 % worse is worth 0.9 as much.
const WEIGHT_EXPONENT: f64 = 10.0;

/// The models whose forecasts are averaged.
#[derive(Clone)]
pub struct Ensemble(Vec<VarianceModel>);

/// Members with their weights, which sum to 1.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FittedEnsemble(Vec<(f64, FittedOrFallback)>);

/// The members but GARCH: ablations of `har`.
const VARIANTS: [&str; 4] = [
    "har+asymmetric",
    "har+asymmetric+train-90d",
    "har+cascade",
    "har+rich-net",
];

/// Models as unlike each other as good ones are: their errors differ, so that the mean errs less.
pub fn ensemble() -> Ensemble {
    let variants = VARIANTS.into_iter().filter_map(ablations::by_name);
    Ensemble(variants.chain([garch_t::garch_t()]).collect())
}

impl Model for Ensemble {
    type Fitted = FittedEnsemble;

    fn name(&self) -> &str {
        "ensemble"
    }

    fn fit(
        &self,
        history: &PriceHistory,
        grid: &Grid,
        seed: u64,
    ) -> Result<FittedEnsemble, ModelError> {
        let losses = self.validation_losses(history, grid, seed);
        let best = losses.iter().copied().fold(f64::INFINITY, f64::min);
        let usable = best > 0.0 && losses.iter().all(|loss| loss.is_finite());
        let weights: Vec<f64> = losses
            .iter()
            .map(|loss| {
                if usable {
                    (best / loss).powf(WEIGHT_EXPONENT)
                } else {
                    1.0
                }
            })
            .collect();
        let total: f64 = weights.iter().sum();
        let members = self.0.par_iter().zip(&weights);
        members
            .map(|(model, weight)| Ok((weight / total, model.fit(history, grid, seed)?)))
            .collect::<Result<_, _>>()
            .map(FittedEnsemble)
    }
}

impl Ensemble {
    /// Each member's mean CRPS on the newest part of the history; infinite if it can't be validated.
    fn validation_losses(&self, history: &PriceHistory, grid: &Grid, seed: u64) -> Vec<f64> {
        let now = history.last_close_time().unwrap_or_default();
        let cut = now - VALIDATION_SPAN;
        let before = history.until(cut);
        let every = grid
            .step
            .times((VALIDATION_STRIDE.get() / grid.step.get()).max(1));
        let origins = std::iter::successors(Some(cut), |t| Some(*t + every));
        let rounds: Vec<_> = origins
            .take_while(|t| *t + grid.span() <= now)
            .filter_map(|t| {
                let known = history.until(t);
                let future = history.between(t, t + grid.span());
                let whole =
                    known.last_close_time() == Some(t) && future.bars().len() == grid.horizon;
                let weight = 0.5_f64.powf((now - t).get() as f64 / HALF_LIFE.get() as f64);
                whole.then_some((known, future, weight))
            })
            .collect();
        let members = self.0.par_iter();
        members
            .map(|model| {
                let validated = model.fit(&before, grid, seed).and_then(|fitted| {
                    let losses = rounds
                        .iter()
                        .map(|(known, future, weight)| Ok(weight * loss(&fitted, known, future)?));
                    losses.sum::<Result<f64, ModelError>>()
                });
                let total: f64 = rounds.iter().map(|(.., weight)| weight).sum();
                validated.map_or(f64::INFINITY, |sum| sum / total)
            })
            .collect()
    }
}

/// Mean CRPS of the forecast from `known` in what came after.
fn loss(
    fitted: &FittedOrFallback,
    known: &PriceHistory,
    future: &PriceHistory,
) -> Result<f64, ModelError> {
    let anchor = last_close(known)?;
    let forecast = fitted.forecast(known, VALIDATION_K)?;
    let fan = QuantileForecast::from_forecast(&forecast, anchor, known.unit());
    let steps = fan.rows().zip(future.bars());
    let losses = steps.map(|(row, bar)| crps(row, known.unit().change(anchor, bar.close.get())));
    Ok(losses.sum::<f64>() / future.bars().len().max(1) as f64)
}

impl FittedModel for FittedEnsemble {
    fn forecast(&self, history: &PriceHistory, k: usize) -> Result<Forecast, ModelError> {
        let lookbacks = self.0.iter().map(|(_, member)| member.lookback());
        let lookbacks: Option<Vec<usize>> = lookbacks.collect();
        let history = match lookbacks.and_then(|all| all.into_iter().max()) {
            Some(longest) => history.clone().with_newest_returns(longest),
            None => history.clone(),
        };
        let members = self.0.par_iter();
        let forecasts: Vec<Forecast> = members
            .map(|(_, member)| member.forecast(&history, k))
            .collect::<Result<_, _>>()?;
        let mut values = Vec::new();
        let mut horizon = 0;
        for ((weight, _), forecast) in self.0.iter().zip(&forecasts) {
            horizon = forecast.horizon();
            values.resize(forecast.values().len(), 0.0);
            for (sum, value) in values.iter_mut().zip(forecast.values()) {
                *sum += weight * value;
            }
        }
        // The last bits of these sums may cross where the members' quantiles are equal.
        for row in values.chunks_exact_mut(k.max(1)) {
            row.sort_by(f64::total_cmp);
        }
        Ok(Forecast::quantiles(history.unit(), horizon, k, values)?)
    }
}
