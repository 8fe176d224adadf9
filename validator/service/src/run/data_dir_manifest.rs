//! What a data directory is about: written once when it is begun, compared with the configuration ever after.

use std::fs;
use std::path::{Path, PathBuf};

use foretell_chain::network::SubnetAddress;
use foretell_chain::subnet_identity::SubnetIdentity;
use foretell_cli::time_text;
use foretell_core::hash::Hash;
use foretell_core::hotkey::Hotkey;
use foretell_core::journal::{Genesis, PriceOrigin};
use foretell_core::time::UnixMillis;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::config::{PriceSourceConfig, ValidatorConfig};
use crate::atomic_file::write_json_atomically;

/// Version of what the directory holds. 2: the journal's first record, and the key here, is a `genesis`.
const VERSION: u32 = 2;
/// File that makes a directory one of ours.
const MANIFEST_FILE: &str = "foretell.json";
/// A journal without an end: its last day is that of the year 9999.
const NEVER: UnixMillis = UnixMillis(253_402_300_799_000);

/// The manifest of a directory.
#[derive(Debug, Serialize, Deserialize)]
pub struct DataDirManifest {
    version: u32,
    kind: String,
    genesis: Genesis,
    /// Where weights go; not in directories that were begun before it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    chain: Option<SubnetIdentity>,
}

/// Why a directory can't be used.
#[derive(Debug, Error)]
pub enum ManifestError {
    /// The manifest can't be read or written.
    #[error("can't access {path}: check `data` in the configuration")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Not a manifest of this command.
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

impl DataDirManifest {
    /// The genesis of the configured directory: the one that it was begun with, or a new one from `now` on; its weights go
    /// to `chain`, and never anywhere else.
    pub fn begin_or_resume(
        config: &ValidatorConfig,
        validator: Hotkey,
        chain: SubnetIdentity,
        now: UnixMillis,
    ) -> Result<Genesis, ManifestError> {
        let fresh = genesis(config, validator, now);
        let kept = Self::read(&config.data)?;
        if let Some(kept) = &kept {
            let begun_on = kept.chain.unwrap_or(chain);
            let before = fixed_keys(&kept.genesis, begun_on);
            check_unchanged(&config.data, before, fixed_keys(&fresh, chain))?;
            if kept.chain.is_some() {
                return Ok(kept.genesis.clone());
            }
        }
        let manifest = Self {
            version: VERSION,
            kind: "run".into(),
            genesis: kept.map_or(fresh, |kept| kept.genesis),
            chain: Some(chain),
        };
        let path = config.data.join(MANIFEST_FILE);
        let written =
            fs::create_dir_all(&config.data).and_then(|()| write_json_atomically(&path, &manifest));
        match written {
            Ok(()) => Ok(manifest.genesis),
            Err(source) => Err(ManifestError::Io { path, source }),
        }
    }

    /// The first block of the chain that the configured directory was begun on, if it was; one that was begun on a ledger of its
    /// own, or on another subnet, can't go on at this `subnet`.
    pub fn chain_genesis(
        config: &ValidatorConfig,
        subnet: &SubnetAddress,
    ) -> Result<Option<Hash>, ManifestError> {
        match Self::read(&config.data)?.and_then(|manifest| manifest.chain) {
            None => Ok(None),
            Some(SubnetIdentity::Subtensor { genesis, netuid }) if netuid == subnet.netuid => {
                Ok(Some(genesis))
            }
            Some(other) => Err(ManifestError::OtherConfiguration {
                path: config.data.clone(),
                what: "the chain",
                before: other.to_string(),
                now: subnet.to_string(),
            }),
        }
    }

    fn read(folder: &Path) -> Result<Option<Self>, ManifestError> {
        let path = folder.join(MANIFEST_FILE);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(ManifestError::Io { path, source }),
        };
        let manifest = serde_json::from_slice(&bytes)
            .ok()
            .filter(|manifest: &Self| {
                (manifest.version, manifest.kind.as_str()) == (VERSION, "run")
            });
        match manifest {
            Some(manifest) => Ok(Some(manifest)),
            None => Err(ManifestError::Foreign { path }),
        }
    }
}

/// Rounds from the next that can be served whole; prices from as long before as its volatility looks.
fn genesis(config: &ValidatorConfig, validator: Hotkey, now: UnixMillis) -> Genesis {
    let rules = config.rules();
    let every = config.round_every();
    let earliest = now + rules.rules().timing.commit_opens_before;
    let first = UnixMillis(earliest.0 + (-earliest.0).rem_euclid(every.0));
    let since = first - rules.rules().minute.volatility_lookback;
    let since = UnixMillis(since.0 - since.0.rem_euclid(config.series.grid.step.0));
    Genesis {
        series: config.series.clone(),
        rules,
        validator,
        first_origin: first,
        end_origin: NEVER,
        round_every: every,
        prices: match config.prices {
            PriceSourceConfig::Venues(_) => PriceOrigin::Venues { since },
            PriceSourceConfig::File { .. } | PriceSourceConfig::Url { .. } => {
                PriceOrigin::Source { since }
            }
        },
    }
}

/// A key whose value can't change in a begun directory, and its value for people.
type FixedKey = (&'static str, String);

/// Everything that a directory is bound to, in the order in which a change is reported.
fn fixed_keys(genesis: &Genesis, chain: SubnetIdentity) -> [FixedKey; 9] {
    let series = &genesis.series;
    let prices = match genesis.prices {
        PriceOrigin::Replay { .. } => "a replay",
        PriceOrigin::Venues { .. } => "venues",
        PriceOrigin::Source { .. } => "a file or url",
    };
    [
        ("series.id", series.id.to_string()),
        ("series.step_ms", series.grid.step.0.to_string()),
        ("series.horizon", series.grid.horizon.to_string()),
        ("series.unit", format!("{:?}", series.unit)),
        (
            "rounds.every_minutes",
            time_text::format_duration(genesis.round_every),
        ),
        ("the chain", chain.to_string()),
        ("the wallet's hotkey", genesis.validator.to_string()),
        ("prices.kind", prices.to_owned()),
        ("the rules", genesis.rules.name().to_owned()),
    ]
}

fn check_unchanged(
    folder: &Path,
    before: [FixedKey; 9],
    now: [FixedKey; 9],
) -> Result<(), ManifestError> {
    let changed = before.into_iter().zip(now).find(|(a, b)| a != b);
    match changed {
        None => Ok(()),
        Some(((what, before), (_, now))) => Err(ManifestError::OtherConfiguration {
            path: folder.to_owned(),
            what,
            before,
            now,
        }),
    }
}
