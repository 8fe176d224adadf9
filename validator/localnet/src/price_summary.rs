//! Which prices a run had: where they came from and how many, as the manifest and the result keep it.

use std::fmt;

use foretell_cli::time_text;
use foretell_core::hash::{Hash, sha256};
use foretell_core::series::Unit;
use foretell_core::settle::SettledPrices;
use foretell_core::state::SeriesState;
use foretell_data::prices::PriceSeries;
use serde::{Deserialize, Serialize};

/// Where prices came from and how many there were; two runs on the same prices have the same `sha256`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceDataSummary {
    /// A file, an exchange, several exchanges live, or the simulation.
    pub source: PriceSource,
    /// SHA-256 of the bars' canonical text; of a live run, of the settled prices as CSV.
    pub sha256: Hash,
    /// Number of bars; of a live run, of settled minutes.
    pub bars: usize,
    /// Bars missing between the first and the last; of a live run, minutes that are gaps.
    pub missing: usize,
}

/// Where the prices of a run come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum PriceSource {
    /// A file that the caller gave.
    File,
    /// The newest candles of a public exchange, fetched when the run began.
    Exchange { venue: String, symbol: String },
    /// Minutes settled from several exchanges while the run went on.
    Live { markets: String },
    /// The simulated series: not real prices.
    Simulated { seed: u64 },
}

impl PriceDataSummary {
    /// The summary of these bars.
    pub fn new(prices: &PriceSeries, source: PriceSource) -> Self {
        Self {
            source,
            sha256: prices.sha256(),
            bars: prices.bars().len(),
            missing: prices.missing_bars(),
        }
    }

    /// The summary of a live run that has settled no minute.
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

    /// The summary of the minutes that a live run settled or declared gaps; `markets` describes its exchanges.
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

/// Warnings about these prices that a reader of the result needs: gaps, and values that are no prices.
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
        "these are values, not prices (--unit): moves are plain differences, and what is called bps is in the values' own unit"
            .to_owned()
    });
    gaps.into_iter().chain(differences)
}
