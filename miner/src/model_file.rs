//! A fitted model as a file, with its provenance: what `miner train` writes and `miner serve` starts from.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use foretell_core::hash::Hash;
use foretell_core::series::{Grid, Series};
use foretell_core::time::UnixMillis;
use foretell_evaluation::leaderboard::LeaderboardRow;
use foretell_files::{FileAccess, write_file};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::models::{self, AnyFittedModel, AnyModel, UnknownModel};

/// Version of the file and of what models learn; it changes whenever an older file would be misread.
const FORMAT: &str = "foretell-model/2";

/// The content of a model file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelFile {
    /// Always `FORMAT` in a file of this version.
    pub format: String,
    /// Version of the program that wrote it.
    pub version: String,
    /// Name of the model, as [`models::by_name`] knows it.
    pub model: String,
    /// The series that it forecasts, with its grid.
    pub series: Series,
    /// Seed of whatever randomness the model used.
    pub seed: u64,
    /// The bars that it was fitted on.
    pub data: TrainingSpan,
    /// Its walk-forward scores on the newest part of the data, before it was fitted on all; `None` if that was too short.
    pub scores: Option<LeaderboardRow>,
    /// What [`AnyFittedModel::save`] gave: all that it learnt.
    pub fitted: serde_json::Value,
}

/// A model, and what it had learnt when the file was written.
pub type RestoredModel = (Arc<dyn AnyModel>, Box<dyn AnyFittedModel>);

/// The bars that a model was fitted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrainingSpan {
    /// Open time of the first bar.
    pub from: UnixMillis,
    /// Close time of the last bar: the origin that the model was fitted at.
    pub to: UnixMillis,
    /// Number of bars.
    pub bars: usize,
    /// SHA-256 over the digests of the price files' rows; `None` of bars that came from a venue.
    pub sha256: Option<Hash>,
}

/// Why a model file can't be written or used.
#[derive(Debug, Error)]
pub enum ModelFileError {
    /// The file can't be read or written.
    #[error("can't {what} model file {path}")]
    Io {
        /// `read` or `write`.
        what: &'static str,
        /// Path of the file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The file isn't JSON, or not that of a fitted model.
    #[error("{path} is no model file: make one with `miner train --out {path}`")]
    Invalid {
        /// Path of the file.
        path: PathBuf,
        /// The parser's error.
        source: serde_json::Error,
    },
    /// The file is of another version.
    #[error(
        "model file {path} has format {found} (written by version {version}), this program reads {FORMAT}: \
         train it again with `miner train --model {model} --out {path}`"
    )]
    FormatMismatch {
        /// Path of the file.
        path: PathBuf,
        /// The version that the file has.
        found: String,
        /// Version of the program that wrote it; empty where the file doesn't have it.
        version: String,
        /// Name of the model in the file.
        model: String,
    },
    /// The file's model forecasts another grid or unit.
    #[error(
        "model file {path} forecasts {found}, {expected} is wanted: train one for it with `miner train`"
    )]
    SeriesMismatch {
        /// Path of the file.
        path: PathBuf,
        /// Steps and unit of the file's model, as text.
        found: String,
        /// Steps and unit that were asked for, as text.
        expected: String,
    },
    /// The file names a model that doesn't exist.
    #[error("model file {path}")]
    UnknownModel {
        /// Path of the file.
        path: PathBuf,
        /// The name, and those that exist.
        source: UnknownModel,
    },
    /// The model learnt something that JSON can't hold.
    #[error("model {model} can't be written as JSON")]
    Unwritable {
        /// Name of the model.
        model: String,
        /// The serialiser's error.
        source: serde_json::Error,
    },
}

/// What is read of any version, before the rest is parsed.
#[derive(Deserialize)]
struct FormatHeader {
    format: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    model: String,
}

impl ModelFile {
    /// The file of a model that was fitted on these bars.
    ///
    /// # Errors
    /// The model learnt something that JSON can't hold.
    pub fn new(
        model: &str,
        series: Series,
        seed: u64,
        data: TrainingSpan,
        scores: Option<LeaderboardRow>,
        fitted: &dyn AnyFittedModel,
    ) -> Result<Self, ModelFileError> {
        let unwritable = |source| ModelFileError::Unwritable {
            model: model.to_owned(),
            source,
        };
        Ok(Self {
            format: FORMAT.into(),
            version: env!("CARGO_PKG_VERSION").into(),
            model: model.to_owned(),
            series,
            seed,
            data,
            scores,
            fitted: fitted.save().map_err(unwritable)?,
        })
    }

    /// Writes it, for its owner alone; whoever reads meanwhile finds the old file or the new one, whole.
    ///
    /// # Errors
    /// A file that can't be written.
    pub fn write(&self, path: &Path) -> Result<(), ModelFileError> {
        let write = || -> io::Result<()> {
            write_file(path, &serde_json::to_vec(self)?, FileAccess::Private)
        };
        write().map_err(|source| ModelFileError::Io {
            what: "write",
            path: path.to_owned(),
            source,
        })
    }

    /// Reads a model file of this version.
    ///
    /// # Errors
    /// A file that can't be read, that holds no model, or one of another version.
    pub fn read(path: &Path) -> Result<Self, ModelFileError> {
        let bytes = fs::read(path).map_err(|source| ModelFileError::Io {
            what: "read",
            path: path.to_owned(),
            source,
        })?;
        let invalid = |source| ModelFileError::Invalid {
            path: path.to_owned(),
            source,
        };
        let header: FormatHeader = serde_json::from_slice(&bytes).map_err(invalid)?;
        if header.format != FORMAT {
            return Err(ModelFileError::FormatMismatch {
                path: path.to_owned(),
                found: header.format,
                version: header.version,
                model: header.model,
            });
        }
        serde_json::from_slice(&bytes).map_err(invalid)
    }

    /// The model in the file of this path, and what it learnt.
    ///
    /// # Errors
    /// A name or a content that no model has, or another grid or unit than that of `series`.
    pub fn restore(&self, path: &Path, series: &Series) -> Result<RestoredModel, ModelFileError> {
        let path = || path.to_owned();
        let Series { grid, unit, .. } = &self.series;
        if (*grid, *unit) != (series.grid, series.unit) {
            let describe = |series: &Series| {
                let Grid { step, horizon } = series.grid;
                format!("{horizon} steps of {} s ({:?})", step.0 / 1000, series.unit)
            };
            return Err(ModelFileError::SeriesMismatch {
                path: path(),
                found: describe(&self.series),
                expected: describe(series),
            });
        }
        let model =
            models::by_name(&self.model).map_err(|source| ModelFileError::UnknownModel {
                path: path(),
                source,
            })?;
        let fitted =
            model
                .restore(self.fitted.clone())
                .map_err(|source| ModelFileError::Invalid {
                    path: path(),
                    source,
                })?;
        Ok((model, fitted))
    }
}
