//! `miner serve` on its own: what it says when it can't start, and when it can.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use foretell_keys::keyfile::WalletHotkey;
use foretell_keys::keypair::Keypair;
use foretell_testkit::{
    TestProcess, miner_binary, miner_config_toml, send_signal, store_hotkey, wait_until,
};
use serde_json::Value;
use tempfile::TempDir;

/// A miner's folder: a wallet and a configuration.
struct MinerFixture {
    folder: TempDir,
    wallet: WalletHotkey,
}

impl MinerFixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let wallet = store_hotkey(folder.path(), "mine", &[7; 32]);
        let fixture = Self { folder, wallet };
        fixture.edit(|text| text);
        fixture
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("miner.toml")
    }

    /// Writes the configuration, changed by `change`.
    fn edit(&self, change: impl FnOnce(String) -> String) {
        let folder = self.folder.path();
        let validator = Keypair::derived(1, "validator").hotkey();
        let serve = format!("validators = [\"{validator}\"]");
        let text = miner_config_toml(folder, "127.0.0.1:9", r#"name = "har""#, &serve);
        fs::write(self.config(), change(text)).unwrap();
    }

    fn start(&self, arguments: &[&str]) -> TestProcess {
        let mut command = Command::new(miner_binary());
        command
            .arg("serve")
            .arg("--config")
            .arg(self.config())
            .arg("--wallet-path")
            .arg(&self.wallet.path)
            .args(["--wallet", &self.wallet.wallet])
            .args(arguments);
        TestProcess::spawn(&mut command)
    }

    fn assert_failed_with(&self, arguments: &[&str], words: &[&str]) {
        self.start(arguments).wait().assert_failed_with(words);
    }

    /// The line of JSON that a miner prints once it listens.
    fn ready_line(&self, arguments: &[&str]) -> Value {
        let mut running = self.start(arguments);
        wait_until("the miner to listen", || {
            assert!(!running.has_exited(), "the miner ended");
            running.stdout().ends_with('\n')
        });
        serde_json::from_str(&running.stdout()).unwrap()
    }
}

#[test]
fn what_is_wrong_with_the_configuration_is_said_with_its_place() {
    let fixture = MinerFixture::new();
    let refused = |from: &str, to: &str, words: &[&str]| {
        fixture.edit(|text| {
            assert!(text.contains(from));
            text.replace(from, to)
        });
        fixture.assert_failed_with(&[], words);
    };
    for (table, key) in [
        ("series", "units"),
        ("prices", "symbols"),
        ("model", "seeds"),
        ("serve", "ports"),
    ] {
        let header = format!("[{table}]");
        let unknown = format!("unknown field `{key}`");
        let with_key = format!("{header}\n{key} = 1");
        refused(
            &header,
            &with_key,
            &["miner.toml", &unknown, "expected one of"],
        );
    }
    refused(
        "horizon = 6",
        "",
        &["miner.toml", "missing field `horizon`"],
    );
    refused("[model]", "[model", &["miner.toml", "not valid", "line"]);
    refused(
        "\"har\"",
        "\"oracle\"",
        &[
            "oracle",
            "is no model",
            "random-walk, gaussian, garch-t, har, har-plus, elastic-net",
        ],
    );
    refused("\"replay\"", "\"mtgox\"", &["mtgox", "venue"]);
    refused(
        "horizon = 6",
        "horizon = 0",
        &["series.horizon = 0", "1 to 1000"],
    );
    refused(
        "name = \"har\"",
        "name = \"har\"\nk = 0",
        &["model.k = 0", "1 to 1000"],
    );
    fs::remove_file(fixture.config()).unwrap();
    fixture.assert_failed_with(&[], &["can't read configuration", "miner.toml", "--config"]);
}

#[test]
fn a_miner_that_answers_nobody_says_so() {
    let fixture = MinerFixture::new();
    fixture.edit(|text| text.replace("validators = ", "# validators = "));
    let mut running = fixture.start(&[]);
    wait_until("the miner to say that it answers nobody", || {
        let said = running.stderr();
        said.contains("nobody is answered") && said.contains("serve.validators")
    });
    assert!(!running.has_exited());
}

#[test]
fn a_port_in_use_is_named_with_the_key_that_changes_it() {
    let fixture = MinerFixture::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    fixture.edit(|text| text.replace("127.0.0.1:0", &address));
    fixture.assert_failed_with(&[], &[&address, "another process", "serve.listen"]);
}

#[test]
fn a_data_directory_that_can_not_be_is_named_with_its_key() {
    let fixture = MinerFixture::new();
    fs::write(fixture.folder.path().join("answers"), "a file").unwrap();
    fixture.assert_failed_with(&[], &["answers", "check serve.data"]);
}

#[test]
fn a_keyfile_that_gives_no_key_is_named_with_the_cure() {
    let fixture = MinerFixture::new();
    let file = fixture.wallet.keyfile_path();
    fixture.assert_failed_with(&["--hotkey", "other"], &["mine/hotkeys/other", "--hotkey"]);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    fixture.assert_failed_with(
        &[],
        &[
            "mine/hotkeys/default",
            "readable by others",
            "mode 640",
            "chmod 600",
        ],
    );
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&file, "$NACL…").unwrap();
    fixture.assert_failed_with(&[], &["mine/hotkeys/default", "truncated", "keys import"]);
    let sealed = [&b"$NACL"[..], &[7; 100]].concat();
    fs::write(&file, sealed).unwrap();
    fixture.assert_failed_with(&[], &["mine/hotkeys/default", "encrypted"]);
    fs::write(&file, "scribble").unwrap();
    fixture.assert_failed_with(&[], &["mine/hotkeys/default", "not a Bittensor keyfile"]);
}

#[test]
fn it_says_where_it_listens_as_whom_and_with_which_model() {
    let fixture = MinerFixture::new();
    let ready = fixture.ready_line(&[]);
    assert_eq!(ready["model"], "har");
    assert_eq!(
        ready["hotkey"],
        fixture.wallet.load().unwrap().hotkey().to_string()
    );
    assert!(
        ready["listening"]
            .as_str()
            .unwrap()
            .starts_with("127.0.0.1:")
    );
    assert_ne!(ready["listening"], "127.0.0.1:0");
}

#[test]
fn the_model_of_the_command_line_goes_before_the_configured_one() {
    let fixture = MinerFixture::new();
    assert_eq!(
        fixture.ready_line(&["--model", "gaussian"])["model"],
        "gaussian"
    );
    fixture.assert_failed_with(
        &["--model", "oracle"],
        &["oracle", "is no model", "random-walk, gaussian"],
    );
    // A wrong name in the file doesn't matter where the command line has a right one.
    fixture.edit(|text| text.replace("\"har\"", "\"oracle\""));
    assert_eq!(
        fixture.ready_line(&["--model", "gaussian"])["model"],
        "gaussian"
    );
}

#[test]
fn it_ends_well_when_it_is_asked_to_stop_by_either_signal() {
    let fixture = MinerFixture::new();
    for signal in ["TERM", "INT"] {
        let mut running = fixture.start(&[]);
        wait_until("the miner to listen", || {
            running.stdout().contains("listening") || running.has_exited()
        });
        send_signal(running.id(), signal);
        let ended = running.wait();
        assert_eq!(ended.code, Some(0), "SIG{signal}: {}", ended.stderr);
    }
}

#[test]
fn it_ends_with_its_standard_input_where_that_is_asked_for() {
    let fixture = MinerFixture::new();
    let mut running = fixture.start(&["--until-stdin-closes"]);
    wait_until("the miner to listen", || running.stdout().ends_with('\n'));
    assert!(!running.has_exited());
    assert_eq!(running.close_stdin().wait().code, Some(0));
}
