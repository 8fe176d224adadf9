//! The diurnal profile: how the variance of a step depends on the hour and the kind of day.

use std::f64::consts::PI;

use foretell_core::time::{Millis, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::calendar_bins::{CalendarBins, DAY_TYPES};
use crate::decay_weights::decay_weights;
use crate::order_statistics::winsorise;
use crate::prefix_sums::PrefixSums;
use crate::returns::{Returns, steps_in};

/// Less history than this gives no profile.
const MIN_HISTORY: Millis = Millis::days(14);
/// Span of the centred mean that a row's variance is compared with.
const LEVEL_SPAN: Millis = Millis::days(7);
/// Share of the ratios that is not cut down to the rest's largest.
const WINSOR_LEVEL: f64 = 0.995;
/// Weight of the flat profile in each slot, in rows.
const PRIOR_ROWS: f64 = 2.0;
/// Smallest factor before normalisation.
const MIN_FACTOR: f64 = 0.05;

/// Half-width of the smoothing on weekdays, Saturdays and Sundays.
const SMOOTHING_HALF_WIDTHS: [Millis; DAY_TYPES] = [
    Millis::minutes(10),
    Millis::minutes(45),
    Millis::minutes(45),
];

/// How a diurnal profile is learnt.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct DiurnalProfileSpec {
    /// Half-life of a day's weight; `None` gives all days the same.
    pub half_life: Option<Millis>,
}

/// A multiplicative profile of variance over the slots of a weekday, a Saturday and a Sunday, of mean 1.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DiurnalProfile {
    calendar: CalendarBins,
    /// A factor for each bin of the calendar.
    bin_factors: Vec<f64>,
}

impl DiurnalProfile {
    /// The profile of a history: the mean ratio of each row's variance to its centred 7-day mean, winsorised,
    /// Hann-smoothed around the clock. Flat for less than two weeks.
    pub fn fit(returns: &Returns, step: Millis, spec: &DiurnalProfileSpec) -> Self {
        let mut profile = Self::flat(step);
        if returns.len() < steps_in(MIN_HISTORY, step) {
            return profile;
        }
        let ratios = ratios_to_level(&returns.blended_variance(), steps_in(LEVEL_SPAN, step));
        let mut sums = vec![PRIOR_ROWS; profile.bin_factors.len()];
        let mut counts = vec![0.0; profile.bin_factors.len()];
        let mut weights = spec
            .half_life
            .map(|t| decay_weights(&returns.open_times, t));
        for (bin, ratio) in profile.calendar.bins_at(&returns.open_times).zip(ratios) {
            let weight = weights.as_mut().and_then(Iterator::next).unwrap_or(1.0);
            if let (Some(sum), Some(count)) = (sums.get_mut(bin), counts.get_mut(bin)) {
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
            .chunks(profile.calendar.slots_per_day())
            .zip(SMOOTHING_HALF_WIDTHS)
            .flat_map(|(day, width)| smoothed(day, profile.calendar.slots_in(width)));
        profile.bin_factors = smooth.map(|factor| factor.max(MIN_FACTOR)).collect();
        let weighted: f64 = profile
            .bin_factors
            .iter()
            .zip(&counts)
            .map(|(f, n)| f * n)
            .sum();
        let mean = weighted / counts.iter().sum::<f64>();
        for factor in &mut profile.bin_factors {
            *factor /= mean;
        }
        profile
    }

    /// The factor of the step that opens at `open_time`.
    pub fn factor(&self, open_time: UnixMillis) -> f64 {
        let bin = self.calendar.bin(open_time);
        self.bin_factors.get(bin).copied().unwrap_or(1.0)
    }

    /// The factors of the steps that open at these times.
    pub fn factors<'a>(&'a self, open_times: &'a [UnixMillis]) -> impl Iterator<Item = f64> + 'a {
        let bins = self.calendar.bins_at(open_times);
        bins.map(|bin| self.bin_factors.get(bin).copied().unwrap_or(1.0))
    }

    /// The profile of factors 1: no dependence on the time.
    fn flat(step: Millis) -> Self {
        let calendar = CalendarBins::for_step(step);
        Self {
            bin_factors: vec![1.0; calendar.bin_count()],
            calendar,
        }
    }
}

/// Each value over the mean of the `window` values around it, cut at the winsorising quantile.
fn ratios_to_level(values: &[f64], window: usize) -> Vec<f64> {
    let sums = PrefixSums::new(values.iter().copied());
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
    use foretell_core::series::Unit;
    use foretell_core::testing::{MONDAY, price};

    use super::*;

    const HALF_HOUR: Millis = Millis::minutes(30);

    /// Returns of ±`size(day_type, hour)` for four weeks.
    fn profile(size: impl Fn(usize, i64) -> f64) -> DiurnalProfile {
        let mut log_price = 0.0;
        let bars = (0..28 * 48).map(|index: i64| {
            let open_time = MONDAY + HALF_HOUR.times(index);
            let day_type = [0, 0, 0, 0, 0, 1, 2][(index / 48 % 7) as usize];
            let sign = if index % 3 == 0 { 1.0 } else { -1.0 };
            log_price += sign * size(day_type, index % 48 / 2);
            Bar::from_value(open_time, price(f64::exp(log_price)))
        });
        let bars: Vec<Bar> = bars.collect();
        let returns = Returns::compute(&bars, HALF_HOUR, Unit::LogPrice, usize::MAX);
        DiurnalProfile::fit(&returns, HALF_HOUR, &DiurnalProfileSpec::default())
    }

    fn at(day: i64, hour: i64) -> UnixMillis {
        MONDAY + Millis::days(day) + Millis::hours(hour)
    }

    #[test]
    fn a_lively_hour_and_a_calm_saturday_are_found() {
        let profile = profile(|day_type, hour| match (day_type, hour) {
            (0, 14) => 0.002,
            (1, _) => 0.0005,
            _ => 0.001,
        });
        let calm = profile.factor(at(2, 3));
        // Twice the volatility is four times the variance, half of it a quarter, less what the prior takes.
        assert!((3.2..4.1).contains(&(profile.factor(at(2, 14)) / calm)));
        assert!((0.24..0.60).contains(&(profile.factor(at(5, 3)) / calm)));
        assert_eq!(profile.factor(at(2, 3)), profile.factor(at(703, 3)));
        assert_ne!(profile.factor(at(5, 3)), profile.factor(at(6, 3)));
    }

    #[test]
    fn the_same_at_all_times_is_a_flat_profile() {
        let profile = profile(|_, _| 0.001);
        for hour in 0..168 {
            assert!((profile.factor(at(0, hour)) - 1.0).abs() < 0.02);
        }
    }

    #[test]
    fn little_history_gives_a_flat_profile() {
        let profile = DiurnalProfile::fit(
            &Returns::default(),
            HALF_HOUR,
            &DiurnalProfileSpec::default(),
        );
        assert!((0..168).all(|hour| profile.factor(at(0, hour)) == 1.0));
    }

    #[test]
    fn any_step_has_slots() {
        for step in [0, 1, 1_000, 7 * 60_000, 86_400_000, 604_800_000].map(Millis::literal) {
            let profile = DiurnalProfile::flat(step);
            let last = profile.calendar.bin(UnixMillis::literal(MONDAY.get() - 1));
            assert_eq!(last + 1, profile.bin_factors.len(), "{step}");
            assert!(profile.calendar.bin(UnixMillis::literal(-1)) < profile.bin_factors.len());
        }
    }

    #[test]
    fn smoothing_goes_round_the_clock() {
        // Half-width 1: weights ½, 1, ½ over 2.
        assert_eq!(smoothed(&[4.0, 0.0, 0.0, 0.0], 1), [2.0, 1.0, 0.0, 1.0]);
        assert_eq!(smoothed(&[4.0, 1.0], 0), [4.0, 1.0]);
    }
}
