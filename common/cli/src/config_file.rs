//! Configuration files in TOML, read whole; errors name the file and the place in it.

use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::de::DeserializeOwned;
use thiserror::Error;

/// Why a file gives no configuration.
#[derive(Debug, Error)]
pub enum ConfigFileError {
    /// The file isn't there, may not be read, or is no text.
    #[error("can't read configuration {path}: check --config")]
    Unreadable {
        /// As it was given.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The text is no TOML, or has keys or types that the configuration doesn't.
    #[error("configuration {path} is not valid")]
    Invalid {
        /// As it was given.
        path: PathBuf,
        /// Line, column and what is wrong there.
        source: Box<toml::de::Error>,
    },
}

/// A value of the right type that can't be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{key} = {value} in the configuration: {cure}")]
pub struct ConfigValueError {
    /// The key with its tables, such as `series.horizon`.
    key: &'static str,
    value: String,
    /// What to set it to instead.
    cure: &'static str,
}

impl ConfigValueError {
    /// `key` (with its tables, such as `series.horizon`) can't be `value`; `cure` says what it can be.
    pub fn new(key: &'static str, value: &impl ToString, cure: &'static str) -> Self {
        Self {
            key,
            value: value.to_string(),
            cure,
        }
    }
}

/// The configuration in the file `path`; whether its values make sense together is for the caller to check.
pub fn read<C: DeserializeOwned>(path: &Path) -> Result<C, ConfigFileError> {
    let text = fs::read_to_string(path).map_err(|source| ConfigFileError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    toml::from_str(&text).map_err(|source| ConfigFileError::Invalid {
        path: path.to_owned(),
        source: Box::new(source),
    })
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use foretell_core::testing::assert_contains_all;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Steps {
        horizon: usize,
    }

    #[test]
    fn mistakes_are_named_with_file_and_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("steps.toml");
        let missing = read::<Steps>(&path).unwrap_err().to_string();
        assert_contains_all(&missing, &["can't read", "steps.toml: check --config"]);

        fs::write(&path, "horizon = 100\n").unwrap();
        assert_eq!(read::<Steps>(&path).unwrap(), Steps { horizon: 100 });
        fs::write(&path, "\nhorizons = 100\n").unwrap();
        let error = read::<Steps>(&path).unwrap_err();
        assert_contains_all(&error.to_string(), &["steps.toml is not valid"]);
        let place = error.source().unwrap().to_string();
        assert_contains_all(&place, &["line 2", "unknown field `horizons`"]);
    }

    #[test]
    fn a_value_that_can_not_be_is_named_with_its_cure() {
        let error = ConfigValueError::new("series.horizon", &0, "use 1 to 1000 steps");
        let expected = "series.horizon = 0 in the configuration: use 1 to 1000 steps";
        assert_eq!(error.to_string(), expected);
    }
}
