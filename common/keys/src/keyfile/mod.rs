//! Keys on disk, as btcli and Bittensor's Python SDK keep them.
//!
//! ```text
//! <path>/<wallet>/coldkey                  usually encrypted
//! <path>/<wallet>/coldkeypub.txt
//! <path>/<wallet>/hotkeys/<hotkey>         usually plain; mode 600
//! <path>/<wallet>/hotkeys/<hotkey>pub.txt
//! ```
//!
//! Each file is one JSON object, perhaps encrypted. A secret is only ever handed out if it gives
//! the public key that its file states.

mod encrypted;
mod error;
mod file;
mod json;
mod password;
mod wallet;

#[cfg(test)]
mod tests;

pub use self::error::KeyfileError;
pub use self::file::{Keyfile, KeyfileAccess, KeyfileInfo};
pub use self::password::{PasswordSource, password_variable};
pub use self::wallet::WalletHotkey;
