//! Validates and scores the forecasts of a round. No round depends on another, so they are evaluated on all threads.

use std::collections::BTreeMap;

use foretell_core::coldkey::Coldkey;
use foretell_core::forecast::{Forecast, QuantileForecast};
use foretell_core::hotkey::Hotkey;
use foretell_core::price::Price;
use foretell_core::replay::ReplayedPrices;
use foretell_core::rules::Rules;
use foretell_core::score::{MetricSums, Reference, RoundScorer, ScoredForecast};
use foretell_core::series::Series;
use foretell_core::settle::{Settlement, VoidReason};
use foretell_core::time::UnixMillis;
use foretell_data::forecasts::{RawForecast, RoundForecasts};
use foretell_evaluation::metrics::CalibrationSums;
use foretell_evaluation::policy::SettledRound;
use rayon::prelude::*;

use super::exclusion::Exclusion;
use super::plausibility::{Distance, FarForecast, FirstMove, median};
use super::scoreboard::ForecastMetrics;

/// Forecasts of a round that are worth another thread.
const FORECASTS_PER_THREAD: usize = 64;

/// What all rounds of a history are evaluated with.
#[derive(Debug)]
pub struct RoundEvaluator {
    /// The series, whose grid and unit all forecasts must have.
    pub series: Series,
    /// The rules that settle and score.
    pub rules: Rules,
    /// The prices that rounds settle on.
    pub prices: ReplayedPrices,
    /// The reference that advantages are taken against.
    pub reference: Reference,
}

/// A round with a key for each forecaster.
#[derive(Debug)]
pub struct KeyedRound {
    /// The forecasts as they stand in the files, invalid ones too.
    pub forecasts: RoundForecasts,
    /// The forecaster's key, one for each forecast.
    pub keys: Vec<Hotkey>,
    /// Hotkey and coldkey of the forecasters whose owner the files name.
    pub owners: Vec<(Hotkey, Coldkey)>,
}

/// An evaluated round: all that is known of it without the rounds before it.
#[derive(Debug)]
pub struct BacktestRound {
    /// Origin of the round.
    pub origin: UnixMillis,
    /// Anchor, volatility and closes, with gaps.
    pub settlement: Settlement,
    /// The scorer of its forecasts, or why the round is void by the rules of `evidence`.
    pub scorer: Result<RoundScorer, VoidReason>,
    /// Hotkey and coldkey of the forecasters whose owner the files name.
    pub owners: Vec<(Hotkey, Coldkey)>,
    /// Valid forecasts by miner.
    pub forecasts: BTreeMap<Hotkey, Forecast>,
    /// Fans and scores of the valid forecasts; empty in a void round.
    pub scored: BTreeMap<Hotkey, ScoredForecast>,
    /// One for each valid forecast, in the files' order.
    pub metrics: Vec<ForecastMetrics>,
    /// Invalid forecasts with their miners, and why they are.
    pub rejected: Vec<(Hotkey, RawForecast, Exclusion)>,
}

impl RoundEvaluator {
    /// Settles the round, then validates and scores its forecasts.
    pub fn evaluate(&self, round: KeyedRound) -> BacktestRound {
        let RoundForecasts {
            origin,
            forecasts: raw_forecasts,
        } = round.forecasts;
        let settlement = self.prices.settlement(origin);
        let scorer = RoundScorer::new(&self.series, &settlement, &self.reference, &self.rules);
        let context = RoundContext {
            series: &self.series,
            anchor: settlement.anchor.map(Price::get),
            moves: settlement
                .moves(self.series.unit, &self.rules.settlement)
                .ok(),
            scorer: scorer.as_ref().ok(),
        };
        let evaluated_forecasts: Vec<Result<EvaluatedForecast, Exclusion>> = round
            .keys
            .par_iter()
            .zip(&raw_forecasts)
            .with_min_len(FORECASTS_PER_THREAD)
            .map(|(key, raw_forecast)| context.evaluate_forecast(*key, raw_forecast))
            .collect();
        let (mut forecasts, mut scored) = (Vec::new(), Vec::new());
        let (mut metrics, mut rejected) =
            (Vec::with_capacity(evaluated_forecasts.len()), Vec::new());
        let evaluated_forecasts = evaluated_forecasts.into_iter().zip(&round.keys);
        for ((evaluated, key), raw_forecast) in evaluated_forecasts.zip(raw_forecasts) {
            let key = *key;
            match evaluated {
                Ok(evaluated) => {
                    forecasts.push((key, evaluated.forecast));
                    scored.extend(evaluated.scored.map(|scored| (key, scored)));
                    metrics.push(evaluated.metrics);
                }
                Err(why) => rejected.push((key, raw_forecast, why)),
            }
        }
        BacktestRound {
            origin,
            settlement,
            scorer,
            owners: round.owners,
            forecasts: forecasts.into_iter().collect(),
            scored: scored.into_iter().collect(),
            metrics,
            rejected,
        }
    }
}

impl BacktestRound {
    /// The round as policies take it, with the `owners` known so far.
    pub fn settled<'a>(&'a self, owners: &'a BTreeMap<Hotkey, Coldkey>) -> SettledRound<'a> {
        SettledRound {
            origin: self.origin,
            settlement: &self.settlement,
            scorer: self.scorer.as_ref(),
            forecasts: &self.forecasts,
            scored: &self.scored,
            owners,
        }
    }
}

/// What is known of a round before any of its forecasts: all that one is evaluated with.
struct RoundContext<'a> {
    series: &'a Series,
    anchor: Option<f64>,
    /// `None` where the round is void whatever its volatility.
    moves: Option<Vec<Option<f64>>>,
    scorer: Option<&'a RoundScorer>,
}

/// A valid forecast with its score and metrics.
struct EvaluatedForecast {
    forecast: Forecast,
    scored: Option<ScoredForecast>,
    metrics: ForecastMetrics,
}

impl RoundContext<'_> {
    /// How far a valid forecast begins from the price at the origin; `None` without one.
    fn first_move(&self, forecast: &Forecast, raw_forecast: &RawForecast) -> Option<FirstMove> {
        let (anchor, median) = (self.anchor?, median(forecast.row(0))?);
        let volatility = self.scorer.map(|scorer| scorer.outcome.volatility);
        let distance = Distance::new(self.series.unit, anchor, median, volatility);
        Some(FirstMove::new(distance, || FarForecast {
            position: raw_forecast.position(),
            median,
            anchor,
        }))
    }

    /// The forecast, scored as far as the round allows, or why it is invalid.
    fn evaluate_forecast(
        &self,
        key: Hotkey,
        raw_forecast: &RawForecast,
    ) -> Result<EvaluatedForecast, Exclusion> {
        let Series { grid, unit, .. } = *self.series;
        Exclusion::check_shape(raw_forecast, grid.horizon)?;
        let values = raw_forecast.values().to_vec();
        let forecast = Forecast::new(
            raw_forecast.kind(),
            unit,
            grid.horizon,
            raw_forecast.k(),
            values,
        )?;
        let scored = self.scorer.map(|scorer| scorer.score(&forecast));
        let mut metrics = ForecastMetrics {
            key,
            first_move: self.first_move(&forecast, raw_forecast),
            unscaled: None,
            calibration: None,
        };
        if let (Some(moves), Some(anchor)) = (&self.moves, self.anchor) {
            let calibration = match &scored {
                Some(scored) => CalibrationSums::from_forecast(&scored.quantiles, moves),
                None => {
                    let fan = QuantileForecast::from_forecast(&forecast, anchor, unit);
                    metrics.unscaled = Some(Box::new(MetricSums::from_forecast(&fan, moves)));
                    CalibrationSums::from_forecast(&fan, moves)
                }
            };
            metrics.calibration = calibration.map(Box::new);
        }
        Ok(EvaluatedForecast {
            forecast,
            scored,
            metrics,
        })
    }
}
