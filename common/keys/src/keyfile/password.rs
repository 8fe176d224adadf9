//! Where the password of an encrypted keyfile comes from: a file, the environment, or whoever sits at the terminal.

use std::fs;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::error::KeyfileError;

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
        if let Some(password) = self.configured(path)? {
            return Ok(password);
        }
        let first = prompt(&format!("New password of {}: ", path.display()), path)?;
        let repeated = prompt("The same again: ", path)?;
        match (first, repeated) {
            (Some(first), Some(repeated)) if first == repeated && !first.is_empty() => Ok(first),
            (Some(_), Some(_)) => Err(KeyfileError::NewPassword {
                why: "the two passwords differ, or are empty",
            }),
            _ => Err(KeyfileError::NewPassword {
                why: "there is no terminal to ask for one: use --password-file or --no-password",
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

fn first_line(file: &Path) -> Result<Zeroizing<String>, KeyfileError> {
    let text = fs::read_to_string(file).map_err(|source| KeyfileError::Io {
        path: file.to_owned(),
        source,
    })?;
    let text = Zeroizing::new(text);
    Ok(Zeroizing::new(
        text.lines().next().unwrap_or_default().to_owned(),
    ))
}

fn prompt(message: &str, path: &Path) -> Result<Option<Zeroizing<String>>, KeyfileError> {
    if !io::stdin().is_terminal() {
        return Ok(None);
    }
    match rpassword::prompt_password(message) {
        Ok(password) => Ok(Some(Zeroizing::new(password))),
        Err(source) => Err(KeyfileError::Io {
            path: path.to_owned(),
            source,
        }),
    }
}

#[cfg(test)]
mod tests {
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
        fs::write(&file, "pass word \nrest").unwrap();
        let source = PasswordSource::File(file);
        let password = source.new_password(Path::new("k")).unwrap();
        assert_eq!(password.as_str(), "pass word ");
    }
}
