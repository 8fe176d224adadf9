//! What all forecasts of one round are judged by: made once, then the same for everybody.

use super::reference::Reference;
use super::scaled_crps::Score;
use crate::forecast::{Forecast, POOL_LEVELS, QuantileForecast};
use crate::outcome::Outcome;
use crate::price::Price;
use crate::rules::{Rules, ScoreRules};
use crate::series::{Series, Unit};
use crate::settle::{Settlement, VoidReason};

/// A settled round, ready to judge forecasts.
#[derive(Debug, Clone)]
pub struct RoundScorer {
    /// What happened.
    pub outcome: Outcome,
    /// The reference's score.
    pub reference_score: Score,
    reference: Reference,
    /// What errors of the outcome's steps are measured in.
    scales: Vec<f64>,
    anchor: f64,
    unit: Unit,
    rules: ScoreRules,
}

/// A forecast as its round saw it.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredForecast {
    /// Moves from the anchor.
    pub quantiles: QuantileForecast,
    /// Its score.
    pub score: Score,
}

impl ScoredForecast {
    /// The same with a fan of no more than the common levels, which is all that pooling looks at.
    pub fn pooled(&self) -> Self {
        let quantiles = if self.quantiles.k() > POOL_LEVELS {
            self.quantiles.resampled().into_owned()
        } else {
            self.quantiles.clone()
        };
        Self {
            quantiles,
            score: self.score.clone(),
        }
    }
}

impl RoundScorer {
    /// The scorer of a round with these prices, or why the round is void.
    pub fn new(
        series: &Series,
        settlement: &Settlement,
        reference: &Reference,
        rules: &Rules,
    ) -> Result<Self, VoidReason> {
        let outcome = settlement.outcome(series.unit, &rules.settlement)?;
        let score = reference
            .score(&outcome, &rules.score)
            .ok_or(VoidReason::LastStepMissing)?;
        Ok(Self {
            anchor: settlement.anchor.map_or(1.0, Price::get),
            unit: series.unit,
            rules: rules.score,
            scales: outcome.scales(),
            outcome,
            reference_score: score,
            reference: reference.clone(),
        })
    }

    /// The reference's forecast of this round, made anew.
    pub fn reference_fan(&self) -> QuantileForecast {
        self.reference
            .forecast(self.outcome.volatility, self.outcome.moves.len())
    }

    /// The forecast's fan and score. Independent of all other forecasts.
    pub fn score(&self, forecast: &Forecast) -> ScoredForecast {
        let quantiles = QuantileForecast::from_forecast(forecast, self.anchor, self.unit);
        // The outcome has a settled last step, or there would be no scorer.
        let score = Score::with_scales(&self.scales, &quantiles, &self.outcome, &self.rules)
            .unwrap_or_else(|| self.reference_score.clone());
        ScoredForecast { quantiles, score }
    }
}
