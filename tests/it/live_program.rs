//! `validator run` and `localnet --speed live` as programs, by the machine's clock, on exchanges on loopback or none.

use std::fs;
use std::process::Command;

use foretell_cli::clock::system_now;
use foretell_core::hotkey::Hotkey;
use foretell_core::testing::assert_contains_all;
use foretell_testkit::{
    FakeRestExchanges, TestProcess, durable_record_count, validator_binary, wait_until,
};
use tempfile::TempDir;

use crate::live_service::{SERIES, key};

/// The program, by the machine's clock.
struct ValidatorProgram {
    folder: TempDir,
}

impl ValidatorProgram {
    fn new(prices: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let config = format!("data = {data:?}\n{SERIES}{prices}");
        fs::write(folder.path().join("validator.toml"), config).unwrap();
        Self { folder }
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(validator_binary());
        command
            .arg(name)
            .arg("--config")
            .arg(self.folder.path().join("validator.toml"));
        command.env("NO_PROXY", "127.0.0.1");
        command
    }

    fn record_count(&self) -> u64 {
        durable_record_count(&self.folder.path().join("data"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_backfills_stops_on_sigterm_and_carries_on() {
    let exchanges = FakeRestExchanges::start(system_now()).await;
    let program = ValidatorProgram::new(&exchanges.prices_toml());
    let running = TestProcess::spawn(&mut program.command("run"));
    wait_until("the first prices", || program.record_count() > 240);
    let status = TestProcess::spawn(&mut program.command("status")).wait();
    assert_eq!(status.code, Some(0), "{}", status.stderr);
    assert_contains_all(
        &status.stdout,
        &["running: BTC/USD", "next round: ", "newest price: "],
    );
    running.terminate();
    let ended = running.wait();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("the same command carries on"),
        "{}",
        ended.stderr
    );

    let before = program.record_count();
    let running = TestProcess::spawn(&mut program.command("run"));
    wait_until("more prices", || program.record_count() > before + 100);
    running.kill();
    let running = TestProcess::spawn(&mut program.command("run"));
    wait_until("a day of prices", || program.record_count() > 1440);
    running.terminate();
    assert_eq!(running.wait().code, Some(0));
}

/// The `[prices]` of exchanges that are not there.
fn unreachable_prices_toml() -> String {
    // A port that was free a moment ago.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let host = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let market = |venue: &str| format!("{{venue = \"{venue}\", host = \"{host}\"}}");
    let venues = ["bitstamp", "kraken", "gemini"].map(market).join(", ");
    format!("[prices]\nkind = \"venues\"\nvenues = [{venues}]\nusdt_usd = []\n")
}

#[test]
fn without_a_network_it_says_so_and_keeps_trying() {
    let program = ValidatorProgram::new(&unreachable_prices_toml());
    let mut running = TestProcess::spawn(&mut program.command("run"));
    wait_until("word of the network", || {
        running.stderr().contains("no exchange can be reached")
    });
    assert!(!running.has_exited());
    let status = program.folder.path().join("data/status.json");
    wait_until("the status", || {
        fs::read_to_string(&status).is_ok_and(|text| text.contains("no exchange"))
    });
    running.terminate();
    assert_eq!(running.wait().code, Some(0));
}

/// `localnet --speed live` on these exchanges, with two miners.
fn live_network(program: &ValidatorProgram) -> TestProcess {
    let mut command = program.command("localnet");
    command.args(["--speed", "live", "--miners", "2", "--json"]);
    TestProcess::spawn(&mut command)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_network_has_real_miners_and_ends_with_its_leaderboard_when_told() {
    let exchanges = FakeRestExchanges::start(system_now()).await;
    let program = ValidatorProgram::new(&exchanges.prices_toml());
    let running = live_network(&program);
    wait_until("the miners to listen", || {
        running.stderr().contains("2 miners: har-30d, gaussian-7d")
    });
    running.terminate();
    let json = running.wait().json();
    assert_eq!(
        (&json["series"], &json["rules"]),
        (&"BTC/USD".into(), &"1".into())
    );
    let rows = json["leaderboard"].as_array().unwrap();
    assert_eq!(rows.len(), 4, "{rows:?}");
    assert_eq!(json["prices"]["source"]["kind"], "live");
}

#[test]
fn a_live_network_without_exchanges_ends_and_says_why() {
    let program = ValidatorProgram::new(&unreachable_prices_toml());
    live_network(&program)
        .wait()
        .assert_failed_with(&["no exchange can be reached", "--speed live"]);
}

#[test]
fn what_is_wrong_with_a_configuration_is_said() {
    let refused = |prices: &str, words: &[&str]| {
        let program = ValidatorProgram::new(prices);
        TestProcess::spawn(&mut program.command("run"))
            .wait()
            .assert_failed_with(words);
    };
    refused(
        "[prices]\nkind = \"venues\"\nvenues = [{venue = \"mtgox\"}]",
        &["mtgox"],
    );
    refused("[price]", &["validator.toml", "unknown field `price`"]);
    let program = ValidatorProgram::new("");
    let status = TestProcess::spawn(&mut program.command("status")).wait();
    status.assert_failed_with(&["status.json", "has `validator run` been started"]);
    let hotkey: Hotkey = key("validator").hotkey();
    assert_eq!(hotkey.to_string().len(), 48);
}
