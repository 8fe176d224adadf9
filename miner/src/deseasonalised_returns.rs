//! Returns with the daily and weekly pattern of variance taken out.

use std::sync::OnceLock;

use foretell_core::time::Millis;

use crate::diurnal_profile::DiurnalProfile;
use crate::prefix_sums::PrefixSums;
use crate::returns::Returns;

/// Returns with the diurnal profile and the overall level of variance divided out, as running sums.
///
/// Each sum is made when it is first asked for: most features look at one or two.
#[derive(Debug)]
pub struct DeseasonalisedReturns<'a> {
    step: Millis,
    returns: &'a Returns<'a>,
    /// Usual variance of each row at its time of day and week.
    seasonal_variances: Vec<f64>,
    range_variance: OnceLock<PrefixSums>,
    squared_returns: OnceLock<PrefixSums>,
    blended_variance: OnceLock<PrefixSums>,
    standardised_returns: OnceLock<PrefixSums>,
    volume: OnceLock<PrefixSums>,
}

impl<'a> DeseasonalisedReturns<'a> {
    /// Divides every variance of `returns` by `level` and its factor of the diurnal profile.
    pub fn new(
        returns: &'a Returns<'a>,
        diurnal_profile: &DiurnalProfile,
        level: f64,
        step: Millis,
    ) -> Self {
        let factors = diurnal_profile.factors(&returns.open_times);
        Self {
            step,
            returns,
            seasonal_variances: factors.map(|factor| level * factor).collect(),
            range_variance: OnceLock::new(),
            squared_returns: OnceLock::new(),
            blended_variance: OnceLock::new(),
            standardised_returns: OnceLock::new(),
            volume: OnceLock::new(),
        }
    }

    /// Time between two rows, where none is missing.
    pub const fn step(&self) -> Millis {
        self.step
    }

    /// Squared return of each row, deseasonalised.
    pub fn squared_returns(&self) -> &PrefixSums {
        self.squared_returns
            .get_or_init(|| self.deseasonalise(&self.returns.squared))
    }

    /// Mean of squared return and range variance of each row, deseasonalised.
    pub fn blended_variance(&self) -> &PrefixSums {
        self.blended_variance
            .get_or_init(|| self.deseasonalise(&self.returns.blended_variance()))
    }

    /// The values of [`squared_returns`](Self::squared_returns), row by row.
    pub fn squared_return_values(&self) -> impl Iterator<Item = f64> {
        self.squared_returns().values().map(|value| value.max(0.0))
    }

    /// The values of [`blended_variance`](Self::blended_variance), row by row.
    pub fn blended_variance_values(&self) -> impl Iterator<Item = f64> {
        self.blended_variance().values().map(|value| value.max(0.0))
    }

    /// Variance of each row from its range, deseasonalised.
    pub fn range_variance(&self) -> &PrefixSums {
        self.range_variance
            .get_or_init(|| self.deseasonalise(&self.returns.range_variance))
    }

    /// Return of each row over its usual standard deviation.
    pub fn standardised_returns(&self) -> &PrefixSums {
        self.standardised_returns.get_or_init(|| {
            let pairs = self.returns.values.iter().zip(&self.seasonal_variances);
            PrefixSums::new(
                pairs.map(|(change, seasonal_variance)| change / seasonal_variance.sqrt()),
            )
        })
    }

    /// Traded volume of each row, as it was.
    pub fn volume(&self) -> &PrefixSums {
        let volume = || PrefixSums::new(self.returns.volume.iter().copied());
        self.volume.get_or_init(volume)
    }

    fn deseasonalise(&self, variances: &[f64]) -> PrefixSums {
        let pairs = variances.iter().zip(&self.seasonal_variances);
        PrefixSums::new(pairs.map(|(variance, seasonal_variance)| variance / seasonal_variance))
    }
}
