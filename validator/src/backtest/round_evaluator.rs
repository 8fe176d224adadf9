//! What the forecasts of a round come to. Every round is judged on its own, on whichever thread.

use std::collections::BTreeMap;

use foretell_core::forecast::{Forecast, ForecastRejection, QuantileForecast};
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

use super::scoreboard::ForecastMetrics;

/// Entries of a round that are worth another thread.
const FORECASTS_PER_THREAD: usize = 64;

/// What all rounds are judged by.
#[derive(Debug)]
pub struct RoundEvaluator {
    /// What is foreseen.
    pub series: Series,
    /// By which rules.
    pub rules: Rules,
    /// What context.
    pub prices: ReplayedPrices,
    /// What everybody is compared with.
    pub reference: Reference,
}

/// A round whose forecasters have keys.
#[derive(Debug)]
pub struct KeyedRound {
    /// As they stand in the files.
    pub forecasts: RoundForecasts,
    /// One an entry.
    pub keys: Vec<Hotkey>,
    /// Coldkeys of those whose the files name.
    pub owners: Vec<(Hotkey, Hotkey)>,
}

/// A round and all that there is to say of it without the rounds before it.
#[derive(Debug)]
pub struct BacktestRound {
    /// The round.
    pub origin: UnixMillis,
    /// Its prices.
    pub settlement: Settlement,
    /// What its forecasts were judged by, or why it is void.
    pub scorer: Result<RoundScorer, VoidReason>,
    /// Coldkeys of those whose the files name.
    pub owners: Vec<(Hotkey, Hotkey)>,
    /// Those that are valid.
    pub forecasts: BTreeMap<Hotkey, Forecast>,
    /// Their fans and scores; none of a void round.
    pub scored: BTreeMap<Hotkey, ScoredForecast>,
    /// One a valid forecast, in the files' order.
    pub metrics: Vec<ForecastMetrics>,
    /// Entries that are no forecasts, and why.
    pub rejected: Vec<(RawForecast, ForecastRejection)>,
}

impl RoundEvaluator {
    /// The round, judged.
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
        let evaluated_forecasts: Vec<Result<EvaluatedForecast, ForecastRejection>> = round
            .keys
            .par_iter()
            .zip(&raw_forecasts)
            .with_min_len(FORECASTS_PER_THREAD)
            .map(|(key, raw_forecast)| context.evaluate_forecast(*key, raw_forecast))
            .collect();
        let (mut forecasts, mut scored) = (Vec::new(), Vec::new());
        let (mut metrics, mut rejected) =
            (Vec::with_capacity(evaluated_forecasts.len()), Vec::new());
        for (evaluated, raw_forecast) in evaluated_forecasts.into_iter().zip(raw_forecasts) {
            match evaluated {
                Ok(evaluated) => {
                    let key = evaluated.metrics.key;
                    forecasts.push((key, evaluated.forecast));
                    scored.extend(evaluated.scored.map(|scored| (key, scored)));
                    metrics.push(evaluated.metrics);
                }
                Err(why) => rejected.push((raw_forecast, why)),
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
    /// What policies look at.
    pub fn settled<'a>(&'a self, owners: &'a BTreeMap<Hotkey, Hotkey>) -> SettledRound<'a> {
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

/// What happened in a round: all that a forecast is judged by.
struct RoundContext<'a> {
    series: &'a Series,
    anchor: Option<f64>,
    /// `None` where the round is void whatever its volatility.
    moves: Option<Vec<Option<f64>>>,
    scorer: Option<&'a RoundScorer>,
}

/// A valid forecast and what its round says of it.
struct EvaluatedForecast {
    forecast: Forecast,
    scored: Option<ScoredForecast>,
    metrics: ForecastMetrics,
}

impl RoundContext<'_> {
    /// The forecast of an entry, judged as far as the round allows, or why it is none.
    fn evaluate_forecast(
        &self,
        key: Hotkey,
        raw_forecast: &RawForecast,
    ) -> Result<EvaluatedForecast, ForecastRejection> {
        let Series { grid, unit, .. } = *self.series;
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
