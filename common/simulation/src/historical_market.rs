//! Historical prices: the outcome of every round, and the variances that forecasters learn from.

use foretell_core::bar::Bar;
use foretell_core::outcome::Outcome;
use foretell_core::replay::ReplayedPrices;
use foretell_core::rules::Rules;
use foretell_core::series::Series;
use foretell_core::settle::Settlement;
use foretell_core::time::{Millis, UnixMillis};

/// Bars of one series, in order, with the return and the variances of each.
#[derive(Debug)]
pub struct HistoricalMarket {
    /// The series that these are bars of.
    pub series: Series,
    open_times: Vec<UnixMillis>,
    /// Log return into the bar's close, in bps.
    returns: Vec<f64>,
    /// Variance from range and return (Garman & Klass 1980), in bps².
    range_variances: Vec<f64>,
    prices: ReplayedPrices,
    rules: Rules,
}

impl HistoricalMarket {
    /// The market of these bars, which are in order.
    pub fn new(series: Series, bars: &[Bar], rules: Rules) -> Self {
        let mut last_close: Option<f64> = None;
        let (mut returns, mut range_variances) = (Vec::new(), Vec::new());
        for bar in bars {
            let [open, high, low, close] =
                [bar.open, bar.high, bar.low, bar.close].map(|price| libm::log(price.get()));
            let (range, body) = (1e4 * (high - low), 1e4 * (close - open));
            let variance = 0.5 * range * range - (2.0 * std::f64::consts::LN_2 - 1.0) * body * body;
            range_variances.push(variance.max(0.0));
            returns.push(last_close.map_or(0.0, |last| 1e4 * (close - last)));
            last_close = Some(close);
        }
        Self {
            prices: ReplayedPrices::new(series.clone(), bars, &rules.score),
            open_times: bars.iter().map(|bar| bar.open_time).collect(),
            series,
            returns,
            range_variances,
            rules,
        }
    }

    /// Number of bars.
    pub fn len(&self) -> usize {
        self.open_times.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.open_times.is_empty()
    }

    /// Number of bars that are complete at `t`.
    pub fn known_at(&self, t: UnixMillis) -> usize {
        let step = self.series.grid.step;
        self.open_times
            .partition_point(|open_time| *open_time + step <= t)
    }

    /// The settlement of the round at `origin`.
    pub fn settlement(&self, origin: UnixMillis) -> Settlement {
        self.prices.settlement(origin)
    }

    /// The outcome of a round; `None` if it is void.
    pub fn outcome(&self, settlement: &Settlement) -> Option<Outcome> {
        let outcome = settlement.outcome(self.series.unit, &self.rules.settlement);
        outcome.ok()
    }

    /// Number of bars in a span, at least 1.
    pub fn bars_in(&self, span: Millis) -> usize {
        usize::try_from(span.get() / self.series.grid.step.get())
            .unwrap_or(0)
            .max(1)
    }

    /// Start of bar `index`; beyond the end, where it would be.
    pub fn open_time(&self, index: usize) -> UnixMillis {
        let last = self.open_times.len() - 1;
        let beyond = index.saturating_sub(last) as i64;
        self.open_times[index.min(last)] + self.series.grid.step.times(beyond)
    }

    /// Log return into the close of bar `index`, in bps; 0 for the first.
    pub fn log_return(&self, index: usize) -> f64 {
        self.returns[index]
    }

    /// Root of the mean squared return of the bars of a span before bar `known`, in bps; at least one of them exists.
    pub fn realised_volatility(&self, known: usize, span: Millis) -> f64 {
        let bars = &self.returns[known.saturating_sub(self.bars_in(span))..known];
        let squares: f64 = bars.iter().map(|change| change * change).sum();
        libm::sqrt(squares / bars.len() as f64)
    }

    /// Variance of bar `index` from range and return (Garman & Klass 1980), in bps².
    pub fn range_variance(&self, index: usize) -> f64 {
        self.range_variances[index]
    }

    /// Mean of range variance and squared return of bar `index`, in bps².
    pub fn blended_variance(&self, index: usize) -> f64 {
        0.5 * (self.range_variances[index] + self.returns[index] * self.returns[index])
    }
}
