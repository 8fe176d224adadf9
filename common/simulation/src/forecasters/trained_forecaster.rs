//! A forecaster that has learnt from the past, and its fans.

use foretell_core::forecast::{POOL_LEVELS, QuantileForecast};

use super::simulated_forecaster::{ForecasterKind, SimulatedForecaster};
use super::variance_model::SimulatedModel;
use crate::counter_rng::{SeedStream, normal};
use crate::historical_market::HistoricalMarket;

/// Standard deviation of the logarithm of a factor on each forecaster's widths, which changes from day to day.
const WIDTH_NOISE: f64 = 0.02;

/// A forecaster that has learnt from the bars before a season.
#[derive(Debug)]
pub struct TrainedForecaster {
    forecaster: SimulatedForecaster,
    model: Option<SimulatedModel>,
    /// Number in the population, from 0, which tells its random numbers from others'.
    number: u64,
}

impl SimulatedForecaster {
    /// Learns from the bars before bar `now`, for forecasts up to bar `until`. `number`, from 0, tells its random
    /// numbers from others'.
    pub fn fit(
        &self,
        market: &HistoricalMarket,
        now: usize,
        until: usize,
        number: u64,
    ) -> TrainedForecaster {
        let model = match self.kind {
            ForecasterKind::Model(spec) => Some(spec.fit(market, now, until)),
            _ => None,
        };
        TrainedForecaster {
            forecaster: *self,
            model,
            number,
        }
    }
}

impl TrainedForecaster {
    /// The model's scale of the move to each step, in bps, when `known` bars are complete; the same for every seed.
    /// Empty without a model.
    pub fn scales(&self, market: &HistoricalMarket, known: usize) -> Vec<f64> {
        let model = self.model.as_ref();
        model.map_or_else(Vec::new, |model| model.scales(market, known))
    }

    /// The fan of a round: from the model's `scales`, or the reference's quantiles (in units of σ_T·√i) and σ_T
    /// (`volatility`, in bps), with the random numbers of `seed`.
    pub fn fan(
        &self,
        scales: &[f64],
        reference: &[f64],
        volatility: f64,
        horizon: usize,
        seed: u64,
        round: u64,
    ) -> QuantileForecast {
        let width = libm::exp(WIDTH_NOISE * self.daily_noise(seed, round));
        let forecaster = self.number;
        let fresh = normal(seed, SeedStream::RoundNoise { forecaster }, round);
        let mut moves = Vec::with_capacity(horizon * POOL_LEVELS);
        for step in 1..=horizon {
            let unit = volatility * libm::sqrt(step as f64);
            match (self.forecaster.kind, &self.model) {
                (ForecasterKind::Model(_), Some(model)) => {
                    let scale = width * scales[step - 1];
                    moves.extend(model.quantiles(step).iter().map(|q| scale * q));
                }
                (ForecasterKind::RandomShift(share), _) => {
                    let shift = share * fresh;
                    moves.extend(reference.iter().map(|q| unit * (q + shift)));
                }
                (ForecasterKind::RandomWidth(share), _) => {
                    let factor = libm::exp(share * fresh);
                    moves.extend(reference.iter().map(|q| unit * factor * q));
                }
                _ => moves.extend(reference.iter().map(|q| unit * q)),
            }
        }
        QuantileForecast::from_moves(POOL_LEVELS, moves)
    }

    /// Standard normal numbers, one a day of 48 rounds, interpolated between days.
    fn daily_noise(&self, seed: u64, round: u64) -> f64 {
        let (day, part) = (round / 48, (round % 48) as f64 / 48.0);
        let stream = SeedStream::DailyWidth {
            forecaster: self.number,
        };
        let at = |day| normal(seed, stream, day);
        (1.0 - part) * at(day) + part * at(day + 1)
    }
}
