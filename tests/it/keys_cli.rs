//! `keys new|show|import` of both programs, and the Python SDKs on the same files.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
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

/// Whatever umask the shell has.
#[test]
fn of_two_at_once_one_makes_the_key_and_shows_its_phrase() {
    for umask in ["000", "022", "077", "277"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let new = || {
            let script = format!(
                "umask {umask}; exec \"$0\" keys new --wallet one --json --wallet-path \"$1\""
            );
            Command::new("sh")
                .args(["-c", &script])
                .args([miner_binary().as_path(), path])
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        };
        let children: Vec<_> = (0..4).map(|_| new()).collect();
        let outputs: Vec<_> = children
            .into_iter()
            .map(|child| child.wait_with_output().unwrap())
            .collect();
        let (made, refused): (Vec<_>, Vec<_>) =
            outputs.iter().partition(|output| output.status.success());
        assert_eq!(made.len(), 1, "{outputs:?}");
        for output in refused {
            let words = String::from_utf8_lossy(&output.stderr);
            assert!(words.contains("--overwrite"), "{words}");
            assert_eq!(output.stdout, b"");
        }
        let made: Value = serde_json::from_slice(&made[0].stdout).unwrap();
        let phrase = made["phrase"].as_str().unwrap();
        let from_phrase = keys(miner_binary(), path, "import --wallet two --json", phrase).json();
        let shown = keys(miner_binary(), path, "show --wallet one --json", "").json();
        assert_eq!(shown[1]["address"], made["address"]);
        assert_eq!(from_phrase["address"], made["address"]);
        let mode = |name: &str| {
            let metadata = std::fs::metadata(path.join("one").join(name)).unwrap();
            metadata.permissions().mode() & 0o777
        };
        for (name, expected) in [
            ("", 0o700),
            ("hotkeys", 0o700),
            ("hotkeys/default", 0o600),
            ("hotkeys/defaultpub.txt", 0o600),
        ] {
            assert_eq!(mode(name), expected, "{name} with umask {umask}");
        }
    }
}

#[test]
fn what_would_lose_a_key_or_protect_none_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let refused = |arguments: &str, words: &str| {
        let output = keys(miner_binary(), path, arguments, "//Bob\n");
        assert_eq!((output.code, output.stdout.as_str()), (Some(1), ""));
        assert!(output.stderr.contains(words), "{}", output.stderr);
    };
    let wallet = path.join("w");
    std::fs::create_dir(&wallet).unwrap();
    let alice_hex = "0xd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d";
    std::fs::write(wallet.join("coldkeypub.txt"), alice_hex).unwrap();
    let shown = keys(miner_binary(), path, "show --wallet w --json", "").json();
    assert_eq!(shown[0]["address"], ALICE);
    refused(
        "new --wallet w --coldkey --no-password",
        "the public half of another key",
    );
    let password = path.join("password");
    std::fs::write(&password, "").unwrap();
    let empty = format!(
        "new --wallet v --coldkey --password-file {}",
        password.display()
    );
    refused(&empty, "it is empty");
    std::fs::create_dir(wallet.join("hotkeys")).unwrap();
    std::fs::write(wallet.join("hotkeys/default"), "scribble").unwrap();
    let shown = keys(miner_binary(), path, "show --wallet w", "");
    assert_eq!(shown.code, Some(1));
    assert!(shown.stdout.contains("WRONG: "), "{}", shown.stdout);
    assert!(
        !shown.stdout.contains("unknown without"),
        "{}",
        shown.stdout
    );
}
