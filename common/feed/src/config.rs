//! Which venues are listened to: names, hosts, pairs, on and off.

use serde::{Deserialize, Serialize};
use thiserror::Error;

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
        let symbol = |pair: &String| -> Result<String, StreamsError> {
            let pair: Pair = pair.parse().map_err(|source| StreamsError::Pair {
                venue: self.name.clone(),
                source,
            })?;
            Ok(venue.symbol(&pair))
        };
        Ok(Listening {
            venue,
            address,
            symbols: self.pairs.iter().map(symbol).collect::<Result<_, _>>()?,
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
