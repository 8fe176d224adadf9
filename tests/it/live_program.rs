//! `validator run` and `localnet --speed live` as programs, by the machine's clock, on exchanges on loopback or none.

use std::fs;
use std::process::Command;

use foretell_core::hotkey::Hotkey;
use foretell_validator::clock::system_now;
use tempfile::TempDir;

use crate::driver::{Exchanges, Running, until, validator};
use crate::live::{SERIES, key};

/// The program, by the machine's clock.
struct Program {
    folder: TempDir,
}

impl Program {
    fn new(prices: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let config = format!("data = {data:?}\n{SERIES}{prices}");
        fs::write(folder.path().join("validator.toml"), config).unwrap();
        Self { folder }
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(validator());
        command
            .arg(name)
            .arg("--config")
            .arg(self.folder.path().join("validator.toml"));
        command.env("NO_PROXY", "127.0.0.1");
        command
    }

    fn head(&self) -> u64 {
        crate::driver::head(&self.folder.path().join("data"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_backfills_stops_on_sigterm_and_carries_on() {
    let exchanges = Exchanges::open(system_now()).await;
    let program = Program::new(&exchanges.prices_config());
    let running = Running::start(&mut program.command("run"));
    until("the first prices", || program.head() > 240);
    let status = Running::start(&mut program.command("status")).wait();
    assert_eq!(status.code, Some(0), "{}", status.stderr);
    for words in ["running: BTC/USD", "next round: ", "newest price: "] {
        assert!(
            status.stdout.contains(words),
            "{words:?} is not in:\n{}",
            status.stdout
        );
    }
    running.terminate();
    let ended = running.wait();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("the same command carries on"),
        "{}",
        ended.stderr
    );

    let before = program.head();
    let running = Running::start(&mut program.command("run"));
    until("more prices", || program.head() > before + 100);
    running.kill();
    let running = Running::start(&mut program.command("run"));
    until("a day of prices", || program.head() > 1440);
    running.terminate();
    assert_eq!(running.wait().code, Some(0));
}

/// The `[prices]` of exchanges that are not there.
fn nobody() -> String {
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
    let program = Program::new(&nobody());
    let mut running = Running::start(&mut program.command("run"));
    until("word of the network", || {
        running.stderr().contains("no exchange can be reached")
    });
    assert!(!running.has_ended());
    let status = program.folder.path().join("data/status.json");
    until("the status", || {
        fs::read_to_string(&status).is_ok_and(|text| text.contains("no exchange"))
    });
    running.terminate();
    assert_eq!(running.wait().code, Some(0));
}

/// `localnet --speed live` on these exchanges, with two miners.
fn live_network(program: &Program) -> Running {
    let mut command = program.command("localnet");
    command.args(["--speed", "live", "--miners", "2", "--json"]);
    Running::start(&mut command)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_network_has_real_miners_and_ends_with_its_leaderboard_when_told() {
    let exchanges = Exchanges::open(system_now()).await;
    let program = Program::new(&exchanges.prices_config());
    let running = live_network(&program);
    until("the miners to listen", || {
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
    let program = Program::new(&nobody());
    live_network(&program)
        .wait()
        .assert_refused(&["no exchange can be reached", "--speed live"]);
}

#[test]
fn what_is_wrong_with_a_configuration_is_said() {
    let refused = |prices: &str, words: &[&str]| {
        let program = Program::new(prices);
        Running::start(&mut program.command("run"))
            .wait()
            .assert_refused(words);
    };
    refused(
        "[prices]\nkind = \"venues\"\nvenues = [{venue = \"mtgox\"}]",
        &["mtgox"],
    );
    refused("[price]", &["validator.toml", "unknown field `price`"]);
    let program = Program::new("");
    let status = Running::start(&mut program.command("status")).wait();
    status.assert_refused(&["status.json", "has `validator run` been started"]);
    let hotkey: Hotkey = key("validator").hotkey();
    assert_eq!(hotkey.to_string().len(), 48);
}
