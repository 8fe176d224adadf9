//! A fitted model as a file, with its provenance: what `miner train` writes and `miner serve` starts from.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use foretell_cli::unit_flag::unit_name;
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

/// Longest file that is read; the largest model has a few hundred kB.
const MAX_FILE_BYTES: u64 = 64 << 20;

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
    /// SHA-256 of the rows of all price files together; `None` of bars that came from a venue.
    pub sha256: Option<Hash>,
}

/// Why a model file can't be written or used.
#[derive(Debug, Error)]
pub enum ModelFileError {
    /// The file can't be read or written.
    #[error("can't {what} model file {path}: check path and permissions")]
    Io {
        /// `read` or `write`.
        what: &'static str,
        /// Path of the file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The file is longer than any model.
    #[error("{path} has more than {} MiB, and is no model file: make one with `miner train --out {path}`", MAX_FILE_BYTES >> 20)]
    TooLong {
        /// Path of the file.
        path: PathBuf,
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

/// The file's content, if it isn't longer than any model.
fn read_bytes(path: &Path) -> Result<Vec<u8>, ModelFileError> {
    let unreadable = |source| ModelFileError::Io {
        what: "read",
        path: path.to_owned(),
        source,
    };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    let read = file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes);
    if read.map_err(unreadable)? as u64 > MAX_FILE_BYTES {
        return Err(ModelFileError::TooLong {
            path: path.to_owned(),
        });
    }
    Ok(bytes)
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
        Self::parse(path, &read_bytes(path)?)
    }

    /// The model file in these bytes, which errors call `path`.
    ///
    /// # Errors
    /// They hold no model, or one of another version.
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self, ModelFileError> {
        let invalid = |source| ModelFileError::Invalid {
            path: path.to_owned(),
            source,
        };
        let header: FormatHeader = serde_json::from_slice(bytes).map_err(invalid)?;
        if header.format != FORMAT {
            return Err(ModelFileError::FormatMismatch {
                path: path.to_owned(),
                found: header.format,
                version: header.version,
                model: header.model,
            });
        }
        serde_json::from_slice(bytes).map_err(invalid)
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
                format!(
                    "{horizon} steps of {} s ({})",
                    step.get() / 1000,
                    unit_name(series.unit)
                )
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

#[cfg(test)]
mod tests {
    use std::fs;

    use foretell_core::testing::btc_usd;

    use super::*;

    /// Everything that is said of a file, as a command prints it.
    fn message(text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.json");
        fs::write(&path, text).unwrap();
        let restored = ModelFile::read(&path).and_then(|file| file.restore(&path, &btc_usd(100)));
        let error = restored.err().map(anyhow::Error::from).unwrap();
        format!("{error:#}").replace(&format!("{}/", folder.path().display()), "")
    }

    fn file(model: &str, horizon: usize) -> String {
        let span = r#"{"from":0,"to":0,"bars":0,"sha256":null}"#;
        format!(
            r#"{{"format":"{FORMAT}","version":"1","model":"{model}","series":{{"id":"BTC/USD","step_ms":300000,"horizon":{horizon}}},"seed":0,"data":{span},"scores":null,"fitted":{{}}}}"#
        )
    }

    #[test]
    fn messages_name_the_file_and_the_cure() {
        for (text, expected) in [
            (
                String::new(),
                "m.json is no model file: make one with `miner train --out m.json`: EOF while parsing a value at line 1 column 0",
            ),
            (
                "open_time_ms,value\n".to_owned(),
                "m.json is no model file: make one with `miner train --out m.json`: expected value at line 1 column 1",
            ),
            (
                r#"{"format":"foretell-model/1","version":"0.0.9","model":"har"}"#.to_owned(),
                "model file m.json has format foretell-model/1 (written by version 0.0.9), this program reads foretell-model/2: \
                 train it again with `miner train --model har --out m.json`",
            ),
            (
                file("har", 96),
                "model file m.json forecasts 96 steps of 300 s (price), 100 steps of 300 s (price) is wanted: \
                 train one for it with `miner train`",
            ),
        ] {
            assert_eq!(message(&text), expected);
        }
        let unknown = message(&file("oracle", 100));
        assert!(
            unknown.starts_with("model file m.json: ") && unknown.contains("oracle"),
            "{unknown}"
        );
        let missing = ModelFile::read(Path::new("none.json"))
            .unwrap_err()
            .to_string();
        assert_eq!(
            missing,
            "can't read model file none.json: check path and permissions"
        );
    }

    #[test]
    fn a_file_that_no_model_can_have_is_not_read_into_memory() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.json");
        File::create(&path).unwrap().set_len(1 << 40).unwrap();
        let error = ModelFile::read(&path).unwrap_err().to_string();
        assert!(error.contains("more than 64 MiB"), "{error}");
    }
}
