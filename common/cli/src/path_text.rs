//! Paths as people write them: `~/` is the home directory, and what a configuration names is looked for beside it.

use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why a text can't be used as a path.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PathTextError {
    /// There is nothing in it.
    #[error("an empty path: name a file or folder, or . for this one")]
    Empty,
    /// Another user's home directory.
    #[error("{0:?}: only ~/ is known, your own home directory; write the whole path")]
    OtherHome(PathBuf),
    /// The system has no home directory for this user.
    #[error("{0:?}: this user has no home directory, set HOME or write the whole path")]
    NoHome(PathBuf),
}

/// A path of the command line, for clap: the shell expands no `~` in `--flag=~/…` or in quotes.
///
/// # Errors
/// See [`PathTextError`].
pub fn parse_path(text: &str) -> Result<PathBuf, PathTextError> {
    expand_home(Path::new(text), std::env::home_dir().as_deref())
}

/// `path` with `~` at its beginning replaced by `home`.
///
/// # Errors
/// See [`PathTextError`].
pub fn expand_home(path: &Path, home: Option<&Path>) -> Result<PathBuf, PathTextError> {
    let mut parts = path.components();
    let Some(first) = parts.next() else {
        return Err(PathTextError::Empty);
    };
    let first = first.as_os_str();
    if first == "~" {
        let home = home.filter(|home| !home.as_os_str().is_empty());
        let home = home.ok_or_else(|| PathTextError::NoHome(path.to_owned()))?;
        return Ok(home.join(parts.as_path()));
    }
    if first.as_encoded_bytes().starts_with(b"~") {
        return Err(PathTextError::OtherHome(path.to_owned()));
    }
    Ok(path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tilde_is_the_home_directory_only_where_a_path_begins() {
        let expand = |text: &str| expand_home(Path::new(text), Some(Path::new("/home/me")));
        for (text, expected) in [
            ("~", "/home/me"),
            ("~/", "/home/me"),
            ("~/a/b", "/home/me/a/b"),
            ("a/~/b", "a/~/b"),
            ("./~", "./~"),
            ("a~", "a~"),
            ("/a", "/a"),
        ] {
            assert_eq!(expand(text).unwrap(), Path::new(expected), "{text}");
        }
        assert_eq!(expand(""), Err(PathTextError::Empty));
        assert!(matches!(expand("~you/a"), Err(PathTextError::OtherHome(_))));
        let homeless = expand_home(Path::new("~/a"), None);
        assert!(matches!(homeless, Err(PathTextError::NoHome(_))));
    }
}
