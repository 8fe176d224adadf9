//! The configuration of the feed: the venues with their addresses and pairs, each on or off.

use std::collections::BTreeMap;

use foretell_core::rules::MinuteRules;
use foretell_core::settle::QuoteCurrency;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::collector::VenueMarket;
use crate::venue::{self, Pair, Venue, VenueError};
use crate::websocket::{SocketUrl, SocketUrlError};

/// Venues that trade USDT for USD.
const USDT_USD_VENUES: [&str; 3] = ["bitstamp", "coinbase_exchange", "kraken"];
/// Venues that are disabled by default.
const DISABLED_VENUES: [&str; 2] = ["binance_us", "coinbase_advanced"];

/// The venues whose trades are received and whose candles are requested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeedConfig {
    /// One entry per venue, enabled or not.
    pub venue: Vec<FeedVenueConfig>,
}

/// A venue's entry in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeedVenueConfig {
    /// Name of a venue in [`ALL`](crate::venue::ALL).
    pub name: String,
    /// Whether it is used; true if left out.
    #[serde(default = "enabled_by_default")]
    pub enabled: bool,
    /// Address of its WebSocket interface; the venue's default if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Scheme, name and port of its REST interface; the venue's default if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Pairs such as `BTC/USD`, whatever the venue writes.
    pub pairs: Vec<String>,
}

/// A venue's WebSocket interface, and the symbols to subscribe to there.
#[derive(Debug, Clone)]
pub struct StreamTarget {
    /// The venue, whose protocol `address` serves.
    pub venue: &'static dyn Venue,
    /// Address of its WebSocket interface.
    pub address: SocketUrl,
    /// The symbols, as its WebSocket interface writes them.
    pub symbols: Vec<String>,
}

/// The markets that settle a pair.
#[derive(Debug, Default)]
pub struct SettlementMarkets {
    /// The markets of the pair, each with its quote currency.
    pub venues: Vec<(VenueMarket, QuoteCurrency)>,
    /// The markets of USDT/USD, which convert prices in USDT.
    pub usdt_usd: Vec<VenueMarket>,
}

/// Why a configuration can't be used.
#[derive(Debug, Error)]
pub enum FeedConfigError {
    /// There is no venue of that name.
    #[error("venue.name in the configuration")]
    Venue(#[from] VenueError),
    /// A text isn't of the form BASE/QUOTE.
    #[error("pairs of venue {venue} in the configuration: {why}")]
    Pair {
        /// Name of the venue with the wrong entry.
        venue: String,
        /// What is wrong with the text.
        why: venue::PairError,
    },
    /// A text isn't the address of a WebSocket.
    #[error("url of venue {venue} in the configuration")]
    Url {
        /// Name of the venue with the wrong entry.
        venue: String,
        /// What is wrong with the text.
        source: SocketUrlError,
    },
    /// No venue is enabled, or an enabled one has no pairs.
    #[error(
        "no venue is enabled, or an enabled one has no pairs: list [[venue]] with name and pairs"
    )]
    NoVenues,
}

impl FeedConfig {
    /// Eight venues that trade `base` against their usual currency, and USDT/USD where that is traded; and two that are
    /// disabled: `binance_us`, which is thin, and `coinbase_advanced`, which is the book of `coinbase_exchange`.
    pub fn for_base(base: &str) -> Self {
        let venue_config = |venue: &'static dyn Venue| {
            let mut pairs = vec![format!("{base}/{}", venue.default_quote())];
            if USDT_USD_VENUES.contains(&venue.name()) {
                pairs.push("USDT/USD".into());
            }
            FeedVenueConfig {
                name: venue.name().to_owned(),
                enabled: !DISABLED_VENUES.contains(&venue.name()),
                url: None,
                host: None,
                pairs,
            }
        };
        Self {
            venue: venue::ALL.into_iter().map(venue_config).collect(),
        }
    }

    /// Where the enabled venues' trades are received.
    pub fn stream_targets(&self) -> Result<Vec<StreamTarget>, FeedConfigError> {
        let enabled = self.venue.iter().filter(|config| config.enabled);
        let targets: Vec<StreamTarget> = enabled
            .map(FeedVenueConfig::stream_target)
            .collect::<Result<_, _>>()?;
        if targets.is_empty() || targets.iter().any(|each| each.symbols.is_empty()) {
            return Err(FeedConfigError::NoVenues);
        }
        Ok(targets)
    }

    /// The markets that settle each pair in USD that can be settled, by pair such as `BTC/USD`: a pair counts if enough
    /// enabled venues quote its base in USD or USDT.
    pub fn settlement_markets(
        &self,
        rules: &MinuteRules,
    ) -> Result<BTreeMap<String, SettlementMarkets>, FeedConfigError> {
        let mut by_pair: BTreeMap<String, SettlementMarkets> = BTreeMap::new();
        let mut usdt_usd = Vec::new();
        for config in self.venue.iter().filter(|config| config.enabled) {
            for (pair, market) in config.venue_markets()? {
                let quote = match pair.quote.as_str() {
                    "USD" => QuoteCurrency::Usd,
                    "USDT" => QuoteCurrency::Usdt,
                    _ => continue,
                };
                if (pair.base.as_str(), quote) == ("USDT", QuoteCurrency::Usd) {
                    usdt_usd.push(market);
                } else {
                    let markets = by_pair.entry(format!("{}/USD", pair.base)).or_default();
                    markets.venues.push((market, quote));
                }
            }
        }
        by_pair.retain(|_, markets| markets.venues.len() >= rules.min_venues);
        for markets in by_pair.values_mut() {
            markets.usdt_usd.clone_from(&usdt_usd);
        }
        Ok(by_pair)
    }
}

impl FeedVenueConfig {
    fn stream_target(&self) -> Result<StreamTarget, FeedConfigError> {
        let venue = venue::by_name(&self.name)?;
        let url = self.url.as_deref().unwrap_or(venue.limits().url);
        let address = SocketUrl::new(url).map_err(|source| FeedConfigError::Url {
            venue: self.name.clone(),
            source,
        })?;
        let pairs = self.pairs.iter().map(|pair| self.parse_pair(pair));
        let symbols = pairs.map(|pair| Ok(venue.symbol(&pair?)));
        Ok(StreamTarget {
            venue,
            address,
            symbols: symbols.collect::<Result<_, FeedConfigError>>()?,
        })
    }

    /// Its pairs, and where their candles are.
    fn venue_markets(&self) -> Result<Vec<(Pair, VenueMarket)>, FeedConfigError> {
        let venue = venue::by_name(&self.name)?;
        let host = self.host.as_deref().unwrap_or(venue.default_host());
        let market = |text: &String| {
            let pair = self.parse_pair(text)?;
            let market = VenueMarket {
                venue,
                host: host.trim_end_matches('/').to_owned(),
                symbol: venue.rest_symbol(&pair),
            };
            Ok((pair, market))
        };
        self.pairs.iter().map(market).collect()
    }

    fn parse_pair(&self, text: &str) -> Result<Pair, FeedConfigError> {
        text.parse().map_err(|why| FeedConfigError::Pair {
            venue: self.name.clone(),
            why,
        })
    }
}

const fn enabled_by_default() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_venues_are_enabled_and_two_are_not() {
        let targets = FeedConfig::for_base("BTC").stream_targets().unwrap();
        assert_eq!(targets.len(), 8);
        let kraken = targets
            .iter()
            .find(|each| each.venue.name() == "kraken")
            .unwrap();
        assert_eq!(kraken.symbols, ["BTC/USD", "USDT/USD"]);
        let okx = targets
            .iter()
            .find(|each| each.venue.name() == "okx")
            .unwrap();
        assert_eq!(okx.symbols, ["BTC-USDT"]);
    }

    #[test]
    fn a_pair_that_enough_venues_trade_is_settled() {
        let rules = foretell_core::rules::RulesVersion::V1.rules().minute;
        let mut config = FeedConfig::for_base("BTC");
        config.venue[0].pairs.push("ETH/USDT".into());
        let by_pair = config.settlement_markets(&rules).unwrap();
        assert_eq!(by_pair.keys().collect::<Vec<_>>(), ["BTC/USD"]);
        let markets = &by_pair["BTC/USD"];
        let in_usdt = markets
            .venues
            .iter()
            .filter(|(_, quote)| *quote == QuoteCurrency::Usdt);
        assert_eq!((markets.venues.len(), in_usdt.count()), (8, 3));
        let symbols: Vec<&str> = markets.usdt_usd.iter().map(|m| m.symbol.as_str()).collect();
        assert_eq!(symbols, ["usdtusd", "USDT-USD", "USDTUSD"]);
    }

    #[test]
    fn an_error_names_the_venue_of_the_wrong_entry() {
        let error_after = |change: &dyn Fn(&mut FeedVenueConfig)| {
            let mut config = FeedConfig::for_base("ETH");
            change(&mut config.venue[0]);
            config.stream_targets().unwrap_err().to_string()
        };
        assert!(error_after(&|venue| venue.url = Some("http://x".into())).contains("binance"));
        assert!(error_after(&|venue| venue.pairs = vec!["ETHUSDT".into()]).contains("BASE/QUOTE"));
        assert!(error_after(&|venue| venue.pairs.clear()).contains("pairs"));
        let mut none = FeedConfig::for_base("ETH");
        none.venue
            .iter_mut()
            .for_each(|venue| venue.enabled = false);
        assert!(none.stream_targets().is_err());
    }
}
