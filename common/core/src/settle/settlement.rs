//! What happened in a round: its settled prices as moves from the anchor, or the rule by which it is void.
//!
//! The prices come from a replay of bars or from venues' settled minutes; from here on both are treated alike.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::outcome::Outcome;
use crate::price::Price;
use crate::rules::SettlementRules;
use crate::series::Unit;

/// The settled prices that a round is scored against.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settlement {
    /// Settled price at the origin; `None` is a gap.
    pub anchor: Option<Price>,
    /// σ_T as known at the origin, in bps (log prices) or the series' unit.
    pub volatility: Option<f64>,
    /// Prices at steps 1 ..= H; `None` is a gap.
    pub closes: Vec<Option<Price>>,
}

/// Why a round counts for nobody.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum VoidReason {
    /// The validator was not there for the whole of a window.
    #[error("the validator was down during the round's windows")]
    ValidatorDown,
    /// No settled price at the origin.
    #[error("no settled price at the origin")]
    NoAnchor,
    /// Too few prices before the origin to know σ_T.
    #[error("too few prices before the origin to know its volatility")]
    NoVolatility,
    /// Too many steps without a price.
    #[error("{gaps} of {steps} steps have no settled price")]
    TooManyGaps {
        /// Steps without a settled price.
        gaps: usize,
        /// All steps of the round, H.
        steps: usize,
    },
    /// The last step has no price.
    #[error("the last step has no settled price")]
    LastStepMissing,
}

impl Settlement {
    /// The realised moves from the anchor with σ_T, or why the round is void.
    ///
    /// A price whose logarithm is needed and doesn't exist is a gap.
    pub fn outcome(&self, unit: Unit, rules: &SettlementRules) -> Result<Outcome, VoidReason> {
        let usable = |sigma: &f64| sigma.is_finite() && *sigma > 0.0;
        self.usable_anchor(unit)?;
        let volatility = self
            .volatility
            .filter(usable)
            .ok_or(VoidReason::NoVolatility)?;
        let moves = self.moves(unit, rules)?;
        Ok(Outcome { volatility, moves })
    }

    /// The realised moves from the anchor in the unit's measure, whether or not a volatility is known; or why the round
    /// is void.
    pub fn moves(
        &self,
        unit: Unit,
        rules: &SettlementRules,
    ) -> Result<Vec<Option<f64>>, VoidReason> {
        let anchor = self.usable_anchor(unit)?;
        let moves: Vec<Option<f64>> = self
            .closes
            .iter()
            .map(|close| Some(unit.change(anchor, usable(unit, *close)?)))
            .collect();
        let steps = moves.len();
        let gaps = moves.iter().filter(|change| change.is_none()).count();
        if gaps as f64 > rules.max_gap_share * steps as f64 {
            return Err(VoidReason::TooManyGaps { gaps, steps });
        }
        if moves.last().is_none_or(Option::is_none) {
            return Err(VoidReason::LastStepMissing);
        }
        Ok(moves)
    }

    fn usable_anchor(&self, unit: Unit) -> Result<f64, VoidReason> {
        usable(unit, self.anchor).ok_or(VoidReason::NoAnchor)
    }
}

/// The price, if moves from and to it exist.
fn usable(unit: Unit, price: Option<Price>) -> Option<f64> {
    price.map(Price::get).filter(|value| unit.admits(*value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::RulesVersion;

    fn settlement(closes: &[Option<f64>]) -> Settlement {
        Settlement {
            anchor: Price::new(100.0).ok(),
            volatility: Some(10.0),
            closes: closes
                .iter()
                .map(|c| c.and_then(|c| Price::new(c).ok()))
                .collect(),
        }
    }

    fn outcome(settlement: &Settlement) -> Result<Outcome, VoidReason> {
        settlement.outcome(Unit::Value, &RulesVersion::V1.rules().settlement)
    }

    #[test]
    fn moves_are_measured_from_the_anchor() {
        let outcome = outcome(&settlement(&[Some(101.0), Some(98.0)])).unwrap();
        assert_eq!(outcome.moves, [Some(1.0), Some(-2.0)]);
    }

    #[test]
    fn one_gap_in_ten_steps_is_left_out_and_two_void_the_round() {
        let mut closes = vec![Some(1.0); 10];
        closes[3] = None;
        assert_eq!(outcome(&settlement(&closes)).unwrap().moves[3], None);
        closes[4] = None;
        assert_eq!(
            outcome(&settlement(&closes)),
            Err(VoidReason::TooManyGaps { gaps: 2, steps: 10 })
        );
    }

    #[test]
    fn the_ends_must_be_known() {
        let mut closes = vec![Some(1.0); 10];
        closes[9] = None;
        assert_eq!(
            outcome(&settlement(&closes)),
            Err(VoidReason::LastStepMissing)
        );
        let mut no_anchor = settlement(&[Some(1.0)]);
        no_anchor.anchor = None;
        assert_eq!(outcome(&no_anchor), Err(VoidReason::NoAnchor));
        let mut no_volatility = settlement(&[Some(1.0)]);
        for unusable in [None, Some(f64::NAN), Some(f64::INFINITY), Some(0.0)] {
            no_volatility.volatility = unusable;
            assert_eq!(outcome(&no_volatility), Err(VoidReason::NoVolatility));
        }
    }

    #[test]
    fn a_price_without_a_logarithm_is_a_gap() {
        let rules = RulesVersion::V1.rules().settlement;
        let mut settlement = settlement(&[Some(1.0); 10]);
        settlement.closes[3] = Price::new(0.0).ok();
        let outcome = settlement.outcome(Unit::LogPrice, &rules).unwrap();
        assert_eq!(outcome.moves[3], None);
        settlement.anchor = Price::new(-1.0).ok();
        assert_eq!(
            settlement.outcome(Unit::LogPrice, &rules),
            Err(VoidReason::NoAnchor)
        );
    }
}
