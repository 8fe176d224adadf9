//! Keys on disk, as btcli and Bittensor's Python SDK keep them.
//!
//! ```text
//! <path>/<wallet>/coldkey                  usually encrypted
//! <path>/<wallet>/coldkeypub.txt
//! <path>/<wallet>/hotkeys/<hotkey>         usually plain; mode 600
//! <path>/<wallet>/hotkeys/<hotkey>pub.txt
//! ```
//!
//! Each file is one JSON object, perhaps encrypted; a public key may also be bare text. A secret is only ever handed out if it
//! gives the public key that its file states. What is written is private whatever the umask, durable before anybody is told of
//! it, and never in place of another key unasked.

pub mod encrypted;
mod error;
mod file;
pub mod json;
mod pair;
mod password;
mod wallet;

#[cfg(test)]
mod messages;
#[cfg(test)]
mod tests;

pub use self::error::KeyfileError;
pub use self::file::{Keyfile, KeyfileAccess, KeyfileInfo};
pub use self::pair::{KeyfilePair, StoredKey};
pub use self::password::{PasswordSource, password_variable};
pub use self::wallet::{WalletHotkey, parse_key_name};
