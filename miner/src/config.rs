//! The miner's configuration file.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use foretell_chain::subnet_address::SubnetAddress;
use foretell_cli::config_file::{self, ConfigFileError, ConfigValueError, Configuration};
use foretell_core::forecast::ForecastKind;
use foretell_core::hotkey::Hotkey;
use foretell_core::series::Series;
use foretell_core::time::Millis;
use foretell_feed::venue::{self, CandleSource};
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
        Ok(config_file::read_checked(path)?)
    }

    /// The configuration in the text of the file `path`.
    pub fn parse(path: &Path, text: &str) -> Result<Self, MinerConfigError> {
        Ok(config_file::parse_checked(path, text)?)
    }

    /// The venue that prices come from, and its host.
    pub fn venue(&self) -> Result<(&'static dyn CandleSource, String), MinerConfigError> {
        Ok(self.venue_or_value_error()?)
    }

    fn venue_or_value_error(
        &self,
    ) -> Result<(&'static dyn CandleSource, String), ConfigValueError> {
        let name = &self.prices.venue;
        let venue = venue::candle_source(name)
            .map_err(|error| ConfigValueError::new("prices.venue", name, error.to_string()))?;
        let host = self.prices.host.as_deref().unwrap_or(venue.default_host());
        if host.is_empty() {
            let cure = "this venue has no host of its own: set one";
            return Err(ConfigValueError::new("prices.host", &"", cure));
        }
        Ok((venue, host.trim_end_matches('/').to_owned()))
    }
}

impl Configuration for MinerConfig {
    fn paths_mut(&mut self) -> Vec<(&'static str, &mut PathBuf)> {
        let Self {
            series: _,
            prices,
            model,
            serve,
            chain: _,
        } = self;
        let MinerPricesConfig {
            venue: _,
            host: _,
            symbol: _,
            files,
        } = prices;
        let ModelConfig {
            name: _,
            history_days: _,
            refit_hours: _,
            k: _,
            kind: _,
            seed: _,
            file,
        } = model;
        let ServeConfig {
            listen: _,
            axon: _,
            data,
            clock: _,
            validators: _,
        } = serve;
        let mut paths = vec![("serve.data", data)];
        paths.extend(files.iter_mut().map(|file| ("prices.files", file)));
        paths.extend(file.iter_mut().map(|file| ("model.file", file)));
        paths
    }

    fn check(&self) -> Result<(), ConfigValueError> {
        let Series { grid, .. } = &self.series;
        let model = &self.model;
        if grid.step.get() <= 0 || grid.step > LONGEST_STEP {
            let cure = "use a positive step, up to a week";
            return Err(ConfigValueError::new(
                "series.step_ms",
                &grid.step.get(),
                cure,
            ));
        }
        let counts = [
            ("series.horizon", grid.horizon, 1000, "use 1 to 1000 steps"),
            ("model.k", model.k, 1000, "use 1 to 1000 values"),
            (
                "model.history_days",
                model.history_days as usize,
                36_500,
                "use at least 1, and at most 36500",
            ),
            (
                "model.refit_hours",
                model.refit_hours as usize,
                8_760,
                "use at least 1, and at most 8760, a year",
            ),
        ];
        for (key, count, most, cure) in counts {
            if !(1..=most).contains(&count) {
                return Err(ConfigValueError::new(key, &count, cure));
            }
        }
        self.venue_or_value_error().map(|_| ())
    }
}

/// The longest step of a series: a week.
const LONGEST_STEP: Millis = Millis::minutes(7 * 24 * 60);

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
mod messages;

#[cfg(test)]
mod tests {
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
        MinerConfig::parse(Path::new("/etc/foretell/miner.toml"), text)
    }

    #[test]
    fn paths_are_relative_to_the_configuration_and_begin_at_home_with_a_tilde() {
        let text = MINIMAL
            .replace(
                "[model]",
                "files = [\"p.csv\", \"~/q.csv\"]\n[model]\nfile = \"../m.json\"",
            )
            .replace("\"miner-data\"", "\"~/data\"");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("miner.toml");
        std::fs::write(&path, text).unwrap();
        let config = MinerConfig::read(&path).unwrap();
        let home = std::env::home_dir().unwrap();
        assert_eq!(config.serve.data, home.join("data"));
        assert_eq!(
            config.prices.files,
            [folder.path().join("p.csv"), home.join("q.csv")]
        );
        assert_eq!(config.model.file, Some(folder.path().join("../m.json")));
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
            error.to_string()
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
            Some(PathBuf::from("/etc/foretell/har-plus.json"))
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
