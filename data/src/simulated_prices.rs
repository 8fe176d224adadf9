//! A simulated series that moves like BTC/USD, for users without a price file; the same on every machine.
//!
//! Like the real one it has volatility that clusters over hours and days, a daily and a weekly pattern, fat tails, and
//! volume that follows volatility. It has no drift, jumps, leverage, or anything that predicts direction: on it no model
//! beats the centre of a random walk, only its spread.

use foretell_core::bar::Bar;
use foretell_core::price::{Price, PriceError};
use foretell_core::series::Unit;
use foretell_core::time::{Millis, TimeRangeError, UnixMillis};
use thiserror::Error;

use crate::normal_sampler::NormalSampler;
use crate::prices::{PriceSeries, PriceSeriesError};

/// Open of the first bar, USD.
const START_PRICE: f64 = 60_000.0;
/// Root mean square of 5-minute log returns: 15 bps, about that of 2024.
const TYPICAL_VOLATILITY: f64 = 15e-4;
/// The span that [`TYPICAL_VOLATILITY`] and [`TYPICAL_VOLUME`] are for.
const TYPICAL_STEP: Millis = Millis::minutes(5);
/// Base units traded in a step of typical volatility.
const TYPICAL_VOLUME: f64 = 100.0;
/// The part of log volatility that reverts over days.
const SLOW_FACTOR: OrnsteinUhlenbeck = OrnsteinUhlenbeck {
    time: Millis::days(4),
    deviation: 0.45,
};
/// The part of log volatility that reverts over hours.
const FAST_FACTOR: OrnsteinUhlenbeck = OrnsteinUhlenbeck {
    time: Millis::hours(3),
    deviation: 0.35,
};
/// Variance of the busiest time of a day over that of the quietest.
const DAY_RATIO: f64 = 3.0;
/// The busiest time of a day, in hours UTC: the American stock exchanges' opening.
const BUSIEST_HOUR: f64 = 14.5;
/// Variance of a Saturday or Sunday over that of a weekday.
const WEEKEND_RATIO: f64 = 0.4;
/// Degrees of freedom of a bar's return, given its volatility.
const DEGREES_OF_FREEDOM: usize = 5;
/// Moves within a bar, of which open, high, low and close are seen.
const MOVES_PER_BAR: usize = 12;
/// Standard deviation of log volume, given volatility.
const VOLUME_NOISE: f64 = 0.3;
/// Cents in a dollar: prices are whole cents.
const CENTS_PER_DOLLAR: f64 = 1e2;
/// Parts of a base unit in which volume is counted.
const LOTS_PER_UNIT: f64 = 1e5;

/// Why there is no such simulated series.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum PriceSimulationError {
    /// A step that isn't positive.
    #[error("a step of {0} leads nowhere; give a positive one")]
    Step(Millis),
    /// The walk left what a price can be.
    #[error("bar {bar} (counted from 0): {why}; ask for fewer bars, or a shorter step")]
    Price {
        /// Index of the bar, from 0.
        bar: usize,
        /// Why its price is none: the value that it would have had.
        why: PriceError,
    },
    /// Times beyond the year 9999.
    #[error(transparent)]
    Time(#[from] TimeRangeError),
    /// Too few bars.
    #[error(transparent)]
    Series(#[from] PriceSeriesError),
}

/// `bars` bars of `step`, the first of which opens at `first_open`; a longer series begins with the shorter ones.
///
/// A bar's return is Student-t with 5 degrees of freedom, scaled by the exponential of two mean-reverting Gaussian
/// processes (the two-factor model of Alizadeh, Brandt and Diebold, 2002) and by the time of day and week at the bar's
/// middle. Randomness is ChaCha8 through the Box-Muller transform, every transcendental function is `libm`'s, so
/// the bits depend on no platform. Fails on fewer than two bars and on a step that isn't positive.
pub fn simulate_prices(
    seed: u64,
    first_open: UnixMillis,
    step: Millis,
    bars: usize,
) -> Result<PriceSeries, PriceSimulationError> {
    if step.get() <= 0 {
        return Err(PriceSimulationError::Step(step));
    }
    let mut simulator = PriceSimulator::new(seed, step);
    let bars = (0..bars)
        .map(|bar| {
            let elapsed = step.get().saturating_mul(bar as i64);
            let open_time = UnixMillis::try_from(first_open.get().saturating_add(elapsed))?;
            simulator
                .bar(open_time)
                .map_err(|why| PriceSimulationError::Price { bar, why })
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok(PriceSeries::from_bars(Unit::LogPrice, bars)?)
}

/// A Gaussian process that returns to 0 (Ornstein-Uhlenbeck).
struct OrnsteinUhlenbeck {
    /// Time in which a deviation falls to 1/e.
    time: Millis,
    /// Stationary standard deviation.
    deviation: f64,
}

impl OrnsteinUhlenbeck {
    /// The state one `step` after `state`, given a standard normal draw: exact for any step.
    fn next(&self, state: f64, step: Millis, normal: f64) -> f64 {
        let kept = libm::exp(-ratio(step, self.time));
        kept * state + self.deviation * (1.0 - kept * kept).sqrt() * normal
    }
}

/// The state that the next bar follows from.
struct PriceSimulator {
    normals: NormalSampler,
    step: Millis,
    log_price: f64,
    slow: f64,
    fast: f64,
}

impl PriceSimulator {
    fn new(seed: u64, step: Millis) -> Self {
        let mut normals = NormalSampler::new(seed);
        Self {
            slow: SLOW_FACTOR.deviation * normals.sample(),
            fast: FAST_FACTOR.deviation * normals.sample(),
            log_price: libm::log(START_PRICE),
            step,
            normals,
        }
    }

    fn bar(&mut self, open_time: UnixMillis) -> Result<Bar, PriceError> {
        self.slow = SLOW_FACTOR.next(self.slow, self.step, self.normals.sample());
        self.fast = FAST_FACTOR.next(self.fast, self.step, self.normals.sample());
        // One scale for all moves of a bar makes their sum Student-t, and the range consistent with it.
        let volatility =
            self.volatility(open_time) * self.normals.student_scale(DEGREES_OF_FREEDOM);
        let move_size =
            volatility * ratio(self.step, TYPICAL_STEP).sqrt() / (MOVES_PER_BAR as f64).sqrt();
        let open = self.log_price;
        let (mut low, mut high) = (open, open);
        for _ in 0..MOVES_PER_BAR {
            self.log_price += move_size * self.normals.sample();
            low = low.min(self.log_price);
            high = high.max(self.log_price);
        }
        let (open, close) = (usd(open), usd(self.log_price));
        Ok(Bar {
            open_time,
            open: Price::new(open)?,
            // exp isn't monotone in its last bit.
            high: Price::new(usd(high).max(open).max(close))?,
            low: Price::new(usd(low).min(open).min(close))?,
            close: Price::new(close)?,
            volume: self.volume(volatility),
        })
    }

    /// Volatility of a bar in terms of [`TYPICAL_STEP`], tails apart.
    fn volatility(&self, open_time: UnixMillis) -> f64 {
        // A log-normal's second moment is exp(2·variance): divided out, so that the typical is the mean.
        let variance = SLOW_FACTOR.deviation.powi(2) + FAST_FACTOR.deviation.powi(2);
        let middle = open_time + Millis::saturating(self.step.get() / 2);
        TYPICAL_VOLATILITY
            * libm::exp(self.slow + self.fast - variance)
            * seasonal_variance(middle).sqrt()
    }

    fn volume(&mut self, volatility: f64) -> f64 {
        let noise = libm::exp(VOLUME_NOISE * self.normals.sample());
        let volume = TYPICAL_VOLUME * ratio(self.step, TYPICAL_STEP) * noise;
        let lots = (volume * volatility / TYPICAL_VOLATILITY * LOTS_PER_UNIT).round();
        lots.max(1.0) / LOTS_PER_UNIT
    }
}

/// Variance at this time of day and week, over its mean of a week.
fn seasonal_variance(t: UnixMillis) -> f64 {
    /// The mean of exp(a·cos x) over a circle, a = ln(3)/2: the modified Bessel function I₀(a).
    const DAY_MEAN: f64 = 1.076_868_873_733_121_6;
    const WEEK_MEAN: f64 = DAY_MEAN * (5.0 + 2.0 * WEEKEND_RATIO) / 7.0;
    let day = Millis::days(1);
    let hour = 24.0 * ratio(t.past_step(day), day);
    let angle = std::f64::consts::TAU * (hour - BUSIEST_HOUR) / 24.0;
    let daily = libm::exp(0.5 * libm::log(DAY_RATIO) * libm::cos(angle));
    // 1970-01-01 was a Thursday; Saturday and Sunday are two and three days on.
    let weekend = matches!(t.get().div_euclid(day.get()).rem_euclid(7), 2 | 3);
    daily * if weekend { WEEKEND_RATIO } else { 1.0 } / WEEK_MEAN
}

/// The price of this logarithm, in whole cents, at least one.
fn usd(log_price: f64) -> f64 {
    (libm::exp(log_price) * CENTS_PER_DOLLAR).round().max(1.0) / CENTS_PER_DOLLAR
}

fn ratio(span: Millis, unit: Millis) -> f64 {
    span.get() as f64 / unit.get() as f64
}

#[cfg(test)]
mod tests {
    use foretell_core::testing::{MONDAY, STEP};

    use super::*;

    /// Bars of a week.
    const WEEK: usize = 7 * 288;

    fn five_minutes(seed: u64, bars: usize) -> PriceSeries {
        simulate_prices(seed, MONDAY, STEP, bars).unwrap()
    }

    fn log_return(bar: &Bar) -> f64 {
        libm::log(bar.close.get() / bar.open.get())
    }

    fn mean(values: impl Iterator<Item = f64> + Clone) -> f64 {
        values.clone().sum::<f64>() / values.count() as f64
    }

    #[test]
    fn the_seed_is_all_there_is() {
        let series = five_minutes(7, 500);
        assert_eq!(series, five_minutes(7, 500));
        assert_ne!(series.sha256(), five_minutes(8, 500).sha256());
        // Pinned, so that a machine, a compiler or a dependency with other bits is noticed.
        assert_eq!(
            series.sha256().to_string(),
            "eecffd744947a0ebcc08876cd4ff3c8cf17f52d70cdbf0c58649f53967d7a9a9"
        );
    }

    #[test]
    fn a_longer_series_begins_with_the_shorter() {
        let long = five_minutes(7, 1_000);
        for bars in [2, 3, 500, 999] {
            assert_eq!(five_minutes(7, bars).bars(), &long.bars()[..bars]);
        }
    }

    #[test]
    fn bars_join_and_hold_together() {
        let series = five_minutes(3, WEEK);
        assert_eq!(series.bars()[0].open.get(), START_PRICE);
        assert_eq!((series.first_open(), series.step()), (MONDAY, STEP));
        for pair in series.bars().windows(2) {
            assert_eq!(pair[0].close, pair[1].open);
        }
        for bar in series.bars() {
            assert!(bar.low <= bar.open && bar.low <= bar.close, "{bar:?}");
            assert!(bar.high >= bar.open && bar.high >= bar.close, "{bar:?}");
            assert!(bar.low.get() > 0.0 && bar.volume > 0.0, "{bar:?}");
            let cents = bar.close.get() * CENTS_PER_DOLLAR;
            assert!((cents - cents.round()).abs() < 1e-6, "{bar:?}");
        }
    }

    #[test]
    fn volatility_tails_and_drift_are_those_of_bitcoin() {
        for seed in 0..4 {
            let series = five_minutes(seed, 26 * WEEK);
            let returns = series.bars().iter().map(log_return);
            let variance = mean(returns.clone().map(|r| r.powi(2)));
            let bps = 1e4 * variance.sqrt();
            assert!((10.0..20.0).contains(&bps), "seed {seed}: {bps} bps");
            let kurtosis = mean(returns.clone().map(|r| r.powi(4))) / variance.powi(2);
            assert!(kurtosis > 6.0, "seed {seed}: kurtosis {kurtosis}");
            let drift = mean(returns.clone()) / (variance / returns.count() as f64).sqrt();
            assert!(
                drift.abs() < 4.0,
                "seed {seed}: drift {drift} standard errors"
            );
        }
    }

    #[test]
    fn volatility_clusters_and_volume_follows() {
        let series = five_minutes(5, 26 * WEEK);
        let size: Vec<f64> = series
            .bars()
            .iter()
            .map(|bar| log_return(bar).abs())
            .collect();
        let volume: Vec<f64> = series.bars().iter().map(|bar| bar.volume).collect();
        for (lag, least) in [(1, 0.15), (12, 0.1), (288, 0.05)] {
            let later = correlation(&size[..size.len() - lag], &size[lag..]);
            assert!(later > least, "lag {lag}: {later}");
        }
        let follows = correlation(&size, &volume);
        assert!(follows > 0.3, "{follows}");
    }

    #[test]
    fn ranges_measure_the_same_volatility() {
        // Parkinson (1980): E[ln(high/low)²] = 4·ln 2·σ² of a continuous path; 12 moves see less of the range.
        let series = five_minutes(2, 26 * WEEK);
        let bars = series.bars().iter();
        let squared_range = |bar: &Bar| libm::log(bar.high.get() / bar.low.get()).powi(2);
        let parkinson = mean(bars.clone().map(squared_range)) / (4.0 * std::f64::consts::LN_2);
        let close_to_close = mean(bars.map(|bar| log_return(bar).powi(2)));
        let ratio = parkinson / close_to_close;
        assert!((0.6..1.0).contains(&ratio), "{ratio}");
    }

    #[test]
    fn days_and_weeks_have_their_pattern() {
        let at = |day: i64, hour: f64| {
            seasonal_variance(
                MONDAY + Millis::days(day) + Millis::literal((hour * 3_600_000.0) as i64),
            )
        };
        let close = |a: f64, b: f64| (a / b - 1.0).abs() < 1e-9;
        assert!(close(at(0, 14.5) / at(0, 2.5), 3.0));
        assert!(close(at(5, 14.5) / at(4, 14.5), 0.4) && close(at(6, 3.0) / at(0, 3.0), 0.4));
        assert!(close(at(7, 9.0), at(0, 9.0)) && close(at(-1, 9.0), at(6, 9.0)));
        let week = mean((0..WEEK).map(|i| seasonal_variance(MONDAY + STEP.times(i as i64))));
        assert!((week - 1.0).abs() < 1e-9, "{week}");
    }

    #[test]
    fn impossible_steps_and_lengths_are_refused() {
        let refused = |step, bars| {
            simulate_prices(1, MONDAY, step, bars)
                .unwrap_err()
                .to_string()
        };
        assert!(refused(Millis::ZERO, 10).contains("a step of 0 ms leads nowhere"));
        assert!(refused(Millis::literal(-5), 10).contains("give a positive one"));
        assert!(refused(STEP, 1).contains("give at least 2"));
        assert!(refused(Millis::days(365_000), 10).contains("years 0000 to 9999"));
        assert!(refused(Millis::MAX, 10).contains("years 0000 to 9999"));
    }

    fn correlation(a: &[f64], b: &[f64]) -> f64 {
        let (mean_a, mean_b) = (mean(a.iter().copied()), mean(b.iter().copied()));
        let pairs = || {
            a.iter()
                .map(|x| x - mean_a)
                .zip(b.iter().map(|y| y - mean_b))
        };
        let moment = |f: fn((f64, f64)) -> f64| pairs().map(f).sum::<f64>();
        moment(|(x, y)| x * y) / (moment(|(x, _)| x * x) * moment(|(_, y)| y * y)).sqrt()
    }
}
