//! The configuration of `validator run`. `validator/example.toml` shows every key with its default.

mod markets;
mod tables;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use foretell_cli::config_file::{self, ConfigFileError, ConfigValueError, Configuration};
use foretell_core::rules::RulesVersion;
use foretell_core::series::{Grid, Series, SeriesId, Unit};
use foretell_core::time::Millis;
use foretell_keys::keyfile::parse_key_name;
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use self::markets::{ConfiguredMarkets, MarketConfig, MonitoredVenue, VenuesConfig};
pub use self::tables::{ChainConfig, LocalMinerConfig, PriceSourceConfig};

/// Rounds closer together than this would have their windows open at once.
const SHORTEST_INTERVAL: Millis = Millis::minutes(2);
/// The longest step, and the longest interval between two rounds: a week.
const LONGEST_INTERVAL: Millis = Millis::minutes(7 * 24 * 60);

/// A whole configuration, as TOML.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValidatorConfig {
    /// Directory of the journal and all else that must survive.
    pub data: PathBuf,
    /// What is forecast; BTC/USD, 100 steps of 5 minutes, if left out.
    #[serde(default = "default_series")]
    pub series: Series,
    /// How often a round begins.
    #[serde(default)]
    pub rounds: RoundsConfig,
    /// Where the series' prices come from.
    #[serde(default)]
    pub prices: PriceSourceConfig,
    /// Chain that lists the miners and takes the weights; a local ledger if left out.
    #[serde(default)]
    pub chain: ChainConfig,
    /// Where the status is served as JSON; nowhere if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpConfig>,
    /// The hotkey that signs; one of its own, kept in the data directory, if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wallet: Option<WalletConfig>,
}

/// Key `rounds`: how often a round begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoundsConfig {
    /// Minutes between two rounds, a multiple of the step; 30 or the step if left out.
    #[serde(default = "default_every_minutes")]
    pub every_minutes: u32,
}

/// Key `http`: the status over HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpConfig {
    /// Address and port of this machine.
    pub listen: SocketAddr,
}

/// Key `wallet`: a hotkey on disk, as Bittensor's tools keep it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WalletConfig {
    /// Directory of all wallets.
    pub path: PathBuf,
    /// Wallet (coldkey) name.
    pub name: String,
    /// Hotkey name within the wallet.
    pub hotkey: String,
}

/// Why a configuration can't be used.
#[derive(Debug, Error)]
pub enum ValidatorConfigError {
    /// The file can't be read, or is no configuration.
    #[error(transparent)]
    File(#[from] ConfigFileError),
    /// A value that can't be.
    #[error(transparent)]
    Value(#[from] ConfigValueError),
}

impl ValidatorConfig {
    /// The configuration in this file.
    pub fn read(path: &Path) -> Result<Self, ValidatorConfigError> {
        Ok(config_file::read_checked(path)?)
    }

    /// The configuration in the text of the file `path`.
    pub fn parse(path: &Path, text: &str) -> Result<Self, ValidatorConfigError> {
        Ok(config_file::parse_checked(path, text)?)
    }

    /// The configuration of a file that names nothing but a data directory.
    pub fn with_data_dir(data: &Path) -> Self {
        Self {
            data: data.to_owned(),
            series: default_series(),
            rounds: RoundsConfig::default(),
            prices: PriceSourceConfig::default(),
            chain: ChainConfig::default(),
            http: None,
            wallet: None,
        }
    }

    /// The rules of live rounds.
    pub const fn rules(&self) -> RulesVersion {
        RulesVersion::V1
    }

    /// Interval between two rounds' origins: at least one step.
    pub fn round_every(&self) -> Millis {
        Millis::minutes(i64::from(self.rounds.every_minutes)).max(self.series.grid.step)
    }

    /// The markets that are asked for candles; none where prices don't come from exchanges.
    pub fn markets(&self) -> Result<ConfiguredMarkets, ValidatorConfigError> {
        match &self.prices {
            PriceSourceConfig::Venues(venues) => Ok(venues.markets(&self.series.id)?),
            PriceSourceConfig::File { .. } | PriceSourceConfig::Url { .. } => {
                Ok(ConfiguredMarkets::default())
            }
        }
    }

    /// The venues whose trades are listened to; none where prices don't come from exchanges.
    pub fn monitored_venues(&self) -> Result<Vec<MonitoredVenue>, ValidatorConfigError> {
        match &self.prices {
            PriceSourceConfig::Venues(venues) => Ok(venues.monitored_venues(&self.series.id)?),
            PriceSourceConfig::File { .. } | PriceSourceConfig::Url { .. } => Ok(Vec::new()),
        }
    }
}

impl Configuration for ValidatorConfig {
    fn paths_mut(&mut self) -> Vec<(&'static str, &mut PathBuf)> {
        let Self {
            data,
            series: _,
            rounds: _,
            prices,
            chain: _,
            http: _,
            wallet,
        } = self;
        let prices = match prices {
            PriceSourceConfig::File { path } => Some(("prices.path", path)),
            PriceSourceConfig::Venues(_) | PriceSourceConfig::Url { .. } => None,
        };
        let wallet = wallet.as_mut().map(|wallet| {
            let WalletConfig {
                path,
                name: _,
                hotkey: _,
            } = wallet;
            ("wallet.path", path)
        });
        let paths = [Some(("data", data)), prices, wallet];
        paths.into_iter().flatten().collect()
    }

    fn check(&self) -> Result<(), ConfigValueError> {
        let Series { grid, .. } = &self.series;
        if !(1..=1000).contains(&grid.horizon) {
            let cure = "use 1 to 1000 steps";
            return Err(ConfigValueError::new("series.horizon", &grid.horizon, cure));
        }
        let step = grid.step.get();
        if step <= 0 || step % 60_000 != 0 || grid.step > LONGEST_INTERVAL {
            let cure = "use whole minutes up to a week, such as 300000";
            return Err(ConfigValueError::new("series.step_ms", &step, cure));
        }
        let every = self.round_every();
        let every_error = |cure: &'static str| {
            let minutes = self.rounds.every_minutes;
            Err(ConfigValueError::new(
                "rounds.every_minutes",
                &minutes,
                cure,
            ))
        };
        if every > LONGEST_INTERVAL {
            return every_error("use at most 10080, a week");
        }
        if every.get() % step != 0 {
            return every_error("use a multiple of series.step_ms");
        }
        if every < SHORTEST_INTERVAL {
            return every_error(
                "use at least 2: a round's reveals are waited for until 60 s after its origin, and those of the next round \
                 are asked for from 15 s before its own",
            );
        }
        if let Some(wallet) = &self.wallet {
            let names = [
                ("wallet.name", &wallet.name),
                ("wallet.hotkey", &wallet.hotkey),
            ];
            for (key, name) in names {
                parse_key_name(name)
                    .map_err(|error| ConfigValueError::new(key, name, error.to_string()))?;
            }
        }
        match &self.prices {
            PriceSourceConfig::Venues(venues) => {
                let min_venues = self.rules().rules().minute.min_venues;
                venues.check(&self.series.id, min_venues)
            }
            PriceSourceConfig::Url { url }
                if !(url.starts_with("http://") || url.starts_with("https://")) =>
            {
                let cure = "start it with http:// or https://";
                Err(ConfigValueError::new("prices.url", url, cure))
            }
            PriceSourceConfig::Url { .. } | PriceSourceConfig::File { .. } => Ok(()),
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

impl Default for PriceSourceConfig {
    fn default() -> Self {
        Self::Venues(VenuesConfig::default())
    }
}

impl Default for ChainConfig {
    fn default() -> Self {
        Self::Local { miners: Vec::new() }
    }
}

fn default_series() -> Series {
    Series {
        id: SeriesId::btc_usd(),
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

#[cfg(test)]
mod messages;
#[cfg(test)]
mod tests;
