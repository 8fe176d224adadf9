//! Why a keyfile gives no key, or none was written: each with its cure.

use std::io;
use std::path::PathBuf;

use foretell_core::hotkey::Hotkey;
use thiserror::Error;

/// Why a keyfile gives no key, or none was written.
#[derive(Debug, Error)]
pub enum KeyfileError {
    /// Not there.
    #[error(
        "no keyfile at {0}: check --wallet-path, --wallet and --hotkey, or make one with `keys new`"
    )]
    Missing(PathBuf),
    /// Can't be read or written.
    #[error("can't access keyfile {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others may read it.
    #[error("keyfile {path} is readable by others (mode {mode:o}): run chmod 600 {path}")]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Encrypted, and nobody gave a password.
    #[error(
        "keyfile {path} is encrypted: give its password with --password-file, in the variable {variable}, or at a terminal"
    )]
    PasswordRequired {
        /// The file.
        path: PathBuf,
        /// The environment variable that is looked at.
        variable: String,
    },
    /// Encrypted with another password.
    #[error("wrong password for keyfile {0} (or its bytes were changed)")]
    WrongPassword(PathBuf),
    /// No usable password for a new file.
    #[error("no password for the new keyfile: {why}")]
    NewPassword {
        /// What is the matter.
        why: &'static str,
    },
    /// Encrypted in a way that nobody should use any more.
    #[error(
        "keyfile {0} is encrypted in an old format (Ansible Vault or Fernet): make it anew from its phrase with `keys import`, or open it once with btcli, which rewrites it"
    )]
    LegacyEncryption(PathBuf),
    /// Half a gigabyte is needed to check a password.
    #[error("not enough memory to try the password of keyfile {0}: 512 MiB are needed")]
    OutOfMemory(PathBuf),
    /// Cut off.
    #[error(
        "keyfile {0} is truncated: restore it from a copy, or make it anew from its phrase with `keys import`"
    )]
    Truncated(PathBuf),
    /// Not a keyfile.
    #[error("{path} is not a Bittensor keyfile: {why}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The secret belongs to another key.
    #[error("keyfile {path} states public key {stated}, but its secret gives {found}")]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// The key that the file states.
        stated: Hotkey,
        /// The key that its secret gives.
        found: Hotkey,
    },
    /// A key is there already.
    #[error(
        "there is a key at {0} already: --overwrite replaces it, and without its phrase it is lost for ever"
    )]
    Exists(PathBuf),
}
