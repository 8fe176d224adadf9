//! Keyfiles written, damaged and read again.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use zeroize::Zeroizing;

use super::*;
use crate::key_material::KeyMaterial;
use crate::keypair::Keypair;

fn wallet(folder: &Path) -> WalletHotkey {
    WalletHotkey {
        path: folder.to_owned(),
        wallet: "miner".into(),
        hotkey: "default".into(),
    }
}

fn with_password(password: &str) -> KeyfileAccess {
    KeyfileAccess {
        password_source: PasswordSource::Literal(Zeroizing::new(password.to_owned())),
        ..KeyfileAccess::default()
    }
}

#[test]
fn a_stored_key_loads_and_is_private() {
    let folder = tempfile::tempdir().unwrap();
    let wallet = wallet(folder.path());
    wallet.store(&[7; 32]).unwrap();
    assert_eq!(wallet.keyfile().info().unwrap().mode, 0o600);
    let parent = wallet.keyfile_path();
    let parent = fs::metadata(parent.parent().unwrap()).unwrap();
    assert_eq!(parent.permissions().mode() & 0o777, 0o700);
    let key = wallet.load().unwrap();
    assert_eq!(key.hotkey(), Keypair::from_seed(&[7; 32]).hotkey());
    let secret = KeyMaterial::from_seed(&[8; 32]);
    let error = wallet.keyfile().store(&secret, None, false).unwrap_err();
    assert!(error.to_string().contains("--overwrite"));
    assert_eq!(wallet.load().unwrap().hotkey(), key.hotkey());
}

#[test]
fn each_fault_has_its_own_message_with_the_path() {
    let folder = tempfile::tempdir().unwrap();
    let wallet = wallet(folder.path());
    let message = |wallet: &WalletHotkey| wallet.load().unwrap_err().to_string();
    assert!(message(&wallet).contains("--wallet-path"));

    wallet.store(&[7; 32]).unwrap();
    let json = fs::read_to_string(wallet.keyfile_path()).unwrap();
    fs::set_permissions(wallet.keyfile_path(), fs::Permissions::from_mode(0o644)).unwrap();
    assert!(message(&wallet).contains("chmod 600"));
    let exposed_allowed = KeyfileAccess {
        allow_exposed: true,
        ..KeyfileAccess::default()
    };
    assert!(wallet.keyfile().load(&exposed_allowed).is_ok());
    fs::set_permissions(wallet.keyfile_path(), fs::Permissions::from_mode(0o600)).unwrap();

    let own = hex::encode(Keypair::from_seed(&[7; 32]).hotkey().0);
    let other = hex::encode(Keypair::from_seed(&[8; 32]).hotkey().0);
    let others_address = Keypair::from_seed(&[8; 32]).hotkey().to_string();
    let own_address = Keypair::from_seed(&[7; 32]).hotkey().to_string();
    let half = json[..json.len() / 2].to_owned();
    for (content, expected) in [
        (half.as_str(), "is truncated"),
        ("", "is truncated"),
        ("$NACLrest", "is truncated"),
        ("gAAAAABkey", "old format"),
        ("not a key", "is not a Bittensor keyfile: no JSON at line 1"),
        ("{}", "is not a Bittensor keyfile: a field is missing"),
        (&json.replace(&own, &other), "states public key"),
        (
            &json.replace(&own_address, &others_address),
            "states public key",
        ),
        (
            &json.replace("\"cryptoType\":1", "\"cryptoType\":0"),
            "not of type sr25519",
        ),
        (
            &json.replace("secretSeed\":\"0x", "secretSeed\":\"0xzz"),
            "secretSeed is not 32 bytes",
        ),
    ] {
        fs::write(wallet.keyfile_path(), content).unwrap();
        let message = message(&wallet);
        assert!(message.contains(expected), "{content:?} gives {message:?}");
        assert!(message.contains("hotkeys/default"), "{message}");
        assert!(!message.contains(&hex::encode([7; 32])), "{message}");
    }
}

#[test]
fn a_key_without_a_seed_loads_from_its_secret() {
    let folder = tempfile::tempdir().unwrap();
    let wallet = wallet(folder.path());
    let soft = KeyMaterial::parse("//Alice/soft").unwrap();
    wallet.keyfile().store(&soft, None, false).unwrap();
    let json = fs::read_to_string(wallet.keyfile_path()).unwrap();
    assert!(!json.contains("secretSeed"), "{json}");
    assert_eq!(wallet.load().unwrap().hotkey(), soft.key().hotkey());
}

#[test]
fn public_files_hold_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let wallet = wallet(folder.path());
    let key = Keypair::from_seed(&[7; 32]).hotkey();
    wallet
        .public_coldkey()
        .store_public_key(key, false)
        .unwrap();
    assert_eq!(wallet.public_coldkey().public_key().unwrap(), key);
    let error = wallet
        .public_coldkey()
        .load(&KeyfileAccess::default())
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("neither secretSeed nor privateKey")
    );
}

/// Argon2 takes its time by design, so one test has it all.
#[test]
fn an_encrypted_key_opens_with_its_password_alone() {
    let folder = tempfile::tempdir().unwrap();
    let coldkey = wallet(folder.path()).coldkey();
    let secret = KeyMaterial::from_seed(&[7; 32]);
    coldkey.store(&secret, Some("pässword"), false).unwrap();
    let bytes = fs::read(coldkey.path()).unwrap();
    assert!(bytes.starts_with(b"$NACL") && coldkey.info().unwrap().encrypted);
    let key = coldkey.load(&with_password("pässword")).unwrap();
    assert_eq!(key.hotkey(), secret.key().hotkey());
    assert!(matches!(
        coldkey.load(&with_password("password")),
        Err(KeyfileError::WrongPassword(_))
    ));
    fs::write(coldkey.path(), &bytes[..40]).unwrap();
    assert!(matches!(
        coldkey.load(&with_password("pässword")),
        Err(KeyfileError::Truncated(_))
    ));
    // Nobody sits at a test's terminal.
    fs::write(coldkey.path(), &bytes).unwrap();
    let error = coldkey
        .load(&KeyfileAccess::default())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("BT_PW_") && error.contains("--password-file"),
        "{error}"
    );
}
