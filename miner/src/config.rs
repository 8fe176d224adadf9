//! The miner's configuration file.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use foretell_chain::subnet_address::SubnetAddress;
use foretell_cli::config_file::{self, ConfigFileError, ConfigValueError};
use foretell_core::forecast::ForecastKind;
use foretell_core::hotkey::Hotkey;
use foretell_core::series::Series;
use foretell_feed::venue::{self, CandleSource, VenueError};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A whole configuration, as TOML.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MinerConfig {
    /// What is forecast.
    pub series: Series,
    /// Where its prices come from.
    pub prices: MinerPricesConfig,
    /// What forecasts it.
    pub model: ModelConfig,
    /// Who is answered, and where.
    pub serve: ServeConfig,
    /// The subnet that this miner is registered on; none if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain: Option<SubnetAddress>,
}

/// The venue that a miner reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MinerPricesConfig {
    /// Name of the venue.
    pub venue: String,
    /// Scheme, name and port; the venue's own if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The pair, as the venue writes it.
    pub symbol: String,
    /// Price files to start from, newest first; the venue is asked for what they lack. A replay reads none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<PathBuf>,
}

/// The model and what it learns from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// Name of the model.
    pub name: String,
    /// Days of history that it is fitted on.
    #[serde(default = "default_history_days")]
    pub history_days: u32,
    /// Hours between two fits.
    #[serde(default = "default_refit_hours")]
    pub refit_hours: u32,
    /// Values per step, K.
    #[serde(default = "default_k")]
    pub k: usize,
    /// Quantiles or paths.
    #[serde(default = "default_kind")]
    pub kind: ForecastKind,
    /// Feeds whatever chance the model and paths use.
    #[serde(default)]
    pub seed: u64,
    /// Model file of `miner train` to start with, until the first fit is due. A replay reads none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
}

/// The service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServeConfig {
    /// Address to listen on; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Address that the chain publishes: the one under which validators reach this miner. `listen` if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub axon: Option<SocketAddr>,
    /// Directory for payloads, outcomes, and what a restart starts from.
    pub data: PathBuf,
    /// Whose time the miner goes by.
    #[serde(default)]
    pub clock: ClockConfig,
    /// The validators that are answered; if left out, those that the chain permits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validators: Option<Vec<Hotkey>>,
}

/// Whose time the miner goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockConfig {
    /// The machine's: forecasts are made ahead of each round, and the past is not forecast.
    #[default]
    System,
    /// The round time in each request: a replay.
    Request,
}

/// Why a configuration can't be used.
#[derive(Debug, Error)]
pub enum MinerConfigError {
    /// The file can't be read, or is no configuration.
    #[error(transparent)]
    File(#[from] ConfigFileError),
    /// A value that can't be.
    #[error(transparent)]
    Value(#[from] ConfigValueError),
    /// The venue is unknown.
    #[error("prices.venue in the configuration")]
    Venue(#[from] VenueError),
}

impl ModelConfig {
    /// This model with every default.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            history_days: default_history_days(),
            refit_hours: default_refit_hours(),
            k: default_k(),
            kind: default_kind(),
            seed: 0,
            file: None,
        }
    }
}

impl ServeConfig {
    /// Where others reach a miner that listens at `bound`; `None` if only its operator can know.
    pub fn public_address(&self, bound: SocketAddr) -> Option<SocketAddr> {
        let own = Some(bound).filter(|bound| !bound.ip().is_unspecified());
        self.axon.or(own)
    }
}

impl MinerConfig {
    /// The configuration in this file.
    pub fn read(path: &Path) -> Result<Self, MinerConfigError> {
        let config: Self = config_file::read(path)?;
        config.validate()?;
        Ok(config)
    }

    /// The venue that prices come from, and its host.
    pub fn venue(&self) -> Result<(&'static dyn CandleSource, String), MinerConfigError> {
        let venue = venue::candle_source(&self.prices.venue)?;
        let host = self.prices.host.as_deref().unwrap_or(venue.default_host());
        if host.is_empty() {
            return Err(ConfigValueError::new(
                "prices.host",
                &"",
                "this venue has no host of its own: set one",
            )
            .into());
        }
        Ok((venue, host.trim_end_matches('/').to_owned()))
    }

    fn validate(&self) -> Result<(), MinerConfigError> {
        let Series { grid, .. } = &self.series;
        if grid.step.0 <= 0 {
            return Err(ConfigValueError::new(
                "series.step_ms",
                &grid.step.0,
                "use a positive step",
            )
            .into());
        }
        if !(1..=1000).contains(&grid.horizon) {
            return Err(ConfigValueError::new(
                "series.horizon",
                &grid.horizon,
                "use 1 to 1000 steps",
            )
            .into());
        }
        let model = &self.model;
        if !(1..=1000).contains(&model.k) {
            return Err(ConfigValueError::new("model.k", &model.k, "use 1 to 1000 values").into());
        }
        if model.history_days == 0 {
            return Err(ConfigValueError::new("model.history_days", &0, "use at least 1").into());
        }
        if model.refit_hours == 0 {
            return Err(ConfigValueError::new("model.refit_hours", &0, "use at least 1").into());
        }
        self.venue().map(|_| ())
    }
}

const fn default_history_days() -> u32 {
    365
}

const fn default_refit_hours() -> u32 {
    24
}

const fn default_k() -> usize {
    99
}

const fn default_kind() -> ForecastKind {
    ForecastKind::Quantiles
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const MINIMAL: &str = r#"
        [series]
        id = "BTC/USD"
        step_ms = 300000
        horizon = 100
        [prices]
        venue = "bitstamp"
        symbol = "btcusd"
        [model]
        name = "har"
        [serve]
        listen = "127.0.0.1:8091"
        data = "miner-data"
    "#;

    fn read(text: &str) -> Result<MinerConfig, MinerConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("miner.toml");
        fs::write(&path, text).unwrap();
        MinerConfig::read(&path)
    }

    #[test]
    fn what_is_left_out_has_a_default() {
        let config = read(MINIMAL).unwrap();
        assert_eq!((config.model.history_days, config.model.k), (365, 99));
        assert_eq!(config.serve.clock, ClockConfig::System);
        let (venue, host) = config.venue().unwrap();
        assert_eq!(
            (venue.name(), host.as_str()),
            ("bitstamp", "https://www.bitstamp.net")
        );
    }

    #[test]
    fn mistakes_are_named() {
        let error_after = |from: &str, to: &str| {
            let error = read(&MINIMAL.replace(from, to)).unwrap_err();
            let source = std::error::Error::source(&error).map(ToString::to_string);
            format!("{error} {}", source.unwrap_or_default())
        };
        assert!(error_after("horizon", "horizons").contains("unknown field `horizons`"));
        assert!(error_after("symbol", "symbols").contains("unknown field `symbols`"));
        assert!(error_after("= 100", "= 0").contains("series.horizon = 0"));
        assert!(error_after("bitstamp", "mtgox").contains("mtgox"));
        assert!(error_after("bitstamp", "replay").contains("prices.host"));
        assert!(
            MinerConfig::read(Path::new("nowhere.toml"))
                .unwrap_err()
                .to_string()
                .contains("nowhere.toml")
        );
    }

    /// The example's keys that are commented out, with what they say.
    fn commented(text: &str) -> String {
        let key = |line: &str| {
            let line = line.strip_prefix("# ")?;
            let (key, _) = line.split_once(" = ")?;
            let word = key.chars().all(|c| c.is_ascii_lowercase() || c == '_');
            word.then(|| line.to_owned())
        };
        let lines = text
            .lines()
            .map(|line| key(line).unwrap_or_else(|| line.to_owned()));
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_example_shows_every_key_with_its_default() {
        let example = include_str!("../miner.example.toml");
        let as_it_is = read(example).unwrap();
        let mut with_comments = read(&commented(example)).unwrap();
        // These have no default that could be written down.
        assert_eq!(
            with_comments.model.file.take(),
            Some(PathBuf::from("har-plus.json"))
        );
        assert_eq!(with_comments.serve.validators.take(), Some(Vec::new()));
        let axon = with_comments.serve.axon.take().unwrap();
        assert_eq!(axon.to_string(), "203.0.113.5:8091");
        assert!(with_comments.chain.is_none());
        let (_, host) = as_it_is.venue().unwrap();
        assert_eq!(with_comments.prices.host.take(), Some(host));
        assert_eq!(with_comments, as_it_is);

        // Every key that a whole configuration has is in the example.
        let mut whole = as_it_is;
        whole.prices.files = vec!["prices.csv".into()];
        let written = toml::to_string(&whole).unwrap();
        for line in written.lines() {
            let Some((key, _)) = line.split_once(" = ") else {
                continue;
            };
            let found = commented(example);
            assert!(
                found
                    .lines()
                    .any(|line| line.starts_with(&format!("{key} = "))),
                "{key} is not in miner.example.toml"
            );
        }
        assert!(crate::models::by_name(&whole.model.name).is_ok());
    }
}
