//! Variances of the past, summed so that the mean of any span is two look-ups away.

use foretell_core::time::Millis;

use super::cumulative_sums::cumulative_sums;
use super::seasonal_factors::SeasonalFactors;
use crate::historical_market::HistoricalMarket;

/// How a model forecasts the level of variance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum VarianceLevel {
    /// Regression on log variance over these windows.
    HarRegression(&'static [Millis]),
    /// Exponentially weighted mean with this half-life.
    Ewma(Millis),
    /// Plain mean over this span.
    TrailingMean(Millis),
}

/// Variances of bars over their seasonal factors, in bps².
#[derive(Debug)]
pub(super) struct VarianceSums {
    /// The first bar.
    pub(super) first: usize,
    step_ms: i64,
    /// Cumulative sums of range variances.
    pub(super) ranged: Vec<f64>,
    /// Moving average at each bar.
    pub(super) ewma: Vec<f64>,
    /// Cumulative sums of blended variances.
    pub(super) blended: Vec<f64>,
}

impl VarianceSums {
    pub(super) fn new(
        market: &HistoricalMarket,
        seasonal_factors: &SeasonalFactors,
        level: VarianceLevel,
        first: usize,
        until: usize,
    ) -> Self {
        let until = until.min(market.len());
        let relative: Vec<(f64, f64)> = (first..until)
            .map(|bar| {
                let factor = seasonal_factors.factor(market, bar);
                (
                    market.range_variance(bar) / factor,
                    market.blended_variance(bar) / factor,
                )
            })
            .collect();
        let decay = match level {
            VarianceLevel::Ewma(half_life) => {
                libm::exp2(-(market.series.grid.step.get() as f64) / half_life.get() as f64)
            }
            _ => 0.0,
        };
        let mut mean = relative.first().map_or(0.0, |(_, blended)| *blended);
        let ewma = relative.iter().map(|(_, blended)| {
            mean = decay * mean + (1.0 - decay) * blended;
            mean
        });
        Self {
            first,
            step_ms: market.series.grid.step.get(),
            ewma: ewma.collect(),
            ranged: cumulative_sums(relative.iter().map(|(ranged, _)| *ranged)),
            blended: cumulative_sums(relative.iter().map(|(_, blended)| *blended)),
        }
    }

    pub(super) fn bars_in(&self, span: Millis) -> usize {
        usize::try_from(span.get() / self.step_ms)
            .unwrap_or(0)
            .max(1)
    }

    /// Mean over bars `from` .. `to`, of cumulative `sums` of this struct.
    pub(super) fn mean(&self, sums: &[f64], from: usize, to: usize) -> f64 {
        let (from, to) = (
            from.saturating_sub(self.first),
            to.saturating_sub(self.first),
        );
        let (from, to) = (from.min(sums.len() - 1), to.min(sums.len() - 1));
        (sums[to] - sums[from]) / (to - from).max(1) as f64
    }
}
