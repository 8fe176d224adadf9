//! Which prices a local network lives on: a file, the newest real candles, or the simulated series.

use std::path::Path;
use std::time::Duration;

use foretell_core::hash::{Hash, sha256};
use foretell_core::series::{SeriesId, Unit};
use foretell_core::settle::SettledPrices;
use foretell_core::state::SeriesState;
use foretell_core::time::{Millis, UnixMillis};
use foretell_data::prices::{self, PriceFileError, PriceSeries};
use foretell_data::simulated_prices::simulate_prices;
use foretell_feed::rest::RestClient;
use foretell_feed::venue::{Binance, Bitstamp, CandleQuery, CandleSource};
use serde::{Deserialize, Serialize};

use foretell_cli::time_text;

/// Step of fetched and simulated prices.
const STEP: Millis = Millis::minutes(5);
/// Days of fetched and simulated prices: rounds of the last three, and what miners learn from before.
const DAYS: i64 = 36;
/// The simulated series begins on a Monday.
const SIMULATED_FROM: UnixMillis = UnixMillis(1_704_067_200_000);
/// Deadline of one request to an exchange. A newcomer without a network shouldn't wait for long.
const EXCHANGE_DEADLINE: Duration = Duration::from_secs(5);

/// Where prices came from and what they were, for the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceDataSummary {
    /// `file`, `exchange` or `simulated`.
    pub source: PriceSource,
    /// SHA-256 of the bars' canonical text.
    pub sha256: Hash,
    /// Number of bars.
    pub bars: usize,
    /// Bars missing between the first and the last.
    pub missing: usize,
}

/// Where prices came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum PriceSource {
    /// A file that was given.
    File,
    /// The newest candles of a public exchange.
    Exchange {
        /// Which.
        venue: String,
        /// Its name of the pair.
        symbol: String,
    },
    /// Exchanges, minute by minute, as they settled.
    Live {
        /// Which, and which pairs.
        markets: String,
    },
    /// Made up.
    Simulated {
        /// The seed.
        seed: u64,
    },
}

/// Prices found without being given a file.
#[derive(Debug)]
pub struct FetchedPrices {
    /// The bars.
    pub prices: PriceSeries,
    /// Where they came from.
    pub source: PriceSource,
    /// Why they aren't real, if they aren't.
    pub fallback_reason: Option<String>,
}

/// The prices in a file.
pub fn from_file(file: &Path) -> Result<PriceSeries, PriceFileError> {
    prices::read(file)
}

/// The newest candles of the first exchange that can be reached, or else the simulated series of `seed`.
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
    let bars = usize::try_from(Millis::days(DAYS).0 / STEP.0)?;
    Ok(FetchedPrices {
        prices: simulate_prices(seed, SIMULATED_FROM, STEP, bars)?,
        source: PriceSource::Simulated { seed },
        fallback_reason: Some(fallback_reason),
    })
}

async fn newest(series: &SeriesId, now: UnixMillis) -> Result<(PriceSeries, PriceSource), String> {
    let Some((base, "USD")) = series.as_str().split_once('/') else {
        return Err(format!("no exchange is known to trade {series}"));
    };
    let exchanges: [(&dyn CandleSource, String); 2] = [
        (&Bitstamp, format!("{}usd", base.to_lowercase())),
        (&Binance, format!("{}USDT", base.to_uppercase())),
    ];
    let rest = RestClient::new(EXCHANGE_DEADLINE).map_err(|error| error.to_string())?;
    let to = UnixMillis(now.0 - now.0.rem_euclid(STEP.0));
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
            Ok(bars) => PriceSeries::from_bars(bars).map_err(|error| error.to_string()),
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

impl PriceDataSummary {
    /// The note on these prices.
    pub fn new(prices: &PriceSeries, source: PriceSource) -> Self {
        Self {
            source,
            sha256: prices.sha256(),
            bars: prices.bars().len(),
            missing: prices.missing_bars(),
        }
    }

    /// The note on no prices yet.
    pub fn none() -> Self {
        Self {
            source: PriceSource::Live {
                markets: String::new(),
            },
            sha256: sha256(b""),
            bars: 0,
            missing: 0,
        }
    }

    /// The note on the prices that a live network settled: minutes, and gaps among them.
    pub fn live(state: &SeriesState, markets: &str) -> Self {
        let (settled, gaps) = state.prices().map_or((0, 0), |p| (p.settled(), p.gaps()));
        Self {
            source: PriceSource::Live {
                markets: markets.to_owned(),
            },
            sha256: sha256(
                state
                    .prices()
                    .map(SettledPrices::to_csv)
                    .unwrap_or_default()
                    .as_bytes(),
            ),
            bars: settled,
            missing: gaps,
        }
    }

    /// What people are told about the prices.
    pub fn words(&self) -> String {
        match &self.source {
            PriceSource::File => format!("{} bars from the file", self.bars),
            PriceSource::Exchange { venue, symbol } => {
                format!("{} real bars, the newest of {symbol} on {venue}", self.bars)
            }
            PriceSource::Live { markets } => {
                format!(
                    "{} settled minutes of {markets}; {} gaps",
                    self.bars, self.missing
                )
            }
            PriceSource::Simulated { seed } => {
                format!(
                    "{} SIMULATED bars (seed {seed}), not real prices",
                    self.bars
                )
            }
        }
    }
}

/// What people should know of these prices before they look at a result.
pub fn warnings(prices: &PriceSeries) -> impl Iterator<Item = String> {
    let gaps = prices.gaps().first().map(|first| {
        format!(
            "{} bars are missing, the first {} from {}: steps there have no price, and a round with more than 10 % of \
             them, or without its last one, is void",
            prices.missing_bars(),
            first.bars,
            time_text::format_time(first.first),
        )
    });
    let differences = (prices.unit() == Unit::Value).then(|| {
        "some values are 0 or below: moves are plain differences, and what is called bps is in the values' own unit"
            .to_owned()
    });
    gaps.into_iter().chain(differences)
}
