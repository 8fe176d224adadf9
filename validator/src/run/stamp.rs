//! What a data directory is about: written once when it is begun, compared with the configuration ever after.

use std::fs;
use std::path::{Path, PathBuf};

use foretell_core::hotkey::Hotkey;
use foretell_core::journal::{Charter, PriceOrigin};
use foretell_core::time::UnixMillis;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::config::{Config, PricesConfig};
use crate::moment;

/// Version of the directory's layout.
const VERSION: u32 = 1;
/// File that makes a directory one of ours.
const STAMP: &str = "foretell.json";
/// A journal without an end: its last day is that of the year 9999.
const NEVER: UnixMillis = UnixMillis(253_402_300_799_000);

/// The stamp of a directory.
#[derive(Debug, Serialize, Deserialize)]
pub struct Stamp {
    version: u32,
    kind: String,
    charter: Charter,
}

/// Why a directory can't be used.
#[derive(Debug, Error)]
pub enum StampError {
    /// The stamp can't be read or written.
    #[error("can't access {path}: check `data` in the configuration")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Not a stamp of this command.
    #[error(
        "{path} was not made by this version of `validator run`: configure another `data` directory"
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The configuration is about something else.
    #[error(
        "{path} was begun with {what} = {before}, the configuration now says {now}: put it back, or configure another \
         `data` directory"
    )]
    OtherConfiguration {
        /// The directory.
        path: PathBuf,
        /// Which key.
        what: &'static str,
        /// Its value then.
        before: String,
        /// Its value now.
        now: String,
    },
}

impl Stamp {
    /// The charter of the configured directory: the one that it was begun with, or a new one from `now` on.
    pub fn begin_or_resume(
        config: &Config,
        validator: Hotkey,
        now: UnixMillis,
    ) -> Result<Charter, StampError> {
        let path = config.data.join(STAMP);
        let io_error = |source| StampError::Io {
            path: path.clone(),
            source,
        };
        match fs::read(&path) {
            Ok(bytes) => {
                let stamp: Self = serde_json::from_slice(&bytes)
                    .ok()
                    .filter(|stamp: &Self| (stamp.version, stamp.kind.as_str()) == (VERSION, "run"))
                    .ok_or_else(|| StampError::Foreign { path: path.clone() })?;
                let fresh = charter(config, validator, now);
                check_unchanged(&config.data, &stamp.charter, &fresh)?;
                Ok(stamp.charter)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let stamp = Self {
                    version: VERSION,
                    kind: "run".into(),
                    charter: charter(config, validator, now),
                };
                stamp.write(&config.data, &path).map_err(io_error)?;
                Ok(stamp.charter)
            }
            Err(error) => Err(io_error(error)),
        }
    }

    fn write(&self, folder: &Path, path: &Path) -> std::io::Result<()> {
        fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer_pretty(&mut file, self)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        fs::File::open(folder)?.sync_all()
    }
}

/// Rounds from the next that can be served whole; prices from as long before as its volatility looks.
fn charter(config: &Config, validator: Hotkey, now: UnixMillis) -> Charter {
    let rules = config.rules();
    let every = config.round_every();
    let earliest = now + rules.rules().timing.commit_opens_before;
    let first = UnixMillis(earliest.0 + (-earliest.0).rem_euclid(every.0));
    let since = first - rules.rules().minute.history;
    let since = UnixMillis(since.0 - since.0.rem_euclid(config.series.grid.step.0));
    Charter {
        series: config.series.clone(),
        rules,
        validator,
        first,
        end: NEVER,
        round_every: every,
        prices: match config.prices {
            PricesConfig::Venues(_) => PriceOrigin::Venues { since },
            PricesConfig::File { .. } | PricesConfig::Url { .. } => PriceOrigin::Source { since },
        },
    }
}

fn check_unchanged(folder: &Path, before: &Charter, now: &Charter) -> Result<(), StampError> {
    let kind = |charter: &Charter| match charter.prices {
        PriceOrigin::Replay { .. } => "a replay",
        PriceOrigin::Venues { .. } => "venues",
        PriceOrigin::Source { .. } => "a file or url",
    };
    let keys = |charter: &Charter| {
        let series = &charter.series;
        [
            ("series.id", series.id.to_string()),
            ("series.step_ms", series.grid.step.0.to_string()),
            ("series.horizon", series.grid.horizon.to_string()),
            ("series.unit", format!("{:?}", series.unit)),
            ("rounds.every_minutes", moment::span(charter.round_every)),
            ("the wallet's hotkey", charter.validator.to_string()),
            ("prices.kind", kind(charter).to_owned()),
            ("the rules", charter.rules.name().to_owned()),
        ]
    };
    let changed = keys(before)
        .into_iter()
        .zip(keys(now))
        .find(|(a, b)| a != b);
    match changed {
        None => Ok(()),
        Some(((what, before), (_, now))) => Err(StampError::OtherConfiguration {
            path: folder.to_owned(),
            what,
            before,
            now,
        }),
    }
}
