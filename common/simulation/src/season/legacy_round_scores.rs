//! The scores of a round by the older policies.

use std::collections::BTreeMap;

use foretell_core::forecast::{Forecast, ForecastKind, QuantileForecast};
use foretell_core::hotkey::Hotkey;
use foretell_core::price::Price;
use foretell_core::series::Unit;
use foretell_core::settle::Settlement;
use foretell_evaluation::policy::{synth_increments, taoshi};

use super::schaake_shuffle::SchaakeShuffle;

/// Scores of every hotkey with a valid forecast, by the older policies.
#[derive(Debug)]
pub struct LegacyRoundScores {
    /// Realised closes; `None` if there are gaps.
    pub closes: Option<Vec<f64>>,
    /// Weighted RMSE of policy `taoshi`.
    pub errors: BTreeMap<Hotkey, f64>,
    /// Sum of CRPS of policy `increments`.
    pub sums: BTreeMap<Hotkey, f64>,
}

impl LegacyRoundScores {
    /// Scores a fan; if it is the same as that of hotkey `same_fan`, by copying the scores.
    pub(super) fn add(
        &mut self,
        key: Hotkey,
        fan: &QuantileForecast,
        same_fan: Option<Hotkey>,
        settlement: &Settlement,
        shuffle: &SchaakeShuffle,
    ) {
        if let Some(same_fan) = same_fan {
            for scores in [&mut self.errors, &mut self.sums] {
                if let Some(value) = scores.get(&same_fan).copied() {
                    scores.insert(key, value);
                }
            }
            return;
        }
        let Some(anchor) = settlement.anchor.map(Price::get) else {
            return;
        };
        let horizon = settlement.closes.len();
        let (k, moves) = shuffle.paths(fan);
        let prices = moves
            .into_iter()
            .map(|change| anchor * libm::exp(1e-4 * change));
        let forecast = Forecast::new(
            ForecastKind::Paths,
            Unit::LogPrice,
            horizon,
            k,
            prices.collect(),
        );
        let Ok(forecast) = forecast else { return };
        if let Some(closes) = &self.closes {
            let errors = taoshi::ForecastErrors::new(&taoshi::TaoshiConfig::default(), horizon);
            self.errors
                .insert(key, errors.weighted_rmse(&forecast, closes));
        }
        let config = synth_increments::SynthIncrementsConfig::default();
        if let Some(sum) = synth_increments::sum_of_crps(&forecast, settlement, &config) {
            self.sums.insert(key, sum);
        }
    }
}
