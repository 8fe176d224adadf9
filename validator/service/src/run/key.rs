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
    use std::path::PathBuf;

    use foretell_keys::key_material::KeyMaterial;
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

    /// Takes seconds and 512 MiB, as every try of a password.
    #[test]
    fn an_encrypted_hotkey_opens_with_its_password_file() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = ValidatorConfig::with_data_dir(folder.path());
        config.wallet = Some(WalletConfig {
            path: folder.path().join("wallets"),
            name: "mine".into(),
            hotkey: "default".into(),
        });
        let hotkey = WalletHotkey {
            path: folder.path().join("wallets"),
            wallet: "mine".into(),
            hotkey: "default".into(),
        };
        let secret = KeyMaterial::from_seed(&[7; 32]);
        hotkey
            .keyfile()
            .store(&secret, Some("password"), false)
            .unwrap();
        let words = load_or_create(&config, &KeyfileAccess::default())
            .unwrap_err()
            .to_string();
        assert!(words.contains("--password-file"), "{words}");
        let file: PathBuf = folder.path().join("password");
        fs::write(&file, "password\n").unwrap();
        let access = KeyfileAccess {
            password_source: PasswordSource::File(file),
            ..KeyfileAccess::default()
        };
        let loaded = load_or_create(&config, &access).unwrap();
        assert_eq!(loaded.hotkey(), secret.key().hotkey());
    }
}
