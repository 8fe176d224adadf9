//! One round of a walk: what happened, what each model had forecast, and the scores.

use std::collections::BTreeMap;

use foretell_core::forecast::Forecast;
use foretell_core::hotkey::Hotkey;
use foretell_core::replay::ReplayedPrices;
use foretell_core::rules::Rules;
use foretell_core::score::{Reference, RoundScorer, ScoredForecast};
use foretell_core::settle::{Settlement, VoidReason};
use foretell_core::time::UnixMillis;

use crate::models::{AnyFittedModel, MAX_LOOKBACK, ModelError};
use crate::price_dataset::PriceDataset;
use crate::price_history::PriceHistory;

/// A scored round of a walk, as it is shown to the caller.
pub struct EvaluatedRound<'a> {
    /// The round's origin T.
    pub origin: UnixMillis,
    /// The outcome, and the reference's score for it.
    pub scorer: &'a RoundScorer,
    /// Name, forecast and score of each model that had a forecast.
    pub models: Vec<(&'a str, &'a ScoredForecast)>,
}

/// What all rounds of a walk share.
pub struct EvaluationContext<'a> {
    pub dataset: &'a PriceDataset,
    /// The dataset's history with its returns, of which every fit and every forecast looks at a part.
    pub history: PriceHistory,
    pub rules: Rules,
    pub prices: ReplayedPrices,
    pub reference: Reference,
    pub k: usize,
}

/// One round with all models' forecasts. Rounds don't depend on each other and are made in parallel.
pub struct RoundResult {
    pub settlement: Settlement,
    pub scorer: Result<RoundScorer, VoidReason>,
    pub forecasts: BTreeMap<Hotkey, Forecast>,
    pub scored: BTreeMap<Hotkey, ScoredForecast>,
    pub model_errors: Vec<(usize, ModelError)>,
}

impl EvaluationContext<'_> {
    /// What happened after `origin`, and what each model had forecast.
    pub fn evaluate_round(
        &self,
        origin: UnixMillis,
        fitted: &[Result<Box<dyn AnyFittedModel>, ModelError>],
    ) -> RoundResult {
        let settlement = self.prices.settlement(origin);
        let scorer = RoundScorer::new(
            &self.dataset.series,
            &settlement,
            &self.reference,
            &self.rules,
        );
        let mut round = RoundResult {
            settlement,
            scorer,
            forecasts: BTreeMap::new(),
            scored: BTreeMap::new(),
            model_errors: Vec::new(),
        };
        let known = self.history.between(origin - MAX_LOOKBACK, origin);
        for (model, fitted) in fitted.iter().enumerate() {
            let forecast = match fitted {
                Ok(fitted) => fitted.forecast(&known, self.k),
                Err(why) => Err(why.clone()),
            };
            match forecast {
                Ok(forecast) => {
                    if let Ok(scorer) = &round.scorer {
                        round
                            .scored
                            .insert(model_hotkey(model), scorer.score(&forecast));
                    }
                    round.forecasts.insert(model_hotkey(model), forecast);
                }
                Err(why) => round.model_errors.push((model, why)),
            }
        }
        round
    }
}

/// The hotkey under which the policy keeps the track record of the model at this place in the list.
pub fn model_hotkey(model: usize) -> Hotkey {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&(model as u64 + 1).to_be_bytes());
    Hotkey(bytes)
}
