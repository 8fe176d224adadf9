//! Features that the variance of the coming hours is predicted from, all of deseasonalised returns.

use foretell_core::time::Millis;
use serde::{Deserialize, Serialize};

use crate::deseasonalised_returns::DeseasonalisedReturns;
use crate::prefix_sums::PrefixSums;
use crate::returns::steps_in;

/// Added to a relative variance before its logarithm is taken: a still minute is no minus infinity.
pub const LOG_OFFSET: f64 = 1e-3;
/// Largest momentum, in standard deviations.
const MOMENTUM_LIMIT: f64 = 6.0;
/// Added to a volume before its logarithm is taken.
const VOLUME_OFFSET: f64 = 1e-9;

const HOUR: Millis = Millis::hours(1);
const DAY: Millis = Millis::days(1);
const WEEK: Millis = Millis::days(7);
const MONTH: Millis = Millis::days(30);

/// Windows of the range's variance in [`FeatureSet::Har`].
const HAR_WINDOWS: [Millis; 3] = [HOUR, DAY, WEEK];
/// Windows of the range's variance in [`FeatureSet::Cascade`].
const CASCADE_WINDOWS: [Millis; 6] = [
    Millis::minutes(30),
    Millis::hours(2),
    Millis::hours(8),
    DAY,
    WEEK,
    MONTH,
];
/// Windows of the range's variance in [`FeatureSet::Rich`]; the first is a single step of a 5-minute grid.
const RICH_WINDOWS: [Millis; 12] = [
    Millis::minutes(5),
    Millis::minutes(15),
    Millis::minutes(30),
    HOUR,
    Millis::hours(2),
    Millis::hours(4),
    Millis::hours(8),
    Millis::hours(12),
    DAY,
    Millis::days(3),
    WEEK,
    MONTH,
];
/// Windows of the squared returns.
const RETURN_WINDOWS: [Millis; 2] = [HOUR, DAY];
/// Windows of momentum and of its size.
const MOMENTUM_WINDOWS: [Millis; 3] = [HOUR, Millis::hours(8), DAY];
/// Windows whose volumes are compared, each with the next.
const VOLUME_WINDOWS: [Millis; 3] = [HOUR, DAY, WEEK];

/// Which features a regression has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeatureSet {
    /// Log variance over the last hour, day and week (Corsi 2009).
    Har,
    /// The same over six windows, from half an hour to a month.
    Cascade,
    /// [`Har`](Self::Har), with the falls of the last hour and day apart: variance reacts more to them.
    Asymmetric,
    /// [`Har`](Self::Har) with all variances from squared returns and ranges together.
    Blended,
    /// [`Har`](Self::Har) with the last hour's and day's volume against their usual.
    Volume,
    /// Log variance over twelve windows, squared returns, momentum and volume: 22 in all.
    Rich,
}

impl FeatureSet {
    /// Number of returns that the longest window takes.
    pub fn lookback(self, step: Millis) -> usize {
        let longest = match self {
            Self::Har | Self::Asymmetric | Self::Blended | Self::Volume => WEEK,
            Self::Cascade | Self::Rich => MONTH,
        };
        steps_in(longest, step)
    }

    /// The features as known when the bar of `row` closed. Windows are shorter at the start of the returns.
    pub fn at(self, deseasonalised: &DeseasonalisedReturns, row: usize) -> Vec<f64> {
        match self {
            Self::Har => log_variances(
                deseasonalised.range_variance(),
                &HAR_WINDOWS,
                deseasonalised.step(),
                row,
            )
            .collect(),
            Self::Cascade => log_variances(
                deseasonalised.range_variance(),
                &CASCADE_WINDOWS,
                deseasonalised.step(),
                row,
            )
            .collect(),
            Self::Asymmetric => {
                let har = Self::Har.at(deseasonalised, row).into_iter();
                har.chain(momentum_features(deseasonalised, row, &[HOUR, DAY]).map(|m| m.min(0.0)))
                    .collect()
            }
            Self::Blended => log_variances(
                deseasonalised.blended_variance(),
                &HAR_WINDOWS,
                deseasonalised.step(),
                row,
            )
            .collect(),
            Self::Volume => {
                let har = Self::Har.at(deseasonalised, row).into_iter();
                har.chain(volume_features(deseasonalised, row)).collect()
            }
            Self::Rich => rich_features(deseasonalised, row),
        }
    }
}

fn rich_features(deseasonalised: &DeseasonalisedReturns, row: usize) -> Vec<f64> {
    let step = deseasonalised.step();
    let mut features: Vec<f64> =
        log_variances(deseasonalised.range_variance(), &RICH_WINDOWS, step, row).collect();
    features.extend(log_variances(
        deseasonalised.squared_returns(),
        &RETURN_WINDOWS,
        step,
        row,
    ));
    for momentum in momentum_features(deseasonalised, row, &MOMENTUM_WINDOWS) {
        features.extend([momentum, momentum.abs()]);
    }
    features.extend(volume_features(deseasonalised, row));
    features
}

/// The move over each window, in standard deviations of the last week.
fn momentum_features(
    deseasonalised: &DeseasonalisedReturns,
    row: usize,
    windows: &[Millis],
) -> impl Iterator<Item = f64> {
    let step = deseasonalised.step();
    let week = steps_in(WEEK, step);
    let typical = (deseasonalised
        .squared_returns()
        .trailing_mean(row, week)
        .max(0.0)
        + LOG_OFFSET)
        .sqrt();
    windows.iter().map(move |window| {
        let steps = steps_in(*window, step);
        let moved = deseasonalised
            .standardised_returns()
            .sum((row + 1).saturating_sub(steps), row + 1);
        let momentum = moved / (typical * (steps as f64).sqrt());
        momentum.clamp(-MOMENTUM_LIMIT, MOMENTUM_LIMIT)
    })
}

/// Log ratios of the last hour's mean volume to the day's, and of the day's to the week's.
fn volume_features(deseasonalised: &DeseasonalisedReturns, row: usize) -> [f64; 2] {
    let [hour, day, week] = VOLUME_WINDOWS.map(|window| {
        let mean = deseasonalised
            .volume()
            .trailing_mean(row, steps_in(window, deseasonalised.step()));
        (mean.max(0.0) + VOLUME_OFFSET).ln()
    });
    [hour - day, day - week]
}

/// Logarithms of the trailing means of `variance` over each window.
fn log_variances(
    variance: &PrefixSums,
    windows: &[Millis],
    step: Millis,
    row: usize,
) -> impl Iterator<Item = f64> {
    windows
        .iter()
        .map(move |window| log_variance(variance.trailing_mean(row, steps_in(*window, step))))
}

/// Logarithm of a relative variance, finite at zero too.
pub fn log_variance(relative: f64) -> f64 {
    (relative.max(0.0) + LOG_OFFSET).ln()
}

#[cfg(test)]
mod tests {
    use foretell_core::series::Unit;
    use foretell_core::testing::{STEP, bars};
    use foretell_core::time::UnixMillis;

    use super::*;
    use crate::diurnal_profile::{DiurnalProfile, DiurnalProfileSpec};
    use crate::returns::Returns;

    /// A price that moves by ±`size` each step, up on even steps.
    fn returns(steps: i64, size: f64) -> Returns<'static> {
        let prices = (0..=steps).map(|index| f64::exp(if index % 2 == 0 { size } else { 0.0 }));
        let bars = bars(UnixMillis::EPOCH, prices);
        Returns::compute(&bars, STEP, Unit::LogPrice, usize::MAX)
    }

    fn deseasonalised<'a>(returns: &'a Returns<'a>, level: f64) -> DeseasonalisedReturns<'a> {
        let diurnal_profile =
            DiurnalProfile::fit(&Returns::default(), STEP, &DiurnalProfileSpec::default());
        DeseasonalisedReturns::new(returns, &diurnal_profile, level, STEP)
    }

    #[test]
    fn at_its_usual_variance_every_log_variance_is_that_of_one() {
        // Returns of 0.001 have variance 1e-6, the level: relative variance 1, log(1 + 0.001) = 0.0009995.
        let returns = returns(400, 1e-3);
        let deseasonalised = deseasonalised(&returns, 1e-6);
        let har = FeatureSet::Har.at(&deseasonalised, 399);
        assert_eq!(har.len(), 3);
        assert!(
            har.iter()
                .all(|feature| (feature - 0.000_999_5).abs() < 1e-6)
        );
        let rich = FeatureSet::Rich.at(&deseasonalised, 399);
        assert_eq!(rich.len(), 22);
        assert!(
            rich[..14]
                .iter()
                .all(|feature| (feature - 0.000_999_5).abs() < 1e-6)
        );
        // Ups and downs cancel over an even number of steps, and there is no volume.
        assert!(rich[14..].iter().all(|feature| feature.abs() < 1e-9));
    }

    #[test]
    fn features_are_finite_from_the_first_row_of_a_flat_price_on() {
        let returns = returns(3, 0.0);
        let deseasonalised = deseasonalised(&returns, 1e-10);
        for row in 0..3 {
            assert!(
                FeatureSet::Rich
                    .at(&deseasonalised, row)
                    .iter()
                    .all(|f| f.is_finite())
            );
        }
    }
}
