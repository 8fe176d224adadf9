//! `keys new|show|import` of both programs, and the Python SDKs on the same files.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use foretell_testkit::{BittensorSdk, miner_binary, validator_binary};
use serde_json::{Value, json};

const ALICE: &str = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";

struct KeysOutput {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl KeysOutput {
    fn json(&self) -> Value {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        serde_json::from_str(&self.stdout).unwrap()
    }
}

/// `program keys` with these arguments on the wallets in `folder`, and a line of input.
fn keys(program: PathBuf, folder: &Path, arguments: &str, input: &str) -> KeysOutput {
    let mut child = Command::new(program)
        .arg("keys")
        .args(arguments.split(' '))
        .arg("--wallet-path")
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A command that needs no input may have ended already.
    drop(stdin.write_all(input.as_bytes()));
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    KeysOutput {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn a_key_is_made_shown_and_made_again_from_its_phrase() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let new = keys(miner_binary(), path, "new --wallet one --json", "").json();
    let phrase = new["phrase"].as_str().unwrap();
    assert_eq!(phrase.split(' ').count(), 12);
    let shown = keys(validator_binary(), path, "show --wallet one --json", "").json();
    assert_eq!(shown[1]["address"], new["address"]);
    assert_eq!(shown[1]["mode"], "600");
    assert_eq!(shown[0]["exists"], false);

    let again = keys(miner_binary(), path, "new --wallet one", "");
    assert_eq!((again.code, again.stdout.as_str()), (Some(1), ""));
    assert!(again.stderr.contains("--overwrite"), "{}", again.stderr);

    let imported = keys(
        validator_binary(),
        path,
        "import --wallet two --json",
        phrase,
    )
    .json();
    assert_eq!(imported["address"], new["address"]);
    assert_eq!(imported.get("phrase"), None);
    let words = keys(validator_binary(), path, "show --wallet two", "").stdout;
    assert!(words.contains(new["address"].as_str().unwrap()), "{words}");
    assert!(!words.contains(phrase), "{words}");
}

#[test]
fn what_can_not_be_imported_is_said_without_repeating_it() {
    let folder = tempfile::tempdir().unwrap();
    let alice = keys(miner_binary(), folder.path(), "import --json", "//Alice\n").json();
    assert_eq!(alice["address"], ALICE);
    for (input, words) in [
        ("", "no secret was given"),
        ("0x12", "64 hex digits"),
        ("abandon abandon secretword", "3 words"),
    ] {
        let output = keys(miner_binary(), folder.path(), "import --wallet w", input);
        assert_eq!(output.code, Some(1), "{input}");
        assert!(output.stderr.contains(words), "{}", output.stderr);
        assert!(!output.stderr.contains("secretword"), "{}", output.stderr);
    }
    let output = keys(miner_binary(), folder.path(), "show --wallet nobody", "");
    assert!(output.stderr.contains("keys new"), "{}", output.stderr);
    let output = keys(
        miner_binary(),
        folder.path(),
        "new --wallet w --coldkey",
        "",
    );
    assert!(
        output.stderr.contains("--password-file"),
        "{}",
        output.stderr
    );
}

#[test]
fn the_python_sdks_read_our_keyfiles_and_we_read_theirs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let password = path.join("password");
    std::fs::write(&password, "pässword\n").unwrap();
    let sealed = format!("--password-file {}", password.display());

    let address = |arguments: &str, input: &str| {
        let output = keys(miner_binary(), path, arguments, input).json();
        output["address"].clone()
    };
    let expected = json!({
        "hotkey": address("import --wallet ours --hotkey default --json", "//Alice//stash"),
        "coldkey": address(&format!("new --wallet ours --coldkey {sealed} --json"), ""),
    });
    let soft = address("import --wallet soft --json", "//Alice/soft");
    let plain = address(
        "import --wallet soft --coldkey --no-password --json",
        "//Bob",
    );
    for sdk in [BittensorSdk::V11, BittensorSdk::V10] {
        let theirs = path.join("theirs");
        if theirs.exists() {
            std::fs::remove_dir_all(&theirs).unwrap();
        }
        let input = json!({
            "path": path,
            "ours": [["ours", "default", "pässword"], ["soft", "default", null]],
        });
        let output = sdk.run("wallets.py", &input);
        for (kind, expected) in [
            ("hotkey", &expected["hotkey"]),
            ("coldkey", &expected["coldkey"]),
        ] {
            assert_eq!(output["read"][0][kind], *expected, "{sdk:?} {kind}");
            let public = format!("{kind}pub");
            assert_eq!(output["read"][0][&public], *expected, "{sdk:?} {public}");
        }
        assert_eq!(output["read"][1]["hotkey"], soft, "{sdk:?}");
        assert_eq!(output["read"][1]["coldkey"], plain, "{sdk:?}");

        let wallet_hotkey = foretell_keys::keyfile::WalletHotkey {
            path: path.to_owned(),
            wallet: "theirs".into(),
            hotkey: "default".into(),
        };
        let written = &output["written"];
        let hotkey = wallet_hotkey.load().unwrap().hotkey().to_string();
        assert_eq!(written["hotkey"], hotkey, "{sdk:?}");
        let access = foretell_keys::keyfile::KeyfileAccess {
            password_source: foretell_keys::keyfile::PasswordSource::File(password.clone()),
            ..Default::default()
        };
        let coldkey = wallet_hotkey
            .coldkey()
            .load(&access)
            .unwrap()
            .hotkey()
            .to_string();
        assert_eq!(written["coldkey"], coldkey, "{sdk:?}");
    }
}
