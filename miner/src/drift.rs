//! What a step moves by in the mean at its hour and kind of day: nothing for a price, much for a load or a temperature.

use foretell_core::time::{Millis, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::calendar::Calendar;
use crate::moves::{Moves, halving, steps_in};

/// Half-life of a row's weight: the days grow longer, and with them what an hour brings.
const HALF_LIFE: Millis = Millis::days(45);
/// Less history than this shows no drift.
const SHORTEST: Millis = Millis::days(21);
/// Weight of no drift in each cell, in rows.
const PRIOR_ROWS: f64 = 2.0;
/// Cells with fewer rows' worth of weight don't say whether there is a drift.
const FEWEST_ROWS: f64 = 8.0;
/// How many times what chance alone would show the means have to show before any of it is believed.
const BEYOND_CHANCE: f64 = 1.5;

/// The mean move of each step by the calendar.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    calendar: Calendar,
    /// A mean move for each cell of the calendar.
    means: Vec<f64>,
}

/// Weighted sums of one cell's moves.
#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    weight: f64,
    squared_weight: f64,
    sum: f64,
    squares: f64,
}

impl Drift {
    /// The drift of these moves; `None` where there is no more than chance would show.
    ///
    /// A cell of weighted mean m, variance v and n = (Σw)²/Σw² rows' worth of weight has F = (n − 1)·m²/v, whose
    /// expectation is (n − 1)/(n − 3) if nothing drifts (Fisher's F with 1 and n − 1 degrees of freedom). The means are
    /// believed as far as max(0, 1 − 1.5·ΣE[F]/ΣF), in the manner of James and Stein (1961).
    pub fn fit(moves: &Moves, step: Millis) -> Option<Self> {
        if moves.len() < steps_in(SHORTEST, step) {
            return None;
        }
        let calendar = Calendar::of(step);
        let mut cells = vec![Cell::default(); calendar.cells()];
        let weights = halving(&moves.opened, HALF_LIFE);
        let rows = weights.zip(calendar.cells_at(&moves.opened));
        for ((weight, cell), change) in rows.zip(&*moves.returns) {
            if let Some(cell) = cells.get_mut(cell) {
                cell.weight += weight;
                cell.squared_weight += weight * weight;
                cell.sum += weight * change;
                cell.squares += weight * change * change;
            }
        }
        let (mut shown, mut by_chance) = (0.0, 0.0);
        for (signal, chance) in cells.iter().filter_map(Cell::signal) {
            shown += signal;
            by_chance += chance;
        }
        // Without any cell to judge by, this is NaN, and nothing is believed.
        let belief = 1.0 - BEYOND_CHANCE * by_chance / shown;
        let mean = |cell: &Cell| belief * cell.sum / (cell.weight + PRIOR_ROWS);
        (belief > 0.0).then(|| Self {
            calendar,
            means: cells.iter().map(mean).collect(),
        })
    }

    /// The mean move of the step that opens at `opened`.
    pub fn mean(&self, opened: UnixMillis) -> f64 {
        let cell = self.calendar.cell(opened);
        self.means.get(cell).copied().unwrap_or(0.0)
    }
}

impl Cell {
    /// F and what it is by chance alone; `None` of constant moves, and of too few for F to be anywhere near that.
    fn signal(&self) -> Option<(f64, f64)> {
        let mean = self.sum / self.weight;
        let variance = self.squares / self.weight - mean * mean;
        let rows = self.weight * self.weight / self.squared_weight;
        let signal = (rows - 1.0) * mean * mean / variance;
        let usable = rows >= FEWEST_ROWS && signal.is_finite();
        usable.then(|| (signal, (rows - 1.0) / (rows - 3.0)))
    }
}

#[cfg(test)]
mod tests {
    use foretell_core::bar::Bar;
    use foretell_core::price::Price;
    use foretell_core::series::Unit;

    use super::*;
    use crate::history::History;

    const HOUR: Millis = Millis::hours(1);
    /// Monday 2024-01-01T00:00:00Z.
    const MONDAY: UnixMillis = UnixMillis(1_704_067_200_000);

    /// Ten weeks of hourly moves: `rise` in each morning hour and as much down in the evening, and noise of size 1.
    fn moves(rise: f64) -> Moves<'static> {
        let mut state = 88_172_645_463_325_252_u64;
        let mut noise = || {
            // xorshift64
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            4.0 * ((state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5)
        };
        let mut value = 0.0;
        let bars = (0..70 * 24).map(|index| {
            value += noise();
            value += match index % 24 {
                6..12 => rise,
                18..24 => -rise,
                _ => 0.0,
            };
            Bar::of_value(MONDAY + HOUR.times(index), Price::new(value).unwrap())
        });
        let mut history = History::new(HOUR, Unit::Value);
        history.extend(bars).unwrap();
        Moves::made(&history, usize::MAX)
    }

    #[test]
    fn what_every_morning_brings_is_found() {
        let drift = Drift::fit(&moves(3.0), HOUR).unwrap();
        let at = |hour| drift.mean(MONDAY + Millis::days(71) + HOUR.times(hour));
        assert!((at(8) - 3.0).abs() < 0.6, "{}", at(8));
        assert!((at(20) + 3.0).abs() < 0.6, "{}", at(20));
        assert!(at(14).abs() < 0.6, "{}", at(14));
    }

    #[test]
    fn noise_has_no_drift_and_a_flat_series_none_either() {
        assert_eq!(Drift::fit(&moves(0.0), HOUR), None);
        let still = Moves {
            returns: vec![0.0; 2_000].into(),
            opened: (0..2_000).map(|i| MONDAY + HOUR.times(i)).collect(),
            ..Moves::default()
        };
        assert_eq!(Drift::fit(&still, HOUR), None);
    }

    /// Short samples of fat-tailed moves in spells: where a careless test sees a drift.
    #[test]
    fn a_month_of_a_market_has_no_drift() {
        for seed in 0..10 {
            let step = Millis::minutes(5);
            let prices = foretell_data::simulated::simulated(seed, MONDAY, step, 30 * 288);
            let mut history = History::new(step, Unit::LogPrice);
            history.extend(prices.unwrap().into_bars()).unwrap();
            assert_eq!(Drift::fit(&Moves::of(&history), step), None, "seed {seed}");
        }
    }

    #[test]
    fn three_weeks_are_too_short_to_tell() {
        let mut moves = moves(3.0);
        moves.opened.to_mut().truncate(20 * 24);
        moves.returns.to_mut().truncate(20 * 24);
        assert_eq!(Drift::fit(&moves, HOUR), None);
    }

    #[test]
    fn moves_less_their_drift_are_what_remains() {
        let before = moves(3.0);
        let drift = Drift::fit(&before, HOUR).unwrap();
        let after = before.clone().less(&drift);
        for (row, opened) in before.opened.iter().enumerate() {
            let expected = before.returns[row] - drift.mean(*opened);
            assert_eq!(after.returns[row], expected);
            assert_eq!(after.squared[row], expected * expected);
            // Values have no range of their own.
            assert_eq!(after.ranged[row], expected * expected);
        }
    }
}
