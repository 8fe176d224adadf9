//! Which prices a run had: where they came from and how many, as the manifest and the result keep it.

use std::fmt;

use foretell_cli::time_text;
use foretell_core::hash::{Hash, sha256};
use foretell_core::series::Unit;
use foretell_core::settle::SettledPrices;
use foretell_core::state::SeriesState;
use foretell_data::prices::PriceSeries;
use serde::{Deserialize, Serialize};

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
    pub fn from_settled(state: &SeriesState, markets: &str) -> Self {
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
}

impl fmt::Display for PriceDataSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bars = self.bars;
        match &self.source {
            PriceSource::File => write!(f, "{bars} bars from the file"),
            PriceSource::Exchange { venue, symbol } => {
                write!(f, "{bars} real bars, the newest of {symbol} on {venue}")
            }
            PriceSource::Live { markets } => {
                write!(
                    f,
                    "{bars} settled minutes of {markets}; {} gaps",
                    self.missing
                )
            }
            PriceSource::Simulated { seed } => {
                write!(f, "{bars} SIMULATED bars (seed {seed}), not real prices")
            }
        }
    }
}

/// What people should know of these prices before they look at a result.
pub fn price_warnings(prices: &PriceSeries) -> impl Iterator<Item = String> {
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
