//! The validator's hotkey: the configured wallet's, or one of its own for a local ledger.

use anyhow::{Context, Result};
use foretell_keys::keyfile::{KeyfileAccess, KeyfileError, WalletHotkey};
use foretell_keys::keypair::Keypair;

use super::config::ValidatorConfig;

/// The hotkey of the configured wallet. Without one, a hotkey that is made at the first call and kept in the data directory:
/// on a local ledger it has no value to others. `access` says how the keyfile may be read.
///
/// # Errors
/// The keyfile is missing, can't be read or written, or holds no hotkey.
pub fn load_or_create(config: &ValidatorConfig, access: &KeyfileAccess) -> Result<Keypair> {
    let hotkey_file = match &config.wallet {
        Some(wallet) => WalletHotkey {
            path: wallet.path.clone(),
            wallet: wallet.name.clone(),
            hotkey: wallet.hotkey.clone(),
        },
        None => WalletHotkey {
            path: config.data.join("wallets"),
            wallet: "validator".into(),
            hotkey: "default".into(),
        },
    };
    let keyfile = hotkey_file.keyfile();
    match keyfile.load(access) {
        Err(KeyfileError::Missing(_)) if config.wallet.is_none() => {
            match hotkey_file.create(&rand::random()) {
                // Another command made it a moment ago.
                Err(KeyfileError::Exists(_)) => {}
                created => created.context("can't make a key of our own")?,
            }
            Ok(keyfile.load(access)?)
        }
        loaded => Ok(loaded?),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use foretell_keys::keyfile::PasswordSource;

    use super::super::config::WalletConfig;
    use super::*;

    #[test]
    fn without_a_wallet_one_key_is_made_and_kept_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let config = ValidatorConfig::with_data_dir(&folder.path().join("data"));
        let access = KeyfileAccess::default();
        let made = load_or_create(&config, &access).unwrap().hotkey();
        assert_eq!(load_or_create(&config, &access).unwrap().hotkey(), made);
        let mode = fs::metadata(&config.data).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    /// Without trying a password, which takes seconds and 512 MiB.
    #[test]
    fn the_password_of_an_encrypted_hotkey_is_looked_for_where_access_says() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = ValidatorConfig::with_data_dir(folder.path());
        config.wallet = Some(WalletConfig {
            path: folder.path().join("wallets"),
            name: "mine".into(),
            hotkey: "default".into(),
        });
        let keyfile = folder.path().join("wallets/mine/hotkeys/default");
        fs::create_dir_all(keyfile.parent().unwrap()).unwrap();
        fs::write(&keyfile, [&b"$NACL"[..], &[7; 100]].concat()).unwrap();
        fs::set_permissions(&keyfile, fs::Permissions::from_mode(0o600)).unwrap();
        let words =
            |access: &KeyfileAccess| load_or_create(&config, access).unwrap_err().to_string();
        assert!(words(&KeyfileAccess::default()).contains("--password-file"));
        let access = KeyfileAccess {
            password_source: PasswordSource::File(folder.path().join("password")),
            ..KeyfileAccess::default()
        };
        let words = words(&access);
        assert!(words.contains("can't read password file"), "{words}");
    }
}
