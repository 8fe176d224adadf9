//! What people read of bad keyfiles, passwords, phrases, seeds and names: all in one snapshot.

use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::iter::successors;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use zeroize::Zeroizing;

use super::*;
use crate::key_material::KeyMaterial;

/// An error with its causes in one line, as the programs print it.
fn with_causes(error: &KeyfileError) -> String {
    let first: &(dyn Error + 'static) = error;
    let causes = successors(Some(first), |error| Error::source(*error));
    let causes: Vec<String> = causes.map(ToString::to_string).collect();
    causes.join(": ")
}

const PHRASE: &str = "bottom drive obey lake curtain smoke basket hold race lonely fit walk";
const SEED: &str = "0xe5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a";

/// Lines of "what was given: what was said", with the folder's name taken out.
struct Messages {
    folder: tempfile::TempDir,
    lines: String,
}

impl Messages {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            lines: String::new(),
        }
    }

    fn wallet(&self) -> WalletHotkey {
        WalletHotkey {
            path: self.folder.path().to_owned(),
            wallet: "mine".into(),
            hotkey: "default".into(),
        }
    }

    fn add<T>(&mut self, given: &str, error: Result<T, KeyfileError>) {
        let error = error.err().map(|error| with_causes(&error)).unwrap();
        let folder = self.folder.path().display().to_string();
        let upper = folder.replace(['/', '.'], "_").to_uppercase();
        let error = error.replace(&folder, "DIR").replace(&upper, "_DIR");
        writeln!(self.lines, "{given}\n  {error}").unwrap();
    }

    /// What is said of a hotkey's keyfile with this content.
    fn keyfile(&mut self, given: &str, content: impl AsRef<[u8]>) {
        let wallet = self.wallet();
        fs::create_dir_all(wallet.keyfile_path().parent().unwrap()).unwrap();
        fs::write(wallet.keyfile_path(), content).unwrap();
        fs::set_permissions(wallet.keyfile_path(), fs::Permissions::from_mode(0o600)).unwrap();
        self.add(given, wallet.load());
    }
}

#[test]
fn what_is_said_of_keyfiles() {
    let mut said = Messages::new();
    said.add("no file", said.wallet().load());
    let json = |fields: &str| format!("{{{fields}}}");
    let alice =
        r#""publicKey": "0xd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d""#;
    for (given, content) in [
        ("empty", String::new()),
        ("zero bytes", "\0".repeat(300)),
        ("blank", " \n".into()),
        ("cut JSON", json(alice)[..20].to_owned()),
        ("{}", json("")),
        ("scribble", "hunter2".into()),
        ("an array", "[1, 2]".into()),
        (
            "bad JSON",
            "{\"publicKey\": \"0x00\",\n \"secretSeed\" 0}".into(),
        ),
        (
            "a field twice",
            json(r#""secretSeed": "", "secretSeed": """#),
        ),
        ("a number for a seed", json(r#""secretSeed": 17"#)),
        ("a short seed", json(r#""secretSeed": "0xabcd""#)),
        ("a secret that is none", json(r#""privateKey": "0xff""#)),
        (
            "a misspelt phrase",
            json(&format!(
                r#""secretPhrase": "{}""#,
                PHRASE.replace("obey", "oboy")
            )),
        ),
        ("a public key alone", json(alice)),
        ("a bare public key", SEED.into()),
        ("a plain phrase", PHRASE.into()),
        (
            "another's public key",
            json(&format!(r#""secretPhrase": "{PHRASE}", {alice}"#)),
        ),
        (
            "an address that is none",
            json(&format!(r#""secretSeed": "{SEED}", "ss58Address": "5Grw""#)),
        ),
        (
            "ed25519",
            json(&format!(r#""secretSeed": "{SEED}", "cryptoType": 0"#)),
        ),
        ("an export", json(r#""encoded": "AAAA", "address": "5Grw""#)),
        ("Fernet", "gAAAAABhVkVwZ0xhb2x2".into()),
        ("Ansible Vault", "$ANSIBLE_VAULT;1.1;AES256\n6162".into()),
        ("cut encryption", "$NACLrest".into()),
        ("much too long", " ".repeat(70_000)),
    ] {
        said.keyfile(given, content);
    }
    said.keyfile("not UTF-8", b"{\"secretSeed\": \"\xe4\"}");
    let sealed = [&b"$NACL"[..], &[7; 100]].concat();
    said.keyfile("encrypted, and nobody there", sealed);
    let path = said.wallet().keyfile_path();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    said.add("mode 644", said.wallet().load());
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    said.add("a folder", said.wallet().load());
    insta::assert_snapshot!(said.lines);
}

#[test]
fn what_is_said_of_new_keys_and_passwords() {
    let mut said = Messages::new();
    let pair = said.wallet().coldkey_pair();
    let alice = KeyMaterial::parse("//Alice").unwrap();
    let bob = KeyMaterial::parse("//Bob").unwrap();
    pair.public
        .store_public_key(bob.key().hotkey(), false)
        .unwrap();
    said.add("another's public half", pair.store(&alice, None, false));
    fs::write(pair.public.path(), "scribble").unwrap();
    said.add("no public half", pair.store(&alice, None, false));
    fs::remove_file(pair.public.path()).unwrap();
    std::os::unix::fs::symlink("nowhere", pair.secret.path()).unwrap();
    said.add("a link", pair.store(&alice, None, true));
    fs::remove_file(pair.secret.path()).unwrap();
    pair.store(&alice, None, false)
        .unwrap()
        .public_half
        .unwrap();
    said.add("a key that is there", pair.store(&bob, None, false));
    let inside = WalletHotkey {
        wallet: "mine/coldkey".into(),
        ..said.wallet()
    };
    said.add(
        "a file for a folder",
        inside.keyfile().store(&alice, None, false),
    );

    let password_file = said.folder.path().join("password");
    let mut password = |given: &str, content: Option<&[u8]>| {
        match content {
            Some(content) => fs::write(&password_file, content).unwrap(),
            None => fs::remove_file(&password_file).unwrap(),
        }
        let source = PasswordSource::File(password_file.clone());
        let new = source.new_password(pair.secret.path());
        said.add(given, new.map(drop));
    };
    password("an empty password file", Some(b""));
    password("a blank first line", Some(b"  \nhunter2"));
    password("a password that ends with a blank", Some(b"hunter2 \n"));
    password("a password that is too long", Some(&[b'x'; 5000]));
    password("a password in Latin-1", Some(b"\xe4"));
    password("no password file", None);
    let literal = PasswordSource::Literal(Zeroizing::new(String::new()));
    said.add(
        "an empty password",
        literal.new_password(Path::new("coldkey")).map(drop),
    );
    for name in [
        "",
        "../mine",
        ".",
        "a\tb",
        "defaultpub.txt",
        &"x".repeat(300),
    ] {
        said.add(
            &format!("the name {:?}", &name[..name.len().min(20)]),
            parse_key_name(name),
        );
    }
    insta::assert_snapshot!(said.lines);
}

#[test]
fn what_is_said_of_phrases_seeds_and_uris() {
    let mut lines = String::new();
    for (given, text) in [
        ("nothing", " \n".to_owned()),
        ("3 words", "bottom drive obey".into()),
        ("13 words", format!("{PHRASE} walk")),
        ("a misspelt word", PHRASE.replace("obey", "oboy")),
        (
            "words in another order",
            PHRASE.replace("obey lake", "lake obey"),
        ),
        ("a short seed", "0x1234".into()),
        ("a seed with a wrong digit", SEED.replace("5c0a", "5c0g")),
        ("0x twice", format!("0x{SEED}")),
        ("an empty step", "//Alice//".into()),
        (
            "a step after a misspelt word",
            format!("{}//1", PHRASE.replace("obey", "oboy")),
        ),
        ("2,000 words", "walk ".repeat(2_000)),
    ] {
        let error = KeyMaterial::parse(&text).unwrap_err();
        writeln!(lines, "{given}\n  {error}").unwrap();
    }
    insta::assert_snapshot!(lines);
}
