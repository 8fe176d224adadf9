//! Where the password of an encrypted keyfile comes from: a file, the environment, or whoever sits at the terminal.

use std::fs;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::KeyfileError;

/// How passwords are got.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Passwords {
    /// From the variable `BT_PW_…` that the ecosystem's tools keep; else asked for at a terminal.
    #[default]
    Ask,
    /// The first line of this file.
    File(PathBuf),
    /// Always this one.
    Given(Zeroizing<String>),
}

impl Passwords {
    /// The password of the keyfile at `path`, or `None` if nobody is there to give it.
    pub(super) fn to_open(&self, path: &Path) -> Result<Option<Zeroizing<String>>, KeyfileError> {
        match self.kept(path)? {
            Some(password) => Ok(Some(password)),
            None => asked(&format!("Password of {}: ", path.display()), path),
        }
    }

    /// A password for a new keyfile at `path`: asked for twice.
    pub fn to_close(&self, path: &Path) -> Result<Zeroizing<String>, KeyfileError> {
        if let Some(password) = self.kept(path)? {
            return Ok(password);
        }
        let first = asked(&format!("New password of {}: ", path.display()), path)?;
        let again = asked("The same again: ", path)?;
        match (first, again) {
            (Some(first), Some(again)) if first == again && !first.is_empty() => Ok(first),
            (Some(_), Some(_)) => Err(KeyfileError::NewPassword {
                why: "the two passwords differ, or are empty",
            }),
            _ => Err(KeyfileError::NewPassword {
                why: "there is no terminal to ask for one: use --password-file or --no-password",
            }),
        }
    }

    fn kept(&self, path: &Path) -> Result<Option<Zeroizing<String>>, KeyfileError> {
        match self {
            Self::Given(password) => Ok(Some(password.clone())),
            Self::File(file) => first_line(file).map(Some),
            Self::Ask => Ok(from_environment(path)),
        }
    }
}

/// Name of the environment variable of a keyfile's password: `BT_PW_` and the path in capitals, with `_` for
/// slashes and dots.
pub fn variable_name(path: &Path) -> String {
    let path = path.to_string_lossy().replace(['/', '.'], "_");
    format!("BT_PW_{}", path.to_uppercase())
}

/// The ecosystem's tools keep it in base64, xored with the variable's name; taken as it stands if it is not that.
fn from_environment(path: &Path) -> Option<Zeroizing<String>> {
    let name = variable_name(path);
    let value = Zeroizing::new(std::env::var(&name).ok()?);
    Some(unmasked(&name, &value).unwrap_or(value))
}

fn unmasked(name: &str, value: &str) -> Option<Zeroizing<String>> {
    let masked = base64_simple(value)?;
    let bytes = masked.iter().zip(name.bytes().cycle());
    let plain: Vec<u8> = bytes.map(|(byte, key)| byte ^ key).collect();
    String::from_utf8(plain).ok().map(Zeroizing::new)
}

fn base64_simple(text: &str) -> Option<Zeroizing<Vec<u8>>> {
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

fn asked(prompt: &str, path: &Path) -> Result<Option<Zeroizing<String>>, KeyfileError> {
    if !io::stdin().is_terminal() {
        return Ok(None);
    }
    match rpassword::prompt_password(prompt) {
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
    fn a_kept_password_reads_as_the_python_sdk_keeps_it() {
        assert_eq!(unmasked("BT_PW_X", "MTE8IjIr").unwrap().as_str(), "secret");
        assert_eq!(unmasked("BT_PW_X", "not base64"), None);
        assert_eq!(
            variable_name(Path::new("/home/me/.bittensor/wallets/w/coldkey")),
            "BT_PW__HOME_ME__BITTENSOR_WALLETS_W_COLDKEY"
        );
    }

    #[test]
    fn a_password_file_is_its_first_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        fs::write(&file, "pass word \nrest").unwrap();
        let passwords = Passwords::File(file);
        let password = passwords.to_close(Path::new("k")).unwrap();
        assert_eq!(password.as_str(), "pass word ");
    }
}
