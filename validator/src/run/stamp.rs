//! What a data directory is about: written once when it is begun, compared with the configuration ever after.

use std::fs;
use std::path::{Path, PathBuf};

use foretell_chain::identity::Identity;
use foretell_chain::network::Place;
use foretell_core::attest::Hash;
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
    /// Where weights go; not in directories that were begun before it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    chain: Option<Identity>,
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
    /// The charter of the configured directory: the one that it was begun with, or a new one from `now` on; its weights go
    /// to `chain`, and never anywhere else.
    pub fn begin_or_resume(
        config: &Config,
        validator: Hotkey,
        chain: Identity,
        now: UnixMillis,
    ) -> Result<Charter, StampError> {
        let fresh = charter(config, validator, now);
        let kept = Self::read(&config.data)?;
        if let Some(kept) = &kept {
            let begun_on = kept.chain.unwrap_or(chain);
            check_unchanged(&config.data, (&kept.charter, begun_on), (&fresh, chain))?;
            if kept.chain.is_some() {
                return Ok(kept.charter.clone());
            }
        }
        let stamp = Self {
            version: VERSION,
            kind: "run".into(),
            charter: kept.map_or(fresh, |kept| kept.charter),
            chain: Some(chain),
        };
        let path = config.data.join(STAMP);
        match stamp.write(&config.data, &path) {
            Ok(()) => Ok(stamp.charter),
            Err(source) => Err(StampError::Io { path, source }),
        }
    }

    /// The first block of the chain that the configured directory was begun on, if it was; one that was begun on a ledger of its
    /// own, or on another subnet, can't go on at this `place`.
    pub fn genesis(config: &Config, place: &Place) -> Result<Option<Hash>, StampError> {
        match Self::read(&config.data)?.and_then(|stamp| stamp.chain) {
            None => Ok(None),
            Some(Identity::Subtensor { genesis, netuid }) if netuid == place.netuid => {
                Ok(Some(genesis))
            }
            Some(other) => Err(StampError::OtherConfiguration {
                path: config.data.clone(),
                what: "the chain",
                before: other.to_string(),
                now: place.to_string(),
            }),
        }
    }

    fn read(folder: &Path) -> Result<Option<Self>, StampError> {
        let path = folder.join(STAMP);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(StampError::Io { path, source }),
        };
        let stamp = serde_json::from_slice(&bytes)
            .ok()
            .filter(|stamp: &Self| (stamp.version, stamp.kind.as_str()) == (VERSION, "run"));
        match stamp {
            Some(stamp) => Ok(Some(stamp)),
            None => Err(StampError::Foreign { path }),
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

fn check_unchanged(
    folder: &Path,
    before: (&Charter, Identity),
    now: (&Charter, Identity),
) -> Result<(), StampError> {
    let kind = |charter: &Charter| match charter.prices {
        PriceOrigin::Replay { .. } => "a replay",
        PriceOrigin::Venues { .. } => "venues",
        PriceOrigin::Source { .. } => "a file or url",
    };
    let keys = |(charter, chain): (&Charter, Identity)| {
        let series = &charter.series;
        [
            ("series.id", series.id.to_string()),
            ("series.step_ms", series.grid.step.0.to_string()),
            ("series.horizon", series.grid.horizon.to_string()),
            ("series.unit", format!("{:?}", series.unit)),
            ("rounds.every_minutes", moment::span(charter.round_every)),
            ("the chain", chain.to_string()),
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
