//! The market that forecasters are simulated on: the price files, from the first possible origin on.

use anyhow::{Result, ensure};
use foretell_cli::time_text;
use foretell_core::rules::Rules;
use foretell_core::series::{Grid, Series, SeriesId};
use foretell_core::time::{Millis, UnixMillis};
use foretell_data::prices::read_all;
use foretell_simulation::historical_market::HistoricalMarket;

use super::args::SimulatePolicyArgs;

/// Bars that the forecasters learn from before the first season, at least.
const LEARNING: Millis = Millis::days(90);

/// The market, the first origin, and the end of the prices that may be used.
///
/// Fails if the step isn't 5 minutes, or if there are fewer than [`LEARNING`] before the first origin.
pub fn market(
    arguments: &SimulatePolicyArgs,
    rules: Rules,
) -> Result<(HistoricalMarket, UnixMillis, UnixMillis)> {
    let prices = read_all(&arguments.prices, None)?.series;
    let step = prices.step();
    ensure!(
        step == Millis::minutes(5),
        "the forecasters of the simulation know bars of 5 minutes, these have {} s: use such prices",
        step.get() / 1000
    );
    let from = arguments.from.unwrap_or(prices.first_open() + LEARNING);
    // Rounds have their origins where bars close.
    let from = from.floor(step);
    ensure!(
        from - prices.first_open() >= LEARNING,
        "--from must lie 90 days after the first price ({}), which the forecasters learn from",
        time_text::format_time(prices.first_open())
    );
    let end = arguments.to.unwrap_or(prices.last_close());
    let end = end.min(prices.last_close());
    let series = Series {
        id: SeriesId::btc_usd(),
        grid: Grid { step, horizon: 100 },
        unit: prices.unit(),
    };
    Ok((
        HistoricalMarket::new(series, prices.bars(), rules),
        from,
        end,
    ))
}
