//! Configuration files in TOML, read whole; errors name the file, the place in it and the cure.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::config_place::{TextPlace, explain, place_of_key};
use crate::path_text::expand_home;

/// The most that is read of a configuration.
const MAX_BYTES: u64 = 1 << 20;
/// How much of a value an error repeats.
const QUOTED_CHARS: usize = 80;

/// What a file configures, beyond its types.
pub trait Configuration: DeserializeOwned {
    /// Every path in it, with its key: implemented by taking the whole type apart, so that no new key is forgotten.
    fn paths_mut(&mut self) -> Vec<(&'static str, &mut PathBuf)>;

    /// Refuses values that can't be used, alone or together.
    ///
    /// # Errors
    /// The first such value, with its cure.
    fn check(&self) -> Result<(), ConfigValueError>;
}

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
    /// No configuration is that long.
    #[error("{0} is too long for a configuration, which has at most 1 MiB: check --config")]
    TooLong(PathBuf),
    /// The text is no TOML, or has keys or types that the configuration doesn't.
    #[error("configuration {path} is not valid: {}{what}", place.map_or_else(String::new, |place| format!("{place}: ")))]
    Invalid {
        /// As it was given.
        path: PathBuf,
        /// Where; `None` if something is missing that has no table.
        place: Option<TextPlace>,
        /// The key, and what is wrong with it.
        what: String,
    },
    /// A value of the right type that can't be used.
    #[error("configuration {path} is not valid{}: {value}", line.map_or_else(String::new, |line| format!(": line {line}")))]
    Value {
        /// As it was given.
        path: PathBuf,
        /// The line of its key; `None` if that is left out.
        line: Option<usize>,
        /// The value, and its cure.
        value: ConfigValueError,
    },
}

/// A value of the right type that can't be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{key} = {value}: {cure}")]
pub struct ConfigValueError {
    /// The key with its tables, such as `series.horizon`.
    key: &'static str,
    value: String,
    /// What to set it to instead.
    cure: Cow<'static, str>,
}

impl ConfigValueError {
    /// `key` (with its tables, such as `series.horizon`) can't be `value`; `cure` says what it can be.
    pub fn new(
        key: &'static str,
        value: &(impl ToString + ?Sized),
        cure: impl Into<Cow<'static, str>>,
    ) -> Self {
        let value = value.to_string();
        Self {
            key,
            value: match value.is_empty() {
                true => "\"\"".to_owned(),
                false => value.chars().take(QUOTED_CHARS).collect(),
            },
            cure: cure.into(),
        }
    }
}

/// The file's values, whatever they mean, and without paths among them: those need a [`Configuration`].
///
/// # Errors
/// The file can't be read, or is no such configuration.
pub fn read<C: DeserializeOwned>(path: &Path) -> Result<C, ConfigFileError> {
    parse(path, &read_text(path)?)
}

/// As [`read`], of the text of a file, which errors call `path`.
///
/// # Errors
/// As [`read`].
pub fn parse<C: DeserializeOwned>(path: &Path, text: &str) -> Result<C, ConfigFileError> {
    toml::from_str(text).map_err(|error| {
        let (place, what) = explain(text, &error);
        ConfigFileError::Invalid {
            path: path.to_owned(),
            place,
            what,
        }
    })
}

/// The configuration in a file, checked; in its paths, `~/` is the home directory, and what is relative is relative to the
/// folder that the file is in.
///
/// # Errors
/// The file can't be read, is no such configuration, or has a value that can't be used.
pub fn read_checked<C: Configuration>(path: &Path) -> Result<C, ConfigFileError> {
    parse_checked(path, &read_text(path)?)
}

/// As [`read_checked`], of the text of the file `path`.
///
/// # Errors
/// As [`read_checked`].
pub fn parse_checked<C: Configuration>(path: &Path, text: &str) -> Result<C, ConfigFileError> {
    let mut config: C = parse(path, text)?;
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let home = std::env::home_dir();
    let mut resolved = Ok(());
    for (key, found) in config.paths_mut() {
        match resolve(key, found, folder, home.as_deref()) {
            Ok(path) => *found = path,
            Err(error) => {
                resolved = Err(error);
                break;
            }
        }
    }
    resolved
        .and_then(|()| config.check())
        .map_err(|value| ConfigFileError::Value {
            path: path.to_owned(),
            line: place_of_key(text, value.key, &value.value).map(|place| place.line()),
            value,
        })?;
    Ok(config)
}

/// A configured path where it really is. What is only there seen from the current directory was meant otherwise: a service would
/// begin anew without its data.
fn resolve(
    key: &'static str,
    path: &Path,
    folder: &Path,
    home: Option<&Path>,
) -> Result<PathBuf, ConfigValueError> {
    let expanded = expand_home(path, home)
        .map_err(|error| ConfigValueError::new(key, &path.display(), error.to_string()))?;
    let resolved = match folder == Path::new(".") {
        true => expanded.clone(),
        false => folder.join(&expanded),
    };
    if !resolved.exists() && expanded.is_relative() && expanded.exists() {
        let cure = format!(
            "paths are relative to the configuration's folder, where {} isn't, while the current directory has one: write the \
             whole path",
            resolved.display()
        );
        return Err(ConfigValueError::new(key, &path.display(), cure));
    }
    Ok(resolved)
}

fn read_text(path: &Path) -> Result<String, ConfigFileError> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_string(&mut text));
    match read {
        Ok(bytes) if bytes as u64 > MAX_BYTES => Err(ConfigFileError::TooLong(path.to_owned())),
        Ok(_) => Ok(text),
        Err(source) => Err(ConfigFileError::Unreadable {
            path: path.to_owned(),
            source,
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use foretell_core::testing::assert_contains_all;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Steps {
        horizon: usize,
        #[serde(default)]
        data: Option<PathBuf>,
        #[serde(default)]
        files: Vec<PathBuf>,
    }

    impl Configuration for Steps {
        fn paths_mut(&mut self) -> Vec<(&'static str, &mut PathBuf)> {
            let Self {
                horizon: _,
                data,
                files,
            } = self;
            let data = data.iter_mut().map(|path| ("data", path));
            data.chain(files.iter_mut().map(|path| ("files", path)))
                .collect()
        }

        fn check(&self) -> Result<(), ConfigValueError> {
            match self.horizon {
                0 => Err(ConfigValueError::new("horizon", &0, "use 1 to 1000 steps")),
                _ => Ok(()),
            }
        }
    }

    #[test]
    fn mistakes_are_named_with_file_and_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("steps.toml");
        let error = |text: &str| {
            fs::write(&path, text).unwrap();
            read_checked::<Steps>(&path).unwrap_err().to_string()
        };
        let missing = read::<Steps>(&path).unwrap_err().to_string();
        assert_contains_all(&missing, &["can't read", "steps.toml: check --config"]);
        let words = error("\nhorizons = 100\n");
        let expected = [
            "steps.toml is not valid: line 2, column 1",
            "unknown field `horizons`",
            "did you mean `horizon`?",
        ];
        assert_contains_all(&words, &expected);
        let words = error("# none\r\n\r\nhorizon = 0\r\n");
        assert_contains_all(
            &words,
            &["steps.toml is not valid: line 3: horizon = 0: use 1 to"],
        );
        let words = error("horizon = \"ten\"\n");
        assert_contains_all(&words, &["line 1, column 11: horizon:", "a whole number"]);
        assert_contains_all(&error(""), &["not valid: missing field `horizon`"]);
        assert_contains_all(
            &error("files = []\n"),
            &["not valid: missing field `horizon`"],
        );
        assert_contains_all(&error("files = []\n[data\n"), &["not valid: line 2"]);
        let long = error(&"# long\n".repeat(200_000));
        assert_contains_all(&long, &["steps.toml is too long", "1 MiB"]);
        fs::write(&path, b"horizon = 1 # \xe4").unwrap();
        let latin = read::<Steps>(&path).unwrap_err();
        assert!(matches!(latin, ConfigFileError::Unreadable { .. }));
    }

    #[test]
    fn paths_are_relative_to_the_configuration_and_begin_at_home_with_a_tilde() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("steps.toml");
        let text =
            "horizon = 1\ndata = \"data\"\nfiles = [\"/a.csv\", \"~/b.csv\", \"sub/../c.csv\"]";
        fs::write(&path, text).unwrap();
        let config: Steps = read_checked(&path).unwrap();
        assert_eq!(config.data, Some(folder.path().join("data")));
        let home = std::env::home_dir().unwrap();
        let expected = [
            PathBuf::from("/a.csv"),
            home.join("b.csv"),
            folder.path().join("sub/../c.csv"),
        ];
        assert_eq!(config.files, expected);
        // As it is written, where the configuration is in the current directory.
        let config: Steps = parse_checked(Path::new("steps.toml"), text).unwrap();
        assert_eq!(config.data, Some("data".into()));
        let error = parse_checked::<Steps>(&path, "horizon = 1\ndata = \"\"").unwrap_err();
        assert_contains_all(&error.to_string(), &["line 2: data = \"\": an empty path"]);
        // Every package has one in its root, where tests run.
        let error = parse_checked::<Steps>(&path, "horizon = 1\ndata = \"Cargo.toml\"");
        let words = error.unwrap_err().to_string();
        assert_contains_all(
            &words,
            &["line 2: data = Cargo.toml", "write the whole path"],
        );
    }
}
