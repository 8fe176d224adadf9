//! How the variance of a step depends on the hour and the kind of day.

use std::f64::consts::PI;

use foretell_core::time::{Millis, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::calendar::{Calendar, KINDS};
use crate::moves::{Moves, halving, steps_in};
use crate::sample::{Cumulative, winsorise};

/// Less history than this gives no profile.
const SHORTEST: Millis = Millis::days(14);
/// Span of the centred mean that a row's variance is compared with.
const LEVEL_SPAN: Millis = Millis::days(7);
/// Share of the ratios that is not cut down to the rest's largest.
const WINSOR_LEVEL: f64 = 0.995;
/// Weight of the flat profile in each slot, in rows.
const PRIOR_ROWS: f64 = 2.0;
/// Smallest factor before normalisation.
const SMALLEST: f64 = 0.05;

/// Half-width of the smoothing on weekdays, Saturdays and Sundays.
const WIDTHS: [Millis; KINDS] = [
    Millis::minutes(10),
    Millis::minutes(45),
    Millis::minutes(45),
];

/// How a season is learnt.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Seasoning {
    /// Half-life of a day's weight; all days weigh the same without.
    pub half_life: Option<Millis>,
}

/// A multiplicative profile of variance over the slots of a weekday, a Saturday and a Sunday, of mean 1.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Season {
    calendar: Calendar,
    /// A factor for each cell of the calendar.
    profile: Vec<f64>,
}

impl Season {
    /// The profile of a history: the mean ratio of each row's variance to its centred 7-day mean, winsorised,
    /// Hann-smoothed around the clock. Flat for less than two weeks.
    pub fn fit(moves: &Moves, step: Millis, seasoning: &Seasoning) -> Self {
        let mut season = Self::flat(step);
        if moves.len() < steps_in(SHORTEST, step) {
            return season;
        }
        let ratios = ratios_to_level(&moves.blended(), steps_in(LEVEL_SPAN, step));
        let mut sums = vec![PRIOR_ROWS; season.profile.len()];
        let mut counts = vec![0.0; season.profile.len()];
        let mut weights = seasoning.half_life.map(|t| halving(&moves.opened, t));
        for (cell, ratio) in season.calendar.cells_at(&moves.opened).zip(ratios) {
            let weight = weights.as_mut().and_then(Iterator::next).unwrap_or(1.0);
            if let (Some(sum), Some(count)) = (sums.get_mut(cell), counts.get_mut(cell)) {
                *sum += weight * ratio;
                *count += weight;
            }
        }
        let means: Vec<f64> = sums
            .iter()
            .zip(&counts)
            .map(|(sum, count)| sum / (count + PRIOR_ROWS))
            .collect();
        let smooth = means
            .chunks(season.calendar.slots())
            .zip(WIDTHS)
            .flat_map(|(day, width)| smoothed(day, season.calendar.slots_in(width)));
        season.profile = smooth.map(|factor| factor.max(SMALLEST)).collect();
        let weighted: f64 = season.profile.iter().zip(&counts).map(|(f, n)| f * n).sum();
        let mean = weighted / counts.iter().sum::<f64>();
        for factor in &mut season.profile {
            *factor /= mean;
        }
        season
    }

    /// The factor of the step that opens at `opened`.
    pub fn factor(&self, opened: UnixMillis) -> f64 {
        let cell = self.calendar.cell(opened);
        self.profile.get(cell).copied().unwrap_or(1.0)
    }

    /// The factors of the steps that open at these times.
    pub fn factors<'a>(&'a self, opened: &'a [UnixMillis]) -> impl Iterator<Item = f64> + 'a {
        let cells = self.calendar.cells_at(opened);
        cells.map(|cell| self.profile.get(cell).copied().unwrap_or(1.0))
    }

    /// No dependence on the time.
    fn flat(step: Millis) -> Self {
        let calendar = Calendar::of(step);
        Self {
            profile: vec![1.0; calendar.cells()],
            calendar,
        }
    }
}

/// Each value over the mean of the `window` values around it, cut at the winsorising quantile.
fn ratios_to_level(values: &[f64], window: usize) -> Vec<f64> {
    let sums = Cumulative::of(values.iter().copied());
    let half = (window / 2).max(1);
    let mut ratios: Vec<f64> = values
        .iter()
        .enumerate()
        .map(|(row, value)| {
            let level = sums.mean(row.saturating_sub(half), (row + half).min(values.len()));
            if level > 0.0 { value / level } else { 1.0 }
        })
        .collect();
    winsorise(&mut ratios, WINSOR_LEVEL);
    ratios
}

/// Weighted mean of the `half_width` slots on either side, around the clock, with Hann's weights.
fn smoothed(day: &[f64], half_width: usize) -> Vec<f64> {
    let half = half_width as i64;
    let weights: Vec<(i64, f64)> = (-half..=half)
        .map(|offset| {
            let weight = 0.5 * (1.0 + (PI * offset as f64 / (half + 1) as f64).cos());
            (offset, weight)
        })
        .collect();
    let total: f64 = weights.iter().map(|(_, weight)| weight).sum();
    (0..day.len() as i64)
        .map(|slot| {
            let around = weights.iter().filter_map(|(offset, weight)| {
                let index = (slot + offset).rem_euclid(day.len() as i64);
                day.get(usize::try_from(index).ok()?)
                    .map(|value| value * weight)
            });
            around.sum::<f64>() / total
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use foretell_core::bar::Bar;
    use foretell_core::price::Price;
    use foretell_core::series::Unit;

    use super::*;
    use crate::history::History;

    const STEP: Millis = Millis::minutes(30);
    /// Monday 2024-01-01T00:00:00Z.
    const MONDAY: UnixMillis = UnixMillis(1_704_067_200_000);

    /// Moves of ±`size(kind, hour)` for four weeks.
    fn season(size: impl Fn(usize, i64) -> f64) -> Season {
        let mut log_price = 0.0;
        let bars = (0..28 * 48).map(|index: i64| {
            let opened = MONDAY + STEP.times(index);
            let kind = [0, 0, 0, 0, 0, 1, 2][(index / 48 % 7) as usize];
            let sign = if index % 3 == 0 { 1.0 } else { -1.0 };
            log_price += sign * size(kind, index % 48 / 2);
            Bar::of_value(opened, Price::new(f64::exp(log_price)).unwrap())
        });
        let mut history = History::new(STEP, Unit::LogPrice);
        history.extend(bars).unwrap();
        Season::fit(&Moves::of(&history), STEP, &Seasoning::default())
    }

    fn at(day: i64, hour: i64) -> UnixMillis {
        MONDAY + Millis::days(day) + Millis::hours(hour)
    }

    #[test]
    fn a_lively_hour_and_a_calm_saturday_are_found() {
        let season = season(|kind, hour| match (kind, hour) {
            (0, 14) => 0.002,
            (1, _) => 0.0005,
            _ => 0.001,
        });
        let calm = season.factor(at(2, 3));
        // Twice the volatility is four times the variance, half of it a quarter, less what the prior takes.
        assert!((3.2..4.1).contains(&(season.factor(at(2, 14)) / calm)));
        assert!((0.24..0.60).contains(&(season.factor(at(5, 3)) / calm)));
        assert_eq!(season.factor(at(2, 3)), season.factor(at(703, 3)));
        assert_ne!(season.factor(at(5, 3)), season.factor(at(6, 3)));
    }

    #[test]
    fn the_same_at_all_times_is_a_flat_profile() {
        let season = season(|_, _| 0.001);
        for hour in 0..168 {
            assert!((season.factor(at(0, hour)) - 1.0).abs() < 0.02);
        }
    }

    #[test]
    fn little_history_gives_a_flat_profile() {
        let season = Season::fit(&Moves::default(), STEP, &Seasoning::default());
        assert!((0..168).all(|hour| season.factor(at(0, hour)) == 1.0));
    }

    #[test]
    fn any_step_has_slots() {
        for step in [0, 1, 1_000, 7 * 60_000, 86_400_000, 604_800_000].map(Millis) {
            let season = Season::flat(step);
            let last = season.calendar.cell(UnixMillis(MONDAY.0 - 1));
            assert_eq!(last + 1, season.profile.len(), "{step}");
            assert!(season.calendar.cell(UnixMillis(-1)) < season.profile.len());
        }
    }

    #[test]
    fn smoothing_goes_round_the_clock() {
        // Half-width 1: weights ½, 1, ½ over 2.
        assert_eq!(smoothed(&[4.0, 0.0, 0.0, 0.0], 1), [2.0, 1.0, 0.0, 1.0]);
        assert_eq!(smoothed(&[4.0, 1.0], 0), [4.0, 1.0]);
    }
}
