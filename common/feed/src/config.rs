//! Which venues are listened to and asked: names, addresses, pairs, on and off.

use std::collections::BTreeMap;

use foretell_core::rules::MinuteRules;
use foretell_core::settle::Quote;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::collector::Market;
use crate::socket::{Address, AddressError};
use crate::venue::{self, Pair, Venue, VenueError};

/// The venues whose trades are listened to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamsConfig {
    /// One entry a venue.
    pub venue: Vec<StreamConfig>,
}

/// One venue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamConfig {
    /// Its name.
    pub name: String,
    /// Whether it is listened to.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Address of its WebSocket interface; its own if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Scheme, name and port of its REST interface; its own if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Pairs, such as `BTC/USD`.
    pub pairs: Vec<String>,
}

/// A venue to listen to.
#[derive(Debug, Clone)]
pub struct Listening {
    /// The venue.
    pub venue: &'static dyn Venue,
    /// Where.
    pub address: Address,
    /// The symbols, as the venue writes them.
    pub symbols: Vec<String>,
}

/// The markets that settle a pair.
#[derive(Debug, Default)]
pub struct Settling {
    /// Those of the pair, and what they quote in.
    pub venues: Vec<(Market, Quote)>,
    /// Those that say what a USDT is worth.
    pub usdt_usd: Vec<Market>,
}

/// Why a configuration can't be used.
#[derive(Debug, Error)]
pub enum StreamsError {
    /// An unknown venue.
    #[error("venue.name in the configuration")]
    Venue(#[from] VenueError),
    /// No pair.
    #[error("pairs of venue {venue} in the configuration: {source}")]
    Pair {
        /// The venue.
        venue: String,
        /// What is wrong.
        source: venue::PairError,
    },
    /// No address.
    #[error("url of venue {venue} in the configuration")]
    Address {
        /// The venue.
        venue: String,
        /// What is wrong.
        source: AddressError,
    },
    /// Nothing is left.
    #[error(
        "no venue is enabled, or an enabled one has no pairs: list [[venue]] with name and pairs"
    )]
    Nothing,
}

impl StreamsConfig {
    /// The eight venues that trade `base` against their usual currency, and USDT/USD where that is traded. The two
    /// spare doors, `binance_us` and `coinbase_advanced`, are there and off.
    pub fn of(base: &str) -> Self {
        let one = |venue: &'static dyn Venue| {
            let mut pairs = vec![format!("{base}/{}", venue.quote())];
            if TETHER.contains(&venue.name()) {
                pairs.push("USDT/USD".into());
            }
            StreamConfig {
                name: venue.name().to_owned(),
                enabled: !SPARE.contains(&venue.name()),
                url: None,
                host: None,
                pairs,
            }
        };
        Self {
            venue: venue::ALL.into_iter().map(one).collect(),
        }
    }

    /// The venues to listen to.
    pub fn listening(&self) -> Result<Vec<Listening>, StreamsError> {
        let enabled = self.venue.iter().filter(|config| config.enabled);
        let listening: Vec<Listening> = enabled
            .map(StreamConfig::listening)
            .collect::<Result<_, _>>()?;
        if listening.is_empty() || listening.iter().any(|each| each.symbols.is_empty()) {
            return Err(StreamsError::Nothing);
        }
        Ok(listening)
    }
}

impl StreamsConfig {
    /// What can be settled from the enabled venues' candles, by pair such as `BTC/USD`: everything that is quoted in dollars
    /// or USDT on enough venues.
    pub fn settling(
        &self,
        rules: &MinuteRules,
    ) -> Result<BTreeMap<String, Settling>, StreamsError> {
        let mut settling: BTreeMap<String, Settling> = BTreeMap::new();
        let mut usdt_usd = Vec::new();
        for config in self.venue.iter().filter(|config| config.enabled) {
            for (pair, market) in config.markets()? {
                let quote = match pair.quote.as_str() {
                    "USD" => Quote::Usd,
                    "USDT" => Quote::Usdt,
                    _ => continue,
                };
                if (pair.base.as_str(), quote) == ("USDT", Quote::Usd) {
                    usdt_usd.push(market);
                } else {
                    let of_base = settling.entry(format!("{}/USD", pair.base)).or_default();
                    of_base.venues.push((market, quote));
                }
            }
        }
        settling.retain(|_, markets| markets.venues.len() >= rules.min_venues);
        for markets in settling.values_mut() {
            markets.usdt_usd.clone_from(&usdt_usd);
        }
        Ok(settling)
    }
}

/// Where USDT is traded for dollars.
const TETHER: [&str; 3] = ["bitstamp", "coinbase_exchange", "kraken"];
const SPARE: [&str; 2] = ["binance_us", "coinbase_advanced"];

impl StreamConfig {
    fn listening(&self) -> Result<Listening, StreamsError> {
        let venue = venue::by_name(&self.name)?;
        let url = self.url.as_deref().unwrap_or(venue.terms().url);
        let address = Address::new(url).map_err(|source| StreamsError::Address {
            venue: self.name.clone(),
            source,
        })?;
        let pairs = self.pairs.iter().map(|pair| self.pair(pair));
        let symbols = pairs.map(|pair| Ok(venue.symbol(&pair?)));
        Ok(Listening {
            venue,
            address,
            symbols: symbols.collect::<Result<_, StreamsError>>()?,
        })
    }

    /// Its pairs, and where their candles are.
    fn markets(&self) -> Result<Vec<(Pair, Market)>, StreamsError> {
        let venue = venue::by_name(&self.name)?;
        let host = self.host.as_deref().unwrap_or(venue.default_host());
        let market = |text: &String| {
            let pair = self.pair(text)?;
            let market = Market {
                venue,
                host: host.trim_end_matches('/').to_owned(),
                symbol: venue.rest_symbol(&pair),
            };
            Ok((pair, market))
        };
        self.pairs.iter().map(market).collect()
    }

    fn pair(&self, text: &str) -> Result<Pair, StreamsError> {
        text.parse().map_err(|source| StreamsError::Pair {
            venue: self.name.clone(),
            source,
        })
    }
}

const fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_venues_are_listened_to_and_two_are_spare() {
        let listening = StreamsConfig::of("BTC").listening().unwrap();
        assert_eq!(listening.len(), 8);
        let kraken = listening
            .iter()
            .find(|each| each.venue.name() == "kraken")
            .unwrap();
        assert_eq!(kraken.symbols, ["BTC/USD", "USDT/USD"]);
        let okx = listening
            .iter()
            .find(|each| each.venue.name() == "okx")
            .unwrap();
        assert_eq!(okx.symbols, ["BTC-USDT"]);
    }

    #[test]
    fn what_enough_venues_trade_is_settled() {
        let rules = foretell_core::rules::RulesVersion::V1.rules().minute;
        let mut config = StreamsConfig::of("BTC");
        config.venue[0].pairs.push("ETH/USDT".into());
        let settling = config.settling(&rules).unwrap();
        assert_eq!(settling.keys().collect::<Vec<_>>(), ["BTC/USD"]);
        let markets = &settling["BTC/USD"];
        let in_usdt = markets
            .venues
            .iter()
            .filter(|(_, quote)| *quote == Quote::Usdt);
        assert_eq!((markets.venues.len(), in_usdt.count()), (8, 3));
        let symbols: Vec<&str> = markets.usdt_usd.iter().map(|m| m.symbol.as_str()).collect();
        assert_eq!(symbols, ["usdtusd", "USDT-USD", "USDTUSD"]);
    }

    #[test]
    fn what_cannot_be_is_told_with_its_venue() {
        let with = |change: &dyn Fn(&mut StreamConfig)| {
            let mut config = StreamsConfig::of("ETH");
            change(&mut config.venue[0]);
            config.listening().unwrap_err().to_string()
        };
        assert!(with(&|venue| venue.url = Some("http://x".into())).contains("binance"));
        assert!(with(&|venue| venue.pairs = vec!["ETHUSDT".into()]).contains("BASE/QUOTE"));
        assert!(with(&|venue| venue.pairs.clear()).contains("pairs"));
        let mut none = StreamsConfig::of("ETH");
        none.venue
            .iter_mut()
            .for_each(|venue| venue.enabled = false);
        assert!(none.listening().is_err());
    }
}
