//! What a data directory is bound to: written when the directory is begun, compared with the configuration at every start.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use foretell_chain::subnet_address::SubnetAddress;
use foretell_chain::subnet_identity::SubnetIdentity;
use foretell_cli::time_text;
use foretell_core::hash::Hash;
use foretell_core::hotkey::Hotkey;
use foretell_core::journal::{Genesis, PriceOrigin};
use foretell_core::time::UnixMillis;
use foretell_files::{FileAccess, close_to_others, create_private_folder, write_file};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::config::{PriceSourceConfig, ValidatorConfig};

/// Version of what the directory holds. 2: the journal's first record, and the key here, is a `genesis`.
const VERSION: u32 = 2;
/// File that marks a directory as a validator's.
pub const MANIFEST_FILE: &str = "foretell.json";
/// End of a journal without an end: the last second of the year 9999.
const NEVER: UnixMillis = UnixMillis::literal(253_402_300_799_000);

/// The contents of a data directory's `foretell.json`.
#[derive(Debug, Serialize, Deserialize)]
pub struct DataDirManifest {
    version: u32,
    kind: String,
    genesis: Genesis,
    /// The subnet that its weights go to.
    chain: SubnetIdentity,
}

/// Why a directory can't be used.
#[derive(Debug, Error)]
pub enum ManifestError {
    /// The manifest can't be read or written.
    #[error("can't access {path}: check `data` in the configuration")]
    Io {
        /// Path of the manifest.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The manifest is of another program or version, or no JSON.
    #[error(
        "{path} was not made by this version of `validator run`: configure another `data` directory"
    )]
    Foreign {
        /// Path of the manifest.
        path: PathBuf,
    },
    /// A key that can't change was changed.
    #[error(
        "{path} was begun with {what} = {before}, the configuration now says {now}: put it back, or configure another \
         `data` directory"
    )]
    OtherConfiguration {
        /// The data directory.
        path: PathBuf,
        /// The key, for people.
        what: &'static str,
        /// Its value when the directory was begun.
        before: String,
        /// Its value in the configuration.
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
        let fresh = new_genesis(config, validator, now);
        if let Some(kept) = Self::read(&config.data)? {
            let before = fixed_keys(&kept.genesis, kept.chain);
            check_unchanged(&config.data, before, fixed_keys(&fresh, chain))?;
            hide(&config.data);
            return Ok(kept.genesis);
        }
        let manifest = Self {
            version: VERSION,
            kind: "run".into(),
            genesis: fresh,
            chain,
        };
        let path = config.data.join(MANIFEST_FILE);
        let write = || -> io::Result<()> {
            create_private_folder(&config.data)?;
            hide(&config.data);
            let text = serde_json::to_vec_pretty(&manifest)?;
            write_file(&path, &text, FileAccess::Private)
        };
        match write() {
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
        match Self::read(&config.data)?.map(|manifest| manifest.chain) {
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

    /// Whether the configured directory was begun.
    ///
    /// # Errors
    /// Its manifest can't be read.
    pub fn is_begun(config: &ValidatorConfig) -> Result<bool, ManifestError> {
        Ok(Self::read(&config.data)?.is_some())
    }

    fn read(folder: &Path) -> Result<Option<Self>, ManifestError> {
        let path = folder.join(MANIFEST_FILE);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(ManifestError::Io { path, source }),
        };
        match Self::parse(&bytes) {
            Some(manifest) => Ok(Some(manifest)),
            None => Err(ManifestError::Foreign { path }),
        }
    }

    /// The manifest in these bytes; `None` if they are no JSON, or of another program or version.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let manifest: Self = serde_json::from_slice(bytes).ok()?;
        let is_ours = (manifest.version, manifest.kind.as_str()) == (VERSION, "run");
        is_ours.then_some(manifest)
    }
}

/// Forecasts that aren't public yet, and perhaps a key, are in the directory. One that is another user's can't be changed, and may
/// have been given to this one so.
fn hide(folder: &Path) {
    match close_to_others(folder) {
        Ok(true) => tracing::info!("{} is its owner's alone now (mode 700)", folder.display()),
        Ok(false) => {}
        Err(error) => tracing::warn!(
            %error,
            "{} can be read by others, and holds forecasts before their time: run chmod 700 {0}",
            folder.display()
        ),
    }
}

/// The genesis of a directory that is begun at `now`: its first round is the next whose windows are all ahead, and prices
/// are settled from as long before that as the volatility looks back.
fn new_genesis(config: &ValidatorConfig, validator: Hotkey, now: UnixMillis) -> Genesis {
    let rules = config.rules();
    let every = config.round_every();
    let earliest = now + rules.rules().timing.commit_opens_before;
    let first = earliest.ceil(every);
    let since = first - rules.rules().minute.volatility_lookback;
    let since = since.floor(config.series.grid.step);
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
        ("series.step_ms", series.grid.step.get().to_string()),
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use foretell_core::testing::{MONDAY, assert_contains_all, hotkey};

    use super::*;

    fn begin_or_resume(config: &ValidatorConfig) -> Result<Genesis, ManifestError> {
        DataDirManifest::begin_or_resume(config, hotkey(1), SubnetIdentity::Local, MONDAY)
    }

    #[test]
    fn a_directory_goes_on_with_its_genesis_and_refuses_another_configuration() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = ValidatorConfig::with_data_dir(&folder.path().join("data"));
        let begun = begin_or_resume(&config).unwrap();
        assert_eq!(begin_or_resume(&config).unwrap(), begun);
        config.rounds.every_minutes = 60;
        let error = begin_or_resume(&config).unwrap_err().to_string();
        assert_contains_all(&error, &["rounds.every_minutes", "put it back"]);
    }

    #[test]
    fn a_directory_is_its_owners_alone_also_one_that_was_open() {
        let folder = tempfile::tempdir().unwrap();
        let config = ValidatorConfig::with_data_dir(&folder.path().join("deep/data"));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        begin_or_resume(&config).unwrap();
        assert_eq!(mode(&folder.path().join("deep")), 0o700);
        assert_eq!(mode(&config.data), 0o700);
        assert_eq!(mode(&config.data.join(MANIFEST_FILE)), 0o600);
        fs::set_permissions(&config.data, fs::Permissions::from_mode(0o755)).unwrap();
        begin_or_resume(&config).unwrap();
        assert_eq!(mode(&config.data), 0o700);
    }

    #[test]
    fn a_directory_of_another_version_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let config = ValidatorConfig::with_data_dir(folder.path());
        begin_or_resume(&config).unwrap();
        let path = folder.path().join(MANIFEST_FILE);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("\"version\": 2", "\"version\": 1")).unwrap();
        let error = begin_or_resume(&config).unwrap_err();
        assert!(matches!(error, ManifestError::Foreign { .. }), "{error}");
    }
}
