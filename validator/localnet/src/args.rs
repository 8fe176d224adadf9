//! The arguments of a local network, and which origins they ask for.

use foretell_core::series::{Grid, SeriesId};
use foretell_core::time::{Millis, UnixMillis};
use foretell_data::prices::PriceSeries;

use crate::external_miner::ExternalMiner;

/// Reference miners, unless told otherwise.
const DEFAULT_MINERS: usize = 6;
/// Days of rounds, unless told otherwise.
const DEFAULT_DAYS: u32 = 3;

/// Arguments that decide the result; what is `None` takes its default, or what the directory says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LocalnetArgs {
    /// Name of the series.
    pub series: Option<SeriesId>,
    /// Steps of a forecast.
    pub horizon: Option<usize>,
    /// First origin.
    pub from: Option<UnixMillis>,
    /// Origins are below this.
    pub to: Option<UnixMillis>,
    /// Days of rounds up to `to`, where `from` is left out.
    pub days: Option<u32>,
    /// Number of reference miners.
    pub miners: Option<usize>,
    /// Miners of the caller's own.
    pub external_miners: Vec<ExternalMiner>,
    /// Whether adversaries take part.
    pub adversaries: bool,
    /// Interval between rounds.
    pub round_every: Option<Millis>,
    /// Gives keys and signing randomness.
    pub seed: Option<u64>,
}

impl LocalnetArgs {
    /// Number of reference miners, the default if left out.
    pub fn miner_count(&self) -> usize {
        self.miners.unwrap_or(DEFAULT_MINERS)
    }

    /// First origin and end: as wished, or the last days that can settle, inside the prices.
    pub fn bounds(
        &self,
        prices: &PriceSeries,
        grid: &Grid,
        round_every: Millis,
    ) -> (UnixMillis, UnixMillis) {
        let last_to_settle = prices.last_close() - grid.span();
        let end = self.to.unwrap_or(last_to_settle + Millis(1));
        let days = i64::from(self.days.unwrap_or(DEFAULT_DAYS));
        let from = self.from.unwrap_or(end - Millis::days(days));
        // An origin needs at least one bar behind it, and at least one ahead.
        let first = first_origin(from.max(prices.first_open() + grid.step), round_every);
        (first, end.min(prices.last_close()))
    }
}

/// The first multiple of `every` at or after `t`.
fn first_origin(t: UnixMillis, every: Millis) -> UnixMillis {
    UnixMillis(t.0 + (-t.0).rem_euclid(every.0))
}
