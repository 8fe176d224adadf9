//! Scores all forecasts of one round: made once, then the same for everybody.

use super::reference::Reference;
use super::scaled_crps::Score;
use crate::forecast::{Forecast, POOL_LEVELS, QuantileForecast};
use crate::outcome::Outcome;
use crate::price::Price;
use crate::rules::{Rules, ScoreRules};
use crate::series::{Series, Unit};
use crate::settle::{Settlement, VoidReason};

/// A settled round with what all of its forecasts are scored against.
#[derive(Debug, Clone)]
pub struct RoundScorer {
    /// The realised moves and σ_T.
    pub outcome: Outcome,
    /// The reference's score, which advantages are measured from.
    pub reference_score: Score,
    reference: Reference,
    /// σ_T·√i of each step.
    scales: Vec<f64>,
    anchor: f64,
    unit: Unit,
    rules: ScoreRules,
}

/// A forecast as moves from the anchor, with its score.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredForecast {
    /// Its moves from the anchor.
    pub quantiles: QuantileForecast,
    /// Its score against the round's outcome.
    pub score: Score,
}

impl ScoredForecast {
    /// The same with no more than the common levels, which is all that pooling needs.
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
    pub fn reference_forecast(&self) -> QuantileForecast {
        self.reference
            .forecast(self.outcome.volatility, self.outcome.moves.len())
    }

    /// The moves and the score of a forecast, which depend on no other forecast.
    pub fn score(&self, forecast: &Forecast) -> ScoredForecast {
        let quantiles = QuantileForecast::from_forecast(forecast, self.anchor, self.unit);
        // The outcome has a settled last step, or there would be no scorer.
        let score = Score::with_scales(&self.scales, &quantiles, &self.outcome, &self.rules)
            .unwrap_or_else(|| self.reference_score.clone());
        ScoredForecast { quantiles, score }
    }
}
