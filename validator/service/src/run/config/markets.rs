//! The exchanges of a configuration: where candles are asked for and trades are listened to.

use std::collections::BTreeSet;

use foretell_cli::config_file::ConfigValueError;
use foretell_core::series::SeriesId;
use foretell_core::settle::QuoteCurrency;
use foretell_feed::collector::VenueMarket;
use foretell_feed::config::StreamTarget;
use foretell_feed::market_view::WatchedSymbols;
use foretell_feed::venue::{self, Pair};
use foretell_feed::websocket::SocketUrl;
use serde::{Deserialize, Serialize};

/// The exchanges of `kind = "venues"`; those that trade the pair of the series, if left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VenuesConfig {
    /// The pair that is settled, `BASE/USD`; the series' id if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pair: Option<String>,
    /// The venues whose candles settle.
    #[serde(default = "default_venues")]
    pub venues: Vec<MarketConfig>,
    /// The USDT/USD markets that give the rate of venues that quote in USDT.
    #[serde(default = "default_usdt_usd")]
    pub usdt_usd: Vec<MarketConfig>,
}

/// A venue's market, and how it is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarketConfig {
    /// Name of the venue, as in `feeds/`.
    pub venue: String,
    /// Whether it is used; a market that isn't used may stay in the list.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Scheme, name and port; the venue's own if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Address of its WebSocket interface; the venue's own if left out, none if it has another `host`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The pair as the venue's REST interface writes it; derived from `pair` if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
    /// Currency of its prices; the venue's usual one if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<QuoteCurrency>,
}

/// The enabled markets, with hosts and symbols filled in.
#[derive(Debug, Default)]
pub struct ConfiguredMarkets {
    /// Markets whose candles settle, each with the currency of its prices.
    pub venues: Vec<(VenueMarket, QuoteCurrency)>,
    /// USDT/USD markets.
    pub usdt_usd: Vec<VenueMarket>,
}

/// A venue to listen to, and which of its symbols matter.
#[derive(Debug, Clone)]
pub struct MonitoredVenue {
    /// Its address, and every symbol that is subscribed to.
    pub target: StreamTarget,
    /// Which of these symbols is the pair, and which is USDT/USD.
    pub watched: WatchedSymbols,
}

impl VenuesConfig {
    /// The markets that are asked for candles, where `series` is settled.
    pub fn markets(&self, series: &SeriesId) -> Result<ConfiguredMarkets, ConfigValueError> {
        let base = self.base(series)?;
        let venues = self.enabled().map(|market| market.resolved(&base));
        let usdt_usd = self.enabled_usdt_usd().map(MarketConfig::resolved_usdt_usd);
        Ok(ConfiguredMarkets {
            venues: venues.collect::<Result<_, _>>()?,
            usdt_usd: usdt_usd.collect::<Result<_, _>>()?,
        })
    }

    /// The venues whose trades are listened to, where `series` is settled.
    pub fn monitored_venues(
        &self,
        series: &SeriesId,
    ) -> Result<Vec<MonitoredVenue>, ConfigValueError> {
        let base = self.base(series)?;
        let usdt_venues: BTreeSet<&str> = self
            .enabled_usdt_usd()
            .map(|market| market.venue.as_str())
            .collect();
        let monitored = self.enabled().map(|market| {
            let has_usdt = usdt_venues.contains(market.venue.as_str());
            market.monitored_venue(&base, has_usdt)
        });
        monitored.filter_map(Result::transpose).collect()
    }

    /// Refuses what can't be asked, and what could never settle a price, which takes `min_venues`.
    pub(super) fn check(
        &self,
        series: &SeriesId,
        min_venues: usize,
    ) -> Result<(), ConfigValueError> {
        self.markets(series)?;
        self.monitored_venues(series)?;
        let names: Vec<&str> = self.enabled().map(|market| market.venue.as_str()).collect();
        let mut seen = BTreeSet::new();
        if let Some(twice) = names.iter().find(|name| !seen.insert(**name)) {
            let cure = "give each venue one entry";
            return Err(ConfigValueError::new("prices.venues.venue", twice, cure));
        }
        if seen.contains("coinbase_exchange") && seen.contains("coinbase_advanced") {
            let cure = "it is the same book as coinbase_exchange: enable one of them";
            return Err(ConfigValueError::new(
                "prices.venues.venue",
                &"coinbase_advanced",
                cure,
            ));
        }
        if names.len() < min_venues {
            let cure = "a price takes a quorum of at least 3: enable more venues";
            return Err(ConfigValueError::new(
                "prices.venues",
                &format!("{} enabled", names.len()),
                cure,
            ));
        }
        Ok(())
    }

    /// The pair's base currency, such as BTC.
    fn base(&self, series: &SeriesId) -> Result<String, ConfigValueError> {
        let name = self.pair.clone().unwrap_or_else(|| series.to_string());
        let pair: Pair = name.parse().map_err(|_| {
            let cure =
                "write BASE/USD, such as ETH/USD; a series that isn't a pair needs a file or a url";
            let key = match self.pair {
                Some(_) => "prices.pair",
                None => "series.id",
            };
            ConfigValueError::new(key, &name, cure)
        })?;
        Ok(pair.base)
    }

    fn enabled(&self) -> impl Iterator<Item = &MarketConfig> {
        self.venues.iter().filter(|market| market.enabled)
    }

    fn enabled_usdt_usd(&self) -> impl Iterator<Item = &MarketConfig> {
        self.usdt_usd.iter().filter(|market| market.enabled)
    }
}

impl MarketConfig {
    /// Address and symbols of its trades; `None` where only its candles are asked for.
    fn monitored_venue(
        &self,
        base: &str,
        has_usdt: bool,
    ) -> Result<Option<MonitoredVenue>, ConfigValueError> {
        let venue = self.named_venue("prices.venues.venue")?;
        let url = match (&self.url, &self.host) {
            (Some(url), _) => url,
            (None, None) => venue.limits().url,
            // A server that replaces the venue's REST host may have no trades.
            (None, Some(_)) => return Ok(None),
        };
        let address = SocketUrl::new(url)
            .map_err(|error| ConfigValueError::new("prices.venues.url", url, error.to_string()))?;
        let quote = self.quote.unwrap_or_else(|| venue.default_quote());
        let symbol = venue.symbol(&Pair::new(base, &quote.to_string()));
        let usdt_usd = has_usdt.then(|| venue.symbol(&Pair::new("USDT", "USD")));
        Ok(Some(MonitoredVenue {
            target: StreamTarget {
                venue,
                address,
                symbols: std::iter::once(symbol.clone())
                    .chain(usdt_usd.clone())
                    .collect(),
            },
            watched: WatchedSymbols {
                venue: venue.name(),
                symbol: (symbol, quote),
                usdt_usd,
            },
        }))
    }

    /// The venue of this name; an error names the key.
    fn named_venue(
        &self,
        key: &'static str,
    ) -> Result<&'static dyn venue::Venue, ConfigValueError> {
        venue::by_name(&self.venue)
            .map_err(|error| ConfigValueError::new(key, &self.venue, error.to_string()))
    }

    /// The default entry of a venue.
    fn named(venue: &str, enabled: bool) -> Self {
        Self {
            venue: venue.to_owned(),
            enabled,
            host: None,
            url: None,
            symbol: None,
            quote: None,
        }
    }

    /// The market of `base` on this venue.
    fn resolved(&self, base: &str) -> Result<(VenueMarket, QuoteCurrency), ConfigValueError> {
        let venue = self.named_venue("prices.venues.venue")?;
        let quote = self.quote.unwrap_or_else(|| venue.default_quote());
        let pair = Pair::new(base, &quote.to_string());
        Ok((self.market(venue, &pair), quote))
    }

    /// The market of USDT in USD on this venue.
    fn resolved_usdt_usd(&self) -> Result<VenueMarket, ConfigValueError> {
        let venue = self.named_venue("prices.usdt_usd.venue")?;
        Ok(self.market(venue, &Pair::new("USDT", "USD")))
    }

    fn market(&self, venue: &'static dyn venue::Venue, pair: &Pair) -> VenueMarket {
        let host = self.host.as_deref().unwrap_or(venue.default_host());
        VenueMarket {
            venue,
            host: host.trim_end_matches('/').to_owned(),
            symbol: self
                .symbol
                .clone()
                .unwrap_or_else(|| venue.rest_symbol(pair)),
        }
    }
}

impl Default for VenuesConfig {
    fn default() -> Self {
        Self {
            pair: None,
            venues: default_venues(),
            usdt_usd: default_usdt_usd(),
        }
    }
}

const fn yes() -> bool {
    true
}

/// Eight venues, and two that are off: Binance.US trades little, and Coinbase Advanced has the order book of Coinbase Exchange.
fn default_venues() -> Vec<MarketConfig> {
    let on = [
        "binance",
        "bitfinex",
        "bitstamp",
        "bybit",
        "coinbase_exchange",
        "gemini",
        "kraken",
        "okx",
    ];
    let on = on.map(|name| MarketConfig::named(name, true));
    let off = ["binance_us", "coinbase_advanced"].map(|name| MarketConfig::named(name, false));
    on.into_iter().chain(off).collect()
}

fn default_usdt_usd() -> Vec<MarketConfig> {
    let markets = ["bitstamp", "coinbase_exchange", "kraken"];
    markets.map(|name| MarketConfig::named(name, true)).into()
}
