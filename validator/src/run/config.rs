//! The configuration of `validator run`. `validator/example.toml` shows every key with its default.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::{fs, io};

use foretell_chain::network::Place;
use foretell_core::hotkey::Hotkey;
use foretell_core::rules::RulesVersion;
use foretell_core::series::{Grid, Series, Unit};
use foretell_core::settle::Quote;
use foretell_core::time::Millis;
use foretell_feed::collector::Market;
use foretell_feed::venue::{self, Pair, VenueError};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::localnet::default_series;

/// Rounds closer together than this would have their windows open at once.
const SHORTEST_INTERVAL: Millis = Millis::minutes(2);

/// A whole configuration, as TOML.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Directory of the journal and all else that must survive.
    pub data: PathBuf,
    /// What is forecast.
    #[serde(default = "bitcoin")]
    pub series: Series,
    /// When it is asked for.
    #[serde(default)]
    pub rounds: RoundsConfig,
    /// Where its prices come from.
    #[serde(default)]
    pub prices: PricesConfig,
    /// Where weights go.
    #[serde(default)]
    pub chain: ChainConfig,
    /// Who signs; a key of its own, kept in the data directory, if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wallet: Option<WalletConfig>,
}

/// When forecasts are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoundsConfig {
    /// Minutes between two rounds, a multiple of the step; 30 or the step if left out.
    #[serde(default = "default_every_minutes")]
    pub every_minutes: u32,
}

/// Where prices come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum PricesConfig {
    /// A quorum of exchanges.
    Venues(VenuesConfig),
    /// A table `open_time_ms,value` in a file that grows.
    File {
        /// The file.
        path: PathBuf,
    },
    /// The same table at an address.
    Url {
        /// The address.
        url: String,
    },
}

/// The exchanges; those that trade the pair of the series, if left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VenuesConfig {
    /// The pair; the series' name if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pair: Option<String>,
    /// The venues whose candles settle.
    #[serde(default = "default_venues")]
    pub venues: Vec<MarketConfig>,
    /// The markets that say what a USDT is worth.
    #[serde(default = "default_usdt_usd")]
    pub usdt_usd: Vec<MarketConfig>,
}

/// One market.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarketConfig {
    /// Name of the venue.
    pub venue: String,
    /// Whether it is asked.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Scheme, name and port; the venue's own if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The pair as the venue's REST interface writes it; worked out if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
    /// What its prices are in; what is usual there if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<Quote>,
}

/// Where weights go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ChainConfig {
    /// A ledger in the data directory.
    Local {
        /// The miners on it.
        #[serde(default)]
        miners: Vec<MinerConfig>,
    },
    /// A subnet of the real chain.
    Subtensor(Place),
}

/// A miner on the local ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MinerConfig {
    /// Its hotkey.
    pub hotkey: Hotkey,
    /// Where it listens.
    pub axon: SocketAddr,
}

/// A hotkey on disk, as Bittensor's tools keep it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WalletConfig {
    /// Directory of all wallets.
    pub path: PathBuf,
    /// Wallet (coldkey) name.
    pub name: String,
    /// Hotkey name.
    pub hotkey: String,
}

/// Every market that is asked.
#[derive(Debug, Default)]
pub struct Markets {
    /// Those that settle, and what their prices are in.
    pub venues: Vec<(Market, Quote)>,
    /// Those that say what a USDT is worth.
    pub usdt_usd: Vec<Market>,
}

/// Why a configuration can't be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file can't be read.
    #[error("can't read configuration {path}: check --config")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is no configuration.
    #[error("configuration {path} is not valid")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Line, column and what is wrong.
        source: Box<toml::de::Error>,
    },
    /// A value that can't be.
    #[error("{key} = {value} in the configuration: {cure}")]
    Value {
        /// The key.
        key: &'static str,
        /// What it was set to.
        value: String,
        /// What to set it to.
        cure: &'static str,
    },
    /// A venue is unknown.
    #[error("prices in the configuration")]
    Venue(#[from] VenueError),
}

impl Config {
    /// The configuration in this file.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        let config: Self = toml::from_str(&text).map_err(|source| ConfigError::Invalid {
            path: path.to_owned(),
            source: Box::new(source),
        })?;
        config.check()?;
        Ok(config)
    }

    /// The configuration that names nothing but a data directory.
    pub fn in_folder(data: &Path) -> Self {
        Self {
            data: data.to_owned(),
            series: bitcoin(),
            rounds: RoundsConfig::default(),
            prices: PricesConfig::default(),
            chain: ChainConfig::default(),
            wallet: None,
        }
    }

    /// The rules of live rounds.
    pub const fn rules(&self) -> RulesVersion {
        RulesVersion::V1
    }

    /// Interval between two rounds.
    pub fn round_every(&self) -> Millis {
        Millis::minutes(i64::from(self.rounds.every_minutes)).max(self.series.grid.step)
    }

    /// The markets that are asked.
    pub fn markets(&self) -> Result<Markets, ConfigError> {
        let PricesConfig::Venues(config) = &self.prices else {
            return Ok(Markets::default());
        };
        let name = config
            .pair
            .clone()
            .unwrap_or_else(|| self.series.id.to_string());
        let pair: Pair = name.parse().map_err(|_| {
            let cure =
                "write BASE/USD, such as ETH/USD; a series that isn't a pair needs a file or a url";
            value("prices.pair (or series.id)", &name, cure)
        })?;
        let enabled = config.venues.iter().filter(|market| market.enabled);
        let venues = enabled
            .map(|market| market.resolved(&pair.base))
            .collect::<Result<_, _>>()?;
        let enabled = config.usdt_usd.iter().filter(|market| market.enabled);
        let usdt_usd = enabled
            .map(MarketConfig::resolved_tether)
            .collect::<Result<_, _>>()?;
        Ok(Markets { venues, usdt_usd })
    }

    /// Refuses what can't be run.
    pub fn check(&self) -> Result<(), ConfigError> {
        let Series { grid, .. } = &self.series;
        if !(1..=1000).contains(&grid.horizon) {
            let cure = "use 1 to 1000 steps";
            return Err(value("series.horizon", &grid.horizon, cure));
        }
        if grid.step.0 <= 0 || grid.step.0 % 60_000 != 0 {
            let cure = "use whole minutes, such as 300000";
            return Err(value("series.step_ms", &grid.step.0, cure));
        }
        let every = self.round_every();
        if every.0 % grid.step.0 != 0 {
            let cure = "use a multiple of series.step_ms";
            return Err(value(
                "rounds.every_minutes",
                &self.rounds.every_minutes,
                cure,
            ));
        }
        if every < SHORTEST_INTERVAL {
            let cure =
                "use at least 2: the windows of one round must close before those of the next open";
            let minutes = self.rounds.every_minutes;
            return Err(value("rounds.every_minutes", &minutes, cure));
        }
        match &self.prices {
            PricesConfig::Venues(config) => self.check_venues(config),
            PricesConfig::Url { url } if !url.starts_with("http") => Err(value(
                "prices.url",
                url,
                "start it with http:// or https://",
            )),
            PricesConfig::Url { .. } | PricesConfig::File { .. } => Ok(()),
        }
    }

    fn check_venues(&self, config: &VenuesConfig) -> Result<(), ConfigError> {
        self.markets()?;
        let enabled = config.venues.iter().filter(|market| market.enabled);
        let names: Vec<&str> = enabled.map(|market| market.venue.as_str()).collect();
        let mut seen = BTreeSet::new();
        if let Some(twice) = names.iter().find(|name| !seen.insert(**name)) {
            let cure = "give each venue one entry";
            return Err(value("prices.venues.venue", twice, cure));
        }
        if seen.contains("coinbase_exchange") && seen.contains("coinbase_advanced") {
            let cure = "it is the same book as coinbase_exchange: enable one of them";
            return Err(value("prices.venues.venue", &"coinbase_advanced", cure));
        }
        let needed = self.rules().rules().minute.min_venues;
        if names.len() < needed {
            let cure = "a price takes a quorum of at least 3: enable more venues";
            return Err(value("the number of prices.venues", &names.len(), cure));
        }
        Ok(())
    }
}

impl MarketConfig {
    /// The default entry of a venue.
    fn named(venue: &str, enabled: bool) -> Self {
        Self {
            venue: venue.to_owned(),
            enabled,
            host: None,
            symbol: None,
            quote: None,
        }
    }

    /// The market of `base` on this venue.
    fn resolved(&self, base: &str) -> Result<(Market, Quote), ConfigError> {
        let venue = venue::by_name(&self.venue)?;
        let quote = self.quote.unwrap_or_else(|| venue.quote());
        let pair = Pair::new(base, &quote.to_string());
        Ok((self.market(venue, &pair), quote))
    }

    /// The market of USDT in USD on this venue.
    fn resolved_tether(&self) -> Result<Market, ConfigError> {
        let venue = venue::by_name(&self.venue)?;
        Ok(self.market(venue, &Pair::new("USDT", "USD")))
    }

    fn market(&self, venue: &'static dyn venue::Venue, pair: &Pair) -> Market {
        let host = self.host.as_deref().unwrap_or(venue.default_host());
        Market {
            venue,
            host: host.trim_end_matches('/').to_owned(),
            symbol: self
                .symbol
                .clone()
                .unwrap_or_else(|| venue.rest_symbol(pair)),
        }
    }
}

impl Default for RoundsConfig {
    fn default() -> Self {
        Self {
            every_minutes: default_every_minutes(),
        }
    }
}

impl Default for PricesConfig {
    fn default() -> Self {
        Self::Venues(VenuesConfig {
            pair: None,
            venues: default_venues(),
            usdt_usd: default_usdt_usd(),
        })
    }
}

impl Default for ChainConfig {
    fn default() -> Self {
        Self::Local { miners: Vec::new() }
    }
}

fn bitcoin() -> Series {
    Series {
        id: default_series(),
        grid: Grid {
            step: Millis::minutes(5),
            horizon: 100,
        },
        unit: Unit::LogPrice,
    }
}

const fn default_every_minutes() -> u32 {
    30
}

const fn yes() -> bool {
    true
}

/// Eight venues, and two that stand in for others: Binance.US is thin, and Coinbase Advanced is Coinbase's own book.
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

fn value(key: &'static str, value: &impl ToString, cure: &'static str) -> ConfigError {
    ConfigError::Value {
        key,
        value: value.to_string(),
        cure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("validator.toml");
        fs::write(&path, text).unwrap();
        Config::read(&path)
    }

    /// What is wrong with this configuration, in words.
    fn said(text: &str) -> String {
        format!("{:#}", anyhow::Error::from(read(text).unwrap_err()))
    }

    #[test]
    fn the_example_shows_every_key_with_its_default() {
        let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/example.toml"));
        let example = Config::read(path).unwrap();
        assert_eq!(example, read("data = \"validator-data\"").unwrap());
        // Keys without a default stand there as comments, and work once the mark is taken off.
        let text = fs::read_to_string(path).unwrap();
        let shown = text
            .lines()
            .map(|line| line.strip_prefix("#: ").unwrap_or(line));
        let text: Vec<&str> = shown.collect();
        let all = read(&text.join("\n")).unwrap();
        let written = toml::to_string(&all).unwrap();
        for key in [
            "[wallet]",
            "pair",
            "host",
            "symbol",
            "quote",
            "[[chain.miners]]",
            "axon",
        ] {
            assert!(written.contains(key), "{key} is not shown:\n{written}");
        }
    }

    #[test]
    fn the_real_chain_is_a_network_and_a_subnet() {
        let chain = |text: &str| format!("data = \"d\"\n[chain]\nkind = \"subtensor\"\n{text}");
        let config = read(&chain("network = \"test\"\nnetuid = 8")).unwrap();
        let ChainConfig::Subtensor(place) = config.chain else {
            panic!("{:?}", config.chain);
        };
        assert_eq!(place.to_string(), "subnet 8 of test");
        assert!(said(&chain("network = \"test\"")).contains("missing field `netuid`"));
        assert!(said(&chain("network = \"main\"\nnetuid = 8")).contains("use finney, test, local"));
    }

    #[test]
    fn another_pair_takes_another_name() {
        let config =
            read("data = \"d\"\n[series]\nid = \"ETH/USD\"\nstep_ms = 300000\nhorizon = 100")
                .unwrap();
        let markets = config.markets().unwrap();
        let symbols: Vec<String> = markets
            .venues
            .iter()
            .map(|(m, _)| m.symbol.clone())
            .collect();
        for symbol in ["ETHUSDT", "ETH-USD", "ethusd", "tETHUSD", "ETH-USDT"] {
            assert!(
                symbols.contains(&symbol.to_owned()),
                "{symbol} is not in {symbols:?}"
            );
        }
        assert_eq!(markets.usdt_usd.len(), 3);
    }

    #[test]
    fn mistakes_are_named_with_their_cure() {
        let data = "data = \"d\"\n";
        assert!(said("").contains("missing field `data`"));
        assert!(said("data = \"d\"\nprice = 1").contains("unknown field `price`"));
        let series = |id: &str, step: i64, horizon: u32| {
            format!("{data}[series]\nid = \"{id}\"\nstep_ms = {step}\nhorizon = {horizon}")
        };
        assert!(said(&series("BTC/USD", 300_000, 0)).contains("series.horizon = 0"));
        assert!(said(&series("BTC/USD", 1500, 1)).contains("series.step_ms = 1500"));
        assert!(said(&series("temperature", 300_000, 1)).contains("needs a file or a url"));
        let every = format!("{data}[rounds]\nevery_minutes = 7");
        assert!(said(&every).contains("rounds.every_minutes = 7"));
        let every = format!(
            "{}\n[rounds]\nevery_minutes = 1",
            series("BTC/USD", 60_000, 1)
        );
        assert!(said(&every).contains("rounds.every_minutes = 1"));
        let venues = |text: &str| said(&format!("{data}[prices]\nkind = \"venues\"\n{text}"));
        assert!(venues("venues = [{venue = \"mtgox\"}]").contains("mtgox"));
        assert!(venues("venues = [{venue = \"kraken\"}]").contains("a quorum of at least 3"));
        let twice = "venues = [{venue = \"kraken\"}, {venue = \"kraken\"}]";
        assert!(venues(twice).contains("kraken"));
        let both = r#"venues = [{venue = "coinbase_exchange"}, {venue = "coinbase_advanced"}, {venue = "kraken"}]"#;
        assert!(venues(both).contains("the same book"));
        assert!(
            said(&format!("{data}[prices]\nkind = \"url\"\nurl = \"ftp\"")).contains("http://")
        );
        let missing = Config::read(Path::new("nowhere.toml")).unwrap_err();
        assert!(missing.to_string().contains("nowhere.toml"));
    }
}
