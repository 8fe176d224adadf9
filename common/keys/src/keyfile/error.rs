//! Why a keyfile gives no key, or none was written: each with its cure.

use std::io;
use std::path::PathBuf;

use foretell_core::hotkey::Hotkey;
use thiserror::Error;

/// What is wrong with a keyfile, or with the password for it; paths are as they were given.
#[derive(Debug, Error)]
pub enum KeyfileError {
    /// There is no file at this path.
    #[error(
        "no keyfile at {0}: check --wallet-path, --wallet and --hotkey, or make one with `keys new`"
    )]
    Missing(PathBuf),
    /// The system can't read or write the file.
    #[error("can't access keyfile {path}")]
    Io {
        /// The keyfile, or the password file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Its permissions let other users of this machine read it.
    #[error("keyfile {path} is readable by others (mode {mode:o}): run chmod 600 {path}")]
    Exposed {
        /// The keyfile.
        path: PathBuf,
        /// Its Unix permission bits, such as `0o644`.
        mode: u32,
    },
    /// Encrypted, and nobody gave a password.
    #[error(
        "keyfile {path} is encrypted: give its password with --password-file, in the variable {variable}, or at a terminal"
    )]
    PasswordRequired {
        /// The keyfile.
        path: PathBuf,
        /// The environment variable in which the ecosystem's tools keep its password.
        variable: String,
    },
    /// It was encrypted with another password, or its bytes were changed: the two look the same.
    #[error("wrong password for keyfile {0} (or its bytes were changed)")]
    WrongPassword(PathBuf),
    /// There is no usable password to encrypt a new keyfile with.
    #[error("no password for the new keyfile: {why}")]
    NewPassword {
        /// What is missing or wrong, and the cure.
        why: &'static str,
    },
    /// It is encrypted with Ansible Vault or Fernet, as tools did it long ago.
    #[error(
        "keyfile {0} is encrypted in an old format (Ansible Vault or Fernet): make it anew from its phrase with `keys import`, or open it once with btcli, which rewrites it"
    )]
    LegacyEncryption(PathBuf),
    /// The 512 MiB that a password is stretched in can't be had.
    #[error("not enough memory to try the password of keyfile {0}: 512 MiB are needed")]
    OutOfMemory(PathBuf),
    /// It ends in the middle.
    #[error(
        "keyfile {0} is truncated: restore it from a copy, or make it anew from its phrase with `keys import`"
    )]
    Truncated(PathBuf),
    /// Its content is something else than a keyfile.
    #[error("{path} is not a Bittensor keyfile: {why}")]
    Malformed {
        /// The keyfile.
        path: PathBuf,
        /// Which field or place is wrong; none of the content is quoted.
        why: String,
    },
    /// Its public key, its address and its secret are not all of one key.
    #[error("keyfile {path} states public key {stated}, but its secret gives {found}")]
    Mismatch {
        /// The keyfile.
        path: PathBuf,
        /// The key that the file states.
        stated: Hotkey,
        /// The key that its secret gives.
        found: Hotkey,
    },
    /// There is a key at this path, and it was not to be replaced.
    #[error(
        "there is a key at {0} already: --overwrite replaces it, and without its phrase it is lost for ever"
    )]
    Exists(PathBuf),
}
