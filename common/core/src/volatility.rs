//! Volatility σ_T: how far the series usually moves in one step, as known at T.

use crate::bar::Bar;
use crate::rules::ScoreRules;
use crate::series::{Grid, Unit};
use crate::time::{Millis, UnixMillis};

/// Exponentially weighted mean of squared one-step moves, fed bar by bar.
///
/// `σ² = Σ w·r² / Σ w`, the weight of a move halving with every half-life that has passed since. A move
/// over a missing bar doesn't exist and is left out.
#[derive(Debug, Clone)]
pub struct EwmaVolatility {
    unit: Unit,
    step: Millis,
    decay: f64,
    floor: f64,
    min_returns: usize,
    last: Option<(UnixMillis, f64)>,
    returns: usize,
    weighted_squares: f64,
    weight: f64,
}

impl EwmaVolatility {
    /// A volatility that has observed no bar.
    pub fn new(grid: &Grid, unit: Unit, rules: &ScoreRules) -> Self {
        let steps_per_half_life = rules.volatility_half_life.get() as f64 / grid.step.get() as f64;
        Self {
            unit,
            step: grid.step,
            decay: libm::exp2(-1.0 / steps_per_half_life),
            floor: rules.volatility_floor,
            min_returns: rules.volatility_min_returns,
            last: None,
            returns: 0,
            weighted_squares: 0.0,
            weight: 0.0,
        }
    }

    /// Takes in the next bar; bars come in time order. One whose close has no moves counts as missing.
    pub fn observe(&mut self, bar: &Bar) {
        let close = bar.close.get();
        if !self.unit.admits(close) {
            return;
        }
        if let Some((before, last)) = self.last {
            let steps = (bar.open_time - before).whole(self.step);
            let faded = libm::pow(self.decay, steps as f64);
            self.weighted_squares *= faded;
            self.weight *= faded;
            if steps == 1 {
                let change = self.unit.change(last, close);
                self.weighted_squares += change * change;
                self.weight += 1.0;
                self.returns += 1;
            }
        }
        self.last = Some((bar.open_time, close));
    }

    /// σ per step, in bps (log prices) or the series' unit, at least the floor; `None` with too few moves.
    pub fn sigma(&self) -> Option<f64> {
        (self.returns >= self.min_returns)
            .then(|| f64::sqrt(self.weighted_squares / self.weight).max(self.floor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::RulesVersion;
    use crate::testing::{btc_usd, price};

    fn fed(half_life_steps: i64, values: &[(i64, f64)]) -> EwmaVolatility {
        fed_in(Unit::Value, half_life_steps, values)
    }

    fn fed_in(unit: Unit, half_life_steps: i64, values: &[(i64, f64)]) -> EwmaVolatility {
        let grid = btc_usd(100).grid;
        let rules = ScoreRules {
            volatility_half_life: grid.step.times(half_life_steps),
            volatility_min_returns: 2,
            ..RulesVersion::V1.rules().score
        };
        let mut volatility = EwmaVolatility::new(&grid, unit, &rules);
        for &(i, value) in values {
            let open_time = UnixMillis::EPOCH + grid.step.times(i);
            volatility.observe(&Bar::from_value(open_time, price(value)));
        }
        volatility
    }

    /// Half-life of one step; moves 4 then 2: σ² = (16/2 + 4)/(1/2 + 1) = 8.
    #[test]
    fn recent_moves_weigh_more() {
        let sigma = fed(1, &[(0, 0.0), (1, 4.0), (2, 6.0)]).sigma().unwrap();
        assert!((sigma - 8f64.sqrt()).abs() < 1e-12);
    }

    /// The move over the missing bar 2 is left out; weights 1/8 (three steps old) and 1: σ² = (16/8 + 4)/(9/8).
    #[test]
    fn a_move_over_a_gap_is_left_out() {
        let sigma = fed(1, &[(0, 0.0), (1, 4.0), (3, 900.0), (4, 902.0)])
            .sigma()
            .unwrap();
        assert!((sigma - f64::sqrt(6.0 / 1.125)).abs() < 1e-12);
    }

    #[test]
    fn a_close_without_a_logarithm_is_a_gap() {
        let sound = [(0, 100.0), (1, 101.0), (3, 102.0), (4, 103.0)];
        let flawed = [(0, 100.0), (1, 101.0), (2, -1.0), (3, 102.0), (4, 103.0)];
        let sigma = |closes: &[(i64, f64)]| fed_in(Unit::LogPrice, 1, closes).sigma();
        assert!(sigma(&sound).is_some());
        assert_eq!(sigma(&flawed), sigma(&sound));
    }

    #[test]
    fn there_is_none_before_enough_moves_and_never_less_than_the_floor() {
        assert_eq!(fed(1, &[(0, 1.0), (1, 2.0)]).sigma(), None);
        assert_eq!(fed(1, &[(0, 1.0), (1, 1.0), (2, 1.0)]).sigma(), Some(0.1));
    }
}
