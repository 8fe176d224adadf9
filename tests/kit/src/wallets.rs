//! Wallets on disk, in the layout of btcli.

use std::path::Path;

use foretell_keys::keyfile::WalletHotkey;

/// Stores the hotkey `default` of `seed` in the wallet `wallet` of the directory `folder/wallets`, in plain text.
pub fn store_hotkey(folder: &Path, wallet: &str, seed: &[u8; 32]) -> WalletHotkey {
    let hotkey = WalletHotkey {
        path: folder.join("wallets"),
        wallet: wallet.to_owned(),
        hotkey: "default".into(),
    };
    hotkey.store(seed).unwrap();
    hotkey
}
