//! The arguments of a local network, and which origins they ask for.

use foretell_core::series::{Grid, SeriesId};
use foretell_core::time::{Millis, UnixMillis};
use foretell_data::prices::PriceSeries;

use crate::external_miner::ExternalMiner;

/// Number of reference miners where the arguments give none.
const DEFAULT_MINERS: usize = 6;
/// Days of rounds where the arguments give neither `from` nor `days`.
const DEFAULT_DAYS: u32 = 3;

/// Arguments that decide the result. What is `None` takes its default, or in a directory that was begun before, the
/// value of its plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LocalnetArgs {
    /// Name of the series; BTC/USD by default.
    pub series: Option<SeriesId>,
    /// Steps of a forecast, 1 to 1000; 100 by default.
    pub horizon: Option<usize>,
    /// Earliest instant that may be the first origin, which is the next multiple of `round_every`.
    pub from: Option<UnixMillis>,
    /// Origins are before this; by default the last origin whose round can settle is in.
    pub to: Option<UnixMillis>,
    /// Days of rounds up to `to`, where `from` is left out.
    pub days: Option<u32>,
    /// Number of reference miners, 1 to 256; 6 by default.
    pub miners: Option<usize>,
    /// Miners of the caller's own, beside the reference miners.
    pub external_miners: Vec<ExternalMiner>,
    /// Whether adversaries take part.
    pub adversaries: bool,
    /// Interval between rounds, a multiple of the prices' step; by default 30 minutes, or the step if it is longer.
    pub round_every: Option<Millis>,
    /// Seed that all keys and the signing randomness are derived from; 0 by default.
    pub seed: Option<u64>,
}

impl LocalnetArgs {
    /// Number of reference miners, the default if left out.
    pub fn miner_count(&self) -> usize {
        self.miners.unwrap_or(DEFAULT_MINERS)
    }

    /// First origin and end of the origins, exclusive: as the arguments say, or the last days whose rounds can settle; inside the
    /// prices. There is no origin between them if the first isn't before the end.
    pub fn bounds(
        &self,
        prices: &PriceSeries,
        grid: &Grid,
        round_every: Millis,
    ) -> (UnixMillis, UnixMillis) {
        let last_to_settle = prices.last_close() - grid.span();
        let end = self.to.unwrap_or(last_to_settle + Millis::literal(1));
        let days = i64::from(self.days.unwrap_or(DEFAULT_DAYS));
        let from = self.from.unwrap_or(end - Millis::days(days));
        // An origin needs at least one bar behind it, and at least one ahead.
        let first = first_origin(from.max(prices.first_open() + grid.step), round_every);
        (first, end.min(prices.last_close()))
    }
}

/// The first multiple of `every` at or after `t`.
fn first_origin(t: UnixMillis, every: Millis) -> UnixMillis {
    t.ceil(every)
}
