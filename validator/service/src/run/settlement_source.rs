//! Where a series' prices are learnt: a quorum of venues, or one file or URL of values.

use std::fmt;
use std::time::Duration;

use anyhow::Result;
use foretell_core::settle::MINUTE;
use foretell_core::time::UnixMillis;
use foretell_feed::collector::CandleCollector;
use foretell_feed::rest::RestClient;

use super::config::{PriceSourceConfig, ValidatorConfig};
use super::source_response::SourceResponse;
use super::value_source::ValueSource;

/// Deadline of one request.
const DEADLINE: Duration = Duration::from_secs(10);

/// Where prices are learnt.
#[derive(Debug)]
pub enum SettlementSource {
    /// A quorum of venues, by their candles, minute by minute.
    Venues(Box<CandleCollector>),
    /// A file or URL of values, step by step.
    Values(ValueSource),
}

impl SettlementSource {
    /// The source that this configuration names.
    ///
    /// # Errors
    /// A market that can't be resolved, or no HTTP client.
    pub fn from_config(config: &ValidatorConfig) -> Result<Self> {
        let rest = RestClient::new(DEADLINE)?;
        let (step, unit) = (config.series.grid.step, config.series.unit);
        Ok(match &config.prices {
            PriceSourceConfig::Venues(_) => {
                let markets = config.markets()?;
                let rules = config.rules().rules().minute;
                let collector = CandleCollector::new(rest, rules, markets.venues, markets.usdt_usd);
                Self::Venues(Box::new(collector))
            }
            PriceSourceConfig::File { path } => {
                Self::Values(ValueSource::from_file(path.clone(), step, unit))
            }
            PriceSourceConfig::Url { url } => {
                Self::Values(ValueSource::from_url(rest, url.clone(), step, unit))
            }
        })
    }

    /// Asks for these instants, oldest first, at `now`.
    pub async fn ask(&self, instants: &[UnixMillis], now: UnixMillis) -> SourceResponse {
        match self {
            Self::Venues(collector) => {
                let first = instants.first().map_or(now, |instant| *instant - MINUTE);
                let last = instants.last().map_or(now, |instant| *instant - MINUTE);
                SourceResponse::Venues(collector.collect(first, last, now).await)
            }
            Self::Values(values) => {
                let read = values.read().await;
                SourceResponse::Values(read.map_err(|error| format!("{error:#}")))
            }
        }
    }
}

impl fmt::Display for SettlementSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Venues(collector) => f.write_str(&collector.market_names().join(", ")),
            Self::Values(values) => values.fmt(f),
        }
    }
}
