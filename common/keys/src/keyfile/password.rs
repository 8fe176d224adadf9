//! Where the password of an encrypted keyfile comes from: a file, the environment, or whoever sits at the terminal.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::error::KeyfileError;

/// The most that is read of a password file.
const MAX_FILE_BYTES: u64 = 4096;

/// Where the password of a keyfile comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum PasswordSource {
    /// From the variable `BT_PW_…` that the ecosystem's tools keep; else asked for at a terminal.
    #[default]
    EnvironmentOrPrompt,
    /// The first line of this file.
    File(PathBuf),
    /// This one, for every keyfile.
    Literal(Zeroizing<String>),
}

impl PasswordSource {
    /// The password of the keyfile at `path`, or `None` if nobody is there to give it.
    pub(super) fn password_of(
        &self,
        path: &Path,
    ) -> Result<Option<Zeroizing<String>>, KeyfileError> {
        match self.configured(path)? {
            Some(password) => Ok(Some(password)),
            None => prompt(&format!("Password of {}: ", path.display()), path),
        }
    }

    /// A password for a new keyfile at `path`; whoever sits at the terminal is asked for it twice.
    pub fn new_password(&self, path: &Path) -> Result<Zeroizing<String>, KeyfileError> {
        let password = match self.configured(path)? {
            Some(password) => password,
            None => prompt_twice(path)?,
        };
        match unusable(&password) {
            None => Ok(password),
            Some(why) => Err(match self {
                Self::File(file) => KeyfileError::PasswordText {
                    path: file.clone(),
                    why,
                },
                _ => KeyfileError::NewPassword { why },
            }),
        }
    }

    fn configured(&self, path: &Path) -> Result<Option<Zeroizing<String>>, KeyfileError> {
        match self {
            Self::Literal(password) => Ok(Some(password.clone())),
            Self::File(file) => first_line(file).map(Some),
            Self::EnvironmentOrPrompt => Ok(from_environment(path)),
        }
    }
}

/// Name of the environment variable of a keyfile's password: `BT_PW_` and the path in capitals, with `_` for
/// slashes and dots.
pub fn password_variable(path: &Path) -> String {
    let path = path.to_string_lossy().replace(['/', '.'], "_");
    format!("BT_PW_{}", path.to_uppercase())
}

/// The password in the keyfile's environment variable: in base64 and xored with the variable's name, as the ecosystem's
/// tools keep it; taken as it stands if it is no base64.
fn from_environment(path: &Path) -> Option<Zeroizing<String>> {
    let name = password_variable(path);
    let value = Zeroizing::new(std::env::var(&name).ok()?);
    Some(unmask(&name, &value).unwrap_or(value))
}

fn unmask(name: &str, value: &str) -> Option<Zeroizing<String>> {
    let masked = decode_base64(value)?;
    let bytes = masked.iter().zip(name.bytes().cycle());
    let plain: Vec<u8> = bytes.map(|(byte, key)| byte ^ key).collect();
    String::from_utf8(plain).ok().map(Zeroizing::new)
}

fn decode_base64(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    use base64::Engine as _;
    let engine = base64::engine::general_purpose::STANDARD;
    engine.decode(text).ok().map(Zeroizing::new)
}

/// Why a password would protect nothing, or not be the one that people type later.
fn unusable(password: &str) -> Option<&'static str> {
    if password.trim().is_empty() {
        Some("it is empty: write one on the first line, or use --no-password")
    } else if password.trim() != password {
        Some("it begins or ends with a blank, which the ecosystem's tools cut off: use another")
    } else {
        None
    }
}

fn first_line(file: &Path) -> Result<Zeroizing<String>, KeyfileError> {
    let mut text = Zeroizing::new(String::new());
    let read = File::open(file).and_then(|file| {
        text.reserve_exact(MAX_FILE_BYTES as usize + 1);
        file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text)
    });
    let bytes = read.map_err(|source| KeyfileError::PasswordFile {
        path: file.to_owned(),
        source,
    })?;
    if bytes as u64 > MAX_FILE_BYTES {
        return Err(KeyfileError::PasswordText {
            path: file.to_owned(),
            why: "it is too long for a password: at most 4,096 bytes",
        });
    }
    // How UTF-8 text of some editors begins.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    Ok(Zeroizing::new(
        text.lines().next().unwrap_or_default().to_owned(),
    ))
}

fn prompt_twice(path: &Path) -> Result<Zeroizing<String>, KeyfileError> {
    let first = prompt(&format!("New password of {}: ", path.display()), path)?;
    let repeated = prompt("The same again: ", path)?;
    match (first, repeated) {
        (Some(first), Some(repeated)) if first == repeated => Ok(first),
        (Some(_), Some(_)) => Err(KeyfileError::NewPassword {
            why: "the two passwords differ",
        }),
        _ => Err(KeyfileError::NewPassword {
            why: "there is no terminal to ask for one: use --password-file or --no-password",
        }),
    }
}

fn prompt(message: &str, path: &Path) -> Result<Option<Zeroizing<String>>, KeyfileError> {
    if !io::stdin().is_terminal() {
        return Ok(None);
    }
    match rpassword::prompt_password(message) {
        Ok(password) => Ok(Some(Zeroizing::new(password))),
        Err(source) => Err(KeyfileError::Read {
            path: path.to_owned(),
            source,
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// As SDK 11.3.0 keeps it: `save_password_to_environment("BT_PW_X", "secret")`.
    #[test]
    fn a_password_in_the_environment_reads_as_the_python_sdk_keeps_it() {
        assert_eq!(unmask("BT_PW_X", "MTE8IjIr").unwrap().as_str(), "secret");
        assert_eq!(unmask("BT_PW_X", "not base64"), None);
        assert_eq!(
            password_variable(Path::new("/home/me/.bittensor/wallets/w/coldkey")),
            "BT_PW__HOME_ME__BITTENSOR_WALLETS_W_COLDKEY"
        );
    }

    #[test]
    fn a_password_file_gives_its_first_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        let password = |text: &str| {
            fs::write(&file, text).unwrap();
            PasswordSource::File(file.clone()).new_password(Path::new("k"))
        };
        for text in [
            "pass word",
            "pass word\nrest",
            "pass word\r\n",
            "\u{feff}pass word\n",
        ] {
            assert_eq!(password(text).unwrap().as_str(), "pass word", "{text:?}");
        }
        for (text, words) in [
            ("", "it is empty"),
            ("\nsecond line", "it is empty"),
            ("  \n", "it is empty"),
            ("pass \n", "begins or ends with a blank"),
            (&"x".repeat(5000), "too long"),
        ] {
            let error = password(text).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
            assert!(error.contains(&file.display().to_string()), "{error}");
        }
        let literal = PasswordSource::Literal(Zeroizing::new(String::new()));
        assert!(literal.new_password(Path::new("k")).is_err());
    }

    #[test]
    fn a_password_file_that_can_not_be_read_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing");
        fs::write(folder.path().join("latin-1"), b"p\xe4ss\n").unwrap();
        for file in [
            missing,
            folder.path().join("latin-1"),
            folder.path().to_owned(),
        ] {
            let source = PasswordSource::File(file.clone());
            let error = source.new_password(Path::new("k")).unwrap_err().to_string();
            assert!(error.contains("--password-file"), "{error}");
            assert!(error.contains(&file.display().to_string()), "{error}");
        }
    }
}
