//! Keyfiles written, damaged and read again.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::thread;

use foretell_core::hotkey::Hotkey;
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
        ("", "is empty"),
        ("$NACLrest", "is truncated"),
        (
            "gAAAAABkey",
            "encrypted with Fernet, as the ecosystem's tools did it long ago",
        ),
        (
            "not a key",
            "is not a Bittensor keyfile: it is no JSON object",
        ),
        (
            "{}",
            "is not a Bittensor keyfile: it has none of secretSeed",
        ),
        (&json.replace(&own, &other), "states public key"),
        (
            &json.replace(&own_address, &others_address),
            "states public key",
        ),
        (
            &json.replace('{', "{\"cryptoType\":0,"),
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

const PHRASE: &str = "bottom drive obey lake curtain smoke basket hold race lonely fit walk";
/// The key of [`PHRASE`] with nothing after it.
const ROOT: &str = "5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV";
const ALICE: &str = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
const ALICE_SEED: &str = "e5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a";
const ALICE_KEY: &str = "d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d";
/// Alice's key as Polkadot writes it.
const ALICE_ON_POLKADOT: &str = "15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5";

/// As `bittensor_wallet` 4.0.1 and 4.1.1 read the same files, where they read them.
#[test]
fn every_form_that_the_ecosystem_writes_gives_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let wallet = wallet(folder.path());
    wallet.store(&[7; 32]).unwrap();
    let given = |content: &str| {
        fs::write(wallet.keyfile_path(), content).unwrap();
        wallet.load().map(|key| key.hotkey().to_string())
    };
    let phrase = format!(r#""secretPhrase": "{PHRASE}""#);
    let capitals = phrase.replace("bottom drive", "Bottom  Drive");
    let seed = format!(r#""secretSeed": "{ALICE_SEED}""#);
    let seed_0x = format!(r#""secretSeed": "0x{ALICE_SEED}""#);
    let public = format!(r#""publicKey": "0x{ALICE_KEY}""#);
    for (fields, expected) in [
        (phrase.clone(), ROOT),
        (
            format!(r#"{phrase}, "secretSeed": null, "privateKey": null, "publicKey": null"#),
            ROOT,
        ),
        (
            format!(r#"{phrase}, "secretSeed": "", "cryptoType": null"#),
            ROOT,
        ),
        (format!(r#"{phrase}, "ss58Address": "{ROOT}""#), ROOT),
        (capitals, ROOT),
        (seed.clone(), ALICE),
        (seed_0x.clone(), ALICE),
        (format!(r#"{seed_0x}, {public}, "cryptoType": 1"#), ALICE),
        (
            format!(r#"{seed_0x}, "accountId": "{ALICE_KEY}", "cryptoType": "1""#),
            ALICE,
        ),
        (
            format!(r#"{seed}, "ss58Address": "{ALICE_ON_POLKADOT}""#),
            ALICE,
        ),
        (
            format!(r#"{seed}, "something": {{"new": [1, {{}}]}}"#),
            ALICE,
        ),
    ] {
        let content = format!("{{{fields}}}");
        assert_eq!(given(&content).unwrap(), expected, "{content}");
        let with_mark = format!("\u{feff}{content}\r\n");
        assert_eq!(given(&with_mark).unwrap(), expected, "{content}");
    }
    // The phrase is of another key than the file says it is.
    let error = given(&format!("{{{phrase}, {public}}}")).unwrap_err();
    assert!(
        matches!(
            error,
            KeyfileError::Mismatch {
                field: "secretPhrase",
                ..
            }
        ),
        "{error}"
    );
    assert!(error.to_string().contains("keys import"), "{error}");
}

#[test]
fn every_form_of_a_public_half_gives_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let file = wallet(folder.path()).public_coldkey();
    let alice: Hotkey = ALICE.parse().unwrap();
    file.store_public_key(alice, false).unwrap();
    for content in [
        format!("0x{ALICE_KEY}"),
        format!("0x{ALICE_KEY}\n"),
        ALICE_KEY.to_owned(),
        ALICE_KEY.to_uppercase(),
        format!("{ALICE}\n"),
        ALICE_ON_POLKADOT.to_owned(),
        format!(r#"{{"accountId": "0x{ALICE_KEY}"}}"#),
        format!(r#"{{"publicKey": "{ALICE_KEY}"}}"#),
        format!(r#"{{"ss58Address": "{ALICE}", "publicKey": null}}"#),
    ] {
        fs::write(file.path(), &content).unwrap();
        assert_eq!(file.public_key().unwrap(), alice, "{content}");
        let error = file.load(&KeyfileAccess::default()).unwrap_err();
        assert!(
            matches!(error, KeyfileError::NoSecret(_)),
            "{content}: {error}"
        );
    }
    let two = format!(r#"{{"publicKey": "{ALICE_KEY}", "ss58Address": "{ROOT}"}}"#);
    fs::write(file.path(), two).unwrap();
    assert!(matches!(
        file.public_key(),
        Err(KeyfileError::Mismatch {
            field: "ss58Address",
            ..
        })
    ));
}

/// `bittensor_wallet` 4.0 reads no file that has a number in it.
#[test]
fn what_is_written_is_text_in_every_field() {
    let folder = tempfile::tempdir().unwrap();
    let wallet = wallet(folder.path());
    wallet.store(&[7; 32]).unwrap();
    let json = fs::read(wallet.keyfile_path()).unwrap();
    let fields: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&json).unwrap();
    assert!(
        fields.values().all(serde_json::Value::is_string),
        "{fields:?}"
    );
}

#[test]
fn of_many_keys_stored_at_once_one_is_kept_and_only_it_is_told() {
    for _ in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let pair = wallet(folder.path()).hotkey_pair();
        let told: Vec<Hotkey> = thread::scope(|scope| {
            let store = |n: u8| {
                let pair = &pair;
                scope.spawn(move || {
                    let secret = KeyMaterial::from_seed(&[n; 32]);
                    match pair.store(&secret, None, false) {
                        Ok(stored) => {
                            stored.public_half.unwrap();
                            Some(secret.key().hotkey())
                        }
                        Err(KeyfileError::Exists(_)) => None,
                        Err(error) => panic!("{error}"),
                    }
                })
            };
            let threads: Vec<_> = (1..=4).map(store).collect();
            threads
                .into_iter()
                .filter_map(|thread| thread.join().unwrap())
                .collect()
        });
        let kept = pair
            .secret
            .load(&KeyfileAccess::default())
            .unwrap()
            .hotkey();
        assert_eq!(told, [kept]);
        assert_eq!(pair.public.public_key().unwrap(), kept);
        let names = fs::read_dir(pair.secret.path().parent().unwrap())
            .unwrap()
            .count();
        assert_eq!(names, 2);
    }
}

#[test]
fn two_that_overwrite_at_once_leave_both_halves_of_one_key() {
    let folder = tempfile::tempdir().unwrap();
    let pair = wallet(folder.path()).hotkey_pair();
    for _ in 0..20 {
        thread::scope(|scope| {
            for n in 1..=3 {
                let pair = &pair;
                scope.spawn(move || {
                    let secret = KeyMaterial::from_seed(&[n; 32]);
                    pair.store(&secret, None, true)
                        .unwrap()
                        .public_half
                        .unwrap();
                });
            }
        });
        let kept = pair.secret.public_key().unwrap();
        assert_eq!(pair.public.public_key().unwrap(), kept);
    }
}

#[test]
fn the_public_half_of_another_key_is_not_replaced_unasked() {
    let folder = tempfile::tempdir().unwrap();
    let pair = wallet(folder.path()).coldkey_pair();
    let (own, other) = (
        KeyMaterial::from_seed(&[7; 32]),
        KeyMaterial::from_seed(&[8; 32]),
    );
    pair.public
        .store_public_key(own.key().hotkey(), false)
        .unwrap();
    let before = fs::read(pair.public.path()).unwrap();
    let error = pair.store(&other, None, false).unwrap_err();
    assert!(
        matches!(error, KeyfileError::OtherPublicHalf { .. }),
        "{error}"
    );
    assert!(!pair.secret.exists());
    // Its own secret may come.
    pair.store(&own, None, false).unwrap().public_half.unwrap();
    assert_eq!(fs::read(pair.public.path()).unwrap(), before);
    pair.store(&other, None, true).unwrap().public_half.unwrap();
    assert_eq!(pair.public.public_key().unwrap(), other.key().hotkey());

    fs::remove_file(pair.secret.path()).unwrap();
    fs::write(pair.public.path(), "scribble").unwrap();
    let error = pair.store(&own, None, false).unwrap_err();
    assert!(
        matches!(error, KeyfileError::UnreadablePublicHalf { .. }),
        "{error}"
    );
    assert!(!pair.secret.exists());
    assert_eq!(fs::read(pair.public.path()).unwrap(), b"scribble");
}

/// Overwriting follows no link, and replaces neither links nor folders.
#[test]
fn what_is_no_file_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let pair = wallet(folder.path()).hotkey_pair();
    let secret = KeyMaterial::from_seed(&[7; 32]);
    let elsewhere = folder.path().join("elsewhere");
    fs::write(&elsewhere, "kept").unwrap();
    fs::create_dir_all(pair.secret.path().parent().unwrap()).unwrap();
    let refused = |overwrite: bool, words: &str| {
        let error = pair
            .store(&secret, None, overwrite)
            .unwrap_err()
            .to_string();
        assert!(error.contains(words), "{error}");
    };
    for path in [pair.secret.path(), pair.public.path()] {
        for target in [elsewhere.as_path(), Path::new("nowhere")] {
            symlink(target, path).unwrap();
            refused(false, "a symbolic link");
            refused(true, "a symbolic link");
            assert_eq!(fs::read_link(path).unwrap(), target);
            fs::remove_file(path).unwrap();
        }
        fs::create_dir(path).unwrap();
        refused(false, "a folder");
        refused(true, "a folder");
        fs::remove_dir(path).unwrap();
    }
    assert_eq!(fs::read(&elsewhere).unwrap(), b"kept");
    assert!(!pair.secret.exists() && !pair.public.exists());
    let within = WalletHotkey {
        wallet: "elsewhere".into(),
        ..wallet(folder.path())
    };
    let error = within.hotkey_pair().store(&secret, None, true).unwrap_err();
    assert!(matches!(error, KeyfileError::Write { .. }), "{error}");
}

#[test]
fn a_public_half_that_can_not_be_written_leaves_the_secret_and_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let pair = KeyfilePair {
        secret: wallet(folder.path()).keyfile(),
        public: Keyfile::new(folder.path().join("file/hotkeypub.txt")),
    };
    fs::write(folder.path().join("file"), "").unwrap();
    let secret = KeyMaterial::from_seed(&[7; 32]);
    let stored = pair.store(&secret, None, false).unwrap();
    assert!(matches!(
        stored.public_half,
        Err(KeyfileError::Write { .. })
    ));
    assert_eq!(pair.secret.public_key().unwrap(), secret.key().hotkey());
}

#[test]
fn a_file_too_long_for_a_keyfile_is_not_read_whole() {
    let folder = tempfile::tempdir().unwrap();
    let wallet = wallet(folder.path());
    wallet.store(&[7; 32]).unwrap();
    let json = fs::read_to_string(wallet.keyfile_path()).unwrap();
    let deep = json.replacen('{', &format!("{{\"x\": {},", "[".repeat(50_000)), 1);
    fs::write(wallet.keyfile_path(), deep).unwrap();
    assert!(wallet.load().is_err());
    fs::write(
        wallet.keyfile_path(),
        format!("{json}{}", " ".repeat(1 << 20)),
    )
    .unwrap();
    assert!(matches!(wallet.load(), Err(KeyfileError::TooLong { .. })));
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
    assert!(matches!(error, KeyfileError::NoSecret(_)), "{error}");
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
