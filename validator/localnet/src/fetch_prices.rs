//! Prices of a run that was given no file: the newest candles of an exchange, or else simulated ones.

use std::time::Duration;

use foretell_core::series::{SeriesId, Unit};
use foretell_core::time::{Millis, UnixMillis};
use foretell_data::prices::PriceSeries;
use foretell_data::simulated_prices::simulate_prices;
use foretell_feed::rest::RestClient;
use foretell_feed::venue::{Binance, Bitstamp, CandleQuery, CandleSource};

use crate::price_summary::PriceSource;

/// Step of fetched and simulated prices.
const STEP: Millis = Millis::minutes(5);
/// Days of fetched and simulated prices: rounds of the last three, and what miners learn from before.
const DAYS: i64 = 36;
/// The simulated series begins on a Monday.
const SIMULATED_FROM: UnixMillis = UnixMillis::literal(1_704_067_200_000);
/// Deadline of one request to an exchange. A newcomer without a network shouldn't wait for long.
const EXCHANGE_DEADLINE: Duration = Duration::from_secs(5);

/// Prices of a run without a price file.
#[derive(Debug)]
pub struct FetchedPrices {
    /// Bars of 5 minutes over 36 days, oldest first.
    pub prices: PriceSeries,
    /// The exchange, or the simulation and its seed.
    pub source: PriceSource,
    /// Why no exchange gave any, where the prices are simulated; `None` where they are real.
    pub fallback_reason: Option<String>,
}

/// The newest candles of the first exchange that gives them, or else the simulated series of `seed`.
///
/// Fails only if the simulation does.
pub async fn newest_or_simulated(
    series: &SeriesId,
    seed: u64,
    now: UnixMillis,
) -> anyhow::Result<FetchedPrices> {
    let fallback_reason = match newest(series, now).await {
        Ok((prices, source)) => {
            return Ok(FetchedPrices {
                prices,
                source,
                fallback_reason: None,
            });
        }
        Err(reasons) => reasons,
    };
    let bars = usize::try_from(Millis::days(DAYS).get() / STEP.get())?;
    Ok(FetchedPrices {
        prices: simulate_prices(seed, SIMULATED_FROM, STEP, bars)?,
        source: PriceSource::Simulated { seed },
        fallback_reason: Some(fallback_reason),
    })
}

/// The newest candles of the first exchange that gives them; the error joins the reasons of all.
async fn newest(series: &SeriesId, now: UnixMillis) -> Result<(PriceSeries, PriceSource), String> {
    let Some((base, "USD")) = series.as_str().split_once('/') else {
        return Err(format!("no exchange is known to trade {series}"));
    };
    let exchanges: [(&dyn CandleSource, String); 2] = [
        (&Bitstamp, format!("{}usd", base.to_lowercase())),
        (&Binance, format!("{}USDT", base.to_uppercase())),
    ];
    let rest = RestClient::new(EXCHANGE_DEADLINE).map_err(|error| error.to_string())?;
    let to = now.floor(STEP);
    let mut reasons = Vec::new();
    for (venue, symbol) in exchanges {
        let query = CandleQuery {
            symbol: &symbol,
            step: STEP,
            from: to - Millis::days(DAYS),
            to,
        };
        let fetched = rest.candles(venue, venue.default_host(), &query).await;
        let prices = match fetched {
            Ok(bars) => {
                PriceSeries::from_bars(Unit::LogPrice, bars).map_err(|error| error.to_string())
            }
            Err(error) => Err(error.summary()),
        };
        match prices {
            Ok(prices) => {
                let venue = venue.name().to_owned();
                return Ok((prices, PriceSource::Exchange { venue, symbol }));
            }
            Err(reason) => reasons.push(reason),
        }
    }
    Err(reasons.join("; "))
}
