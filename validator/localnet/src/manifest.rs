//! The manifest of a network's directory: the plan that it was begun with, which later runs can't change.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use foretell_data::prices::PriceSeries;
use foretell_files::{FileAccess, UNFINISHED_PREFIX, write_file};
use foretell_service::run::data_dir_manifest::MANIFEST_FILE;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::args::LocalnetArgs;
use crate::plan::{LocalnetPlan, PlanError};
use crate::price_summary::PriceDataSummary;

/// Version of the directory's layout; since 2, the key `external_miners` holds the miners of the caller's own.
const VERSION: u32 = 2;
/// File that holds the prices of the run, written before the manifest.
pub const PRICES_FILE: &str = "foretell-prices.csv";

/// Why a directory can't be used for this run.
#[derive(Debug, Error)]
pub enum LocalnetManifestError {
    /// The directory holds files, but no manifest.
    #[error(
        "{0} is not empty and was not made by this program (no {MANIFEST_FILE} in it): choose another --data"
    )]
    Foreign(PathBuf),
    /// The manifest is damaged, or another command's.
    #[error("{path} can't be read: {why}; choose another --data, or move that directory away")]
    Unreadable { path: PathBuf, why: String },
    /// The directory has another version of the layout.
    #[error(
        "{path} was made by another version of this program ({found}, not {VERSION}): choose another --data"
    )]
    Version { path: PathBuf, found: u32 },
    /// The directory was begun with other arguments or prices.
    #[error(
        "{path} was begun with other arguments: {what} was {before}, now it is {now}; repeat the first command, or \
         choose another --data"
    )]
    OtherArguments {
        path: PathBuf,
        what: &'static str,
        before: String,
        now: String,
    },
    /// The directory or the manifest can't be read or written.
    #[error("can't access {path}: check --data")]
    Io { path: PathBuf, source: io::Error },
    /// With what was left out taken from the manifest, the arguments make no plan.
    #[error(transparent)]
    Plan(#[from] PlanError),
}

/// The content of the file: the plan's keys stand beside version and kind.
#[derive(Debug, Serialize, Deserialize)]
struct LocalnetManifest {
    version: u32,
    kind: String,
    #[serde(flatten)]
    plan: LocalnetPlan,
}

/// The plan that `folder` was begun with; `None` if it is new or empty.
pub fn read_plan(folder: &Path) -> Result<Option<LocalnetPlan>, LocalnetManifestError> {
    let path = folder.join(MANIFEST_FILE);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return if is_empty(folder)? {
                Ok(None)
            } else {
                Err(LocalnetManifestError::Foreign(folder.to_owned()))
            };
        }
        Err(source) => return Err(LocalnetManifestError::Io { path, source }),
    };
    let manifest: LocalnetManifest =
        serde_json::from_slice(&bytes).map_err(|error| LocalnetManifestError::Unreadable {
            path: path.clone(),
            why: error.to_string(),
        })?;
    if manifest.version == VERSION {
        Ok(Some(manifest.plan))
    } else {
        let found = manifest.version;
        Err(LocalnetManifestError::Version { path, found })
    }
}

/// Writes the manifest of this plan, the last file that a new directory needs; it appears whole or not at all.
pub fn write_plan(plan: &LocalnetPlan, folder: &Path) -> Result<(), LocalnetManifestError> {
    let path = folder.join(MANIFEST_FILE);
    let manifest = LocalnetManifest {
        version: VERSION,
        kind: "localnet".into(),
        plan: plan.clone(),
    };
    serde_json::to_vec_pretty(&manifest)
        .map_err(io::Error::from)
        .and_then(|text| write_file(&path, &text, FileAccess::Private))
        .map_err(|source| LocalnetManifestError::Io { path, source })
}

/// Fails if the arguments or the prices differ from those that the plan was made of; an argument that is left out doesn't differ.
pub fn check_unchanged(
    plan: &LocalnetPlan,
    args: &LocalnetArgs,
    prices: &PriceSeries,
    folder: &Path,
) -> Result<(), LocalnetManifestError> {
    let differs = |what, before, now| LocalnetManifestError::OtherArguments {
        path: folder.to_owned(),
        what,
        before,
        now,
    };
    let summary = PriceDataSummary::new(prices, plan.prices.source.clone());
    // First, because the span may have no rounds in other prices.
    if summary.sha256 != plan.prices.sha256 {
        let [before, now] = [plan.prices.sha256, summary.sha256].map(|hash| hash.to_string());
        return Err(differs("the content of --prices", before, now));
    }
    let again = LocalnetPlan::new(&plan.complete(args), prices, summary)?;
    let changed = plan.arguments().into_iter().zip(again.arguments());
    for ((what, before), (_, now)) in changed {
        if before != now {
            return Err(differs(what, before, now));
        }
    }
    Ok(())
}

/// Whether `folder` is missing, empty, or holds only what a run that was killed leaves there before the manifest.
fn is_empty(folder: &Path) -> Result<bool, LocalnetManifestError> {
    let io_error = |source| LocalnetManifestError::Io {
        path: folder.to_owned(),
        source,
    };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(source) => return Err(io_error(source)),
    };
    for entry in entries {
        let name = entry.map_err(io_error)?.file_name();
        let name = name.to_string_lossy();
        if name != PRICES_FILE && !name.starts_with(UNFINISHED_PREFIX) {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use foretell_core::testing::{MONDAY, STEP, btc_usd, replay_genesis};

    use super::*;

    fn plan() -> LocalnetPlan {
        let genesis = replay_genesis(btc_usd(3), MONDAY, 2, STEP);
        let args = LocalnetArgs {
            external_miners: vec!["my-model=./run.sh".parse().unwrap()],
            ..LocalnetArgs::default()
        };
        LocalnetPlan::live(&genesis, &args, genesis.end_origin)
    }

    #[test]
    fn a_plan_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read_plan(folder.path()).unwrap().is_none());
        write_plan(&plan(), folder.path()).unwrap();
        assert_eq!(read_plan(folder.path()).unwrap(), Some(plan()));
        let text = fs::read_to_string(folder.path().join(MANIFEST_FILE)).unwrap();
        let keys = ["version", "kind", "series", "first", "external_miners"];
        let places = keys.map(|key| text.find(&format!("\n  \"{key}\": ")));
        assert!(places.iter().all(Option::is_some) && places.is_sorted());
    }

    #[test]
    fn a_directory_of_another_version_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        write_plan(&plan(), folder.path()).unwrap();
        let path = folder.path().join(MANIFEST_FILE);
        let text = fs::read_to_string(&path).unwrap();
        let older = text.replace("\"version\": 2", "\"version\": 1");
        let older = older.replace("external_miners", "guests");
        fs::write(&path, older).unwrap();
        let error = read_plan(folder.path()).unwrap_err();
        assert!(matches!(
            error,
            LocalnetManifestError::Version { found: 1, .. }
        ));
    }
}
