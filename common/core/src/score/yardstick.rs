//! What all forecasts of one round are judged by: made once, then the same for everybody.

use super::{Outcome, Reference, Score};
use crate::forecast::{Fan, Forecast, POOL_LEVELS};
use crate::price::Price;
use crate::rules::{Rules, ScoreRules};
use crate::series::{Series, Unit};
use crate::settle::{Settlement, VoidReason};

/// A settled round, ready to judge forecasts.
#[derive(Debug, Clone)]
pub struct Yardstick {
    /// What happened.
    pub outcome: Outcome,
    /// The reference's score.
    pub reference: Score,
    standard: Reference,
    /// What errors of the outcome's steps are measured in.
    scales: Vec<f64>,
    anchor: f64,
    unit: Unit,
    rules: ScoreRules,
}

/// A forecast as its round saw it.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// Moves from the anchor.
    pub fan: Fan,
    /// Its score.
    pub score: Score,
}

impl Judged {
    /// The same with a fan of no more than the common levels, which is all that pooling looks at.
    pub fn pooled(&self) -> Self {
        let fan = if self.fan.k() > POOL_LEVELS {
            self.fan.resampled().into_owned()
        } else {
            self.fan.clone()
        };
        Self {
            fan,
            score: self.score.clone(),
        }
    }
}

impl Yardstick {
    /// The yardstick of a round with these prices, or why the round is void.
    pub fn of(
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
            reference: score,
            standard: reference.clone(),
        })
    }

    /// The reference's fan, made anew.
    pub fn reference_fan(&self) -> Fan {
        self.standard
            .fan(self.outcome.volatility, self.outcome.moves.len())
    }

    /// The forecast's fan and score. Independent of all other forecasts.
    pub fn judge(&self, forecast: &Forecast) -> Judged {
        let fan = Fan::of(forecast, self.anchor, self.unit);
        // The outcome has a settled last step, or there would be no yardstick.
        let score = Score::scaled_by(&self.scales, &fan, &self.outcome, &self.rules)
            .unwrap_or_else(|| self.reference.clone());
        Judged { fan, score }
    }
}
