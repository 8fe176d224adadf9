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
    /// The system can't read the file.
    #[error("can't read keyfile {path}")]
    Read {
        /// The keyfile.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The system can't write the file, or make its folder.
    #[error("can't write keyfile {path}: may you write to its folder, and is there room?")]
    Write {
        /// The keyfile.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Something else than a file is where a keyfile should be.
    #[error("{path} is {what}, not a keyfile: name another wallet or hotkey, or move it away")]
    NotAFile {
        /// Where the keyfile should be.
        path: PathBuf,
        /// What is there, such as a folder.
        what: &'static str,
    },
    /// No keyfile is that long.
    #[error("{path} is too long for a keyfile, which has at most {limit} bytes: check the path")]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The most that is read.
        limit: u64,
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
    /// A password file can't be read.
    #[error("can't read password file {path}: check --password-file")]
    PasswordFile {
        /// The password file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A password file holds no password.
    #[error("password file {path}: {why}")]
    PasswordText {
        /// The password file.
        path: PathBuf,
        /// What is wrong with its first line.
        why: &'static str,
    },
    /// There is no usable password to encrypt a new keyfile with.
    #[error("no password for the new keyfile: {why}")]
    NewPassword {
        /// What is missing or wrong, and the cure.
        why: &'static str,
    },
    /// It is encrypted with Ansible Vault or Fernet, as tools did it long ago.
    #[error(
        "keyfile {path} is encrypted with {cipher}, as the ecosystem's tools did it long ago: make it anew from its phrase with \
         `keys import`; without the phrase, the Python SDK opens it up to bittensor 8.2 (newer ones, and btcli, may not)"
    )]
    LegacyEncryption {
        /// The keyfile.
        path: PathBuf,
        /// Fernet or Ansible Vault.
        cipher: &'static str,
    },
    /// The 512 MiB that a password is stretched in can't be had.
    #[error("not enough memory to try the password of keyfile {0}: 512 MiB are needed")]
    OutOfMemory(PathBuf),
    /// There is nothing in it.
    #[error(
        "keyfile {0} is empty: restore it from a copy, or make it anew from its phrase with `keys import --overwrite`"
    )]
    Empty(PathBuf),
    /// It ends in the middle.
    #[error(
        "keyfile {0} is truncated: restore it from a copy, or make it anew from its phrase with `keys import --overwrite`"
    )]
    Truncated(PathBuf),
    /// Its content is something else than a keyfile.
    #[error(
        "{path} is not a Bittensor keyfile: {why}; restore it from a copy, or make it anew from its phrase with `keys import --overwrite`"
    )]
    Malformed {
        /// The keyfile.
        path: PathBuf,
        /// Which field or place is wrong; none of the content is quoted.
        why: String,
    },
    /// It holds a public key, which can't sign.
    #[error(
        "{0} holds a public key and no secret, so it can't sign: name the hotkey's own keyfile, or make it from its phrase with \
         `keys import`"
    )]
    NoSecret(PathBuf),
    /// Its public key, its address and its secret are not all of one key.
    #[error(
        "keyfile {path} states public key {stated}, but its {field} gives {found}: restore it from a copy, or, if the secret is the \
         right one, make the keyfile anew from the phrase or seed in it with `keys import`"
    )]
    Mismatch {
        /// The keyfile.
        path: PathBuf,
        /// The key that the file states.
        stated: Hotkey,
        /// What gives another key, such as `secretSeed`.
        field: &'static str,
        /// That key.
        found: Hotkey,
    },
    /// There is a key at this path, and it was not to be replaced.
    #[error(
        "there is a key at {0} already: --overwrite replaces it, and without its phrase it is lost for ever"
    )]
    Exists(PathBuf),
    /// The public half that is on this machine is another key's.
    #[error(
        "{path} is the public half of another key, {found}, not of {new}: name another wallet or hotkey, or --overwrite it"
    )]
    OtherPublicHalf {
        /// The file of the public key.
        path: PathBuf,
        /// Whose public half it is.
        found: Hotkey,
        /// The key that was to be kept.
        new: Hotkey,
    },
    /// What should be the public half of a key can't be read as one, and was not to be replaced.
    #[error(
        "{path} should be the public half of this key and is no public key: move it away, or --overwrite it"
    )]
    UnreadablePublicHalf {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<KeyfileError>,
    },
    /// A name that is a path, or that of another key's file.
    #[error("{name:?} can't be the name of a wallet or hotkey: {why}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
}
